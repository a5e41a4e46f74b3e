# SPDX-License-Identifier: GPL-2.0-only
# title: the device of docs/writing-a-device.md, built from the document, with and without a first device, and by plain loads and stores
# rows: N2 N3 N9
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
CHECK_STUB=/usr/local/lib/xen-aperture/stub/dice-stub	# for fast_install

roll() { # SIDES TIMES BY...: who is to answer, roll by roll
	r_sides=$1 r_times=$2
	shift 2
	OUT=$(guest_run "$GUEST" "roll $r_sides $r_times") || fail "roll $r_sides $r_times: $OUT"
	echo "$OUT"
	assert_eq "$r_times" "$(echo "$OUT" | grep -c ' status=0 ')" "rolls that went well"
	assert_eq "$*" "$(echo "$OUT" | sed -n 's/.* by=\([a-z]*\).*/\1/p' | tr '\n' ' ' | sed 's/ $//')" "who answered"
	assert_eq "$r_times" "$(echo "$OUT" | grep -c 'chance-by=second')" "chance is the second device's"
}

daemon_start
module_load "$GUEST"
progress "without a first device"
device_attach "$GUEST" type=dice,size=4K
roll 1 2 second second
assert_match 'interrupt=0' "$OUT" "the interrupt for the highest number"
grep -q 'a die is on the table' "$DAEMON_LOG" || fail "what the device logs is not in the log"

progress "with one: it goes on with the state"
fast_install
roll 1 2 first first
assert_match 'interrupt=0' "$OUT" "the interrupt for the highest number"
assert_eq 4 "$(field rolls)" "rolls since the device was attached"
device_detach_all "$GUEST"

progress "from the start, as the document does it: the first roll is declined"
OUT=$(sed "s/myguest/$GUEST/" /usr/local/share/document/attach | sh -eux 2>&1) || fail "the document's commands: $OUT"
echo "$OUT"
assert_match ' dice ' "$OUT" "what list says"
wait_until 20 lane_is fast || fail "the fast lane did not connect: $OUT"
roll 6 3 second first first
assert_eq 3 "$(field rolls)" "rolls"
OUT=$(guest_run "$GUEST" "roll 0 1")
assert_match 'sides-status=85 ' "$OUT" "a die without sides"
fast_uninstall
roll 6 1 second
assert_eq 5 "$(field rolls)" "rolls after the first device went"

[ "$TYPE" = pvh ] || exit 0
progress "for a guest without a driver"
device_detach_all "$GUEST"
peek() { guest_run "$GUEST" "busybox devmem $1 64"; }
xen-aperture attach "$GUEST" type=dice,mmio=0xff100000 --stub="$CHECK_STUB" --wait=60 || fail "attach: status $?"
at_exit "device_detach_all $GUEST"
assert_eq 0x0000000000000006 "$(peek 0xff100000)" "SIDES"
guest_run "$GUEST" 'busybox devmem 0xff100000 64 20'
assert_eq 0x0000000000000014 "$(peek 0xff100000)" "SIDES, as written"
[ "$(peek 0xff100018)" != "$(peek 0xff100018)" ] || fail "CHANCE is the same twice"
assert_eq 0xFFFFFFFFFFFFFFFF "$(peek 0xff100020)" "behind the registers"
