# SPDX-License-Identifier: GPL-2.0-only
# title: a timer behind ports and memory: counter of all vCPUs, ticks by event, without the worker, hand-overs in mid-countdown
# rows: N15 N8 N10 N11
# guests: pvh
# vcpus: 4
# vcpus-long: 1
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_doors.sh
GUEST_TIMEOUT=600
TICKS=$(short_long 100 1000)
ROUNDS=$(short_long 100 1000)
daemon_start
door_attach "$GUEST" type=timer,io=0x600
door_attach "$GUEST" type=timer,mmio=auto

progress "as trapped-accesses.md shows it"
OUT=$(guest_run "$GUEST" look) || fail "the program by ports: status $?: $OUT"
assert_match '^8 comparators, counter [1-9][0-9]*$' "$OUT" "the program by ports"
assert_eq 0x00000008 "$(guest_run "$GUEST" 'busybox devmem 0xff010018 32')" "COMPARATORS in memory"
assert_eq 08 "$(guest_run "$GUEST" 'dd if=/dev/port bs=1 skip=$((0x618)) count=1 2>/dev/null | od -An -tx1' | tr -d ' ')" "COMPARATORS by ports"

# timer WHAT DEVICE COMMAND...
timer() {
	t_what=$1
	shift
	progress "$t_what"
	program "$t_what" "trap-timer $*"
	for t_field in lost early twice back; do
		case "$OUT" in *" $t_field="*) assert_eq 0 "$(field $t_field)" "$t_what: $t_field" ;; esac
	done
}
for door in 0 1; do
	[ $door = 0 ] && name=ports || name=memory
	timer "counter of all vCPUs, $name" $door counter "$(short_long 1500 10000)"
	assert_eq "$VCPUS" "$(field vcpus)" "vCPUs at once"
	metric "reads_$name=$(field reads)"
	timer "one-shot ticks, $name" $door once "$TICKS" 1000000
	assert_eq "$TICKS" "$(field ticks)" "one-shot ticks, one for each countdown"
	timer "periodic ticks, $name" $door ticks "$TICKS" 20000 4
	[ "$(field ticks)" -ge "$TICKS" ] || fail "only $(field ticks) of $TICKS ticks"
done

progress "the worker stands still"
counts_read 0
ports_forwarded=$(first forwarded)
counts_read 1
memory_forwarded=$(first forwarded) memory_trapped=$(first trapped)
WORKER=$(worker_pid "$GUEST-aperture")
at_exit "kill -CONT $WORKER 2>/dev/null"
kill -STOP "$WORKER" || fail "the worker $WORKER cannot be stopped"
wait_until 5 worker_stopped || fail "the worker $WORKER did not stop"
timer "ticks without the worker, ports" 0 ticks "$TICKS" 20000 4
timer "ticks without the worker, memory" 1 ticks "$TICKS" 20000 4
metric ticks_without_worker="$(field ticks)"
worker_stopped || fail "the worker $WORKER did not stand still all the while"
worker_go
counted() { counts_read 1 && [ "$(first trapped)" -ge $((memory_trapped + TICKS)) ]; }
wait_until 10 counted || fail "the worker does not go on: $(first trapped) accesses, before $memory_trapped"
assert_eq "$memory_forwarded" "$(first forwarded)" "accesses by memory sent to a worker that stood still"
counts_read 0
assert_eq "$ports_forwarded" "$(first forwarded)" "accesses by ports sent to a worker that stood still"

# handovers WHAT DEVICE ROUNDS
handovers() {
	counts_read "$2"
	given=$(first handed_over) got=$(first received) h_what="hand-overs in mid-countdown, $1"
	timer "$h_what" "$2" handover "$3"
	assert_eq "$(field expired)" "$(field ticks)" "$h_what: ticks seen of those that fell due"
	assert_eq "$(field rounds)" "$(field ticks)" "$h_what: ticks seen, one for each countdown"
	middle=$(field middle)
	[ "$middle" -ge "$3" ] || fail "only $middle hand-overs in mid-countdown ($1)"
	sleep 1.5
	counts_read "$2"
	given=$(($(first handed_over) - given)) got=$(($(first received) - got))
	[ $given -ge "$middle" ] && [ $got -ge "$middle" ] || fail "$h_what: the first device counts $given given and $got got"
	metric "handed_over_$1=$given" "received_$1=$got"
}
handovers ports 0 "$(short_long 30 1000)"
handovers memory 1 "$ROUNDS"
