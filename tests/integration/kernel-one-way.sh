# SPDX-License-Identifier: GPL-2.0-only
# title: one-way and parent-owned apertures as disks of dom0: a disk that is only read, memory of dom0's
# rows: M2 M15 M16 B6
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh
. /rig/tests/_kernel.sh
SIZE=262144
CHILD_READS=1 PARENT_READS=2 PARENT_OWNS=4
kernel_load aperture_nonce
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=block,size=1M
DOMID=$(domid_of "$GUEST")
guest_random "$GUEST" /tmp/a $SIZE
dd if=/dev/urandom of=b bs=64k count=$((SIZE / 65536)) 2>/dev/null
SUM_A=$(guest_sum "$GUEST" /tmp/a) SUM_B=$(sha256sum <b | cut -d' ' -f1)

disk_open() { # FLAGS; sets disk
	window_open "$GUEST" 0 $SIZE "$1"
	disk=/dev/xenapt-$DOMID-0-$SLOT
	wait_until 5 test -b "$disk" || fail "no $disk"
	assert_eq $((SIZE / 4096)) "$(pinned)" "pages pinned"
	at_exit "! guest_alive $GUEST || guest_run $GUEST 'killall aperture-window 2>/dev/null' || :"
}
disk_close() {
	window "$GUEST" withdraw
	assert_eq 0 "$(field errno)" "withdraw"
	assert_eq 0 "$(pinned)" "pages pinned after withdraw"
}
ro() { cat "/sys/block/${disk#/dev/}/ro"; }
dom0_reads() {
	window "$GUEST" load /tmp/a
	assert_eq "$SUM_A" "$(disk_sum "$disk")" "what the disk shows of the guest's bytes, $1"
}
dom0_writes() {
	dd if=b of="$disk" bs=64k conv=fsync 2>/dev/null
	window "$GUEST" save /tmp/b
	assert_eq "$SUM_B" "$(guest_sum "$GUEST" /tmp/b)" "what the guest sees of dom0's bytes, $1"
}
dom0_writes_not() {
	assert_eq 1 "$(ro)" "the disk is read-only, $1"
	assert_fails any dd if=b of="$disk" bs=64k conv=fsync
	assert_fails any dd if=b of="$disk" bs=64k oflag=direct
	assert_eq "$SUM_A" "$(disk_sum "$disk")" "what is there after writes that were refused, $1"
}

try() {
	progress "memory of the guest's, dom0 only reads"
	disk_open $PARENT_READS
	dom0_reads "its own memory"
	dom0_writes_not "its own memory"
	disk_close
	progress "memory of dom0's"
	disk_open $PARENT_OWNS
	assert_eq 0 "$(ro)" "a disk that can be written"
	dom0_reads "dom0's memory"
	dom0_writes "dom0's memory"
	disk_close
	progress "memory of dom0's, the guest only reads"
	disk_open $((PARENT_OWNS | CHILD_READS))
	dom0_writes "dom0's memory that it only reads"
	disk_close
	progress "memory of dom0's, dom0 only reads"
	disk_open $((PARENT_OWNS | PARENT_READS))
	dom0_reads "dom0's memory that dom0 only reads"
	dom0_writes_not "dom0's memory that dom0 only reads"
	disk_close
}
# What dom0 gave stays the guest's, for its next aperture that reads, or writes, dom0's memory.
progress "so that tables are as large as they get"
for flags in $PARENT_READS $PARENT_OWNS $((PARENT_OWNS | CHILD_READS)); do
	disk_open "$flags"
	disk_close
done
leak_check_begin
try
leak_check_end
