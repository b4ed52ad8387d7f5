# SPDX-License-Identifier: MIT
{
  imports = [
    ./common.nix
    ../modules/mesh-client.nix
  ];

  networking.hostName = "vm-c";
  services.mesh-client.enable = true;
}
