# SPDX-License-Identifier: GPL-2.0-only
# title: a PVH guest without a driver of ours: its kernel's serial driver uses a device of ours, its boot log is in dom0
# rows: demo
# guests: none
# timeout: 120
# allow: Grant tables using version 1 layout
. /rig/tests/_lib.sh
. /rig/tests/_uart.sh
OUTPUT=/var/log/xen-aperture/uart-plain-0.out

daemon_start
progress "a PVH guest with console=ttyS0"
EXTRA="console=ttyS0 ignore_loglevel"
uart_guest plain type=uart,io=0x3f8
metric driver="$(guest_run plain 'dmesg | grep -o "ttyS0 at I/O .*"')"
metric file="$OUTPUT"
metric modules="$(guest_run plain 'grep -c aperture /proc/modules || :')"
guest_run plain 'echo the end of the demo >/dev/kmsg; dmesg' >dmesg
has_end() { grep -q 'the end of the demo' $OUTPUT; }
wait_until 20 has_end || fail "the console says: $(tail -n 3 $OUTPUT)"
tr -d '\r' <$OUTPUT | grep '^\[ *[0-9]*\.[0-9]*\] ' >seen
metric sent="$(wc -l <dmesg)"
metric arrived="$(($(wc -l <dmesg) - $(diff dmesg seen | grep -c '^<')))"
sleep 1.2
xen-aperture stat plain 0 >stat || fail "no counters"
for what in trapped forwarded; do metric $what="$(awk -v w=$what '$1 == w { print $2; exit }' stat)"; done
xen-aperture list plain >list
metric place="$(grep -o 'io 0x[0-9a-f-]*x[0-9a-f]*' list | head -n 1)"
xl destroy plain
wait_until 20 guest_gone plain || fail "the guest is still there"
