# SPDX-License-Identifier: GPL-2.0-only
# Parent kernel mode: the module in dom0, and a window in the guest (aperture-window) that does
# what it is told.

KERNEL_MODULES=/usr/local/lib/xen-aperture/modules

# kernel_load [MODULE...]: they go when the test ends
kernel_load() {
	for kl_m in xen-aperture-parent "$@"; do
		at_exit "kernel_unload $(echo "$kl_m" | tr - _)"
		insmod "$KERNEL_MODULES/$kl_m.ko" || fail "$kl_m.ko did not load in dom0"
	done
}
kernel_unload() { # NAME
	! grep -q "^$1 " /proc/modules || wait_until 10 rmmod "$1" 2>/dev/null || fail "$1 does not unload"
}
pinned() { cat /sys/module/xen_aperture_parent/parameters/pinned_pages; }
nothing_pinned() { [ "$(pinned)" = 0 ]; }

# worker_killed: kill -9 of $GUEST's, and device 0 is connected again
worker_killed() {
	wk_domid=$(domid_of "$GUEST")
	wk_epoch=$(stat_numbers "$wk_domid" | awk '{ print $3 }')
	kill -9 "$(worker_pid "$GUEST")"
	reconnected "$wk_domid" "$wk_epoch"
}

# window_open GUEST DEV SIZE [FLAGS]: of the name $WINDOW; sets SLOT
window_open() {
	wo_dir=/tmp/${WINDOW:-window}
	guest_run "$1" "rm -rf $wo_dir; mkdir $wo_dir; mkfifo $wo_dir/in $wo_dir/out"
	guest_start "$1" "exec aperture-window $2 $3 $wo_dir ${4:-0}"
	OUT=$(guest_run "$1" "cat $wo_dir/out") || fail "no window: $OUT"
	assert_match '^ready errno=0 ' "$OUT" "a window of $3 bytes"
	SLOT=$(field slot)
}
# window GUEST COMMAND...: of the window named $WINDOW; its answer is in $OUT
window() {
	w_guest=$1
	shift
	OUT=$(guest_run "$w_guest" "echo '$*' >/tmp/${WINDOW:-window}/in; cat /tmp/${WINDOW:-window}/out") ||
		fail "the window does not answer to '$*': $OUT"
}
# guest_random GUEST PATH BYTES; guest_sum GUEST PATH
guest_random() { guest_run "$1" "dd if=/dev/urandom of=$2 bs=65536 count=$(($3 / 65536)) 2>/dev/null"; }
guest_sum() { guest_run "$1" "sha256sum <$2" | cut -d' ' -f1; }
disk_sum() { dd if="$1" bs=64k iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1; }
