# SPDX-License-Identifier: GPL-2.0-only
# Trapped devices made by the tool. Sourced after _lib.sh and _operations.sh.

# door_attach GUEST SPEC [OPTION...]: a trapped device that accesses reach. It goes when the test ends.
door_attach() {
	dt_guest=$1
	# The stub domain is made with the first device.
	stub_of "$1" >/dev/null || set -- "$@" --stub="$CHECK_STUB"
	xen-aperture attach "$@" --wait=60 || fail "xen-aperture attach $* failed with status $?"
	case $RIG_AT_EXIT in *"device_detach_all $dt_guest"*) ;; *) at_exit "device_detach_all $dt_guest" ;; esac
}

# counts_read DEVICE: both halves' counters, as of a second ago; first and second NAME say them
counts_read() { xen-aperture stat "$GUEST" "$1" >stat || fail "no counters of device $1"; }

# counts_since DEVICE: from here on
# counts_settle DEVICE TRAPPED: until the first device says that it had so many accesses since then
counts_since() { # DEVICE
	sleep 1.2
	counts_read "$1"
	TRAPPED=$(first trapped) FORWARDED=$(first forwarded) EXECUTED=$(second executed) TIMEOUTS=$(first timeouts)
}
counts_settle() {
	wait_until 10 counts_are "$1" "$2" || :
	assert_eq "$2" "$(($(first trapped) - TRAPPED))" "accesses that the first device counts"
}
counts_are() { counts_read "$1" && [ $(($(first trapped) - TRAPPED)) -ge "$2" ]; }
