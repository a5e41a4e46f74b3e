# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that owns the memory and breaks the contract: named errors, and the guest's other device works on
# rows: B2 B5 M16
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh
GUEST_TIMEOUT=60
PARENT_OWNED=4

domid=$(domid_of "$GUEST")
attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
# The other device, of the daemon: asked once more, answers at once
neighbour() {
	start=$(cut -d. -f1 /proc/uptime)
	selftest_ok "$GUEST" "$1: the other device" ping "$held"
	[ $(($(cut -d. -f1 /proc/uptime) - start)) -le 3 ] || fail "$1: the other device took longer than 3 s"
}
# begin CASE: what the guest makes of an aperture of that parent's memory: STATUS
begin() {
	progress "$1"
	hostile-owner "$domid" 0 "$1" >owner.out 2>&1 &
	owner=$!
	wait_until 20 grep -q connected owner.out || fail "$1: no connection: $(cat owner.out)"
	STATUS=OK
	OUT=$(selftest "$GUEST" keep 0 4 $PARENT_OWNED 2>&1) || STATUS=$(field status)
	neighbour "$1"
}
end() { # CASE
	kill $owner 2>/dev/null || :	# one that ended by itself has its say below
	wait $owner || fail "$1: $(cat owner.out)"
	note "$1: $STATUS; $(tail -n 1 owner.out)"
}

owner=
at_exit '[ -z "$owner" ] || kill $owner 2>/dev/null || :'
daemon_start
module_load "$GUEST" request_timeout_ms=1000
xen-aperture attach "$GUEST" type=check,size=1M,server=program,id=0 --wait=0 || fail "attach: status $?"
device_attach "$GUEST" type=check,size=1M,id=1
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
selftest_ok "$GUEST" "an aperture of the other device" hold 1 8192
held=$(field id)

for case in magic level count index zero unreadable; do
	begin $case
	assert_eq E_DIRECTORY "$STATUS" "a directory with a wrong $case"
	end $case
done
for case in reference read-only; do
	begin $case
	assert_eq E_GRANT "$STATUS" "pages that cannot be mapped ($case)"
	end $case
done
begin changed
assert_match '^(OK|E_DIRECTORY)$' "$STATUS" "a directory that is changed as soon as it is told"
selftest "$GUEST" unkeep || :
end changed
# The last two never let go: what is left is asked for again and again, and the other device works on.
for case in good withdrawn storm good busy silent; do
	begin $case
	assert_eq OK "$STATUS" "case $case"
	selftest_ok "$GUEST" "$case: the memory" touch
	selftest_ok "$GUEST" "$case: its end" unkeep
	neighbour "$case, ended"
	end $case
done
