# SPDX-License-Identifier: GPL-2.0-only
# title: a guest that breaks the contract in every way, PV and PVH: errors by name, the other guest is served all the while
# rows: BAD M15 B2 B5
# guests: pv+pvh
# timeout: 90
. /rig/tests/_lib.sh
PV=${GUESTS%% *} PVH=${GUESTS##* }
GUEST_TIMEOUT=120

# hold GUEST: an aperture of the guest that is asked questions
hold() {
	OUT=$(selftest "$1" hold 0 65536) || fail "an aperture of $1: $OUT"
	case $1 in "$PV") HELD_PV=$(field id) ;; *) HELD_PVH=$(field id) ;; esac
}
hundredths() { # sets NOW
	read -r h_up h_rest </proc/uptime
	NOW=${h_up%.*}${h_up#*.}
}
# Three questions of $B. Sets TOOK, in hundredths of a second.
questions() {
	case $B in "$PV") held=$HELD_PV ;; *) held=$HELD_PVH ;; esac
	hundredths
	q_start=$NOW
	for q in 1 2 3; do
		selftest "$B" ping "$held" >/dev/null || fail "the other guest is not served: $case"
	done
	hundredths
	TOOK=$((NOW - q_start))
}
alone() { # GUEST: sets TOOK
	B=$1 case="before"
	questions
	questions
	note "$B on its own: three questions in ${TOOK}0 ms"
}

daemon_start
for g in $PV $PVH; do
	module_load "$g" request_timeout_ms=30000
	device_attach "$g" type=check,size=16M
	hold "$g"
done
workers="$(worker_pid "$PV") $(worker_pid "$PVH")"
alone "$PV"
ALONE_PV=$TOOK
alone "$PVH"
ALONE_PVH=$TOOK

# In the guest: round COMMAND PATTERN; and after a connection that ended: its name, and the next connection
IN_GUEST='sys=/sys/bus/xen n=0 f=0
round() {
	if eval "$1" >/tmp/round 2>&1 && grep -q "$2" /tmp/round; then
		n=$((n + 1))
	else
		f=$((f + 1))
		tail -n 3 /tmp/round
	fi
}
error() { cat $sys/devices/aperture-0/aperture/last_error; }
ended() {
	for i in $(seq 100); do
		error | grep ^E_ && return
		sleep 0.03
	done
	error
	return 1
}
again() {
	echo aperture-0 >$sys/devices/aperture-0/driver/unbind
	echo aperture-0 >$sys/drivers/xen-aperture/bind
	aperture-selftest wait 0
}'

# by HOSTILE OTHER NAME PATTERN COMMAND: in the one again and again, while the other is served. A round is
# one in which each part of COMMAND did what it should, and its output has PATTERN.
CASES=0
by() {
	A=$1 B=$2 case="$3 ($1)"
	CASES=$((CASES + 1))
	progress "$case"
	guest_start "$A" "$IN_GUEST
		while :; do
			round '$5' '$4'
			[ ! -e /tmp/stop.$CASES ] || break
		done
		echo rounds=\$n failed=\$f" rounds
	questions
	guest_run "$A" "touch /tmp/stop.$CASES"
	guest_wait || fail "$case: the hostile guest: $(cat rounds)"
	OUT=$(cat rounds)
	[ "$(field rounds)" -ge 1 ] || fail "$case: nothing was tried with success: $OUT"
	assert_eq 0 "$(field failed)" "$case: rounds that did not do what they should: $OUT"
	[ "$B" = "$PV" ] && alone=$ALONE_PV || alone=$ALONE_PVH
	[ $TOOK -le $((5 * alone + 300)) ] ||
		fail "$case: three questions of the other guest took ${TOOK}0 ms, on its own ${alone}0 ms"
	note "$case: three questions of the other guest in ${TOOK}0 ms; $(cat rounds)"
}
# each CASE [ARGUMENT...]: CASE HOSTILE OTHER ARGUMENT...: by one guest, the next case by the other; the long form: by both
TURN=$PVH
each() {
	each_case=$1
	shift
	if [ -n "$LONG" ] || [ $TURN = "$PVH" ]; then $each_case "$PV" "$PVH" "$@"; fi
	if [ -n "$LONG" ] || [ $TURN = "$PV" ]; then $each_case "$PVH" "$PV" "$@"; fi
	[ $TURN = "$PV" ] && TURN=$PVH || TURN=$PV
}

each by "events without end" sent "aperture-selftest event 0 2 20000 && echo sent"
each by "directories that lie" status=E_DIRECTORY "aperture-selftest lies 0"
each by "a directory changed after it was read" left=0 "aperture-selftest changed 0 1021"
each by "wrong order, stale handles" status=E_HANDLE "aperture-selftest handles 0"
each by "requests that are none" E_MALFORMED "aperture-selftest reserved 0 && aperture-selftest badops 0 2"
each by "a bad reference among many" status=E_GRANT "aperture-selftest badref 0 1000 999"

other_handle() { # HOSTILE OTHER
	OUT=$(selftest "$2" rawopen 0) || fail "a handle of $2: $OUT"
	oh_handle=$(field handle)
	# four answers, and all of them so
	by "$1" "$2" "another guest's handle" '^4 0$' "for t in 2 3 4 5; do aperture-selftest named 0 \$t $oh_handle; done >/tmp/named &&
		echo \$(grep -c status=E_HANDLE /tmp/named) \$(grep -cv status=E_HANDLE /tmp/named)"
	OUT=$(selftest "$2" named 0 5 "$oh_handle")
	assert_eq OK "$(field status)" "the other guest's own handle"
}
each other_handle

# ending HOSTILE OTHER NAME ERROR-AT-THE-GUEST DAEMON'S-LOG COMMAND: the connection ends each time, with a name at both ends
ending() {
	en_log=$5 en_seen=$(($(wc -c <"$DAEMON_LOG") + 1)) en_domid=$(domid_of "$1")
	guest_run "$1" 'aperture-selftest drop all'
	by "$1" "$2" "$3" "$4" "$6 && ended && again"
	wait_until 5 ending_said || fail "$case: the daemon's log does not say '$5': $(tail -c "+$en_seen" "$DAEMON_LOG")"
	hold "$1"
}
ending_said() { tail -c "+$en_seen" "$DAEMON_LOG" | grep -Eq "guest $en_domid device 0 .*$en_log"; }
each ending "a ring without an end" '^E_RING child: ' 'E_RING: ' "aperture-selftest endless 0 2 5000 deaf"
each ending "garbage in the ring" '^E_RING ' 'E_RING: ' "aperture-selftest garbage 0 ring-slow && aperture-selftest event 0 2"
each ending "garbage in the event page" '^E_. parent: ' 'E_' "aperture-selftest garbage 0 event-slow && aperture-selftest event 0 2 &&
	{ aperture-selftest sizes 0 4096 4096 || :; }"

case=afterwards
for B in $PV $PVH; do questions; done
assert_eq "$workers" "$(worker_pid "$PV") $(worker_pid "$PVH")" "the processes that serve the guests"
progress "the hostile guest's next device"
xen-aperture detach "$PV" 0 --wait=10 >/dev/null 2>&1 || xen-aperture detach "$PV" 0 --force || :
xen-aperture attach "$PV" type=check,size=1M,id=0 --wait=20 || fail "the device does not come again"
selftest_ok "$PV" "the next connection" sizes 0 8192 8192
