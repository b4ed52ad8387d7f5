# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A lab that cannot leave anything behind: lab_enter starts the script again as
# the first process of new network, mount and process namespaces. Bridges live
# there; each host behind them is a further network namespace, held by a
# sleeping process. When the first process ends, however it ends, the kernel
# takes all of it down.

LAB=/run/lab

lab_die() {
	echo "lab: $*" >&2
	exit 99
}

lab_enter() {
	if [ -n "${IN_LAB-}" ]; then
		lab_start
		return
	fi
	local user=() why
	[ "$(id -u)" = 0 ] || user=(--user --map-root-user)
	if ! why=$(unshare "${user[@]}" --net --mount --pid --fork \
	     ip link add br0 type bridge 2>&1); then
		echo "skipped: no network namespaces or no bridges here ($why)"
		exit 77
	fi
	IN_LAB=1 exec unshare "${user[@]}" --net --mount --pid --fork \
		--kill-child --mount-proc "$BASH" "$@"
}

lab_start() {
	set -u
	mount -t tmpfs tmpfs /run && mkdir -p $LAB /run/wireguard ||
		lab_die "cannot mount /run"
	chmod 755 $LAB
	[ -c /dev/net/tun ] || lab_tun || lab_die "no /dev/net/tun"
	ip link set lo up
	declare -gA host_pid key
}

# some containers have the driver, but not its file
lab_tun() {
	mkdir -p $LAB/dev && mount -t tmpfs tmpfs $LAB/dev &&
		cp -a /dev/. $LAB/dev && mkdir -p $LAB/dev/net &&
		mknod $LAB/dev/net/tun c 10 200 && mount --rbind $LAB/dev /dev
}

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
	local tries=$(($1 * 20))
	shift
	while ! "$@" 2>/dev/null; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.05
	done
}

# lab_bridge BRIDGE ADDRESS/LENGTH
lab_bridge() {
	ip link add "$1" type bridge forward_delay 0 || lab_die "no bridge $1"
	ip addr add "$2" dev "$1"
	ip link set "$1" up
}

# lab_host HOST BRIDGE ADDRESS/LENGTH [GATEWAY]
lab_host() {
	unshare --net sleep infinity &
	host_pid[$1]=$!
	wait_for 5 lab_own_net $! || lab_die "no namespace for $1"
	ip link add "port-$1" type veth peer name eth0 netns $! ||
		lab_die "no veth for $1"
	ip link set "port-$1" master "$2" up
	on "$1" ip link set lo up
	on "$1" ip addr add "$3" dev eth0
	on "$1" ip link set eth0 up
	[ -z "${4-}" ] || on "$1" ip route add default via "$4"
}

lab_own_net() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# on HOST COMMAND...
on() {
	nsenter --net="/proc/${host_pid[$1]}/ns/net" "${@:2}"
}

# lab_wireguard HOST TUNNEL-ADDRESS/LENGTH: interface wg-HOST, MTU 1280
lab_wireguard() {
	local dev=wg-$1
	if [ "${LAB_KERNEL_WIREGUARD-}" ] &&
	   on "$1" ip link add "$dev" type wireguard 2>/dev/null; then
		:
	else
		[ -w /dev/net/tun ] || {
			echo "skipped: /dev/net/tun cannot be opened (try sudo)"
			exit 77
		}
		on "$1" wireguard-go -f "$dev" >"$LAB/$dev.log" 2>&1 &
		wait_for 10 test -S "/run/wireguard/$dev.sock" ||
			lab_die "wireguard-go on $1: $(cat "$LAB/$dev.log")"
	fi
	key[$1]=$(wg genkey)
	on "$1" wg set "$dev" listen-port 51820 private-key \
		<(echo "${key[$1]}") || lab_die "wg set on $1"
	on "$1" ip addr add "$2" dev "$dev"
	on "$1" ip link set "$dev" mtu 1280 up
}

# lab_peer HOST PEER PEER-ADDRESS ALLOWED-IPS
lab_peer() {
	on "$1" wg set "wg-$1" peer "$(wg pubkey <<<"${key[$2]}")" \
		endpoint "$3:51820" allowed-ips "$4" || lab_die "wg peer on $1"
}

# lab_pair: hosts a and b on bridge br-a with a tunnel, not yet connected
lab_pair() {
	lab_bridge br-a 192.168.50.1/24
	lab_hosts
	wait_for 10 on a ping -q -c 1 -W 1 192.168.50.3 >/dev/null ||
		lab_die "the hosts do not reach each other"
}

lab_hosts() {
	lab_host a br-a 192.168.50.2/24
	lab_host b br-a 192.168.50.3/24
	lab_wireguard a 10.9.0.1/24
	lab_wireguard b 10.9.0.2/24
}

# lab_connect: from now on a and b talk
lab_connect() {
	lab_peer a b "${1-192.168.50.3}" 10.9.0.0/24
	lab_peer b a "${2-192.168.50.2}" 10.9.0.1/32
}

# lab_disconnect: forget the session, so that the next one begins anew
lab_disconnect() {
	on a wg set wg-a peer "$(wg pubkey <<<"${key[b]}")" remove
	on b wg set wg-b peer "$(wg pubkey <<<"${key[a]}")" remove
}

# lab_web HOST PORT: a web server in clear text, whose page /big has 32 MiB
lab_web() {
	on "$1" perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(LocalPort => shift, Listen => 5,
			ReuseAddr => 1) or die "$!\n";
		while ($c = $s->accept) {
			$page = <$c>;
			1 while defined($l = <$c>) && $l =~ /\S/;
			print $c "HTTP/1.0 200 OK\r\n\r\nhello\n";
			print $c "\0" x (32 << 20) if $page =~ /big/;
			close $c;
		}' "$2" &
	wait_for 10 lab_listens "$1" "$2" || lab_die "no web server on $1"
}

lab_listens() {
	on "$1" ss -Hltn "sport = :$2" | grep -q .
}
