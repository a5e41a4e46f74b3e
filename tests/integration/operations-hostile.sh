# SPDX-License-Identifier: GPL-2.0-only
# title: garbage in rings, pages and records, and a ring without an end: named errors, and the others are served
# rows: BAD N5
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=60
daemon_start
module_load "$GUEST" operation_timeout_ms=3000
fast_attach "$GUEST" type=check,size=1M
xen-aperture attach "$GUEST" type=timer,size=4K,fast=yes --wait=60 || fail "the timer was not attached"
STUB=$(stub_of "$GUEST")
restarts=$(xenstore-read "/local/domain/$STUB/aperture/restarts")

# The neighbour in the same stub domain and the same worker
neighbour() { # WHAT
	start=$(cut -d. -f1 /proc/uptime)
	OUT=$(guest_run "$GUEST" 'aperture-op 1 read 0 8' 2>&1) || fail "$1: the other device: $OUT"
	[ $(($(cut -d. -f1 /proc/uptime) - start)) -le 2 ] || fail "$1: the other device took longer than 2 s"
	assert_match '^lane=fast status=0 ' "$OUT" "$1: the other device"
	OUT=$(guest_run "$GUEST" 'aperture-op 1 read 0x40 8' 2>&1) || fail "$1: the other device's process: $OUT"
	assert_eq "$restarts" "$(xenstore-read "/local/domain/$STUB/aperture/restarts")" "restarts of the stub domain ($1)"
}
# named LANE NAME: the parent gave the device's connection up with that error
named() {
	case $1 in
	fast) named_text=$(xenstore-read "/local/domain/$STUB/backend/aperture-fast/$(domid_of "$GUEST")/0/error" 2>/dev/null) ;;
	slow) named_text=$(xenstore-read "/local/domain/0/backend/aperture/$(domid_of "$GUEST")/0/error" 2>/dev/null) ;;
	esac
	case $named_text in "$2:"*) ;; *) return 1 ;; esac
}
# The next connections of both lanes
again() { # WHAT
	xen-aperture detach "$GUEST" 0 --wait=10 >/dev/null 2>&1 || xen-aperture detach "$GUEST" 0 --force || :
	xen-aperture attach "$GUEST" type=check,size=1M,id=0,fast=yes --wait=60 || fail "$1: the device does not come again"
	wait_until 20 lane_is fast || fail "$1: the first device does not come again"
	operate "$1: afterwards" 500
	neighbour "$1"
}

progress "operations that are none"
for lane in 1 2; do
	selftest_ok "$GUEST" "lane $lane" badops 0 $lane
	assert_eq 0 "$(field wrong)" "cases that went wrong on lane $lane"
done
operate "after wrong operations" 1000
neighbour "wrong operations"

progress "events without a reason"
selftest_ok "$GUEST" "events" event 0 1 5000
selftest_ok "$GUEST" "events" event 0 2 5000
operate "after events" 500
neighbour "events"

for lane in fast slow; do
	number=1
	[ $lane = fast ] || number=2
	progress "the $lane ring's producer far ahead"
	selftest_ok "$GUEST" "producer" poke 0 ring-$lane 0 4 0x7fffffff
	selftest "$GUEST" event 0 $number || :
	wait_until 5 named $lane 'E_RING' || fail "nobody said E_RING on the $lane lane"
	neighbour "a producer far ahead on the $lane ring"
	again "a producer far ahead on the $lane ring"
	progress "garbage in the $lane ring"
	selftest_ok "$GUEST" "garbage" garbage 0 ring-$lane 5
	selftest "$GUEST" event 0 $number || :
	sleep 0.5
	neighbour "garbage in the $lane ring"
	again "garbage in the $lane ring"
	progress "a $lane ring without an end"
	guest_start "$GUEST" "aperture-selftest endless 0 $number 2500" endless
	sleep 1
	neighbour "a $lane ring without an end"
	guest_wait || fail "endless: $(cat endless)"
	again "a $lane ring without an end"
	progress "garbage in the $lane event page"
	selftest_ok "$GUEST" "garbage" garbage 0 event-$lane 7
	selftest "$GUEST" event 0 $number || :
	sleep 0.5
	neighbour "garbage in the $lane event page"
	again "garbage in the $lane event page"
done
spoil() { # PAGE SEED
	progress "garbage in the $1 page"
	selftest_ok "$GUEST" "garbage" garbage 0 "$1" "$2"
	selftest "$GUEST" event 0 1 || :
}
# Its status words say that the guest gave up: both parents end their connections.
for seed in 1 2; do
	spoil mask $seed
	wait_until 5 named fast E_GONE || fail "the first device does not say E_GONE"
	wait_until 5 named slow E_GONE || fail "the second device does not say E_GONE"
	neighbour "garbage in the mask page"
	again "garbage in the mask page"
done
for seed in 1 2; do
	spoil record $seed
	selftest "$GUEST" event 0 2 || :
	guest_run "$GUEST" 'aperture-op 0 exchange 0 8 1; aperture-op 0 exchange 8 8 1' || :
	neighbour "garbage in the record page"
done
again "garbage in the record page"
