#!/bin/bash
# SPDX-License-Identifier: MIT
#
# nixos.sh CASE: checks of nixos/ on a machine without nixpkgs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d) || exit 1
pids=()

clean() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	rm -rf "$tmp"
}
trap clean EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

skip() {
	echo "skipped: $*" >&2
	exit 77
}

need() {
	local program
	for program; do
		command -v "$program" >/dev/null || skip "no $program"
	done
}

# a store of our own: no daemon, nothing of the machine's is touched
nix_instantiate() {
	NIX_STATE_DIR=$tmp/nix/state NIX_STORE_DIR=$tmp/nix/store \
		NIX_LOG_DIR=$tmp/nix/log NIX_CONF_DIR=$tmp/nix/conf HOME=$tmp \
		nix-instantiate --option build-users-group '' "$@"
}

# evaluated ATTRIBUTE: as JSON
evaluated() {
	nix_instantiate --eval --strict --json "$here/evaluate.nix" -A "$1"
}

# until COMMAND...: it will be true; a minute is for slow machines
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	fail "never: $*"
}

# in namespaces of our own, as their root
inside() {
	[ -z "${WGA_INSIDE:-}" ] || return
	need unshare ip
	unshare --map-root-user --net --mount --pid --fork true 2>/dev/null ||
		skip "no namespaces"
	WGA_INSIDE=1 unshare --map-root-user --net --mount --pid --fork \
		--kill-child --mount-proc "$0" "$case"
	exit
}

case_parse() {
	need nix-instantiate
	local file
	find "$root/nixos" "$here" -name '*.nix' >"$tmp/files"
	[ "$(wc -l <"$tmp/files")" -gt 10 ] || fail "no Nix files"
	while read -r file; do
		nix_instantiate --parse "$file" >/dev/null || fail "$file"
	done <"$tmp/files"
	# and that the parser is one
	echo '{ a = ; }' >"$tmp/wrong.nix"
	! nix_instantiate --parse "$tmp/wrong.nix" >/dev/null 2>&1 ||
		fail "a syntax error was not seen"
}

case_evaluate() {
	need nix-instantiate jq
	local failed count
	[ "$(evaluated evaluates)" = true ] || fail "does not evaluate"
	failed=$(evaluated failed) || fail "does not evaluate"
	[ "$failed" = '[]' ] || fail "$(jq -r '.[]' <<<"$failed")"
	count=$(evaluated count)
	echo "$count checks"
	[ "$count" -gt 50 ] || fail "where are the checks?"
}

# value FILE NAME: what a C source defines NAME as
value() {
	sed -n "s/^#define $2[[:space:]]*\"\{0,1\}\([^\"[:space:]]*\)\"\{0,1\}.*/\1/p" "$root/topo/$1"
}

# debian WHAT SIDE: the Debian column of a row in docs/guests.md
debian() {
	awk -F ' [|] ' -v what="| $1" -v value="$2" \
		'$1 == what && $2 == value { found = 1 } END { exit !found }' \
		"$root/docs/guests.md" || fail "docs/guests.md: Debian's \"$1\" is not $2"
}

