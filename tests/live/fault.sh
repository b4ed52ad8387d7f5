#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fault.sh CASE: faults on plain hosts a and b on bridge br0 and c on br1, with a
# router between the bridges. WGAUDIT names the program. Exit status 0 passed,
# 77 cannot be run here, else failed.
cd "$(dirname "$0")" || exit 99
. ./lab.sh
WGAUDIT=${WGAUDIT:?names the program to test}
for tool in ip nsenter nft ping perl jq; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
lab_enter "$PWD/fault.sh" "$@"

fail() {
	echo "FAILED: $*"
	head -50 $LAB/out $LAB/err 2>/dev/null
	exit 1
}

lab_bridge br0 10.5.0.1/24
lab_bridge br1 10.6.0.1/24
echo 1 >/proc/sys/net/ipv4/ip_forward
lab_host a br0 10.5.0.2/24 10.5.0.1
lab_host b br0 10.5.0.3/24 10.5.0.1
lab_host c br1 10.6.0.2/24 10.6.0.1
on b ip -6 addr add fd00::3/64 dev eth0 nodad
on b ip -6 route add fd01::/64 via fd00::1
B=(--bridge br0 --port port-b)
ALL=(--bridge br0 --bridge br1)
n_held=0
KNOWN=(--address port-a=10.5.0.2 --address port-b=10.5.0.3
	--address port-c=10.6.0.2)

reach() {
	on "$1" ping -q -c 1 -W 1 "$2" >/dev/null 2>&1
}

# wg STATUS ARGUMENTS...: a command that ends so
wg() {
	local want=$1 status
	shift
	"$WGAUDIT" "$@" >$LAB/out 2>$LAB/err
	status=$?
	[ $status = "$want" ] || fail "exit status $status, expected $want: $*"
}

# hold ARGUMENTS...: a fault in the background that stands when this returns
hold() {
	held=$LAB/held$((n_held++))
	"$WGAUDIT" "$@" >$held 2>$held.err &
	holder=$!
	wait_for 10 grep -q ' down' $held || fail "$(cat $held.err): $*"
}

json() {
	jq -e "$1" $LAB/out >/dev/null || fail "not true: $1"
}

# everything that a fault could have changed; timers tick
state() {
	nft list ruleset
	ip -d link | sed -E 's/[a-z_]*_timer +[0-9.]+//g'
	for host in a b c; do
		on $host ip -d link
		on $host ip addr | sed -E 's/ tentative//'
		on $host ip route show table all | sed 's/ linkdown//'
		on $host ip -6 route show table all | sed 's/ linkdown//' | sort
	done
	ls -R /run/wgaudit 2>/dev/null
}

settled() {
	state >$LAB/now
	cmp -s $LAB/before $LAB/now
}

# as_before: links take a moment until their carrier is back
as_before() {
	wait_for 5 settled || {
		diff $LAB/before $LAB/now
		fail "not as before: $*"
	}
}

# frames_down: has the port been taken down by its state?
is_down() {
	! ip link show port-b | grep -q 'state UP'
}

# udp FROM TO ADDRESS: how many of 20 datagrams arrive
udp() {
	rm -f $LAB/udp
	on "$2" perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(LocalPort => 9, Proto => "udp");
		open F, ">", shift; print F "x"; close F;
		$SIG{ALRM} = sub { print "$n\n"; exit }; $n = 0; alarm 2;
		while ($s->recv($m, 9)) { $n++ }' $LAB/udp >$LAB/udp.count &
	local receiver=$!
	wait_for 5 test -s $LAB/udp
	on "$1" perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(PeerAddr => shift, PeerPort => 9,
			Proto => "udp");
		for (1 .. 20) { $s->send("x"); select undef, undef, undef, 0.02 }' "$3"
	wait $receiver
	cat $LAB/udp.count
}

# on, for the background: $! is the command itself
on_exec() {
	exec nsenter --net="/proc/${host_pid[$1]}/ns/net" "${@:2}"
}

# gap: milliseconds for which nothing came from b to a, while "$@" runs
gap() {
	rm -f $LAB/udp
	on_exec a perl -MIO::Socket::INET -MTime::HiRes=time -e '
		$s = IO::Socket::INET->new(LocalPort => 9, Proto => "udp");
		open F, ">", shift; print F "x"; close F;
		$SIG{TERM} = sub { printf "%d\n", $max * 1000; exit };
		while (1) { next unless defined $s->recv($m, 9); $t = time;
			$max = $t - $last if $last && $t - $last > $max;
			$last = $t }' $LAB/udp >$LAB/gap &
	local receiver=$!
	wait_for 5 test -s $LAB/udp
	on_exec b perl -MIO::Socket::INET -MTime::HiRes=sleep -e '
		while (1) {
			$s ||= IO::Socket::INET->new(PeerPort => 9,
				PeerAddr => "10.5.0.2", Proto => "udp");
			$s && $s->send("x"); sleep 0.005 }' &
	local sender=$!
	sleep 0.5
	"$@"
	sleep 0.5
	kill $sender $receiver
	wait $receiver
	cat $LAB/gap
}

