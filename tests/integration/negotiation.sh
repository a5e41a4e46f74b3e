# SPDX-License-Identifier: GPL-2.0-only
# title: sizes are the smallest of child, parent and contract; both ends record the same
# rows: M4
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh

# expect WANTED LEAST STATUS GRANTED: at the child, and counted by name at the parent
expect() {
	[ "$3" = OK ] || e_before=$(parent_errors "$3")
	OUT=$(selftest "$GUEST" sizes 0 "$1" "$2" 2>&1) || :
	assert_eq "$3" "$(field status)" "status of wanted=$1 least=$2 ($OUT)"
	assert_eq "$4" "$(field granted)" "granted of wanted=$1 least=$2"
	[ "$3" = OK ] || assert_eq $((e_before + 1)) "$(parent_errors "$3")" "the parent's count of $3"
}
parent_errors() { # NAME
	xen-aperture stat "$GUEST" 0 --json | tr -d ' "{}[]\n' | tr ',' '\n' |
		sed -n "s/.*\b$1:\([0-9]*\)$/\1/p" | grep . || echo 0
}
parent_granted() {
	xen-aperture stat "$GUEST" 0 --json | tr -d ' "' | grep -o 'granted:[0-9]*' | head -n 1
}

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M

progress "child lower, equal, parent lower"
expect 524288 0 OK 524288
expect 1048576 1048576 OK 1048576
expect 4194304 0 OK 1048576
expect 4194304 1048577 E_SIZE_LEAST 0
expect 1052672 1052672 E_SIZE_LEAST 0
progress "impossible sizes"
expect 0 0 E_SIZE_ZERO 0
expect 1 0 E_SIZE_ALIGN 0
expect 4097 0 E_SIZE_ALIGN 0
expect 18446744073709551615 0 E_SIZE_ALIGN 0
expect 18446744073709547520 0 E_SIZE_MAX 0
expect 4261478400 0 OK 1048576
expect 4261482496 0 E_SIZE_MAX 0

progress "the parent's own record"
selftest_ok "$GUEST" "an aperture of the parent's limit" hold 0 2097152
assert_eq 1048576 "$(field granted)" "granted at the child"
assert_eq granted:1048576 "$(parent_granted)" "granted in the parent's record"
selftest_ok "$GUEST" "its end" drop all

progress "the child's own limit"
device_detach_all "$GUEST"
module_unload "$GUEST"
module_load "$GUEST" max_size=262144
device_attach "$GUEST" type=check,size=1M
expect 1048576 0 OK 262144
expect 262144 262144 OK 262144
