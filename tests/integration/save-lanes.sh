# SPDX-License-Identifier: GPL-2.0-only
# title: a guest with a first device is saved and restored: both lanes come back, ticks and operations go on
# rows: M13 M14 N16
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 150
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_save.sh

daemon_start
module_load "$GUEST"
fast_attach "$GUEST" type=timer,size=4K
in_guest ticks "aperture-timer 0 ticks 2400 20000 4"

progress "xl save"
sleep 1
in_guest_ended ticks && fail "the ticks ended before the save: $(guest_run "$GUEST" "cat /tmp/ticks")"
save
progress "xl restore"
restore
connected_again 0
in_guest_wait ticks 60 "ticks"
for t in lost early twice back off_grid; do assert_eq 0 "$(field $t)" "ticks: $t"; done
wait_until 30 lane_is fast || fail "the first device does not answer: $(xen-aperture list "$GUEST")"
