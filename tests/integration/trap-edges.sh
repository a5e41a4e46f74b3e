# SPDX-License-Identifier: GPL-2.0-only
# title: accesses at, over and behind the ends, unaligned, of a wrong width or direction: all ones, nothing written, counted; so is what a spoilt state record leaves
# rows: N15 N5 N6 N8 N10 BAD
# guests: pvh
# vcpus: 1
# vcpus-long: 4
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
	REFUSED=$(first refused) FORWARDED=$(first forwarded) e_what=$1 e_device=$2
	shift
	program "$e_what" "trap-edges $*"
	assert_eq 0 "$(field wrong)" "wrong values ($e_what)"
	[ "$(field rows)" -gt 60 ] || fail "only $(field rows) rows ($e_what)"
	wait_until 10 edges_counted || :
	assert_eq "$(field refused)" "$(($(first refused) - REFUSED))" "refused accesses that are counted ($e_what)"
	assert_eq "$(field forwarded)" "$(($(first forwarded) - FORWARDED))" "accesses that were sent on ($e_what)"
	note "$e_what: $(field rows) rows, $(field refused) refused"
}
edges_counted() { counts_read "$e_device" && [ $(($(first refused) - REFUSED)) -ge "$(field refused)" ]; }
edges "memory" 2
edges "ports" 0
door_attach "$GUEST" "type=timer,io=$((0x600 + SIZE))"
edges "ports, and another device behind them" 0 behind

# HASH is the device's first register, of 8 octets; its value depends on the state.
progress "the second device gives back a state record that is older, or corrupt"
for how in older corrupt; do
	value=$(guest_run "$GUEST" "devmem $((0xfe000000)) 64")
	[ "$value" != 0xFFFFFFFFFFFFFFFF ] || fail "the register is all ones before the record is made $how"
	sleep 1.2
	counts_read 2
	REFUSED=$(first refused)
	spoil-record "$(stub_of "$GUEST")" 2 $how || broken "the record cannot be made $how"
	assert_eq 0xFFFFFFFFFFFFFFFF "$(guest_run "$GUEST" "devmem $((0xfe000000)) 64")" "a register on a record made $how"
	refused_more() { counts_read 2 && [ "$(first refused)" -ge $((REFUSED + 1)) ]; }
	wait_until 10 refused_more || fail "an access on a record made $how is not counted as refused"
	assert_eq 0x00000008 "$(guest_run "$GUEST" "devmem $((0xfe100018)) 32")" "the other device, COMPARATORS"
	# Nobody can reset it through this door.
	xen-aperture detach "$GUEST" 2 >/dev/null || fail "detach failed"
	door_attach "$GUEST" type=check,mmio=0xfe000000,id=2
	[ "$(guest_run "$GUEST" "devmem $((0xfe000000)) 64")" != 0xFFFFFFFFFFFFFFFF ] || fail "attached anew it is all ones still"
done
