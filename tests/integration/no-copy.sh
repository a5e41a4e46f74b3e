# SPDX-License-Identifier: GPL-2.0-only
# title: the hypervisor's trace shows no grant-table operation while data moves, whoever owns the memory; nothing grows with the payload
# rows: M10
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
DOMID=$(domid_of "$GUEST")
selftest_ok "$GUEST" "an aperture" hold 0 1048576
id=$(field id)
selftest_ok "$GUEST" "warm-up" roundtrip "$id"

requests() { guest_run "$GUEST" "sed -n 's/^requests //p' /sys/bus/xen/devices/aperture-0/aperture/counters"; }
nodes() { xenstore-ls -f "/local/domain/0/backend/aperture/$DOMID"; xenstore-ls -f "/local/domain/$DOMID/device/aperture"; }
NODES=$(nodes)
# traced COMMAND...: events and grant-table operations of all domains while it ran
traced() {
	requests=$(requests)
	trace_begin
	selftest_ok "$GUEST" "$*" "$@"
	trace_end trace
	requests=$(($(requests) - requests))
	assert_eq "$NODES" "$(nodes)" "xenstore nodes and values of the device after $*"
	events=$(trace_count trace evtchn_op)
	grant_ops=$(trace_count_grant_ops trace)
	trace_grant_ops trace
}
GUEST_TIMEOUT=60
progress "1 MiB there and back through the mapping"
traced roundtrip "$id"
[ "$events" -gt 0 ] || fail "the trace shows no event at all: it proves nothing"
assert_eq 0 "$grant_ops" "grant-table operations of all domains while data moved"
assert_eq 0 "$requests" "requests on the ring while data moved"
metric events="$events"

progress "memory of the parent's"
selftest_ok "$GUEST" "an aperture of the parent's memory" hold 0 1048576 4
theirs=$(field id)
selftest_ok "$GUEST" "warm-up" roundtrip "$theirs"
traced roundtrip "$theirs"
[ "$events" -gt 0 ] || fail "the trace shows no event at all: it proves nothing"
assert_eq 0 "$grant_ops" "grant-table operations of all domains while data moved in the parent's memory"
assert_eq 0 "$requests" "requests on the ring while data moved in the parent's memory"
selftest_ok "$GUEST" "its end" drop "$theirs"

MANY=$(short_long 1000 20000)
progress "frames, few and many: the aperture is made and ended, its payload costs nothing more"
selftest_ok "$GUEST" "warm-up" frames 0 50
traced frames 0 50
few_ops=$grant_ops few_requests=$requests few_events=$events
traced frames 0 "$MANY"
[ "$events" -gt "$few_events" ] ||
	fail "$events events with $MANY frames, $few_events with 50: the trace proves nothing"
# The aperture's own end may take one operation more or less; an operation for each frame would be $MANY more.
[ "$grant_ops" -lt $((few_ops + 10)) ] ||
	fail "$grant_ops grant-table operations of all domains with $MANY frames each way, $few_ops with 50"
assert_eq "$few_requests" "$requests" "requests on the ring with $MANY frames each way, and with 50"
metric frames_grant_ops="$grant_ops" frames_requests="$requests"

progress "the variant that copies: of a program, as no worker may ask Xen for it"
selftest_ok "$GUEST" "its end" drop all
device_detach_all "$GUEST"
device_attach "$GUEST" type=check,size=1M,server=program 0
serve_program
wait_until 20 connected "$GUEST" 0 || fail "not connected to the program: $(cat serve)"
NODES=$(nodes)
selftest_ok "$GUEST" "an aperture of the program's" hold 0 1048576
id=$(field id)
traced copy "$id" 16
[ "$grant_ops" -gt 0 ] || fail "the trace does not see the variant that copies"
metric grant_ops_of_the_copy="$grant_ops"
selftest_ok "$GUEST" "its end" drop all
