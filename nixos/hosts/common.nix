# SPDX-License-Identifier: MIT
#
# What the VMs have in common: a virtio machine on a libvirt bridge, which gets
# its address by its MAC address, over IPv4 alone.
{ lib, modulesPath, ... }:
{
  imports = [ (modulesPath + "/profiles/qemu-guest.nix") ];

  boot.loader.grub.device = lib.mkDefault "/dev/vda";
  boot.kernelParams = [ "console=ttyS0" ];
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
    autoResize = true;
  };

  networking.useDHCP = false;
  networking.useNetworkd = true;
  systemd.network.networks."10-wire" = {
    matchConfig.Type = "ether";
    networkConfig = {
      DHCP = "ipv4";
      LinkLocalAddressing = "no";
    };
    dhcpV4Config = {
      ClientIdentifier = "mac";
      UseDomains = false;
    };
  };
  # a mesh without an uplink is never online
  systemd.network.wait-online.enable = false;

  documentation.enable = false;
  system.stateVersion = "26.05";
}
