# SPDX-License-Identifier: MIT
{
  description = "wgaudit, and Headscale meshes to test it on";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forEach = make: lib.genAttrs systems (system: make system nixpkgs.legacyPackages.${system});

      machines = [ "server" "vm-a" "vm-b" "vm-c" "guest" ];
      machine = name: lib.nixosSystem {
        modules = [
          (./hosts + "/${name}.nix")
          { nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux"; }
        ];
      };
      images = lib.listToAttrs (map
        (name: {
          name = "image-${name}";
          value = self.nixosConfigurations.${name}.config.system.build.images.qemu;
        })
        machines);
    in
    {
      packages = forEach (system: pkgs: rec {
        wgaudit = pkgs.callPackage ./package.nix { };
        default = wgaudit;
      } // lib.optionalAttrs (system == "x86_64-linux") images);

      overlays.default = final: _: { wgaudit = final.callPackage ./package.nix { }; };

      nixosModules = {
        headscale-test-server = ./modules/headscale-test-server.nix;
        mesh-client = ./modules/mesh-client.nix;
        mesh-nginx = ./modules/mesh-nginx.nix;
        topo-guest = ./modules/topo-guest.nix;
        wgaudit-host = { lib, pkgs, ... }: {
          imports = [ ./modules/wgaudit-host.nix ];
          services.wgaudit-host.package =
            lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.wgaudit;
        };
      };

      nixosConfigurations = lib.genAttrs machines machine;

      checks = forEach (system: pkgs: {
        package = pkgs.callPackage ./package.nix { withTests = true; };
        lint = pkgs.runCommand "wgaudit-nix-lint"
          { nativeBuildInputs = [ pkgs.deadnix pkgs.statix ]; } ''
          deadnix --fail ${./.}
          statix check ${./.}
          touch $out
        '';
      } // lib.optionalAttrs (system == "x86_64-linux") {
        mesh = pkgs.testers.runNixOSTest (import ./checks/mesh.nix {
          inherit (self.packages.${system}) wgaudit;
        });
      });

      devShells = forEach (system: pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${system}.wgaudit ];
          packages = [
            pkgs.clang-tools
            pkgs.cmocka
            pkgs.deadnix
            pkgs.headscale
            pkgs.jq
            pkgs.libxml2
            pkgs.nftables
            pkgs.statix
            pkgs.tailscale
            pkgs.tcpdump
            pkgs.wireguard-go
            pkgs.wireguard-tools
            pkgs.wireshark-cli
          ];
        };
      });
    };
}
