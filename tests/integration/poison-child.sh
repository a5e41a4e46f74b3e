# SPDX-License-Identifier: GPL-2.0-only
# title: a guest that poisons each word of the shared pages: what docs/protocol.md says happens, and nobody hangs
# rows: B5
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_poison.sh
GUEST_TIMEOUT=300

# The short form: one lane for each type of guest
lane() { [ -n "$LONG" ] || [ "$1" = "$([ "$TYPE" = pv ] && echo slow || echo fast)" ]; }
node_says() { xenstore-read "/local/domain/0/backend/aperture/$(domid_of "$GUEST")/0/error" 2>/dev/null | grep -q "$1"; }

# Its own: where other tests were, free grant references are not side by side, and those next to a page's are nobody's.
NAME=$GUEST-poison
at_exit "! guest_alive $NAME || guest_destroy $NAME"
guest_create "$TYPE" "$VCPUS" "$NAME" || broken "guest $NAME was not created"
GUEST=$NAME
daemon_start
module_load "$GUEST" request_timeout_ms=$((1000 * ${RIG_PATIENCE:-1})) operation_timeout_ms=$((3000 * ${RIG_PATIENCE:-1}))
device_attach "$GUEST" type=check,size=1M
if lane slow; then
	progress "the slow lane"
	walk_child slow
fi
if lane fast; then
	fast_install
	progress "the fast lane"
	walk_child fast
	progress "a slow lane's parent that poisons the state record, which the stub domain must load"
	daemon_stop
	walk_parent slow record
	daemon_start
	wait_until 20 lane_is fast || fail "no connection with the daemon again"
fi
progress "what the administrator sees of one that stays so"
# A word that nobody writes again
selftest "$GUEST" strike 0 2 mask.status plus || :
wait_until 5 node_says '^E_MALFORMED: the guest ended' || fail "the daemon's error node does not say E_MALFORMED"
assert_match 'last error: E_MALFORMED: the guest ended' "$(xen-aperture stat "$GUEST" 0 | grep error:)" "the daemon's statistics"
grep -q 'E_MALFORMED: the guest ended' "$DAEMON_LOG" || fail "the daemon's log does not say E_MALFORMED"
