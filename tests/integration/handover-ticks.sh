# SPDX-License-Identifier: GPL-2.0-only
# title: 1000 hand-overs in the middle of a countdown; a worker or a stub domain that stops inside of one
# rows: N10
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 150
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=600
daemon_start
module_load "$GUEST"
device_attach_with "$GUEST" type=timer,size=4K,fast=yes --stub="$CHECK_STUB" --revoke=200
wait_until 20 lane_is fast || fail "the fast lane did not connect"

judge() { # WHAT
	for j_what in lost early twice back wrong_labels; do assert_eq 0 "$(field $j_what)" "$1: $j_what"; done
	assert_eq "$(field expired)" "$(field ticks)" "$1: ticks seen of those that fell due"
	assert_eq "$(field rounds)" "$(field ticks)" "$1: ticks seen, one for each countdown"
}
counters_read
given=$(first handed_over) got=$(first received)
progress "hand-overs in mid-countdown"
guest_start "$GUEST" "aperture-timer 0 handover 1000" handover
while kill -0 "$GUEST_JOB" 2>/dev/null; do sleep 0.5; progress "hand-overs"; done
guest_wait || fail "hand-overs: $(cat handover)"
OUT=$(cat handover)
echo "$OUT"
judge "1000 hand-overs"
[ "$(field middle)" -ge 1000 ] || fail "only $(field middle) hand-overs in mid-countdown"
sleep 1.5
counters_read
given=$(($(first handed_over) - given)) got=$(($(first received) - got))
[ $given -ge 1000 ] && [ $got -ge 1000 ] || fail "the first device counts $given given and $got got"
metric handed_over=$given received=$got middle="$(field middle)"
note "$given given, $got got, countdown $(field countdown_us) us"

# While they go on, somebody stands still again and again, for three times revoke-ms: until ROUNDS of them
# happened and ENOUGH is true, which it must become within 40 stops.
stopping() { # WHAT STOP GO ROUNDS ENOUGH
	progress "$1 inside of hand-overs"
	guest_run "$GUEST" 'rm -f /tmp/enough'
	guest_start "$GUEST" "n=0; until [ -e /tmp/enough ] && [ \$n -ge $4 ]; do
		n=\$((n + 100)); aperture-timer 0 handover 100 || exit 1; done" stopped
	stops=0 told=
	while kill -0 "$GUEST_JOB" 2>/dev/null; do
		sleep 0.3
		$2
		sleep 0.6
		$3
		stops=$((stops + 1))
		[ $((stops % 10)) != 0 ] || progress "stop $stops"
		[ -z "$told" ] || continue
		if [ $stops -ge 3 ] && $5; then
			told=y
			guest_run "$GUEST" 'touch /tmp/enough'
		fi
		[ -n "$told" ] || [ $stops -lt 40 ] || fail "$1: not enough after $stops stops: $(enough_is)"
	done
	guest_wait || fail "$1 inside of hand-overs: $(cat stopped)"
	OUT=$(cat stopped)
	echo "$OUT"
	judge "$1"
	note "$1 $stops times"
}
enough_is() { echo "the first device took the state back $(first revoked) times"; }
worker_stands() { kill -STOP "$WORKER"; }
revoked() { counters_read && [ "$(first revoked)" -ge 3 ]; }
WORKER=$(worker_pid "$GUEST")
at_exit "kill -CONT $WORKER 2>/dev/null"
stopping "the worker stops" worker_stands worker_go "$(short_long 100 200)" revoked
metric revoked="$(first revoked)" lost_commits="$(second lost)"
# The first device publishes what it gave and what it got at the end of its turn: while the state is away, one
# less of these than it got when it is at home.
balance() {
	OUT=$(guest_run "$GUEST" 'aperture-selftest peek 0 record 128 8; aperture-selftest peek 0 record 120 8') ||
		fail "the record's counters cannot be read: $OUT"
	set -- $(echo "$OUT" | sed 's/.*value=//')
	BALANCE=$(($1 - $2))
}
wait_until 5 lane_is fast || fail "the first device does not answer any more"
balance
home=$BALANCE inside=0
stub_pauses() {
	xl pause "$(stub_of "$GUEST")"
	balance
	[ $BALANCE -ge $home ] || inside=$((inside + 1))
}
stub_goes() { xl unpause "$(stub_of "$GUEST")"; }
paused_inside() { [ $inside -ge 3 ]; }
enough_is() { echo "it was paused while the state was away $inside times"; }
stopping "the stub domain is paused" stub_pauses stub_goes "$(short_long 200 500)" paused_inside
metric paused_inside=$inside pauses=$stops
