# SPDX-License-Identifier: MIT
#
# What nixos/ uses of nixpkgs: each option with its type, its default where the
# modules read it, and the file that declares it; and the packages. An option
# that is not here does not exist for the test: look it up before adding it.
# docs/nixos.md has the options as a table.
{ lib }:
let
  inherit (lib) types;
  on = file: type: { inherit file type; };
  with' = file: type: default: { inherit file type default; };
  # no option, but a value that the option above it lets through
  freeform = type: with' headscale (types.nullOr type) null;

  # an attribute set of these keys only, for settings that nixpkgs passes on
  # unchecked
  keys = names: types.submodule {
    options = lib.genAttrs names (_: lib.mkOption {
      type = types.nullOr types.anything;
      default = null;
    });
  };
  sub = options: types.submodule {
    options = lib.mapAttrs (_: option: lib.mkOption (removeAttrs option [ "file" ])) options;
  };

  headscale = "nixos/modules/services/networking/headscale.nix";
  tailscale = "nixos/modules/services/networking/tailscale.nix";
  nginx = "nixos/modules/services/web-servers/nginx/default.nix";
  vhost = "nixos/modules/services/web-servers/nginx/vhost-options.nix";
  firewall = "nixos/modules/services/networking/firewall.nix";
  interfaces = "nixos/modules/tasks/network-interfaces.nix";
  networkd = "nixos/modules/system/boot/networkd.nix";
  systemd = "nixos/modules/system/boot/systemd.nix";
  unit = "nixos/lib/systemd-unit-options.nix";
  journald = "nixos/modules/system/boot/systemd/journald.nix";
  resolved = "nixos/modules/system/boot/resolved.nix";
  libvirtd = "nixos/modules/virtualisation/libvirtd.nix";
  guestAgent = "nixos/modules/virtualisation/qemu-guest-agent.nix";
  wrappers = "nixos/modules/security/wrappers/default.nix";
  kernel = "nixos/modules/system/boot/kernel.nix";
  users = "nixos/modules/config/users-groups.nix";
  etc = "nixos/modules/system/etc/etc.nix";
  exporters = "nixos/modules/services/monitoring/prometheus/exporters.nix";
  guestNetworking = "nixos/modules/virtualisation/guest-networking-options.nix";

  strings = types.listOf types.str;
  ports = types.listOf types.port;

  # systemd.service(5), systemd.exec(5), systemd.resource-control(5)
  serviceKeys = [
    "AmbientCapabilities"
    "CapabilityBoundingSet"
    "EnvironmentFile"
    "ExecStart"
    "ExecStartPost"
    "Group"
    "IPAddressAllow"
    "IPAddressDeny"
    "NoNewPrivileges"
    "NotifyAccess"
    "PrivateTmp"
    "ProtectHome"
    "ProtectSystem"
    "RemainAfterExit"
    "Restart"
    "RestartSec"
    "RuntimeDirectory"
    "RuntimeDirectoryPreserve"
    "StateDirectory"
    "StateDirectoryMode"
    "SystemCallFilter"
    "TimeoutStartSec"
    "Type"
    "UMask"
    "User"
    "WorkingDirectory"
  ];
  unitOptions = {
    description = with' unit types.str "";
    after = with' unit strings [ ];
    before = with' unit strings [ ];
    requiredBy = with' unit strings [ ];
    wantedBy = with' unit strings [ ];
    wants = with' unit strings [ ];
    unitConfig = with' unit (keys [ "ConditionPathExists" ]) { };
  };
  service = sub (unitOptions // {
    environment = with' unit (types.attrsOf types.str) { };
    preStart = with' unit types.lines "";
    script = with' unit types.lines "";
    serviceConfig = with' unit (keys serviceKeys) { };
    startLimitIntervalSec = with' unit (types.nullOr types.int) null;
  });
  path = sub (unitOptions // {
    pathConfig = with' unit (keys [ "PathExists" "Unit" ]) { };
  });
  timer = sub (unitOptions // {
    timerConfig = with' unit (keys [ "OnCalendar" "Persistent" ]) { };
  });
  network = sub {
    matchConfig = with' networkd (keys [ "Type" ]) { };
    networkConfig = with' networkd (keys [ "DHCP" "LinkLocalAddressing" ]) { };
    dhcpV4Config = with' networkd (keys [ "ClientIdentifier" "UseDomains" ]) { };
  };
  virtualHost = sub {
    listen = with' vhost
      (types.listOf (sub {
        addr = on vhost types.str;
        port = with' vhost (types.nullOr types.port) null;
        ssl = with' vhost types.bool false;
      })) [ ];
    locations = with' vhost
      (types.attrsOf (sub {
        return = with' vhost (types.nullOr types.str) null;
        extraConfig = with' vhost types.lines "";
      }))
      { };
  };
  wrapper = sub {
    source = on wrappers types.path;
    owner = on wrappers types.str;
    group = on wrappers types.str;
    permissions = with' wrappers types.str "u+rx,g+x,o+x";
    capabilities = with' wrappers types.str "";
  };
  user = sub {
    isSystemUser = with' users types.bool false;
    group = with' users types.str "";
    extraGroups = with' users strings [ ];
  };
  ports' = { allowedTCPPorts = with' firewall ports [ ]; };

  # Headscale's own keys (config-example.yaml of 0.28); nixpkgs has types for
  # some of them and passes on the rest
  settings = {
    server_url = with' headscale types.str "http://127.0.0.1:8080";
    metrics_listen_addr = freeform types.str;
    grpc_listen_addr = freeform types.str;
    tls_cert_path = with' headscale (types.nullOr types.path) null;
    tls_key_path = with' headscale (types.nullOr types.path) null;
    tls_letsencrypt_hostname = with' headscale (types.nullOr types.str) "";
    "prefixes.v4" = with' headscale types.str "100.64.0.0/10";
    "prefixes.v6" = with' headscale types.str "fd7a:115c:a1e0::/48";
    "prefixes.allocation" = with' headscale (types.enum [ "sequential" "random" ]) "sequential";
    "noise.private_key_path" = with' headscale types.path "/var/lib/headscale/noise_private.key";
    "derp.server.enabled" = freeform types.bool;
    "derp.server.region_id" = freeform types.int;
    "derp.server.region_code" = freeform types.str;
    "derp.server.region_name" = freeform types.str;
    "derp.server.verify_clients" = freeform types.bool;
    "derp.server.stun_listen_addr" = freeform types.str;
    "derp.server.automatically_add_embedded_derp_region" = freeform types.bool;
    "derp.server.ipv4" = freeform types.str;
    "derp.server.private_key_path" = with' headscale types.path "/var/lib/headscale/derp_server_private.key";
    "derp.urls" = with' headscale strings [ "https://controlplane.tailscale.com/derpmap/default" ];
    "derp.paths" = with' headscale (types.listOf types.path) [ ];
    "derp.auto_update_enabled" = with' headscale types.bool true;
    disable_check_updates = with' headscale types.bool true;
    "database.type" = with' headscale (types.enum [ "sqlite" "sqlite3" "postgres" ]) "sqlite";
    "database.sqlite.path" = with' headscale (types.nullOr types.str) "/var/lib/headscale/db.sqlite";
    "log.level" = with' headscale types.str "info";
    "log.format" = with' headscale types.str "text";
    "dns.magic_dns" = with' headscale types.bool true;
    "dns.base_domain" = with' headscale types.str "";
    "dns.override_local_dns" = freeform types.bool;
    "dns.nameservers.global" = with' headscale strings [ ];
    "dns.search_domains" = with' headscale strings [ ];
    "logtail.enabled" = freeform types.bool;
    unix_socket = with' headscale types.path "/run/headscale/headscale.sock";
  };
