# SPDX-License-Identifier: GPL-2.0-only
# title: accesses at, over and behind the ends, unaligned, of a wrong width or direction: all ones, nothing written, counted
# rows: N15 N5
# guests: pvh
# vcpus: 1
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
daemon_start
door_attach "$GUEST" type=check,io=0x600
door_attach "$GUEST" type=timer,mmio=0xfe100000
door_attach "$GUEST" type=check,mmio=0xfe000000
SIZE=$((0x288))

# edges WHAT DEVICE [OPTION]
edges() {
	progress "$1"
	sleep 1.2
	counts_read "$2"
	REFUSED=$(first refused) e_what=$1 e_device=$2
	shift
	program "$e_what" "trap-edges $*"
	assert_eq 0 "$(field wrong)" "wrong values ($e_what)"
	[ "$(field rows)" -gt 60 ] || fail "only $(field rows) rows ($e_what)"
	wait_until 10 edges_counted || :
	assert_eq "$(field refused)" "$(($(first refused) - REFUSED))" "refused accesses that are counted ($e_what)"
	note "$e_what: $(field rows) rows, $(field refused) refused"
}
edges_counted() { counts_read "$e_device" && [ $(($(first refused) - REFUSED)) -ge "$(field refused)" ]; }
edges "memory" 2
edges "ports" 0
door_attach "$GUEST" "type=timer,io=$((0x600 + SIZE))"
edges "ports, and another device behind them" 0 behind
