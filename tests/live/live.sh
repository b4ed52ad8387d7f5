#!/bin/bash
# SPDX-License-Identifier: MIT
#
# live.sh CASE: one case of wgaudit capture against real bridges. WGAUDIT names
# the program. Exit status 0 passed, 77 cannot be run here, else failed.
cd "$(dirname "$0")" || exit 99
. ./lab.sh
WGAUDIT=${WGAUDIT:?names the program to test}
for tool in ip nsenter wireguard-go wg ping tc perl jq; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
lab_enter "$PWD/live.sh" "$@"

fail() {
	echo "FAILED: $*"
	head -50 $LAB/out $LAB/err 2>/dev/null
	exit 1
}

as=()

# start ARGUMENTS...: capture in the background, listening when this returns
start() {
	: >$LAB/err
	"${as[@]}" "$WGAUDIT" capture "$@" >$LAB/out 2>$LAB/err &
	capture=$!
	wait_for 20 grep -q '^listening on ' $LAB/err || fail "does not listen"
}

# ends STATUS: the capture ends by itself, with this status
ends() {
	local status
	wait "$capture"
	status=$?
	[ $status = "$1" ] || fail "exit status $status, expected $1"
}

# stop STATUS: Ctrl-C, then as above
stop() {
	kill -INT "$capture"
	ends "$1"
}

# refused TEXT ARGUMENTS...: exits with 2 and says so
refused() {
	local text=$1 status
	shift
	"$WGAUDIT" capture "$@" >$LAB/out 2>$LAB/err
	status=$?
	[ $status = 2 ] || fail "exit status $status, expected 2: $*"
	grep -qF -- "$text" $LAB/err || fail "does not say '$text': $*"
}

says() {
	grep -qE -- "$1" $LAB/out || fail "output lacks '$1'"
}

says_not() {
	! grep -qE -- "$1" $LAB/out || fail "output has '$1'"
}

# json FILTER: true of the JSON output
json() {
	jq -e "$1" $LAB/out >/dev/null || fail "not true: $1"
}

has_reason() {
	json "any(.reasons[]; .code == \"$1\")"
}

talk() {
	on a ping -q -c 5 -i 0.05 -s 1000 10.9.0.2 >/dev/null ||
		fail "no answer through the tunnel"
}

# request ADDRESS [PAGE]: fetch a page from it, at host a
request() {
	on a bash -c "exec 3<>/dev/tcp/$1/8080 &&
		printf 'GET /${2-secret} HTTP/1.0\r\nHost: b\r\n\r\n' >&3 &&
		grep -a hello <&3 >/dev/null" || fail "no answer from $1"
}

# flood PACKETS: packets of 1200 zeros through the tunnel to nobody
flood() {
	on a bash -c "dd if=/dev/zero bs=1200 count=$1 status=none \
		>/dev/udp/10.9.0.77/9" || fail "cannot send"
}

# mute: heartbeats on br-a are sent, but never get as far as the bridge
mute() {
	tc qdisc add dev br-a clsact &&
		tc filter add dev br-a egress protocol 0x88b5 prio 1 \
			bpf da bytecode '1,6 0 0 2,' && return
	nft -f - <<-END && return
		table netdev mute {
			chain out {
				type filter hook egress device br-a priority 0;
				ether type 0x88b5 drop
			}
		}
	END
	echo "skipped: no tc with bpf and no nftables egress hook"
	exit 77
}

case_pass() {
	lab_pair
	start --bridge br-a --json
	lab_connect
	talk
	sleep 2
	stop 0
	json '.verdict == "pass" and .reasons == []'
	json '.classes.wireguard.frames > 10 and .classes.canary.frames >= 3'
	json '.classes.external.frames + .classes.plaintext.frames == 0'
	json '([.classes[].frames] | add) == .capture.frames'
	json 'any(.sessions[]; .evidence == "bound" and .path == "direct")'
}

case_leak() {
	lab_pair
	lab_web b 8080
	start --bridge br-a
	lab_connect
	talk
	request 10.9.0.2
	request 192.168.50.3
	stop 1
	says '^VIOLATION'
	says plaintext
	says '192\.168\.50\.3:8080'
	says 'frame [0-9]+'
}

# the same request through the tunnel only is no leak
case_no_leak() {
	lab_pair
	lab_web b 8080
	start --bridge br-a
	lab_connect
	talk
	request 10.9.0.2
	stop 0
}