in
{
  options = lib.mapAttrs' (name: lib.nameValuePair "services.headscale.settings.${name}") settings // {
    "services.headscale.enable" = with' headscale types.bool false;
    "services.headscale.package" = on headscale types.package;
    "services.headscale.user" = with' headscale types.str "headscale";
    "services.headscale.group" = with' headscale types.str "headscale";
    "services.headscale.address" = with' headscale types.str "127.0.0.1";
    "services.headscale.port" = with' headscale types.port 8080;

    "services.tailscale.enable" = with' tailscale types.bool false;
    "services.tailscale.authKeyFile" = with' tailscale (types.nullOr types.path) null;
    "services.tailscale.disableTaildrop" = with' tailscale types.bool false;
    "services.tailscale.disableUpstreamLogging" = with' tailscale types.bool false;
    "services.tailscale.extraDaemonFlags" = with' tailscale strings [ ];
    "services.tailscale.extraUpFlags" = with' tailscale strings [ ];
    "services.tailscale.interfaceName" = with' tailscale types.str "tailscale0";
    "services.tailscale.openFirewall" = with' tailscale types.bool false;
    "services.tailscale.port" = with' tailscale types.port 41641;
    "services.tailscale.useRoutingFeatures" = with' tailscale (types.enum [ "none" "client" "server" "both" ]) "none";

    "services.nginx.enable" = with' nginx types.bool false;
    "services.nginx.commonServerConfig" = with' nginx types.lines "";
    "services.nginx.statusPage" = with' nginx types.bool false;
    "services.nginx.virtualHosts" = with' nginx (types.attrsOf virtualHost) { localhost = { }; };

    "services.journald.storage" = with' journald (types.enum [ "persistent" "volatile" "auto" "none" ]) "persistent";
    "services.qemuGuest.enable" = with' guestAgent types.bool false;
    "services.resolved.enable" = with' resolved types.bool false;
    "services.prometheus.exporters.node.enabledCollectors" = with' exporters strings [ ];
    "services.prometheus.exporters.node.extraFlags" = with' exporters strings [ ];

    "systemd.package" = on systemd types.package;
    "systemd.services" = with' systemd (types.attrsOf service) { };
    "systemd.paths" = with' systemd (types.attrsOf path) { };
    "systemd.timers" = with' systemd (types.attrsOf timer) { };
    "systemd.tmpfiles.rules" = with' "nixos/modules/system/boot/systemd/tmpfiles.nix" strings [ ];
    "systemd.network.networks" = with' networkd (types.attrsOf network) { };
    "systemd.network.wait-online.enable" = with' networkd types.bool true;

    "networking.hostName" = with' interfaces types.str "nixos";
    "networking.enableIPv6" = with' interfaces types.bool true;
    "networking.hosts" = with' "nixos/modules/config/networking.nix" (types.attrsOf strings) { };
    "networking.useDHCP" = with' interfaces types.bool true;
    "networking.useNetworkd" = with' interfaces types.bool false;
    "networking.bridges" = with' interfaces (types.attrsOf (sub { interfaces = on interfaces strings; })) { };
    "networking.defaultGateway" = with' interfaces (types.nullOr types.str) null;
    "networking.interfaces" = with' interfaces
      (types.attrsOf (types.submodule {
        options.ipv4.addresses = lib.mkOption {
          type = types.listOf (keys [ "address" "prefixLength" ]);
          default = [ ];
        };
      }))
      { };
    "networking.firewall.enable" = with' firewall types.bool true;
    "networking.firewall.allowedTCPPorts" = with' firewall ports [ ];
    "networking.firewall.allowedUDPPorts" = with' firewall ports [ ];
    "networking.firewall.checkReversePath" = with' firewall (types.either types.bool (types.enum [ "strict" "loose" ])) true;
    "networking.firewall.interfaces" = with' firewall (types.attrsOf (sub ports')) { };
    "networking.firewall.trustedInterfaces" = with' firewall strings [ "lo" ];

    "virtualisation.libvirtd.enable" = with' libvirtd types.bool false;
    "virtualisation.libvirtd.onBoot" = with' libvirtd (types.enum [ "start" "ignore" ]) "start";
    "virtualisation.libvirtd.onShutdown" = with' libvirtd (types.enum [ "shutdown" "suspend" ]) "suspend";
    "virtualisation.libvirtd.allowedBridges" = with' libvirtd strings [ "virbr0" ];
    "virtualisation.vlans" = with' guestNetworking (types.listOf types.int) [ 1 ];

    "security.wrappers" = with' wrappers (types.attrsOf wrapper) { };
    "users.groups" = with' users (types.attrsOf (sub { })) { };
    "users.users" = with' users (types.attrsOf user) { };
    "environment.etc" = with' etc
      (types.attrsOf (sub {
        enable = with' etc types.bool true;
        text = with' etc (types.nullOr types.lines) null;
      }))
      { };
    "environment.systemPackages" = with' "nixos/modules/config/system-path.nix" (types.listOf types.package) [ ];

    "boot.kernel.sysctl" = with' "nixos/modules/config/sysctl.nix" (types.attrsOf types.anything) { };
    "boot.kernelModules" = with' kernel strings [ ];
    "boot.kernelParams" = with' kernel strings [ ];
    "boot.loader.grub.device" = with' "nixos/modules/system/boot/loader/grub/grub.nix" types.str "";
    "system.requiredKernelConfig" = with' kernel (types.listOf types.anything) [ ];
    "lib.kernelConfig" = with' kernel types.anything {
      isEnabled = option: { inherit option; };
    };
    "fileSystems" = with' "nixos/modules/tasks/filesystems.nix"
      (types.attrsOf (keys [ "device" "fsType" "autoResize" ]))
      { };
    "documentation.enable" = with' "nixos/modules/misc/documentation.nix" types.bool true;
    "system.build.images" = with' "nixos/modules/image/images.nix" types.anything { };
    "system.stateVersion" = with' "nixos/modules/misc/version.nix" types.str "26.05";
    "nixpkgs.hostPlatform" = with' "nixos/modules/misc/nixpkgs.nix" types.str "x86_64-linux";
    "assertions" = with' "nixos/modules/misc/assertions.nix" (types.listOf types.anything) [ ];
  };

  packages = [
    "clang-tools"
    "cmake"
    "cmocka"
    "coreutils"
    "curl"
    "deadnix"
    "headscale"
    "iproute2"
    "iputils"
    "jansson"
    "jq"
    "libnl"
    "libpcap"
    "libsodium"
    "libvirt"
    "libxml2"
    "libyaml"
    "nftables"
    "nginx"
    "ninja"
    "openssl"
    "pkg-config"
    "statix"
    "systemd"
    "tailscale"
    "tcpdump"
    "wireguard-go"
    "wireguard-tools"
    "wireshark-cli"
    "zlib"
    "zstd"
  ];
}
