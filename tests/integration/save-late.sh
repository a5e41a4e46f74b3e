# SPDX-License-Identifier: GPL-2.0-only
# title: a restored guest that runs before its devices are attached finds them when they are: nothing is lost
# rows: M13 M14
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
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
progress "a system call that needs its memory"
patience() { guest_run "$GUEST" "echo $1 >/sys/module/xen_aperture/parameters/request_timeout_ms"; }
GUEST_TIMEOUT=5
wait_until 20 patience 1000 || fail "the guest does not answer"
guest_run "$GUEST" 'touch /tmp/stop.call'
wait_until 20 in_guest_says traffic call_errno || fail "the call waits"
OUT=$(guest_run "$GUEST" 'grep call_errno /tmp/traffic')
assert_eq 14 "$(field call_errno)" "error of a call with memory that is away (EFAULT is 14)"
patience 10000
GUEST_TIMEOUT=30
xen-aperture attach "$GUEST" type=check,size=16M --wait=20 || fail "attach failed with status $?"
traffic_end 2
assert_eq 1 "$(guest_run "$GUEST" 'dmesg | grep -c "restored without its nodes"')" "lines that say that it had no nodes"
