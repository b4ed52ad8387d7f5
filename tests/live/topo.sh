#!/bin/bash
# SPDX-License-Identifier: MIT
#
# topo.sh CASE: one case of a real Headscale mesh in namespaces. WGAUDIT names
# the program. Exit status 0 passed, 77 cannot be run here, else failed.
cd "$(dirname "$0")" || exit 99
. ./lab.sh
WGAUDIT=${WGAUDIT:?names the program to test}
for tool in ip ping jq curl nginx getent unshare; do
	command -v $tool >/dev/null || [ -x /usr/sbin/$tool ] ||
		{ echo "skipped: no $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ -c /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
if [ -z "${IN_LAB-}" ] && ! command -v headscale >/dev/null; then
	"${WGAUDIT_PEERS:-../peers}/build" current >/dev/null ||
		{ echo "skipped: no headscale, and it cannot be built"; exit 77; }
fi
lab_enter "$PWD/topo.sh" "$@"

clients=(vm-a vm-b vm-c)
base=(--derp 192.168.100.10:443 --control 192.168.100.10:443)

fail() {
	echo "FAILED: $*"
	head -60 $LAB/out $LAB/err 2>/dev/null
	tail -n 5 /run/wgaudit/*/hosts/*/log 2>/dev/null
	exit 1
}

# topo NAME VERB...: of the mesh of this name
topo() {
	"$WGAUDIT" topo --name "$1" "${@:2}"
}

# on HOST COMMAND...: in the host of mesh t
on() {
	topo t exec "$1" -- "${@:2}"
}

# up NAME OPTIONS...
up() {
	"$WGAUDIT" topo --backend namespaces --name "$@" up >$LAB/up 2>&1 ||
		fail "up: $(cat $LAB/up)"
}

# everything that a mesh could leave behind
leftovers() {
	ls -A /run/netns /run/wgaudit 2>/dev/null | grep -v '^/.*:$'
	grep -E '/wga-[tu]-|/run/wgaudit' /proc/self/mountinfo
	ps -eo stat=,comm= | grep -E ' (wgaudit-host|tailscaled|headscale|nginx)$'
	ip -o link | grep -v -E '^[0-9]+: (lo|sit0|ip6tnl0|tunl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)[:@]'
}

nothing_left() {
	local left
	left=$(leftovers)
	[ -z "$left" ] || fail "$1 left behind: $left"
}

down() {
	topo "${1-t}" down >$LAB/down 2>&1 || fail "down: $(cat $LAB/down)"
}

address() {
	on "$1" tailscale ip -4
}

all_pairs() {
	local from to
	for from in "${clients[@]}"; do
		for to in "${clients[@]}"; do
			[ "$from" != "$to" ] || continue
			on "$from" ping -q -c 3 -i 0.2 -W 2 "$(address "$to")" \
				>$LAB/out || fail "no ping from $from to $to"
			on "$from" tailscale ping -c 5 "$to" >$LAB/out 2>&1 ||
				fail "no tailscale ping from $from to $to"
		done
	done
}

capture_start() {
	: >$LAB/err
	"$WGAUDIT" capture --netns wga-t-net --bridge virbr-a --bridge virbr-b \
		--bridge virbr-s "${base[@]}" --write $LAB/frames.pcapng "$@" \
		>$LAB/out 2>$LAB/err &
	capture=$!
	wait_for 20 grep -q '^listening on ' $LAB/err ||
		fail "capture does not listen"
}

# capture_end STATUS
capture_end() {
	local status
	kill -INT "$capture"
	wait "$capture"
	status=$?
	[ $status = "$1" ] || fail "capture ends with $status, expected $1"
}

nodes() {
	on server headscale nodes list -o json >$LAB/nodes.json ||
		fail "no list of nodes"
}

# judge STATUS ARGUMENTS...: what was captured, now that the nodes are known
judge() {
	local want=$1 status
	shift
	"$WGAUDIT" analyze $LAB/frames.pcapng --mesh $LAB/nodes.json \
		"${base[@]}" "$@" --json >$LAB/verdict
	status=$?
	[ $status = "$want" ] || {
		jq -c '.reasons[], .sessions[], .pairs[]' $LAB/verdict
		fail "verdict $status, expected $want"
	}
}

true_of_verdict() {
	jq -e "$1" $LAB/verdict >/dev/null || fail "not true: $1"
}

# from before the first host to after the last, and nothing but ciphertext
case_mesh() {
	chmod 777 $LAB
	up t --networks-only
	capture_start
	up t
	all_pairs
	topo t status --json >$LAB/status || fail "status: $(cat $LAB/status)"
	[ "$(jq '[.hosts[] | select(.online)] | length' $LAB/status)" = 3 ] ||
		fail "not all online: $(cat $LAB/status)"
	on vm-a getent hosts vm-b | grep -q "^$(address vm-b) " ||
		fail "vm-b has no name at vm-a"
	on vm-c getent hosts vm-a.mesh.internal | grep -q "^$(address vm-a) " ||
		fail "vm-a has no full name at vm-c"
	[ "$(on vm-c curl -s -m 5 http://vm-b/)" = "hello from vm-b" ] ||
		fail "no web page over the mesh"
	nodes
	for host in "${clients[@]}"; do
		on "$host" cat /var/lib/wgaudit/tls.keys
	done >$LAB/tls.keys
	chmod 600 $LAB/tls.keys
	topo t down --networks-only >$LAB/down || fail "down"
	capture_end 0
	judge 0 --require identified --expect-pair vm-a,vm-b \
		--expect-pair vm-a,vm-c --expect-pair vm-b,vm-c
	true_of_verdict '.classes.wireguard.frames > 20'
	judge 0 --require identified --tls-keys $LAB/tls.keys
	down
	nothing_left down
}

# the web server listens on the mesh only, and to try is seen on the wire
case_underlay() {
	chmod 777 $LAB
	up t --networks-only
	capture_start
	up t
	on vm-c curl -s -m 5 http://10.0.0.10/ >$LAB/out &&
		fail "a web page over the underlay"
	nodes
	topo t down --networks-only >$LAB/down || fail "down"
	capture_end 1
	judge 1
	true_of_verdict 'any(.reasons[]; .code == "unexplained")'
	down
	nothing_left down
}

case_leak() {
	chmod 777 $LAB
	up t --networks-only
	capture_start
	up t
	on vm-c ping -q -c 3 -i 0.2 "$(address vm-b)" >$LAB/out ||
		fail "no ping"
	nodes
	on vm-a sh -c 'exec perl -MIO::Socket::INET -e "
		\$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 1);
		\$c = \$s->accept; <\$c>;
		print \$c qq(HTTP/1.0 200 OK\r\n\r\nsecret\n);"' &
	wait_for 10 on vm-b curl -s -m 5 http://192.168.1.10:8080/ >$LAB/out ||
		fail "no page over the underlay"
	topo t down --networks-only >$LAB/down || fail "down"
	capture_end 1
	judge 1
	true_of_verdict 'any(.reasons[]; .code == "plaintext")'
	down
	nothing_left down
}

