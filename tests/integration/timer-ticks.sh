# SPDX-License-Identifier: GPL-2.0-only
# title: ticks with and without a first device, while the worker stands still, while the guest is paused or starved
# rows: N11 N14
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=120
daemon_start
module_load "$GUEST"

ticks() { # WHAT COUNT PERIOD_US COMPARATORS
	program "$1" "aperture-timer 0 ticks $2 $3 $4"
	for t_what in lost early twice back off_grid; do assert_eq 0 "$(field $t_what)" "$1: $t_what"; done
	assert_eq "$(field expired)" "$(field ticks)" "$1: ticks seen of those that fell due"
}
# What the first device does is done by the second one as well; kernel callbacks get ticks as programs do.
everything() { # WHAT FIRST-LANE
	program "$1: what becomes of missed ticks" "aperture-timer 0 policy merge && aperture-timer 0 policy skip &&
		aperture-timer 0 policy deliver"
	program "$1: registers" "aperture-timer 0 registers"
	assert_eq 0 "$(field wrong)" "$1: registers"
	assert_eq "$2" "$(field date_lane)" "$1: who answers DATE after SYNC"
	selftest_ok "$GUEST" "$1: ticks to a kernel callback" ticks 0 200 5000
}
device_attach "$GUEST" type=timer,size=4K
progress "without a first device"
ticks "the second device's ticks" 300 5000 4
everything "the second device" slow

progress "a first device, added while the guest runs"
fast_install
ticks "the first device's ticks" 300 5000 8
everything "the first device" fast

progress "the worker stands still"
worker_stop
ticks "ticks while the worker stands still" 300 5000 4
worker_go
metric ticks_without_worker="$(field ticks)"

progress "the guest is paused"
guest_start "$GUEST" "aperture-timer 0 ticks 1500 5000 2" paused
sleep 1
xl pause "$GUEST"
sleep 2
xl unpause "$GUEST"
guest_wait || fail "ticks of a guest that was paused: $(cat paused)"
OUT=$(cat paused)
echo "$OUT"
for what in lost early twice back off_grid; do assert_eq 0 "$(field $what)" "ticks while paused: $what"; done
assert_eq "$(field expired)" "$(field ticks)" "ticks seen of those that fell due"
[ "$(field latest_us)" -gt 1000000 ] || fail "no tick was late by a second: the guest was not paused"

# dom0 burns all that Xen gives it, and Xen gives it nearly all; dom0's own work goes before the burning.
# The ticks are slow ones: each is delivered, and a guest that is behind falls back further with quick ones.
progress "the guest's processor is taken away"
stolen() { guest_run "$GUEST" 'awk "\$1 == \"cpu\" { print \$9 }" /proc/stat'; }	# in 1/100 s
STOLEN=$(stolen)
nice -n 19 sh -c 'while :; do :; done' &
BURN=$!
at_exit "kill $BURN 2>/dev/null; xl sched-credit2 -d Domain-0 -w 256"
xl sched-credit2 -d Domain-0 -w 2048
# They take two seconds at least. How much of it is taken is the schedulers' affair: again, until it was a second.
for round in 1 2 3 4 5; do
	STOLEN=$(stolen)
	ticks "ticks of a starved guest" 20 200000 2
	STOLEN=$(($(stolen) - STOLEN))
	[ $STOLEN -lt 100 ] || break
done
kill $BURN
metric starved_latest_us="$(field latest_us)" stolen_ms="$((STOLEN * 10))"
[ $STOLEN -ge 100 ] || fail "only $((STOLEN * 10)) ms of processor time were taken from the guest, in the last of $round rounds"
