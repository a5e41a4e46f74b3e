# SPDX-License-Identifier: GPL-2.0-only
# title: kill -9 of the supervisor under load, 10 times; 1,000 in the long form
# rows: M14
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

kill_once() {
	set -- $(stat_numbers "$DOMID")
	read -r ko_supervisor </run/xen-aperture/apertured.pid
	kill -9 "$ko_supervisor"
	reconnected "$DOMID" "$3"
	[ ! -e "/proc/$4/fd/3" ] || fail "worker $4 lives on without its supervisor"
}
daemon_start
kill_rounds supervisor
