# SPDX-License-Identifier: GPL-2.0-only
# title: reset, removal and destruction with timers armed and operations pending: nothing comes late, nothing leaks
# rows: N16
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 120
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh
. /rig/tests/_operations.sh
ROUNDS=$(short_long 1 100)
GUEST_TIMEOUT=120
NAME=victim
daemon_start
at_exit "guest_alive $NAME && guest_destroy $NAME"

progress "RESET, with ticks armed"
module_load "$GUEST"
device_attach_with "$GUEST" type=timer,size=4K,fast=yes --stub="$CHECK_STUB"
program "after RESET by the first device" "aperture-timer 0 reset"
progress "removal and return of the first device, with ticks armed"
guest_start "$GUEST" "aperture-timer 0 ticks 1500 4000 4" ticks
fast_uninstall
fast_install
fast_uninstall
guest_wait || fail "ticks while the first device went and came: $(cat ticks)"
OUT=$(cat ticks)
echo "$OUT"
for what in lost early twice back off_grid; do assert_eq 0 "$(field $what)" "ticks: $what"; done
program "after RESET by the second device" "aperture-timer 0 reset"
fast_install
progress "the device goes, with ticks armed"
guest_start "$GUEST" "aperture-timer 0 watch 5000" watch
sleep 1
kill_watch() { guest_run "$GUEST" 'killall aperture-timer' || :; }
at_exit kill_watch
xen-aperture detach "$GUEST" 0 --wait=30 || fail "detach failed with status $?"
kill_watch
guest_wait || :
grep -q '^ticks=100 ' watch || fail "no ticks before the device went: $(cat watch)"
wait_until 20 stub_dead "$GUEST" || fail "the stub domain is still there"

gone() { # of $DOMID and $STUB
	! xl list | awk '{ print $2 }' | grep -qxE "$DOMID|$STUB" && ! xl list | grep -q '(null)' &&
		! xenstore-exists "/local/domain/0/backend/aperture/$DOMID" &&
		! xenstore-exists "/local/domain/0/aperture-stub/$STUB" &&
		[ ! -e "/run/xen-aperture/$DOMID-0.stat" ] && [ ! -e "/proc/$WORKER" ]
}
round() {
	guest_create "$TYPE" "$VCPUS" $NAME || broken "guest $NAME was not created"
	DOMID=$(domid_of $NAME)
	guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko && insmod /lib/modules/extra/aperture_selftest.ko' ||
		fail "the modules did not load"
	xen-aperture attach $NAME type=check,size=1M,fast=yes --stub="$CHECK_STUB" --wait=60 || fail "attach failed"
	xen-aperture attach $NAME type=timer,size=4K,fast=yes --wait=60 || fail "attach of a timer failed"
	STUB=$(stub_of $NAME) WORKER=$(worker_pid $NAME)
	guest_start $NAME 'aperture-timer 1 watch 5000' watch
	watch_job=$GUEST_JOB
	guest_start $NAME 'aperture-operate 0 100000000' load
	sleep 1
	kill -STOP "$WORKER"
	sleep 0.5
	xl destroy $NAME || fail "xl destroy failed"
	wait_until 15 gone || fail "of guest $DOMID, stub domain $STUB, worker $WORKER is left: $(xl list) $(
		xenstore-ls /local/domain/0/aperture-stub 2>&1) $(ls /run/xen-aperture)"
	kill "$watch_job" "$GUEST_JOB" 2>/dev/null || :
	guest_wait "$watch_job" || :
	guest_wait || :
}
for i in $(seq $((VCPUS * VCPUS))); do
	progress "warming up"
	round
done
HELD=$(daemon_holds)
pools_may_grow
leak_check_begin
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	progress "guest $i of $ROUNDS"
	round
done
assert_eq "$HELD" "$(daemon_holds)" "after $ROUNDS guests"
leak_check_end 20
metric destroyed="$ROUNDS"
