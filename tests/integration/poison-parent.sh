# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that poisons each word of the shared pages, on either lane: what docs/protocol.md says happens
# rows: B5
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_poison.sh
GUEST_TIMEOUT=300

module_load "$GUEST" request_timeout_ms=3000 operation_timeout_ms=3000
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
progress "the slow lane"
walk_parent slow

progress "the next connection, of a program that keeps the contract"
serve
selftest_ok "$GUEST" "the next connection" sizes 0 8192 8192
progress "the fast lane"
fast_nodes
walk_parent fast
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" "pages in quarantine"
