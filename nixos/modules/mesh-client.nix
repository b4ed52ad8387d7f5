# SPDX-License-Identifier: MIT
#
# A node of the mesh: joins with a preauth key as soon as there is one, and
# again by its own state after every reboot (FR-002, FR-003, FR-008, FR-013).
{ config, lib, pkgs, ... }:
let
  mesh = import ../mesh.nix;
  cfg = config.services.mesh-client;
  remove = lib.getExe' pkgs.coreutils "rm";
in
{
  options.services.mesh-client = {
    enable = lib.mkEnableOption "membership in the test server's mesh";

    serverName = lib.mkOption {
      type = lib.types.str;
      default = mesh.control.name;
      description = "Name of the control server, as in its certificate.";
    };
    serverAddress = lib.mkOption {
      type = lib.types.str;
      default = mesh.hosts.server.address;
      description = "IPv4 address of the control server.";
    };
    serverPort = lib.mkOption {
      type = lib.types.port;
      default = mesh.control.port;
      description = "TCP port of the control server.";
    };
    hostName = lib.mkOption {
      type = lib.types.str;
      default = config.networking.hostName;
      description = "What this node is called in the mesh.";
    };
    authKeyFile = lib.mkOption {
      type = lib.types.str;
      default = "/var/lib/mesh-client/auth.key";
      description = "File with the preauth key; the node joins when it appears.";
    };
    removeAuthKey = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Remove the preauth key once the node has joined.";
    };
    caFile = lib.mkOption {
      type = lib.types.str;
      default = "/var/lib/mesh-client/ca.pem";
      description = "Certificate of the server's authority; there before the key.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.any (lib.hasPrefix "--state=") config.services.tailscale.extraDaemonFlags;
        message = "services.mesh-client keeps the node's state over reboots: no --state in services.tailscale.extraDaemonFlags";
      }
    ];

    services.tailscale = {
      enable = true;
      inherit (cfg) authKeyFile;
      inherit (mesh.overlay) port;
      interfaceName = mesh.overlay.interface;
      openFirewall = true;
      useRoutingFeatures = "none";
      disableTaildrop = true;
      disableUpstreamLogging = true;
      # All that is not a default is said here and nowhere else, for later
      # runs of `tailscale up` must repeat it (nixpkgs issue 509367).
      extraUpFlags = [
        "--login-server=https://${cfg.serverName}:${toString cfg.serverPort}"
        "--hostname=${cfg.hostName}"
        "--accept-dns=true"
      ];
    };

    systemd.services.tailscaled = {
      # both are needed for an order at boot (nixpkgs issue 527403)
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      environment.SSL_CERT_FILE = cfg.caFile;
    };

    # Without a key there is nothing to do: a node that has joined goes on by
    # its state. With one it tries until the server answers.
    systemd.services.tailscaled-autoconnect = {
      startLimitIntervalSec = 0;
      unitConfig.ConditionPathExists = cfg.authKeyFile;
      serviceConfig = {
        # or the path unit below would start it again and again
        RemainAfterExit = true;
        Restart = "on-failure";
        RestartSec = "5s";
      } // lib.optionalAttrs cfg.removeAuthKey {
        ExecStartPost = "${remove} -f ${lib.escapeShellArg cfg.authKeyFile}";
      };
    };
    systemd.paths.mesh-auth-key = {
      description = "Wait for the preauth key";
      wantedBy = [ "multi-user.target" ];
      pathConfig = {
        PathExists = cfg.authKeyFile;
        Unit = "tailscaled-autoconnect.service";
      };
    };
    systemd.tmpfiles.rules = [ "d /var/lib/mesh-client 0700 root root -" ];

    networking = {
      enableIPv6 = false;
      hosts.${cfg.serverAddress} = [ cfg.serverName ];
      firewall = {
        enable = true;
        # no mesh address as a source from the wire
        checkReversePath = "strict";
      };
    };

    # MagicDNS goes to the mesh, all else stays where it was
    services.resolved.enable = true;
    services.journald.storage = "persistent";
    services.qemuGuest.enable = lib.mkDefault true;
    environment.etc."wgaudit/mesh-interface".text = "${mesh.overlay.interface}\n";
  };
}
