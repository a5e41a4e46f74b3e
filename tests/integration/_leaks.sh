# SPDX-License-Identifier: GPL-2.0-only
# Kills and what must come back after them. What Xen and xenstored hold is counted by the rig's
# leak_check_begin and leak_check_end.

# What the daemon itself holds
daemon_holds() {
	echo "workers: $(pgrep -fc '^apertured.*--worker' || :), stat files: $(
		find /run/xen-aperture -name '*.stat' | wc -l), domains: $(xl list | awk 'NR > 1 { printf "%s ", $1 }')"
}

# With PVH guests of several vCPUs Xen's own pools grow: by a page for each of the first few, later by one now and
# then, with those that have no device too (14 of them: 20 KiB, the last seven nothing). After a longer warm-up a
# leak is what each guest leaves: three of them at least, and AFTER that come behind these, take less than a page
# each. More guests may take no more.
pools_may_grow() { # [AFTER]
	[ "$TYPE" = pvh ] && [ "$VCPUS" -gt 1 ] || return 0
	[ "$ROUNDS" -ge 3 ] || ROUNDS=3
	LEAK_FREE_KB=$((4 * (2 + ${1:-0})))
}

# The stat file of device 0 of $1 (domid): "state peer-state epoch worker". Few processes: some of the
# tests call these a thousand times.
stat_numbers() { od -An -tu4 -j88 -N16 "/run/xen-aperture/$1-0.stat" 2>/dev/null; }
# connected_after DOMID EPOCH: both sides Connected, on a later connection
connected_after() {
	set -- "$2" $(stat_numbers "$1")
	[ $# = 5 ] && [ "$2" = 4 ] && [ "$3" = 4 ] && [ "$4" -gt "$1" ]
}
hundredths() { # sets NOW
	read -r h_up h_rest </proc/uptime
	NOW=${h_up%.*}${h_up#*.}
}
# reconnected DOMID EPOCH: waits for it, 20 s; sets TOOK (hundredths of a second) and WORST
reconnected() {
	hundredths
	r_start=$NOW
	until connected_after "$1" "$2"; do
		sleep 0.02
		hundredths
		[ $((NOW - r_start)) -lt 2000 ] || fail "not connected 20 s after a kill: $(stat_numbers "$1")"
	done
	hundredths
	TOOK=$((NOW - r_start))
	[ $TOOK -le "$WORST" ] || WORST=$TOOK
}

# Checksummed frames both ways in $GUEST, run after run, until load_stop. An outage may end a run
# before it began (E_GONE), never one that is under way.
load_start() {
	guest_run "$GUEST" 'rm -f /tmp/stop'
	GUEST_TIMEOUT=7200 guest_start "$GUEST" 'n=0
		while [ ! -e /tmp/stop ]; do
			out=$(aperture-selftest frames 0 50000 2>&1) && n=$((n + 1)) && echo "$out" && continue
			case $out in
			*sent=*) echo "$out"; exit 1 ;;
			*E_GONE*) ;;
			*) echo "$out"; exit 1 ;;
			esac
		done
		echo runs=$n' load
	LOAD=$GUEST_JOB
}
load_stop() { # sets RUNS
	guest_run "$GUEST" 'touch /tmp/stop'
	guest_wait "$LOAD" || fail "the load failed: $(tail -n 4 load)"
	OUT=$(cat load)
	RUNS=$(field runs)
	[ "$RUNS" -ge 1 ] || fail "no run of the load came to its end"
	for ls_word in $(grep -o 'bad=[0-9]*\|lost_wakeups=[0-9]*' load | sort -u); do
		assert_match '=0$' "$ls_word" "frames"
	done
}

# kill_rounds WHO: kill_once, which the test defines, 10 times under load (1,000 in the long form) with an
# aperture that stays mapped; what it was made of is the same afterwards. Sets ROUNDS.
kill_rounds() {
	ROUNDS=$(short_long 10 1000)
	DOMID=$(domid_of "$GUEST")
	module_load "$GUEST"
	device_attach "$GUEST" type=check,size=1M
	selftest_ok "$GUEST" "an aperture that stays" hold 0 65536
	kr_id=$(field id)

	progress "warming up"
	WORST=0
	for kr_i in 1 2 3; do kill_once; done
	selftest_ok "$GUEST" "the aperture after three kills" ping "$kr_id"
	kr_held=$(daemon_holds)
	leak_check_begin

	load_start
	WORST=0 kr_i=0
	while [ $kr_i -lt "$ROUNDS" ]; do
		kill_once
		kr_i=$((kr_i + 1))
		[ $((kr_i % 5)) != 0 ] || progress "kill $kr_i of $ROUNDS, slowest so far ${WORST}0 ms"
	done
	load_stop
	note "$ROUNDS kills, slowest recovery ${WORST}0 ms, $RUNS runs of 50000 frames each way"
	metric kills="$ROUNDS"
	metric recovery_ms="${WORST}0"

	progress "the aperture is still there, and nothing was left behind"
	selftest_ok "$GUEST" "the aperture that stayed" ping "$kr_id"
	assert_eq "$kr_held" "$(daemon_holds)" "after $ROUNDS kills of the $1"
	leak_check_end 20
}
