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
SECONDS_EACH=$(short_long 2 20)
# of one access, or of one tick's delay; mt mode's wake-ups take 50 ms, the processor is shared
MOST_US=$((1000000 * ${RIG_PATIENCE:-1}))
# Elements of the storm for each access to the other device. Xen hands over 4096 of a REP as one: nobody waits for
# all of them.
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
	guest_run "$VICTIM" "aperture-timer 0 ticks 100 20000 2" >ticks 2>&1 || fail "$1: the other guest's ticks: $(cat ticks)"
	LATE=$(sed -n 's/.*latest_us=//p' ticks)
}
# A page of the victim's for the other one.
guest_run "$VICTIM" "trap-grant $(domid_of "$GUEST") >/tmp/grant & sleep 1"
GRANT=$(domid_of "$VICTIM"):$(guest_run "$VICTIM" 'cat /tmp/grant')
at_exit "guest_run $VICTIM 'killall trap-grant'"
ticks "before"
alone=$LATE
note "alone: the other guest's latest tick $alone us late"

# storm KIND DEVICE
storm() {
	s_what="$1, device $2"
	progress "$s_what"
	# The other device's storm and the ticks lie between: what an earlier storm did is counted by now.
	counts_read "$2"
	TRAPPED=$(first trapped)
	guest_start "$GUEST" "trap-storm $2 $1 $SECONDS_EACH 2 $GRANT" storm
	s_job=$GUEST_JOB
	sleep 0.2
	ticks "$s_what"
	guest_wait "$s_job" || fail "$s_what: $(cat storm)"
	OUT=$(cat storm)
	echo "$OUT"
	assert_eq 0 "$(field wrong)" "wrong answers of the other device ($s_what)"
	[ "$(field served)" -ge 10 ] || fail "$s_what: the other device answered $(field served) times"
	[ "$(field worst_us)" -le $MOST_US ] || fail "$s_what: an access to the other device took $(field worst_us) us"
	[ "$LATE" -le $((alone + MOST_US)) ] || fail "$s_what: a tick of the other guest was $LATE us late, alone $alone us"
	# A round of REP without end never ends: what the device saw says that there was a storm.
	wait_until 10 counts_are "$2" "$LEAST" ||
		fail "$s_what: only $(($(first trapped) - TRAPPED)) accesses reached the device"
	s_count=$(($(first trapped) - TRAPPED))
	[ $s_count -le $(($(field served) * MOST_BETWEEN)) ] ||
		fail "$s_what: the other device was served $(field served) times in $s_count accesses of the storm"
	note "$s_what: $(field rounds) rounds, $s_count accesses trapped, the other device $(field served) times, slowest $(field worst_us) us; ticks $LATE us late"
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
