# SPDX-License-Identifier: GPL-2.0-only
# title: every form of an instruction that reaches a port or memory: the value, the registers and flags, executed once
# rows: N15 N5
# guests: pvh
# vcpus: 1
# vcpus-long: 4
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
GUEST_TIMEOUT=300
daemon_start
door_attach "$GUEST" type=check,io=0x600
door_attach "$GUEST" type=check,mmio=auto
door_attach "$GUEST" type=uart,io=0x28	# an immediate port is below 256

# table WHAT DEVICE ROWS [UART]: the program's rows are the table; the device counted what the program says
table() {
	progress "$1"
	counts_since "$2"
	OUT=$(guest_run "$GUEST" "trap-forms $2 $VCPUS ${4:-}" 2>&1) || fail "$1: $(echo "$OUT" | grep -E 'WRONG|rows=' || echo "$OUT")"
	echo "$OUT"
	assert_eq 0 "$(field wrong)" "answers that differ from the reference ($1)"
	assert_eq "$3" "$(field rows)" "forms in the table ($1)"
	counts_settle "$2" "$(field accesses)"
	note "$1: $(field rows) forms, $(field tries) tries, $(field accesses) accesses"
}
counts_since 2
UART_TRAPPED=$TRAPPED
table "ports" 0 27 2
TRAPPED=$UART_TRAPPED
counts_settle 2 "$(field immediate_accesses)"
table "memory" 1 361
