# SPDX-License-Identifier: GPL-2.0-only
# title: a stub domain that spins is restarted in place by the watchdog, one that is paused is not
# rows: N2 N16
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_operations.sh

SPIN=9	# the command of the tests' device that never returns while its counter is below the argument
ROUNDS=$(short_long 1 20)
echo 'stub_watchdog = 900' >apertured.conf
daemon_start --config "$PWD/apertured.conf"
module_load "$GUEST"
fast_attach "$GUEST" type=check,size=1M
STUB=$(stub_of "$GUEST")
ENTRY=/local/domain/0/aperture-stub/$STUB

restarts() { xenstore-read "$ENTRY/watchdog-restarts" 2>/dev/null || echo 0; }
restarted() { [ "$(restarts)" -gt "$1" ]; }

spin() { # the operation hangs the first device for 1,5 s of its time: beyond one watchdog, below two
	s_before=$(restarts)
	program "an operation on which the stub domain spins" "aperture-op 0 command $SPIN +1500"
	wait_until 20 restarted "$s_before" || fail "the watchdog did not restart the stub domain"
	wait_until 20 lane_is fast || fail "the first device does not answer after a restart"
}

progress "warming up"
spin
leak_check_begin
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	progress "spin $i of $ROUNDS"
	spin
done
assert_eq "$STUB" "$(stub_of "$GUEST")" "the stub domain"
count=$(restarts)
[ "$count" -ge $((ROUNDS + 1)) ] || fail "only $count restarts for $((ROUNDS + 1)) hangs"
metric restarts="$count"
xen-aperture stat "$GUEST" 0 | tee stat
assert_match "stub domain $STUB, restarted by the watchdog: $count" "$(cat stat)" "stat"
assert_eq "$count" "$(xenstore-read "/local/domain/$STUB/aperture/restarts")" "restarts as the stub domain counts them"

progress "one that is paused need not answer"
xl pause "$STUB"
sleep 4
xl unpause "$STUB"
wait_until 20 lane_is fast || fail "the first device does not answer after a pause"
sleep 2
assert_eq "$count" "$(restarts)" "restarts after a pause"

progress "the count outlives the supervisor, and the next one goes on watching"
kill -9 "$(daemon_pid)"
wait_until 10 daemon_pid >/dev/null || fail "no new supervisor"
wait_until 20 lane_is fast || fail "the first device does not answer"
spin
[ "$(restarts)" -gt "$count" ] || fail "the count began anew: $(restarts) after $count"
leak_check_end 20
