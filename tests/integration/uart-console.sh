# SPDX-License-Identifier: GPL-2.0-only
# title: a guest with console=ttyS0: its boot log, its shell and its last words are in files of dom0
# rows: N15
# guests: none
# timeout: 90
# allow: Grant tables using version 1 layout
. /rig/tests/_lib.sh
. /rig/tests/_uart.sh
GUEST_TIMEOUT=60
OUTPUT=/var/log/xen-aperture/uart-console-0.out INPUT=/var/log/xen-aperture/uart-console-0.in

daemon_start
EXTRA=console=ttyS0 LOGLEVEL=$(short_long 6 8)
uart_guest console type=uart,io=0x3f8 type=uart,io=0x2f8
assert_match 'ttyS1 at I/O 0x2f8 .* is a 16550A$' "$(guest_run console 'dmesg | grep "ttyS1 at"')" "the second one"
assert_eq 600 "$(stat -c %a $OUTPUT)" "who may read the output"

progress "the boot log"
# "<LEVEL and 8 times its sender>[ time] text"
guest_run console 'echo all is well >/dev/kmsg; dmesg -r' |
	awk -F '[<>]' -v below="$LOGLEVEL" '$2 % 8 < below { sub(/^<[0-9]*>/, ""); print }' >dmesg
has() { tr -d '\r' <$OUTPUT | grep -q -- "$1"; }
wait_until 20 has 'all is well' || fail "the console says: $(tail -n 3 $OUTPUT)"
# What programs wrote to /dev/console stands between the kernel's lines.
tr -d '\r' <$OUTPUT | grep '^\[ *[0-9]*\.[0-9]*\] ' >seen
cmp dmesg seen || fail "the kernel's log differs from what came out at the console"
[ "$(wc -l <seen)" -gt "$(short_long 10 100)" ] || fail "only $(wc -l <seen) lines"
note "$(wc -l <seen) lines, $(wc -c <$OUTPUT) octets"

progress "a shell"
guest_run console 'uart-try irq /dev/ttyS0 0 && stty -F /dev/ttyS0 -echo &&
	(setsid sh </dev/ttyS0 >/dev/ttyS0 2>&1 &)'
echo 'echo six times seven is $((6 * 7))' >>$INPUT
wait_until 20 has 'six times seven is 42' || fail "the shell says: $(tail -n 3 $OUTPUT)"

progress "last words"
guest_run console '(sleep 0.3; echo that was all >/dev/kmsg; echo b >/proc/sysrq-trigger) &'
wait_until 20 guest_gone console || fail "the guest is still there"
has 'that was all' || fail "the console says: $(tail -n 3 $OUTPUT)"
