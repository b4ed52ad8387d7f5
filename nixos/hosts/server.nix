# SPDX-License-Identifier: MIT
{
  imports = [
    ./common.nix
    ../modules/headscale-test-server.nix
  ];

  networking.hostName = "server";
  services.headscale-test-server.enable = true;
}
