# SPDX-License-Identifier: GPL-2.0-only
# title: two guests with three apertures each do not disturb one another; one lies about memory it gave back, is destroyed under load
# rows: TWO M14 M16 B2
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

# What B says it has unmapped and has not is never another's: 64 pages, 512 words each.
PAGES=64 WORDS=32768 PARENT_OWNED=4
LIMIT=/sys/module/xen_gntalloc/parameters/limit	# of this domain's pages that are given, or still mapped
seen() { # GUEST kept|stayed fill|count VALUE so=N zero=N other=N
	seen_guest=$1 seen_how="$2 $3 $4"
	OUT=$(selftest "$1" memory "$2" "$3" "$4") || fail "$1: memory $seen_how: $OUT"
	shift 4
	assert_eq "$*" "$OUT" "words in $seen_guest, memory $seen_how"
}
overstay() {
	progress "$B says that it has unmapped memory of dom0, and has not"
	OUT=$(selftest "$B" overstay 0 $PAGES) || fail "memory of dom0: $OUT"
	assert_eq "$((PAGES + 1)) 5" "$(field mapped) $(printf '%s\n' "$OUT" | grep -c ' status=OK ')" \
		"pages mapped with their directory, requests that went well"
	seen "$B" stayed fill 0xbbbb "so=$WORDS zero=0 other=0"
	selftest_ok "$A" "memory of dom0 for $A" keep 0 $PAGES $PARENT_OWNED
	seen "$A" kept count 0xbbbb "so=0 zero=$WORDS other=0"
	seen "$A" kept fill 0xaaaa "so=$WORDS zero=0 other=0"
	seen "$B" stayed count 0xbbbb "so=$WORDS zero=0 other=0"
	selftest_ok "$A" "its end" unkeep
	# It is given the same pages again, zeroed, and sees them twice.
	selftest_ok "$B" "memory of dom0 for $B" keep 0 $PAGES $PARENT_OWNED
	seen "$B" stayed count 0xbbbb "so=0 zero=$WORDS other=0"
	seen "$B" kept fill 0xcccc "so=$WORDS zero=0 other=0"
	seen "$B" stayed count 0xcccc "so=$WORDS zero=0 other=0"
	selftest_ok "$B" "its end" unkeep
	# There is room for all that both were given and 63 more.
	before=$(cat $LIMIT)
	at_exit "echo $before >$LIMIT"
	echo $((2 * (PAGES + 1) + PAGES - 1)) >$LIMIT
	OUT=$(selftest "$A" keep 0 $((2 * PAGES)) $PARENT_OWNED 2>&1) && fail "$A was given what $B has: $OUT"
	assert_eq E_MEMORY "$(field status)" "the answer to $A while $B has what it released"
}
given() { OUT=$(selftest "$A" keep 0 $((2 * PAGES)) $PARENT_OWNED 2>&1); }

daemon_start
for g in $A $B; do
	module_load "$g"
	device_attach "$g" type=check,size=1M,apertures=3
done
worker_a=$(worker_pid "$A") worker_b=$(worker_pid "$B")
[ "$worker_a" != "$worker_b" ] || fail "both guests are served by process $worker_a"
overstay

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

progress "what the destroyed guest had is there for the other"
wait_until 10 given || fail "$A is not given the memory of $B, which is gone: $OUT"
seen "$A" kept count 0xcccc "so=0 zero=$((2 * WORDS)) other=0"
selftest_ok "$A" "its end" unkeep
