# SPDX-License-Identifier: GPL-2.0-only
# title: the hypervisor's trace shows no grant-table operation while data moves; a variant that copies is seen
# rows: M10
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh
# The variant opens /dev/xen/gntdev for itself, which a worker of another user may not.
echo 'user = root' >apertured.conf
daemon_start --config "$PWD/apertured.conf"
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
selftest_ok "$GUEST" "an aperture" hold 0 1048576
id=$(field id)
selftest_ok "$GUEST" "warm-up" roundtrip "$id"

# traced COMMAND...: events and grant-table operations of all domains while it ran
traced() {
	trace_begin
	selftest_ok "$GUEST" "$*" "$@"
	trace_end trace
	events=$(trace_count trace evtchn_op)
	grant_ops=$(trace_count_grant_ops trace)
	trace_grant_ops trace
}
GUEST_TIMEOUT=60
progress "1 MiB there and back through the mapping"
traced roundtrip "$id"
[ "$events" -gt 0 ] || fail "the trace shows no event at all: it proves nothing"
assert_eq 0 "$grant_ops" "grant-table operations of all domains while data moved"
metric events="$events"

progress "the variant that copies"
traced copy "$id" 16
[ "$grant_ops" -gt 0 ] || fail "the trace does not see the variant that copies"
metric grant_ops_of_the_copy="$grant_ops"
selftest_ok "$GUEST" "its end" drop all