wait_for 5 reach a 10.5.0.3 && wait_for 5 reach a 10.6.0.2 ||
	lab_die "the hosts do not reach each other"
on b ip -6 addr | grep -q tentative && sleep 2
sleep 1
state >$LAB/before

case_kinds() {
	local kind
	on b ping -q -i 0.05 10.5.0.2 >/dev/null 2>&1 &
	for kind in tap carrier drop reject; do
		hold link "${B[@]}" down --kind $kind
		! reach a 10.5.0.3 || fail "$kind does not bite"
		! reach c 10.5.0.3 || fail "$kind does not bite across"
		case $kind in
		tap) ip link show port-b | grep -q 'state DOWN' || fail "$kind" ;;
		carrier)
			on b ip link show eth0 | grep -q 'state DOWN' || fail "$kind"
			ip link show port-b | grep -q NO-CARRIER || fail "$kind"
			;;
		drop) is_down && fail "$kind takes the link down" ;;
		reject)
			on b ping -c 1 -W 1 10.5.0.2 | grep -q filtered ||
				fail "no answer by ICMP"
			;;
		esac
		kill -INT $holder
		wait $holder || fail "exit status $? of $kind"
		wait_for 5 reach a 10.5.0.3 || fail "$kind does not heal"
		as_before $kind
	done
}

# Never shorter than asked for. How much longer is told and not judged: a busy
# machine wakes whom it likes.
case_wire() {
	local kind ms
	for kind in tap carrier drop; do
		ms=$(gap wg 0 flap "${B[@]}" 1s --kind $kind --json)
		json '.outages[0].lasted_ms >= 1000'
		json '.outages[0].down.seen_by != null and
			.outages[0].up.seen_by != null'
		echo "$kind: nothing came for $ms ms, asked for 1000"
		[ "$ms" -ge 900 ] || fail "$kind: only $ms ms"
	done
}

# one_way ARGUMENTS...: from a to b nothing, from b to a everything
one_way() {
	hold partition --bridge br0 port-a port-b --one-way "$@"
	[ "$(udp a b 10.5.0.3)" = 0 ] || fail "a to b passes"
	# what is known of each other is asked for anew
	on a ip neigh flush all
	on b ip neigh flush all
	[ "$(udp b a 10.5.0.2)" = 20 ] || fail "b to a does not pass"
	kill -INT $holder
	wait $holder || fail "status $?"
	grep -qE ' 2[0-9] frames were dropped' $held || fail "count"
	as_before
}

case_one_way() {
	one_way
	one_way --address port-a=10.5.0.2 --address port-b=10.5.0.3
	one_way --address port-b=fd00::3
}

case_across() {
	hold partition "${ALL[@]}" "${KNOWN[@]}" port-a,port-b port-c --protocol udp
	[ "$(udp a c 10.6.0.2)" = 0 ] || fail "a to c passes"
	[ "$(udp c b 10.5.0.3)" = 0 ] || fail "c to b passes"
	[ "$(udp a b 10.5.0.3)" = 20 ] || fail "a to b does not pass"
	reach a 10.6.0.2 || fail "ICMP does not pass"
	kill -INT $holder
	wait $holder || fail "status $?"
	as_before
}

case_protocols() {
	hold partition --bridge br0 port-a port-b --protocol icmp
	! reach a 10.5.0.3 || fail "ICMP passes"
	[ "$(udp a b 10.5.0.3)" = 20 ] || fail "UDP does not pass"
	kill -INT $holder
	wait $holder || fail "status $?"
	hold partition --bridge br0 port-a port-b --protocol tcp
	reach a 10.5.0.3 || fail "ICMP does not pass"
	on b perl -MIO::Socket::INET -e 'IO::Socket::INET->new(LocalPort => 80,
		Listen => 5)->accept' &
	wait_for 5 lab_listens b 80
	! on a timeout 1 bash -c 'exec 3<>/dev/tcp/10.5.0.3/80' || fail "TCP passes"
	kill -INT $holder
	wait $holder || fail "status $?"
	as_before
}

