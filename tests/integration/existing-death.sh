# SPDX-License-Identifier: GPL-2.0-only
# title: a program is killed while its own memory is mapped, also when nobody answers: its pages come back; how many may wait
# rows: M6 M13 M14
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh

attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
limit() { attr limits | sed -n "s/^$1 //p"; }
pins() {
	guest_run "$GUEST" "cat /proc/sys/vm/stat_refresh; awk '/^nr_foll_pin_acquired /{ n += \$2 } /^nr_foll_pin_released /{ n -= \$2 } END { print n }' /proc/vmstat"
}
held() { attr apertures | wc -l; }
holds() { [ "$(held)" = "$1" ]; }
workers() { # SIGNAL
	for w in $(ps -eo pid,ppid,comm | awk -v s="$(daemon_pid)" '$2 == s { print $1 }'); do
		kill "-$1" "$w"
	done
}
unpinned() { [ "$(limit pinned_pages)" = 0 ]; }
hold() { # OUTPUT
	guest_start "$GUEST" "aperture-buffer 0 hold" "$1"
}

daemon_start
module_load "$GUEST" request_timeout_ms=1000 quarantine_max_pages=100
device_attach "$GUEST" type=span,size=16M
before=$(pins)
references=$(limit grant_references_used)

progress "killed with a parent that answers"
hold one.out
wait_until 20 holds 4 || fail "apertures of a program: $(attr apertures)"
assert_eq 192 "$(limit pinned_pages)" "pages pinned by the module"
guest_run "$GUEST" 'killall -9 aperture-buffer'
wait_until 20 holds 0 || fail "apertures of the dead program stay: $(attr apertures)"
wait_until 10 unpinned || fail "pages stay pinned: $(limit pinned_pages)"

# In the guest: a program makes its apertures, is killed, and all of it goes; COUNT times
cat >killed <<'END'
cd /sys/bus/xen/devices/aperture-0/aperture
n=0
while [ $n -lt "$1" ]; do
	aperture-buffer 0 hold >/tmp/held &
	while ! grep -q ready /tmp/held; do
		kill -0 $! || { echo "no apertures after $n: $(cat /tmp/held)"; exit 1; }
	done
	[ "$(wc -l <apertures)" = 4 ] || { echo "apertures: $(cat apertures)"; exit 1; }
	kill -9 $!
	wait $! 2>/dev/null
	t=0
	while [ -n "$(cat apertures)" ] || ! grep -q '^pinned_pages 0' limits; do
		t=$((t + 1))
		[ $t -lt 200 ] || { echo "stays after $n: $(cat apertures limits)"; exit 1; }
		sleep 0.05
	done
	: >/tmp/held
	n=$((n + 1))
done
END
guest_put "$GUEST" killed /tmp/killed
killed() { OUT=$(GUEST_TIMEOUT=100 guest_run "$GUEST" "sh /tmp/killed $1" 2>&1) || fail "a program that was killed: $OUT"; }
progress "the same, again and again"
KILLS=$(short_long 5 1000)
killed 2
leak_check_begin
n=0
while [ $n -lt "$KILLS" ]; do
	killed 5
	n=$((n + 5))
	progress "kill $n of $KILLS"
done
leak_check_end
assert_eq "$before" "$(pins)" "pages pinned in the guest after $KILLS kills"
metric kills="$KILLS"

progress "killed with a parent that does not; then that dies, too"
hold two.out
wait_until 20 holds 4 || fail "apertures of a program: $(attr apertures)"
workers STOP
at_exit "workers CONT"
guest_run "$GUEST" 'killall -9 aperture-buffer'
wait_until 10 guest_run "$GUEST" '! pidof aperture-buffer' || fail "the program does not die"
# Of each of the three, the first and the last are copies for the parent.
assert_eq 186 "$(limit pinned_pages)" "pages that the parent still maps are pinned"
[ "$(attr quarantined_pages)" -ge 192 ] || fail "pages in quarantine: $(attr quarantined_pages)"
QUARANTINED=$(attr quarantined_pages)

progress "more than quarantine_max_pages: nothing new, of either kind, and the log says what to do"
OUT=$(selftest "$GUEST" sizes 0 4096 4096 2>&1) && fail "new memory beside $QUARANTINED pages in quarantine: $OUT"
assert_match 'status=E_MEMORY errno=122' "$OUT" "new memory (EDQUOT is 122)"
OUT=$(guest_run "$GUEST" 'aperture-every 0 existing 2>&1') && fail "memory that existed: $OUT"
assert_match 'offer of memory, flags 0: errno=122 status=34' "$OUT" "memory that existed"
assert_match "aperture-0: $QUARANTINED pages are in quarantine, limit quarantine_max_pages=100: .*raise" \
	"$(guest_run "$GUEST" 'dmesg | grep "in quarantine" | tail -n 1')" "what the kernel says"
workers KILL
wait_until 20 holds 0 || fail "apertures of the dead program stay: $(attr apertures)"
wait_until 10 unpinned || fail "pages stay pinned: $(limit pinned_pages)"
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"

progress "another program afterwards"
wait_until 20 connected "$GUEST" 0 || fail "not connected again"
OUT=$(guest_run "$GUEST" 'aperture-buffer 0 limit 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
assert_eq "$before" "$(pins)" "pages pinned in the guest"
assert_eq "$references" "$(limit grant_references_used)" "grant references of the module"
