# SPDX-License-Identifier: GPL-2.0-only
# title: the guest's module loads, refuses bad parameters and a second load, and unloads
# rows: M12
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh

ko=/lib/modules/extra/xen-aperture.ko
refused() { # PARAMETER MESSAGE
	guest_run "$GUEST" "dmesg -c >/dev/null; insmod $ko $1" >/dev/null 2>&1 && fail "loaded with $1"
	assert_match "$2" "$(guest_run "$GUEST" 'dmesg | grep xen-aperture')" "message for $1"
}

progress "bad parameters"
refused max_size=0 'max_size is 0, must be a multiple of 4096'
refused max_size=4097 'max_size is 4097, must be a multiple of 4096'
refused ring_page_order=5 'ring_page_order is 5, must be 0\.\.4'

progress "loading twice"
guest_run "$GUEST" "insmod $ko" || fail "module did not load"
at_exit "module_unload $GUEST"
out=$(guest_run "$GUEST" "insmod $ko 2>&1") && fail "module loaded a second time"
assert_match 'File exists|exists' "$out" "message of the second load"

progress "loading and unloading, no device"
for i in $(seq "$(short_long 2 5)"); do
	guest_run "$GUEST" "rmmod xen_aperture && insmod $ko" || fail "round $i"
done

progress "loading and unloading while connected"
daemon_start
device_attach "$GUEST" type=check,size=16M
rounds=$(short_long 5 10)
for i in $(seq "$rounds"); do
	guest_run "$GUEST" "rmmod xen_aperture" || fail "unload $i while connected"
	guest_run "$GUEST" "insmod $ko request_timeout_ms=20000 ring_page_order=$((i % 5))" || fail "load $i"
	wait_until 20 connected "$GUEST" 0 || fail "device was not connected again after load $i"
	progress "round $i of $rounds"
done
guest_run "$GUEST" "insmod /lib/modules/extra/aperture_selftest.ko" || fail "self-test did not load"
guest_run "$GUEST" "rmmod xen_aperture 2>&1" && fail "unloaded while the self-test uses it"
selftest_ok "$GUEST" "a page after all that" directory 0 1
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" \
	"pages in quarantine"
