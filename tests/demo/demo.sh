#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh: two WireGuard hosts behind a bridge, first as it should be, then with
# a leak. WGAUDIT names the program. Exit status 0 if wgaudit told them apart.
cd "$(dirname "$0")" || exit 99
. ../live/lab.sh
WGAUDIT=${WGAUDIT:?names the program to show}
LAB_KERNEL_WIREGUARD=1
lab_enter "$PWD/demo.sh"

title() {
	printf '\n== %s\n\n' "$*"
}

# capture SECONDS STORY: what wgaudit says while the story goes on, in $LAB/log
capture() {
	local command="'$WGAUDIT' capture --bridge br-a --duration $1s"
	echo "# wgaudit capture --bridge br-a --duration $1s"
	: >$LAB/log
	(
		wait_for 20 grep -qa 'listening on ' $LAB/log && "$2"
	) >/dev/null 2>&1 &
	if [ -t 1 ]; then
		script -qefc "$command" $LAB/log
	else
		eval "$command" 2>&1 | tee $LAB/log
		return "${PIPESTATUS[0]}"
	fi
}

inside() {
	lab_connect
	on a ping -q -c 12 -i 0.2 10.9.0.2
	on a curl -s http://10.9.0.2:8080/hello
}

outside() {
	inside
	on a curl -s http://192.168.50.3:8080/secret
}

differs() {
	echo "demo: $*" >&2
	exit 1
}

title "Hosts a (192.168.50.2) and b (192.168.50.3) on bridge br-a;" \
	"inside their WireGuard tunnel they are 10.9.0.1 and 10.9.0.2."
lab_pair
lab_web b 8080
echo "Both hosts are up."

title "a pings b and fetches a page from b, all of it inside the tunnel"
capture 6 inside
status=$?
[ $status = 0 ] || differs "exit status $status, expected 0 (pass)"

title "the same again, but then a fetches a page from b's address outside the tunnel"
lab_disconnect
capture 6 outside
status=$?
[ $status = 1 ] || differs "exit status $status, expected 1 (violation)"
grep -q '192\.168\.50\.3:8080' $LAB/log || differs "the flow is not named"
grep -qE 'first: bridge br-a frame [0-9]+' $LAB/log ||
	differs "the first frame is not named"

title "pass (exit status 0) for the first, violation (exit status 1) for the second: as it should be"
