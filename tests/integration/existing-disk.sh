# SPDX-License-Identifier: GPL-2.0-only
# title: a writable shared mapping of a disk is refused, a private one is not
# rows: M6
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh

disk=$GUEST-disk
# Xen's own hotplug script wants udev.
cat >hotplug <<'SCRIPT'
#!/bin/sh
[ "$1" = add ] || exit 0
device=$(xenstore-read "$XENBUS_PATH/params")
xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c '%t:%T' "$device")" \
	"$XENBUS_PATH/physical-device-path" "$device" "$XENBUS_PATH/hotplug-status" connected
SCRIPT
chmod 755 hotplug
modprobe xen-blkback || broken "dom0 has no xen-blkback"
daemon_start
# /dev/vdc: where the rig stores results at its end, unused until then; nothing is written here.
guest_create "$TYPE" 1 "$disk" "disk=['format=raw,vdev=xvdb,access=w,script=$PWD/hotplug,target=/dev/vdc']" ||
	broken "guest $disk with a disk did not start"
at_exit "! guest_alive $disk || guest_destroy $disk"
guest_run "$disk" 'insmod /lib/modules/extra/xen-blkfront.ko' || broken "blkfront did not load"
wait_until 20 guest_run "$disk" '[ -b /dev/xvdb ]' || broken "the disk did not come"
module_load "$disk"
device_attach "$disk" type=span,size=16M
OUT=$(guest_run "$disk" 'aperture-buffer 0 refused 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
assert_match 'ok - a shared mapping of a disk: error 95' "$OUT" "EOPNOTSUPP"
OUT=$(guest_run "$disk" 'aperture-buffer 0 disk 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
note "$(printf '%s\n' "$OUT" | tail -n 1)"
