# SPDX-License-Identifier: GPL-2.0-only
# title: version skew, either way, is named at both ends; the highest common version is chosen
# rows: M12
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh

DOMID=$(domid_of "$GUEST")
PARENT=/local/domain/0/backend/aperture/$DOMID/0
CHILD=/local/domain/$DOMID/device/aperture/0
child() { xenstore-read "$CHILD/$1" 2>/dev/null || :; }
parent() { xenstore-read "$PARENT/$1" 2>/dev/null || :; }
child_is() { [ "$(child state)" = "$1" ]; }
parent_is() { [ "$(parent state)" = "$1" ]; }

# The test plays the parent: a device of a program, with these versions
offer() { # VERSIONS
	xen-aperture detach "$DOMID" all --force --wait=0 >/dev/null 2>&1 || :
	xen-aperture attach "$GUEST" type=check,size=1M,server=program,id=0 --wait=0
	xenstore-write "$PARENT/versions" "$1" "$PARENT/epoch" 1 "$PARENT/max-ring-page-order" 0
	xenstore-write "$PARENT/state" 2
}
at_exit "xen-aperture detach $DOMID all --force --wait=0 >/dev/null 2>&1"
module_load "$GUEST"

for versions in 1 1,2 1,2,65535; do
	progress "a parent that speaks $versions"
	offer "$versions"
	wait_until 10 child_is 3 || fail "the guest did not answer a parent that speaks $versions; state $(child state), $(child error)"
	assert_eq 1 "$(child version)" "version chosen from $versions"
done
for versions in 2 2,3 65535; do
	progress "a parent that speaks $versions only"
	offer "$versions"
	wait_until 10 child_is 6 || fail "the guest did not close; state $(child state)"
	assert_match '^E_VERSION: ' "$(child error)" "the guest's error for versions $versions"
	assert_match '^E_VERSION' "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/last_error')" \
		"the error the guest's administrator sees"
done
for versions in '' 0 1,1 2,1 1, 01 one 1,2,3,4,5,6,7,8,9 65536; do
	progress "a parent whose list is '$versions'"
	offer "$versions"
	wait_until 10 child_is 6 || fail "the guest did not close at versions '$versions'; state $(child state)"
	assert_match '^E_(NODE|VERSION): ' "$(child error)" "the guest's error for versions '$versions'"
done
xen-aperture detach "$DOMID" all --force --wait=0
module_unload "$GUEST"

# The test plays the child
progress "a child that chooses what was not offered"
daemon_start
xen-aperture attach "$GUEST" type=check,size=1M,id=0 --wait=0
wait_until 10 parent_is 2 || fail "apertured did not offer; state $(parent state)"
xenstore-write "$CHILD/version" 2 "$CHILD/epoch" "$(parent epoch)" "$CHILD/ring-ref0" 8 "$CHILD/event-ref" 9 \
	"$CHILD/mask-ref" 10 "$CHILD/event-channel" 5
xenstore-write "$CHILD/state" 3
wait_until 10 parent_is 5 || fail "apertured did not close; state $(parent state)"
assert_match '^E_VERSION: ' "$(parent error)" "the parent's error"
xenstore-write "$CHILD/state" 6
wait_until 10 parent_is 6 || fail "apertured did not finish; state $(parent state)"
xen-aperture detach "$GUEST" all --force

progress "the next connection works"
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M,id=0
selftest_ok "$GUEST" "a page" sizes 0 4096 4096
