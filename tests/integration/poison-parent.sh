# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that poisons each word of the shared pages, on either lane: what docs/protocol.md says happens
# rows: B5
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_poison.sh
GUEST_TIMEOUT=300

# The short form: one lane for each type of guest
lane() { [ -n "$LONG" ] || [ "$1" = "$([ "$TYPE" = pv ] && echo fast || echo slow)" ]; }

module_load "$GUEST" request_timeout_ms=$((3000 * ${RIG_PATIENCE:-1})) operation_timeout_ms=$((3000 * ${RIG_PATIENCE:-1}))
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
if lane slow; then
	progress "the slow lane: pages"
	walk_parent slow pages
	progress "the slow lane: responses"
	walk_parent slow answers
	progress "the slow lane: memory of the parent's"
	walk_parent slow given
fi

progress "the next connection, of a program that keeps the contract"
serve_program
selftest_ok "$GUEST" "the next connection" sizes 0 8192 8192
if lane fast; then
	fast_nodes
	progress "the fast lane: pages"
	walk_parent fast pages
	progress "the fast lane: the state record, which the slow lane's device must load"
	walk_parent fast record
	progress "the fast lane: responses"
	walk_parent fast answers
fi
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" "pages in quarantine"
