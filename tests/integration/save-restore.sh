# SPDX-License-Identifier: GPL-2.0-only
# title: xl save and restore under traffic: memory of either side, operations and ticks go on
# rows: M13 M14 N16
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_save.sh

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M
device_attach "$GUEST" type=timer,size=4K
traffic_start 0
selftest_ok "$GUEST" "a writer in the kernel" writer start 0 300
in_guest ticks "aperture-timer 1 ticks 2400 20000 2"

progress "xl save"
sleep 1
in_guest_ended ticks && fail "the ticks ended before the save"
save
progress "xl restore"
restore
connected_again 0 1
progress "restored, domain $(domid_of "$GUEST")"
in_guest_wait ticks 60 "ticks"
assert_eq 0 "$(field lost)" "ticks lost"
traffic_end 2
selftest_ok "$GUEST" "the writer in the kernel" writer stop
assert_eq 0 "$(field lost)" "words of the kernel that were lost"
[ "$(field rounds)" -gt 100 ] || fail "the writer in the kernel did $(field rounds) rounds"
xl list | grep null && fail "a domain that was saved is still held" || :
