# SPDX-License-Identifier: GPL-2.0-only
# Every cell of the matrix with the guest's devices 0 (cell) and 1 (kcell), wherever their parent is.
GUEST_TIMEOUT=60
CELL_MODULES="xen-aperture-parent aperture_cell"

# The ring is in the selector's last two bits. A PV kernel runs in ring 3 like its programs, with Xen's selector.
PV_KERNEL=0xe033 USER=0x33

# What each end says of itself is what the cell is about.
judge() { # WHAT PATTERN LINES-THAT-MUST-MATCH
	assert_eq "" "$(grep "$3" cells | grep -Ev "$2" | head -n 1)" "$1"
}

# judge_kernel SIDE TYPE: the selector of its kernel, in a domain of that type
judge_kernel() {
	case $2 in
	pv) judge "a PV $1's kernel has Xen's selector" " $1_cs=$PV_KERNEL " " $1=kernel " ;;
	*) judge "a PVH $1's kernel runs in ring 0" " $1_cs=0x[0-9a-f]*[048c] " " $1=kernel " ;;
	esac
}

cells_of() { # TYPE of the parent's domain
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
	assert_eq "" "$(grep '^cell ' cells | grep -v ' result=ok$' | sed 's/ child_cs=.* parent_pages=/ parent_pages=/')" "cells that do not work"

	judge "a child's kernel runs kernel code on kernel addresses" ' child_kernel=1 ' ' child=kernel '
	judge "a child's program does not" ' child_kernel=0 ' ' child=user '
	judge_kernel child "$TYPE"
	judge_kernel parent "$1"
	judge "a guest's program runs in ring 3" " child_cs=$USER " ' child=user '
	judge "a parent's process runs in ring 3" " parent_cs=$USER " ' parent=user '
	judge "a parent's kernel thread runs kernel code on kernel addresses" ' parent_kernel=1 parent_thread=1 ' ' parent=kernel '
	judge "a parent's process does not" ' parent_kernel=0 parent_thread=0' ' parent=user '
	judge "eight nonces to the parent" ' to_parent=8 ' ' direction=\(both\|parent-reads\) '
	judge "eight nonces to the child" ' to_child=8 ' ' direction=\(both\|child-reads\) '
	judge "a reading child's store faults" ' child_fault=[1-9]' ' direction=child-reads '
	judge "a reading parent's store faults" ' parent_fault=[1-9]' ' direction=parent-reads '
	# Of the other domain's pages. Under a PVH domain's page tables Xen has its own, and drops what is stored there.
	case $1 in
	pv) judge "a store of a parent's PV kernel faults" ' parent_fault=3/' ' parent=kernel .* owner=child direction=parent-reads ' ;;
	*) judge "a store of a parent's PVH kernel is dropped" ' parent_fault=5/' ' parent=kernel .* owner=child direction=parent-reads ' ;;
	esac
}
