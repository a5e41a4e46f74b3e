# SPDX-License-Identifier: GPL-2.0-only
# title: one transition for each operation, one injection for each edge: counters and the hypervisor's trace agree
# rows: N4 N13
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
N=400
daemon_start
module_load "$GUEST"
fast_attach "$GUEST" type=check,size=1M
STUB=$(stub_of "$GUEST") G=$(domid_of "$GUEST")
GUEST_TIMEOUT=120
selftest_ok "$GUEST" "warm-up" fast 0 100 1
sleep 1.5

sent() { trace_count trace evtchn_op "d$1"; }
counter() { awk -v n="$1" '/COUNTER/ { on = 1 } /OPERATIONS/ { on = 0 } on && $1 == n { print $4; exit }' stat; }
# within WHAT COUNT MOST: COUNT events belong to it; the rest of the traffic (watchdog, console, the test's
# own way into the guest) is some more
within() {
	[ "$2" -ge "$N" ] && [ "$2" -le $(($N + $3)) ] || fail "$1: $2 events for $N operations"
}
# What a guest and its stub domain send when nothing is operated, in the same time
progress "the quiet machine"
trace_begin
selftest_ok "$GUEST" "nothing" info 0
sleep 1
trace_end trace
quiet_guest=$(sent "$G") quiet_stub=$(sent "$STUB")

progress "operations one by one"
counters_read
hits=$(first executed)
trace_begin
selftest_ok "$GUEST" "one by one" fast 0 $N 1
trace_end trace
within "the guest" "$(sent "$G")" $((2 * quiet_guest + 20))
within "the stub domain" "$(sent "$STUB")" $((2 * quiet_stub + 20))
note "$N operations: $(sent "$G") events by the guest, $(sent "$STUB") by the stub domain (quiet: $quiet_guest, $quiet_stub)"
sleep 1.5
counters_read
# One more: the reset that the test begins with
assert_eq $((N + 1)) "$(($(first executed) - hits))" "operations that the first device counted"
metric operations=$N guest_events="$(sent "$G")" stub_events="$(sent "$STUB")"

progress "edges one by one"
injected=$(first injected) coalesced=$(first coalesced)
trace_begin
selftest_ok "$GUEST" "edges" edges 0 1 $((N / 4))
trace_end trace
assert_eq "$(field raised)" "$(field callbacks)" "callbacks of the edges raised"
assert_eq "$(field raised)" "$(field delivered)" "interrupts that the controller counted"
sleep 1.5
counters_read
injected=$(($(first injected) - injected)) coalesced=$(($(first coalesced) - coalesced))
assert_eq "$(field raised)" "$injected" "edges that the first device sent an event for"
assert_eq 0 "$coalesced" "edges that it merged"
# Raise and clear are an operation each, answered by an event; the edge may share the event of the answer.
events=$(sent "$STUB")
[ "$events" -ge $((N / 2)) ] && [ "$events" -le $((3 * N / 4 + 2 * quiet_stub + 20)) ] ||
	fail "$events events by the stub domain for $((N / 4)) edges and $((N / 2)) answers"
note "$((N / 4)) edges, $((N / 2)) answers: $events events by the stub domain"
