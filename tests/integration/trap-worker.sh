# SPDX-License-Identifier: GPL-2.0-only
# title: the worker dies, or stands still, with trapped accesses outstanding: nothing lost, nothing twice, all ones in time
# rows: N15 N16
# guests: pvh
# vcpus: 4
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh

TIMEOUT=1000	# ms, of device 1
KILLS=$(short_long 2 20)
daemon_start
attach() { # SPEC [OPTION]
	a_spec=$1
	shift
	xen-aperture attach "$GUEST" "type=check,$a_spec" "$@" --wait=60 || fail "attach failed with status $?"
}
at_exit "device_detach_all $GUEST"
attach io=0x600,timeout=60000 --stub="$CHECK_STUB"
attach "io=0xa00,timeout=$TIMEOUT"
S=$(stub_of "$GUEST")
CONSOLE=/var/log/xen/console/guest-$GUEST-aperture.log
gave_up() { grep -c 'device 1: no answer from the second device' "$CONSOLE" || :; }
SAID=$(gave_up)

tickets() { # DEVICE READERS
	guest_run "$GUEST" 'rm -f /tmp/stop'
	guest_start "$GUEST" "trap-tickets $1 $2" tickets
	JOB=$GUEST_JOB
}
tickets_end() { # sets OUT
	guest_run "$GUEST" 'touch /tmp/stop'
	guest_wait "$JOB" || fail "the guest's program: $(tail -n 3 tickets)"
	OUT=$(cat tickets)
	echo "$OUT"
	assert_eq 0 "$(field wrong)" "answers of the first device that are wrong"
	assert_eq 0 "$(field twice)" "tickets that two got"
}
all_well() { # WHAT
	assert_eq 0 "$(field ones)" "accesses that ended as all ones ($1)"
	assert_eq 0 "$(field lost)" "tickets that nobody got ($1)"
	[ "$(field tickets)" -gt 20 ] || fail "only $(field tickets) tickets ($1)"
}
other_worker() { NOW=$(worker_pid "$GUEST-aperture") && [ "$NOW" != "$WORKER" ]; }
epoch() { xenstore-read "/local/domain/$S/device/aperture/0/epoch"; }
again_connected() { connected 0 && [ "$(epoch)" != "$EPOCH" ]; }
connected() { [ "$(xenstore-read "/local/domain/$S/device/aperture/$1/state")" = 4 ]; }

progress "the worker is killed $KILLS times"
tickets 0 3
sleep 1
i=0
while [ $i -lt "$KILLS" ]; do
	i=$((i + 1))
	WORKER=$(worker_pid "$GUEST-aperture") || fail "no worker serves the stub domain $S"
	EPOCH=$(epoch)
	kill -9 "$WORKER"
	wait_until 20 other_worker || fail "no other worker after the kill"
	wait_until 20 again_connected || fail "the slow lane did not connect again"
	sleep 0.5
	progress "kill $i"
done
tickets_end
all_well "worker killed"
note "$KILLS kills: $OUT"

progress "the worker stands still"
wait_until 20 connected 1 || fail "the slow lane did not connect again"
tickets 1 2
sleep 1
WORKER=$(worker_pid "$GUEST-aperture")
at_exit "kill -CONT $WORKER 2>/dev/null"
kill -STOP "$WORKER"
sleep 3
kill -CONT "$WORKER"
sleep 1
tickets_end
note "it stood still for 3 s: $OUT"
[ "$(field ones)" -ge 4 ] || fail "only $(field ones) accesses ended as all ones while the worker stood still"
[ "$(field lost)" -le 2 ] || fail "$(field lost) tickets lost, 2 accesses were out when the worker stopped"
[ "$(field slow_ms)" -ge "$TIMEOUT" ] && [ "$(field slow_ms)" -le 2500 ] ||
	fail "an access took $(field slow_ms) ms; the timeout is $TIMEOUT ms"
[ "$(field beside)" -ge 20 ] ||
	fail "only $(field beside) accesses of the first device's register while others waited for the second"
[ "$(gave_up)" -eq $((SAID + 1)) ] || fail "the stub domain said it $(($(gave_up) - SAID)) times"
assert_eq "$(field ones)" "$(xen-aperture stat "$GUEST" 1 | awk '$1 == "timeouts" { print $2 }')" "timeouts that are counted"

progress "and all is well again"
again() {
	OUT=$(guest_run "$GUEST" 'rm -f /tmp/stop; trap-tickets 1 3 1') && [ "$(field ones)" = 0 ]
}
wait_until 20 again || fail "device 1 does not come back: $OUT"
all_well "afterwards"
