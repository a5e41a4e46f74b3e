# SPDX-License-Identifier: GPL-2.0-only
# title: a file through an aperture of a PV and of a PVH guest
# rows: demo
# guests: none
# timeout: 600
. /rig/tests/_lib.sh
. /rig/tests/_file.sh

APERTURE=4194304

figure() { metric "$1.$2=$3"; }
count() { awk -v k="$1" '$1 == k { print $2 }' counts; }
counter() { # SIDE NAME, from the stat of the daemon
	awk -v n="$2" -v side="$1" '$1 == n { print side == "backend" ? $2 : $3 }' stat
}

one_guest() { # TYPE
	progress "$1: starting the guest from configs/guests/$1.cfg"
	guest_create "$1" 1 "$1" "disk=['format=raw,vdev=xvda,access=r,script=/rig/tests/disk,target=/dev/vdd']" ||
		fail "$1: the guest did not start"
	guest_run "$1" 'insmod /lib/modules/extra/xen-blkfront.ko' || fail "$1: no disk driver"
	wait_until 20 guest_run "$1" '[ -b /dev/xvda ]' || fail "$1: the disk with the file did not come"
	# Once through the disk driver, so that its own grants are there before anything is counted
	GUEST_TIMEOUT=7200 guest_run "$1" 'cat /dev/xvda >/dev/null' || fail "$1: the disk with the file cannot be read"
	module_load "$1"
	figure "$1" kernel "$(guest_run "$1" 'uname -r')"
	xen_counts >counts
	figure "$1" grants_before "$(count "grants.$1")"
	figure "$1" ports_before "$(count "ports.$1")"

	progress "$1: attaching an aperture device"
	xen-aperture attach "$1" "type=$DEVICE_TYPE,size=$APERTURE" --wait=30 || fail "$1: attach failed"
	selftest_ok "$1" "an aperture" hold 0 $APERTURE
	held=$(field id)
	transfer "$1"
	xen-aperture stat "$1" 0 >stat || fail "$1: no counters"
	figure "$1" mapped "$(counter backend mapped_pages)"
	for what in published notified suppressed; do
		figure "$1" "doorbells_$what" "$(counter guest $what)"
		figure "$1" "interrupts_$what" "$(counter backend $what)"
	done

	progress "$1: detaching"
	selftest_ok "$1" "the aperture's end" drop "$held"
	xen-aperture detach "$1" all --wait=30 || fail "$1: detach failed"
	xen_counts >counts
	figure "$1" grants_after "$(count "grants.$1")"
	figure "$1" ports_after "$(count "ports.$1")"
	module_unload "$1" || fail "$1: the module did not unload"
	guest_destroy "$1" || fail "$1: the guest did not go"
}

# The hypervisor's trace holds some seconds: it covers the first TRACED bytes. A larger file is moved
# whole after that. No guest has a reason to call Xen about grants while data moves; dom0 may map
# pages for the guest's disk.
TRACED=16777216
transfer() { # GUEST
	bytes=$SIZE
	[ "$bytes" -le $TRACED ] || bytes=$TRACED
	trace_begin
	move "$1" "$bytes"
	trace_end trace
	trace_grant_ops trace >ops
	figure "$1" traced "$bytes"
	figure "$1" trace_events "$(trace_count trace evtchn_op)"
	figure "$1" hypervisor_copies "$(awk '$2 == "copy" || $1 != "d0" { n += $3 } END { print n + 0 }' ops)"
	[ "$bytes" = "$SIZE" ] || move "$1" "$SIZE"
}

move() { # GUEST BYTES
	progress "$1: moving $2 bytes through an aperture of $APERTURE"
	GUEST_TIMEOUT=7200
	guest_start "$1" "aperture-selftest send $held /dev/xvda $2" moved
	while kill -0 "$GUEST_JOB" 2>/dev/null; do
		sleep 2
		xen-aperture stat "$1" 0 >stat 2>/dev/null || :
		progress "$1: the guest has rung $(counter guest published) times"
	done
	guest_wait || fail "$1: $(cat moved)"
	OUT=$(cat moved)
	for what in bytes turns granted sha256_child sha256_parent sha256_back_child \
		sha256_back_parent pid uid privilege lost; do
		figure "$1" $what "$(field $what)"
	done
}

modprobe xen-blkback || broken "no xen-blkback in dom0"
daemon_start
metric xen="$(xl info xen_version)"
one_guest pv
one_guest pvh
daemon_stop
xen_counts >counts
metric nodes_left="$(count nodes.aperture)"
metric null_left="$(count null)"
