# SPDX-License-Identifier: GPL-2.0-only
# title: the device is detached while a program and a driver hold apertures, and one sleeps in read
# rows: M13
# guests: pvh
# guests-long: pv
# timeout: 60
. /rig/tests/_lib.sh
GUEST_TIMEOUT=40

daemon_start
module_load "$GUEST"
for round in 1 2 3; do
	progress "round $round of 3"
	device_attach "$GUEST" type=check,size=16M
	selftest_ok "$GUEST" "an aperture of the kernel" hold 0 1048576
	guest_start "$GUEST" "aperture-hold 0 1048576 3" hold.out
	wait_until 20 guest_run "$GUEST" '[ "$(grep -c mapped /sys/bus/xen/devices/aperture-0/aperture/apertures)" = 4 ]' ||
		fail "apertures were not made: $(cat hold.out)"
	hold_job=$GUEST_JOB
	guest_start "$GUEST" 'dd if=/dev/xen/aperture0 bs=256 count=1' read.out
	wait_until 20 guest_run "$GUEST" 'pid=$(pidof dd) && grep -q "State:.*sleeping" /proc/$pid/status' ||
		fail "the reader does not sleep: $(cat read.out)"
	xen-aperture detach "$GUEST" all --wait=20 || fail "detach: status $?"
	guest_wait || fail "a read that sleeps when the device goes: status $?, $(cat read.out)"
	assert_match '^0.0 records in' "$(cat read.out)" "what it read"
	guest_wait "$hold_job" || :
	assert_match 'end: No such device' "$(cat hold.out)" "what the program hears"
	OUT=$(selftest "$GUEST" ping 0 2>&1) && fail "the parent answers after detach"
	selftest_ok "$GUEST" "the end of the kernel's aperture" drop all
	guest_run "$GUEST" '[ ! -e /dev/xen/aperture0 ]' || fail "/dev/xen/aperture0 is still there"
done
guest_run "$GUEST" "rmmod aperture_selftest && rmmod xen_aperture" || fail "unload"
assert_eq "" "$(guest_run "$GUEST" 'dmesg | grep "still mapped" || :')" "pages left to the kernel"
