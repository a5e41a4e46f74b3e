# SPDX-License-Identifier: GPL-2.0-only
# A guest with trapped devices made by hand: xl, xenstore-write and set-target, no tool of the project.
# Sourced after _lib.sh and _stub.sh.

# trap_guest NAME VCPUS [XL-SETTING...]: a PVH guest, paused; it goes when the test ends.
trap_guest() {
	tg_name=$1 tg_vcpus=$2
	shift 2
	at_exit "xl destroy $tg_name 2>/dev/null || :"
	xl create -p -q "$RIG_GUESTS/pvh.cfg" "name=\"$tg_name\"" "vcpus=$tg_vcpus" "$@" ||
		fail "xl create of the guest failed with status $?"
}

# trap_stub GUEST [KERNEL]: its stub domain GUEST-stub, with the guest as its target; paused. Sets S.
trap_stub() {
	stub_make "$1-stub" "${2:-$STUB_FILES/check-stub}" "$1"
	xenstore-write "/local/domain/$S/aperture/trapped" "" "/local/domain/$S/device/aperture" ""
	xenstore-chmod -r "/local/domain/$S/device/aperture" "n$S" r0
	xenstore-chmod -r "/local/domain/$S/aperture" "n$S" r0
	set-target "$S" "$(domid_of "$1")" || broken "set-target failed"
}

# trap_device DEVID TYPE io|mmio ADDRESS [TIMEOUT-MS]: its door. S is the stub domain.
trap_device() {
	td_node=/local/domain/$S/aperture/trapped/$1
	xenstore-write "$td_node/type" "$2" "$td_node/door" "$3" "$td_node/address" "$(($4))" \
		"$td_node/timeout-ms" "${5:-5000}" "$td_node/state" 1
	xenstore-chmod -r "$td_node" "n$S" r0
}

# trap_slow DEVID TYPE: its slow lane, for the daemon
trap_slow() {
	ts_back=/local/domain/0/backend/aperture/$S/$1 ts_front=/local/domain/$S/device/aperture/$1
	xenstore-write "$ts_front/backend" "$ts_back" "$ts_front/backend-id" 0 "$ts_front/state" 1
	xenstore-chmod -r "$ts_front" "n$S" r0
	xenstore-write "$ts_back/frontend" "$ts_front" "$ts_back/frontend-id" "$S" "$ts_back/online" 1 \
		"$ts_back/type" "$2" "$ts_back/max-size" 4096 "$ts_back/max-apertures" 1 \
		"$ts_back/server" apertured "$ts_back/state" 1
	xenstore-chmod -r "$ts_back" n0 "r$S"
	at_exit "xenstore-rm $ts_back"
}

trap_node() { xenstore-read "/local/domain/$S/aperture/trapped/$1/$2" 2>/dev/null || :; }
trap_is() { [ "$(trap_node "$1" state)" = "$2" ]; } # DEVID STATE
trap_slow_is() { [ "$(xenstore-read "/local/domain/$S/device/aperture/$1/state" 2>/dev/null)" = "$2" ]; }

# trap_ready DEVID: its door is open
trap_ready() {
	wait_until 20 trap_is "$1" 4 ||
		fail "device $1: the door is not open: state $(trap_node "$1" state), $(trap_node "$1" error)"
}

# trap_go GUEST DEVID...: stub domain and guest start; the guest's nodes
trap_go() {
	tg_g=$1 tg_id=$(domid_of "$1")
	shift
	xl unpause "$S"
	for tg_d in "$@"; do
		trap_ready "$tg_d"
		tg_n=/local/domain/$tg_id/aperture/$tg_d
		xenstore-write "$tg_n/event-domain" "$S"
		for tg_k in type door address size event-channel; do
			xenstore-write "$tg_n/$tg_k" "$(trap_node "$tg_d" "$tg_k")"
		done
	done
	xenstore-chmod -r "/local/domain/$tg_id/aperture" n0 "r$tg_id"
	xl unpause "$tg_g"
	guest_ready "$tg_g" || fail "the guest did not come up; the stub domain's console: $(tail -n 5 "/var/log/xen/console/guest-$tg_g-stub.log")"
}

# Server first: a stub domain that is destroyed while its guest runs would hang it.
trap_end() { # GUEST
	xl destroy "$1"
	xl destroy "$1-stub"
}
