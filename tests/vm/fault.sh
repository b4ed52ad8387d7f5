#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fault.sh: the carrier of a virtual machine, under a libvirtd of the test's own.
# The machine needs no system for that. WGAUDIT names the program. Exit status 0
# passed, 77 cannot be run here, else failed.
set -u
cd "$(dirname "$0")" || exit 99
WGAUDIT=${WGAUDIT:?names the program to test}
if [ -z "${IN_VM_TEST-}" ]; then
	command -v jq >/dev/null || { echo "skipped: no jq"; exit 77; }
	[ "$(uname -m)" = x86_64 ] || { echo "skipped: not x86_64"; exit 77; }
	IN_VM_TEST=1 exec ./lab "$PWD/fault.sh" "$@"
fi
OUT=/run/lab

fail() {
	echo "FAILED: $*"
	cat $OUT/out $OUT/err 2>/dev/null
	exit 1
}

wg() {
	local want=$1 status
	shift
	"$WGAUDIT" "$@" >$OUT/out 2>$OUT/err
	status=$?
	[ $status = "$want" ] || fail "exit status $status, expected $want: $*"
}

# link STATE: what libvirt says of the card
link() {
	virsh -q domif-getlink m vnet0 | grep -qw "$1" || fail "link is not $1: $2"
}

ip link add br0 type bridge forward_delay 0
ip link set br0 up
cat >$OUT/m.xml <<-END
	<domain type='qemu'>
	  <name>m</name>
	  <memory unit='MiB'>64</memory>
	  <os><type arch='x86_64' machine='q35'>hvm</type></os>
	  <devices>
	    <interface type='bridge'>
	      <mac address='52:54:00:01:02:03'/>
	      <source bridge='br0'/>
	      <model type='virtio'/>
	      <target dev='vnet0'/>
	    </interface>
	  </devices>
	</domain>
END
virsh -q create $OUT/m.xml || fail "no domain"
P=(--bridge br0 --port vnet0)

# by this a host of a mesh is known
ip link show vnet0 | grep -q fe:54:00:01:02:03 || fail "another MAC"
link up "at first"
wg 0 flap "${P[@]}" 500ms --kind carrier --json
jq -e '.bit and .outages[0].down.seen_by == "libvirt" and
	.outages[0].lasted_ms >= 500' $OUT/out >/dev/null || fail "flap"
link up "after a flap"

wg 0 link "${P[@]}" down --kind carrier --detach
link down "held"
ip link show vnet0 | grep -q LOWER_UP || fail "the tap is down, too"
wg 0 heal
link up healed

"$WGAUDIT" link "${P[@]}" down --kind carrier >$OUT/held 2>&1 &
for ((i = 0; i < 100; i++)); do
	grep -q ' down' $OUT/held && break
	sleep 0.1
done
link down held
kill -KILL $!
wait $! 2>/dev/null
link down "after the kill"
wg 0 faults
link up "after the next command"

wg 0 flap "${P[@]}" 300ms --json
jq -e '.outages[0].down.seen_by == "link-event"' $OUT/out >/dev/null ||
	fail "tap"
virsh -q domif-setlink m vnet0 down || echo "(virsh cannot set links)"
virsh -q domif-getlink m vnet0 | grep -qw down &&
	wg 2 flap "${P[@]}" 300ms --kind carrier
ip tuntap add mode tap name lone && ip link set lone master br0 up &&
	wg 2 flap --bridge br0 --port lone 300ms --kind carrier &&
	grep -q 'no domain of libvirt' $OUT/err || fail "a tap of nobody"
[ ! -e /run/wgaudit ] || fail "left behind"
virsh -q destroy m
