# SPDX-License-Identifier: GPL-2.0-only
# title: attach, list, stat and detach with the daemon and the guest's driver
# rows: M12 M13
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh

DOMID=$(domid_of "$GUEST")
nodes() {
	xenstore-ls -fp /local/domain/0/backend/aperture 2>&1 || :
	xenstore-ls -fp "/local/domain/$DOMID/device" 2>&1
}
before=$(nodes)
unload() { guest_run "$GUEST" 'rmmod xen_aperture' || fail "the module did not unload"; }
connected() { xen-aperture list "$GUEST" | grep -q ' connected$'; }
gone() { # WHEN
	assert_eq "$before" "$(nodes)" "xenstore after $1"
	assert_eq "" "$(ls /run/xen-aperture/*.stat 2>/dev/null)" "files of counters after $1"
}
at_exit "xen-aperture detach $GUEST all --force --wait=5 2>/dev/null"

progress "the device first, then the driver, then the daemon"
xen-aperture attach "$GUEST" type=mem,size=4M --wait=0
# The kernel of a PV guest keeps insmod until the driver's devices are connected
guest_start "$GUEST" 'insmod /lib/modules/extra/xen-aperture.ko' insmod.out
daemon_start
wait_until 20 connected || fail "not connected: $(xen-aperture list "$GUEST")"
guest_wait "$GUEST_JOB" || fail "the module did not load: $(cat insmod.out)"
xen-aperture detach "$GUEST" 0
gone "detach"

progress "daemon and driver first: attach waits"
xen-aperture attach "$GUEST" type=mem,size=16M
out=$(xen-aperture list "$GUEST")
echo "$out"
assert_match "^$GUEST +$DOMID +0 +mem +- +16 MiB +8 +apertured +0 +- +connected" "$out" "list"
assert_match '"state_name": *"Connected"' "$(xen-aperture list "$GUEST" --json)" "list --json"

progress "counters"
out=$(xen-aperture stat "$GUEST" 0)
echo "$out"
assert_match "^guest $GUEST \($DOMID\), device 0: mem, up to 8 apertures of 16 MiB" "$out" "stat"
assert_match "backend Connected, guest Connected, served by apertured \(process [0-9]+\)" "$out" "stat"
assert_match '"published": *[0-9]+' "$(xen-aperture stat --json)" "stat --json"
assert_fails 5 xen-aperture stat "$GUEST" 1

progress "a type that does not exist"
assert_fails 1 xen-aperture attach "$GUEST" type=no-such-device,size=4K
assert_match 'gave up: E_DEVICE: ' "$OUT" "what is said"
assert_eq 1 "$(xen-aperture list "$GUEST" | grep -c mem)" "devices that are left"

progress "four devices, all at once away"
for n in 1 2 3; do
	xen-aperture attach "$GUEST" type=mem,size=64K
done
assert_eq 4 "$(xen-aperture list "$GUEST" | grep -c ' connected$')" "connected devices"
xen-aperture detach "$GUEST" all
gone "detach of all"

progress "a paused guest: a reason, then force"
xen-aperture attach "$GUEST" type=mem,size=4K
xl pause "$GUEST"
at_exit "xl unpause $GUEST 2>/dev/null"
assert_fails 4 xen-aperture detach "$GUEST" 0 --wait=2
assert_match 'the guest has not let go after 2 s .*--force' "$OUT" "what is said"
xen-aperture detach "$GUEST" 0 --wait=1 --force
xl unpause "$GUEST"
guest_run "$GUEST" true || fail "the guest did not survive"
gone "--force"

progress "no driver in the guest"
unload
assert_fails 4 xen-aperture attach "$GUEST" type=mem,size=4K --wait=3
assert_match 'no driver for it after 3 s' "$OUT" "what is said"
gone "an attach without a driver"
