# SPDX-License-Identifier: GPL-2.0-only
# title: nobody else can map an aperture, nobody can map a one-way aperture writable: Xen refuses; nor use its handle
# rows: M15 B6
# guests: pv+pvh
# timeout: 90
. /rig/tests/_lib.sh
PV=${GUESTS%% *} PVH=${GUESTS##* }
CHILD_READS=1 PARENT_READS=2 PARENT_OWNED=4

# map_in DOMAIN (0 or a guest's name) ARGUMENTS: what its root can ask of Xen; a guest's line has 12 references at most
map_in() {
	mi_where=$1
	shift
	case $mi_where in
	0) grant-map "$@" ;;
	*) selftest "$mi_where" grantmap "$@" $CONTROL ;;
	esac
}
# What a guest can map in any way is asked for beside all that it shall not be able to map: there, a
# refusal is of the reference. Sets CONTROL.
control_of() { # DOMAIN (0: none)
	case $1 in
	"$PV") CONTROL=${CONTROL_PV:-} ;;
	"$PVH") CONTROL=${CONTROL_PVH:-} ;;
	*) CONTROL= ;;
	esac
}
# mapping WHERE ok|refused OF ro|rw|any REFERENCE...: what Xen says of each; any: it is tried both ways
mapping() {
	m_where=$1 m_want=$2 m_of=$3 m_how=$4
	shift 4
	control_of "$m_where"
	m_out=$(map_in "$m_where" "$m_of" "$m_how" "$@" 2>&1) || fail "grant-map in $m_where: $m_out"
	if [ -n "$CONTROL" ]; then
		m_mine="^domain=${CONTROL%:*} reference=${CONTROL#*:} "
		printf '%s\n' "$m_out" | grep "$m_mine" >control || :
		assert_eq "" "$(grep -v ' status=0$' control || :)" "a reference that is granted to $m_where, mapped $m_how there beside those of domain $m_of"
		[ -s control ] || fail "the reference that is granted to $m_where was not tried"
		m_out=$(printf '%s\n' "$m_out" | grep -v "$m_mine") || :
	fi
	[ "$m_how" != any ] || set -- "$@" "$@"
	assert_eq $# "$(printf '%s\n' "$m_out" | grep -c 'status=')" "references tried in $m_where: $m_out"
	case $m_want in
	ok) m_bad=$(printf '%s\n' "$m_out" | grep -v ' status=0$') || : ;;
	refused) m_bad=$(printf '%s\n' "$m_out" | grep -v ' status=-[0-9]*$') || : ;;
	esac
	assert_eq "" "$m_bad" "references of domain $m_of, mapped $m_how in domain $m_where, should be $m_want"
	note "$m_how in $m_where of domain $m_of: $m_want ($(printf '%s\n' "$m_out" | head -n 1))"
}
lines() { printf '%s\n' "$1" | grep -c . || :; }
# those of the first list that are not in the second
without() { printf '%s\n' "$1" | grep -vxF "$2" || :; }

# What was released stays granted to the same guest, which may be given it again, and to nobody else.
# give GUEST: memory of dom0 that both write. Sets REFS, and WRITABLE: one of them that it can map in any way
give() {
	CONTROL=
	before=$(map_in "$1" 0 scan 8 2047) || fail "scan in $1"
	assert_eq "" "$before" "references of dom0 that $1 can map before it asks for memory"
	OUT=$(selftest "$1" keep 0 4 $PARENT_OWNED) || fail "memory of dom0 for $1: $OUT"
	REFS=$(map_in "$1" 0 scan 8 2047) || fail "scan in $1"
	assert_eq 5 "$(lines "$REFS")" "references that $1 can map: 4 pages and a directory"
	writable=$(map_in "$1" 0 rw $REFS | sed -n 's/.* reference=\([0-9]*\) status=0$/\1/p')
	assert_eq 4 "$(lines "$writable")" "references of dom0 that $1 can map writable, of 4 pages and a directory"
	WRITABLE=${writable%%
*}
}

# memory_for GUEST OTHER RELEASED: memory of dom0 that GUEST only reads; and what it had before
memory_for() {
	progress "memory of dom0 that $1 only reads"
	OUT=$(selftest "$1" keep 0 4 $((PARENT_OWNED | CHILD_READS))) || fail "memory of dom0: $OUT"
	CONTROL=
	refs=$(map_in "$1" 0 scan 8 2047)
	refs=$(without "$refs" "$3")
	# its directory is where the one before was
	[ "$(lines "$refs")" -ge 4 ] || fail "$1 finds fewer references than 4 pages more: $refs"
	mapping "$1" ok 0 ro $refs
	mapping "$1" refused 0 rw $refs
	mapping "$2" refused 0 ro $refs $3
}

# memory_of GUEST OTHER: apertures of its own memory
memory_of() {
	domid=$(domid_of "$1")
	progress "an aperture of $1 that both write: dom0 can map it, $2 cannot"
	refs=$(selftest "$1" keep 0 4 0) || fail "an aperture in $1: $refs"
	mapping 0 ok "$domid" rw $refs
	mapping "$2" refused "$domid" any $refs

	progress "one of $1 that the parent only reads: not even dom0 maps it writable"
	refs=$(selftest "$1" keep 0 4 $PARENT_READS) || fail "a one-way aperture in $1: $refs"
	mask=$(xenstore-read "/local/domain/$domid/device/aperture/0/mask-ref")
	mapping 0 ok "$domid" ro $refs "$mask"
	mapping 0 refused "$domid" rw $refs "$mask"
	mapping "$2" refused "$domid" ro $refs "$mask"
}

# handles GUEST OTHER
handles() {
	progress "a handle of $1 in $2"
	OUT=$(selftest "$1" rawopen 0) || fail "a handle: $OUT"
	handle=$(field handle)
	OUT=$(guest_run "$2" "for type in 2 3 4 5; do aperture-selftest named 0 \$type $handle || exit 1; done") ||
		fail "requests in $2 with a handle of $1: $OUT"
	assert_eq "4 4" "$(printf '%s\n' "$OUT" | grep -c .) $(printf '%s\n' "$OUT" | grep -c status=E_HANDLE)" \
		"requests in $2 with a handle of $1, and those that E_HANDLE answers"
	OUT=$(selftest "$1" named 0 5 "$handle")
	assert_eq OK "$(field status)" "its release in $1"
}

daemon_start
for g in $PV $PVH; do
	module_load "$g"
	device_attach "$g" type=mem,size=8M
done

progress "memory of dom0 that both write: not its directory"
give "$PV"
refs_pv=$REFS CONTROL_PV=0:$WRITABLE
give "$PVH"
refs_pvh=$REFS CONTROL_PVH=0:$WRITABLE
mapping "$PV" refused 0 ro $refs_pvh
mapping "$PVH" refused 0 ro $refs_pv
memory_for "$PV" "$PVH" "$refs_pv"
memory_for "$PVH" "$PV" "$refs_pvh"
memory_of "$PV" "$PVH"
memory_of "$PVH" "$PV"
handles "$PV" "$PVH"
handles "$PVH" "$PV"

progress "a directory that is changed after it was read"
for pages in 3 1021; do
	selftest_ok "$PV" "a directory of $pages pages" changed 0 $pages
done
