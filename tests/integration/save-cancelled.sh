# SPDX-License-Identifier: GPL-2.0-only
# title: a save that leaves the guest running, one that fails, a pause, one with a parent that hangs: traffic goes on
# rows: M13 M14 N16
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_save.sh

again() { # CONNECTIONS: device 0 is connected again, without a new domain
	[ "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/connections')" = "$1" ] &&
		connected "$GUEST" 0
}
daemon_start
module_load "$GUEST" operation_timeout_ms=60000
device_attach "$GUEST" type=check,size=16M
DOMID=$(domid_of "$GUEST")
at_exit "rm -f $SAVED"
traffic_start 0

progress "a save that fails"
mkdir -p /run/small
mount -t tmpfs -o size=8m small /run/small
at_exit 'umount /run/small'
assert_fails any xl save "$GUEST" /run/small/guest
wait_until 20 again 2 || fail "not connected again after a save that failed: $(guest_run "$GUEST" 'dmesg | tail -n 5')"

progress "paused"
xl pause "$GUEST"
sleep 1
xl unpause "$GUEST"

progress "a save of a guest that goes on, while its parent hangs"
WORKER=$(worker_pid "$GUEST")
at_exit "kill -CONT $WORKER 2>/dev/null"
kill -STOP "$WORKER"
in_guest operation "aperture-op 0 read 0 8"	# waits for its answer over the suspend
sleep 0.5
xl save -c "$GUEST" "$SAVED" >/dev/null &
SAVE=$!
closed() { [ "$(state_of 0)" = 6 ]; }
wait_until 20 closed || fail "the guest did not close its device before the suspend"
# Not later: one that does not answer for 10 s is replaced, and what it had done of a round is done again.
kill -CONT "$WORKER"
wait "$SAVE" || fail "xl save -c failed with status $?"
rm -f "$SAVED"
wait_until 20 again 3 || fail "not connected again: $(guest_run "$GUEST" 'dmesg | tail -n 5')"
in_guest_wait operation 20 "the operation"
assert_eq 0 "$(field status)" "an operation that was under way"
# From the last freezing of tasks to the end of what devices do.
HELD=$(guest_run "$GUEST" dmesg | sed 's/[][]/ /g' | awk '
	/Freezing remaining freezable tasks completed/ { began = $1 }
	/suspending xenstore/ { took = $1 - began }
	END { printf "%d", took * 1000 }')
[ "$HELD" -ge 1500 ] && [ "$HELD" -le 4000 ] || fail "a parent that hangs held up the suspend for $HELD ms, not about 2 s"
metric held_up_ms="$HELD"
assert_eq "$DOMID" "$(domid_of "$GUEST")" "the guest's domain"
traffic_end 3
