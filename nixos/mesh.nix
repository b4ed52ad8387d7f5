# SPDX-License-Identifier: MIT
#
# The mesh that wgaudit's built-in topology has too: names, addresses, ports.
# docs/guests.md has the same values; a test compares them.
{
  control = {
    name = "headscale.internal";
    port = 443;
    stunPort = 3478;
    user = "wgaudit";
    keyLife = "10m";
  };
  overlay = {
    domain = "mesh.internal";
    prefix = "100.64.0.0/10";
    interface = "tailscale0";
    port = 41641;
  };
  networks = {
    a = {
      bridge = "virbr-a";
      subnet = "192.168.1.0/24";
      gateway = "192.168.1.1";
    };
    b = {
      bridge = "virbr-b";
      subnet = "10.0.0.0/24";
      gateway = "10.0.0.1";
    };
    s = {
      bridge = "virbr-s";
      subnet = "192.168.100.0/24";
      gateway = "192.168.100.1";
    };
  };
  hosts = {
    server = {
      network = "s";
      address = "192.168.100.10";
      services = [ "headscale" ];
    };
    vm-a = {
      network = "a";
      address = "192.168.1.10";
      services = [ "tailscaled" ];
    };
    vm-b = {
      network = "b";
      address = "10.0.0.10";
      services = [ "tailscaled" "nginx" ];
    };
    vm-c = {
      network = "a";
      address = "192.168.1.11";
      services = [ "tailscaled" ];
    };
  };
}
