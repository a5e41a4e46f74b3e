# SPDX-License-Identifier: GPL-2.0-only
# title: memory is not freed while mapped: a busy device says EBUSY, and it works on
# rows: M13
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
mapped() { xen-aperture stat "$GUEST" 0 --json | tr -d ' "' | grep -o 'mapped_pages:[0-9]*' | head -n 1; }
selftest_ok "$GUEST" "an aperture" hold 0 1048576
id=$(field id)
selftest_ok "$GUEST" "busy" busy "$id" 1
progress "withdraw while busy"
OUT=$(selftest "$GUEST" withdraw "$id" 2>&1) && fail "withdraw of a busy aperture succeeded"
assert_eq 16 "$(field errno)" "error of withdraw while busy (EBUSY is 16)"
assert_eq mapped_pages:256 "$(mapped)" "pages the parent has mapped"
selftest_ok "$GUEST" "the aperture works on" ping "$id"
progress "withdraw when let go"
selftest_ok "$GUEST" "no longer busy" busy "$id" 0
selftest_ok "$GUEST" "withdraw" withdraw "$id"
assert_eq mapped_pages:0 "$(mapped)" "pages the parent has mapped after withdraw"
selftest_ok "$GUEST" "its end" drop "$id"
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" "pages still mapped"
