# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that breaks the contract: a named error at both ends, no waiter hangs, the next connection works
# rows: B2 B5 M13
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh

attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
domid=$(domid_of "$GUEST")
back=/local/domain/0/backend/aperture/$domid/0
front=/local/domain/$domid/device/aperture/0

# one CASE ERRNO-OF-THE-WAITER: the guest makes a request meanwhile
one() {
	progress "$1"
	hostile-parent "$domid" 0 "$1" >parent.out 2>&1 &
	hostile=$!
	wait_until 20 grep -q connected parent.out || fail "$1: no connection: $(cat parent.out)"
	OUT=$(selftest "$GUEST" sizes 0 8192 4096 2>&1) || :
	wait $hostile || fail "$1: $(cat parent.out)"
	assert_match "errno=$2\$" "$(printf '%s\n' "$OUT" | grep errno=)" "what the waiter hears in case $1"
	OUT=$(tail -n 1 parent.out)
}
# The guest found it: its status word, its error node, closed, within 10 ms of emulated time or so
found() {
	one "$1" 107
	assert_match '^status=64 .*state=[56]' "$OUT" "case $1"
	assert_match '^E_RING: ' "$(xenstore-read $front/error)" "error node in case $1"
	assert_match '^E_RING child: ' "$(attr last_error)" "last_error in case $1"
	note "$1: $(echo "$OUT" | cut -d' ' -f1,2): $(xenstore-read $front/error)"
}

module_load "$GUEST" request_timeout_ms=3000
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
one good 87
for case in index back id entry twice type; do
	found $case
done
one good 87

progress "unasked"
hostile-parent "$domid" 0 unasked >parent.out 2>&1 || fail "unasked: $(cat parent.out)"
assert_match '^status=64 ' "$(tail -n 1 parent.out)" "case unasked"
one good 87

one status 107
assert_match '^E_RING parent: ' "$(attr last_error)" "last_error in case status"
one granted 71
one slot 71
one signals 110
assert_match '^status=0 state=4' "$OUT" "signals that mean nothing are harmless"
one good 87
one silent 110
one good 87

# mapper CASE ERRNO-OF-WITHDRAW: an aperture of 16 pages of a parent that lies about its end, withdrawn and ended
mapper() {
	progress "withdrawn, $1"
	hostile-mapper "$domid" 0 "$1" >mapper.out 2>&1 &
	mapper=$!
	wait_until 20 grep -q connected mapper.out || fail "withdrawn, $1: no connection: $(cat mapper.out)"
	used=$(references)
	selftest_ok "$GUEST" "an aperture" hold 0 65536
	id=$(field id)
	OUT=$(selftest "$GUEST" withdraw "$id" 2>&1) || :
	assert_eq "$2" "$(field errno)" "what the guest hears of its withdrawal"
	selftest_ok "$GUEST" "its end" drop "$id"
}
references() { attr limits | sed -n 's/^grant_references_used //p'; }
quarantined() { [ "$(attr quarantined_pages)" = "$1" ]; }
warnings() { guest_run "$GUEST" "dmesg | grep -c 'withdrawn, but the parent still maps 16 pages'" || :; }

warned=$(warnings)
mapper keeps 16	# EBUSY: Xen says so, whatever the parent says
wait_until 10 grep -q kept=16 mapper.out || fail "the parent does not keep it: $(cat mapper.out)"
assert_eq $((warned + 1)) "$(warnings)" "the guest says that the parent still maps 16 pages"
assert_eq 16 "$(attr quarantined_pages)" "pages in quarantine"
assert_eq $((used + 16)) "$(references)" "grant references that are not used again"
guest_run "$GUEST" 'dd if=/dev/zero of=/tmp/fill bs=64k count=512 2>/dev/null; rm /tmp/fill'
kill $mapper
wait $mapper || fail "the parent: $(cat mapper.out)"
assert_eq words=8192\ same=8192 "$(tail -n 1 mapper.out)" "what the parent wrote there is what it finds there"
wait_until 10 quarantined 0 || fail "still in quarantine when nobody maps them: $(attr quarantined_pages)"
assert_eq "$used" "$(references)" "grant references when nobody maps them"

mapper again 0
wait $mapper || fail "the parent: $(cat mapper.out)"
assert_eq tried=16\ mapped=0 "$(tail -n 1 mapper.out)" "pages that the parent maps after the withdrawal"
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"
assert_eq $((warned + 1)) "$(warnings)" "warnings of pages that are mapped"
one good 87

progress "nodes"
bad_node() { # NODE VALUE ERROR
	epoch=$(($(xenstore-read $back/epoch) + 1))
	xenstore-write $back/versions 1 $back/epoch $epoch "$back/$1" "$2"
	xenstore-write $back/state 2
	wait_until 10 closed || fail "$1=$2: the guest is in state $(xenstore-read $front/state)"
	assert_match "^$3: .*" "$(xenstore-read $front/error)" "error node with $1=$2"
	note "$1=$2: $(xenstore-read $front/error)"
	xenstore-write $back/versions 1 $back/max-ring-page-order 0
}
closed() { [ "$(xenstore-read $front/state)" = 6 ]; }
for value in 2 2,3 65535; do
	bad_node versions $value E_VERSION
done
one good 87
for value in "" 0 01 1,1 2,1 1, 65536 one " 1" 1,2,3,4,5,6,7,8,9; do
	bad_node versions "$value" E_NODE
done
for value in 5 +1 "" 00 4294967296; do
	bad_node max-ring-page-order "$value" E_NODE
done
one good 87
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"
