# SPDX-License-Identifier: GPL-2.0-only
# title: attach and detach write exactly what the contract says
# rows: BAD
# guests: pv
# guests-long: pvh

# Neither a daemon nor a driver in the guest: the tool alone, and the test plays the other side.
DOMID=$(domid_of "$GUEST")
PARENT=/local/domain/0/backend/aperture/$DOMID
CHILD=/local/domain/$DOMID/device/aperture

nodes() {
	xenstore-ls -fp /local/domain/0/backend 2>&1
	xenstore-ls -fp "/local/domain/$DOMID/device" 2>&1
}
before=$(nodes)
at_exit "xen-aperture detach $DOMID all --force --wait=0 >/dev/null 2>&1"

progress "attach writes both directories"
xen-aperture attach "$GUEST" type=mem,size=16M --wait=0
want="$PARENT/0 = \"\"   (n0,r$DOMID)
$PARENT/0/frontend = \"$CHILD/0\"   (n0,r$DOMID)
$PARENT/0/frontend-id = \"$DOMID\"   (n0,r$DOMID)
$PARENT/0/max-apertures = \"8\"   (n0,r$DOMID)
$PARENT/0/max-size = \"16777216\"   (n0,r$DOMID)
$PARENT/0/online = \"1\"   (n0,r$DOMID)
$PARENT/0/server = \"apertured\"   (n0,r$DOMID)
$PARENT/0/state = \"1\"   (n0,r$DOMID)
$PARENT/0/type = \"mem\"   (n0,r$DOMID)"
assert_eq "$want" "$(xenstore-ls -fp "$PARENT" | LC_ALL=C sort)" "nodes of the backend"
want="$CHILD = \"\"   (n0,r$DOMID)
$CHILD/0 = \"\"   (n$DOMID,r0)
$CHILD/0/backend = \"$PARENT/0\"   (n$DOMID,r0)
$CHILD/0/backend-id = \"0\"   (n$DOMID,r0)
$CHILD/0/state = \"1\"   (n$DOMID,r0)"
assert_eq "$want" "$(xenstore-ls -fp "/local/domain/$DOMID/device" | grep /aperture | LC_ALL=C sort)" "nodes of the guest"

progress "numbers"
assert_fails 1 xen-aperture attach "$GUEST" type=mem,size=4K,id=0 --wait=0
assert_match 'device 0 already' "$OUT" "what is said of a number that is taken"
xen-aperture attach "$DOMID" type=mem,size=4K,apertures=3,server=program --wait=0
assert_eq program "$(xenstore-read "$PARENT/1/server")" "server of the next free number"
assert_eq 3 "$(xenstore-read "$PARENT/1/max-apertures")" "apertures of the next free number"

progress "list"
out=$(xen-aperture list "$GUEST")
echo "$out"
assert_match "^$GUEST +$DOMID +0 +mem +- +16 MiB +8 +apertured +0 +- +waits for apertured" "$out" "list"
assert_match "^$GUEST +$DOMID +1 +mem +- +4 KiB +3 +program +0 +- +waits for its program" "$out" "list"
assert_match '"condition": *"waits for its program"' "$(xen-aperture list --json)" "list --json"

progress "detach one, then all"
xen-aperture detach "$GUEST" 0
xenstore-ls -f "$PARENT/0" 2>/dev/null && fail "detach left $PARENT/0"
assert_eq 1 "$(xenstore-read "$PARENT/1/state")" "state of the other device"
xen-aperture detach "$GUEST" all
assert_eq "$before" "$(nodes)" "xenstore after detach"
assert_eq "no aperture devices" "$(xen-aperture list)" "list of nothing"

progress "nobody serves the device"
assert_fails 4 xen-aperture attach "$GUEST" type=mem,size=4K --wait=1
assert_match 'nobody serves it after 1 s .*apertured' "$OUT" "the reason"
assert_eq "$before" "$(nodes)" "xenstore after an attach that nobody served"

# The test as the backend: takes the device up, and closes when asked.
backend() { # FIRST-STATE [ERROR]
	wait_until 10 xenstore-exists "$PARENT/0/state" || exit 1
	[ -z "${2:-}" ] || xenstore-write "$PARENT/0/error" "$2"
	xenstore-write "$PARENT/0/state" "$1"
	until [ "$(xenstore-read "$PARENT/0/online" 2>/dev/null)" != 1 ]; do sleep 0.1; done
	xenstore-exists "$PARENT/0" && xenstore-write "$PARENT/0/state" 6
}

progress "the guest has no driver"
backend 2 &
assert_fails 4 xen-aperture attach "$GUEST" type=mem,size=4K --wait=3
wait $! || fail "the test's backend failed"
assert_match 'no driver for it after 3 s .*modprobe' "$OUT" "the reason"
assert_eq "$before" "$(nodes)" "xenstore after an attach without a driver"

progress "the backend refuses"
backend 5 'E_DEVICE: no device of type mem' &
assert_fails 1 xen-aperture attach "$GUEST" type=mem,size=4K --wait=20
wait $! || fail "the test's backend failed"
assert_match 'gave up: E_DEVICE: no device of type mem' "$OUT" "the reason"
assert_eq "$before" "$(nodes)" "xenstore after a refusal"

progress "interrupted by a signal"
xen-aperture attach "$GUEST" type=mem,size=4K --wait=60 >out 2>&1 &
tool=$!
wait_until 10 xenstore-exists "$PARENT/0/state" || fail "attach wrote nothing"
kill -TERM $tool
status=0
wait $tool || status=$?
assert_eq 1 $status "status of an interrupted attach"
assert_match 'interrupted by a signal' "$(cat out)" "the reason"
assert_eq "$before" "$(nodes)" "xenstore after an interrupted attach"

progress "a device that does not close"
xen-aperture attach "$GUEST" type=mem,size=4K --wait=0
xenstore-write "$PARENT/0/state" 4
assert_fails 4 xen-aperture detach "$GUEST" 0 --wait=1
assert_match 'domain 0 has not let go after 1 s' "$OUT" "the reason"
assert_eq 5 "$(xenstore-read "$PARENT/0/state")" "state that was asked for"
assert_match 'closing' "$(xen-aperture list "$GUEST")" "list while it closes"
xen-aperture detach "$GUEST" 0 --wait=1 --force
assert_eq "$before" "$(nodes)" "xenstore after --force"

progress "a leftover of a guest that is gone"
xenstore-write /local/domain/0/backend/aperture/30000/5/state 1
assert_match '^- +30000 +5 .*left over, the guest is gone' "$(xen-aperture list)" "list"
xen-aperture detach 30000 5
assert_eq "$before" "$(nodes)" "xenstore after the leftover"
