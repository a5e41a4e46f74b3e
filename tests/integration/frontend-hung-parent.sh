# SPDX-License-Identifier: GPL-2.0-only
# title: a parent that hangs costs a bounded time, and nothing once it goes on
# rows: M14
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh

attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
held() { attr apertures | wc -l; }
workers() { # SIGNAL
	for w in $(ps -eo pid,ppid,comm | awk -v s="$(daemon_pid)" '$2 == s { print $1 }'); do
		kill "-$1" "$w"
	done
}
gone() { [ "$(held)" = "$1" ]; }

daemon_start
module_load "$GUEST" request_timeout_ms=2000
device_attach "$GUEST" type=check,size=16M,apertures=6
selftest_ok "$GUEST" "an aperture" hold 0 65536
selftest_ok "$GUEST" "another" hold 0 65536
guest_start "$GUEST" "aperture-hold 0 65536 2" hold.out
wait_until 20 gone 4 || fail "apertures before: $(attr apertures)"

progress "the worker is stopped"
workers STOP
at_exit "workers CONT"
for i in 1 2 3; do
	before=$(cut -d. -f1 /proc/uptime)
	OUT=$(selftest "$GUEST" sizes 0 4096 4096 2>&1) && fail "an aperture without a parent: $OUT"
	assert_match 'errno=110' "$OUT" "error of a request that is not answered"
	took=$(($(cut -d. -f1 /proc/uptime) - before))
	[ $took -le 15 ] || fail "the error came after $took s; request_timeout_ms is 2000"
	note "error after $took s"
done
OUT=$(selftest "$GUEST" withdraw 1 2>&1) && fail "withdrawn without a parent"
assert_match 'errno=110' "$OUT" "error of withdraw"

progress "a program is killed meanwhile"
before=$(cut -d. -f1 /proc/uptime)
guest_run "$GUEST" 'killall -9 aperture-hold'
wait_until 10 guest_run "$GUEST" '! pidof aperture-hold' || fail "the program does not die"
assert_eq 4 "$(held)" "apertures that wait for the parent"
[ "$(attr quarantined_pages)" -ge 32 ] || fail "pages of the dead program are not counted: $(attr quarantined_pages)"

progress "the worker goes on"
workers CONT
wait_until 30 gone 2 || fail "apertures of the dead program stay: $(attr apertures)"
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"
selftest_ok "$GUEST" "the old aperture" ping 0
selftest_ok "$GUEST" "withdraw, asked again" withdraw 1
selftest_ok "$GUEST" "the end of it" drop 1
# Handles that came too late were given back: all six fit again.
for i in 1 2 3 4 5; do
	selftest_ok "$GUEST" "aperture $i of 5 more" hold 0 4096
done
OUT=$(selftest "$GUEST" hold 0 4096 2>&1) && fail "a seventh aperture; apertures=6"
assert_match 'status=E_APERTURES errno=87' "$OUT" "error of the seventh"
selftest_ok "$GUEST" "the end" drop all