# as fast as the tunnel goes
case_bulk() {
	lab_pair
	lab_web b 8080
	start --bridge br-a --json
	lab_connect
	request 10.9.0.2 big
	stop 0
	json '.classes.wireguard.bytes > 32 * 1024 * 1024'
}

case_drops() {
	lab_pair
	start --bridge br-a --ring-bytes 262144 --json
	lab_connect
	talk
	kill -STOP "$capture"
	flood 5000
	kill -CONT "$capture"
	stop 3
	has_reason kernel-drops
	json '.capture.kernel_drops > 0'
}

case_gone() {
	lab_pair
	start --bridge br-a --json
	lab_connect
	talk
	ip link del br-a
	ends 3
	has_reason capture-gap
	grep -q "'br-a' went away" $LAB/err || fail "does not say it went away"
}

case_one_of_two_gone() {
	lab_pair
	lab_bridge br-b 192.168.60.1/24
	start --bridge br-b --bridge br-a --json
	ip link del br-b
	wait_for 10 grep -q "'br-b' went away" $LAB/err ||
		fail "does not say it went away"
	lab_connect
	talk
	stop 3
	has_reason capture-gap
	json '.classes.wireguard.frames > 10'
}

case_down() {
	lab_pair
	start --bridge br-a --json
	lab_connect
	talk
	ip link set br-a down
	sleep 1.2
	ip link set br-a up
	sleep 0.5
	stop 3
	has_reason capture-gap
}

# A bridge whose hosts come up later: heartbeats begin when one can be sent.
case_no_carrier() {
	lab_bridge br-a 192.168.50.1/24
	ip link add idle type veth peer name idle-end
	ip link set idle master br-a up
	wait_for 10 bridge_is DOWN || fail "br-a has a carrier"
	start --bridge br-a --json
	sleep 1.2
	lab_hosts
	lab_connect
	wait_for 10 on a ping -q -c 1 -W 1 10.9.0.2 >/dev/null ||
		fail "no answer through the tunnel"
	sleep 3
	stop 0
	json '.classes.canary.frames >= 2'
}

bridge_is() {
	ip -o link show br-a | grep -q "state $1"
}

case_two_bridges() {
	echo 1 >/proc/sys/net/ipv4/ip_forward || lab_die "cannot route"
	lab_bridge br-a 192.168.50.1/24
	lab_bridge br-b 192.168.60.1/24
	lab_host a br-a 192.168.50.2/24 192.168.50.1
	lab_host b br-b 192.168.60.3/24 192.168.60.1
	lab_wireguard a 10.9.0.1/24
	lab_wireguard b 10.9.0.2/24
	wait_for 10 on a ping -q -c 1 -W 1 192.168.60.3 >/dev/null ||
		lab_die "no route between the bridges"
	start --bridge br-a --bridge br-b --json
	lab_connect 192.168.60.3 192.168.50.2
	talk
	stop 0
	json '.capture.inputs | length == 2'
	json 'any(.flows[]; .class == "wireguard" and (.bridges | length) == 2)'

	lab_web b 8080
	start --bridge br-a --bridge br-b --json
	talk
	request 192.168.60.3
	stop 1
	has_reason plaintext
}

case_filter() {
	lab_pair
	start --bridge br-a --filter 'udp port 51820' --json
	lab_connect
	talk
	on a ping -q -c 1 192.168.50.3 >/dev/null
	stop 3
	has_reason filtered
	json '.classes.plaintext.frames + .classes.unexplained.frames == 0'
	json 'all(.reasons[]; .code != "capture-gap")'
	refused "filter 'udp) or (tcp'" --bridge br-a --filter 'udp) or (tcp'
	refused 'filter is empty' --bridge br-a --filter ' '
}

case_passive() {
	lab_pair
	start --bridge br-a --passive --json
	lab_connect
	talk
	sleep 1.2
	stop 0
	json '.classes.canary.frames == 0'
}

case_mute() {
	lab_pair
	mute
	start --bridge br-a --json
	lab_connect
	talk
	stop 3
	has_reason capture-gap
	json '.classes.canary.frames == 0'
}

# deaf: frames of a self-test on br-a are sent, but never get as far as the
# bridge; all others do
deaf() {
	tc qdisc add dev br-a clsact &&
		tc filter add dev br-a egress protocol ip prio 1 bpf da bytecode \
			"5,32 0 0 26,84 0 0 $((0xfffe0000)),21 0 1 $((0xc6120000)),6 0 0 2,6 0 0 $((0xffffffff))" &&
		return
	nft -f - <<-END && return
		table netdev deaf {
			chain out {
				type filter hook egress device br-a priority 0;
				ip saddr 198.18.0.0/15 drop
			}
		}
	END
	echo "skipped: no tc with bpf and no nftables egress hook"
	exit 77
}

