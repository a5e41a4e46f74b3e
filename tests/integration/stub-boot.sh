# SPDX-License-Identifier: GPL-2.0-only
# title: a stub domain of 4 MiB boots, says so, and speaks xenbus for its guest
# rows: N1
# guests: pv
# guests-long: pvh
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_stub.sh

leak_stub() { domid_of "$1" >/dev/null 2>&1 && return 1 || return 0; }

stub_make stub "$STUB_FILES/aperture-stub" "$GUEST"
stub_device "$GUEST" 0 timer
BACK0=$BACK FRONT0=$FRONT
stub_device "$GUEST" 1 nosuch
BACK1=$BACK FRONT1=$FRONT
xl unpause stub
progress "waiting for the stub domain"
wait_until 20 stub_node_is state 4 || fail "the stub domain did not start serving; its console: $(tail -n 5 /var/log/xen/console/guest-stub.log)"
assert_eq 0 "$(stub_node restarts)" "restarts of a new stub domain"
assert_match '^[0-9]+\.[0-9]+' "$(stub_node version)" "its version"
assert_match '^[1-9][0-9]+$' "$(stub_node restart-entry)" "the restart entry"
assert_match '^[1-9][0-9]*$' "$(stub_node watchdog-port)" "the watchdog's port"
wait_until 10 stub_said stub "serves guest $(domid_of "$GUEST")" || fail "nothing on its console: $(cat /var/log/xen/console/guest-stub.log)"
assert_match '^4$' "$(xl list stub | awk 'NR == 2 { print $3 }')" "MiB that it has"

progress "offers"
BACK=$BACK0
wait_until 10 back_is state 2 || fail "the fast lane is not offered; state $(back state), error '$(back error)'"
assert_eq 1 "$(back epoch)" "epoch of the first offer"
assert_eq 1 "$(back versions)" "versions offered"
assert_eq 0 "$(back max-ring-page-order)" "max-ring-page-order"
BACK=$BACK1
wait_until 10 back_is state 6 || fail "an unknown device type is not refused; state $(back state)"
assert_match '^E_DEVICE: .*nosuch' "$(back error)" "the error for an unknown type"

progress "a guest's nodes that make no sense"
BACK=$BACK0
xenstore-write "$FRONT0/epoch" 1 "$FRONT0/version" 1 "$FRONT0/ring-ref0" x
xenstore-write "$FRONT0/state" 3
wait_until 10 back_is state 5 || fail "bad nodes are not refused; state $(back state)"
assert_match '^E_NODE: node ring-ref0' "$(back error)" "the error for a bad reference"
xenstore-write "$FRONT0/state" 6
wait_until 10 back_is state 6 || fail "the lane does not close; state $(back state)"
xenstore-write "$FRONT0/state" 1
wait_until 10 back_is state 2 || fail "the lane is not offered again; state $(back state)"
assert_eq 2 "$(back epoch)" "epoch of the second offer"

progress "references that the guest never gave"
xenstore-write "$FRONT0/epoch" 2 "$FRONT0/ring-ref0" 8001 "$FRONT0/event-ref" 8002 "$FRONT0/mask-ref" 8003 \
	"$FRONT0/event-channel" 900 "$FRONT0/feature-operations" 1 "$FRONT0/record-ref0" 8004 \
	"$FRONT0/record-ref1" 8005
xenstore-write "$FRONT0/state" 3
wait_until 10 back_is state 5 || fail "references that do not exist are not refused; state $(back state)"
assert_match '^E_GRANT: node ring-ref0' "$(back error)" "the error for a reference that does not exist"

progress "removal"
xenstore-write "$BACK0/online" 0 "$BACK0/state" 5
xenstore-write "$FRONT0/state" 6
wait_until 10 back_is state 6 || fail "the lane does not end; state $(back state)"
xenstore-rm "$BACK0"
xenstore-rm "$FRONT0"
wait_until 10 stub_said stub 'device 0: removed' || fail "the stub domain did not notice the removal"
sleep 0.5
! xenstore-exists "$BACK0" || fail "the stub domain brought removed nodes back: $(xenstore-ls "$BACK0")"

progress "one device more than a stub domain serves"
xenstore-rm "$BACK1"
xenstore-rm "$FRONT1"
for d in $(seq 10 26); do stub_device "$GUEST" "$d" timer; done
states() {
	for d in $(seq 10 26); do
		xenstore-read "/local/domain/$S/backend/aperture-fast/$(domid_of "$GUEST")/$d/state"
	done | sort | uniq -c | tr -s ' \n' ' '
}
states_are() { [ "$(states)" = "$1" ]; }
wait_until 20 states_are " 16 2 1 6 " || fail "17 devices: count and state: $(states); not 16 in state 2, 1 in state 6"
for d in $(seq 10 26); do
	BACK=/local/domain/$S/backend/aperture-fast/$(domid_of "$GUEST")/$d
	back_is state 2 || assert_match '^E_DEVICE: .* 16 devices' "$(back error)" "the error of one too many"
	xenstore-rm "$BACK"
	xenstore-rm "/local/domain/$(domid_of "$GUEST")/device/aperture-fast/$d"
done

# A store that speaks much: a value longer than the ring, many names
progress "long answers of the store"
stub_device "$GUEST" 2 timer
wait_until 10 back_is state 2 || fail "device 2 is not offered; state $(back state)"
xenstore-write "$FRONT/epoch" "$(head -c 1900 /dev/zero | tr '\0' 7)"
xenstore-write "$FRONT/state" 3
wait_until 10 back_is state 5 || fail "a number of 1900 digits is not refused; state $(back state)"
assert_match '^E_NODE: node epoch' "$(back error)" "the error for a number of 1900 digits"
assert_eq 0 "$(stub_node restarts)" "restarts at the end"
xenstore-rm "$FRONT"
stub_said stub '^debug: guest .* offered' || fail "nothing of level debug on its console"
stub_end() { xl destroy stub && wait_until 10 leak_stub stub || fail "the stub domain did not go"; }
stub_end

# speaks_at LOG: it serves, and what it said so far is in the console's file
speaks_at() {
	progress "messages of level $1"
	stub_make stub "$STUB_FILES/aperture-stub" "$GUEST" 0 "$1"
	stub_device "$GUEST" 0 timer
	xl unpause stub
	wait_until 20 back_is state 2 || fail "level $1: the fast lane is not offered; state $(back state)"
	sleep 0.5
}
speaks_at error
! stub_said stub . || fail "a stub domain of level error says $(cat /var/log/xen/console/guest-stub.log)"
stub_end
speaks_at loud
stub_said stub '^warning: aperture/log is "loud"; it must be error, warning, info or debug' ||
	fail "a level that does not exist: $(cat /var/log/xen/console/guest-stub.log)"
stub_said stub '^info: ' || fail "without a level: $(cat /var/log/xen/console/guest-stub.log)"
! stub_said stub '^debug: ' || fail "without a level: $(cat /var/log/xen/console/guest-stub.log)"
stub_end
xenstore-rm "$FRONT"
xenstore-rm "/local/domain/$(domid_of "$GUEST")/device/aperture-fast"
