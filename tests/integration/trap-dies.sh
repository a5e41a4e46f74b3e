# SPDX-License-Identifier: GPL-2.0-only
# title: the stub domain is trapped and hung with accesses of all vCPUs outstanding: none hangs, none is wrong or done twice; its timer ticks on
# rows: N15 N9 N11
# guests: pvh
# vcpus: 4
# vcpus-long: 1
# timeout: 300
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=600
ROUNDS=$(short_long 3 20)
BURSTS=$(short_long 4 50)
echo 'stub_watchdog = 400' >conf
daemon_start --config "$PWD/conf"
xen-aperture attach "$GUEST" type=check,mmio=0xff100000,timeout=20000 --stub="$CHECK_STUB" --wait=60 ||
	fail "attach failed with status $?"
at_exit "device_detach_all $GUEST"
xen-aperture attach "$GUEST" type=timer,io=0x600 --wait=60 || fail "attach of the timer failed with status $?"
MOST_MS=$((5000 * ${RIG_PATIENCE:-1}))	# an access; four lives of it may each begin after a second's pause
S=$(stub_of "$GUEST")

restarts() { xenstore-read "/local/domain/$S/aperture/restarts"; }
# load ROUNDS PAUSE-MS DO MS: in the background
load() {
	before=$(restarts)
	guest_start "$GUEST" "trap-deaths 0 $((VCPUS > 1 ? VCPUS : 2)) $3 $1 $2 $4" load
	LOAD=$GUEST_JOB
}
load_end() { # WHAT RESTARTS
	guest_wait "$LOAD" || fail "$1: $(cat load)"
	OUT=$(cat load)
	assert_eq 0 "$(field wrong)" "accesses that are wrong, lost or done twice ($1: $OUT)"
	[ $(($(restarts) - before)) -ge "$2" ] || fail "$1: only $(($(restarts) - before)) restarts of $2"
	[ "$(field longest_ms)" -le $MOST_MS ] || fail "$1: an access took $(field longest_ms) ms, the bound is $MOST_MS"
	note "$1: $(($(restarts) - before)) restarts, $OUT"
}
# deaths WHAT DO ROUNDS MS RESTARTS-OF-A-ROUND: the second device's connection goes with each life
deaths() {
	progress "$1"
	load "$3" 100 "$2" "$4"
	load_end "$1" $(($3 * $5))
}
progress "a new life at any instruction"
WORKER=$(worker_pid "$GUEST-aperture") || fail "no worker serves the stub domain"
at_exit "kill -CONT $WORKER 2>/dev/null"
guest_start "$GUEST" "trap-timer 1 ticks $((BURSTS * 60)) 50000 4" ticks
TICKING=$GUEST_JOB
load $((BURSTS * 13)) 100 0 0
i=0 stood=0
while [ $i -lt "$BURSTS" ]; do
	i=$((i + 1))
	sleep 0.5
	# In every second one the worker stands still: accesses that it has to answer are out at each of these deaths.
	[ $((i % 2)) = 0 ] || { kill -STOP "$WORKER"; stood=$((stood + 1)); }
	sleep 0.6
	stub-restart "$S" "$(xenstore-read "/local/domain/$S/aperture/restart-entry")" 10 10000 $i || fail "no restart"
	kill -CONT "$WORKER"
done
# One that comes before the last one's first instruction counts as one with it.
load_end "a new life at any instruction" $((BURSTS * 9))
[ "$(field waited)" -ge $stood ] || fail "only $(field waited) accesses waited for the second device over $stood times 10 deaths"
guest_wait "$TICKING" || fail "ticks meanwhile: $(cat ticks)"
OUT=$(cat ticks)
for t_field in lost early twice back; do assert_eq 0 "$(field $t_field)" "ticks meanwhile: $t_field"; done
note "ticks meanwhile: $OUT"

# Each command traps four times, then the second device gets it. All together: more traps than a stub domain
# without a server survives; it slows down instead.
deaths "undefined instructions" 7 "$ROUNDS" 60000 4
deaths "writes through a null pointer" 8 "$(short_long 1 20)" 60000 4
deaths "spinning" 9 "$ROUNDS" 700 1
said() { grep -q "$1" "/var/log/xen/console/guest-$GUEST-aperture.log" || fail "the stub domain did not say: $1"; }
said 'trapped 4 times: the second device gets it'
said 'the next life begins in'
