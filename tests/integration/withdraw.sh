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

progress "withdrawn, and still mapped by somebody in dom0"
selftest_ok "$GUEST" "an aperture" hold 0 65536
id=$(field id)
selftest_ok "$GUEST" "a reference" gref "$id"
mkfifo end
grant-map "$(domid_of "$GUEST")" hold "$(field gref)" <end >held.out 2>&1 &
holder=$!
exec 8>end	# it lets go when this is closed, however the test ends
wait_until 10 grep -q '^held' held.out || fail "the page is not mapped: $(cat held.out)"
for i in 1 2; do
	OUT=$(selftest "$GUEST" withdraw "$id" 2>&1) && fail "withdraw of what is mapped succeeded"
	assert_eq 16 "$(field errno)" "error of withdraw $i (EBUSY is 16)"
	assert_eq mapped_pages:0 "$(mapped)" "pages that the parent says it has mapped"
done
exec 8>&-
wait $holder || fail "the page was not unmapped: $(cat held.out)"
selftest_ok "$GUEST" "withdraw when nobody has it mapped" withdraw "$id"
selftest_ok "$GUEST" "its end" drop "$id"
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" "pages still mapped"
