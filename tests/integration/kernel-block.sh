# SPDX-License-Identifier: GPL-2.0-only
# title: an aperture is a disk of dom0: bytes both ways, busy while open, whatever ends first; over a save
# rows: M2 M13 M14
# guests: pv
# guests-long: pvh
# guest: fresh
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_kernel.sh
WORST=0
SIZE=1048576
daemon_start
module_load "$GUEST"

progress "without the module the guest is refused, and the log says what to load"
device_attach "$GUEST" type=block,size=1M
guest_run "$GUEST" 'mkdir -p /tmp/w; mkfifo /tmp/w/out'
guest_start "$GUEST" "exec aperture-window 0 $SIZE /tmp/w"
OUT=$(guest_run "$GUEST" 'cat /tmp/w/out')
[ "$(field errno)" != 0 ] || fail "an aperture of type block was mapped without the module"
grep -q 'load xen-aperture-parent' "$DAEMON_LOG" || fail "the log does not say what to load"
kernel_load
at_exit daemon_stop	# before the module can go
worker_killed
DOMID=$(domid_of "$GUEST")
disk_open() { # sets disk
	window_open "$GUEST" 0 $SIZE
	disk=/dev/xenapt-$DOMID-0-$SLOT
	wait_until 5 test -b "$disk" || fail "no $disk"
}
disk_gone() { [ ! -e "$disk" ]; }
# An error, or the end at once: Linux takes the size away from a disk that is gone.
unreadable() { [ "$(timeout 5 dd bs=4096 count=1 iflag=direct 2>/dev/null <&3 | wc -c)" = 0 ]; }
at_exit 'exec 3<&-'
disk_open
assert_eq $((SIZE / 4096)) "$(pinned)" "pages pinned"
assert_eq $((SIZE / 512)) "$(cat "/sys/block/${disk#/dev/}/size")" "sectors of the disk"

progress "bytes of the guest, and bytes for the guest"
guest_random "$GUEST" /tmp/a $SIZE
window "$GUEST" load /tmp/a
assert_eq "$(guest_sum "$GUEST" /tmp/a)" "$(disk_sum "$disk")" "the disk shows what the guest wrote"
dd if=/dev/urandom of=b bs=64k count=$((SIZE / 65536)) 2>/dev/null
window "$GUEST" wait 0
dd if=b of="$disk" bs=64k conv=fsync 2>/dev/null
window "$GUEST" wait 5000
[ "$(field interrupts)" -ge 1 ] || fail "a flush of the disk does not interrupt the guest: $OUT"
window "$GUEST" save /tmp/b
assert_eq "$(sha256sum <b | cut -d' ' -f1)" "$(guest_sum "$GUEST" /tmp/b)" "the guest sees what dom0 wrote"

progress "while it is open it is busy, and a doorbell takes old copies away"
exec 3<"$disk"
sha256sum <"$disk" >old
window "$GUEST" load /tmp/a
window "$GUEST" ring
assert_eq 0 "$(field error)" "the doorbell"
seen() { [ "$(sha256sum <"$disk" | cut -d' ' -f1)" = "$(guest_sum "$GUEST" /tmp/a)" ]; }
wait_until 5 seen || fail "the page cache keeps what was there before the doorbell"
window "$GUEST" withdraw
assert_eq 16 "$(field errno)" "withdraw while the disk is open (EBUSY is 16)"
assert_fails any rmmod xen_aperture_parent
exec 3<&-
window "$GUEST" withdraw
assert_eq 0 "$(field errno)" "withdraw when it was closed"
disk_gone || fail "$disk is still there"
assert_eq 0 "$(pinned)" "pages pinned after withdraw"

# round: a disk is open and being read, and the worker is killed
round() {
	disk_open
	exec 3<"$disk"
	(while dd if="$disk" of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done) 3<&- &
	sleep 0.2
	kill -9 "$(worker_pid "$GUEST")"
	wait_until 5 unreadable || fail "the disk of a worker that was killed can still be read"
	wait $! || :
	disk=/dev/xenapt-$DOMID-0-$SLOT
	wait_until 10 test -b "$disk" || fail "no disk after the worker was started again"
	[ "$(disk_sum "$disk")" = "$(sha256sum <zero | cut -d' ' -f1)" ] || fail "other contents after a kill"
	unreadable || fail "a disk that was gone can be read again"
	exec 3<&-
	window "$GUEST" withdraw
	assert_eq 0 "$(field errno)" "withdraw after a kill"
	assert_eq 0 "$(pinned)" "pages pinned after a kill and a withdraw"
}
dd if=/dev/zero of=zero bs=64k count=$((SIZE / 65536)) 2>/dev/null
progress "the worker is killed while the disk is open and read"
round
leak_check_begin
ROUNDS=$(short_long 1 100)
for i in $(seq "$ROUNDS"); do
	round
	progress "kill $i of $ROUNDS"
done
leak_check_end

# saved: the guest is saved and goes on while a disk is open: that one ends, another has what the guest has
saved() {
	disk_open
	window "$GUEST" load /tmp/a
	exec 3<"$disk"
	xl save -c "$GUEST" save >/dev/null || fail "xl save -c failed with status $?"
	rm -f save
	unreadable || fail "a disk that was open over a save can be read on"
	wait_until 20 test -b "$disk" || fail "no disk after the save"
	assert_eq $((SIZE / 4096)) "$(pinned)" "pages pinned after the save"
	assert_eq "$(guest_sum "$GUEST" /tmp/a)" "$(disk_sum "$disk")" "what the new disk shows"
	exec 3<&-
	window "$GUEST" withdraw
	assert_eq 0 "$(field errno)" "withdraw after a save"
	assert_eq 0 "$(pinned)" "pages pinned after a save and a withdraw"
}
progress "the guest is saved and goes on while the disk is open"
at_exit 'rm -f save'
saved
# xl has watches of its own until the first save.
if [ -n "$LONG" ]; then
	leak_check_begin
	for i in 1 2 3 4 5; do saved; done
	leak_check_end
fi

progress "the guest is destroyed while the disk is open"
disk_open
exec 3<"$disk"
xl destroy "$GUEST"
wait_until 10 nothing_pinned || fail "$(pinned) pages pinned after the guest's end"
none_null() { ! xl list | grep -q null; }
wait_until 10 none_null || fail "the guest's remains stay: $(xl list)"
unreadable || fail "the disk of a guest that is gone can be read"
wait_until 5 disk_gone || fail "$disk is still there"
exec 3<&-
