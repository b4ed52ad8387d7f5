#!/bin/bash
# SPDX-License-Identifier: MIT
#
# topo_cli.sh CASE: wgaudit topo and doctor in network namespaces, as a user
# sees them. WGAUDIT names the program, WGAUDIT_PEERS where the programs of a
# mesh are built. Exit status 0 passed, 77 cannot be run here, else failed.
cd "$(dirname "$0")" || exit 99
. ./lab.sh
WGAUDIT=${WGAUDIT:?names the program to test}
for tool in ip jq script nginx unshare; do
	command -v $tool >/dev/null || [ -x /usr/sbin/$tool ] ||
		{ echo "skipped: no $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ -c /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
if [ -z "${IN_LAB-}" ] && ! command -v headscale >/dev/null; then
	"${WGAUDIT_PEERS:-../peers}/build" current >/dev/null ||
		{ echo "skipped: no headscale, and it cannot be built"; exit 77; }
fi
lab_enter "$PWD/topo_cli.sh" "$@"

fail() {
	echo "FAILED: $*"
	head -60 $LAB/out $LAB/err 2>/dev/null
	exit 1
}

# topo STATUS WORDS...: what wgaudit topo ends with
topo() {
	local want=$1 status
	shift
	"$WGAUDIT" topo "$@" >$LAB/out 2>$LAB/err </dev/null
	status=$?
	[ $status = "$want" ] || fail "topo $*: $status, expected $want"
}

# doctor STATUS FILTER WORDS...: it ends so, and jq finds the filter true
doctor() {
	local want=$1 filter=$2 status
	shift 2
	"$WGAUDIT" doctor --json "$@" >$LAB/out 2>$LAB/err
	status=$?
	[ $status = "$want" ] || fail "doctor $*: $status, expected $want"
	jq -e "$filter" $LAB/out >/dev/null || fail "doctor $*: not true: $filter"
}

has() {
	grep -q -e "$2" $LAB/"$1" || fail "no \"$2\" in $1"
}

nothing_left() {
	[ -z "$(ls -A /run/netns /run/wgaudit 2>/dev/null | grep -v '^/.*:$')" ] ||
		fail "left: $(ls -A /run/netns /run/wgaudit)"
	! ps -eo comm= | grep -qE '^(wgaudit-host|headscale|tailscaled|nginx)$' ||
		fail "processes are left"
}

up=(up --backend namespaces --name c)

case_mesh() {
	topo 0 check --backend namespaces --name c
	topo 0 "${up[@]}"
	has out '^ *[0-9.]* s  vm-c  *joined$'
	has out '^mesh c is up after'
	topo 0 status --name c
	has out '^vm-b  *client  10.0.0.10  *100\.64\.0\.[0-9]*  *yes  *yes '
	topo 0 status --name c --json
	jq -e '.schema == "wgaudit-topo/1" and .netns == "wga-c-net" and
		([.hosts[] | select(.online)] | length) == 3' $LAB/out >/dev/null ||
		fail "status --json"
	topo 7 exec --name c vm-a -- sh -c 'echo "$(hostname)"; exit 7'
	has out '^vm-a$'
	topo 143 exec --name c vm-a -- sh -c 'kill -TERM $$'
	[ "$(echo in | "$WGAUDIT" topo exec --name c vm-b -- cat)" = in ] ||
		fail "no standard input"
	topo 2 exec --name c vm-a -- /nonexistent
	has err 'cannot run /nonexistent\|/nonexistent'
	topo 2 exec --name c vm-a --timeout 200ms -- sleep 60
	topo 0 console --name c vm-a
	has out tailscaled
	doctor 0 '.checks[] | select(.name == "leftovers") |
		.status == "ok" and .text == "mesh c is up"' topo --backend namespaces
	# once more mends nothing, and a mesh that is up can be checked
	topo 0 "${up[@]}" --json
	jq -e '.done == "up"' $LAB/out >/dev/null || fail "up --json"
	topo 0 check --backend namespaces --name c
	has out 'it is up'
	topo 0 down --name c
	nothing_left
	topo 0 down --name c
	has out '^no mesh c was up$'
}

# on a terminal: lines drawn in place, and a shell with job control
case_terminal() {
	script -qefc "'$WGAUDIT' topo ${up[*]}" /dev/null </dev/null >$LAB/out ||
		fail "up on a terminal"
	grep -q $'\033\[4A' $LAB/out || fail "nothing was drawn in place"
	has out 'vm-c  *ready'
	printf 'tty; hostname; exit 5\n' |
		script -qefc "'$WGAUDIT' topo ssh --name c vm-a" /dev/null >$LAB/out
	[ $? = 5 ] || fail "the shell's status is not passed on"
	has out '/dev/pts/'
	has out '^vm-a'
	topo 0 down --name c
	nothing_left
}

# Ctrl-C takes back what was made; after kill -9 doctor says what to do
case_interrupted() {
	"$WGAUDIT" topo "${up[@]}" >$LAB/out 2>$LAB/err &
	wait_for 20 grep -q booted $LAB/out || fail "nothing booted"
	kill -TERM $!
	wait $!
	[ $? = 143 ] || fail "not ended by SIGTERM"
	has err '^wgaudit: interrupted; what was made until then is gone again$'
	nothing_left
	: >$LAB/out # or what was said before is taken for what is said now
	"$WGAUDIT" topo "${up[@]}" >$LAB/out 2>$LAB/err &
	wait_for 20 grep -q booted $LAB/out || fail "nothing booted"
	kill -KILL $!
	wait $! 2>/dev/null
	doctor 0 '.checks[] | select(.name == "leftovers") | .text | test("mesh c")' \
		topo --backend namespaces
	topo 0 down --name c
	nothing_left
	doctor 0 '.checks[] | select(.name == "leftovers") | .status == "ok"' \
		topo --backend namespaces
}

# what is in the way of guests is found by looking at links and routes
case_doctor() {
	local subnets='[.checks[] | select(.name == "subnets")][0]'
	"$WGAUDIT" doctor --json --backend libvirt topo >$LAB/out
	jq -e "$subnets.status == \"ok\"" $LAB/out >/dev/null || fail "not free"
	ip link add virbr-b type bridge
	doctor 1 "$subnets | .status == \"missing\" and (.text | test(\"virbr-b already\"))" \
		--backend libvirt topo
	ip link delete virbr-b
	ip link add other type bridge
	ip address add 192.168.0.5/16 dev other
	ip link set other up
	doctor 1 "$subnets | .status == \"missing\" and
		(.text | test(\"192.168.1.0/24 of network a is in use here: other has 192.168.0.5/16\"))" \
		--backend libvirt topo
	ip address flush dev other
	ip route add 10.0.0.128/25 dev other
	doctor 1 "$subnets | .text | test(\"other has a route to 10.0.0.128/25\")" \
		--backend libvirt topo
	ip route flush dev other
	ip link add wga-x type bridge
	doctor 0 '[.checks[] | select(.name == "leftovers")] | length == 1 and
		.[0].mend == "ip link delete wga-x"' topo --backend namespaces
	ip link delete wga-x
	doctor 0 '.checks | map(.name) | index("bridges") != null' capture
	# the probes have left nothing here
	! ip link | grep -q wga- || fail "a link is left"
	! nft list tables 2>/dev/null | grep -q wga || fail "a table is left"
}

case_"$1"
