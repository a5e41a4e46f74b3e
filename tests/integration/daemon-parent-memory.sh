# SPDX-License-Identifier: GPL-2.0-only
# title: kill -9 of the worker while the guest uses the parent's memory and its own unaligned: neither contents nor mapping notice
# rows: M6 M14 M16
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

SIZE=262144

kill_once() {
	set -- $(stat_numbers "$DOMID")
	kill -9 "$4" || fail "worker $4 was gone already"
	reconnected "$DOMID" "$3"
}
guest_pins() {
	guest_run "$GUEST" "sed -n 's/^pinned_pages //p' /sys/bus/xen/devices/aperture-0/aperture/limits"
}
keep_start() {
	guest_run "$GUEST" 'rm -f /tmp/stop /tmp/keep'
	GUEST_TIMEOUT=7200 guest_start "$GUEST" "aperture-keep 0 $SIZE >/tmp/keep 2>&1"
	KEEP=$GUEST_JOB
	wait_until 20 guest_run "$GUEST" 'grep -q ^ready /tmp/keep' ||
		fail "the guest's program: $(guest_run "$GUEST" 'cat /tmp/keep')"
}
keep_end() { # sets OUT
	guest_run "$GUEST" 'touch /tmp/stop'
	guest_wait "$KEEP" || fail "the guest's program: $(guest_run "$GUEST" 'cat /tmp/keep')"
	OUT=$(guest_run "$GUEST" 'cat /tmp/keep')
	note "$(printf '%s\n' "$OUT" | tail -n 1)"
}
keep_stop() {
	keep_end
	for ks_field in other faults error; do assert_eq 0 "$(field $ks_field)" "$ks_field"; done
}

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=64M
DOMID=$(domid_of "$GUEST")
WORST=0

progress "so that tables are as large as they get"
keep_start
kill_once
keep_stop
leak_check_begin

keep_start
ROUNDS=$(short_long 5 1000)
PINNED=$(guest_pins)
[ "$PINNED" -gt 0 ] || fail "no page of the program's own memory is pinned"
for i in $(seq "$ROUNDS"); do
	kill_once
	[ $((i % 20)) != 0 ] || progress "kill $i of $ROUNDS"
done
assert_eq "$PINNED" "$(guest_pins)" "pages of the program's own memory after $ROUNDS kills"
keep_stop
assert_eq 0 "$(guest_pins)" "pages of the program's own memory at its end"
assert_eq 19 "$(field more_than_all)" "status of a request for more than max_given leaves (E_SIZE_LEAST)"
[ "$(field workers)" -ge $((ROUNDS / 2)) ] || fail "the program saw $(field workers) workers only"
[ "$(field rounds)" -ge "$ROUNDS" ] || fail "both sides looked $(field rounds) times only"
note "$ROUNDS kills, slowest recovery ${WORST}0 ms"
! grep -q E_LOST "$DAEMON_LOG" || fail "memory was lost: $(grep E_LOST "$DAEMON_LOG")"

leak_check_end

progress "kill -9 of the supervisor: the guest keeps what it has mapped, and gets new memory"
keep_start
set -- $(stat_numbers "$DOMID")
kill -9 "$(daemon_pid)"
reconnected "$DOMID" "$3"
keep_end
assert_eq 0 "$(field other)" "contents after the supervisor's end"

progress "a service manager that keeps the files: kill -9 of the supervisor is not noticed either"
daemon_stop
keeper_stop() {
	kill "$KEEPER" 2>/dev/null || return 0
	wait "$KEEPER" || :
}
keep-files apertured --foreground >>"$DAEMON_LOG" 2>&1 </dev/null &
KEEPER=$!
at_exit keeper_stop
wait_until 20 connected "$GUEST" 0 || fail "no connection to the daemon that the service manager started"
keep_start
for i in 1 2; do
	set -- $(stat_numbers "$DOMID")
	kill -9 "$(daemon_pid)"
	reconnected "$DOMID" "$3"
done
keep_stop
grep -q 'pages of memory that was given are taken up again' "$DAEMON_LOG" || fail "the daemon did not say that it took memory up"
keeper_stop
daemon_start
