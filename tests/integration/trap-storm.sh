# SPDX-License-Identifier: GPL-2.0-only
# title: a guest storms its range, with REP without end and REP at what is no memory; its other device and other guests are served
# rows: N15 BAD B7
# guests: pv+pvh
# vcpus: 2
# vcpus-long: 4
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
VICTIM=${GUESTS%% *} GUEST=${GUESTS##* }
GUEST_TIMEOUT=120
SECONDS_EACH=$(short_long 1 20)
# of a tick's delay in the other guest; mt mode's wake-ups take 50 ms, the processor is shared
MOST_US=$((1000000 * ${RIG_PATIENCE:-1}))
# of one access to the other device: Xen hands over 4096 elements of a REP as one instruction, and what the guest's
# kernel wants of that vCPU meanwhile waits for all of them
MOST_ACCESS_US=$((10 * MOST_US))
# Elements of the storm for each access to the other device: far fewer than 4096, so it does not wait for a REP.
MOST_BETWEEN=2048
LEAST=20		# accesses that a storm brings to its device; long by memory: 24 octets a round of a second or so
daemon_start
module_load "$VICTIM"
device_attach_with "$VICTIM" type=timer,size=4K,fast=yes --stub="$CHECK_STUB"
door_attach "$GUEST" type=check,io=0x600
door_attach "$GUEST" type=check,mmio=auto
door_attach "$GUEST" type=check,io=0xa00
S=$(stub_of "$GUEST")

# The victim's ticks meanwhile. Sets LATE, in us.
ticks() {
	guest_run "$VICTIM" "aperture-timer 0 ticks 60 20000 2" >ticks 2>&1 || fail "$1: the other guest's ticks: $(cat ticks)"
	LATE=$(sed -n 's/.*latest_us=//p' ticks)
}
# A page of the victim's for the other one.
guest_run "$VICTIM" "trap-grant $(domid_of "$GUEST") >/tmp/grant & sleep 1"
GRANT=$(domid_of "$VICTIM"):$(guest_run "$VICTIM" 'cat /tmp/grant')
at_exit "guest_run $VICTIM 'killall trap-grant'"
ticks "before"
alone=$LATE
note "alone: the other guest's latest tick $alone us late"

# storm KIND DEVICE: again and again until the storm was one, which on a slow machine takes longer
storm() {
	s_what="$1, device $2" s_served=0 s_worst=0 s_late=0 s_times=0
	progress "$s_what"
	# The other device's storm and the ticks lie between: what an earlier storm did is counted by now.
	counts_read "$2"
	TRAPPED=$(first trapped)
	until [ $s_served -ge 10 ] && counts_are "$2" "$LEAST"; do
		# A round of REP without end never ends: what the device saw says that there was a storm.
		[ $s_times -lt 15 ] ||
			fail "$s_what: the other device answered $s_served times, $(($(first trapped) - TRAPPED)) accesses reached this one"
		s_times=$((s_times + 1))
		guest_start "$GUEST" "trap-storm $2 $1 $SECONDS_EACH 2 $GRANT" storm
		s_job=$GUEST_JOB
		sleep 0.2
		ticks "$s_what"
		guest_wait "$s_job" || fail "$s_what: $(cat storm)"
		OUT=$(cat storm)
		echo "$OUT"
		assert_eq 0 "$(field wrong)" "wrong answers of the other device ($s_what)"
		s_served=$((s_served + $(field served)))
		[ "$(field worst_us)" -le $s_worst ] || s_worst=$(field worst_us)
		[ "$LATE" -le $s_late ] || s_late=$LATE
	done
	[ $(($(first trapped) - TRAPPED)) -le $((s_served * MOST_BETWEEN)) ] ||
		fail "$s_what: the other device was served $s_served times in $(($(first trapped) - TRAPPED)) accesses of the storm"
	[ $s_worst -le $MOST_ACCESS_US ] || fail "$s_what: an access to the other device took $s_worst us"
	[ $s_late -le $((alone + MOST_US)) ] || fail "$s_what: a tick of the other guest was $s_late us late, alone $alone us"
	note "$s_what: $(($(first trapped) - TRAPPED)) accesses trapped in $s_times storms, the other device $s_served times, slowest $s_worst us; ticks $s_late us late"
}
for kind in range long nowhere changed; do
	storm $kind 0
	storm $kind 1
done

progress "all is well"
assert_eq 0 "$(xenstore-read "/local/domain/$S/aperture/restarts")" "restarts of the stub domain"
for door in 0 1; do
	OUT=$(guest_run "$GUEST" "trap-random $door 1000" 2>&1) || fail "after the storm, device $door: $OUT"
	counts_read $door
	note "device $door: trapped $(first trapped), refused $(first refused), faults $(first faults)"
done
