# SPDX-License-Identifier: GPL-2.0-only
# title: every end of a guest with trapped devices, under load: nothing remains, no (null) domain, no hung vCPU
# rows: N15 N16
# guests: none
# vcpus: 1
# vcpus-long: 4
# timeout: 120
# allow: domain_crash_sync called
# allow: domain_crash called
# allow: crashed on cpu
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

NAME=ends
at_exit "xl destroy $NAME 2>/dev/null; xl destroy $NAME-aperture 2>/dev/null"
grep -v '^aperture' "$RIG_GUESTS/pvh.cfg" >guest.cfg
cat >>guest.cfg <<-END
	name = "$NAME"
	vcpus = $VCPUS
	aperture = [ "type=timer,io=0x600", "type=timer,mmio=auto" ]
END
stub() { xl domid $NAME-aperture 2>/dev/null; }
entry() { echo "/local/domain/0/aperture-stub/$(stub)"; }
restarts() { xenstore-read "$(entry)/watchdog-restarts" 2>/dev/null || echo 0; }
restarted() { [ "$(restarts)" -gt "$1" ]; }
start() {
	xen-aperture create guest.cfg -- -q >/dev/null || fail "create failed"
}
# Accesses without end, of both kinds: a vCPU that hangs stops them. Beside them those that the second device
# answers (WALL): one is out at any time.
load() {
	guest_run $NAME ': >/tmp/turns'
	guest_start $NAME 'while :; do
		dd if=/dev/port bs=1 skip=1536 count=64 of=/dev/null 2>/dev/null
		devmem 0xff010018 32 >/tmp/seen
		echo >>/tmp/turns
	done'
	guest_start $NAME 'while :; do devmem 0xff010040 32 >/tmp/wall; done'
}
forwarded() { xen-aperture stat $NAME 1 | awk '$1 == "forwarded" { print $2 }'; }
has_forwarded() { [ "$(forwarded)" -ge "$1" ]; }
# stands_still: the worker does from now on; an access waits for it
stands_still() {
	wait_until 20 has_forwarded 5 || fail "the worker has nothing to do: $(forwarded) accesses sent on"
	WORKER=$(worker_pid $NAME-aperture) || fail "no worker serves the stub domain"
	at_exit "kill -CONT $WORKER 2>/dev/null"
	kill -STOP "$WORKER"
	wait_until 5 stopped || fail "the worker did not stop"
	sleep 0.5
}
stopped() { [ "$(awk '{ print $3 }' "/proc/$WORKER/stat")" = T ]; }
turns() { guest_run $NAME 'wc -l </tmp/turns' || fail "the guest does not answer: it hangs"; }
moved() { [ "$(turns)" -gt "$1" ]; }
goes_on() { # WHEN
	go_was=$(turns)
	wait_until 20 moved "$go_was" || fail "no access of the guest ends any more after $1"
}
nothing() {
	! xl list | grep -q "$NAME\|(null)" && ! xenstore-exists /local/domain/0/aperture-stub &&
		[ -z "$(xenstore-list /local/domain/0/backend/aperture 2>/dev/null)" ] && [ -z "$(find /run/xen-aperture -name '*.stat')" ]
}
remains() { # WHEN
	wait_until 10 nothing || fail "after $1 there remain: $(xl list; xenstore-ls -f /local/domain/0/aperture-stub 2>&1
		xenstore-ls -f /local/domain/0/backend/aperture; find /run/xen-aperture -name '*.stat')"
}
log_says() { grep -Eq "stub domain $S of guest $G: $1" "$DAEMON_LOG"; }

daemon_start
progress "the stub domain is destroyed by hand: what holds is said, the guest's end takes all away"
start
xl pause $NAME
S=$(stub) G=$(domid_of $NAME)
xl destroy "$S"
said() { log_says "ended with trapped devices \(io 0x600, mmio 0xff010000\): the guest hangs at its next access.*xl destroy $G"; }
wait_until 10 said || fail "the log does not say what holds: $(tail -n 5 "$DAEMON_LOG")"
! xenstore-exists "/local/domain/$G/aperture" || fail "the guest is still told of devices"
assert_fails 1 xen-aperture attach $NAME type=timer,io=0x600
assert_match 'open ioreq server of a domain that is gone' "$OUT" "what is said"
xl destroy $NAME
remains "the end of a guest whose stub domain was destroyed"
leak_check_begin

progress "detached under load, and attached again"
start
guest_ready $NAME || fail "the guest did not come up"
load
stands_still
xen-aperture detach $NAME 1 --force --wait=5 >/dev/null || fail "detach failed while the worker stands still"
goes_on "detach"
kill -CONT "$WORKER" 2>/dev/null || :
assert_eq 0xFFFFFFFF "$(guest_run $NAME 'devmem 0xff010018 32')" "where a device was"
xen-aperture attach $NAME type=timer,mmio=auto,id=1 >/dev/null || fail "attach failed"
assert_eq 0x00000008 "$(guest_run $NAME 'devmem 0xff010018 32')" "a device that is there again"

progress "apertured is killed, then the stub domain crashes: restarted in place"
S=$(stub) G=$(domid_of $NAME)
kill -9 "$(daemon_pid)"
wait_until 10 daemon_pid >/dev/null || fail "no new supervisor"
was=$(restarts)
stub-crash "$S"
wait_until 10 restarted "$was" || fail "the crashed stub domain is not restarted: $(xl list)"
goes_on "a crash of the stub domain"
log_says 'has crashed; without it guest .* would hang.*xl destroy' || fail "the log does not say what holds"

progress "one that cannot be restarted stays all the same, until it can"
good=$(xenstore-read "/local/domain/$S/aperture/restart-entry")
xenstore-write "/local/domain/$S/aperture/restart-entry" nowhere
stub-crash "$S"
without() { log_says 'has crashed, and has no restart-entry'; }
wait_until 10 without || fail "the log does not say it: $(tail -n 3 "$DAEMON_LOG")"
sleep 0.5
assert_eq "$S" "$(stub)" "the stub domain"
xenstore-write "/local/domain/$S/aperture/restart-entry" "$good"
goes_on "a time without a restart"

progress "the guest is destroyed while the worker stands still"
stands_still
xl destroy $NAME
remains "the guest's end while its worker stood still"

progress "apertured is killed, and the guest destroyed under load"
start
guest_ready $NAME || fail "the guest did not come up"
load
wait_until 20 has_forwarded 1 || fail "no access is sent on"
kill -9 "$(daemon_pid)"
xl destroy $NAME
remains "the guest's end while no apertured was there"
leak_check_end 20
