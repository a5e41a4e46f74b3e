# SPDX-License-Identifier: GPL-2.0-only
# title: one transition for each operation, one doorbell for each batch, one event for each edge and before its handler: the hypervisor's trace
# rows: N4 N13
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
N=400
daemon_start
module_load "$GUEST" look_again=N
fast_attach "$GUEST" type=check,size=1M
xen-aperture attach "$GUEST" type=timer,size=4K,fast=yes --wait=60 || fail "the timer was not attached"
STUB=$(stub_of "$GUEST") G=$(domid_of "$GUEST")
GUEST_TIMEOUT=120
selftest_ok "$GUEST" "warm-up" fast 0 100 1
sleep 1.5

sent() { trace_count trace evtchn_op "d$1"; }
# marked DOMAIN: what it sent between the marks of the self-test module: grant_table_op and memory_op of the guest's
marked() {
	awk -v g="$G" -v sender="$1" '
		!match($0, / d[0-9]+v[0-9]+ +(hypercall|vmcall|subcall) /) { next }
		{ d = substr($0, RSTART + 2); sub(/v.*/, "", d) }
		d == g && /\(grant_table_op\)/ { on = 1; n = 0 }
		on && d == sender && /\(evtchn_op\)/ { n++ }
		on && d == g && /\(memory_op\)/ { on = 0; last = n }
		END { print last + 0 }' trace
}
counter() { awk -v n="$1" '/COUNTER/ { on = 1 } /OPERATIONS/ { on = 0 } on && $1 == n { print $4; exit }' stat; }
# within WHAT COUNT MOST: COUNT events belong to it; the rest of the traffic (watchdog, console) is some more. Some are less:
# who looks once more before it waits finds the next one without an event.
within() {
	[ "$2" -ge $((N - N / 20)) ] && [ "$2" -le $((N + $3)) ] || fail "$1: $2 events for $N operations"
}
# What a guest and its stub domain send when nothing is operated, in the same time
progress "the quiet machine"
trace_begin
selftest_ok "$GUEST" "nothing" info 0
sleep 1
trace_end trace
quiet_guest=$(sent "$G") quiet_stub=$(sent "$STUB")
note "nothing operated: $quiet_guest events by the guest, $quiet_stub by the stub domain"

progress "operations one by one"
counters_read
hits=$(first executed)
trace_begin
selftest_ok "$GUEST" "one by one" fast 0 $N 1
trace_end trace
by_guest=$(marked "$G") by_stub=$(marked "$STUB")
note "$N operations: $by_guest events by the guest, $by_stub by the stub domain"
within "the guest" "$by_guest" $((2 * quiet_guest + 20))
within "the stub domain" "$by_stub" $((2 * quiet_stub + 20))
sleep 1.5
counters_read
# One more: the reset that the test begins with
assert_eq $((N + 1)) "$(($(first executed) - hits))" "operations that the first device counted"
metric operations=$N guest_events="$by_guest" stub_events="$by_stub"

progress "operations in batches of 32"
trace_begin
operate "in batches" $((8 * N)) mix=fast batch=32
trace_end trace
assert_eq $((8 * N)) "$(field by_first)" "operations that the first device answered"
[ "$(sent "$G")" -ge $((N / 4 - N / 20)) ] && [ "$(sent "$G")" -le $((N / 4 + 2 * quiet_guest + 60)) ] ||
	fail "$(sent "$G") events by the guest for $((N / 4)) batches"
[ "$(sent "$STUB")" -ge $((N / 4 - N / 20)) ] || fail "$(sent "$STUB") events by the stub domain for $((N / 4)) batches"
note "$((N / 4)) batches of 32: $(sent "$G") events by the guest, $(sent "$STUB") by the stub domain"

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

# The ticks of the timer, each of a comparator of its own: none is acknowledged before all came, so no operation is out. Two
# hypercalls of the self-test module are marks: grant_table_op when all is armed and answered, memory_op in each
# handler. order DOMAIN: its events from a mark to the 8th handler, and the handlers; unsent: handlers that ran before there
# was an event for each.
order() {
	OUT=$(awk -v g="$G" -v raiser="$1" '
		!match($0, / d[0-9]+v[0-9]+ +(hypercall|vmcall|subcall) /) { next }
		{ d = substr($0, RSTART + 2); sub(/v.*/, "", d) }
		d == g && /\(grant_table_op\)/ { on = 1; s = h = 0 }
		on && d == raiser && /\(evtchn_op\)/ { s++ }
		on && d == g && /\(memory_op\)/ {
			unsent += ++h > s
			if (h == 8) { on = 0; rounds++; sent += s; handled += h }
		}
		END { print "traced=" rounds + 0, "sent=" sent + 0, "handled=" handled + 0, "unsent=" unsent + 0 }' trace)
	echo "$OUT"
	assert_eq "$ROUNDS $((8 * ROUNDS)) 0" "$(field traced) $(field handled) $(field unsent)" \
		"rounds in the trace, handlers, and handlers without an event before them"
}
ROUNDS=13
progress "ticks of the first device, while no operation is out"
xen-aperture stat "$GUEST" 1 >stat || fail "no counters of the timer"
injected=$(first injected)
trace_begin
selftest_ok "$GUEST" "ticks of the first device" tickmarks 1 $ROUNDS 20000
ticks=$((8 * ($(field rounds) + $(field spoilt))))
trace_end trace
order "$STUB"
[ "$(field sent)" -ge $((8 * ROUNDS)) ] && [ "$(field sent)" -le $((8 * ROUNDS + 4 * quiet_stub + 8)) ] ||
	fail "$(field sent) events by the stub domain for $((8 * ROUNDS)) ticks (quiet: $quiet_stub)"
note "$((8 * ROUNDS)) ticks: $(field sent) events by the stub domain, each before its handler"
metric ticks=$((8 * ROUNDS)) tick_events="$(field sent)"
sleep 1.2
xen-aperture stat "$GUEST" 1 >stat || fail "no counters of the timer"
assert_eq "$ticks" "$(($(first injected) - injected))" "events that the first device counted"

progress "ticks of the second device"
xen-aperture uninstall "$GUEST" 1 --wait=60 || fail "uninstall failed with status $?"
sleep 1.2
xen-aperture stat "$GUEST" 1 >stat || fail "no counters of the timer"
injected=$(second injected)
trace_begin
selftest_ok "$GUEST" "ticks of the second device" tickmarks 1 $ROUNDS 20000
ticks=$((8 * ($(field rounds) + $(field spoilt))))
trace_end trace
order 0
sleep 1.2
xen-aperture stat "$GUEST" 1 >stat || fail "no counters of the timer"
assert_eq "$ticks" "$(($(second injected) - injected))" "events that the second device counted"
by_events_only