case_selftest() {
	lab_pair
	start --bridge br-a --self-test --json
	lab_connect
	talk
	sleep 2
	stop 0
	json '.verdict == "pass" and .reasons == []'
	json 'any(.notes[]; .text == "self-test: 4 synthetic leaks found as violations")'
	json 'any(.flows[]; .class == "canary" and .protocol == "udp" and .frames == 4)'
	json '([.classes[].frames] | add) == .capture.frames'

	# without it there is no such thing
	start --bridge br-a --json
	talk
	kill -INT "$capture"
	wait "$capture"
	json 'all(.notes[]; .text | startswith("self-test") | not)'
	json 'all(.flows[]; .class != "canary" or .protocol != "udp")'
	refused '--self-test' --bridge br-a --self-test --passive
}

# a real leak beside the synthetic one is a violation
case_selftest_leak() {
	lab_pair
	lab_web b 8080
	start --bridge br-a --self-test --json
	lab_connect
	talk
	request 192.168.50.3
	stop 1
	has_reason plaintext
	json 'all(.reasons[]; .code != "blind")'
	json 'any(.notes[]; .text | startswith("self-test: 4 "))'
}

# parrot: host a sends the first frame of a self-test that reaches it once more
parrot() {
	on a perl -MSocket -e '
		socket($s, 17, SOCK_RAW, unpack("S", pack("n", 3))) or die "$!\n";
		print "listening\n"; close STDOUT;
		while (recv($s, $f, 65536, 0)) {
			next unless $f =~ /wgaudit self-test/;
			$to = pack("SnIS C2 a8", 17, 3, $ARGV[0], 0, 0, 6, "");
			send($s, $f, 0, $to) or die "$!\n";
			exit;
		}' "$(on a ip -o link show eth0 | cut -d: -f1)" \
		>$LAB/parrot &
	wait_for 10 grep -q listening $LAB/parrot || fail "no parrot"
}

# what was sent once is excused once
case_selftest_replay() {
	lab_pair
	parrot
	start --bridge br-a --self-test --json
	lab_connect
	talk
	stop 1
	json '[.reasons[].code] == ["plaintext"] and .reasons[0].count == 1'
	json 'any(.notes[]; .text | startswith("self-test: 4 "))'
}

case_selftest_deaf() {
	lab_pair
	deaf
	start --bridge br-a --self-test --json
	lab_connect
	talk
	stop 3
	has_reason blind
	json 'all(.reasons[]; .code == "blind" and .count == 4)'
	json 'any(.reasons[]; .text | contains("0 of 2 at the start on br-a; 0 of 2 at the end on br-a"))'
	json 'any(.notes[]; .text | startswith("self-test: 0 "))'
}

case_selftest_deaf_later() {
	lab_pair
	start --bridge br-a --self-test --json
	lab_connect
	talk
	deaf
	stop 3
	json '[.reasons[].code] == ["blind"]'
	json 'any(.reasons[]; .text | endswith(": 0 of 2 at the end on br-a"))'
}

case_selftest_filter() {
	lab_pair
	start --bridge br-a --self-test --filter 'udp port 51820' --json
	lab_connect
	talk
	stop 3
	has_reason blind
	has_reason filtered
}

# the leak of one bridge goes on to another that it is connected to
case_selftest_linked() {
	lab_pair
	lab_bridge br-b 192.168.60.1/24
	ip link add link-a type veth peer name link-b
	ip link set link-a master br-a up
	ip link set link-b master br-b up
	sleep 1
	start --bridge br-a --bridge br-b --self-test --json
	lab_connect
	talk
	sleep 1
	kill -INT "$capture"
	wait "$capture"
	json 'all(.reasons[]; .code != "plaintext" and .code != "blind")'
	json 'any(.notes[]; .text | startswith("self-test: 8 "))'
	json 'any(.flows[]; .class == "canary" and .protocol == "udp" and .frames == 8)'
}

case_selftest_count() {
	lab_pair
	start --bridge br-a --self-test --count 20 --json
	lab_connect
	on a ping -q -c 60 -i 0.05 10.9.0.2 >/dev/null
	ends 0
	json '([.classes[].frames] | add) - .classes.canary.frames == 20'
	json 'any(.notes[]; .text | startswith("self-test: 4 "))'
}

