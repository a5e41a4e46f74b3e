# SPDX-License-Identifier: GPL-2.0-only
# title: every mode pair, owner and direction: nonces both ways, who touched the memory, what a reader's store did
# rows: M2 M15 M16 B6
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
GUEST_TIMEOUT=60

MODULES=/usr/local/lib/xen-aperture/modules
for module in xen-aperture-parent aperture_cell; do
	insmod $MODULES/$module.ko || fail "$module does not load"
	at_exit "rmmod $module"
done
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=cell,size=1M
device_attach "$GUEST" type=kcell,size=1M

: >cells
for device in 0 1; do
	parent=$([ $device = 0 ] && echo user || echo kernel)
	for child in kernel user; do
		progress "child $child, parent $parent"
		case $child in
		kernel) command="aperture-selftest cell $device" ;;
		user) command="aperture-cell $device" ;;
		esac
		guest_run "$GUEST" "$command" >out 2>&1 || :
		sed "s/^cell /cell guest=$TYPE parent=$parent /" out >>cells
	done
done
grep -v '^cell ' cells || :
while read -r line; do
	case $line in "cell "*) note "$line" ;; esac
done <cells
cells=$(grep -c '^cell .*memory=new ' cells) || :
existing=$(grep -c '^cell .*memory=existing ' cells) || :
metric cells="$cells"
assert_eq 24 "$cells" "cells of memory made for it"
assert_eq 8 "$existing" "cells of memory that existed"
assert_eq "" "$(grep '^cell ' cells | grep -v ' result=ok$' | cut -c 1-400)" "cells that do not work"

# What each end says of itself is what the cell is about.
judge() { # WHAT PATTERN LINES-THAT-MUST-MATCH
	assert_eq "" "$(grep "$3" cells | grep -Ev "$2" | head -n 1)" "$1"
}
judge "a child's kernel runs kernel code on kernel addresses" ' child_kernel=1 ' ' child=kernel '
judge "a child's program does not" ' child_kernel=0 ' ' child=user '
# The ring is in the selector's last two bits. A PV kernel runs in ring 3 like its programs, with Xen's selector.
PV_KERNEL=0xe033 USER=0x33
case $TYPE in
pv) judge "a PV guest's kernel has Xen's selector" " child_cs=$PV_KERNEL " ' child=kernel ' ;;
*) judge "a PVH guest's kernel runs in ring 0" ' child_cs=0x[0-9a-f]*[048c] ' ' child=kernel ' ;;
esac
judge "a guest's program runs in ring 3" " child_cs=$USER " ' child=user '
judge "the kernel of domain 0, which is PV, has Xen's selector" " parent_cs=$PV_KERNEL " ' parent=kernel '
judge "a process of domain 0 runs in ring 3" " parent_cs=$USER " ' parent=user '
judge "a parent's kernel thread runs kernel code on kernel addresses" ' parent_kernel=1 parent_thread=1 ' ' parent=kernel '
judge "a parent's process does not" ' parent_kernel=0 parent_thread=0' ' parent=user '
judge "eight nonces to the parent" ' to_parent=8 ' ' direction=\(both\|parent-reads\) '
judge "eight nonces to the child" ' to_child=8 ' ' direction=\(both\|child-reads\) '
judge "a reading child's store faults" ' child_fault=[1-9]' ' direction=child-reads '
judge "a reading parent's store faults" ' parent_fault=[1-9]' ' direction=parent-reads '
