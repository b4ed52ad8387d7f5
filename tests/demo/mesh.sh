#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mesh.sh: a real Headscale mesh of four hosts, watched from before it starts,
# then with a leak. WGAUDIT names the program. Exit status 0 if wgaudit told the
# two apart.
cd "$(dirname "$0")" || exit 99
. ../live/lab.sh
WGAUDIT=${WGAUDIT:?names the program to show}
[ "$(id -u)" = 0 ] || { echo "demo: a mesh needs root; try sudo" >&2; exit 2; }
lab_enter "$PWD/mesh.sh"

server=192.168.100.10:443
bridges=(--bridge virbr-a --bridge virbr-b --bridge virbr-s)
seen=(--netns wga-demo-net "${bridges[@]}" --derp $server --control $server)

title() {
	printf '\n== %s\n\n' "$*"
}

differs() {
	echo "demo: $*" >&2
	cat $LAB/story >&2
	exit 1
}

topo() {
	"$WGAUDIT" topo --name demo "$@"
}

on() {
	topo exec "$1" -- "${@:2}"
}

# capture STORY OPTIONS...: what wgaudit says while the story goes on
capture() {
	local story=$1 command
	shift
	printf -v command '%q ' "$WGAUDIT" capture "${seen[@]}" "$@"
	echo "# wgaudit capture ${seen[*]}${*:+ $*}"
	: >$LAB/log
	(
		wait_for 20 grep -qa 'listening on ' $LAB/log && "$story"
		sleep 1
		kill -INT "$(pgrep -f '^[^ ]*wgaudit capture ')"
	) >$LAB/story 2>&1 &
	if [ -t 1 ]; then
		script -qefc "$command" $LAB/log
	else
		eval "$command" 2>&1 | tee $LAB/log
		return "${PIPESTATUS[0]}"
	fi
}

joins() {
	topo up --backend namespaces --file $LAB/demo.yaml >$LAB/up || return
	on vm-a ping -q -c 3 -i 0.2 vm-b
	on vm-a ping -q -c 3 -i 0.2 vm-c
	on vm-b ping -q -c 3 -i 0.2 vm-c
	lab_page vm-b
	wait_for 5 on vm-a curl -s -m 5 http://vm-b:8080/hello
}

leaks() {
	on vm-a curl -s -m 5 http://vm-b:8080/hello
	on vm-a curl -s -m 5 http://10.0.0.10:8080/secret
}

# lab_page HOST: a web server in clear text
lab_page() {
	on "$1" perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5,
			ReuseAddr => 1) or die "$!\n";
		while ($c = $s->accept) {
			1 while defined($l = <$c>) && $l =~ /\S/;
			print $c "HTTP/1.0 200 OK\r\n\r\nhello\n";
			close $c;
		}' >/dev/null 2>&1 &
}

sed 's/^name: .*/name: demo/; /services:/d' ../../docs/topology-example.yaml \
	>$LAB/demo.yaml
title "A Headscale server and three Tailscale clients on three bridges," \
	"watched from before the first of them is there."
topo up --backend namespaces --file $LAB/demo.yaml --networks-only >$LAB/story ||
	differs "no networks"
capture joins
status=$?
[ -s $LAB/up ] && grep '^mesh ' $LAB/up
[ $status = 0 ] || differs "exit status $status, expected 0 (pass)"

title "Who is there, and how they reach each other"
topo status

title "Then vm-a fetches a page from vm-b's own address, past the mesh"
capture leaks --headscale "$(printf '%q ' "$WGAUDIT") topo --name demo exec server -- headscale nodes list -o json"
status=$?
[ $status = 1 ] || differs "exit status $status, expected 1 (violation)"
grep -q '10\.0\.0\.10:8080' $LAB/log || differs "the flow is not named"

topo down || differs "does not go down"
title "pass (exit status 0) for the first, violation (exit status 1) for the second: as it should be"
