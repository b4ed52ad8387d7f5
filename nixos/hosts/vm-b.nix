# SPDX-License-Identifier: MIT
{
  imports = [
    ./common.nix
    ../modules/mesh-client.nix
    ../modules/mesh-nginx.nix
  ];

  networking.hostName = "vm-b";
  services.mesh-client.enable = true;
  services.mesh-nginx.enable = true;
}
