# SPDX-License-Identifier: GPL-2.0-only
# title: a guest that breaks the contract in every way: the other guest is served all the while, nothing of it is reached
# rows: BAD M15 B2
# guests: pv+pvh
# timeout: 90
. /rig/tests/_lib.sh
A=${GUESTS%% *} B=${GUESTS##* }
GUEST_TIMEOUT=120

daemon_start
for g in $A $B; do
	module_load "$g" request_timeout_ms=3000
	device_attach "$g" type=check,size=16M
done
selftest_ok "$B" "an aperture of the victim's other guest" hold 0 65536
held=$(field id)
worker=$(worker_pid "$B")
OUT=$(selftest "$B" rawopen 0) || fail "a handle of $B: $OUT"
handle=$(field handle)

hundredths() { # sets NOW
	read -r h_up h_rest </proc/uptime
	NOW=${h_up%.*}${h_up#*.}
}
# Three questions of B. Sets TOOK, in hundredths of a second.
questions() {
	hundredths
	q_start=$NOW
	for q in 1 2 3; do
		selftest "$B" ping "$held" >/dev/null || fail "the other guest is not served: ${case:-before}"
	done
	hundredths
	TOOK=$((NOW - q_start))
}
questions
questions
ALONE=$TOOK
note "on its own: three questions in ${ALONE}0 ms"

# hostile NAME COMMAND: in A again and again, while B is served
hostile() {
	case=$1
	progress "$case"
	guest_run "$A" 'rm -f /tmp/stop'
	guest_start "$A" "n=0; while [ ! -e /tmp/stop ]; do $2; n=\$((n + 1)); done >/tmp/out 2>&1; echo rounds=\$n" rounds
	questions
	guest_run "$A" 'touch /tmp/stop'
	guest_wait || fail "$case: the hostile guest: $(cat rounds)"
	OUT=$(cat rounds)
	[ "$(field rounds)" -ge 1 ] || fail "$case: nothing was tried"
	[ $TOOK -le $((5 * ALONE + 300)) ] ||
		fail "$case: three questions of the other guest took ${TOOK}0 ms, on its own ${ALONE}0 ms"
	note "$case: three questions of the other guest in ${TOOK}0 ms; $(cat rounds)"
}
hostile "events without end" "aperture-selftest event 0 2 20000"
hostile "directories that lie" "aperture-selftest lies 0"
hostile "a directory changed after it was read" "aperture-selftest changed 0 1021"
hostile "wrong order, stale handles" "aperture-selftest handles 0"
hostile "requests that are none" "aperture-selftest reserved 0; aperture-selftest badops 0 2"
hostile "a bad reference among many" "aperture-selftest badref 0 1000 999"
hostile "another guest's handle" "for t in 2 3 4 5; do aperture-selftest named 0 \$t $handle; done"
assert_eq "" "$(guest_run "$A" 'cat /tmp/out' | grep -v 'status=E_HANDLE' || :)" "requests with another guest's handle"
hostile "a ring without an end" "aperture-selftest endless 0 2 500"
hostile "garbage in the event page" "aperture-selftest garbage 0 event-slow; aperture-selftest event 0 2"

case=afterwards
questions
assert_eq "$worker" "$(worker_pid "$B")" "the process that serves the other guest"
OUT=$(selftest "$B" named 0 5 "$handle")
assert_eq OK "$(field status)" "the other guest's own handle"
progress "the hostile guest's next connection"
xen-aperture detach "$A" 0 --wait=10 >/dev/null 2>&1 || xen-aperture detach "$A" 0 --force || :
xen-aperture attach "$A" type=check,size=1M,id=0 --wait=20 || fail "the device does not come again"
selftest_ok "$A" "the next connection" sizes 0 8192 8192
