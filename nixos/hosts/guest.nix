# SPDX-License-Identifier: MIT
#
# The one image that wgaudit topo boots for every role.
{
  imports = [
    ./common.nix
    ../modules/topo-guest.nix
  ];

  services.wgaudit-topo-guest.enable = true;
}