case_isolate() {
	hold partition "${ALL[@]}" "${KNOWN[@]}" --isolate port-a --control 10.6.0.2
	! reach a 10.5.0.3 || fail "a reaches b"
	! reach b 10.5.0.2 || fail "b reaches a"
	reach a 10.6.0.2 || fail "a does not reach the control server"
	kill -INT $holder
	wait $holder || fail "status $?"
	hold partition "${ALL[@]}" --isolate port-a
	! reach a 10.6.0.2 || fail "a reaches c"
	kill -INT $holder
	wait $holder || fail "status $?"
	as_before
}

case_loss() {
	on b ping -q -i 0.02 10.5.0.2 >/dev/null 2>&1 &
	wg 0 loss "${B[@]}" 50% 2s --json
	# frames in and out, about 100 each
	json '.dropped > 20 and .bit == true and .loss_percent == 50'
	wg 0 loss "${B[@]}" 0% 1s --rate 1mbit --json
	json '.delayed > 0 and .rate_bytes == 125000'
	as_before
	"$WGAUDIT" loss "${B[@]}" 1% 1s --delay 10ms >$LAB/out 2>$LAB/err
	case $? in
	2) grep -q CONFIG_NET_SCH_NETEM $LAB/err || fail "no clear error" ;;
	0 | 3) ;;
	*) fail "status $?" ;;
	esac
	as_before
}

case_bite() {
	on b ping -q -i 0.05 10.6.0.2 >/dev/null 2>&1 &
	wg 3 partition --bridge br0 port-a port-b 1s --protocol tcp --json
	json '.bit == false and .dropped == 0 and .arrived > 0'
	wg 3 partition --bridge br0 port-a port-b 1s --protocol tcp
	grep -q 'did not bite' $LAB/out || fail "no sentence"
	as_before
}

# two faults hold the link down, and are healed in either order
overlap() {
	hold link "${B[@]}" down --kind "$1"
	local first=$holder
	hold flap "${B[@]}" 100s --kind "$2"
	local second=$holder
	"$WGAUDIT" faults >$LAB/out || fail "faults"
	[ "$(wc -l <$LAB/out)" = 2 ] || fail "not two faults"
	if [ "$3" = kill ]; then
		kill -KILL $first
		wait $first
		wg 0 faults
	else
		wg 0 heal "$3"
	fi
	is_down || fail "up too early"
	! reach a 10.5.0.3 || fail "reached too early"
	wg 0 heal
	wait $first $second
	as_before "$@"
}

case_overlap() {
	on b ping -q -i 0.05 10.5.0.2 >/dev/null 2>&1 &
	for kinds in "tap tap" "tap carrier" "carrier tap" "carrier carrier"; do
		for order in link-port-b flap-port-b kill; do
			# shellcheck disable=SC2086
			overlap $kinds $order
		done
	done
}

case_kill() {
	local faults=(
		"flap ${B[*]} 30ms --count 100 --up 20ms"
		"flap ${B[*]} 30ms --count 100 --up 20ms --kind carrier"
		"flap ${B[*]} 30ms --count 100 --up 20ms --kind drop"
		"link ${B[*]} down --kind reject"
		"partition --bridge br0 port-a port-b"
		"loss ${B[*]} 20% --rate 1mbit"
	) i after=(heal faults "flap ${B[*]} 10ms" "link ${B[*]} up")
	for i in {1..24}; do
		# shellcheck disable=SC2086
		"$WGAUDIT" ${faults[i % 6]} >/dev/null 2>&1 &
		sleep "0.$(printf %03d $((RANDOM % 250)))"
		kill -KILL $!
		wait $! 2>/dev/null
		# shellcheck disable=SC2086
		"$WGAUDIT" ${after[i % 4]} >$LAB/out 2>$LAB/err ||
			fail "after ${faults[i % 6]}: ${after[i % 4]}"
		as_before "${faults[i % 6]}; ${after[i % 4]}"
	done
}

case_detach() {
	wg 0 link "${B[@]}" down --detach --json
	json '.detached and .name == "link-port-b"'
	is_down || fail "does not stand"
	wg 0 faults --json
	json '.faults | length == 1 and .[0].held and .[0].age_ms >= 0'
	wg 0 link "${B[@]}" up
	grep -q 'link-port-b has ended: the link was seen down' $LAB/out ||
		fail "no end"
	as_before
	wg 0 flap "${B[@]}" 200ms --detach
	sleep 1
	wg 0 faults --json
	json '.faults == [] and .ended[0].outages[0].lasted_ms >= 200'
	wg 0 heal
	as_before
	# a holder that does not heal is ended, and its fault undone
	wg 0 link "${B[@]}" down --detach --json
	kill -STOP "$(jq .process $LAB/out)"
	wg 0 heal port-b
	as_before
	wg 0 partition --bridge br0 --isolate port-a --detach
	wg 0 heal port-a
	grep -q 'isolate-port-a has ended' $LAB/out || fail "no end by host"
	as_before
}

