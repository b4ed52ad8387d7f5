# SPDX-License-Identifier: MIT
#
# In nixpkgs: nixos/modules/profiles/qemu-guest.nix, virtio drivers for the initrd.
{ }
