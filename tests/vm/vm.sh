#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vm.sh CASE: one case of a real mesh of virtual machines, under a libvirtd of
# the test's own. WGAUDIT names the program. Exit status 0 passed, 77 cannot be
# run here, else failed.
set -u
cd "$(dirname "$0")" || exit 99
WGAUDIT=${WGAUDIT:?names the program to test}
OUT=/run/lab

# a lab that is killed takes along what it has started
case_lab() {
	local mark=${$}00 tries
	./lab sleep "$mark" &
	for tries in {600..0}; do
		pgrep -fx "sleep $mark" >/dev/null && break
		kill -0 $! 2>/dev/null || { wait $!; exit; }
		sleep 0.1
	done
	[ "$tries" != 0 ] || { echo "FAILED: no lab"; exit 1; }
	kill -9 $!
	wait $! 2>/dev/null
	for tries in {100..0}; do
		pgrep -fx "sleep $mark" >/dev/null || exit 0
		sleep 0.1
	done
	echo "FAILED: the lab goes on without its head"
	exit 1
}

[ "${1-}" != lab ] || case_lab
if [ -z "${IN_VM_TEST-}" ]; then
	[ "$(uname -m)" = x86_64 ] || { echo "skipped: not x86_64"; exit 77; }
	for tool in jq mmdebstrap qemu-img; do
		command -v $tool >/dev/null ||
			{ echo "skipped: no $tool"; exit 77; }
	done
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
	../peers/build current >/dev/null ||
		{ echo "skipped: headscale cannot be built"; exit 77; }
	../../topo/image/build >/dev/null || exit 99
	IN_VM_TEST=1 exec ./lab "$PWD/vm.sh" "$@"
fi

clients=(vm-a vm-b vm-c)
base=(--derp 192.168.100.10:443 --control 192.168.100.10:443)

