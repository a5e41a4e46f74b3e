# SPDX-License-Identifier: GPL-2.0-only
# title: the ends of a guest and of the driver domain that serves it, with apertures of each owner, direction and kind; a driver domain that comes back
# rows: M1 M14
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_driver.sh
. /rig/tests/_save.sh

NAME=victim
at_exit "! guest_alive $NAME || guest_destroy $NAME"
# gone DOMID: of the guest nothing is left, in Xen, in xenstore, in the driver domain
gone() {
	no_zombies && ! xenstore-exists "/local/domain/$DRIVER/backend/aperture/$1" &&
		[ "$(guest_run driver "ls /run/xen-aperture | grep -c '^$1-'")" = 0 ]
}
served() { # GUEST: apertures that stay mapped, some in the driver domain, some of its memory in the guest
	xen-aperture attach "$1" type=check,size=1M,apertures=32,backend=driver --wait=20 || fail "attach failed"
	mapped_both_ways "$1"
}

daemon_start
driver_domain_start "$TYPE"
DRIVER=$(domid_of driver)
module_load "$GUEST"

progress "a guest is destroyed while its pages are mapped there"
guest_create "$TYPE" 1 $NAME || broken "guest $NAME was not created"
guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko && insmod /lib/modules/extra/aperture_selftest.ko' ||
	fail "the modules did not load"
served $NAME
domid=$(domid_of $NAME)
xl destroy $NAME
wait_until 10 gone "$domid" || fail "10 s after the guest's end: $(xl list) $(
	xenstore-ls "/local/domain/$DRIVER/backend/aperture" 2>&1)"

progress "the driver domain is destroyed while it has pages of a guest"
at_exit "device_detach_all $GUEST"
served "$GUEST"
guest_run "$GUEST" 'rm -f /tmp/outlive.*'
in_guest outlive "aperture-outlive 0 /tmp/outlive"
outlive_says() { # WORD
	wait_until 10 in_guest_says outlive "^$1" || fail "the program that outlives it: $(guest_run "$GUEST" 'cat /tmp/outlive')"
}
outlive_says ready
guest_destroy driver
wait_until 10 closed || fail "10 s after the end of the driver domain the guest's end is $(
	xenstore-read "/local/domain/$(domid_of "$GUEST")/device/aperture/0/state")"
assert_match '^E_GONE parent' "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/last_error')" \
	"what the guest has of it"
assert_match 'left over, nobody serves it' "$(xen-aperture list "$GUEST")" "list"
wait_until 10 no_zombies || fail "the driver domain cannot end: $(xl list)"
guest_run "$GUEST" 'touch /tmp/outlive.gone'
outlive_says seen
every_end "$GUEST"

progress "another driver domain of that name, and all that is remembered"
assert_fails 5 xen-aperture attach --again "$GUEST"
assert_match 'backend=driver: there is no domain' "$OUT" "what is said"
driver_domain_start "$TYPE"
DRIVER=$(domid_of driver)
xen-aperture attach --again "$GUEST" || fail "attach --again failed"
wait_until 20 up "$DRIVER" || fail "not connected: $(xen-aperture list "$GUEST")"
guest_run "$GUEST" 'touch /tmp/outlive.again'
in_guest_wait outlive 20 "a program that had the device open"
selftest_ok "$GUEST" "an aperture through it" hold 0 1048576
selftest_ok "$GUEST" "data" roundtrip "$(field id)"
selftest_ok "$GUEST" "its end" drop all
xen-aperture detach "$GUEST" all || fail "detach failed"
uuid=$(xenstore-read "/local/domain/$(domid_of "$GUEST")/vm")
[ ! -e "/var/lib/xen-aperture/guests/${uuid#/vm/}" ] || fail "a guest without devices is remembered"
