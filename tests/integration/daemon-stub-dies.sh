# SPDX-License-Identifier: GPL-2.0-only
# title: a stub domain is destroyed by plain xl: its nodes go, the guest goes on; the supervisor is killed beside it
# rows: N2 N16
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 120
# allow: vec 6, #UD
# allow: domain_crash_sync called
# allow: crashed on cpu
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_operations.sh

ROUNDS=$(short_long 1 100)
daemon_start
module_load "$GUEST"
G=$(domid_of "$GUEST")
fast_attach "$GUEST" type=check,size=1M
FRONTS=/local/domain/$G/device/aperture-fast

nodes_gone() { # of stub domain $STUB
	! xenstore-exists "$FRONTS" && ! xenstore-exists "/local/domain/0/aperture-stub" &&
		! xenstore-exists "/local/domain/$STUB"
}
watched() { xenstore-exists "/local/domain/0/aperture-stub/$STUB" && daemon_pid >/dev/null; }

round() {
	STUB=$(stub_of "$GUEST")
	operations_load
	sleep 1
	xl destroy "$STUB" || fail "xl destroy failed"
	wait_until 5 nodes_gone || fail "5 s after its end, stub domain $STUB has nodes: $(
		xenstore-ls -f "$FRONTS" 2>&1; xenstore-ls -f /local/domain/0/aperture-stub 2>&1)"
	wait_until 20 lane_is slow || fail "the second device does not answer"
	assert_match ' - +connected$' "$(xen-aperture list "$GUEST")" "list without a first device"
	fast_install
	operations_load_end
}

progress "warming up"
round
leak_check_begin
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	progress "stub domain $i of $ROUNDS"
	round
done


progress "one that crashes at its first instruction"
fast_uninstall
cp "$CHECK_STUB" crash
printf '\017\013' | dd of=crash bs=1 seek=8192 conv=notrunc 2>/dev/null	# where it is entered: ud2
assert_fails 1 xen-aperture install "$GUEST" 0 --stub=crash --wait=20
assert_match 'the stub domain [0-9]+ ended' "$OUT" "what is said"
grep -Eq "stub domain [0-9]+ of guest $G: has crashed" "$DAEMON_LOG" || fail "the daemon did not see the crash"
wait_until 10 stub_dead "$GUEST" || fail "the crashed stub domain is still there: $(xl list)"
! xenstore-exists "$FRONTS" || fail "nodes are left: $(xenstore-ls -f "$FRONTS")"
! xenstore-exists /local/domain/0/aperture-stub || fail "nodes are left: $(xenstore-ls -f /local/domain/0/aperture-stub)"
lane_is slow || fail "the second device does not answer"
fast_install

progress "the supervisor is killed: the stub domain and its guest go on, the next one takes it up"
STUB=$(stub_of "$GUEST")
PID=$(daemon_pid)
operations_load
kill -9 "$PID"
wait_until 10 watched || fail "no new supervisor"
wait_until 20 lane_is fast || fail "the first device does not answer after the supervisor's death"
assert_eq "$STUB" "$(stub_of "$GUEST")" "the stub domain after the supervisor's death"
operations_load_end
xl destroy "$STUB" || fail "xl destroy failed"
wait_until 5 nodes_gone || fail "the new supervisor did not notice the stub domain's end"
fast_install
leak_check_end 20
