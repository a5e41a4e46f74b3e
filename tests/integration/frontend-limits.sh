# SPDX-License-Identifier: GPL-2.0-only
# title: too little memory, too few grant references, the child's own limit: named errors, nothing left behind
# rows: M4
# guests: pv
# guests-long: pvh
# timeout: 90
# allow: max_grant_frames reached
. /rig/tests/_lib.sh

small=$GUEST-small
small_start() { # XL-SETTING...
	guest_create "$TYPE" 1 "$small" "$@" || broken "guest $small with $* did not start"
	at_exit "! guest_alive $small || guest_destroy $small"
	module_load "$small"
	xen-aperture attach "$small" type=check,size=128M --wait=20 --unchecked || fail "attach failed"
}

daemon_start
progress "few grant references"
small_start memory=160 max_grant_frames=8
selftest_ok "$small" "8 MiB of 16 MiB that the references admit" hold 0 8388608
OUT=$(selftest "$small" hold 0 8388608 2>&1) && fail "16 MiB, and 4096 references in all: $OUT"
assert_match 'errno=28' "$OUT" "error without references"
assert_match '2052 needed, limit is max_grant_frames=8 \(4096 references' \
	"$(guest_run "$small" 'dmesg | grep "no grant references"')" "message"
selftest_ok "$small" "1 MiB" hold 0 1048576
selftest_ok "$small" "the first still works" ping 0
selftest_ok "$small" "the end of all" drop all
selftest_ok "$small" "8 MiB again" sizes 0 8388608 8388608
guest_destroy "$small"

progress "little memory"
small_start memory=144
OUT=$(selftest "$small" sizes 0 117440512 117440512 2>&1) && fail "112 MiB in a guest of 144 MiB: $OUT"
assert_match 'errno=12' "$OUT" "error without memory"
assert_match 'pages wanted' "$(guest_run "$small" 'dmesg | grep xen-aperture')" "message"
assert_eq "" "$(guest_run "$small" 'dmesg | grep -Ei "oom|out of memory|page allocation failure" || :')" "killer"
selftest_ok "$small" "1 MiB" directory 0 256
guest_destroy "$small"

progress "the child's own limit"
guest_run "$GUEST" "insmod /lib/modules/extra/xen-aperture.ko max_size=1048576" || fail "module did not load"
at_exit "module_unload $GUEST"
guest_run "$GUEST" "insmod /lib/modules/extra/aperture_selftest.ko"
device_attach "$GUEST" type=check,size=16M
selftest_ok "$GUEST" "2 MiB wanted" sizes 0 2097152 0
assert_eq 1048576 "$(field granted)" "granted"
OUT=$(selftest "$GUEST" sizes 0 2097152 2097152 2>&1) && fail "2 MiB above the child's limit"
assert_match 'status=E_SIZE_LEAST' "$OUT" "error above the child's limit"
