# SPDX-License-Identifier: MIT
#
# A guest that `wgaudit topo` makes into a server or a client: programs and
# units of the expected names, which start once they have been configured, also
# after a reboot. What the guest agent writes is nothing that NixOS makes: a
# link into the store could not be written, and a copy would be made anew at
# each boot. docs/guests.md has the contract, beside the Debian guest.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.wgaudit-topo-guest;
  notOurs.enable = lib.mkForce false;
in
{
  options.services.wgaudit-topo-guest.enable =
    lib.mkEnableOption "being a guest of wgaudit topo";

  config = lib.mkIf cfg.enable {
    # named by the lease, which goes by MAC address
    networking.hostName = "";
    networking.firewall.enable = false;

    services.headscale = {
      enable = true;
      # with it the unit may bind a low port
      inherit ((import ../mesh.nix).control) port;
      # the server's key is for root
      user = "root";
      group = "root";
    };
    services.tailscale = {
      enable = true;
      disableUpstreamLogging = true;
    };
    services.nginx = {
      enable = true;
      virtualHosts.none.listen = [{ addr = "unix:/run/nginx/none.sock"; }];
    };
    services.resolved.enable = true;
    services.qemuGuest.enable = true;
    services.journald.storage = "persistent";

    environment.etc.hosts = notOurs;
    environment.etc."headscale/config.yaml" = notOurs;
    environment.systemPackages = [ pkgs.curl pkgs.iproute2 pkgs.iputils pkgs.nginx ];
    systemd.tmpfiles.rules = [
      "d /etc/wgaudit 0755 root root -"
      "d /etc/default 0755 root root -"
      "d /etc/headscale 0755 root root -"
      "d /etc/nginx 0755 root root -"
      "d /var/lib/wgaudit 0700 root root -"
    ];

    systemd.services.headscale = {
      unitConfig.ConditionPathExists = "/etc/headscale/config.yaml";
      script = lib.mkForce ''
        exec ${lib.getExe config.services.headscale.package} serve
      '';
      serviceConfig.EnvironmentFile = "-/etc/default/headscale";
    };
    systemd.services.tailscaled.serviceConfig.EnvironmentFile = "-/etc/default/tailscaled";
    systemd.services.nginx = {
      unitConfig.ConditionPathExists = "/etc/nginx/nginx.conf";
      after = [ "tailscaled.service" ];
      startLimitIntervalSec = lib.mkForce 0;
      preStart = lib.mkForce "";
      # what is written for it says neither `daemon off` nor where nixpkgs
      # keeps its files
      serviceConfig = {
        ExecStart = lib.mkForce "${lib.getExe' pkgs.nginx "nginx"} -c /etc/nginx/nginx.conf -g 'daemon off;'";
        User = lib.mkForce "root";
        Group = lib.mkForce "root";
        ProtectSystem = lib.mkForce "full";
        Restart = lib.mkForce "on-failure";
        RestartSec = lib.mkForce "1s";
        SystemCallFilter = lib.mkForce [ ];
        CapabilityBoundingSet = lib.mkForce [ "~" ];
      };
    };
  };
}
