# SPDX-License-Identifier: MIT
#
# A Headscale server that needs nothing from outside: its own certificate
# authority, its own DERP relay and STUN, MagicDNS without upstream servers.
# At first boot it makes a preauth key with a short life (FR-001, FR-003,
# FR-007, FR-009, FR-009a, FR-012).
{ config, lib, pkgs, ... }:
let
  mesh = import ../mesh.nix;
  cfg = config.services.headscale-test-server;
  inherit (config.services.headscale) user group package;
  stateDir = "/var/lib/headscale-test-server";

  makeCertificates = pkgs.writeShellApplication {
    name = "headscale-test-certificates";
    runtimeInputs = [ pkgs.coreutils pkgs.openssl ];
    text = builtins.readFile ../scripts/certificates.sh;
  };
  makeKey = pkgs.writeShellApplication {
    name = "headscale-test-key";
    runtimeInputs = [ package pkgs.coreutils pkgs.jq ];
    text = builtins.readFile ../scripts/preauth-key.sh;
  };
in
{
  options.services.headscale-test-server = {
    enable = lib.mkEnableOption "a self-contained Headscale server for tests";

    address = lib.mkOption {
      type = lib.types.str;
      default = mesh.hosts.server.address;
      description = "IPv4 address at which the clients reach this server.";
    };
    name = lib.mkOption {
      type = lib.types.str;
      default = mesh.control.name;
      description = ''
        Name of the server, in its certificate and in the clients' hosts file.
        Headscale refuses one below its MagicDNS domain.
      '';
    };
    port = lib.mkOption {
      type = lib.types.port;
      default = mesh.control.port;
      description = "TCP port of the control server and of DERP, TLS.";
    };
    stunPort = lib.mkOption {
      type = lib.types.port;
      default = mesh.control.stunPort;
      description = "UDP port of STUN.";
    };
    domain = lib.mkOption {
      type = lib.types.str;
      default = mesh.overlay.domain;
      description = "MagicDNS base domain.";
    };
    prefix = lib.mkOption {
      type = lib.types.str;
      default = mesh.overlay.prefix;
      description = "Where the addresses of the mesh come from, IPv4.";
    };
    userName = lib.mkOption {
      type = lib.types.str;
      default = mesh.control.user;
      description = "Headscale user that owns the nodes.";
    };
    keyLife = lib.mkOption {
      type = lib.types.str;
      default = mesh.control.keyLife;
      description = "How long the preauth key of the first boot can be used.";
    };
    keyFile = lib.mkOption {
      type = lib.types.str;
      default = "${stateDir}/preauth.key";
      readOnly = true;
      description = "Where the preauth key is, for root alone.";
    };
    caFile = lib.mkOption {
      type = lib.types.str;
      default = "${stateDir}/ca.pem";
      readOnly = true;
      description = "Certificate of the authority, which the clients need.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.hasSuffix ".${cfg.domain}" cfg.name;
        message = "services.headscale-test-server.name must not be below the MagicDNS domain ${cfg.domain}";
      }
    ];

    services.headscale = {
      enable = true;
      address = "0.0.0.0";
      inherit (cfg) port;
      settings = {
        server_url = "https://${cfg.name}:${toString cfg.port}";
        metrics_listen_addr = "127.0.0.1:9090";
        grpc_listen_addr = "127.0.0.1:50443";
        tls_cert_path = "${stateDir}/server.pem";
        tls_key_path = "${stateDir}/server.key";
        tls_letsencrypt_hostname = "";
        prefixes = {
          v4 = cfg.prefix;
          # none: IPv4 only
          v6 = "";
          allocation = "sequential";
        };
        derp = {
          server = {
            enabled = true;
            region_id = 999;
            region_code = "wgaudit";
            region_name = "wgaudit";
            verify_clients = true;
            stun_listen_addr = "0.0.0.0:${toString cfg.stunPort}";
            automatically_add_embedded_derp_region = true;
            # a region without an address is looked up by name
            ipv4 = cfg.address;
          };
          urls = [ ];
          paths = [ ];
          auto_update_enabled = false;
        };
        disable_check_updates = true;
        database = {
          type = "sqlite";
          sqlite.path = "/var/lib/headscale/db.sqlite";
        };
        log = {
          level = "info";
          format = "text";
        };
        dns = {
          magic_dns = true;
          base_domain = cfg.domain;
          override_local_dns = false;
          nameservers.global = [ ];
          search_domains = [ ];
        };
        logtail.enabled = false;
      };
    };

    # makes the authority and the server's certificate, once
    systemd.services.headscale-test-certificates = {
      description = "Certificates of the test server";
      requiredBy = [ "headscale.service" ];
      before = [ "headscale.service" ];
      environment = {
        STATE = stateDir;
        NAME = cfg.name;
        ADDRESS = cfg.address;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        User = user;
        Group = group;
        StateDirectory = "headscale-test-server";
        StateDirectoryMode = "0750";
        UMask = "0077";
        ExecStart = lib.getExe makeCertificates;
      };
    };

    # makes the user and the key, once; `headscale preauthkeys create` makes more
    systemd.services.headscale-test-key = {
      description = "Preauth key of the test server";
      wantedBy = [ "multi-user.target" ];
      wants = [ "headscale.service" ];
      after = [ "headscale.service" ];
      startLimitIntervalSec = 0;
      unitConfig.ConditionPathExists = "!${cfg.keyFile}";
      environment = {
        USER_NAME = cfg.userName;
        LIFE = cfg.keyLife;
        KEY_FILE = cfg.keyFile;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        User = user;
        Group = group;
        StateDirectory = "headscale-test-server";
        StateDirectoryMode = "0750";
        UMask = "0077";
        Restart = "on-failure";
        RestartSec = "1s";
        ExecStart = lib.getExe makeKey;
      };
    };

    networking = {
      enableIPv6 = false;
      hosts.${cfg.address} = [ cfg.name ];
      firewall = {
        enable = true;
        allowedTCPPorts = [ cfg.port ];
        allowedUDPPorts = [ cfg.stunPort ];
      };
    };

    services.journald.storage = "persistent";
    services.qemuGuest.enable = lib.mkDefault true;
  };
}
