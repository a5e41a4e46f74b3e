# SPDX-License-Identifier: GPL-2.0-only
# title: two guests with three apertures each do not disturb one another; one is destroyed under load
# rows: TWO M14
# guests: pv+pvh
# guest: fresh
# timeout: 180
. /rig/tests/_lib.sh
count=$(short_long 20000 200000)
A=${GUESTS%% *} B=${GUESTS##* }
GUEST_TIMEOUT=3600

# Three streams of frames at once, an aperture each, on one device. Sets JOBS.
streams() { # GUEST FILE-PREFIX COUNT
	JOBS=
	for n in 1 2 3; do
		guest_start "$1" "aperture-selftest frames 0 $3 64" "$2.$n"
		JOBS="$JOBS $GUEST_JOB"
	done
}
moving() { # GUEST: frames flow
	[ "$(xen-aperture stat "$1" 0 | awk '$1 == "published" { print $2 }')" -gt 50 ] 2>/dev/null
}
whole() { # FILE-PREFIX
	for n in 1 2 3; do
		OUT=$(cat "$1.$n")
		assert_eq "$count" "$(field got)" "frames the guest got ($1, $n)"
		assert_eq "$count" "$(field parent_got)" "frames the parent got ($1, $n)"
		for what in bad parent_bad lost_wakeups; do assert_eq 0 "$(field $what)" "$what ($1, $n)"; done
	done
}

daemon_start
for g in $A $B; do
	module_load "$g"
	device_attach "$g" type=check,size=1M,apertures=3
done
worker_a=$(worker_pid "$A") worker_b=$(worker_pid "$B")
[ "$worker_a" != "$worker_b" ] || fail "both guests are served by process $worker_a"

progress "three streams in each guest"
streams "$A" a "$count"
jobs_a=$JOBS
streams "$B" b "$count"
for job in $jobs_a $JOBS; do
	while kill -0 "$job" 2>/dev/null; do
		progress "frames: $(for g in $A $B; do xen-aperture stat "$g" 0 | awk '$1 == "taken" { print $2 }'; done | tr '\n' ' ')"
		sleep 5
	done
	wait "$job" || fail "a stream failed: $(cat a.? b.?)"
done
whole a
whole b

progress "one guest is destroyed under load, the other goes on"
streams "$A" a "$count"
jobs_a=$JOBS
streams "$B" b 100000000
wait_until 60 moving "$B" || fail "no frames in $B"
xl destroy "$B"
for job in $JOBS; do kill "$job" 2>/dev/null || :; done
for job in $jobs_a; do
	while kill -0 "$job" 2>/dev/null; do
		progress "frames: $(xen-aperture stat "$A" 0 | awk '$1 == "taken" { print $2 }')"
		sleep 5
	done
	wait "$job" || fail "a stream of the guest that lives failed: $(cat a.?)"
done
whole a
assert_eq "$worker_a" "$(worker_pid "$A")" "the process that serves the guest that lives"
no_null() { ! xl list | grep -q '(null)'; }
wait_until 10 no_null || fail "the destroyed guest is still held: $(xl list)"
assert_eq "" "$(xenstore-ls -f /local/domain/0/backend/aperture | grep -v "aperture/$(domid_of "$A")" | grep = || :)" \
	"xenstore nodes of the destroyed guest"