# a host that boots again is the node it was
case_reboot() {
	local before
	up t
	before=$(address vm-b)
	nodes
	mv $LAB/nodes.json $LAB/before.json
	topo t stop vm-b || fail "stop"
	on vm-b true 2>/dev/null && fail "vm-b still runs"
	topo t start vm-b || fail "start"
	wait_for 2 on vm-a ping -q -c 1 -W 1 "$before" >$LAB/out ||
		fail "vm-b does not rejoin"
	[ "$(address vm-b)" = "$before" ] || fail "vm-b has another address"
	wait_for 2 on vm-a curl -s -m 2 http://vm-b/ >$LAB/out ||
		fail "no web page after the reboot"
	kill -9 "$(pgrep -f ' topo-init t vm-b ')" || fail "no first process"
	up t
	wait_for 2 on vm-a ping -q -c 1 -W 1 "$before" >$LAB/out ||
		fail "vm-b does not rejoin after a crash"
	nodes
	jq -s '(.[0] | map([.given_name, .node_key, .ip_addresses]) | sort) ==
	       (.[1] | map([.given_name, .node_key, .ip_addresses]) | sort)' \
		$LAB/before.json $LAB/nodes.json | grep -q true ||
		fail "the nodes are not what they were"
	[ "$(on server headscale preauthkeys list -o json |
		jq length)" = 1 ] || fail "more than one key was made"
	down
	nothing_left down
}

# killed at any moment, down leaves nothing and up can begin anew
case_killed() {
	local ms
	for ms in 2 10 25 40 60 80 100 130 160 200 $((RANDOM % 400)) \
		$((RANDOM % 1000)) $((RANDOM % 2000)) $((RANDOM % 3000)); do
		"$WGAUDIT" topo --backend namespaces --name t up >$LAB/up 2>&1 &
		sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
		topo t down >$LAB/down 2>&1 ||
			fail "down after $ms ms: $(cat $LAB/down)"
		nothing_left "kill -9 after $ms ms"
	done
	"$WGAUDIT" topo --backend namespaces --name t up >$LAB/up 2>&1 &
	sleep 0.3
	kill -9 $!
	wait $! 2>/dev/null
	up t
	on vm-a ping -q -c 1 -W 3 "$(address vm-b)" >$LAB/out || fail "no ping"
	"$WGAUDIT" topo --name t down &
	sleep 0.02
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	topo t down >$LAB/down 2>&1 ||
		fail "down after a killed down: $(cat $LAB/down)"
	nothing_left "a killed down"
}

case_two() {
	"$WGAUDIT" topo --backend namespaces --name t up >$LAB/up 2>&1 &
	up u
	wait $! || fail "the first: $(cat $LAB/up)"
	on vm-a ping -q -c 1 -W 3 "$(address vm-b)" >$LAB/out || fail "no ping"
	down
	topo u exec vm-a -- ping -q -c 1 -W 3 \
		"$(topo u exec vm-b -- tailscale ip -4)" >$LAB/out ||
		fail "the second mesh suffers when the first goes"
	leftovers | grep -q wga-t- && fail "the first is not gone"
	down u
	nothing_left down
}

