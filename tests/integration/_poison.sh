# SPDX-License-Identifier: GPL-2.0-only
# Walks over the words of the shared pages, from either side.

# walk_child LANE [WORD]: the guest's own walker; it makes the connection anew where one ended
walk_child() {
	guest_run "$GUEST" "RIG_PATIENCE=${RIG_PATIENCE:-1} aperture-poison 0 $*" >"child.$1" 2>&1 || :
	walked "child.$1"
}
# walk_parent slow|fast pages|record|answers|given [WORD]: somebody asks all the time, and none may have to wait
# for its timeout; the guest says what last_error is
walk_parent() {
	wp_ask="ask 0 $([ "$1" = slow ] && echo 2 || echo 1) 500"
	case $2 in
	pages) wp_ask="requests${wp_ask#ask}" ;;
	given) wp_ask="$wp_ask 4" ;;	# XENAPT_OPEN_PARENT_OWNED
	esac
	guest_run "$GUEST" 'rm -f /tmp/stop'
	guest_start "$GUEST" "aperture-poison 0 $1 names & while [ ! -e /tmp/stop ]; do aperture-selftest $wp_ask; done; wait" requests
	poison-parent "$(domid_of "$GUEST")" 0 "$@" >"parent.$1.$2" 2>&1 || :
	guest_run "$GUEST" 'touch /tmp/stop'
	guest_wait || :
	walked "parent.$1.$2"
	# The last one was left alone by a parent that is gone.
	assert_eq "" "$(sed '$d' requests | grep -o 'timeouts=[1-9].*' || :)" "requests that nobody ended"
}
walked() { # SIDE.LANE: sets OUT
	cat "$1"
	OUT=$(tail -n 1 "$1")
	[ -n "$(field poisons)" ] || fail "the walk over $1 ended early: $OUT"
	note "$1: $OUT"
	assert_eq "" "$(grep '^not ok' "$1" | head -n 3)" "words of $1 whose poison does something else"
}

# A fast lane with this domain as its parent, by hand: the guest cannot tell. It looks once, when the state
# appears in its directory; what is made in a directory has its permissions.
fast_nodes() {
	fn_domid=$(domid_of "$GUEST")
	fn_back=/local/domain/0/backend/aperture-fast/$fn_domid/0
	fn_front=/local/domain/$fn_domid/device/aperture-fast/0
	at_exit "xenstore-rm $fn_front; xenstore-rm $fn_back"
	xenstore-write $fn_back "" $fn_front ""
	xenstore-chmod $fn_back n0 r"$fn_domid"
	xenstore-chmod $fn_front n"$fn_domid" r0
	xenstore-write $fn_back/frontend $fn_front $fn_back/frontend-id "$fn_domid" $fn_back/online 1 \
		$fn_back/type check $fn_back/route declared $fn_back/revoke-ms 50 $fn_back/state 1
	xenstore-write $fn_front/backend $fn_back $fn_front/backend-id 0 $fn_front/state 1
}
