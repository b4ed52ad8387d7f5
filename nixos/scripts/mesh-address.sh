# shellcheck shell=bash
# Follows the IPv4 address of INTERFACE: writes DIRECTORY/listen.conf for nginx
# whenever there is another one than before, and has nginx take it up. Says
# READY when there is the first. An address that goes away changes nothing, for
# it mostly comes back.
address() {
	local line
	# no interface is no address
	line=$(ip -4 -o address show dev "$INTERFACE" scope global 2>/dev/null |
		head -n 1) || true
	read -r _ _ _ line _ <<<"$line" || true
	printf '%s' "${line%%/*}"
}

cd "$DIRECTORY"
ready=
while :; do
	now=$(address)
	if [ -n "$now" ]; then
		listen="listen $now:$PORT;"
		if [ "$listen" != "$(cat listen.conf 2>/dev/null || true)" ]; then
			printf '%s\n' "$listen" >listen.conf.new
			mv listen.conf.new listen.conf
			echo "mesh address $now"
			# does nothing where nginx does not run yet
			systemctl --no-block try-restart nginx.service
		fi
		[ -n "$ready" ] || systemd-notify --ready
		ready=1
	fi
	sleep 1
done
