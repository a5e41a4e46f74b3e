# SPDX-License-Identifier: GPL-2.0-only
# title: the counter of an idle device runs on whoever has the state: second, first, killed, started again
# rows: N10
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
daemon_start
module_load "$GUEST"

# Hundredths of a second: the host's time before and after, and the counter in between.
uptime_cs() { awk '{ printf "%d", $1 * 100 }' /proc/uptime; }
counter_read() { # LANE
	c_before=$(uptime_cs)
	program "the counter" "aperture-op 0 read 0 8"
	c_after=$(uptime_cs)
	assert_eq "$1" "$(field lane)" "who answered"
	c_now=$(($(field value) / 10000000))
}
SLACK=25	# hundredths: what a hand-over may cost, and this measurement
idle_through() { # WHAT LANE COMMAND...
	progress "$1"
	i_what=$1 i_lane=$2 i_now=$c_now i_before=$c_before i_after=$c_after
	shift 2
	sleep "$(short_long 1 3)"	# many times SLACK
	"$@"
	sleep 1
	counter_read "$i_lane"
	moved=$((c_now - i_now)) least=$((c_before - i_after)) most=$((c_after - i_before))
	note "$i_what: the counter moved $moved, the host's time $least to $most hundredths of a second"
	[ $moved -ge $((least - SLACK)) ] || fail "$i_what: time was lost"
	[ $moved -le $((most + SLACK)) ] || fail "$i_what: the counter ran ahead"
}
stub_kill() {
	xl destroy "$(stub_of "$GUEST")" || fail "xl destroy of the stub domain: status $?"
	wait_until 20 lane_is slow || fail "the second device does not answer"
}
worker_kill() {
	kill -KILL "$(worker_pid "$GUEST")"
	wait_until 20 lane_is slow || fail "the next worker does not answer"
}
device_attach "$GUEST" type=timer,size=4K
wait_until 20 lane_is slow || fail "the second device does not answer"
counter_read slow
idle_through "a first device comes" fast fast_install
idle_through "it is taken away" slow fast_uninstall
idle_through "it comes again" fast fast_install
idle_through "it is killed" slow stub_kill
idle_through "the second device is killed" slow worker_kill
idle_through "a first device comes to the new one" fast fast_install
idle_through "both are killed" slow eval 'kill -KILL "$(worker_pid "$GUEST")"; stub_kill'
