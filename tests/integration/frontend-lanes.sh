# SPDX-License-Identifier: GPL-2.0-only
# title: the guest's module with two lanes: loaded and unloaded, and operations that nobody answers end by name
# rows: M12 N5
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 200
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh

ko=/lib/modules/extra/xen-aperture.ko
sys=/sys/bus/xen/devices/aperture-0/aperture
shown() { guest_run "$GUEST" "cat $sys/$1"; }
fast_state() { shown fast | sed -n 's/^state //p'; }
count() { shown operations | sed -n "s/^$1 //p"; }
both_lanes() { lane_is fast && [ "$(fast_state)" = connected ]; }

daemon_start
module_load "$GUEST" operation_timeout_ms=8000
fast_attach "$GUEST" type=check,size=1M
STUB=$(stub_of "$GUEST")

progress "what the guest says of its fast lane"
assert_eq connected "$(fast_state)" "state of the fast lane"
assert_eq "$STUB" "$(shown fast | sed -n 's/^backend //p')" "domain of the fast lane"
assert_eq OK "$(shown fast_last_error)" "error of the fast lane"
before=$(shown fast_counters | sed -n 's/^responses //p')
lane_is fast || fail "the first device does not answer"
[ "$(shown fast_counters | sed -n 's/^responses //p')" -gt "$before" ] || fail "an answer was not counted"

progress "unloaded and loaded with both lanes connected"
guest_run "$GUEST" "rmmod aperture_selftest" || fail "the self-test did not unload"
for i in 1 2 3; do
	guest_run "$GUEST" "rmmod xen_aperture" || fail "unload $i"
	guest_run "$GUEST" "insmod $ko operation_timeout_ms=8000" || fail "load $i"
	wait_until 30 both_lanes || fail "after load $i: $(shown connected), $(shown fast)"
done
assert_eq 0 "$(shown quarantined_pages)" "pages in quarantine"

progress "the worker stands still: what it should answer ends by name, the first device goes on"
worker_stop
guest_start "$GUEST" 'aperture-op 0 write 0x20 8 1 40' slow
all_there() { [ "$(count live)" = 40 ]; }
wait_until 5 all_there || fail "operations alive: $(shown operations)"
assert_eq 24 "$(count out_slow)" "operations on the slow lane: the other entries are left to the fast one"
began=$(cut -d. -f1 /proc/uptime)
lane_is fast || fail "the first device does not answer while the worker stands still"
guest_wait "$GUEST_JOB" || :
took=$(($(cut -d. -f1 /proc/uptime) - began))
assert_eq 40 "$(grep -c ' status=69 ' slow)" "operations that ended with E_TIMEOUT: $(sort slow | uniq -c)"
assert_eq 24 "$(grep -c 'lane=slow' slow)" "of them on the slow lane"
[ $took -le 33 ] || fail "they took $took s; operation_timeout_ms is 8000"
metric timeout_seconds=$took
assert_eq "0 24 24" "$(count live) $(count entries) $(count out_slow)" "operations alive, entries taken, on the slow lane"
lane_is fast || fail "the first device does not answer beside operations that nobody waits for"

progress "the worker goes on: their answers are nobody's"
worker_go
entries_free() { [ "$(count entries)" = 0 ]; }
wait_until 10 entries_free || fail "entries stay taken: $(shown operations)"
out=$(guest_run "$GUEST" 'aperture-op 0 write 0x20 8 7') || fail "a slow operation afterwards: $out"
assert_match 'lane=slow status=0 ' "$out" "a slow operation afterwards"

progress "the stub domain stands still"
guest_run "$GUEST" 'echo 2000 >/sys/module/xen_aperture/parameters/operation_timeout_ms'
xl pause "$GUEST-aperture" || fail "the stub domain is not paused"
at_exit "xl unpause $GUEST-aperture 2>/dev/null || :"
out=$(guest_run "$GUEST" 'aperture-op 0 read 0 8') && fail "answered by a stub domain that stands still: $out"
assert_match 'lane=fast status=69 ' "$out" "an operation that the first device does not answer"
xl unpause "$GUEST-aperture"
wait_until 10 entries_free || fail "entries stay taken: $(shown operations)"
lane_is fast || fail "the first device does not answer"

progress "no device at all, then both again"
fast_uninstall
daemon_stop
out=$(guest_run "$GUEST" 'aperture-op 0 read 0 8') && fail "answered by nobody: $out"
assert_match 'lane=none status=68 ' "$out" "an operation without any device"
daemon_start
wait_until 30 connected "$GUEST" 0 || fail "the device is not connected again"
lane_is slow || fail "the second device does not answer"
fast_install
wait_until 30 both_lanes || fail "the fast lane is not back"
assert_eq 0 "$(shown quarantined_pages)" "pages in quarantine"
