# SPDX-License-Identifier: GPL-2.0-only
# title: a restored guest that runs before its devices are attached finds them when they are: nothing is lost
# rows: M13 M14
# guests: pvh
# guests-long: pv
# timeout: 150
. /rig/tests/_lib.sh
. /rig/tests/_save.sh

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M
traffic_start 0

progress "restored without its device"
save
find / -xdev -path "*/xen-aperture/guests/*" -type f -exec rm {} +
restore
DOMID=$(domid_of "$GUEST")
noticed() { grep -q 'talk_to_otherend) failed' "/var/log/xen/console/guest-$GUEST.log"; }
wait_until 20 noticed || fail "the guest does not miss its nodes"
xenstore-exists "/local/domain/$DOMID/device/aperture" && fail "somebody attached the device"
xen-aperture attach "$GUEST" type=check,size=16M --wait=20 || fail "attach failed with status $?"
traffic_end 2
assert_eq 1 "$(guest_run "$GUEST" 'dmesg | grep -c "restored without its nodes"')" "lines that say that it had no nodes"
