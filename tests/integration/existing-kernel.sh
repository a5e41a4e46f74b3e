# SPDX-License-Identifier: GPL-2.0-only
# title: memory that a driver has: kmalloc, vmalloc, pages; what is not to be granted is refused
# rows: M6
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=span,size=16M
for kind in kmalloc vmalloc pages; do
	progress "$kind"
	selftest_ok "$GUEST" "$kind, part of a page" offer 0 $kind 100 50
	selftest_ok "$GUEST" "$kind, unaligned" offer 0 $kind 4000 20001
	selftest_ok "$GUEST" "$kind, from a page's start" offer 0 $kind 0 8192
done
selftest_ok "$GUEST" "a directory of two levels" offer 0 vmalloc 77 4194317
progress "a parent that does not let go"
selftest_ok "$GUEST" "the buffer is its owner's alone when free returned" late 0
progress "refused"
selftest_ok "$GUEST" "what is not to be granted" refused 0
assert_match 'pinned_pages 0' "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/limits')" \
	"pages pinned"
