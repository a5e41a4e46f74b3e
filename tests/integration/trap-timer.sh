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
	timer "periodic ticks, $name" $door ticks "$TICKS" 20000 4
	[ "$(field ticks)" -ge "$TICKS" ] || fail "only $(field ticks) of $TICKS ticks"
done

progress "the worker stands still"
WORKER=$(worker_pid "$GUEST-aperture")
at_exit "kill -CONT $WORKER 2>/dev/null"
kill -STOP "$WORKER" || fail "the worker $WORKER cannot be stopped"
wait_until 5 worker_stopped || fail "the worker $WORKER did not stop"
timer "ticks without the worker, ports" 0 ticks "$TICKS" 20000 4
timer "ticks without the worker, memory" 1 ticks "$TICKS" 20000 4
metric ticks_without_worker="$(field ticks)"
worker_go

counts_read 1
given=$(first handed_over) got=$(first received)
timer "hand-overs in mid-countdown" 1 handover "$ROUNDS"
assert_eq "$(field expired)" "$(field ticks)" "ticks seen of those that fell due"
[ "$(field middle)" -ge "$ROUNDS" ] || fail "only $(field middle) hand-overs in mid-countdown"
middle=$(field middle)
sleep 1.5
counts_read 1
given=$(($(first handed_over) - given)) got=$(($(first received) - got))
[ $given -ge "$middle" ] && [ $got -ge "$middle" ] || fail "the first device counts $given given and $got got"
metric handed_over=$given received=$got
