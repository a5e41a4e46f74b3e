# SPDX-License-Identifier: GPL-2.0-only
# Guests that are saved and restored, with something going on in them.

SAVED=/run/guest.save
REMEMBERED=/usr/local/var/lib/xen-aperture/guests

# in_guest NAME COMMAND: in the background there, whatever domain the guest is; its output is in
# /tmp/NAME, its status in /tmp/NAME.status
in_guest() {
	guest_run "$GUEST" "rm -f /tmp/$1.status; ( $2; echo \$? >/tmp/$1.status ) >/tmp/$1 2>&1 </dev/null &"
}
in_guest_ended() { guest_run "$GUEST" "[ -e /tmp/$1.status ]" 2>/dev/null; }
in_guest_wait() { # NAME SECONDS WHAT: sets OUT
	wait_until "$2" in_guest_ended "$1" || fail "$3 did not end in $2 s: $(guest_run "$GUEST" "tail -n 5 /tmp/$1")"
	OUT=$(guest_run "$GUEST" "tail -n 20 /tmp/$1")
	echo "$OUT"
	assert_eq 0 "$(guest_run "$GUEST" "cat /tmp/$1.status")" "$3: $OUT"
}
in_guest_says() { guest_run "$GUEST" "grep -q '$2' /tmp/$1" 2>/dev/null; }

traffic_start() { # DEVICE
	in_guest traffic "rm -f /tmp/stop /tmp/stop.call; aperture-save $1 /tmp/stop"
	wait_until 20 in_guest_says traffic ready || fail "the traffic did not begin: $(guest_run "$GUEST" 'cat /tmp/traffic')"
}
traffic_end() { # CONNECTIONS
	guest_run "$GUEST" 'touch /tmp/stop'
	in_guest_wait traffic 30 "traffic"
	assert_eq 0 "$(field wrong)" "rounds that went wrong"
	[ "$(field rounds)" -ge 4 ] || fail "only $(field rounds) rounds"
	note "$(printf '%s\n' "$OUT" | tail -n 1)"
	assert_eq "$1" "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/connections')" "connections"
}

save() {
	at_exit "rm -f $SAVED"
	xl save "$GUEST" "$SAVED" >/dev/null || fail "xl save failed with status $?"
	wait_until 10 guest_gone "$GUEST" || fail "the guest that was saved is still there: $(xl list)"
}
# A restored PVH guest is no other test's: its task register comes back marked busy, as on every processor, and
# the emulator then refuses programs the ports that iopl() gave them (a #GP).
restore() { # [OPTION...]
	[ "$TYPE" = pv ] || at_exit_last "guest_alive $GUEST && guest_destroy $GUEST"
	xl restore "$@" "$SAVED" >/dev/null 2>restore.err || fail "xl restore failed: $(cat restore.err)"
	rm -f "$SAVED"
}
state_of() { xenstore-read "/local/domain/$(domid_of "$GUEST")/device/aperture/$1/state" 2>/dev/null; }
is_connected() { [ "$(state_of "$1")" = 4 ]; }
# The guest's own view in xenstore: its agent does not hear commands that came while it was away.
connected_again() { # DEVICE...
	for ca_device; do
		wait_until 20 is_connected "$ca_device" ||
			fail "device $ca_device of the restored guest is in state '$(state_of "$ca_device")'"
	done
}
