# SPDX-License-Identifier: GPL-2.0-only
# title: a program is killed while its own memory is mapped and nobody answers: its pages come back, others go on
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
module_load "$GUEST" request_timeout_ms=1000
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

progress "killed with a parent that does not; then that dies, too"
hold two.out
wait_until 20 holds 4 || fail "apertures of a program: $(attr apertures)"
workers STOP
at_exit "workers CONT"
guest_run "$GUEST" 'killall -9 aperture-buffer'
wait_until 10 guest_run "$GUEST" '! pidof aperture-buffer' || fail "the program does not die"
assert_eq 192 "$(limit pinned_pages)" "pages that the parent still maps are pinned"
[ "$(attr quarantined_pages)" -ge 192 ] || fail "pages in quarantine: $(attr quarantined_pages)"
workers KILL
wait_until 20 holds 0 || fail "apertures of the dead program stay: $(attr apertures)"
wait_until 10 unpinned || fail "pages stay pinned: $(limit pinned_pages)"
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"

progress "another program afterwards"
wait_until 20 connected "$GUEST" 0 || fail "not connected again"
OUT=$(guest_run "$GUEST" 'aperture-buffer 0 limit 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
assert_eq "$before" "$(pins)" "pages pinned in the guest"
assert_eq "$references" "$(limit grant_references_used)" "grant references of the module"
