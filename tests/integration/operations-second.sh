# SPDX-License-Identifier: GPL-2.0-only
# title: the second device alone: every register, size and direction, vectors and ticks, and what its death costs
# rows: N3 N5 N8
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=300
daemon_start
module_load "$GUEST" operation_timeout_ms=4000 look_again=N
device_attach "$GUEST" type=check,size=1M
assert_eq "" "$(stub_of "$GUEST" || :)" "stub domain of a guest without fast=yes"

progress "every octet, size and direction"
operate "table" 0 mix=table batch=256
assert_eq 0 "$(field by_first)" "operations that a first device answered"
assert_eq "$(field operations)" "$(field by_second)" "operations that the second device answered"
[ "$(field refused)" -gt 10000 ] || fail "only $(field refused) wrong operations were refused"
progress "random operations of a program and, with callbacks, of the kernel"
operate "random" 20000 seed="$VCPUS" batch=256
selftest_ok "$GUEST" "callbacks" operate 0 20000 32
assert_eq 0 "$(field wrong)" "answers that differ from the reference"

progress "vectors"
selftest_ok "$GUEST" "one interrupt an edge" edges 0 1 200
assert_eq 200 "$(field callbacks)" "interrupts of 200 edges"
selftest_ok "$GUEST" "masked and in service" held 0

progress "four programs at once, each in order"
for row in 0 1 2 3; do guest_start "$GUEST" "aperture-operate 0 4000 mix=row row=$row seed=$row" "row.$row"; jobs="${jobs:-} $GUEST_JOB"; done
for job in $jobs; do guest_wait "$job" || fail "one of four programs: $(cat row.?)"; done

by_events_only

progress "nobody serves"
daemon_stop
start=$(cut -d. -f1 /proc/uptime)
if OUT=$(guest_run "$GUEST" "aperture-op 0 read 0 8" 2>&1); then fail "somebody answered: $OUT"; fi
took=$(($(cut -d. -f1 /proc/uptime) - start))
assert_match "status=(68|69) " "$OUT" "an operation without a device (E_GONE or E_TIMEOUT)"
[ $took -le 12 ] || fail "it took $took s to end; operation_timeout_ms is 4000"
metric dead_seconds=$took
daemon_start
wait_until 30 lane_is slow || fail "operations do not work again"
operate "after the outage" 2000 seed=3 apart=0
