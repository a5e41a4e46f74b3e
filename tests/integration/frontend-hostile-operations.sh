# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that breaks the contract in operations: named errors, nobody waits for ever, the next one works
# rows: B5 N5
# guests: pvh
# guests-long: pv
# timeout: 120
. /rig/tests/_lib.sh

attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
count() { attr operations | sed -n "s/^$1 //p"; }
domid=$(domid_of "$GUEST")
back=/local/domain/0/backend/aperture/$domid/0
front=/local/domain/$domid/device/aperture/0

# one CASE ANSWER [SIZE [ENTRIES]]: the guest operates meanwhile. The answer is what aperture-op prints.
one() {
	progress "$1"
	hostile-parent "$domid" 0 "op-$1" >parent.out 2>&1 &
	hostile=$!
	wait_until 20 grep -q connected parent.out || fail "$1: no connection: $(cat parent.out)"
	OUT=$(guest_run "$GUEST" "aperture-op 0 read 0 ${3:-8}" 2>&1) || :
	wait $hostile || fail "$1: $(cat parent.out)"
	assert_match "$2" "$OUT" "what the program hears in case $1"
	assert_eq "0 ${4:-0}" "$(count live) $(count entries)" "operations alive and entries taken after case $1"
}
# The guest found it, closed, and the operation ended without an answer
found() {
	one "$1" '^lane=slow status=68 '
	assert_match '^status=64 .*state=[56]' "$(tail -n 1 parent.out)" "case $1"
	assert_match '^E_RING: ' "$(xenstore-read $front/error)" "error node in case $1"
	note "$1: $(xenstore-read $front/error)"
}
# The guest refuses the connection
refused() {
	progress "$1"
	hostile-parent "$domid" 0 "op-$1" >parent.out 2>&1 || fail "$1: $(cat parent.out)"
	assert_match "^E_MALFORMED: $2" "$(xenstore-read $front/error)" "error node in case $1"
	assert_match 'state=[56]' "$(tail -n 1 parent.out)" "case $1"
}
good() { one good '^lane=slow status=0 value=136 ' 1; }

module_load "$GUEST" operation_timeout_ms=3000
xen-aperture attach "$GUEST" type=check,size=1M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
good
for case in index back id entry twice type; do
	found $case
done
good
one odd '^lane=slow status=12345 '
one silent '^lane=slow status=69 ' 8 1	# its id must not be used again while this parent may answer
one declined '^lane=slow status=69 ' 8 1
assert_match '^asked=[1-9]' "$(grep asked parent.out)" "operations that were declined"
note "declined: $(grep asked parent.out)"
refused vectors '65 vectors'
refused spans 'the spans'
good
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"
