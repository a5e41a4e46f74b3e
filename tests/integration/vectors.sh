# SPDX-License-Identifier: GPL-2.0-only
# title: interrupts of both devices go through one controller: at once, masked, in service; none is lost
# rows: N12 N14
# guests: pv pvh
# vcpus: 2
# vcpus-long: 1
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=120
daemon_start
module_load "$GUEST"
fast_attach "$GUEST" type=check,size=1M

progress "both devices raise at once"
selftest_ok "$GUEST" "both at once" both 0 1000
assert_eq 0 "$(field lost)" "interrupts lost"
for n in 0 1 2 3; do
	[ "$(field vector$n)" -ge 1000 ] || fail "vector $n came $(field vector$n) times in 1000 rounds"
done
progress "edges of each device"
selftest_ok "$GUEST" "edges of the first device" edges 0 1 500
assert_eq 500 "$(field callbacks)" "interrupts of 500 edges of the first device"
selftest_ok "$GUEST" "edges of the second device" edges 0 3 500
assert_eq 500 "$(field callbacks)" "interrupts of 500 edges of the second device"
progress "masked and in service"
selftest_ok "$GUEST" "held back" held 0
assert_eq 0 "$(field wrong)" "cases that went wrong"
