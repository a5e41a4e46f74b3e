# SPDX-License-Identifier: GPL-2.0-only
# title: frontend nodes that are missing, no numbers, out of range or change while read are named errors
# rows: BAD M12
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh

DOMID=$(domid_of "$GUEST")
PARENT=/local/domain/0/backend/aperture/$DOMID/0
CHILD=/local/domain/$DOMID/device/aperture/0
parent() { xenstore-read "$PARENT/$1" 2>/dev/null || :; }
parent_is() { [ "$(parent state)" = "$1" ]; }
at_exit "xen-aperture detach $DOMID all --force --wait=0 >/dev/null 2>&1"
daemon_start

# The test plays the child. Good nodes, but for one; grant references and port are nobody's.
fresh() {
	xen-aperture detach "$GUEST" all --force --wait=0 >/dev/null 2>&1 || :
	xen-aperture attach "$GUEST" type=check,size=1M,id=0 --wait=0
	wait_until 10 parent_is 2 || fail "apertured did not offer; state $(parent state)"
	xenstore-write "$CHILD/version" 1 "$CHILD/epoch" "$(parent epoch)" "$CHILD/ring-ref0" 8 \
		"$CHILD/event-ref" 9 "$CHILD/mask-ref" 10 "$CHILD/event-channel" 5
}
refused() { # NAME-OF-ERROR WHAT
	xenstore-write "$CHILD/state" 3
	wait_until 10 parent_is 5 || fail "$2: apertured did not close; state $(parent state)"
	assert_match "^$1: .*" "$(parent error)" "$2"
	assert_match "${3:-}" "$(parent error)" "$2: what is said"
}
for node in version epoch ring-ref0 event-ref mask-ref event-channel; do
	progress "$node missing, no number, out of range"
	fresh
	xenstore-rm "$CHILD/$node"
	refused E_NODE "$node missing" "$node"
	for bad in '' abc -1 '+1' ' 1' 1x 01 0x1 4294967296 18446744073709551616 99999999999999999999999; do
		fresh
		xenstore-write "$CHILD/$node" "$bad"
		refused E_NODE "$node = '$bad'" "$node"
	done
done
progress "values of the optional nodes"
for pair in ring-page-order=5 ring-page-order=x max-size=0 max-size=1 max-size=4097 max-size=18446744073709551615 \
	feature-unaligned=2; do
	fresh
	xenstore-write "$CHILD/${pair%%=*}" "${pair#*=}"
	refused E_NODE "$pair" "${pair%%=*}"
done
progress "references and a port that are nobody's"
fresh
refused 'E_[A-Z]*' "grants that were never made"

progress "an epoch of another connection is ignored"
fresh
xenstore-write "$CHILD/epoch" 12345 "$CHILD/state" 3
sleep 1
assert_eq 2 "$(parent state)" "state after another connection's nodes"

progress "nodes that change while they are read"
fresh
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	xenstore-write "$CHILD/ring-ref0" 8 "$CHILD/state" 3 "$CHILD/ring-ref0" x "$CHILD/state" 1 \
		"$CHILD/version" "$n" "$CHILD/state" 3 "$CHILD/event-ref" "$n$n" "$CHILD/state" 3
	wait_until 10 parent_is 5 || fail "round $n: apertured did not close; state $(parent state)"
	fresh
done
[ "$(daemon_pid)" ] || fail "apertured is gone"

progress "the next connection works"
xen-aperture detach "$GUEST" all --force --wait=0
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M,id=0
selftest_ok "$GUEST" "a page" sizes 0 4096 4096
