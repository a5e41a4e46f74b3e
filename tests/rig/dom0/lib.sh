# SPDX-License-Identifier: GPL-2.0-only
# Functions for test scripts and for the shell in dom0. A test runs under "sh -eu" in a folder of its
# own, with: GUEST (name of its guest), GUESTS (all of them), TYPE, VCPUS, LONG (empty or yes).

RIG_TESTLOG=/var/log/xen/console/guest-test.log
RIG_GUESTS=/rig/guests
PATH=$PATH:/rig/bin

# --- telling the host -------------------------------------------------------------------------
emit() { printf '%s\n' "$*" >/run/rig/results; }
progress() { emit "progress $*"; }	# also tells that the test does not hang
note() { emit "diag $*"; }		# shown with the result
metric() { emit "metric $*"; }		# NAME=VALUE, recorded
fail() {
	emit "fail $*"
	echo "FAILED: $*"
	[ -n "$RIG_CLEANING" ] || exit 1
	rig_status=1			# the rest of the cleaning up goes on
}
broken() {				# the rig or its surroundings are at fault, not the product
	emit "broken $*"
	echo "BROKEN: $*"
	exit 98
}
skip() {
	emit "skip $*"
	exit 77
}

# short_long SHORT LONG: a number of repetitions, for the form that runs: ROUNDS=$(short_long 20 1000)
short_long() { [ -n "$LONG" ] && echo "$2" || echo "$1"; }

# The host's answer to "next"
rig_next() { printf '%s\n' "$1" >/run/rig/next; }

# Asked for by the host when a test hangs: backtraces of every kernel on its console
rig_where() {
	echo l >/proc/sysrq-trigger
	echo w >/proc/sysrq-trigger
	ps -eo pid,stat,wchan:24,args | grep -v '\]$' >>"$RIG_TESTLOG"
	for rw in $(xl list | awk 'NR > 2 { print $2 }'); do
		xl sysrq "$rw" l
		xl sysrq "$rw" t
	done
	sleep 1
	mark where
}

# The host reads the consoles up to this line before it judges.
mark() {
	echo "rig-mark $1" >>/var/log/xen/console/guest-rig.log
	echo "rig-mark $1" >/dev/hvc0
}

# --- what must be true -------------------------------------------------------------------------
assert_eq() { # EXPECTED ACTUAL WHAT
	[ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}
assert_match() { # PATTERN (extended regular expression) TEXT WHAT
	printf '%s\n' "$2" | grep -Eq -- "$1" || fail "$3: '$2' does not match '$1'"
}
# assert_fails STATUS COMMAND...: it must end with STATUS (or any but 0 for "any"); its output,
# both streams, is left in $OUT
assert_fails() {
	af_want=$1
	shift
	af_status=0
	OUT=$("$@" 2>&1) || af_status=$?
	[ "$af_status" != 0 ] || fail "'$*' succeeded; it must fail with status $af_want"
	[ "$af_want" = any ] || assert_eq "$af_want" "$af_status" "status of '$*' ($OUT)"
}
# wait_until SECONDS COMMAND...: until it succeeds; 1 when it did not in time
# Few processes: starting one is what takes time here.
wait_until() {
	uptime_read
	wu_end=$((UPTIME + $1 * ${RIG_PATIENCE:-1}))
	shift
	until "$@"; do
		uptime_read
		[ "$UPTIME" -lt "$wu_end" ] || return 1
		sleep 0.03
	done
}
uptime_read() { # sets UPTIME: whole seconds
	IFS=. read -r UPTIME ur_rest </proc/uptime
}

# --- cleaning up -------------------------------------------------------------------------------
# at_exit COMMAND: run when the test ends, however it ends; the last one first
RIG_AT_EXIT=
RIG_CLEANING=
at_exit() {
	RIG_AT_EXIT="$1
$RIG_AT_EXIT"
}
at_exit_last() { # after those that are there, and those that come
	RIG_AT_EXIT="$RIG_AT_EXIT
$1"
}
rig_cleanup() {
	rig_status=$?
	trap - EXIT
	set +e
	RIG_CLEANING=y
	eval "$RIG_AT_EXIT"
	exit $rig_status
}

# --- guests ------------------------------------------------------------------------------------
domid_of() { rigctl domid "$1" 2>/dev/null; }
guest_alive() { domid_of "$1" >/dev/null; }

# guest_create TYPE VCPUS [NAME [XL-SETTING...]]: from guests/TYPE.cfg; ready for guest_run on return
guest_create() {
	gc_name=${3:-$1-$2}
	gc_cfg=$RIG_GUESTS/$1.cfg
	gc_vcpus=$2
	gc_type=$1
	shift $(($# < 3 ? $# : 3))
	# Where no time is measured, what costs the emulator much: guards against what it has not got, and clocks
	# that Xen reads for the guest. Booted on several processors a PVH guest waits a minute for its own
	# messages between them, where they share the emulator's one: its init brings the others up. A PV kernel
	# forgets those that it did not boot.
	gc_extra=
	if grep -q mitigations=off /proc/cmdline; then
		gc_extra=" mitigations=off"
		set -- 'tsc_mode="native"' "$@"
	fi
	[ "$gc_type" != pvh ] || [ "$gc_vcpus" = 1 ] || gc_extra="$gc_extra maxcpus=1"
	case $* in
	*extra=*) ;;
	*) set -- "$@" "extra=\"$(sed -n 's/^extra *= "\(.*\)"$/\1/p' "$gc_cfg")$gc_extra\"" ;;
	esac
	xl create -q "$gc_cfg" "name=\"$gc_name\"" "vcpus=$gc_vcpus" "$@" || return 1
	guest_ready "$gc_name"
}

# guest_ready NAME: wait until the guest can run commands
guest_ready() {
	rigctl wait "$1" $((${GUEST_BOOT_TIMEOUT:-60} * ${RIG_PATIENCE:-1})) && return
	echo "guest $1 did not come up; its console ends with:"
	tail -n 5 "/var/log/xen/console/guest-$1.log"
	return 1
}

guest_destroy() { xl destroy "$1" && wait_until 10 guest_gone "$1"; }
guest_gone() { ! guest_alive "$1"; }

# guest_run NAME 'COMMAND': output and status of a shell command in the guest. Status 124: it took longer
# than GUEST_TIMEOUT (30) seconds; 125: the guest is gone. Output beyond 64 KiB: only its end.
guest_run() {
	rigctl run "$1" $((${GUEST_TIMEOUT:-30} * ${RIG_PATIENCE:-1})) "$2"
}

# guest_start NAME 'COMMAND' [FILE]: the same in the background; its output goes to FILE. Sets GUEST_JOB for
# guest_wait or the shell's wait.
guest_start() {
	gs_domid=$(domid_of "$1") || return 125
	rigctl run "$gs_domid" "${GUEST_TIMEOUT:-600}" "$2" >"${3:-/dev/null}" 2>&1 &
	GUEST_JOB=$!
}
guest_wait() { wait "${1:-$GUEST_JOB}"; }

# guest_put NAME FILE PATH: a small file (some KiB) into the guest
guest_put() {
	guest_run "$1" ": >'$3'"
	base64 -w 1400 "$2" | while read -r gp_line; do
		guest_run "$1" "echo $gp_line | base64 -d >>'$3'"
	done
}

. /rig/dom0/counts.sh
. /rig/dom0/trace.sh
