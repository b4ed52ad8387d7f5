# SPDX-License-Identifier: MIT
{ lib
, stdenv
, cmake
, ninja
, pkg-config
, cmocka
, jansson
, libnl
, libpcap
, libsodium
, libvirt
, libxml2
, libyaml
, nftables
, openssl
, zlib
, zstd
, withTests ? false
}:
stdenv.mkDerivation {
  pname = "wgaudit";
  version = builtins.head (builtins.match ".*project\\(wgaudit VERSION ([0-9.]+).*"
    (builtins.readFile ../CMakeLists.txt));

  # all but what cannot change the program
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.difference ../. (lib.fileset.unions [
      ../nixos
      (lib.fileset.maybeMissing ../build)
      (lib.fileset.maybeMissing ../.git)
    ]);
  };

  nativeBuildInputs = [ cmake ninja pkg-config ];
  buildInputs = [ jansson libnl libpcap libsodium libvirt libxml2 libyaml nftables openssl zlib zstd ]
    ++ lib.optional withTests cmocka;

  cmakeFlags = [ (lib.cmakeBool "WGA_TESTS" withTests) ];

  # in a sandbox there are neither namespaces nor foreign programs to compare with
  doCheck = withTests;
  checkPhase = ''
    runHook preCheck
    ctest --output-on-failure -L "unit|fuzz" -j "$NIX_BUILD_CORES"
    runHook postCheck
  '';

  meta = {
    description = "Proves what goes over the wire of a Headscale mesh";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "wgaudit";
  };
}
