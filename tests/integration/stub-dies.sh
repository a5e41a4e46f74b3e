# SPDX-License-Identifier: GPL-2.0-only
# title: the stub domain is killed, hung and trapped 6 times each under load (100 in the long form); the guest sees no error
# rows: B7
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=1200
ROUNDS=$(short_long 6 100)
echo 'stub_watchdog = 400' >conf
daemon_start --config "$PWD/conf"
module_load "$GUEST"
fast_attach "$GUEST" type=check,size=1M

# The load takes all the processor that it gets; the tool has work to do.
xl sched-credit2 -d Domain-0 -w 4096
at_exit 'xl sched-credit2 -d Domain-0 -w 256'

restarts() { xenstore-read "/local/domain/$(stub_of "$GUEST")/aperture/restarts"; }
more_restarts() { [ "$(restarts)" -gt "$1" ]; }
# A tenth of a second in which the first device goes wrong; what came after it is answered all the same.
misbehave() { # COMMAND
	before=$(restarts)
	program "command $1" "aperture-op 0 command $1 +100"
	[ "$(restarts)" -gt "$before" ] || missed=$((missed + 1))
}
# Until it went wrong ROUNDS times. A load that delayed the command by more than its tenth of a second was
# a round without a failure: three of those are too few to matter, more are not.
rounds() { # WHAT COMMAND SECONDS ROUNDS
	i=0 missed=0
	begin=$(restarts)
	operations_load
	while [ $((i - missed)) -lt "$4" ]; do
		misbehave "$2"
		load_lives
		i=$((i + 1))
		[ $missed -le 3 ] || fail "$1: only $((i - missed)) of $i rounds went wrong"
		[ $((i % 5)) != 0 ] || progress "$1 $i of $4"
		sleep "$3"
	done
	operations_load_end
	wait_until 20 lane_is fast || fail "$1: the first device does not answer any more"
	note "$1 $((i - missed)) times, $(($(restarts) - begin)) restarts in place, $RUNS runs of 2000 operations"
	metric "$1=$(($(restarts) - begin))"
}
# More than 10 restarts in 10 s would end the stub domain.
progress "undefined instructions, null pointers"
rounds traps 7 1 $((ROUNDS / 2))
rounds nulls 8 1 $((ROUNDS / 2))
progress "spinning"
rounds hangs 9 0.7 "$ROUNDS"
assert_match '^[1-9]' "$(xenstore-read "/local/domain/0/aperture-stub/$(stub_of "$GUEST")/watchdog-restarts")" \
	"restarts by the watchdog"

progress "killed"
operations_load
i=0
while [ $i -lt "$ROUNDS" ]; do
	stub=$(stub_of "$GUEST")
	xl destroy "$stub" || fail "xl destroy of the stub domain failed"
	load_lives
	wait_until 20 stub_dead "$GUEST" || fail "the stub domain is still there"
	fast_install
	load_lives
	[ $((i % 5)) != 0 ] || progress "kill $i of $ROUNDS"
	i=$((i + 1))
done
operations_load_end
note "killed $ROUNDS times, $RUNS runs of 2000 operations"
metric kills="$ROUNDS"
assert_eq 1 "$(xl list | grep -c -- -aperture)" "stub domains"
