# SPDX-License-Identifier: GPL-2.0-only
# A driver domain: an unprivileged guest of the rig that has dom0's apertured, its plugins, what
# they are linked with and the parent's modules, laid over the guests' initramfs. It has no power over any domain.

DRIVER_TREE=/run/rig/driver
DRIVER_RAMDISK=$DRIVER_TREE.initramfs

driver_files() {
	echo /usr/local/sbin/apertured
	echo /usr/local/sbin/xen-aperture
	echo /lib64/ld-linux-x86-64.so.2
	set -- /usr/local/lib/xen-aperture/devices/*.so
	printf '%s\n' "$@"
	ldd /usr/local/sbin/apertured /usr/local/sbin/xen-aperture "$@" |
		sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'
}

# Once a boot
driver_image() {
	[ ! -e "$DRIVER_RAMDISK" ] || return 0
	mkdir -p "$DRIVER_TREE/etc/rig-init.d"
	driver_files | sort -u | while read -r di_file; do
		mkdir -p "$DRIVER_TREE${di_file%/*}"
		cp -L "$di_file" "$DRIVER_TREE$di_file"
	done
	mkdir -p "$DRIVER_TREE/lib/modules/parent"
	cp /usr/local/lib/xen-aperture/modules/*.ko "$DRIVER_TREE/lib/modules/parent"
	grep -E '^(root|nobody):' /etc/passwd >"$DRIVER_TREE/etc/passwd"
	cat >"$DRIVER_TREE/etc/rig-init.d/serve" <<-'END'
		#!/bin/busybox sh
		mkdir -p /run/xen-aperture
		while [ ! -e /run/stopped ]; do
			/usr/local/sbin/apertured --foreground
			sleep 0.05
		done >/dev/hvc0 2>&1 </dev/null &
	END
	chmod 755 "$DRIVER_TREE/etc/rig-init.d/serve"
	(cd "$DRIVER_TREE" && find . ! -name . | busybox cpio -o -H newc 2>/dev/null) >"$DRIVER_TREE.cpio"
	cat /boot/xen-aperture/initramfs "$DRIVER_TREE.cpio" >"$DRIVER_RAMDISK.new"
	rm -rf "$DRIVER_TREE" "$DRIVER_TREE.cpio"
	mv "$DRIVER_RAMDISK.new" "$DRIVER_RAMDISK"
}

# driver_domain_start TYPE [NAME]: it serves on return, and goes when the test ends
driver_domain_start() {
	dd_name=${2:-driver}
	driver_image
	at_exit "guest_alive $dd_name && guest_destroy $dd_name"
	guest_create "$1" 1 "$dd_name" "ramdisk=\"$DRIVER_RAMDISK\"" ||
		broken "the driver domain did not start"
	dd_domid=$(domid_of "$dd_name")
	wait_until 20 xenstore-exists "/local/domain/$dd_domid/data/aperture-backend" ||
		fail "no apertured in the driver domain: $(tail -n 5 "/var/log/xen/console/guest-$dd_name.log")"
}

# What a guest and Xen make of the end of a driver domain
no_zombies() { ! xl list | grep -q '(null)'; }
closed() { [ "$(xenstore-read "/local/domain/$(domid_of "$GUEST")/device/aperture/0/state")" = 6 ]; }
# up DOMID: device 0 of $GUEST is served by it
up() { xen-aperture list "$GUEST" | grep -q " $1 .* connected\$"; }
# mapped_both_ways GUEST: on device 0; some of it stays mapped there, some of its memory in the guest
mapped_both_ways() {
	selftest_ok "$1" "an aperture that stays mapped" hold 0 524288
	selftest_ok "$1" "data" roundtrip "$(field id)"
	every_aperture "$1" 0
}