debian_column() {
	local what side
	debian "control server" "https://$(value provision.h WGA_CONTROL_NAME):$(value provision.h WGA_CONTROL_PORT)"
	debian STUN "UDP $(value provision.h WGA_STUN_PORT)"
	debian "authority of the server" "$(value provision.h WGA_PATH_CA)"
	debian "TLS keys for the analysis" "$(value provision.h WGA_PATH_TLS_KEYS)"
	debian "configuration" "$(value provision.h WGA_PATH_CONFIG), written"
	debian "preauth key" "$(value provision.c KEY_FILE)"
	debian "life of the preauth key" "$(value provision.c KEY_LIFE)"
	debian "owner of the nodes" "$(value provision.c USER_NAME)"
	debian "MagicDNS domain" "$(value topology_internal.h WGA_TOPO_DOMAIN)"
	debian "overlay, IPv4" "$(sed -n 's/.*"  v4: \(.*\)\\n"$/\1/p' "$root/topo/render.c")"
	while read -r what side; do
		debian "$what" "$side"
	done < <(awk '
		/^[a-z]/ { section = $1 }
		/^  [a-z]/ { name = $1; sub(":", "", name) }
		section == "networks:" && $1 == "bridge:" { bridge[name] = $2 }
		section == "networks:" && $1 == "subnet:" { subnet[name] = $2 }
		section == "networks:" && $1 == "gateway:" {
			print bridge[name], subnet[name] ", gateway " $2
		}
		section == "hosts:" && $1 == "network:" { network = $2 }
		section == "hosts:" && $1 == "address:" { print name, $2 " on " bridge[network] }
		' "$root/docs/topology-example.yaml")
	debian "overlay, IPv6" "$(sed -n 's/.*"  v6: \(.*\)\\n"$/\1/p' "$root/topo/render.c")"
}

# render KIND: unit files in $tmp/units, from {name: {...}} on standard input
render() {
	local name
	jq -c 'to_entries[]' | while read -r unit; do
		name=$(jq -r .key <<<"$unit").${1%s}
		jq -r --arg kind "$1" '
			def lines: to_entries[] | select(.value != null) | .key as $key |
				(if .value | type == "array" then .value[] else .value end) | "\($key)=\(.)";
			.value |
			"[Unit]",
			({After: .after, Before: .before, Wants: .wants} | lines),
			(.unitConfig | lines),
			({StartLimitIntervalSec: .startLimitIntervalSec} | lines),
			if $kind == "services" then "[Service]",
				({Environment: [.environment | to_entries[] | "\(.key)=\(.value)"]} | lines),
				({ExecStart: "/bin/true"} + (.serviceConfig | with_entries(select(.value != null))) | lines)
			elif $kind == "paths" then "[Path]", (.pathConfig | lines)
			else "[Timer]", (.timerConfig | lines) end' <<<"$unit" |
			# programs of the store are not here
			sed -E "s|=/nix/store/[^ ]*|=/bin/true|" >"$tmp/units/$name"
	done
}

# systemd knows every directive, in its section, and its value
case_units() {
	need nix-instantiate jq systemd-analyze
	local machine kind units
	units=$(evaluated units) || fail "does not evaluate"
	for machine in $(jq -r 'keys[]' <<<"$units"); do
		rm -rf "$tmp/units"
		mkdir "$tmp/units"
		for kind in services paths timers; do
			jq ".\"$machine\".$kind" <<<"$units" | render "$kind"
		done
		SYSTEMD_UNIT_PATH=$tmp/units: systemd-analyze verify "$tmp"/units/* >"$tmp/log" 2>&1
		! grep -F "$tmp/units/" "$tmp/log" | grep -vE 'Failed to (create|prepare)|not executable' || fail "$machine"
	done
}

# every option with its file is in docs/nixos.md, and no other one
case_documents() {
	need nix-instantiate jq
	evaluated options | jq -r . | sort >"$tmp/used"
	sed -n '/^| `.*` | `nixos\/.*` |$/p' "$root/docs/nixos.md" | sort >"$tmp/told"
	[ -s "$tmp/used" ] || fail "no options"
	debian_column
	diff "$tmp/told" "$tmp/used" || fail "docs/nixos.md has other options than tests/nixos/nixpkgs.nix"
}

case_test_script() {
	need nix-instantiate jq python3
	evaluated testScript | jq -r . >"$tmp/script.py"
	grep -q 'SERVER = "192.168.100.10"' "$tmp/script.py" || fail "no script"
	python3 -B - "$tmp/script.py" <<-'END' || fail "the script of the NixOS test"
		import ast, builtins, sys

		tree = ast.parse(open(sys.argv[1]).read())
		known = set(dir(builtins)) | {"start_all", "subtest", "server", "vm_a", "vm_b", "vm_c", "watcher"}
		for node in ast.walk(tree):
		    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
		        known.add(node.id)
		    elif isinstance(node, (ast.FunctionDef, ast.arg)):
		        known.add(getattr(node, "name", None) or getattr(node, "arg", None))
		    elif isinstance(node, ast.alias):
		        known.add(node.name)
		unknown = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - known
		sys.exit(f"names that nobody gives: {unknown}" if unknown else 0)
	END
}

case_lint() {
	local tools
	tools=$("$here/tools") || skip "the linters could not be built"
	"$tools/nixpkgs-fmt" --check "$root/nixos" "$here" >/dev/null ||
		fail "not formatted: run $tools/nixpkgs-fmt"
	"$tools/deadnix" --fail "$root/nixos" "$here" || fail "dead code"
	printf '{ a }: 1\n' >"$tmp/dead.nix"
	! "$tools/deadnix" --fail "$tmp/dead.nix" >/dev/null || fail "dead code was not seen"
	! command -v shellcheck >/dev/null || shellcheck -e SC1091 -x "$root"/nixos/scripts/*.sh ||
		fail "shellcheck"
}

# ---- the script that follows the mesh address, with a real nginx ----

# as writeShellApplication starts it
start_script() {
	PATH=$tmp/bin:$PATH bash -euo pipefail "$root/nixos/scripts/$1.sh"
}

fake() {
	printf '#!/bin/sh\necho "%s $*" >>%s/calls\n' "$1" "$tmp" >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}

listens() {
	ss -Hltn | awk '{ print $4 }' | sort | tr '\n' ' '
}

silent() {
	[ -z "$(listens)" ]
}

answers() {
	timeout 5 bash -c "exec 3<>/dev/tcp/$1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3" 2>/dev/null |
		grep -q 'hello from vm-b'
}

start_nginx() {
	nginx -p "$tmp" -c "$tmp/nginx.conf" >>"$tmp/nginx.log" 2>&1
}

render_nginx() {
	{
		printf '%s\n' "user root;" "pid $tmp/nginx.pid;" "error_log stderr;" \
			"events { }" "http {" "access_log off;"
		for what in client_body proxy fastcgi uwsgi scgi; do
			echo "${what}_temp_path $tmp/$what;"
		done
		evaluated web | jq -r '. as $all | .virtualHosts | to_entries[] |
			"server {\n" +
			([.value.listen[] | "listen \(.addr)\(if .port then ":\(.port)" else "" end);\n"] | add) +
			"server_name \(.key);\n" + $all.commonServerConfig + "\n" +
			([.value.locations | to_entries[] |
			  "location \(.key) { return \(.value.return); \(.value.extraConfig) }\n"] | add) + "}"' |
			sed "s|/run/mesh-address|$tmp/address|; s|/run/nginx|$tmp|"
		echo "}"
	} >"$tmp/nginx.conf"
	grep -q "include $tmp/address/listen.conf;" "$tmp/nginx.conf" || fail "no include"
}

case_address() {
	need nix-instantiate jq nginx ss
	inside
	mkdir "$tmp/bin" "$tmp/address"
	: >"$tmp/calls"
	fake systemctl
	fake systemd-notify
	render_nginx
	ip link set lo up
	ip link add eth0 type bridge
	ip address add 10.0.0.10/24 dev eth0
	ip link set eth0 up

	INTERFACE=tailscale0 PORT=80 DIRECTORY=$tmp/address start_script mesh-address &
	pids+=($!)

	# nothing before there is an address
	ip link add tailscale0 type bridge
	ip link set tailscale0 up
	sleep 2
	[ ! -e "$tmp/address/listen.conf" ] && [ ! -s "$tmp/calls" ] || fail "an address before there is one"
	! start_nginx || fail "nginx started before the mesh"
	[ -z "$(listens)" ] || fail "listens before the mesh: $(listens)"

	# bound to the mesh address, and to no other
	ip address add 100.64.0.7/32 dev tailscale0
	until_true grep -qx 'listen 100.64.0.7:80;' "$tmp/address/listen.conf"
	until_true grep -qx 'systemd-notify --ready' "$tmp/calls"
	start_nginx || fail "nginx: $(cat "$tmp/nginx.log")"
	[ "$(listens)" = "100.64.0.7:80 " ] || fail "listens: $(listens)"
	answers 100.64.0.7 || fail "no answer at the mesh address"
	! answers 10.0.0.10 && ! answers 127.0.0.1 || fail "an answer elsewhere"

	# the mesh is lost: nothing elsewhere, also not from a new start
	ip link delete tailscale0
	sleep 2
	grep -qx 'listen 100.64.0.7:80;' "$tmp/address/listen.conf" || fail "forgot the address"
	cp "$tmp/nginx.pid" "$tmp/first.pid"
	! (sed "s|$tmp/nginx.pid|$tmp/second.pid|; s|$tmp/mesh.sock|$tmp/second.sock|" "$tmp/nginx.conf" >"$tmp/second.conf"
	   sed -i 's|listen.conf|listen-other.conf|' "$tmp/second.conf"
	   sed 's/100.64.0.7/100.64.0.8/' "$tmp/address/listen.conf" >"$tmp/address/listen-other.conf"
	   nginx -p "$tmp" -c "$tmp/second.conf") >/dev/null 2>&1 ||
		fail "nginx bound an address that is not there"

	# it returns: the same nginx answers again
	ip link add tailscale0 type bridge
	ip link set tailscale0 up
	ip address add 100.64.0.7/32 dev tailscale0
	until_true answers 100.64.0.7
	! grep -q ' restart ' "$tmp/calls" || fail "restarted"

	# another address: written, and nginx is told
	: >"$tmp/calls"
	ip address add 100.64.0.9/32 dev tailscale0
	ip address delete 100.64.0.7/32 dev tailscale0
	until_true grep -qx 'listen 100.64.0.9:80;' "$tmp/address/listen.conf"
	until_true grep -qx 'systemctl --no-block try-restart nginx.service' "$tmp/calls"
	! grep -q ready "$tmp/calls" || fail "ready twice"
	kill "$(cat "$tmp/first.pid")"
	until_true silent
	start_nginx || fail "nginx: $(cat "$tmp/nginx.log")"
	[ "$(listens)" = "100.64.0.9:80 " ] || fail "listens: $(listens)"
	answers 100.64.0.9 || fail "no answer at the new address"
	kill "$(cat "$tmp/nginx.pid")"
}

# ---- the server's settings and scripts, with a real headscale ----

peers() {
	command -v headscale tailscale tailscaled >/dev/null && return
	local found
	for found in "${WGAUDIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wgaudit}"/peers/current-*; do
		[ -x "$found/headscale" ] || continue
		PATH=$PATH:$found
		return
	done
	skip "no headscale: install it, or run tests/peers/build current"
}

case_server() {
	local key first
	need nix-instantiate jq openssl
	peers
	inside
	mkdir -p "$tmp/bin" "$tmp/state" "$tmp/lib" "$tmp/run" "$tmp/etc/headscale"
	ip link set lo up
	ip address add 192.168.100.10/32 dev lo
	echo "192.168.100.10 headscale.internal" >"$tmp/hosts"
	mount --bind "$tmp/hosts" /etc/hosts || skip "no bind mounts"
	umask 077

	export STATE=$tmp/state NAME=headscale.internal ADDRESS=192.168.100.10
	start_script certificates >"$tmp/log" 2>&1 || fail "certificates: $(cat "$tmp/log")"
	first=$(sha256sum "$STATE/ca.pem" "$STATE/server.pem")
	start_script certificates >"$tmp/log" 2>&1
	[ "$first" = "$(sha256sum "$STATE/ca.pem" "$STATE/server.pem")" ] || fail "made anew"
	openssl verify -CAfile "$STATE/ca.pem" -verify_hostname "$NAME" "$STATE/server.pem" >/dev/null ||
		fail "the certificate is not for $NAME"
	[ "$(stat -c %a "$STATE/server.key" "$STATE/ca.key" | sort -u)" = 600 ] || fail "keys are open"

	# as the nixpkgs module completes it
	evaluated settings | jq '.listen_addr = "0.0.0.0:443"' |
		sed "s|/var/lib/headscale-test-server|$STATE|; s|/var/lib/headscale|$tmp/lib|; s|/run/headscale|$tmp/run|" \
			>"$tmp/config.json"
	headscale serve --config "$tmp/config.json" >"$tmp/headscale.log" 2>&1 &
	pids+=($!)
	printf '#!/bin/sh\nexec %s --config %s "$@"\n' "$(command -v headscale)" "$tmp/config.json" >"$tmp/bin/headscale"
	chmod +x "$tmp/bin/headscale"
	until_true "$tmp/bin/headscale" users list
	! grep -iE 'derpmap/default|update check|letsencrypt' "$tmp/headscale.log" || fail "looks outside"

	export USER_NAME=wgaudit LIFE=10m KEY_FILE=$STATE/preauth.key
	start_script preauth-key || fail "no key: $(cat "$tmp/headscale.log")"
	[ "$(stat -c %a "$KEY_FILE")" = 600 ] || fail "the key is open"
	"$tmp/bin/headscale" preauthkeys list -o json 2>/dev/null |
		jq -e 'length == 1 and .[0].reusable' >/dev/null || fail "not the key that was asked for"
	key=$(cat "$KEY_FILE")

	# a client joins by it, trusting that authority alone, and has no IPv6
	SSL_CERT_FILE=$STATE/ca.pem tailscaled --tun=userspace-networking --no-logs-no-support \
		--statedir="$tmp/client" --socket="$tmp/client.sock" >"$tmp/client.log" 2>&1 &
	pids+=($!)
	until_true test -S "$tmp/client.sock"
	mapfile -t up < <(evaluated up | jq -r '.[]')
	[ ${#up[@]} -ge 3 ] || fail "no flags"
	timeout 60 tailscale --socket="$tmp/client.sock" up --auth-key="$key" "${up[@]}" ||
		fail "the client did not join: $(tail -n 5 "$tmp/client.log")"
	[ "$(tailscale --socket="$tmp/client.sock" ip)" = 100.64.0.1 ] ||
		fail "addresses: $(tailscale --socket="$tmp/client.sock" ip)"
	tailscale --socket="$tmp/client.sock" status --json |
		jq -e '.Self.DNSName == "vm-a.mesh.internal." and .Self.Online' >/dev/null || fail "not in the mesh"
}

case=${1:-}
[ "$(type -t "case_$case")" = function ] || {
	echo "usage: nixos.sh parse|evaluate|units|documents|test_script|lint|address|server" >&2
	exit 2
}
"case_$case"
