# SPDX-License-Identifier: GPL-2.0-only
# frames_both_ways COMMAND: checksummed frames through device 0 by a program in $GUEST, all of them
# whole and in order, and no wake-up lost. 1,000,000 each way; ten times that in the long tests.
frames_both_ways() {
	count=$(short_long 1000000 10000000)
	daemon_start
	module_load "$GUEST"
	device_attach "$GUEST" type=check,size=1M
	GUEST_TIMEOUT=3600
	guest_start "$GUEST" "$1 0 $count 256" frames.out
	while kill -0 "$GUEST_JOB" 2>/dev/null; do
		sleep 1
		progress "frames: $(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/counters' |
			head -n 3 | tr '\n' ' ')"
	done
	guest_wait || fail "frames: $(cat frames.out)"
	OUT=$(cat frames.out)
	echo "$OUT"
	for what in sent got parent_sent parent_got; do assert_eq "$count" "$(field $what)" "frames $what"; done
	for what in bad parent_bad lost_wakeups; do assert_eq 0 "$(field $what)" "$what"; done
	metric frames="$count"
	metric lost_wakeups="$(field lost_wakeups)"
}