# nothing can be sent where no port is up
case_selftest_no_carrier() {
	lab_bridge br-a 192.168.50.1/24
	ip link add idle type veth peer name idle-end
	ip link set idle master br-a up
	wait_for 10 bridge_is DOWN || fail "br-a has a carrier"
	start --bridge br-a --self-test --duration 1s --json
	ends 3
	has_reason blind
	json 'any(.reasons[]; .text | contains("could not be sent"))'
}

case_late() {
	lab_pair
	lab_connect
	talk
	talk
	start --bridge br-a --json
	talk
	stop 3
	has_reason late-start
}

case_names() {
	refused 'no bridges' --bridge br-a
	lab_bridge br-a 192.168.50.1/24
	lab_bridge br-b 192.168.60.1/24
	refused 'br-a, br-b' --bridge nix
	refused "'lo' is no bridge" --bridge lo
	refused 'br-a, br-b' --bridge br-a --bridge lo
	refused 'named twice' --bridge br-a --bridge br-a
	refused '--bridge' --duration 1s
	refused "'1x'" --bridge br-a --duration 1x
	refused '--count' --bridge br-a --count 0
	refused 'analyze' --bridge br-a file.pcap
	ip link set br-b down
	refused "'br-b' is down" --bridge br-b
}

case_no_permission() {
	lab_bridge br-a 192.168.50.1/24
	setpriv --bounding-set=-all --inh-caps=-all "$WGAUDIT" capture \
		--bridge br-a >$LAB/out 2>$LAB/err
	[ $? = 2 ] || fail "exit status is not 2"
	grep -q CAP_NET_RAW $LAB/err || fail "does not name CAP_NET_RAW"
	grep -q sudo $LAB/err || fail "does not name sudo"
}

# status_is LINE VALUE
status_is() {
	grep -qE "^$1:[[:space:]]+$2\$" "/proc/$capture/status" ||
		fail "$1 is not $2: $(grep "^$1:" "/proc/$capture/status")"
}

check_powerless() {
	status_is CapPrm 0+
	status_is CapEff 0+
	status_is CapInh 0+
	status_is CapAmb 0+
	status_is NoNewPrivs 1
}

case_privileges() {
	lab_bridge br-a 192.168.50.1/24
	start --bridge br-a
	check_powerless
	stop 3
	says no-encrypted-traffic
}

# needs more than one user: not in the namespace of an unprivileged one
case_users() {
	[ "$(awk 'NR == 1 { print $3 }' /proc/self/uid_map)" -gt 65534 ] || {
		echo "skipped: only one user here"
		exit 77
	}
	lab_bridge br-a 192.168.50.1/24
	start --bridge br-a
	check_powerless
	status_is Uid '65534\s65534\s65534\s65534'
	status_is Gid '65534\s65534\s65534\s65534'
	status_is Groups ' *'
	stop 3

	as=(setpriv --groups 1,2)
	SUDO_UID=1234 SUDO_GID=77 start --bridge br-a
	check_powerless
	status_is Uid '1234\s1234\s1234\s1234'
	status_is Gid '77\s77\s77\s77'
	status_is Groups ' *'
	stop 3

	# someone else who was given CAP_NET_RAW, and no more
	cp "$WGAUDIT" $LAB/wgaudit
	WGAUDIT=$LAB/wgaudit
	as=(setpriv --reuid 4321 --regid 4321 --clear-groups
	    --inh-caps=+net_raw --ambient-caps=+net_raw)
	start --bridge br-a
	check_powerless
	status_is Uid '4321\s4321\s4321\s4321'
	stop 3
}

# files are written by the user that is left, which is told before the capture
case_renderings() {
	lab_bridge br-a 192.168.50.1/24
	mkdir -m 777 $LAB/open
	start --bridge br-a --prometheus $LAB/open/p --sarif $LAB/open/s
	stop 3
	says '^INCONCLUSIVE'
	grep -qxF 'wgaudit_kernel_drops{input="br-a"} 0' $LAB/open/p ||
		fail "no drops of br-a"
	jq -e '.runs[0].results[0].locations == [{"logicalLocations":
		[{"name": "br-a", "kind": "bridge"}]}] and
		.runs[0].artifacts == []' $LAB/open/s >/dev/null ||
		fail "br-a is not the location"
	[ "$(ls -A $LAB/open)" = $'p\ns' ] || fail "more than two files are left"
	[ "$(awk 'NR == 1 { print $3 }' /proc/self/uid_map)" -gt 65534 ] || return 0
	refused "cannot write $LAB/p as user 65534" \
		--bridge br-a --prometheus $LAB/p
}

