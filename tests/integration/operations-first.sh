# SPDX-License-Identifier: GPL-2.0-only
# title: the first device answers what it can, the second the rest, and nobody can tell from the answers
# rows: N1 N2 N6 N7 N9
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
GUEST_TIMEOUT=900
daemon_start
module_load "$GUEST" look_again=N
fast_attach "$GUEST" type=check,size=1M
STUB=$(stub_of "$GUEST")

progress "where the two devices are"
assert_match "(^| )$STUB( |\$)" "$(xen-aperture list "$GUEST")" "the stub domain in the list"
assert_match '^[1-9][0-9]*$' "$STUB" "the first device's domain"
worker=$(worker_pid "$GUEST")
[ "$(awk '/^Uid:/ { print $2 }' "/proc/$worker/status")" != 0 ] || fail "the second device's process is root's"
assert_eq 0000000000000000 "$(awk '/^CapEff:/ { print $2 }' "/proc/$worker/status")" "capabilities of that process"

# What the second device answered, the first declined before: but for what was sent to the second at once. DIRECT: that;
# MORE: declined of what the program begins with. What the second declined came to the first again.
declined_begin() {
	sleep 1.2	# counters are as of a second ago
	counters_read
	first_declined=$(first declined) second_declined=$(second declined)
}
declined_exactly() { # WHAT DIRECT MORE
	sleep 1.2
	counters_read
	assert_eq "$(($(field by_second) - $2 + $3 + $(second declined) - second_declined))" \
		"$(($(first declined) - first_declined))" "operations that the first device declined ($1)"
}

progress "every octet, size and direction: hits and misses"
declined_begin
hits=$(first executed) declined=$(first declined) refused=$(first refused)
operate "table" 0 mix=table batch=256
first_answered=$(field by_first)
[ "$(field by_second)" -gt 1000 ] || fail "the second device answered only $(field by_second)"
declined_exactly "table" "$(field independent)" 0
refused=$(($(first refused) - refused)) hits=$(($(first executed) - hits))
note "table: $hits hits, $(($(first declined) - declined)) declined, $refused refused"
# One more: the RESET that the program begins with.
assert_eq "$((first_answered + 1))" "$((hits + refused))" "answers by the first device, counted there and by the program"

N=$(short_long 20000 100000)
progress "random operations, $N"
declined_begin
operate "random" "$N" seed=$((VCPUS + 10)) batch=8
declined_exactly "random" "$(field independent)" 0
hash=$(field hash)
[ "$(field by_first)" -gt $((N / 2)) ] && [ "$(field by_second)" -gt $((N / 20)) ] ||
	fail "by the first device $(field by_first), by the second $(field by_second): that is no mixture"
metric by_first="$(field by_first)" by_second="$(field by_second)"
selftest_ok "$GUEST" "callbacks" operate 0 30000 32
assert_eq 0 "$(field wrong)" "answers that differ from the reference"

progress "registers that are independent of the state"
declined_begin
operate "independent" 500 mix=apart batch=256
assert_eq "500 500" "$(field by_second) $(field independent)" "accesses of independent registers, by the second device"
declined_exactly "independent" 500 0

progress "four programs at once, each in order"
for row in 0 1 2 3; do guest_start "$GUEST" "aperture-operate 0 4000 mix=row row=$row seed=$row" "row.$row"; jobs="${jobs:-} $GUEST_JOB"; done
for job in $jobs; do guest_wait "$job" || fail "one of four programs: $(cat row.?)"; done

progress "a million fast operations while the worker stands still"
counters_read
before=$(second executed) before_declined=$(second declined)
worker_stop
selftest_ok "$GUEST" "fast operations" fast 0 1000000 32
assert_eq 1000000 "$(field by_first)" "operations that the first device answered"
worker_go
sleep 1.2
counters_read
assert_eq "$before $before_declined" "$(second executed) $(second declined)" "operations that the second device saw"

progress "without the first device; then with everything through the stub domain"
fast_uninstall
wait_until 20 stub_dead "$GUEST" || fail "the stub domain is still there"
lane_is slow || fail "the second device does not answer alone"
operate "without the first device" 5000 seed=$((VCPUS + 10)) batch=256
assert_eq 0 "$(field by_first)" "answers by a first device that is not there"
fast_install --route=all
declined_begin
operate "independent, all through the stub domain" 500 mix=apart
assert_eq 500 "$(field by_second)" "accesses of independent registers, by the second device"
# The program begins with 5 more of them
declined_exactly "independent, all through the stub domain" 0 5
declined_begin
operate "all through the stub domain" "$N" seed=$((VCPUS + 10)) batch=256
declined_exactly "all through the stub domain" 0 5
assert_eq "$hash" "$(field hash)" "the state after the same operations, all through the stub domain"
by_events_only
