# SPDX-License-Identifier: GPL-2.0-only
# title: a poisoned word has its name at both ends within 10 ms of the event that shows it
# rows: B5
# guests: pv pvh
# timeout: 300
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_poison.sh
GUEST_TIMEOUT=300
LIMIT=10000	# microseconds

within() { # SIDE LANE WORD: of the walk in OUT
	[ "$(field slowest_us)" -gt 0 ] || fail "$*: nothing was measured"
	metric "$1_$2_$3_us=$(field slowest_us)"
	[ "$(field slowest_us)" -le $LIMIT ] || fail "$*: $(field slowest_us) us, must be $LIMIT at most"
}
time_of() { # child|parent LANE WORD...
	to_side=$1 to_lane=$2
	shift 2
	for word in "$@"; do
		progress "$to_side, $to_lane lane: $word"
		"walk_$to_side" "$to_lane" "$word"
		within "$to_side" "$to_lane" "$word"
	done
}

# The child's clock: from the event that shows a side the poison to the end of the child's connection
daemon_start
module_load "$GUEST" request_timeout_ms=3000
device_attach "$GUEST" type=check,size=1M
time_of child slow ring.req_prod ring.rsp_prod event.status mask.status
fast_install
time_of child fast ring.req_prod event.status mask.fast_status
device_detach_all "$GUEST"
daemon_stop

# The parent's clock: from its event to the child's status word. Its own last word, in event.status, the child
# hears as above, where a parent that found a poison says so.
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
time_of parent slow ring.rsp_prod
serve
fast_nodes
time_of parent fast ring.rsp_prod
