# SPDX-License-Identifier: GPL-2.0-only
# The device path: first devices, what both halves count, loads of operations and of ticks.

CHECK_STUB=/usr/local/lib/xen-aperture/stub/check-stub	# the stub domain with the tests' device in it

# fast_attach GUEST SPEC [OPTION...]: a device with both halves, connected on both lanes
fast_attach() {
	fa_guest=$1 fa_spec=$2
	shift 2
	device_attach_with "$fa_guest" "$fa_spec,fast=yes" --stub="$CHECK_STUB" "$@"
	wait_until 20 lane_is fast || fail "the fast lane did not connect: $(xen-aperture list "$fa_guest")"
}
device_attach_with() { # GUEST SPEC OPTION...
	da_guest=$1
	xen-aperture attach "$@" --wait=60 || fail "xen-aperture attach $* failed with status $?"
	at_exit "device_detach_all $da_guest"
}
fast_install() { # [OPTION...]
	xen-aperture install "$GUEST" 0 --stub="$CHECK_STUB" --wait=60 "$@" || fail "install failed with status $?"
	wait_until 20 lane_is fast || fail "the fast lane did not connect"
}
fast_uninstall() { xen-aperture uninstall "$GUEST" 0 --wait=60 || fail "uninstall failed with status $?"; }

# stub_of GUEST: its stub domain
stub_of() { domid_of "$1-aperture"; }
stub_dead() { ! stub_of "$1" >/dev/null; }

# lane_is fast|slow: who answers now (one operation of device 0, of any type: register 0)
lane_is() { guest_run "$GUEST" "aperture-op 0 read 0 8" 2>/dev/null | grep -q "lane=$1 status=0 "; }

# Both halves' counters of device 0, as of now: FIRST and SECOND NAME say them
counters_read() { xen-aperture stat "$GUEST" 0 >stat || fail "no counters"; }
first() { awk -v n="$1" '/OPERATIONS/ { on = 1 } on && $1 == n { print $2; exit }' stat; }
second() { awk -v n="$1" '/OPERATIONS/ { on = 1 } on && $1 == n { print $3; exit }' stat; }

# operate WHAT COUNT [OPTION...]: random operations of a guest program, each answer compared with the
# reference's; sets OUT
operate() {
	o_what=$1
	shift
	OUT=$(guest_run "$GUEST" "aperture-operate 0 $*" 2>&1) || fail "$o_what: $OUT"
	echo "$OUT"
	assert_eq 0 "$(field wrong)" "answers that differ from the reference ($o_what)"
}
# program WHAT COMMAND: another guest program
program() {
	OUT=$(guest_run "$GUEST" "$2" 2>&1) ||
		fail "$1: status $?: $OUT; the guest's log ends with: $(guest_run "$GUEST" 'dmesg | tail -n 4 | tr "\n" "|"')"
	echo "$OUT"
}

# by_events_only: with the module's look_again=N. Each answer had its event, in both directions: nothing was left
# unanswered, nobody was reminded, and no answer was found by looking.
by_events_only() {
	OUT=$(guest_run "$GUEST" 'echo look=$(cat /sys/module/xen_aperture/parameters/look_again)
		sed "s/ /=/" /sys/bus/xen/devices/aperture-0/aperture/operations') || fail "no counters of the guest: $OUT"
	assert_eq "N 0 0 0 0" "$(field look) $(field found) $(field reminded) $(field unanswered) $(field live)" \
		"look_again; answers found, reminders, operations without an answer, operations left"
}

# The worker stands still; it goes on when the test ends.
worker_stop() {
	WORKER=$(worker_pid "$GUEST")
	at_exit "kill -CONT $WORKER 2>/dev/null"
	kill -STOP "$WORKER" || fail "the worker $WORKER cannot be stopped"
	wait_until 5 worker_stopped || fail "the worker $WORKER did not stop"
}
worker_stopped() { [ "$(awk '{ print $3 }' "/proc/$WORKER/stat")" = T ]; }
worker_go() { kill -CONT "$WORKER"; }

# Random operations of all kinds in the background, run after run, until load_end. Sets nothing; any
# answer that differs from the reference fails load_end.
operations_load() { # [OPTION...]
	guest_run "$GUEST" 'rm -f /tmp/stop'
	guest_start "$GUEST" "n=0; while [ ! -e /tmp/stop ]; do n=\$((n + 1))
		aperture-operate 0 2000 seed=\$n apart=0 $* || exit 1; done; echo runs=\$n" load
	LOAD=$GUEST_JOB
}
operations_load_end() { # sets RUNS
	guest_run "$GUEST" 'touch /tmp/stop'
	guest_wait "$LOAD" || fail "the load failed: $(tail -n 5 load)"
	OUT=$(cat load)
	RUNS=$(field runs)
	assert_eq "" "$(grep -o 'wrong=[1-9].*' load || :)" "operations that went wrong"
	[ "$RUNS" -ge 1 ] || fail "no run of the load came to its end"
}
load_lives() { kill -0 "$LOAD" 2>/dev/null || fail "the load ended: $(tail -n 5 load)"; }
