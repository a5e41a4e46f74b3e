# SPDX-License-Identifier: GPL-2.0-only
# title: kill -9 of the worker under load, 10 times; 1,000 in the long form
# rows: M14
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

kill_once() {
	set -- $(stat_numbers "$DOMID")
	kill -9 "$4" || fail "worker $4 was gone already"
	reconnected "$DOMID" "$3"
}
daemon_start
supervisor=$(daemon_pid)
kill_rounds worker
assert_eq "$supervisor" "$(daemon_pid)" "the supervisor's process"