case_count() {
	lab_pair
	start --bridge br-a --count 20 --json
	lab_connect
	on a ping -q -c 60 -i 0.05 10.9.0.2 >/dev/null
	ends 0
	json '([.classes[].frames] | add) - .classes.canary.frames == 20'
}

case_duration() {
	lab_bridge br-a 192.168.50.1/24
	start --bridge br-a --duration 1500ms --json
	ends 3
	has_reason no-encrypted-traffic
	json 'all(.reasons[]; .code != "capture-gap")'
}

case_usr1() {
	lab_pair
	start --bridge br-a
	kill -USR1 "$capture"
	wait_for 10 grep -q '^wgaudit: br-a: [0-9]* frames, 0 dropped' $LAB/err ||
		fail "no status line"
	[ ! -s $LAB/out ] || fail "output before the end"
	stop 3
}

interrupts_kill() {
	local mask
	mask=$(sed -n 's/^SigBlk:\s*//p' "/proc/$capture/status")
	[ $((0x$mask & 2)) = 0 ]
}

# The verdict cannot be written, because its reader has gone to sleep; a second
# Ctrl-C ends that.
case_second_interrupt() {
	lab_bridge br-a 192.168.50.1/24
	mkfifo $LAB/full
	exec 9<>$LAB/full
	dd if=/dev/zero of=$LAB/full bs=4096 oflag=nonblock status=none 2>/dev/null
	: >$LAB/err
	"$WGAUDIT" capture --bridge br-a >$LAB/full 2>$LAB/err &
	capture=$!
	wait_for 20 grep -q '^listening on ' $LAB/err || fail "does not listen"
	kill -INT "$capture"
	wait_for 20 interrupts_kill || fail "signals stay blocked"
	kill -INT "$capture"
	ends 130
}

case_terminate() {
	lab_bridge br-a 192.168.50.1/24
	start --bridge br-a
	kill -TERM "$capture"
	ends 3
	says '^INCONCLUSIVE'
}

# evidence_dir: where the user that capture becomes may write
evidence_dir() {
	mkdir -m 777 $LAB/evidence
	evidence=$LAB/evidence/e.pcapng
}

# judges STATUS FILE...: what analyze makes of evidence, as JSON in $LAB/out
judges() {
	local status want=$1
	shift
	"$WGAUDIT" analyze --json --gateway 192.168.50.1 "$@" >$LAB/out 2>$LAB/err
	status=$?
	[ $status = "$want" ] || fail "evidence: status $status, expected $want"
}

has_tshark() {
	command -v tshark >/dev/null && command -v capinfos >/dev/null
}

# What was captured, judged and written is judged the same again.
case_write() {
	lab_pair
	lab_web b 8080
	evidence_dir
	start --bridge br-a --json --write $evidence
	lab_connect
	talk
	request 192.168.50.3
	stop 1
	jq -c '[.verdict, .classes, [.reasons[] | [.code, .count]]]' $LAB/out \
		>$LAB/before
	[ "$(ls $LAB/evidence)" = e.pcapng ] || fail "left: $(ls $LAB/evidence)"
	judges 1 $evidence
	jq -c '[.verdict, .classes, [.reasons[] | [.code, .count]]]' $LAB/out |
		diff $LAB/before - || fail "the evidence is judged otherwise"
	has_tshark || return 0
	capinfos $evidence >$LAB/out 2>&1 || fail capinfos
	says 'Name = br-a'
	tshark -r $evidence -T fields -e frame.comment >$LAB/out 2>$LAB/err ||
		fail tshark
	says '^violation: plaintext — readable between hosts'
	! grep -vi 'running as user' $LAB/err | grep -q . || fail "tshark complains"

	start --bridge br-a --json --write $evidence --write-only violations
	talk
	request 192.168.50.3
	stop 1
	judges 1 $evidence
	json '.classes.plaintext.frames > 4 and .classes.wireguard.frames <= 1'
	has_reason filtered
}

