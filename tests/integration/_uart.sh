# SPDX-License-Identifier: GPL-2.0-only
# A PVH guest with a uart. Sourced after _lib.sh.

UART_STUB=/usr/local/lib/xen-aperture/stub/check-stub

# uart_guest NAME DEVICE...: with EXTRA, if it is set, on its command line; messages below LOGLEVEL (5) go to the console
uart_guest() {
	ug_name=$1 ug_list=
	shift
	for ug_device in "$@"; do ug_list="$ug_list \"$ug_device\","; done
	grep -v -e '^aperture' -e '^name' -e '^vcpus' "$RIG_GUESTS/pvh.cfg" |
		sed "s/console=hvc0/${EXTRA:+$EXTRA }console=hvc0/; s/loglevel=5/loglevel=${LOGLEVEL:-5}/" >"$ug_name.cfg"
	echo "name = \"$ug_name\"
vcpus = ${VCPUS:-1}
aperture = [$ug_list ]" >>"$ug_name.cfg"
	rm -f "/var/log/xen-aperture/uart-$ug_name"-*
	at_exit "xl destroy $ug_name 2>/dev/null || :"
	xen-aperture create "$ug_name.cfg" --stub="$UART_STUB" || fail "xen-aperture create: status $?"
	guest_ready "$ug_name" || fail "the guest did not come up"
	UART_GUEST=$ug_name
	UART_S=$(xl list | awk -v g="$ug_name" 'index($1, g "-aperture") == 1 { print $2 }')
	[ -n "$UART_S" ] || fail "there is no stub domain: $(xl list)"
}

uart_worker() { pgrep -f "^apertured.*worker.*[^0-9]$UART_S( |\$)" | head -n 1; }
uart_kill() {
	wait_until 20 uart_worker >/dev/null || fail "there is no worker"
	kill -9 "$(uart_worker)" 2>/dev/null || :
}
uart_restarts() { xenstore-read "/local/domain/$UART_S/aperture/restarts" 2>/dev/null || echo 0; }
# the check device beside it, at port 0x1000, traps
uart_trap() { guest_run "$UART_GUEST" "uart-try trap 0x1000 400" || fail "the trap: status $?"; }
# uart_times N COMMAND: with pauses
uart_times() {
	ut_i=0
	while [ $ut_i -lt "$1" ]; do
		sleep 0.4
		$2
		ut_i=$((ut_i + 1))
		[ "$1" = 1 ] || progress "$2 $ut_i of $1"
	done
}
# ms since it was called last
uart_clock() {
	read -r uc_now uc_rest </proc/uptime
	uc_now=$(echo "$uc_now" | tr -d .)0
	echo $((uc_now - ${UC_LAST:-0}))
	UC_LAST=$uc_now
}
