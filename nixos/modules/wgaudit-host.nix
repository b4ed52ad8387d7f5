# SPDX-License-Identifier: MIT
#
# A host that runs meshes in VMs and watches their bridges: libvirt, the
# program with the capability it needs, the kernel's part, and a capture each
# night whose verdict goes to Prometheus.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.wgaudit-host;
  inherit (cfg) nightly;
  policyFile = (pkgs.formats.yaml { }).generate "wgaudit-policy.yaml" nightly.policy;
  stateDir = "/var/lib/wgaudit";
in
{
  options.services.wgaudit-host = {
    enable = lib.mkEnableOption "a host for wgaudit and its meshes";

    package = lib.mkOption {
      type = lib.types.package;
      description = "The wgaudit package; this flake's, where it makes the module.";
    };
    users = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "Users who may capture, and bring meshes up, without being root.";
    };
    bridges = lib.mkOption {
      type = lib.types.attrsOf (lib.types.submodule {
        options = {
          address = lib.mkOption {
            type = lib.types.str;
            description = "The bridge's own IPv4 address, the gateway of its hosts.";
          };
          prefixLength = lib.mkOption {
            type = lib.types.int;
            default = 24;
            description = "Of its subnet.";
          };
        };
      });
      default = { };
      example = { virbr-a = { address = "192.168.1.1"; }; };
      description = ''
        Bridges that are always there. Those of wgaudit's own meshes are not
        among them: libvirt makes these as they are needed.
      '';
    };
    faults = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Give the wrapped program CAP_NET_ADMIN too, for fault injection.";
    };

    nightly = {
      enable = lib.mkEnableOption "a capture each night";
      bridges = lib.mkOption {
        type = lib.types.listOf lib.types.str;
        default = lib.attrNames cfg.bridges;
        defaultText = lib.literalExpression "lib.attrNames config.services.wgaudit-host.bridges";
        description = "Bridges to listen on.";
      };
      policy = lib.mkOption {
        type = lib.types.attrsOf lib.types.anything;
        default = { };
        example = { control = "192.168.100.10:443"; require = "identified"; };
        description = "What is declared of the mesh, as in docs/policy-example.yaml.";
      };
      duration = lib.mkOption {
        type = lib.types.str;
        default = "5m";
        description = "How long to listen.";
      };
      at = lib.mkOption {
        type = lib.types.str;
        default = "*-*-* 03:00:00";
        description = "When to begin, as a systemd calendar expression.";
      };
      metrics = lib.mkOption {
        type = lib.types.str;
        default = "${stateDir}/metrics/wgaudit.prom";
        readOnly = true;
        description = "The file for Prometheus' textfile collector.";
      };
      nodeExporter = lib.mkOption {
        type = lib.types.bool;
        default = true;
        description = "Let the node exporter of this host, if it is on, read the metrics.";
      };
    };
  };

  config = lib.mkIf cfg.enable (lib.mkMerge [
    {
      virtualisation.libvirtd = {
        enable = true;
        # meshes are brought up by wgaudit, not by a boot
        onBoot = "ignore";
        onShutdown = "shutdown";
        allowedBridges = lib.attrNames cfg.bridges;
      };

      # what `wgaudit topo` runs in namespaces comes from PATH
      environment.systemPackages = [ cfg.package pkgs.headscale pkgs.nginx pkgs.tailscale ];

      users.groups.wgaudit = { };
      users.users = lib.genAttrs cfg.users (_: {
        extraGroups = [ "wgaudit" "libvirtd" ];
      });

      # `wgaudit` on PATH is this one; it gives the capability up once the
      # bridges are open
      security.wrappers.wgaudit = {
        source = lib.getExe cfg.package;
        owner = "root";
        group = "wgaudit";
        permissions = "u+rx,g+x,o=";
        capabilities =
          if cfg.faults then "cap_net_raw,cap_net_admin+ep" else "cap_net_raw+ep";
      };

      # bridges and tunnels, what faults are made of, namespaces' links
      boot.kernelModules = [ "bridge" "tun" "veth" "sch_netem" "nft_numgen" ];
      # between the bridges of a mesh
      boot.kernel.sysctl."net.ipv4.ip_forward" = lib.mkDefault 1;
      system.requiredKernelConfig = map config.lib.kernelConfig.isEnabled [
        "BRIDGE"
        "TUN"
        "VETH"
        "PACKET"
        "NF_TABLES"
        "NF_TABLES_BRIDGE"
        "NFT_NUMGEN"
        "NET_SCH_NETEM"
      ];

      networking.bridges = lib.mapAttrs (_: _: { interfaces = [ ]; }) cfg.bridges;
      networking.interfaces = lib.mapAttrs
        (_: bridge: {
          ipv4.addresses = [{ inherit (bridge) address prefixLength; }];
        })
        cfg.bridges;
    }

    (lib.mkIf nightly.enable {
      assertions = [
        {
          assertion = nightly.bridges != [ ];
          message = "services.wgaudit-host.nightly.bridges: there is nothing to listen on";
        }
      ];

      users.users.wgaudit = {
        isSystemUser = true;
        group = "wgaudit";
      };

      # A unit that failed is a verdict that is no pass, or none; the metrics
      # tell which.
      systemd.services.wgaudit-nightly = {
        description = "Judge what goes over the bridges";
        after = [ "network.target" ];
        serviceConfig = {
          Type = "oneshot";
          User = "wgaudit";
          Group = "wgaudit";
          AmbientCapabilities = [ "CAP_NET_RAW" ];
          CapabilityBoundingSet = [ "CAP_NET_RAW" ];
          NoNewPrivileges = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
          # the node exporter reads what is in there
          StateDirectory = [ "wgaudit" "wgaudit/metrics" ];
          StateDirectoryMode = "0755";
          UMask = "0022";
          WorkingDirectory = stateDir;
          ExecStart = lib.escapeShellArgs (
            [ (lib.getExe cfg.package) "capture" ]
            ++ lib.concatMap (bridge: [ "--bridge" bridge ]) nightly.bridges
            ++ [
              "--duration"
              nightly.duration
              "--policy"
              policyFile
              "--self-test"
              "--prometheus"
              nightly.metrics
              "--write"
              "${stateDir}/nightly.pcapng"
              "--write-only"
              "violations"
            ]
          );
        };
      };
      systemd.timers.wgaudit-nightly = {
        description = "Judge what goes over the bridges, each night";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = nightly.at;
          Persistent = true;
        };
      };

      services.prometheus.exporters.node = lib.mkIf nightly.nodeExporter {
        enabledCollectors = [ "textfile" ];
        extraFlags = [ "--collector.textfile.directory=${stateDir}/metrics" ];
      };
    })
  ]);
}
