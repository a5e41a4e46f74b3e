# SPDX-License-Identifier: GPL-2.0-only
# title: driver domain after driver domain is destroyed while a guest has its memory; nothing of them stays
# rows: M1 M14
# guests: pv pvh
# long: yes
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_driver.sh

ROUNDS=100
round() {
	driver_domain_start "$TYPE"
	DRIVER=$(domid_of driver)
	if [ -z "$AGAIN" ]; then
		xen-aperture attach "$GUEST" type=check,size=1M,apertures=32,backend=driver --wait=20 || fail "attach failed"
		AGAIN=yes
	else
		xen-aperture attach --again "$GUEST" || fail "attach --again failed"
		wait_until 20 up "$DRIVER" || fail "not connected: $(xen-aperture list "$GUEST")"
	fi
	mapped_both_ways "$GUEST"
	hundredths
	r_start=$NOW
	guest_destroy driver
	wait_until 10 closed || fail "10 s after the driver domain's end the guest's device is not closed"
	wait_until 10 no_zombies || fail "10 s after its end the driver domain is still there: $(xl list)"
	hundredths
	[ $((NOW - r_start)) -le "$WORST" ] || WORST=$((NOW - r_start))
	every_end "$GUEST"
}

daemon_start
module_load "$GUEST"
at_exit "device_detach_all $GUEST"
AGAIN= WORST=0
progress "warming up"
round
leak_check_begin
i=0
while [ $i -lt $ROUNDS ]; do
	i=$((i + 1))
	progress "driver domain $i of $ROUNDS"
	round
done
note "$ROUNDS driver domains destroyed, each was gone ${WORST}0 ms later at most"
metric destroyed="$ROUNDS"
leak_check_end 20
