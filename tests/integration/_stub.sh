# SPDX-License-Identifier: GPL-2.0-only
# A stub domain made by hand: xl and xenstore-write, no tool of the project. Sourced by stub-*.sh.

STUB_FILES=/usr/local/lib/xen-aperture/stub

# stub_make NAME KERNEL GUEST [SPIN-US [LOG]]: paused; sets S, its domain. It goes when the test ends.
stub_make() {
	cat >"$1.cfg" <<-END
		name = "$1"
		type = "pv"
		kernel = "$2"
		memory = 4
		vcpus = 1
		tsc_mode = "native"
		on_crash = "preserve"
		on_watchdog = "preserve"
		on_reboot = "destroy"
		on_poweroff = "destroy"
	END
	: >"/var/log/xen/console/guest-$1.log"
	xl create -p -q "$1.cfg" || fail "xl create of the stub domain failed with status $?"
	at_exit "xl destroy $1 2>/dev/null || :"
	S=$(domid_of "$1")
	xenstore-write "/local/domain/$S/aperture/guest" "$(domid_of "$3")" \
		"/local/domain/$S/aperture/spin-us" "${4:-0}" "/local/domain/$S/aperture/log" "${5:-debug}"
	xenstore-write "/local/domain/$S/backend/aperture-fast" ""
	xenstore-chmod -r "/local/domain/$S/aperture" "n$S" r0
	xenstore-chmod -r "/local/domain/$S/backend" "n$S" r0
}

# stub_device GUEST DEVID TYPE [NODE VALUE]...: both directories of a fast lane, as the tool makes them
stub_device() {
	sd_g=$(domid_of "$1") sd_d=$2 sd_type=$3
	shift 3
	BACK=/local/domain/$S/backend/aperture-fast/$sd_g/$sd_d
	FRONT=/local/domain/$sd_g/device/aperture-fast/$sd_d
	xenstore-write "$FRONT/backend" "$BACK" "$FRONT/backend-id" "$S" "$FRONT/state" 1
	xenstore-chmod -r "$FRONT" "n$sd_g" "r$S"
	xenstore-write "$BACK/frontend" "$FRONT" "$BACK/frontend-id" "$sd_g" "$BACK/online" 1 \
		"$BACK/type" "$sd_type" "$BACK/route" declared "$BACK/state" 1 "$@"
	xenstore-chmod -r "$BACK" "n$S" "r$sd_g"
	xenstore-chmod "${BACK%/*}" "n$S" "r$sd_g"
}

stub_node() { xenstore-read "/local/domain/$S/aperture/$1" 2>/dev/null || :; }
stub_node_is() { [ "$(stub_node "$1")" = "$2" ]; }
back() { xenstore-read "$BACK/$1" 2>/dev/null || :; }
back_is() { [ "$(back "$1")" = "$2" ]; }
# stub_said NAME PATTERN
stub_said() { grep -Eq -- "$2" "/var/log/xen/console/guest-$1.log"; }