# a mesh that cannot come up leaves nothing, and says what it was
case_rollback() {
	mkdir $LAB/bin
	printf '#!/bin/sh\necho no database >&2\nexit 3\n' >$LAB/bin/headscale
	printf '#!/bin/sh\nexit 1\n' >$LAB/bin/tailscale
	printf '#!/bin/sh\nexec sleep 60\n' >$LAB/bin/tailscaled
	chmod 755 $LAB/bin/*
	PATH=$LAB/bin:$PATH "$WGAUDIT" topo --backend namespaces --name t up >$LAB/out 2>&1 &&
		fail "comes up with a broken headscale"
	grep -q 'server: headscale ends with status 3' $LAB/out &&
		grep -q 'no database' $LAB/out || fail "does not say why"
	nothing_left "a failed up"
}

# what may pass between networks, an older client, a host that is no node
case_passages() {
	cat >$LAB/topology.yaml <<-END
		name: t
		networks:
		  a: {bridge: br-a, subnet: 192.168.1.0/24}
		  b: {bridge: br-b, subnet: 10.0.0.0/24}
		  s: {bridge: br-s, subnet: 192.168.100.0/24}
		passage:
		  - {between: [a, b], pass: no-udp}
		hosts:
		  server: {role: server, network: s, address: 192.168.100.10}
		  vm-a: {role: client, network: a, address: 192.168.1.10, version: older}
		  vm-b: {role: client, network: b, address: 10.0.0.10}
		  other: {role: plain, network: a, address: 192.168.1.66}
	END
	up t --file $LAB/topology.yaml
	on vm-a ping -q -c 3 -W 3 "$(address vm-b)" >$LAB/out ||
		fail "no ping through DERP"
	[ "$(on vm-a tailscale status --json | jq -r '.Peer[] |
		.CurAddr + "," + .Relay')" = ,wgaudit ] ||
		fail "a direct path without UDP"
	[ "$(on vm-a tailscale version | head -1)" != \
		"$(on vm-b tailscale version | head -1)" ] ||
		fail "both clients have one version"
	on other ping -q -c 1 -W 2 10.0.0.10 >$LAB/out ||
		fail "a plain host does not reach the other network"
	on other ping -q -c 1 -W 1 "$(address vm-b)" >$LAB/out &&
		fail "a plain host is in the mesh"
	down
	sed -i 's/no-udp/isolated/' $LAB/topology.yaml
	up t --file $LAB/topology.yaml
	on other ping -q -c 1 -W 1 10.0.0.10 >$LAB/out &&
		fail "isolated networks reach each other"
	on other ping -q -c 1 -W 2 192.168.100.10 >$LAB/out ||
		fail "the server cannot be reached"
	"$WGAUDIT" topo --backend namespaces --name t up >$LAB/out 2>&1 &&
		fail "another topology of the same name comes up"
	grep -q 'looks otherwise' $LAB/out || fail "does not say why"
	down
	nothing_left down
}

# what a command in a host does reaches nobody else
case_exec() {
	up t
	on vm-a sh -c 'exit 7'
	[ $? = 7 ] || fail "the exit status is lost"
	on vm-a sh -c 'kill -TERM $$'
	[ $? = 143 ] || fail "the signal is lost"
	[ "$(echo hello | on vm-a cat)" = hello ] || fail "no input"
	[ "$(on vm-a hostname)" = vm-a ] || fail "no host name"
	on vm-a sh -c 'touch /usr/wga-test || touch /etc/ssl/wga-test' \
		2>/dev/null && fail "the machine's files can be changed"
	on vm-a sh -c 'echo x >/etc/wga-test; echo x >/tmp/wga-test'
	[ ! -e /etc/wga-test ] && [ ! -e /tmp/wga-test ] ||
		fail "files leak out of the host"
	on vm-b test -e /etc/wga-test && fail "files leak between hosts"
	on net ip -o link show virbr-a >$LAB/out || fail "no exec on net"
	ip -o link show virbr-a >$LAB/out 2>&1 && fail "bridges leak"
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ] || fail "forwarding leaks"
	# a file that is put into a host stays in it, whatever links are there
	mkdir $LAB/link
	on vm-a sh -c "rm -r /etc/wgaudit && mkdir -p $LAB/link &&
		ln -s $LAB/link /etc/wgaudit" || fail "no link"
	up t
	[ -z "$(ls $LAB/link)" ] || fail "a file is put outside of the host"
	on vm-a test -s $LAB/link/ca.pem || fail "the file is not in the host"
	"$WGAUDIT" topo --name t exec vm-a -- sleep 1000 &
	wait_for 5 on vm-a pgrep sleep >$LAB/out
	kill -9 $!
	sleep 0.2
	on vm-a pgrep sleep >$LAB/out && fail "a command outlives who ran it"
	down
	nothing_left down
}

"case_$1"
