# SPDX-License-Identifier: GPL-2.0-only
# title: garbage in rings, pages and records, and a ring without an end: named errors, and the others are served
# rows: BAD N5
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
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
# What LANE's parent counts, as the guest sees it: requests or errors
counted() { # LANE NAME
	case $1 in fast) c_file=fast_parent_counters ;; slow) c_file=parent_counters ;; esac
	c_line=$(guest_run "$GUEST" "grep '^$2 ' /sys/bus/xen/devices/aperture-0/aperture/$c_file") || fail "no counters of the $1 lane"
	echo "${c_line#* }"
}
# How LANE's connection ended, as the guest says it
guest_says() { # LANE PATTERN
	case $1 in fast) gs_file=fast_last_error ;; slow) gs_file=last_error ;; esac
	guest_run "$GUEST" "grep -q '$2' /sys/bus/xen/devices/aperture-0/aperture/$gs_file"
}
# The next connections of both lanes
again() { # WHAT
	xen-aperture detach "$GUEST" 0 --wait=20 || fail "$1: the device does not go by itself"
	xen-aperture attach "$GUEST" type=check,size=1M,id=0,fast=yes --wait=60 || fail "$1: the device does not come again"
	wait_until 20 lane_is fast || fail "$1: the first device does not come again"
	operate "$1: afterwards" 500
	neighbour "$1"
}

progress "operations that are none"
for lane in 1 2; do
	[ $lane = 1 ] && name=fast || name=slow
	errors=$(counted $name errors)
	selftest_ok "$GUEST" "lane $lane" badops 0 $lane
	assert_eq 0 "$(field wrong)" "cases that went wrong on lane $lane"
	[ "$(field cases)" -ge 30 ] || fail "only $(field cases) cases on lane $lane"
	assert_eq "$(field cases)" "$(($(counted $name errors) - errors))" "errors that the parent of lane $lane counted"
done
operate "after wrong operations" 1000
neighbour "wrong operations"

progress "events without a reason"
selftest_ok "$GUEST" "events" event 0 1 5000
selftest_ok "$GUEST" "events" event 0 2 5000
operate "after events" 500
neighbour "events"

# Where the test ends in a storm, the module can go.
at_exit "selftest $GUEST calm || :"
storm_began() { [ "$(counted $lane requests)" -gt $((before + 64)) ]; }
for lane in fast slow; do
	number=1 register=0
	[ $lane = fast ] || number=2 register=0x200
	progress "the $lane ring's producer far ahead"
	selftest_ok "$GUEST" "producer" poke 0 ring-$lane 0 4 0x7fffffff
	selftest "$GUEST" event 0 $number || :
	wait_until 5 named $lane 'E_RING' || fail "nobody said E_RING on the $lane lane"
	neighbour "a producer far ahead on the $lane ring"
	again "a producer far ahead on the $lane ring"
	progress "garbage in the $lane ring"
	selftest_ok "$GUEST" "garbage" garbage 0 ring-$lane 5
	selftest "$GUEST" event 0 $number || :
	wait_until 5 named $lane 'E_RING' || fail "nobody said E_RING of garbage in the $lane ring"
	neighbour "garbage in the $lane ring"
	again "garbage in the $lane ring"
	progress "a $lane ring without an end"
	before=$(counted $lane requests)
	guest_start "$GUEST" "aperture-selftest storm 0 $number 120000" storm
	wait_until 20 storm_began || fail "the parent of the $lane lane counts no requests: $(cat storm)"
	neighbour "a $lane ring without an end"
	during=$(counted $lane requests)
	selftest_ok "$GUEST" "the end of the storm" calm
	guest_wait || fail "storm: $(cat storm)"
	OUT=$(cat storm)
	echo "$OUT"
	after=$(counted $lane requests)
	assert_eq 0 "$(field error)" "a $lane ring without an end"
	assert_eq "$(field answers)" "$((after - before))" "requests that the parent of the $lane lane counted"
	[ "$after" -gt "$during" ] || fail "the storm was over before the other device was asked"
	[ "$(field turns)" -ge 20 ] || fail "only $(field turns) turns of a $lane ring without an end"
	note "a $lane ring without an end: $(field answers) requests in $(field turns) turns"
	operate "after a $lane ring without an end" 500
	progress "garbage in the $lane event page"
	selftest_ok "$GUEST" "garbage" garbage 0 event-$lane 7
	selftest "$GUEST" event 0 $number || :
	# Its status word: the guest hears of it with the next answer, as if the parent had ended it.
	guest_run "$GUEST" "aperture-op 0 read $register 8" || :
	wait_until 5 guest_says $lane '^E_. parent: ' || fail "the guest does not say that its parent ended the $lane lane"
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
# Nobody can load it: operations on the state end with E_RECORD until RESET, those of independent registers do not.
for seed in 1 2; do
	errors=$(($(counted fast errors) + $(counted slow errors)))
	spoil record $seed
	selftest "$GUEST" event 0 2 || :
	for register in 0 8; do
		if OUT=$(guest_run "$GUEST" "aperture-op 0 exchange $register 8 1" 2>&1); then fail "garbage in the record page: $OUT"; fi
		assert_match ' status=87 ' "$OUT" "register $register after garbage in the record page (E_RECORD)"
	done
	[ $(($(counted fast errors) + $(counted slow errors) - errors)) -ge 2 ] || fail "nobody counted an error"
	OUT=$(guest_run "$GUEST" 'aperture-op 0 read 0x200 8' 2>&1) || fail "an independent register after garbage in the record page: $OUT"
	neighbour "garbage in the record page"
	operate "after garbage in the record page" 500
done
again "garbage in the record page"
