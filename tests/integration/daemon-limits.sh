# SPDX-License-Identifier: GPL-2.0-only
# title: what the parent refuses, and why, in its log: limits of all guests and of one; a device that writes where it may only read
# rows: M4 M15 B4
# guests: pv
# guests-long: pvh
# timeout: 60
. /rig/tests/_lib.sh

# ask SIZE LEAST FLAGS [TAG]: sets OUT to what became of it; the aperture is gone again
ask() {
	guest_run "$GUEST" 'rm -f /tmp/ask'
	guest_run "$GUEST" "aperture-hold 0 $1 1 $3 $2 ${4:-0} >/tmp/ask 2>&1 & p=\$!
		n=0; until [ -s /tmp/ask ] || [ \$n = 200 ]; do sleep 0.05; n=\$((n + 1)); done
		kill -9 \$p 2>/dev/null; wait \$p 2>/dev/null; :"
	OUT=$(guest_run "$GUEST" 'cat /tmp/ask
		n=0; while grep -q "opened\|offered\|mapped" /sys/bus/xen/devices/aperture-0/aperture/apertures; do
			n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.05; done') ||
		fail "the aperture of a program that was killed stays: $OUT"
}
said() { # PATTERN WHAT: in the log since the last time
	wait_until 10 tail_has "$1" || fail "$2 is not in the log: $(tail -c "+$SEEN" "$DAEMON_LOG")"
	SEEN=$(($(wc -c <"$DAEMON_LOG") + 1))
}
tail_has() { tail -c "+$SEEN" "$DAEMON_LOG" | grep -Eq "$1"; }

cat >limits.conf <<EOF
max_mapped_total = 300
max_given = 64K
EOF
SEEN=$(($(cat "$DAEMON_LOG" 2>/dev/null | wc -c) + 1))
daemon_start --config="$PWD/limits.conf"
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M

progress "pages mapped of all guests"
ask 1048576 1048576 0
assert_match '^ready' "$OUT" "256 of 300 pages"
ask 2097152 2097152 0
assert_match 'status=19' "$OUT" "512 of 300 pages: E_SIZE_LEAST"
said 'refused by a limit: 2097152 bytes needed;.*300 of max_mapped_total 300' "the refusal"
ask 2097152 4096 0
assert_match 'granted=1228800' "$OUT" "as much as there is: 300 pages"

progress "memory of the parent's"
ask 65536 65536 4
assert_match '^ready' "$OUT" "16 of 16 pages"
ask 131072 131072 4
assert_match 'status=19' "$OUT" "32 of 16 pages: E_SIZE_LEAST"
said 'refused by a limit: 131072 bytes needed;.*parent-owned 16 of max_given 16' "the refusal"

progress "a store where it may only read"
deaths=$(grep -c 'worker died' "$DAEMON_LOG" || :)
ask 65536 65536 2 0x53544f52	# CHECK_STORES
said 'worker died: store to slot 0 \(read-only\) of device 0 at octet 512' "where it stored"
note "workers died: $(($(grep -c 'worker died' "$DAEMON_LOG") - deaths))"
ready() { # what is asked while the guest has yet to hear of the death ends with that connection, and says so
	ask 65536 65536 0
	case $OUT in *status=68*) return 1 ;; esac
}
wait_until 10 ready || fail "no aperture afterwards: $OUT"
assert_match '^ready' "$OUT" "an aperture afterwards"
