# SPDX-License-Identifier: MIT
#
# nginx that listens on the mesh address and nowhere else (FR-014 to FR-016).
#
# Theory of operation
#
# The mesh address is not known before the node has joined, and can be another
# one after it has joined anew. mesh-address.service waits for it, writes it as
# a `listen` directive that every virtual host includes, and starts nginx, which
# thus never runs before the mesh. A lost mesh changes nothing: the socket stays
# and serves again when the address is back. If nginx has to start in between,
# it cannot bind, fails, and is tried again; it never listens elsewhere instead.
#
# Binding alone is not enough: Linux takes packets for any of its addresses on
# any of its interfaces, so a neighbour on the wire could reach the mesh address
# there. The firewall opens the port on the mesh interface only, and the unit
# takes no packets but the mesh's.
#
# Each virtual host's own `listen` is a Unix socket, since without one nixpkgs
# would give it 0.0.0.0:80. It also serves for looking at nginx from the host.
{ config, lib, pkgs, ... }:
let
  mesh = import ../mesh.nix;
  cfg = config.services.mesh-nginx;
  inherit (config.networking) firewall;
  runDir = "/run/mesh-address";
  socket = "unix:/run/nginx/mesh.sock";

  follow = pkgs.writeShellApplication {
    name = "mesh-address";
    runtimeInputs = [ pkgs.coreutils pkgs.iproute2 config.systemd.package ];
    text = builtins.readFile ../scripts/mesh-address.sh;
  };
  openedElsewhere = name: interface:
    name != cfg.interface && lib.elem cfg.port interface.allowedTCPPorts;
in
{
  options.services.mesh-nginx = {
    enable = lib.mkEnableOption "nginx on the mesh address only";

    interface = lib.mkOption {
      type = lib.types.str;
      default = mesh.overlay.interface;
      description = "The mesh interface.";
    };
    prefix = lib.mkOption {
      type = lib.types.str;
      default = mesh.overlay.prefix;
      description = "Whose packets nginx takes.";
    };
    port = lib.mkOption {
      type = lib.types.port;
      default = 80;
      description = "TCP port.";
    };
    hosts = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ "mesh" ];
      description = ''
        Names of the virtual hosts. What they serve is said in
        services.nginx.virtualHosts; where they listen must not be.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.all (host: lib.all (listen: listen.addr == socket) host.listen && host.listen != [ ])
          (lib.attrValues config.services.nginx.virtualHosts);
        message = "services.mesh-nginx: every virtual host must be named in services.mesh-nginx.hosts and have no listen of its own";
      }
      {
        assertion = !config.services.nginx.statusPage;
        message = "services.mesh-nginx: services.nginx.statusPage would listen on every address";
      }
      {
        assertion = firewall.enable
          && !lib.elem cfg.port firewall.allowedTCPPorts
          && !lib.any (name: openedElsewhere name firewall.interfaces.${name}) (lib.attrNames firewall.interfaces)
          && lib.all (name: lib.elem name [ "lo" cfg.interface ]) firewall.trustedInterfaces;
        message = "services.mesh-nginx: the firewall must be on and open port ${toString cfg.port} on ${cfg.interface} only";
      }
    ];

    services.nginx = {
      enable = true;
      commonServerConfig = "include ${runDir}/listen.conf;";
      virtualHosts = lib.genAttrs cfg.hosts (_: {
        listen = [{ addr = socket; }];
        locations."/" = lib.mkDefault {
          return = "200 \"hello from ${config.networking.hostName}\\n\"";
          extraConfig = "default_type text/plain;";
        };
      });
    };

    systemd.services.mesh-address = {
      description = "Follow the address of the mesh interface";
      # pulled in by the mesh, so that the boot does not wait for it
      wantedBy = [ "tailscaled.service" ];
      after = [ "tailscaled.service" ];
      startLimitIntervalSec = 0;
      environment = {
        INTERFACE = cfg.interface;
        PORT = toString cfg.port;
        DIRECTORY = runDir;
      };
      serviceConfig = {
        Type = "notify";
        NotifyAccess = "all";
        TimeoutStartSec = "infinity";
        Restart = "always";
        RestartSec = "1s";
        RuntimeDirectory = "mesh-address";
        RuntimeDirectoryPreserve = "restart";
        ExecStart = lib.getExe follow;
      };
    };

    systemd.services.nginx = {
      wantedBy = lib.mkForce [ "mesh-address.service" ];
      after = [ "tailscaled.service" "tailscaled-autoconnect.service" "mesh-address.service" ];
      # while the mesh is lost it cannot bind: try for as long as that takes
      startLimitIntervalSec = lib.mkForce 0;
      serviceConfig = {
        Restart = lib.mkForce "always";
        RestartSec = lib.mkForce "2s";
        IPAddressDeny = "any";
        IPAddressAllow = [ cfg.prefix "localhost" ];
      };
    };

    networking.firewall.interfaces.${cfg.interface}.allowedTCPPorts = [ cfg.port ];
  };
}