# Without ciphertext it is judged the same again by whoever believes it.
case_write_headers() {
	lab_pair
	lab_web b 8080
	evidence_dir
	start --bridge br-a --json --write $evidence --write-only headers
	lab_connect
	talk
	request 192.168.50.3
	stop 1
	jq -c '[.verdict, .classes, [.reasons[] | [.code, .count]]]' $LAB/out \
		>$LAB/before
	judges 1 --trust-elided $evidence
	jq -c '[.verdict, .classes, [.reasons[] | [.code, .count]]]' $LAB/out |
		diff $LAB/before - || fail "the evidence is judged otherwise"
	json '[.notes[].text] | any(test("ciphertext was not kept"))'
	judges 1 $evidence
	has_reason truncated-frames
}

# Killed in the middle: the frames up to a second ago are there.
case_write_kill() {
	lab_pair
	evidence_dir
	start --bridge br-a --write $evidence
	lab_connect
	talk
	sleep 2.2
	kill -KILL "$capture"
	ends 137
	judges 0 $evidence
	json '.classes.wireguard.frames > 10 and .classes.canary.frames >= 2'
	if has_tshark; then
		tshark -r $evidence >/dev/null 2>$LAB/err || fail tshark
		! grep -vi 'running as user' $LAB/err | grep -q . ||
			fail "tshark complains"
	fi
}

# A disk that is full: what was written can be read, and says that more is
# missing; the verdict is that of all frames.
case_write_full() {
	lab_pair
	mkdir $LAB/evidence
	mount -t tmpfs -o size=300k,mode=777 tmpfs $LAB/evidence ||
		lab_die "cannot mount"
	evidence=$LAB/evidence/e.pcapng
	start --bridge br-a --json --write $evidence
	lab_connect
	talk
	flood 3000
	wait_for 10 grep -q 'No space left on device.*capturing goes on' \
		$LAB/err || fail "does not say that the disk is full"
	stop 2
	json '.verdict == "pass" and .error.code == "write-failed"'
	json '.classes.wireguard.frames > 300'
	[ "$(ls $LAB/evidence)" = e.pcapng ] || fail "left: $(ls $LAB/evidence)"
	judges 3 $evidence
	has_reason truncated-file
	json '.classes.wireguard.frames > 10'
	! has_tshark || capinfos $evidence >/dev/null 2>&1 || fail capinfos
}

case_write_ring() {
	lab_pair
	evidence_dir
	start --bridge br-a --json --write $evidence --write-size 200k \
		--write-files 3
	lab_connect
	talk
	flood 1000
	sleep 1
	stop 0
	json 'any(.notes[]; .text | test("ring of evidence files"))'
	[ "$(ls $LAB/evidence | wc -l)" = 3 ] || fail "$(ls $LAB/evidence)"
	ls $LAB/evidence | grep -qvE '^e_0000[0-9]_[0-9]{14}\.pcapng$' &&
		fail "names: $(ls $LAB/evidence)"
	judges 3 $LAB/evidence/*
	json '.classes.wireguard.frames > 100 and .classes.plaintext.frames == 0'
}

# The self-test is no evidence of anything but the run that made it.
case_write_selftest() {
	lab_pair
	evidence_dir
	start --bridge br-a --json --self-test --write $evidence
	lab_connect
	talk
	sleep 1
	stop 0
	judges 0 $evidence
	json '.classes.plaintext.frames == 0 and .classes.canary.frames >= 2'

	start --bridge br-a --json --self-test --write $evidence \
		--filter 'udp port 51820'
	lab_disconnect
	lab_connect
	talk
	stop 3
	has_reason blind
	judges 3 $evidence
	has_reason truncated-file
	has_reason filtered
}

case_write_denied() {
	lab_bridge br-a 192.168.50.1/24
	refused 'cannot create /nowhere/e.pcapng' --bridge br-a \
		--write /nowhere/e.pcapng
	[ "$(awk 'NR == 1 { print $3 }' /proc/self/uid_map)" -gt 65534 ] ||
		return 0
	refused 'this user may write to' --bridge br-a --write $LAB/e.pcapng
}

# on a terminal the flows are shown while it runs
case_terminal() {
	lab_pair
	lab_connect
	(sleep 1; on a ping -q -c 40 -i 0.05 10.9.0.2 >/dev/null) &
	script -qec "stty cols 120; '$WGAUDIT' capture --bridge br-a --duration 4s" \
		$LAB/typescript >$LAB/out 2>$LAB/err </dev/null
	says 'pass so far'
	says 'wireguard +bound +192\.168\.50\.2:51820'
	says PASS
}

"case_${1:?which case}"