fail() {
	echo "FAILED: $*"
	tail -n 30 $OUT/up $OUT/err 2>/dev/null
	tail -n 5 /var/lib/libvirt/images/wga-*/*.log 2>/dev/null
	exit 1
}

wait_for() {
	local tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

topo() {
	"$WGAUDIT" topo --name t "$@"
}

on() {
	topo exec "$1" -- "${@:2}"
}

up() {
	topo "$@" up >$OUT/up 2>&1 || fail "up"
}

# refused TEXT: up fails, says so, and leaves nothing behind
refused() {
	topo "${@:2}" up >$OUT/up 2>&1 && fail "up works, expected: $1"
	tr '\n' ' ' <$OUT/up | grep -qE -- "$1" ||
		fail "does not say '$1'"
	nothing_left "a failing up"
}

down() {
	topo down >$OUT/down 2>&1 || fail "down: $(cat $OUT/down)"
}

# everything that a mesh could leave behind
leftovers() {
	virsh -q list --all --name
	virsh -q net-list --all --name
	virsh -q pool-list --all --name
	ls -A /run/wgaudit /var/lib/libvirt/images /var/lib/libvirt/dnsmasq \
		2>/dev/null | grep -v '^/.*:$'
	ps -eo stat=,comm= | grep -E '^[^Z].* (qemu-system|dnsmasq|swtpm)'
	ip -br link | grep -E 'virbr|vnet'
	nft list tables 2>/dev/null | grep wga_
}

nothing_left() {
	local left
	left=$(leftovers | grep -v '^$')
	[ -z "$left" ] || fail "$1 left behind: $left"
}

address() {
	on "$1" tailscale ip -4
}

capture_start() {
	: >$OUT/err
	"$WGAUDIT" capture --bridge virbr-a --bridge virbr-b --bridge virbr-s \
		"${base[@]}" "$@" >$OUT/out 2>$OUT/err &
	capture=$!
	wait_for 20 grep -q '^listening on ' $OUT/err ||
		fail "capture does not listen"
}

# capture_end STATUS
capture_end() {
	local status
	kill -INT "$capture"
	wait "$capture"
	status=$?
	[ $status = "$1" ] || {
		cat $OUT/out
		fail "capture ends with $status, expected $1"
	}
}

all_pairs() {
	local from to
	for from in "${clients[@]}"; do
		for to in "${clients[@]}"; do
			[ "$from" = "$to" ] ||
				on "$from" ping -q -c 5 -W 10 "$(address "$to")" \
					>$OUT/ping || fail "no ping from $from to $to"
		done
	done
}

# what commands in guests have to keep: output, status, input, time
check_commands() {
	local host
	for host in server "${clients[@]}"; do
		[ "$(on $host hostname)" = $host ] || fail "no command in $host"
	done
	on vm-a sh -c 'echo out; echo err >&2; exit 7' >$OUT/a 2>$OUT/b
	[ $? = 7 ] && [ "$(cat $OUT/a $OUT/b)" = $'out\nerr' ] ||
		fail "exec keeps neither output nor status"
	[ "$(echo through | on vm-b cat)" = through ] || fail "exec has no input"
	on vm-c head -c 3000000 /dev/zero >$OUT/a
	[ "$(stat -c %s $OUT/a)" = 3000000 ] || fail "exec cuts long output"
	topo --timeout 2s exec vm-a -- sleep 60 2>$OUT/b &&
		fail "exec --timeout does not end it"
	grep -q 'has not ended' $OUT/b || fail "exec --timeout says $(cat $OUT/b)"
	wait_for 20 no_sleep || fail "sleep goes on after its time"
	on vm-a ping -q -c 2 -W 5 10.0.0.10 >$OUT/ping ||
		fail "networks do not route"
	on vm-a nix 2>$OUT/b && fail "exec of nothing works"
	grep -q 'cannot run nix' $OUT/b || fail "exec of nothing: $(cat $OUT/b)"
}

no_sleep() {
	! on vm-a pgrep -x sleep
}

online() {
	topo status --json >$OUT/status &&
		[ "$(jq '[.hosts[] | select(.online)] | length' $OUT/status)" = 3 ]
}

# From before the first boot until after the last guest: ciphertext only. Then
# a page over the underlay: a leak.
case_mesh() {
	local keys
	chmod 777 $OUT
	up --networks-only
	capture_start --write $OUT/frames.pcapng
	up
	echo "up after: $(tail -n 3 $OUT/up)"
	online || fail "not all online: $(cat $OUT/status)"
	all_pairs
	[ "$(on vm-c curl -s -m 20 http://vm-b/)" = "hello from vm-b" ] ||
		fail "no web page over the mesh"
	on vm-a getent hosts vm-b >$OUT/a || fail "vm-b has no name at vm-a"
	on server headscale nodes list -o json >$OUT/nodes || fail "no nodes"
	topo reboot vm-c >$OUT/reboot 2>&1 || fail "reboot: $(cat $OUT/reboot)"
	wait_for 120 online || fail "vm-c does not rejoin: $(cat $OUT/status)"
	all_pairs
	on server headscale nodes list -o json >$OUT/nodes2 || fail "no nodes"
	keys='[.[] | .node_key // .nodeKey] | sort'
	[ "$(jq "$keys" $OUT/nodes)" = "$(jq "$keys" $OUT/nodes2)" ] ||
		fail "vm-c has a new key"
	kill -INT "$capture"
	wait "$capture"
	"$WGAUDIT" analyze $OUT/frames.pcapng --mesh $OUT/nodes "${base[@]}" \
		--require identified --expect-pair vm-a,vm-b \
		--expect-pair vm-a,vm-c --expect-pair vm-b,vm-c >$OUT/verdict || {
		cat $OUT/verdict
		fail "no pass"
	}
	check_commands
	capture_start
	on vm-a sh -c 'perl -MIO::Socket::INET -e "
		\$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5);
		while (\$c = \$s->accept) {
			1 while defined(\$l = <\$c>) && \$l =~ /\S/;
			print \$c qq(HTTP/1.0 200 OK\r\n\r\nsecret\n);
			close \$c;
		}" >/dev/null 2>&1 & sleep 2'
	on vm-c curl -s -m 20 http://192.168.1.10:8080/ >$OUT/a ||
		fail "no page over the underlay"
	capture_end 1
	down
	nothing_left down
}

# in the middle of booting
case_killed() {
	"$WGAUDIT" topo --name t up >$OUT/up 2>&1 &
	wait_for 120 sh -c '[ "$(virsh -q list --name | wc -l)" -ge 3 ]' ||
		fail "no guests"
	sleep 3
	kill -9 $!
	wait $! 2>/dev/null
	virsh -q net-define /dev/stdin <<-END >/dev/null
		<network><name>wga-t-other</name><bridge name='virbr-o'/></network>
	END
	down
	virsh -q net-undefine wga-t-other >$OUT/a 2>&1 ||
		fail "down takes what is not ours"
	nothing_left "down after kill -9"
}

# topology IMAGE: with all hosts of this image
topology() {
	cat <<-END >$OUT/t.yaml
		networks:
		  a: {bridge: virbr-a, subnet: 192.168.1.0/24}
		hosts:
		  server: {network: a, address: 192.168.1.10, role: server, image: $1}
		  vm-a: {network: a, address: 192.168.1.11, role: client, image: $1}
	END
}

case_errors() {
	local image
	image=$(../../topo/image/build) || exit 99
	WGAUDIT_CACHE=/nonexistent refused 'no guest image .*topo/image/build'
	ip link add there type bridge
	ip addr add 192.168.1.77/24 dev there
	refused '192\.168\.1'
	ip link del there

	# a disk with nothing on it: the kernel panics
	mkdir $OUT/empty
	qemu-img create -q -f qcow2 $OUT/empty/disk.qcow2 64M
	cp "$image/vmlinuz" $OUT/empty/
	topology $OUT/empty/disk.qcow2
	refused '(vm-a|server): it crashed while it booted.*[Kk]ernel panic' \
		--file $OUT/t.yaml
	# and the firmware finds nothing to boot
	mv $OUT/empty/disk.qcow2 $OUT/empty/other.qcow2
	topology $OUT/empty/other.qcow2
	WGAUDIT_BOOT_SECONDS=8 refused 'no guest agent after 8 s' \
		--file $OUT/t.yaml
	up --networks-only
	kill "$(cat $OUT/libvirtd.pid)"
	wait_for 20 sh -c '! virsh -q uri' || fail "libvirtd goes on"
	topo down >$OUT/down 2>&1 && fail "down forgets what it cannot remove"
	grep -q 'start it' $OUT/down || fail "down says $(cat $OUT/down)"
	ip link del virbr-a && ip link del virbr-b && ip link del virbr-s
	down
	topo up >$OUT/up 2>&1 && fail "up without libvirtd"
	grep -q 'no libvirt at qemu:///system' $OUT/up || fail "does not say why"
}

# rules in the lab's own network namespace, without guests
case_passages() {
	sed '0,/pass: open/s//pass: no-udp/' ../../docs/topology-example.yaml \
		>$OUT/t.yaml
	up --file $OUT/t.yaml --networks-only
	nft list table inet wga_t >$OUT/rules 2>&1 || fail "no rules"
	grep -qE '"virbr-a" oifname "virbr-b" meta l4proto (udp|17) drop' \
		$OUT/rules || fail "no rule: $(cat $OUT/rules)"
	! grep -q virbr-s $OUT/rules || fail "rules for an open passage"
	down
	nothing_left down
	# a machine's own namespace, as far as can be told
	mkdir -p $OUT/net/eth0/device
	mount --bind $OUT/net /sys/class/net || fail "cannot mount"
	topo --file $OUT/t.yaml up >$OUT/up 2>&1 && fail "rules are made anywhere"
	grep -q "own network namespace" $OUT/up || fail "does not say why"
	umount /sys/class/net
	nothing_left "a refused up"
}

"case_${1:?which case}"
