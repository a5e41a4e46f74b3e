# SPDX-License-Identifier: GPL-2.0-only
# title: each kind of trap restarts a stub domain in place, with a message; a storm of them ends it
# rows: B7
# guests: none
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_stub.sh

CONSOLE=/var/log/xen/console/guest-traps.log
# trap NUMBER-OF-RESTART PATTERN
said() { stub_said traps "restart $1: $2" || fail "restart $1: no line with '$2' in: $(grep "restart $1[: ]" "$CONSOLE" || tail -n 5 "$CONSOLE")"; }
crashed() { xl list traps | awk 'NR == 2 { exit $5 !~ /c/ }'; }
ended() { stub_said traps 'this domain ends itself'; }

stub_make traps "$STUB_FILES/traps-stub" Domain-0
xl unpause traps
progress "traps"
wait_until 30 ended || fail "no end after a storm; its console: $(tail -n 5 "$CONSOLE")"
said 1 'trap 6, error 0, at address [1-9a-f][0-9a-f]*, touching 0, serving no device'	# undefined instruction
said 2 'trap 0,'			# division
said 3 'trap 3,'			# breakpoint
said 4 'trap 14, .*touching 18,'	# read through NULL
said 5 'trap 14, .*at address 0, touching 0,'	# call through NULL
said 6 'trap 14, .*touching 10[0-9a-f]{4},'	# write to code
said 7 'trap 13,'			# no address
said 8 'trap 14, .*touching 1[0-9a-f]{5},'	# the stack's guard page
stub_said traps 'restart 9 from outside' || fail "the entry for the host role: $(grep 'restart 9' "$CONSOLE")"
said 10 'trap 6,'
said 11 'trap 6,'
! stub_said traps 'restart 12' || fail "it went on after a storm"
! stub_said traps 'not cleared' || fail "a life began with the memory of the one before"
assert_eq 11 "$(grep -c 'life [0-9]* begins' "$CONSOLE")" "lives"
wait_until 10 crashed || fail "the domain is not crashed: $(xl list traps)"
xl destroy traps
