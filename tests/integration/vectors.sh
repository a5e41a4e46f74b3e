# SPDX-License-Identifier: GPL-2.0-only
# title: interrupts of both devices go through one controller: at once, masked, in service; none is lost
# rows: N12 N14
# guests: pv pvh
# vcpus: 2
# vcpus-long: 1
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=120
daemon_start
module_load "$GUEST" look_again=N
fast_attach "$GUEST" type=check,size=1M

# Both halves' counts of vectors until now; later: how many more there are
counted() { # sets INJECTED, COALESCED: first and second
	sleep 1.2	# counters are as of a second ago
	counters_read
	INJECTED="$(first injected) $(second injected)" COALESCED="$(first coalesced) $(second coalesced)"
}
more() { echo "$((${2% *} - ${1% *})) $((${2#* } - ${1#* }))"; }

progress "both devices raise at once"
N=$(short_long 240 1000)
counted
injected=$INJECTED coalesced=$COALESCED
selftest_ok "$GUEST" "both at once" race 0 "$N"
assert_eq "$N 0 $((2 * N)) $N $N" "$(field rounds) $(field lost) $(field shared) $(field fast) $(field slow)" \
	"rounds, interrupts lost, arrived of the vector of both, of the first device's, of the second's"
# In one of four rounds the vector of both is masked while it is raised.
assert_eq "$((N / 4)) $((N / 4))" "$(field together) $(field unmasked)" "pending at both halves, delivered by unmasking"
[ "$(field overlapped)" -ge 10 ] || fail "only in $(field overlapped) of $N rounds both devices were at work at once"
note "at work at once in $(field overlapped) of $N rounds; delivered while the other was pending: $(field met)"
counted
assert_eq "$((N * 7 / 4)) $((N * 7 / 4))" "$(more "$injected" "$INJECTED")" "events for vectors, of the first and the second device"
assert_eq "0 0" "$(more "$coalesced" "$COALESCED")" "vectors that they merged"
progress "both devices raise, in one batch, and the state goes to and fro"
N=$(short_long 100 1000)
selftest_ok "$GUEST" "in one batch" both 0 "$N"
assert_eq 0 "$(field lost)" "interrupts lost"
for n in 0 1 2 3; do
	[ "$(field vector$n)" -ge "$N" ] || fail "vector $n came $(field vector$n) times in $N rounds"
done
progress "edges of each device"
selftest_ok "$GUEST" "edges of the first device" edges 0 1 500
assert_eq 500 "$(field callbacks)" "interrupts of 500 edges of the first device"
selftest_ok "$GUEST" "edges of the second device" edges 0 3 500
assert_eq 500 "$(field callbacks)" "interrupts of 500 edges of the second device"
progress "masked and in service"
counted
coalesced=$COALESCED
selftest_ok "$GUEST" "held back" held 0
assert_eq 0 "$(field wrong)" "cases that went wrong"
counted
# Of each half: the second raise of the vector that was masked
assert_eq "1 1" "$(more "$coalesced" "$COALESCED")" "vectors that the first and the second device merged"
progress "vectors of programs"
OUT=$(guest_run "$GUEST" 'aperture-vectors 0 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
note "$(printf '%s\n' "$OUT" | tail -n 1)"
by_events_only
