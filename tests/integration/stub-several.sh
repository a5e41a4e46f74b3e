# SPDX-License-Identifier: GPL-2.0-only
# title: one stub domain serves four devices at once, each in its order; it spins when told to
# rows: N2 N7
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=600
COUNT=$(short_long 1000 3000)
daemon_start
module_load "$GUEST"
# The state is taken from a second device that is slow, over and over
for d in 0 1 2 3; do
	device_attach_with "$GUEST" type=check,size=64K,fast=yes --revoke=2 $([ $d != 0 ] || echo --stub="$CHECK_STUB" --spin=2000)
done
STUB=$(stub_of "$GUEST")
assert_eq 1 "$(xl list | grep -c -- "$GUEST-aperture")" "stub domains for four devices"
fast() { guest_run "$GUEST" "aperture-op $1 read 0 8" 2>/dev/null | grep -q 'lane=fast status=0 '; }
for d in 0 1 2 3; do wait_until 20 fast $d || fail "the first device of device $d does not answer"; done

progress "four loads at once"
jobs=
for d in 0 1 2 3; do
	guest_start "$GUEST" "aperture-operate $d $COUNT seed=$d batch=$((d * 8 + 1))" load.$d
	jobs="$jobs $GUEST_JOB"
done
for job in $jobs; do guest_wait "$job" || fail "one of four loads: $(cat load.?)"; done
for d in 0 1 2 3; do
	OUT=$(cat load.$d)
	assert_eq 0 "$(field wrong)" "answers of device $d that differ from the reference"
	[ "$(field by_first)" -gt $((COUNT / 10)) ] || fail "device $d: only $(field by_first) of $COUNT by the first device"
done

sleep 1.2
counters_read
[ "$(first revoked)" -gt 0 ] || fail "the state was never taken from the second device"
note "revoked $(first revoked) times"

# What is not in the record may be executed twice when a lane dies: apart=0 leaves it out.
progress "one that traps takes nothing from the others"
for d in 1 2 3; do guest_start "$GUEST" "aperture-operate $d $COUNT seed=$d batch=4 apart=0" load.$d; eval "job$d=$GUEST_JOB"; done
before=$(xenstore-read "/local/domain/$STUB/aperture/restarts")
program "a command that traps" "aperture-op 0 command 7 +100"
for d in 1 2 3; do eval "guest_wait \$job$d" || fail "the load of device $d: $(cat load.$d)"; done
for d in 1 2 3; do OUT=$(cat load.$d); assert_eq 0 "$(field wrong)" "answers of device $d that differ from the reference"; done
[ "$(xenstore-read "/local/domain/$STUB/aperture/restarts")" -gt "$before" ] || fail "the command did not trap"
for d in 0 1 2 3; do wait_until 20 fast $d || fail "the first device of device $d does not answer after a restart"; done

progress "spinning"
counters_read
spins=$(first spins) blocks=$(first blocks)
operate "after the restart" $COUNT seed=9 batch=1
sleep 1.2
counters_read
note "spins $(($(first spins) - spins)), blocks $(($(first blocks) - blocks)) in $COUNT operations one by one"
[ $(($(first spins) - spins)) -gt 0 ] || fail "told to spin 2 ms, it found nothing while spinning: $(($(first spins) - spins))"
[ "$(first blocks)" -gt "$blocks" ] || fail "it never blocks"
