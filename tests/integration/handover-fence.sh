# SPDX-License-Identifier: GPL-2.0-only
# title: a worker that sleeps on the state for longer than revoke-ms is fenced: its commit fails, what the first device did meanwhile stands
# rows: N10 N9
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
DWELL=11 FAST8=0x10 CHANGES=0x48
daemon_start
module_load "$GUEST" operation_timeout_ms=60000
fast_attach "$GUEST" type=check,size=64K --revoke=100

op() { # WHAT ARGUMENT...: sets OUT
	o_what=$1
	shift
	program "$o_what" "aperture-op 0 $*"
	assert_eq 0 "$(field status)" "$o_what"
}
lost_is() { counters_read && [ "$(second lost)" = $((LOST + $1)) ] && [ "$(first revoked)" = $((REVOKED + $1)) ]; }
ROUNDS=5
for i in $(seq $ROUNDS); do
	progress "sleep $i of $ROUNDS"
	sleep 1.2	# the counters are as of a second ago
	counters_read
	LOST=$(second lost) REVOKED=$(first revoked)
	op "a plain register of the first device" "write $FAST8 8 $i"
	op "the number of changes" "read $CHANGES 8"
	changes=$(field value)
	guest_start "$GUEST" "aperture-op 0 command $DWELL +2000" dwell
	job=$GUEST_JOB
	sleep 0.5	# it has the state at once; that it had it, its lost commit says
	op "the first device while the worker sleeps" "write $FAST8 8 $((1000 + i))"
	assert_eq fast "$(field lane)" "who answered while the worker slept"
	kill -0 "$job" 2>/dev/null || fail "the worker woke up before the first device had answered: $(cat dwell)"
	guest_wait "$job" || fail "the operation that slept: $(cat dwell)"
	assert_match '^lane=slow status=0 ' "$(cat dwell)" "the operation that slept"
	op "what the first device wrote meanwhile" "read $FAST8 8"
	assert_eq $((1000 + i)) "$(field value)" "what the first device wrote meanwhile"
	op "the number of changes" "read $CHANGES 8"
	assert_eq $((changes + 2)) "$(field value)" "changes: the write, and the operation that slept, once"
	wait_until 10 lost_is 1 ||
		fail "the worker counts $(($(second lost) - LOST)) commits that failed, the first device took the state $(($(first revoked) - REVOKED)) times"
done
note "$ROUNDS commits of a worker refused"
