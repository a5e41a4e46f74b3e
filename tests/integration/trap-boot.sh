# SPDX-License-Identifier: GPL-2.0-only
# title: a guest's own port and memory accesses reach the first device; other addresses are nobody's
# rows: N15
# guests: none
# vcpus: 4
# vcpus-long: 1
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_stub.sh
. /rig/tests/_trap.sh

G=trapped
MMIO=0xfe000000
trap_guest $G "$VCPUS"
trap_stub $G
trap_device 0 timer io 0x600
trap_device 1 timer mmio $MMIO
trap_device 2 timer io 0xa00
progress "boot"
trap_go $G 0 1 2

# port ADDRESS COUNT: octets, in hexadecimal
port() { guest_run $G "dd if=/dev/port bs=1 skip=$(($1)) count=$2 2>/dev/null | hexdump -v -e '1/1 \"%02x\"'"; }
progress "ports"
OUT=$(guest_run $G "port() { dd if=/dev/port bs=1 skip=\$((\$1)) count=\$2 2>/dev/null | hexdump -v -e '1/1 \"%02x\"'; echo; }
	port 0x618 4; port 0xa18 1; port 0x600 1; port 0x5fe 2") || fail "ports: $OUT"
# COMPARATORS octet by octet, of both; one octet of COUNTER, which does not admit it; below the range
assert_eq "08000000 08 ff ffff" "$(echo $OUT)" "what the ports answer"
progress "memory"
OUT=$(guest_run $G "devmem $((MMIO + 0x18)) 32; devmem $((MMIO + 0x100)) 64 0x1122334455667788
	devmem $((MMIO + 0x100)) 64; devmem $((MMIO + 0x100)) 32; devmem $MMIO 64; devmem $MMIO 64") || fail "memory: $OUT"
assert_match '^0x00000008 0x1122334455667788 0x55667788 ' "$(echo $OUT)" "COMPARATORS, DEADLINE, its low half"
set -- $OUT
[ $(($4)) -gt 0 ] && [ $(($5)) -gt $(($4)) ] || fail "COUNTER does not run: $4, $5"
note "COUNTER $4, then $5"

progress "memory that the guest gives back"
# Xen asks every ioreq server to forget what it mapped, and stops the vCPU until it has answered.
guest_run $G 'echo 131072 >/sys/devices/system/xen_memory/xen_memory0/target_kb' || fail "no balloon"
smaller() { [ "$(xl list $G | awk 'NR == 2 { print $3 }')" -le 140 ]; }
wait_until 20 smaller || fail "the guest gives no memory back: $(xl list $G)"
assert_eq 0x00000008 "$(guest_run $G "devmem $((MMIO + 0x18)) 32")" "COMPARATORS afterwards"
trap_end $G
