# SPDX-License-Identifier: GPL-2.0-only
# What the tests of the project share, on top of the rig's lib.sh: the daemon, devices, the guest's
# module and its self-test. A test begins with:  . /rig/tests/_lib.sh
# Everything that is started here is taken away again when the test ends.

DAEMON_LOG=/var/log/xen/console/guest-apertured.log	# shown with the other consoles

# The daemon as a service manager would run it: started again when it is killed.
daemon_start() { # [OPTION...]
	daemon_stop
	mkdir -p /run/xen-aperture
	rm -f /run/rig/daemon.stop
	(
		while [ ! -e /run/rig/daemon.stop ]; do
			apertured --foreground "$@" >>"$DAEMON_LOG" 2>&1 </dev/null || :
			[ -e /run/rig/daemon.stop ] || sleep 0.05
		done
	) &
	DAEMON_LOOP=$!
	# Last, whenever it was started: devices go while it serves them, or each detach waits in vain.
	case $RIG_AT_EXIT in *daemon_stop*) ;; *) RIG_AT_EXIT="$RIG_AT_EXIT
daemon_stop" ;; esac
	wait_until 10 daemon_pid >/dev/null || fail "apertured did not start; see $DAEMON_LOG"
}
# The supervisor's process id: the one apertured whose parent is not an apertured.
daemon_pid() {
	for dp in $(pidof apertured); do
		case " $(pidof apertured) " in
		*" $(awk '{ print $4 }' "/proc/$dp/stat" 2>/dev/null) "*) ;;
		*) echo "$dp" && return ;;
		esac
	done
	return 1
}
daemon_stop() {
	touch /run/rig/daemon.stop
	for ds in $(pidof apertured); do kill "$ds" 2>/dev/null; done
	wait_until 10 daemon_gone || { killall -9 apertured 2>/dev/null; fail "apertured did not end when asked"; }
	[ -z "${DAEMON_LOOP:-}" ] || wait "$DAEMON_LOOP" || :
	DAEMON_LOOP=
}
daemon_gone() { [ -z "$(pidof apertured)" ]; }
# worker_pid GUEST: the process that serves it
worker_pid() {
	wp=$(domid_of "$1") && pgrep -f "^apertured.*worker.*[^0-9]$wp( |\$)" | head -n 1
}

# module_load GUEST [PARAMETER...]: the frontend and its self-test; they go when the test ends.
module_load() {
	ml_guest=$1
	shift
	guest_run "$ml_guest" "insmod /lib/modules/extra/xen-aperture.ko $*" ||
		fail "the frontend module did not load in $ml_guest"
	at_exit "module_unload $ml_guest"
	guest_run "$ml_guest" "insmod /lib/modules/extra/aperture_selftest.ko" ||
		fail "the self-test module did not load in $ml_guest"
}
module_unload() { # GUEST
	guest_alive "$1" || return 0
	guest_run "$1" 'for m in aperture_selftest xen_aperture; do
		! grep -q "^$m " /proc/modules || rmmod $m || exit 1; done'
}

# device_attach GUEST SPEC: waits until it is connected. The device goes when the test ends.
device_attach() {
	xen-aperture attach "$1" "$2" --wait="${3:-20}" ||
		fail "xen-aperture attach $1 $2 failed with status $?"
	at_exit "device_detach_all $1"
}
device_detach_all() { # GUEST
	guest_alive "$1" || return 0
	xen-aperture detach "$1" all --wait=20 || xen-aperture detach "$1" all --force
}

# selftest GUEST COMMAND...: a command of the guest's self-test module; its output; fails with it
selftest() {
	st_guest=$1
	shift
	guest_run "$st_guest" "aperture-selftest $*"
}
# selftest_ok GUEST WHAT COMMAND...
selftest_ok() {
	so_guest=$1 so_what=$2
	shift 2
	OUT=$(selftest "$so_guest" "$@" 2>&1) || fail "$so_what: $OUT"
	echo "$OUT"
}

# A program of this domain serves device 0, of server=program, and keeps the contract.
serve_program() {
	LD_LIBRARY_PATH=/usr/local/lib aperture-serve "$(domid_of "$GUEST")" 0 >serve 2>&1 &
	at_exit "kill $! 2>/dev/null"
	wait_until 20 grep -q connected serve || fail "no connection: $(cat serve)"
}

# every_aperture GUEST DEVICE...: on each one of each owner and direction and two of memory that existed, by
# its kernel and by a program; they stay. 52 pages a device. They end with every_end.
every_aperture() {
	ea_guest=$1
	shift
	for ea_device; do
		selftest_ok "$ea_guest" "apertures of every kind of device $ea_device" every "$ea_device"
		OUT=$(guest_run "$ea_guest" "rm -f /tmp/every; aperture-every $ea_device >/tmp/every 2>&1 </dev/null &
			while kill -0 \$! 2>/dev/null && ! grep -q ready /tmp/every; do sleep 0.05; done
			cat /tmp/every")
		assert_eq ready "$OUT" "a program with apertures of every kind of device $ea_device"
	done
}
every_end() { # GUEST
	guest_run "$1" 'killall aperture-every'
	selftest_ok "$1" "the end of all apertures" drop all
}

# field NAME: the last value of "NAME=value" in $OUT
field() {
	f_value=
	set -f
	for f_word in $OUT; do
		case $f_word in "$1="*) f_value=${f_word#*=} ;; esac
	done
	set +f
	printf '%s\n' "$f_value"
}

# connected GUEST DEV: the guest's view
connected() { [ "$(guest_run "$1" "cat /sys/bus/xen/devices/aperture-$2/aperture/connected")" = 1 ]; }