case_seed() {
	wg 0 flap "${B[@]}" 60ms --count 4 --up 50ms --jitter 40ms --seed 7 --json
	jq -c '[.outages[].asked_ms]' $LAB/out >$LAB/one
	wg 0 flap "${B[@]}" 60ms --count 4 --up 50ms --jitter 40ms --seed 7 --json
	jq -c '[.outages[].asked_ms]' $LAB/out | cmp - $LAB/one || fail "seed"
	json '.seed == 7 and (.outages | length == 4)'
	wg 0 flap "${B[@]}" 60ms --count 4 --up 50ms --jitter 40ms --seed 8 --json
	! jq -c '[.outages[].asked_ms]' $LAB/out | cmp -s - $LAB/one || fail "same"
	as_before
}

case_netns() {
	ip netns add other
	ip -n other link add br5 type bridge
	ip -n other link add p0 type veth peer name p1
	ip -n other link set br5 up
	ip -n other link set p0 master br5 up
	ip -n other link set p1 up
	wg 0 flap --netns other --bridge br5 --port p0 100ms --json
	json '.outages[0].down.seen_by == "link-event"'
	wg 2 flap --netns others --bridge br5 --port p0 100ms
	"$WGAUDIT" flap --netns other --bridge br5 --port p0 100s >/dev/null 2>&1 &
	wait_for 5 eval 'ip -n other link show p0 | grep -q "state DOWN"'
	kill -KILL $!
	wait $! 2>/dev/null
	wg 0 heal
	ip -n other link show p0 | grep -q LOWER_UP || fail "not healed"
	# what stood in a namespace that is gone is forgotten
	"$WGAUDIT" flap --netns other --bridge br5 --port p0 100s >/dev/null 2>&1 &
	wait_for 5 eval 'ip -n other link show p0 | grep -q "state DOWN"'
	kill -KILL $!
	wait $! 2>/dev/null
	ip netns delete other
	wg 0 heal
	[ ! -e /run/wgaudit ] || fail "left behind"
}

# refused TEXT ARGUMENTS...: with 2, and nothing is changed
refused() {
	local text=$1
	shift
	wg 2 "$@"
	grep -qF -- "$text" $LAB/err || fail "does not say '$text': $*"
	settled || fail "changed something: $*"
}

case_errors() {
	refused 'did you mean "port-b"' flap --bridge br0 --port port-bb 1s
	refused 'there are: br0 br1' flap --bridge br7 --port port-b 1s
	refused 'no mesh is up' flap vm-b 1s
	refused 'no mesh "nope" is up' flap --name nope vm-b 1s
	refused 'two bridges' partition "${ALL[@]}" port-a port-c
	refused 'named twice' partition --bridge br0 port-a port-a
	refused '--port goes with --bridge' flap --port port-b 1s
	refused 'two ways' flap --bridge br0 --name x --port port-b 1s
	refused 'usage: wgaudit flap' flap "${B[@]}"
	refused 'usage: wgaudit link' link "${B[@]}" sideways
	refused 'no duration' flap "${B[@]}" soon
	refused 'no loss' loss "${B[@]}" 120%
	refused 'no fault' loss "${B[@]}" 0%
	refused 'which is it' partition --bridge br0 --isolate port-a --allow control
	refused 'control server' partition "${ALL[@]}" "${KNOWN[@]}" \
		port-a port-c --control 10.6.0.2
	refused 'no fault "x"' heal x
	ip link set port-b down
	state >$LAB/before
	refused 'is down already' flap "${B[@]}" 1s
	refused 'is down already' link "${B[@]}" up
	ip link set port-b up
	# port-a leads to this machine's gateway now
	wait_for 5 reach b 10.5.0.2
	ping -q -c 1 -W 1 10.5.0.2 >/dev/null
	ip route add default via 10.5.0.2
	state >$LAB/before
	refused 'cut it off' flap --bridge br0 --port port-a 1s
	ip route del default
	if ip link add vx0 type vxlan id 7 dstport 4789 dev lo 2>/dev/null; then
		ip link set vx0 master br0
		state >$LAB/before
		refused 'no port of a virtual host' flap --bridge br0 --port vx0 1s
	fi
	hold link "${B[@]}" down
	wg 2 link "${B[@]}" down
	grep -q 'stands already' $LAB/err || fail "twice"
	wg 0 link "${B[@]}" up
	wait $holder
}

"case_$1"
