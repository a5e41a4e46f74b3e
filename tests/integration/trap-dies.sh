# SPDX-License-Identifier: GPL-2.0-only
# title: the stub domain is trapped and hung with accesses of all vCPUs outstanding: none hangs, none is wrong or done twice
# rows: N15 N9
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
S=$(stub_of "$GUEST")

restarts() { xenstore-read "/local/domain/$S/aperture/restarts"; }
# load ROUNDS PAUSE-MS DO MS: in the background
load() {
	before=$(restarts)
	guest_start "$GUEST" "trap-deaths 0 $((VCPUS > 1 ? VCPUS : 2)) $3 $1 $2 $4" load
	LOAD=$GUEST_JOB
}
load_end() { # WHAT ROUNDS
	guest_wait "$LOAD" || fail "$1: $(cat load)"
	OUT=$(cat load)
	assert_eq 0 "$(field wrong)" "accesses that are wrong, lost or done twice ($1: $OUT)"
	[ $(($(restarts) - before)) -ge "$2" ] || fail "$1: only $(($(restarts) - before)) restarts in $2 rounds"
	note "$1: $(($(restarts) - before)) restarts, $OUT"
}
# deaths WHAT DO ROUNDS MS: the second device's connection goes with each life, so forwarded ones are among them
deaths() {
	progress "$1"
	load "$3" 100 "$2" "$4"
	load_end "$1" "$3"
}
progress "a new life at any instruction"
load $((BURSTS * 10)) 100 0 0
i=0
while [ $i -lt "$BURSTS" ]; do
	i=$((i + 1))
	sleep 0.7
	stub-restart "$S" "$(xenstore-read "/local/domain/$S/aperture/restart-entry")" 10 10000 $i || fail "no restart"
done
load_end "a new life at any instruction" 1

# Each command traps four times, then the second device gets it. All together: more traps than a stub domain
# without a server survives; it slows down instead.
deaths "undefined instructions" 7 "$ROUNDS" 60000
deaths "writes through a null pointer" 8 "$(short_long 1 20)" 60000
deaths "spinning" 9 "$ROUNDS" 700
said() { grep -q "$1" "/var/log/xen/console/guest-$GUEST-aperture.log" || fail "the stub domain did not say: $1"; }
said 'trapped 4 times: the second device gets it'
said 'the next life begins in'
