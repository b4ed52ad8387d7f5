#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fault_mesh.sh CASE: faults on a real Headscale mesh in namespaces. WGAUDIT
# names the program. Exit status 0 passed, 77 cannot be run here, else failed.
cd "$(dirname "$0")" || exit 99
. ./lab.sh
WGAUDIT=${WGAUDIT:?names the program to test}
for tool in ip ping jq nft nginx unshare; do
	command -v $tool >/dev/null || [ -x /usr/sbin/$tool ] ||
		{ echo "skipped: no $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ -c /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
if [ -z "${IN_LAB-}" ] && ! command -v headscale >/dev/null; then
	"${WGAUDIT_PEERS:-../peers}/build" current >/dev/null ||
		{ echo "skipped: no headscale, and it cannot be built"; exit 77; }
fi
lab_enter "$PWD/fault_mesh.sh" "$@"

fail() {
	echo "FAILED: $*"
	head -60 $LAB/out $LAB/err 2>/dev/null
	exit 1
}

on() {
	"$WGAUDIT" topo --name t exec "$1" -- "${@:2}"
}

wg() {
	local want=$1 status
	shift
	"$WGAUDIT" "$@" >$LAB/out 2>$LAB/err
	status=$?
	[ $status = "$want" ] || fail "exit status $status, expected $want: $*"
}

networks() {
	nsenter --net=/run/netns/wga-t-net "$@"
}

state() {
	networks nft list ruleset
	networks ip -d link | sed -E 's/[a-z_]*_timer +[0-9.]+//g'
	for host in vm-a vm-b vm-c; do
		on $host ip -d link show eth0
		on $host ip addr show eth0
		on $host ip route show table all dev eth0
	done
	ls /run/wgaudit
}

settled() {
	state >$LAB/now
	cmp -s $LAB/before $LAB/now
}

as_before() {
	wait_for 10 settled || {
		diff $LAB/before $LAB/now
		fail "not as before: $*"
	}
}

address() {
	on "$1" tailscale ip -4
}

# look: what a and b send each other in four seconds, by capture; sets direct
# and derp to numbers of frames
look() {
	on vm-a ping -q -i 0.1 -w 6 "$b" >/dev/null 2>&1 &
	"$WGAUDIT" capture --netns wga-t-net --bridge virbr-a --bridge virbr-b \
		--derp 192.168.100.10:443 --control 192.168.100.10:443 \
		--duration 4s --json >$LAB/look 2>$LAB/err
	wait $!
	direct=$(jq '[.flows[] | select(.class == "wireguard") |
		select([.a.addr, .b.addr] | sort == ["10.0.0.10", "192.168.1.10"]) |
		.frames] | add // 0' $LAB/look) || fail "no capture"
	derp=$(jq .classes.derp.frames $LAB/look)
	echo "direct $direct, DERP $derp"
}

is_direct() {
	look
	[ "$direct" -gt 30 ]
}

is_derp() {
	look
	[ "$direct" = 0 ] && [ "$derp" -gt 30 ]
}

chmod 777 $LAB
"$WGAUDIT" topo --backend namespaces --name t up >$LAB/up 2>&1 ||
	fail "up: $(cat $LAB/up)"
b=$(address vm-b)
sleep 2
state >$LAB/before

case_mesh() {
	wait_for 60 is_direct || fail "a and b never talk directly"
	wg 2 partition vm-a vm-bb
	grep -q 'did you mean "vm-b"' $LAB/err || fail "no hint"
	wg 2 partition vm-a server
	grep -q 'stays reachable' $LAB/err || fail "cuts the control server"

	wg 0 partition vm-a vm-b --protocol udp --detach
	wait_for 60 is_derp || fail "a and b do not move to DERP"
	on vm-a ping -q -c 3 -W 2 "$b" >/dev/null || fail "no ping over DERP"
	wg 0 faults --json
	jq -e '.faults[0].dropped > 0 and .faults[0].mesh == "t"' $LAB/out \
		>/dev/null || fail "nothing is dropped: $(cat $LAB/out)"
	wg 0 heal partition-vm-a-vm-b
	wait_for 120 is_direct || fail "a and b do not move back"
	as_before partition

	on vm-c ping -q -i 0.1 "$b" >/dev/null 2>&1 &
	wg 0 partition --isolate vm-c --detach
	! on vm-c ping -q -c 1 -W 1 192.168.1.10 >/dev/null || fail "c reaches a"
	on vm-c ping -q -c 1 -W 1 192.168.100.10 >/dev/null ||
		fail "c does not reach the control server"
	wg 0 heal vm-c
	as_before isolate

	for kind in tap carrier drop reject; do
		wg 0 flap vm-b 1s --kind $kind --json
		jq -e '.bit and (.outages[0].lasted_ms | . >= 1000)' \
			$LAB/out >/dev/null || fail "flap: $(cat $LAB/out)"
		as_before $kind
	done
	wait_for 20 on vm-a ping -q -c 1 -W 1 "$b" >/dev/null ||
		fail "b does not come back"
	"$WGAUDIT" topo --name t down >$LAB/out 2>&1 || fail "down"
}

"case_$1"
