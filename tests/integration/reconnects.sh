# SPDX-License-Identifier: GPL-2.0-only
# title: either side first, and 100 reconnects, each with data through an aperture; nothing is left behind
# rows: M12
# guests: pv pvh
# timeout: 120
. /rig/tests/_lib.sh
count=${LONG:+1000}
count=${count:-100}
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
reconnect() {
	guest_run "$GUEST" "echo aperture-0 >$driver/unbind && echo aperture-0 >$driver/bind" ||
		fail "round $1: unbind and bind"
	selftest_connected "round $1"
}
for n in 1 2 3 4 5; do reconnect "warm-up $n"; done
leak_check_begin
n=0
while [ $n -lt "$count" ]; do
	n=$((n + 1))
	reconnect $n
	[ $((n % 10)) != 0 ] || progress "$n of $count reconnects"
done
leak_check_end
metric reconnects="$count"
