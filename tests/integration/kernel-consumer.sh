# SPDX-License-Identifier: GPL-2.0-only
# title: dom0's kernel answers in an aperture from ring 0 or Xen's guest kernel mode; one mapping; bad arguments
# rows: M2 M9 M13 M14
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_kernel.sh
WORST=0
NONCE=/sys/module/aperture_nonce/parameters
kernel_load aperture_nonce
daemon_start
module_load "$GUEST"

# How often Xen counts each mapped page of the guest as mapped, as the different values of its pin word
pins() {
	xen_keys g | awk -v domid="$(domid_of "$GUEST")" '
		/^grant-table for remote/ { mine = substr($4, 2) == domid }
		/^\[0x/ && mine { n[$4]++ }
		END { for (p in n) if (n[p] > 100) print p, n[p] }'
}
progress "Xen's count of mappings, with the kernel and without"
device_attach "$GUEST" type=mem,size=1M
window_open "$GUEST" 0 1048576
pins >without
window "$GUEST" withdraw
device_detach_all "$GUEST"
device_attach "$GUEST" type=kcheck,size=1M
window_open "$GUEST" 0 1048576
assert_eq 256 "$(pinned)" "pages pinned"
pins >with
[ -s without ] || fail "Xen shows no mapped pages"
assert_eq "$(cat without)" "$(cat with)" "pin words of the guest's grants and their number"

progress "nonces"
asked=0
for n in 1 0xfedcba9876543210 0; do
	window "$GUEST" nonce $n
	assert_match ' right=1 answers=1 ' "$OUT" "answer to the nonce $n"
	asked=$((asked + 1))
	assert_eq $asked "$(cat $NONCE/answered)" "answers that the kernel counts"
done
note "Xen's pin word of each page, and pages: $(cat with)"
note "answered by$(echo "$OUT" | sed 's/.* ip=/ ip=/')"
# Bits: kernel code, kernel data, no process; dom0 is PV, whose kernel Xen runs in ring 3.
assert_eq 0xf "$(field flags)" "where the answer was made"
assert_match '^0xffff' "$(field ip)" "address of the code"
assert_match '^0xffff' "$(field data)" "address of the data"
assert_match '^kworker' "$(field comm)" "who answered"

progress "a consumer that does not let go"
assert_fails any rmmod aperture_nonce
assert_fails any rmmod xen_aperture_parent
echo Y >$NONCE/busy
window "$GUEST" withdraw
assert_eq 16 "$(field errno)" "withdraw of what the consumer needs (EBUSY is 16)"
window "$GUEST" nonce 5
assert_match ' right=1 ' "$OUT" "it works on"
killed() {
	worker_killed
	wait_until 10 attached || fail "not attached again"
	window "$GUEST" nonce 6
	assert_match ' right=1 ' "$OUT" "after the worker was killed"
}
attached() { [ "$(pinned)" = 256 ]; }
leak_check_begin
killed
killed
leak_check_end
echo N >$NONCE/busy
window "$GUEST" withdraw
assert_eq 0 "$(field errno)" "withdraw"
assert_eq "0 0" "$(pinned) $(cat $NONCE/views)" "pages pinned and views"

progress "bad arguments"
kernel-ioctls "$(domid_of "$GUEST")" >ioctls || fail "$(grep -v '^ok' ioctls)"
tail -n 1 ioctls
assert_eq "0 0" "$(pinned) $(cat $NONCE/views)" "pages pinned and views after its end"
