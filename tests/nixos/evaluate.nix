# SPDX-License-Identifier: MIT
#
# Evaluates all of nixos/ without nixpkgs, with the options and packages of
# nixpkgs.nix, and checks what comes out. The result is a set:
#
#   evaluates   true, or Nix says why not
#   failed      names of the checks that do not hold
#   count       how many there are
#   options     the table of options in docs/nixos.md
#   settings    what Headscale would be started with
#   testScript  what the NixOS test runs, in Python
#   units       services, paths and timers of machines of each kind
#   web         nginx of the client that has one
#   up          flags that clients give to `tailscale up`
#
# --arg lib 'import <nixpkgs/lib>' takes the real lib instead of the stand-in.
{ lib ? import ./stand-in }:
let
  inherit (builtins) attrNames attrValues concatMap concatStringsSep deepSeq elem filter
    fromJSON functionArgs head intersectAttrs isString length match
    readFile replaceStrings split tryEval;

  nixpkgs = import ./nixpkgs.nix { inherit lib; };
  mesh = import ../../nixos/mesh.nix;

  # ---- packages ----
  package = name: {
    type = "derivation";
    pname = name;
    version = "0";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta.mainProgram = name;
  };
  pkgs = lib.genAttrs nixpkgs.packages package // {
    inherit lib;
    stdenv = {
      hostPlatform.system = "x86_64-linux";
      mkDerivation = attrs: package attrs.pname // attrs;
    };
    callPackage = file: args:
      let make = import file; in
      make (intersectAttrs (functionArgs make) pkgs // args);
    formats.yaml = _: { generate = name: content: package name // { inherit content; }; };
    mkShell = attrs: package "shell" // attrs;
    runCommand = name: attrs: text: package name // attrs // { inherit text; };
    testers.runNixOSTest = test: package "test" // { test = test { inherit lib; }; };
    writeShellApplication = { name, runtimeInputs, text }: package name // { inherit runtimeInputs text; };
  };

  # ---- options ----
  at = path: value:
    if path == [ ] then value else { ${head path} = at (builtins.tail path) value; };
  declarations = map
    (name: {
      options = at (lib.splitString "." name)
        (lib.mkOption (removeAttrs nixpkgs.options.${name} [ "file" ]));
    })
    (attrNames nixpkgs.options);
  defaults = {
    services.headscale.package = lib.mkDefault pkgs.headscale;
    systemd.package = lib.mkDefault pkgs.systemd;
    system.build.images.qemu = package "image";
  };
  nixosSystem = { modules }: lib.evalModules {
    modules = declarations ++ [ defaults ] ++ modules;
    specialArgs = {
      inherit pkgs;
      modulesPath = toString ./stand-in;
    };
  };
  evaluate = modules: (nixosSystem { inherit modules; }).config;

  # ---- the flake ----
  flake = import ../../nixos/flake.nix;
  self = flake.outputs {
    inherit self;
    nixpkgs = {
      lib = lib // { inherit nixosSystem; };
      legacyPackages = { x86_64-linux = pkgs; aarch64-linux = pkgs; };
    };
  };
  hosts = lib.mapAttrs (_: system: system.config) self.nixosConfigurations;
  inherit (hosts) server vm-a vm-b guest;
  meshTest = self.checks.x86_64-linux.mesh.test;
  nodes = lib.mapAttrs (_: node: evaluate [ node ]) meshTest.nodes;
  host = evaluate [
    self.nixosModules.wgaudit-host
    {
      services.wgaudit-host = {
        enable = true;
        users = [ "alice" ];
        bridges.virbr-a.address = "192.168.1.1";
        nightly.enable = true;
        nightly.policy.control = "192.168.100.10:443";
      };
    }
  ];

  # ---- checks ----
  values = config: deepSeq
    [
      config.boot
      config.environment
      config.networking
      config.security
      config.services
      config.system
      config.systemd
      config.users
      config.virtualisation
    ]
    true;
  works = value: (tryEval (deepSeq value true)).success;
  refused = modules: ! works (values (evaluate modules));
  holds = config: lib.all (one: one.assertion) config.assertions;
  holds' = modules: holds (evaluate modules);
  unit = config: name: config.systemd.services.${name};
  ordered = service: after: lib.all (name: elem name service.after) after;
  web = [
    self.nixosModules.mesh-client
    self.nixosModules.mesh-nginx
    {
      services.mesh-client.enable = true;
      services.mesh-nginx.enable = true;
    }
  ];
  control = [ self.nixosModules.headscale-test-server { services.headscale-test-server.enable = true; } ];
  inherit (server.services.headscale) settings;
  listens = config: concatMap (vhost: map (one: one.addr) vhost.listen)
    (attrValues config.services.nginx.virtualHosts);
  has = part: whole: length (split (replaceStrings [ "." "+" "(" ")" ] [ "\\." "\\+" "\\(" "\\)" ] part) whole) > 1;

  # every string in a value that could name a host on the internet
  outside = value:
    if isString value then
      (if match ".*(https?://|[a-z]\\.(com|net|org|io)).*" value != null
        && ! has mesh.control.name value then [ value ] else [ ])
    else if builtins.isAttrs value then concatMap outside (attrValues value)
    else if builtins.isList value then concatMap outside value
    else [ ];

  document = readFile ../../docs/guests.md;
  # a row of its table: | what | Debian | NixOS |
  row = what: nixosSide: has "| ${what} |" document &&
    match ".*\n\\| ${what} \\| [^|]* \\| ${replaceStrings [ "." "/" "+" ] [ "\\." "/" "\\+" ] nixosSide} \\|.*" document != null;

  # by pkg-config name, what CMakeLists.txt asks for and the package has
  pkgConfig = {
    libpcap = "libpcap";
    libsodium = "libsodium";
    libcrypto = "openssl";
    jansson = "jansson";
    "yaml-0.1" = "libyaml";
    zlib = "zlib";
    libzstd = "zstd";
    "libnl-route-3.0" = "libnl";
    libvirt = "libvirt";
    libvirt-qemu = "libvirt";
    libnftables = "nftables";
    "libxml-2.0" = "libxml2";
    cmocka = "cmocka";
  };
  asked = concatMap
    (line:
      let found = match " *pkg_check_modules\\([A-Z0-9_]+ REQUIRED IMPORTED_TARGET ([^)]*)\\).*" line; in
      if found == null then [ ]
      else map (module: head (match "([^>=]+).*" module)) (lib.splitString " " (head found)))
    (lib.splitString "\n" (readFile ../../CMakeLists.txt));
  built = self.checks.x86_64-linux.package;

  checks = {
    # ---- all of it ----
    "hosts are evaluated" = lib.all values (attrValues hosts);
    "nodes of the test are evaluated" = lib.all values (attrValues nodes);
    "the host is evaluated" = values host;
    "assertions hold" = lib.all holds (attrValues hosts ++ attrValues nodes ++ [ host ]);
    "packages, checks and shells are evaluated" =
      works (map (all: map (one: one.outPath) (attrValues all.x86_64-linux)) [ self.packages self.checks self.devShells ]);
    "modules are those of the specification" = attrNames self.nixosModules ==
      [ "headscale-test-server" "mesh-client" "mesh-nginx" "topo-guest" "wgaudit-host" ];
    "images are made" = lib.all (name: self.packages.x86_64-linux ? "image-${name}") (attrNames hosts);
    "modules do nothing unless enabled" =
      let idle = evaluate (attrValues self.nixosModules); in
      ! idle.services.headscale.enable && ! idle.services.tailscale.enable
      && ! idle.services.nginx.enable && ! idle.virtualisation.libvirtd.enable
      && idle.systemd.services == { };

    # ---- the test can see faults ----
    "an option that does not exist is refused" =
      refused [{ services.tailscale.authKeyPath = "/run/key"; }];
    "one that is gone is refused" =
      refused [{ services.headscale.settings.dns_config.magic_dns = true; }]
      && refused [{ virtualisation.libvirtd.enableKVM = true; }];
    "one in a submodule is refused" =
      refused [{ services.nginx.virtualHosts.x.listens = [ ]; }]
      && refused [{ systemd.services.x.serviceConfig.RestartSecs = 1; }];
    "one behind a condition is refused" =
      refused [{ config = lib.mkIf true { services.nope.enable = true; }; }];
    "a wrong type is refused" =
      refused [{ services.headscale.port = "443"; }]
      && refused [{ services.tailscale.useRoutingFeatures = "all"; }]
      && refused [{ networking.firewall.allowedTCPPorts = [ 70000 ]; }];
    "two values for one option are refused" =
      refused [{ networking.hostName = "a"; } { networking.hostName = "b"; }];
    "a right one is taken" = ! refused [{ services.tailscale.authKeyFile = "/run/key"; }];
    "a package that does not exist is seen" = ! (pkgs ? opensssl);

    # ---- the server ----
    "headscale looks nothing up outside" = settings.derp.urls == [ ] && settings.derp.paths == [ ]
      && ! settings.derp.auto_update_enabled && settings.disable_check_updates
      && settings.dns.nameservers.global == [ ] && ! settings.dns.override_local_dns
      && settings.tls_letsencrypt_hostname == "" && ! settings.logtail.enabled
      && outside settings == [ ];
    "DERP is embedded, with TLS and an address" = settings.derp.server.enabled
      && match "https://.*" settings.server_url != null
      && settings.tls_cert_path != null && settings.tls_key_path != null
      && settings.derp.server.ipv4 == mesh.hosts.server.address;
    "IPv4 only" = settings.prefixes.v6 == "" && ! server.networking.enableIPv6 && ! vm-a.networking.enableIPv6;
    "the state is in a database file" = settings.database.type == "sqlite"
      && match "/var/lib/.*" settings.database.sqlite.path != null;
    "MagicDNS" = settings.dns.magic_dns && settings.dns.base_domain == mesh.overlay.domain;
    "the key is made once, with a short life, after headscale" =
      let key = unit server "headscale-test-key"; in
      ordered key [ "headscale.service" ] && match "[0-9]+m" key.environment.LIFE != null
      && key.unitConfig.ConditionPathExists == "!${server.services.headscale-test-server.keyFile}"
      && key.serviceConfig.UMask == "0077";
    "certificates come before headscale" =
      let certificates = unit server "headscale-test-certificates"; in
      elem "headscale.service" certificates.before && elem "headscale.service" certificates.requiredBy;
    "the server's firewall opens its two ports" =
      server.networking.firewall.allowedTCPPorts == [ 443 ]
      && server.networking.firewall.allowedUDPPorts == [ 3478 ];
    "a server below the MagicDNS domain is refused" =
      ! holds' (control ++ [{ services.headscale-test-server.name = "headscale.mesh.internal"; }]);

    # ---- clients ----
    "clients log in to the server" = elem "--login-server=${settings.server_url}" vm-a.services.tailscale.extraUpFlags
      && vm-a.networking.hosts == { ${mesh.hosts.server.address} = [ mesh.control.name ]; };
    "clients trust the server's authority" =
      (unit vm-a "tailscaled").environment.SSL_CERT_FILE == vm-a.services.mesh-client.caFile;
    "joining is tried again" = let join = unit vm-a "tailscaled-autoconnect"; in
      join.serviceConfig.Restart == "on-failure" && join.startLimitIntervalSec == 0;
    "joining waits for the key, once" = let join = unit vm-a "tailscaled-autoconnect"; in
      vm-a.systemd.paths.mesh-auth-key.pathConfig.PathExists == vm-a.services.tailscale.authKeyFile
      && join.unitConfig.ConditionPathExists == vm-a.services.tailscale.authKeyFile
      && join.serviceConfig.RemainAfterExit;
    "state is kept over reboots" = vm-a.services.tailscale.extraDaemonFlags == [ ]
      && ! holds' (web ++ [{ services.tailscale.extraDaemonFlags = [ "--state=mem:" ]; }]);
    "clients wait for the network in earnest" = let daemon = unit vm-a "tailscaled"; in
      elem "network-online.target" daemon.after && elem "network-online.target" daemon.wants;
    "mesh addresses are no sources on the wire" = vm-a.networking.firewall.checkReversePath == "strict";
    "nothing is opened but the tunnel" = vm-a.networking.firewall.allowedTCPPorts == [ ]
      && vm-a.networking.firewall.allowedUDPPorts == [ ] && vm-a.services.tailscale.openFirewall;
    "the mesh interface can be found" = vm-a.environment.etc."wgaudit/mesh-interface".text
      == "${vm-a.services.tailscale.interfaceName}\n";
    "guest agent and journal" = lib.all
      (config: config.services.qemuGuest.enable && config.services.journald.storage == "persistent")
      (attrValues hosts);

    # ---- nginx ----
    "nginx listens on no address of its own" = listens vm-b == [ "unix:/run/nginx/mesh.sock" ]
      && ! vm-b.services.nginx.statusPage;
    "nginx includes the mesh address" =
      vm-b.services.nginx.commonServerConfig == "include /run/mesh-address/listen.conf;"
      && (unit vm-b "mesh-address").environment.DIRECTORY == "/run/mesh-address";
    "nginx is ordered after the mesh" = let service = unit vm-b "nginx"; in
      ordered service [ "tailscaled.service" "tailscaled-autoconnect.service" "mesh-address.service" ]
      && service.wantedBy == [ "mesh-address.service" ];
    "the address is ordered after tailscaled and makes nobody wait" = let service = unit vm-b "mesh-address"; in
      ordered service [ "tailscaled.service" ] && service.wantedBy == [ "tailscaled.service" ]
      && service.serviceConfig.Type == "notify" && service.serviceConfig.TimeoutStartSec == "infinity";
    "nginx outlives the loss of the mesh" = let service = unit vm-b "nginx"; in
      service.serviceConfig.Restart == "always" && service.startLimitIntervalSec == 0
      && (unit vm-b "mesh-address").startLimitIntervalSec == 0
      && ! (vm-b.boot.kernel.sysctl ? "net.ipv4.ip_nonlocal_bind");
    "the port is open on the mesh interface only" = vm-b.networking.firewall.enable
      && vm-b.networking.firewall.interfaces == { tailscale0.allowedTCPPorts = [ 80 ]; }
      && ! elem 80 vm-b.networking.firewall.allowedTCPPorts
      && vm-b.networking.firewall.trustedInterfaces == [ "lo" ];
    "nginx takes the mesh's packets only" = let service = (unit vm-b "nginx").serviceConfig; in
      service.IPAddressDeny == "any" && service.IPAddressAllow == [ mesh.overlay.prefix "localhost" ];
    "a port that is open elsewhere is refused" =
      ! holds' (web ++ [{ networking.firewall.allowedTCPPorts = [ 80 ]; }])
      && ! holds' (web ++ [{ networking.firewall.interfaces.eth0.allowedTCPPorts = [ 80 ]; }])
      && ! holds' (web ++ [{ networking.firewall.trustedInterfaces = [ "eth0" ]; }])
      && ! holds' (web ++ [{ networking.firewall.enable = lib.mkForce false; }]);
    "a virtual host that listens elsewhere is refused" =
      ! holds' (web ++ [{ services.nginx.virtualHosts.x = { }; }])
      && ! holds' (web ++ [{ services.nginx.virtualHosts.mesh.listen = [{ addr = "0.0.0.0"; }]; }])
      && ! holds' (web ++ [{ services.nginx.statusPage = true; }]);
    "another virtual host of the mesh is taken" =
      holds' (web ++ [{ services.mesh-nginx.hosts = [ "mesh" "x" ]; services.nginx.virtualHosts.x.locations."/".return = "204"; }]);

    # ---- the host ----
    "libvirt starts nothing by itself" = host.virtualisation.libvirtd.enable
      && host.virtualisation.libvirtd.onBoot == "ignore"
      && host.virtualisation.libvirtd.allowedBridges == [ "virbr-a" ];
    "the wrapper gives one capability to one group" = let wrapper = host.security.wrappers.wgaudit; in
      wrapper.capabilities == "cap_net_raw+ep" && wrapper.group == "wgaudit" && has "o=" wrapper.permissions
      && host.users.users.alice.extraGroups == [ "wgaudit" "libvirtd" ];
    "faults need another one, by choice" =
      let faults = evaluate [ self.nixosModules.wgaudit-host { services.wgaudit-host.enable = true; services.wgaudit-host.faults = true; } ]; in
      has "cap_net_admin" faults.security.wrappers.wgaudit.capabilities;
    "bridges have their addresses" = host.networking.bridges.virbr-a.interfaces == [ ]
      && host.networking.interfaces.virbr-a.ipv4.addresses == [{ address = "192.168.1.1"; prefixLength = 24; }];
    "the night's capture judges with the policy and leaves metrics" =
      let command = (unit host "wgaudit-nightly").serviceConfig.ExecStart; in
      has "capture --bridge virbr-a" command && has "--policy /nix/store/" command
      && has "--prometheus ${host.services.wgaudit-host.nightly.metrics}" command
      && host.systemd.timers.wgaudit-nightly.timerConfig.OnCalendar == "*-*-* 03:00:00"
      && elem "--collector.textfile.directory=/var/lib/wgaudit/metrics" host.services.prometheus.exporters.node.extraFlags;
    "the night's capture has one capability" = let service = (unit host "wgaudit-nightly").serviceConfig; in
      service.AmbientCapabilities == [ "CAP_NET_RAW" ] && service.CapabilityBoundingSet == [ "CAP_NET_RAW" ]
      && service.User == "wgaudit";
    "a night without bridges is refused" =
      ! holds' [ self.nixosModules.wgaudit-host { services.wgaudit-host.enable = true; services.wgaudit-host.nightly.enable = true; } ];

    # ---- the guest of wgaudit topo ----
    "the guest can be written to" = lib.all (file: ! guest.environment.etc.${file}.enable)
      [ "hosts" "headscale/config.yaml" ];
    "the guest's services wait for their configuration" =
      (unit guest "headscale").unitConfig.ConditionPathExists == "/etc/headscale/config.yaml"
      && (unit guest "nginx").unitConfig.ConditionPathExists == "/etc/nginx/nginx.conf";
    "the guest's headscale may bind its port" = guest.services.headscale.port == 443;
    "the guest's units read /etc/default" = lib.all
      (name: (unit guest name).serviceConfig.EnvironmentFile == "-/etc/default/${name}")
      [ "headscale" "tailscaled" ];

    # ---- the package ----
    "the package has what CMakeLists.txt asks for" = length asked > 10 && lib.all
      (name: pkgConfig ? ${name} && elem pkgs.${pkgConfig.${name}} built.buildInputs)
      asked;
    "the package has the version of CMakeLists.txt" =
      has "project(wgaudit VERSION ${self.packages.x86_64-linux.wgaudit.version} " (readFile ../../CMakeLists.txt);
    "the lock is for this flake" =
      let lock = fromJSON (readFile ../../nixos/flake.lock); in
      flake.inputs.nixpkgs.url == "github:${lock.nodes.nixpkgs.original.owner}/${lock.nodes.nixpkgs.original.repo}/${lock.nodes.nixpkgs.original.ref}"
      && match "[0-9a-f]{40}" lock.nodes.nixpkgs.locked.rev != null
      && match "sha256-[A-Za-z0-9+/]{43}=" lock.nodes.nixpkgs.locked.narHash != null;

    # ---- the two guests, side by side ----
    "docs/guests.md: names and addresses" = lib.all
      (name: row name "${mesh.hosts.${name}.address} on ${mesh.networks.${mesh.hosts.${name}.network}.bridge}")
      (attrNames mesh.hosts);
    "docs/guests.md: what runs where" = lib.all
      (name: row "${name} runs" (concatStringsSep ", " mesh.hosts.${name}.services))
      (attrNames mesh.hosts);
    "docs/guests.md: subnets" = lib.all
      (network: row network.bridge "${network.subnet}, gateway ${network.gateway}")
      (attrValues mesh.networks);
    "docs/guests.md: the server" = row "control server" settings.server_url
      && row "STUN" "UDP ${toString server.services.headscale-test-server.stunPort}"
      && row "MagicDNS domain" settings.dns.base_domain
      && row "overlay, IPv4" settings.prefixes.v4
      && row "overlay, IPv6" "none"
      && row "life of the preauth key" server.services.headscale-test-server.keyLife
      && row "owner of the nodes" server.services.headscale-test-server.userName
      && row "state of the server" settings.database.sqlite.path;
    "docs/guests.md: clients" = row "mesh interface" vm-a.services.tailscale.interfaceName
      && row "tunnel" "UDP ${toString vm-a.services.tailscale.port}"
      && row "authority of the server" vm-a.services.mesh-client.caFile
      && row "preauth key" vm-a.services.mesh-client.authKeyFile
      && row "journal" vm-a.services.journald.storage
      && row "web server" "${mesh.overlay.interface}, TCP ${toString vm-b.services.mesh-nginx.port}";
  };

in
{
  failed = filter (name: ! (let result = tryEval checks.${name}; in result.success && result.value))
    (attrNames checks);
  evaluates = lib.all values (attrValues hosts ++ attrValues nodes ++ [ host ]);
  count = length (attrNames checks);
  options = concatStringsSep "\n" (map
    (name: "| `${name}` | `${nixpkgs.options.${name}.file}` |")
    (attrNames nixpkgs.options));
  inherit settings;
  inherit (meshTest) testScript;
  units = lib.mapAttrs (_: config: { inherit (config.systemd) paths services timers; })
    { inherit server vm-b guest host; };
  web = { inherit (vm-b.services.nginx) commonServerConfig virtualHosts; };
  up = vm-a.services.tailscale.extraUpFlags;
}
