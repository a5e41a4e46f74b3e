# SPDX-License-Identifier: GPL-2.0-only
# title: either side first, and 30 reconnects (1,000 in the long form), each with data through an aperture; nothing is left behind
# rows: M12
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh
count=$(short_long 30 1000)
module_load "$GUEST"
selftest_connected() { selftest_ok "$GUEST" "$1" sizes 0 65536 65536 >/dev/null; }

progress "the guest first, then the parent"
xen-aperture attach "$GUEST" type=check,size=1M --wait=0
at_exit "device_detach_all $GUEST"
daemon_start
selftest_connected "after the parent came"
daemon_stop
progress "the parent again, with the guest waiting"
daemon_start
selftest_connected "after the parent came again"

driver='/sys/bus/xen/drivers/xen-aperture'
guest_run "$GUEST" "ls -d $driver" >/dev/null || fail "no $driver in the guest"
# reconnects FROM TO: each with an aperture of 16 pages, offered, mapped and ended
reconnects() {
	GUEST_TIMEOUT=110 guest_run "$GUEST" "n=$1; while [ \$n -le $2 ]; do
		echo aperture-0 >$driver/unbind && echo aperture-0 >$driver/bind &&
			aperture-selftest sizes 0 65536 65536 >/dev/null || exit 1
		n=\$((n + 1)); done; echo \$n" >reached || fail "reconnect failed after $(cat reached)"
}
reconnects 1 5
leak_check_begin
n=0
while [ $n -lt "$count" ]; do
	reconnects 1 10
	n=$((n + 10))
	progress "$n of $count reconnects"
done
leak_check_end
metric reconnects="$count"
