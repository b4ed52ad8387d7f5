# SPDX-License-Identifier: MIT
#
# The acceptance scenarios on a mesh of VMs of the test driver: three networks,
# each a switch of the driver, all ended in bridges of `watcher`, which routes
# between them and judges every frame.
{ wgaudit }:
{ lib, ... }:
let
  mesh = import ../mesh.nix;
  vlan = { a = 1; b = 2; s = 3; };

  node = name: modules: {
    imports = modules;
    virtualisation.vlans = [ vlan.${mesh.hosts.${name}.network} ];
    networking = {
      hostName = name;
      useDHCP = lib.mkForce false;
      interfaces.eth1.ipv4.addresses = lib.mkForce [
        { inherit (mesh.hosts.${name}) address; prefixLength = 24; }
      ];
      defaultGateway = mesh.networks.${mesh.hosts.${name}.network}.gateway;
    };
  };
  client = { pkgs, ... }: {
    services.mesh-client.enable = true;
    environment.systemPackages = [ pkgs.curl ];
  };
in
{
  name = "wgaudit-mesh";

  nodes = {
    server = node "server" [
      ../modules/headscale-test-server.nix
      ({ pkgs, ... }: {
        services.headscale-test-server.enable = true;
        environment.systemPackages = [ pkgs.jq ];
      })
    ];
    vm-a = node "vm-a" [ ../modules/mesh-client.nix client ];
    vm-b = node "vm-b" [
      ../modules/mesh-client.nix
      ../modules/mesh-nginx.nix
      client
      { services.mesh-nginx.enable = true; }
    ];
    vm-c = node "vm-c" [ ../modules/mesh-client.nix client ];

    watcher = { pkgs, ... }: {
      imports = [ ../modules/wgaudit-host.nix ];
      virtualisation.vlans = [ vlan.a vlan.b vlan.s ];
      virtualisation.libvirtd.enable = lib.mkForce false;
      services.wgaudit-host = {
        enable = true;
        package = wgaudit;
        bridges = lib.mapAttrs'
          (_: network: lib.nameValuePair network.bridge { address = network.gateway; })
          mesh.networks;
        nightly = {
          enable = true;
          duration = "5s";
        };
      };
      environment.systemPackages = [ pkgs.nftables pkgs.jq ];
      networking = {
        useDHCP = lib.mkForce false;
        firewall.enable = false;
        bridges = lib.mapAttrs'
          (name: network: lib.nameValuePair network.bridge {
            interfaces = [ "eth${toString vlan.${name}}" ];
          })
          mesh.networks;
        interfaces = lib.genAttrs [ "eth1" "eth2" "eth3" ] (_: {
          ipv4.addresses = lib.mkForce [ ];
        });
      };
    };
  };

  testScript = ''
    MESH = "${mesh.overlay.domain}"
    SERVER = "${mesh.hosts.server.address}"
    ENDPOINT = f"{SERVER}:${toString mesh.control.port}"
    STATE = "/var/lib/headscale-test-server"
    clients = [vm_a, vm_b, vm_c]

  '' + builtins.readFile ./mesh.py;
}
