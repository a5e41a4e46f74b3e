# SPDX-License-Identifier: GPL-2.0-only
# title: kill -9 of the supervisor 100 times under load
# rows: M14
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

ROUNDS=${LONG:+1000}
ROUNDS=${ROUNDS:-100}
DOMID=$(domid_of "$GUEST")
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
selftest_ok "$GUEST" "an aperture that stays" hold 0 65536
ID=$(field id)

WORST=0
kill_once() {
	set -- $(stat_numbers "$DOMID")
	read -r ko_supervisor </run/xen-aperture/apertured.pid
	kill -9 "$ko_supervisor"
	reconnected "$DOMID" "$3"
	[ ! -e "/proc/$4/fd/3" ] || fail "worker $4 lives on without its supervisor"
}

progress "warming up"
for i in 1 2 3; do kill_once; done
selftest_ok "$GUEST" "the aperture after three kills" ping "$ID"
HELD=$(daemon_holds)
leak_check_begin

load_start
WORST=0
i=0
while [ $i -lt "$ROUNDS" ]; do
	kill_once
	i=$((i + 1))
	[ $((i % 10)) != 0 ] || progress "kill $i of $ROUNDS, slowest so far ${WORST}0 ms"
done
load_stop
note "$ROUNDS kills, slowest recovery ${WORST}0 ms, $RUNS runs of 50000 frames each way"
metric kills="$ROUNDS" recovery_ms="${WORST}0"

progress "the aperture is still there, and nothing was left behind"
selftest_ok "$GUEST" "the aperture that stayed" ping "$ID"
assert_eq "$HELD" "$(daemon_holds)" "after $ROUNDS kills of the supervisor"
leak_check_end 20
