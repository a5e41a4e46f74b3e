# SPDX-License-Identifier: GPL-2.0-only
# title: apertured meets nodes that are wrong, missing or change while they are read
# rows: BAD M12
# guests: pv
# guests-long: pvh
# timeout: 60
. /rig/tests/_lib.sh

# No driver in the guest: the test writes the child's nodes.
DOMID=$(domid_of "$GUEST")
BACK=/local/domain/0/backend/aperture/$DOMID/0
FRONT=/local/domain/$DOMID/device/aperture/0
daemon_start
SUPERVISOR=$(daemon_pid)
at_exit "xen-aperture detach $DOMID all --force --wait=0 >/dev/null 2>&1"

back() { xenstore-read "$BACK/$1" 2>/dev/null; }
back_is() { [ "$(back "$1")" = "$2" ]; }
error_is() { back error | grep -Eq -- "$1"; }
state_becomes() { # STATE WHEN
	wait_until 15 back_is state "$1" || fail "$2: backend's state is $(back state), must become $1; error '$(back error)'"
}
# Good nodes, with references that the guest never granted
good() {
	xenstore-write "$FRONT/version" 1 "$FRONT/epoch" "$(back epoch)" "$FRONT/ring-page-order" 0 \
		"$FRONT/ring-ref0" 60000 "$FRONT/event-ref" 60001 "$FRONT/mask-ref" 60002 \
		"$FRONT/event-channel" 4000 "$FRONT/max-size" 4096
}
# As a driver that is loaded again: closes, starts again
again() {
	xenstore-write "$FRONT/state" 6
	state_becomes 6 "after the child closed"
	xenstore-rm "$FRONT/max-size"
	xenstore-write "$FRONT/state" 1
	state_becomes 2 "after the child started again"
	[ -z "$(back error)" ] || fail "the error is still there: $(back error)"
}
# refused PATTERN: state 3 with the nodes as they are
refused() {
	xenstore-write "$FRONT/state" 3
	wait_until 15 error_is "$1" || fail "error node is '$(back error)', must match '$1'"
	state_becomes 5 "after $1"
	again
}
wrong() { # NODE VALUE PATTERN
	progress "$1 = '$2'"
	good
	xenstore-write -- "$FRONT/$1" "$2"
	refused "$3"
}
missing() { # NODE
	progress "no $1"
	good
	xenstore-rm "$FRONT/$1"
	refused "^E_NODE: node $1 is missing"
}

xen-aperture attach "$GUEST" type=mem,size=1M --wait=0
state_becomes 2 "after attach"
assert_eq "1" "$(back versions)" "versions"
first=$(back epoch)

for node in version epoch ring-ref0 event-ref mask-ref event-channel; do missing $node; done
wrong version 2 '^E_VERSION: node version is "2"'
wrong version 1,2 '^E_NODE: node version is "1,2"'
wrong ring-page-order 5 '^E_NODE: node ring-page-order is "5"'
wrong ring-page-order 1 '^E_NODE: node ring-ref1 is missing'
wrong ring-ref0 x9 '^E_NODE: node ring-ref0 is "x9"'
wrong event-ref ' 9' '^E_NODE: node event-ref is " 9"'
wrong event-ref 09 '^E_NODE: node event-ref is "09"'
wrong event-ref -1 '^E_NODE: node event-ref is "-1"'
wrong mask-ref 4294967296 '^E_NODE: node mask-ref is "4294967296"'
wrong event-channel '' '^E_NODE: node event-channel is missing or empty'
wrong max-size 5000 '^E_NODE: node max-size is "5000"'
wrong feature-unaligned 2 '^E_NODE: node feature-unaligned is "2"'
xenstore-rm "$FRONT/feature-unaligned"

progress "references that were never granted"
good
refused '^E_GRANT: cannot map ring-ref'
[ "$(back epoch)" -gt $((first + 15)) ] || fail "the epoch is $(back epoch), was $first: it must be raised each time"

progress "an earlier connection's epoch is no error"
good
xenstore-write "$FRONT/epoch" "$first" "$FRONT/state" 3
sleep 1
assert_eq "2" "$(back state)" "state after an old epoch"
xenstore-write "$FRONT/state" 1

progress "nodes change while they are read"
good
end=$(($(cut -d. -f1 /proc/uptime) + 3))
while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
	xenstore-write "$FRONT/event-ref" x "$FRONT/state" 3 "$FRONT/event-ref" 60001 "$FRONT/version" 7 \
		"$FRONT/state" 1 "$FRONT/version" 1 "$FRONT/epoch" "$(back epoch)" "$FRONT/state" 3 "$FRONT/state" 6 \
		"$FRONT/state" 1
done
xenstore-write "$FRONT/state" 6
wait_until 15 back_is state 6 || xenstore-write "$FRONT/state" 1
xenstore-write "$FRONT/state" 1
state_becomes 2 "after the storm"
good
refused '^E_GRANT: cannot map ring-ref'
assert_eq "$SUPERVISOR" "$(daemon_pid)" "the supervisor's process"

progress "a policy that is wrong"
policy() { # NODE VALUE PATTERN
	xen-aperture detach "$GUEST" all --force --wait=1 >/dev/null 2>&1 || :
	xen-aperture attach "$GUEST" type=mem,size=1M,server=program --wait=0
	xenstore-write "$BACK/$1" "$2" "$BACK/server" apertured
	xenstore-write "$BACK/state" 1
	wait_until 15 error_is "$3" || fail "$1 = '$2': error node is '$(back error)', must match '$3'"
}
policy type ../../tmp/mem '^E_NODE: node type is "../../tmp/mem"'
policy max-size 4097 '^E_NODE: node max-size is "4097"'
policy max-apertures 65 '^E_NODE: node max-apertures is "65"'

progress "a type that nobody made"
xen-aperture detach "$GUEST" all --force --wait=1 >/dev/null 2>&1 || :
xen-aperture attach "$GUEST" type=nothing,size=1M --wait=0
state_becomes 2 "after attach"
good
refused '^E_DEVICE: .*/nothing.so: No such file'

progress "detach without a driver"
xenstore-write "$FRONT/state" 1
xen-aperture detach "$GUEST" 0 --wait=10
xenstore-exists "$BACK" && fail "detach left $BACK"
[ ! -e "/run/xen-aperture/$DOMID-0.stat" ] || fail "detach left the stat file"
assert_eq "$SUPERVISOR" "$(daemon_pid)" "the supervisor's process"
