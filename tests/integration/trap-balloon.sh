# SPDX-License-Identifier: GPL-2.0-only
# title: REP at a page that another vCPU gives away and takes back: the stub domain and other guests go on, Xen may end the guest
# rows: N15 BAD
# guests: pvh
# guest: fresh
# vcpus: 2
# timeout: 60
# allow: domain_crash called from
# allow: crashed on cpu
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
GUEST_TIMEOUT=120
daemon_start
module_load "$GUEST"
door_attach "$GUEST" type=check,io=0x600
S=$(stub_of "$GUEST")
daemon=$(daemon_pid)

# Xen emulates the instruction again when it was answered. If the memory is another by then, it ends the
# guest, by itself.
progress "a page that comes and goes"
guest_start "$GUEST" "aperture-selftest balloon $((0x61e)) $(short_long 3000 20000)" balloon
if guest_wait; then
	OUT=$(cat balloon)
	sleep 1.2
	counts_read 0
	note "the guest lives: $OUT, $(first faults) elements without memory"
	[ "$(first faults)" -gt 0 ] || fail "no element's memory was missing: $OUT"
	assert_eq 0 "$(xenstore-read "/local/domain/$S/aperture/restarts")" "restarts of the stub domain"
else
	wait_until 20 guest_gone "$GUEST" || fail "$(cat balloon)"
	note "Xen ended the guest: $(cat balloon)"
fi
if ! guest_alive "$GUEST"; then
	wait_until 20 stub_dead "$GUEST" || fail "the stub domain of a guest that Xen ended is still there"
	assert_eq "" "$(xl list | grep -F '(null)' || :)" "domains that cannot go"
fi
[ -z "$(grep -E 'trap|restart in place|panic' "/var/log/xen/console/guest-$GUEST-aperture.log" || :)" ] ||
	fail "the stub domain says: $(tail -n 3 "/var/log/xen/console/guest-$GUEST-aperture.log")"
assert_eq "$daemon" "$(daemon_pid)" "apertured's process"
