# SPDX-License-Identifier: GPL-2.0-only
# title: nobody else can map an aperture, nobody can map a one-way aperture writable: Xen refuses; nor use its handle
# rows: M15 B6
# guests: pv+pvh
# timeout: 90
. /rig/tests/_lib.sh
A=${GUESTS%% *} B=${GUESTS##* }
CHILD_READS=1 PARENT_READS=2 PARENT_OWNED=4

# map_in DOMAIN (0 or a guest's name) ARGUMENTS: what its root can ask of Xen
map_in() {
	mi_where=$1 mi_of=$2 mi_how=$3
	shift 3
	case $mi_where,$mi_how in
	0,*) grant-map "$mi_of" "$mi_how" "$@" ;;
	*,scan) selftest "$mi_where" grantmap "$mi_of" scan "$@" ;;
	*)	# a few at a time: the self-test takes short lines
		printf '%s\n' "$@" | xargs -n 4 | while read -r mi_some; do
			selftest "$mi_where" grantmap "$mi_of" "$mi_how" "$mi_some" || echo "failed: $mi_some"
		done
		;;
	esac
}
# mapping WHERE ok|refused OF ro|rw REFERENCE...: what Xen says of each
mapping() {
	m_where=$1 m_want=$2 m_of=$3 m_how=$4
	shift 4
	m_out=$(map_in "$m_where" "$m_of" "$m_how" "$@" 2>&1) || fail "grant-map in $m_where: $m_out"
	[ -n "$m_out" ] || fail "nothing was tried in $m_where"
	case $m_want in
	ok) m_bad=$(printf '%s\n' "$m_out" | grep -v ' status=0$') || : ;;
	refused) m_bad=$(printf '%s\n' "$m_out" | grep -v ' status=-[0-9]*$') || : ;;
	esac
	assert_eq "" "$m_bad" "references of domain $m_of, mapped $m_how in domain $m_where, should be $m_want"
	note "$m_how in $m_where of domain $m_of: $m_want ($(printf '%s\n' "$m_out" | head -n 1))"
}

daemon_start
for g in $A $B; do
	module_load "$g"
	device_attach "$g" type=mem,size=8M
done
dom_a=$(domid_of "$A")

progress "an aperture of $A that both write: dom0 can map it, $B cannot"
refs=$(selftest "$A" keep 0 4 0) || fail "an aperture in $A: $refs"
mapping 0 ok "$dom_a" rw $refs
mapping "$B" refused "$dom_a" rw $refs
mapping "$B" refused "$dom_a" ro $refs

progress "one that the parent only reads: not even dom0 maps it writable"
refs=$(selftest "$A" keep 0 4 $PARENT_READS) || fail "a one-way aperture in $A: $refs"
mapping 0 ok "$dom_a" ro $refs
mapping 0 refused "$dom_a" rw $refs
mapping "$B" refused "$dom_a" ro $refs

mask=$(xenstore-read "/local/domain/$dom_a/device/aperture/0/mask-ref")
mapping 0 ok "$dom_a" ro "$mask"
mapping 0 refused "$dom_a" rw "$mask"

progress "memory of dom0 that $A only reads"
before=$(map_in "$A" 0 scan 8 2047) || fail "scan in $A"
assert_eq "" "$before" "references of dom0 that $A can map before it asks for memory"
OUT=$(selftest "$A" keep 0 4 $((PARENT_OWNED | CHILD_READS))) || fail "memory of dom0: $OUT"
refs=$(map_in "$A" 0 scan 8 2047)
[ "$(printf '%s\n' "$refs" | wc -l)" -ge 5 ] || fail "$A finds fewer references than 4 pages and a directory: $refs"
mapping "$A" ok 0 ro $refs
mapping "$A" refused 0 rw $refs
mapping "$B" refused 0 ro $refs
selftest_ok "$A" "its end" unkeep

# What was released stays granted to the same guest, which may be given it again, and to nobody else.
progress "memory of dom0 that both write: not its directory"
OUT=$(selftest "$A" keep 0 4 $PARENT_OWNED) || fail "memory of dom0: $OUT"
refs=$(map_in "$A" 0 scan 8 2047)
writable=$(map_in "$A" 0 rw $refs | grep -c ' status=0$') || :
assert_eq 4 "$writable" "references of dom0 that $A can map writable, of 4 pages and a directory"
mapping "$B" refused 0 ro $refs
selftest_ok "$A" "its end" unkeep

progress "a handle of $A in $B"
OUT=$(selftest "$A" rawopen 0) || fail "a handle: $OUT"
handle=$(field handle)
for type in 2 3 4 5; do
	OUT=$(selftest "$B" named 0 $type "$handle") || fail "request $type: $OUT"
	assert_eq E_HANDLE "$(field status)" "request $type in $B with a handle of $A"
done
OUT=$(selftest "$A" named 0 5 "$handle")
assert_eq OK "$(field status)" "its release in $A"

progress "a directory that is changed after it was read"
for pages in 3 1021; do
	selftest_ok "$A" "a directory of $pages pages" changed 0 $pages
done
