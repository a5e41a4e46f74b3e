# SPDX-License-Identifier: GPL-2.0-only
# title: the same test with the parent in dom0 and in an unprivileged driver domain
# rows: M1 M4 M7
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_driver.sh

FRAMES=$(short_long 20000 1000000)

# parent_stat: the parent's own counters of device 0, where it is
parent_stat() {
	case $PARENT in
	0) xen-aperture stat "$DOMID" 0 --json ;;
	*) guest_run "$PARENT" "/usr/local/sbin/xen-aperture stat $DOMID 0 --json" ;;
	esac
}
parent_number() { # NAME: the first of that name
	parent_stat | tr -d ' "{}[]\n' | tr ',' '\n' | sed -n "s/.*\b$1:\([0-9]*\)$/\1/p" | head -n 1
}
kill_worker() { # PID
	case $PARENT in
	0) kill -9 "$1" ;;
	*) guest_run "$PARENT" "kill -9 $1" ;;
	esac
}
# expect WANTED LEAST STATUS GRANTED
expect() {
	OUT=$(selftest "$GUEST" sizes 0 "$1" "$2" 2>&1) || :
	assert_eq "$3" "$(field status)" "parent $PARENT: status of wanted=$1 least=$2 ($OUT)"
	assert_eq "$4" "$(field granted)" "parent $PARENT: granted of wanted=$1 least=$2"
}

core() {
	PARENT=$1
	progress "parent $PARENT: sizes"
	device_attach "$GUEST" "type=check,size=1M,backend=$PARENT"
	expect 524288 0 OK 524288
	expect 4194304 0 OK 1048576
	expect 4194304 1048577 E_SIZE_LEAST 0
	expect 0 0 E_SIZE_ZERO 0
	expect 18446744073709547520 0 E_SIZE_MAX 0
	assert_eq 1 "$(parent_number E_SIZE_LEAST)" "parent $PARENT: refusals that it counted"

	progress "parent $PARENT: data"
	selftest_ok "$GUEST" "an aperture" hold 0 1048576
	held=$(field id)
	selftest_ok "$GUEST" "all of it" roundtrip "$held"
	assert_eq 1048576 "$(parent_number granted)" "parent $PARENT: granted, as it recorded it"
	selftest_ok "$GUEST" "frames" frames 0 "$FRAMES"
	for what in sent got parent_sent parent_got; do
		assert_eq "$FRAMES" "$(field $what)" "parent $PARENT: frames $what"
	done
	for what in bad parent_bad lost_wakeups; do assert_eq 0 "$(field $what)" "parent $PARENT: $what"; done

	progress "parent $PARENT: its worker is killed"
	selftest_ok "$GUEST" "who serves" roundtrip "$held"
	before=$(field pid)
	kill_worker "$before"
	wait_until 20 serves_again || fail "parent $PARENT: process $before was killed; then: $OUT"
	selftest_ok "$GUEST" "its end" drop "$held"

	progress "parent $PARENT: leaves nothing behind"
	device_detach_all "$GUEST"
	assert_eq "" "$(xenstore-ls "/local/domain/$PARENT_ID/backend/aperture" 2>/dev/null)" "nodes"
}
serves_again() { # the aperture that stayed, by another process
	OUT=$(selftest "$GUEST" roundtrip "$held" 2>&1) && [ "$(field pid)" != "$before" ]
}

daemon_start
DOMID=$(domid_of "$GUEST")
module_load "$GUEST"
PARENT_ID=0
core 0
progress "the driver domain"
driver_domain_start "$TYPE"
PARENT_ID=$(domid_of driver)
core driver

progress "what cannot serve is refused by name"
nodes() { xenstore-ls -fp "/local/domain/$DOMID/device" 2>&1; }
before=$(nodes)
assert_fails 5 xen-aperture attach "$GUEST" type=mem,size=4K,backend=nobody-here
assert_match 'backend=nobody-here: there is no domain' "$OUT" "what is said"
assert_fails 5 xen-aperture attach "$GUEST" "type=mem,size=4K,backend=$GUEST"
assert_match 'cannot serve a device to itself' "$OUT" "what is said"
guest_run driver 'touch /run/stopped; kill $(pidof apertured)'
wait_until 10 sh -c "! xenstore-exists /local/domain/$PARENT_ID/data/aperture-backend" ||
	fail "apertured ended, and its sign is still there"
assert_fails 5 xen-aperture attach "$GUEST" type=mem,size=4K,backend=driver
assert_match "no apertured runs in domain $PARENT_ID" "$OUT" "what is said"
assert_eq "$before" "$(nodes)" "the guest's nodes after refusals"
metric frames="$FRAMES"
