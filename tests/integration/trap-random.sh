# SPDX-License-Identifier: GPL-2.0-only
# title: random accesses of four vCPUs at once, fast, slow and declined: equal to the reference, nothing lost, nothing twice
# rows: N15 N6 N9
# guests: pvh
# vcpus: 4
# vcpus-long: 1
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
GUEST_TIMEOUT=900
N=$(short_long 6400 100000)	# a quarter is a multiple of four vCPUs
daemon_start
door_attach "$GUEST" type=check,mmio=auto
door_attach "$GUEST" type=check,io=0x600

seconds_count() { counts_read "$a_device" && [ $(($(second executed) - EXECUTED)) -ge "$(field all_forwarded)" ]; }
# accesses WHAT DEVICE COUNT [fast]: the counters of both devices grow by what the program says
accesses() {
	progress "$1"
	counts_since "$2"
	a_what=$1 a_device=$2
	shift
	OUT=$(guest_run "$GUEST" "trap-random $*" 2>&1) || fail "$a_what: $OUT"
	echo "$OUT"
	assert_eq "$VCPUS" "$(field vcpus)" "vCPUs at once"
	[ "$(field accesses)" -ge "$2" ] || fail "only $(field accesses) of $2 accesses ($a_what)"
	counts_settle "$a_device" "$(field all_accesses)"
	assert_eq "$(field all_forwarded)" "$(($(first forwarded) - FORWARDED))" "accesses that it sent on ($a_what)"
	wait_until 5 seconds_count || :
	assert_eq "$(field all_forwarded)" "$(($(second executed) - EXECUTED))" "operations of the second device ($a_what)"
	assert_eq "$TIMEOUTS" "$(first timeouts)" "accesses that timed out ($a_what)"
	note "$a_what: $OUT"
}
accesses "memory" 0 "$N"
[ "$(field forwarded)" -gt $((N / 10)) ] && [ "$(field forwarded)" -lt $((N / 2)) ] ||
	fail "$(field forwarded) for the second device: that is no mixture"
accesses "ports" 1 "$N"

accesses "memory, fast ones" 0 "$((N / 2))" fast
assert_eq 0 "$(field forwarded)" "accesses for the second device"
accesses "ports, fast ones" 1 "$((N / 4))" fast
