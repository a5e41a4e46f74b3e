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
time_of() { # child|parent "LANE [WALK]" WORD...
	to_side=$1 to_walk=$2
	shift 2
	for word in "$@"; do
		progress "$to_side, $to_walk: $word"
		# shellcheck disable=SC2086
		"walk_$to_side" $to_walk "$word"
		within "$to_side" "${to_walk% *}" "$word"
	done
}

# The child's clock: from the event that shows a side the poison until last_error and the parent's error node
# have the name; of a word of the record or of a request: until the answer has it
daemon_start
module_load "$GUEST" request_timeout_ms=3000
device_attach "$GUEST" type=check,size=1M
time_of child slow slot.checksum open.wanted request.id ring.req_prod ring.rsp_prod event.status mask.status
fast_install
time_of child fast slot.checksum operation.size ring.req_prod event.status mask.fast_status
device_detach_all "$GUEST"
daemon_stop

# The parent's clock: from its event until the child's status word and its error node, or last_error, have the name
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
time_of parent "slow pages" ring.rsp_prod event.status
time_of parent "slow answers" opened.value response.id
serve_program
fast_nodes
time_of parent "fast pages" ring.rsp_prod event.status
time_of parent "fast answers" operated.status
