# SPDX-License-Identifier: GPL-2.0-only
# title: limits are looked at before anything is written: real ones, at their edge, refused by name
# rows: M4 B4
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh

CONF=/etc/xen-aperture/apertured.conf
GNTDEV=/sys/module/xen_gntdev/parameters/limit
small=$GUEST-small
nodes() { xenstore-ls -fp "/local/domain/$1/device" 2>&1 | grep aperture || :; }
# value WORD ROW: of the check's JSON
value() {
	tr -d '\n' <check.json | sed 's/}/}\n/g' | sed -n "s/.*\"limit\": *\"$2\".*\"$1\": *\([0-9a-z]*\).*/\1/p"
}
# refused GUEST SPEC PATTERN: attach names it, check too, and nothing is written
refused() {
	r_domid=$(domid_of "$1")
	r_before=$(nodes "$r_domid")
	assert_fails 1 xen-aperture attach "$1" "$2" --wait=20
	assert_match "$3" "$OUT" "what attach $2 says"
	assert_fails 1 xen-aperture check "$1" "$2"
	assert_match "$3" "$OUT" "what check $2 says"
	assert_match ' NO ' "$OUT" "the table of check $2"
	assert_eq "$r_before" "$(nodes "$r_domid")" "nodes after $2 was refused"
}

daemon_start
progress "the table, against what Xen itself says"
xen-aperture check >out || fail "check failed: $(cat out)"
assert_match "^Xen's limit of grant frames +64 " "$(cat out)" "the host's table"
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
selftest_ok "$GUEST" "an aperture" hold 0 1048576
xen_counts >counts
xen-aperture check "$GUEST" --json >check.json || fail "check $GUEST failed: $(cat check.json)"
assert_eq "$(sed -n "s/^grants.$GUEST //p" counts)" "$(value used 'grant entries of the guest')" "grants that Xen counts"
assert_eq "$(sed -n "s/^ports.$GUEST //p" counts)" "$(value used 'event channels of the guest')" "ports that Xen counts"
assert_eq 256 "$(value used 'pages mapped of the guest (policy)')" "pages that are mapped"
assert_eq 1 "$(value used 'aperture devices of the guest')" "devices"
assert_eq "$(sed -n 's/^ports.Domain-0 //p' counts)" "$(value used 'event channels of domain 0')" "ports of domain 0 that Xen counts"
assert_eq 32768 "$(value value 'grant entries of domain 0')" "grant entries of domain 0"
xen-aperture check "$GUEST" type=mem,size=1M type=timer >out || fail "two small devices do not fit: $(cat out)"
selftest_ok "$GUEST" "its end" drop all
device_detach_all "$GUEST"

progress "policy and the kernel's own limit"
refused "$GUEST" type=check,size=256M 'grant entries of the guest: the limit is 32768, 65[0-9]+ are needed.*raise max_grant_frames='
mkdir -p "${CONF%/*}"
at_exit "rm -f $CONF"
echo 'max_pages_per_guest = 255' >$CONF
refused "$GUEST" type=check,size=1M 'policy\): the limit is 255, 256 are needed.*max_pages_per_guest in apertured.conf'
echo 'max_pages_per_guest = 256' >$CONF
xen-aperture check "$GUEST" type=check,size=1M >out || fail "256 pages of 256: $(cat out)"
rm -f $CONF
limit=$(cat $GNTDEV)
at_exit "echo $limit >$GNTDEV"
echo 255 >$GNTDEV
refused "$GUEST" type=check,size=1M 'gntdev\): the limit is 255, 256 are needed.*module xen-gntdev'
echo "$limit" >$GNTDEV

progress "a guest with few grant frames and event channels"
guest_create "$TYPE" 1 "$small" max_grant_frames=8 max_event_channels=16 || broken "guest $small did not start"
at_exit "! guest_alive $small || guest_destroy $small"
refused "$small" type=check,size=16M 'grant entries of the guest: the limit is 4096,.*max_grant_frames=9 in'
refused "$small" type=check,size=1M 'event channels of the guest: the limit is 16,.*max_event_channels in'
xen-aperture attach "$small" type=check,size=16M --wait=0 --unchecked || fail "--unchecked was refused"
xen-aperture detach "$small" all
guest_destroy "$small"

progress "a guest that cannot be made"
domains() { xl list | awk 'NR > 1 { print $1 }' | sort; }
before=$(domains)
grep -v '^aperture' "$RIG_GUESTS/$TYPE.cfg" >guest.cfg
printf 'name = "never"\naperture = [ "type=mem,size=4K" ]\nmax_grant_frames = 65\n' >>guest.cfg
assert_fails 1 xen-aperture create guest.cfg
assert_match "Xen's limit of grant frames: the limit is 64, 65 are needed.*gnttab_max_frames=" "$OUT" "what create says"
assert_eq "$before" "$(domains)" "domains"
