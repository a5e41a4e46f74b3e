# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that lies about the memory it gives: named errors, nothing mapped, the next one works
# rows: M16 B5
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

SMALL=65536 LARGE=5324800		# 16 and 1300 pages
DOMID=$(domid_of "$GUEST")
# one CASE EXPECTED [SIZE]
one() {
	progress "$1"
	giving-parent "$DOMID" 0 "$1" >parent.out 2>&1 &
	PARENT=$!
	wait_until 20 grep -q connected parent.out || fail "$1: no connection: $(cat parent.out)"
	OUT=$(guest_run "$GUEST" "aperture-parent 0 ${3:-$SMALL} 2>&1") || fail "$1: the guest: $OUT"
	assert_eq "$2" "$OUT" "what the program hears in case $1"
	[ "$1" = silent ] || wait_until 10 parent_ended || fail "$1: no RELEASE: $(cat parent.out)"
	kill $PARENT 2>/dev/null || :
	wait $PARENT || :
}
parent_ended() { ! kill -0 $PARENT 2>/dev/null; }

module_load "$GUEST" request_timeout_ms=2000
echo 4096 >/sys/module/xen_gntalloc/parameters/limit
xen-aperture attach "$GUEST" type=check,size=16M,server=program --wait=0 || fail "attach: status $?"
at_exit "xen-aperture detach $GUEST all --force --wait=1 || :"
DIRECTORY="errno=71 status=48" GRANT="errno=5 status=49"

one good whole $LARGE
leak_check_begin
for case in magic count nowhere $(short_long "" "level index zero"); do
	one $case "$DIRECTORY"
done
one list "$DIRECTORY" $LARGE
for case in reference read-only $(short_long "" foreign); do
	one $case "$GRANT"
done
[ -z "$LONG" ] || one reference "$GRANT" $LARGE
one wide "errno=71 status=1"
one change whole
one end whole
one silent "errno=110 status=68"
one good whole
leak_check_end
