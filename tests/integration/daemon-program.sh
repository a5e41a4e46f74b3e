# SPDX-License-Identifier: GPL-2.0-only
# title: a plain program serves a device through libxenaperture
# rows: M10 M12 M14 N3
# guests: pv
# guests-long: pvh
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_operations.sh

DOMID=$(domid_of "$GUEST")
BACK=/local/domain/0/backend/aperture/$DOMID
export LD_LIBRARY_PATH=/usr/local/lib
back_is() { [ "$(xenstore-read "$BACK/$1/state" 2>/dev/null)" = "$2" ]; }
said() { grep -q "^$1" served; }
serve() { # in the background
	aperture-serve "$DOMID" 0 >served 2>&1 &
	PROGRAM=$!
	at_exit "kill -9 $PROGRAM 2>/dev/null"
	wait_until 20 said "connected 1" || fail "the guest did not connect: $(cat served)"
}

daemon_start
module_load "$GUEST"
assert_fails 1 aperture-serve "$DOMID" 0
assert_match 'not attached' "$OUT" "what is said of a device that is not there"
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0
at_exit "xen-aperture detach $GUEST all --force --wait=5 >/dev/null 2>&1"
xen-aperture attach "$GUEST" type=check,size=1M --wait=20
assert_fails 1 aperture-serve "$DOMID" 1
assert_match 'server=apertured' "$OUT" "what is said of apertured's device"
assert_eq 1 "$(xenstore-read "$BACK/0/state")" "apertured leaves the program's device alone"

progress "served"
serve
assert_fails 1 aperture-serve "$DOMID" 0
assert_match 'another program serves it' "$OUT" "what the second program is told"
selftest_ok "$GUEST" "an aperture that stays" hold 0 65536
ID=$(field id)
selftest_ok "$GUEST" "ping" ping "$ID"
assert_eq "$PROGRAM" "$(field pid)" "the process that answered"
selftest_ok "$GUEST" "frames" frames 0 20000
assert_eq 0 "$(field lost_wakeups)" "lost wake-ups"
selftest_ok "$GUEST" "apertured beside it" sizes 1 65536 4096
OUT=$(xen-aperture stat "$GUEST" 0)
assert_match "served by program \(process $PROGRAM\)|process $PROGRAM" "$OUT" "xen-aperture stat"

progress "operations, the same as by a plugin"
operate "random operations on a program's device" 3000
xen-aperture stat "$GUEST" 0 >stat
[ "$(second executed)" -ge 2000 ] || fail "the program counts $(second executed) operations of 3000"
assert_fails 5 xen-aperture install "$GUEST" 0
assert_match 'served by a program: a first device goes with server=apertured only' "$OUT" "what is said"

progress "killed, and started again, under operations"
operations_load
sleep 1
kill -9 $PROGRAM
wait $PROGRAM || :
serve
operations_load_end
selftest_ok "$GUEST" "the aperture after a kill" ping "$ID"
assert_eq "$PROGRAM" "$(field pid)" "the process that answered"

progress "asked to end, and started again"
kill -TERM $PROGRAM
wait $PROGRAM || fail "it ended with status $?"
back_is 0 2 || fail "the backend's state is $(xenstore-read "$BACK/0/state"), must be 2: the next one may come"
serve
selftest_ok "$GUEST" "the aperture after an orderly end" ping "$ID"
selftest_ok "$GUEST" "drop" drop "$ID"

progress "detach"
xen-aperture detach "$GUEST" 0 --wait=20
wait $PROGRAM || fail "it ended with status $?"
assert_match 'detached, or the guest is gone' "$(cat served)" "what the program says at the end"
[ ! -e "/run/xen-aperture/$DOMID-0.stat" ] || fail "it left its stat file"
selftest_ok "$GUEST" "apertured beside it, still" sizes 1 65536 4096
