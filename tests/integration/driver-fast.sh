# SPDX-License-Identifier: GPL-2.0-only
# title: a first device whose second one is in a driver domain: ticks, hand-over, each one's end
# rows: M1 N2
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_driver.sh

ticks() { # COUNT WHAT
	OUT=$(guest_run "$GUEST" "aperture-timer 0 ticks $1 20000 2" 2>&1) || fail "$2: $OUT"
	assert_eq 0 "$(field lost)" "$2: ticks lost"
}
executed() { # of the first device, as the guest's record says
	guest_run driver "/usr/local/sbin/xen-aperture stat $(domid_of "$GUEST") 0" |
		awk '$1 == "executed" { print $2 }'
}
both() { xen-aperture list "$GUEST" | grep -Eq " $(domid_of driver) +$(xl domid "$GUEST-aperture") +connected$"; }

daemon_start
driver_domain_start "$TYPE"
module_load "$GUEST"
progress "attached with both halves"
device_attach "$GUEST" type=timer,fast=yes,backend=driver
both || fail "list: $(xen-aperture list "$GUEST")"
ticks 40 "both halves"
fast_did() { [ "$(executed)" -gt 40 ]; } # its counters reach the record some time later
wait_until 10 fast_did || fail "the first device executed $(executed) operations of 40 ticks"

progress "the state goes there and back"
OUT=$(guest_run "$GUEST" 'aperture-timer 0 handover 20' 2>&1) || fail "hand-over: $OUT"

progress "the first device goes, and another comes"
xl destroy "$GUEST-aperture"
ticks 20 "without the first device"
wait_until 20 xen-aperture install "$GUEST" 0 || fail "no other first device"
both || fail "list: $(xen-aperture list "$GUEST")"
ticks 20 "with another one"

progress "the driver domain's daemon is killed"
connections() { guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/connections'; }
before=$(connections)
guest_run driver 'kill -9 $(pidof apertured)'
connected_anew() { [ "$(connections)" -gt "$before" ]; }
wait_until 30 connected_anew || fail "nobody serves again: $(xen-aperture list "$GUEST")"
wait_until 30 both || fail "list: $(xen-aperture list "$GUEST")"
ticks 20 "after that"
