# SPDX-License-Identifier: GPL-2.0-only
# title: a timer with and without a first device, in a PV and a PVH guest; its worker stopped, its stub domain killed
# rows: demo
# guests: none
# timeout: 600
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
TICKS=400

figure() { metric "$GUEST.$1=$2"; }
ticks() { # NAME: of device 1
	program "$1" "aperture-timer 1 ticks $TICKS 5000 4"
	for what in ticks expired lost early twice back off_grid; do figure "$1.$what" "$(field $what)"; done
}
executed() { # WHICH: operations of the timer so far
	sleep 1.2
	xen-aperture stat "$GUEST" 1 >stat || fail "no counters"
	"$1" executed
}

stopped() {
	before=$(executed second)
	worker_stop
	ticks stopped
	worker_go
	figure stopped.second_saw $(($(executed second) - before))
}

# The stub domain goes while operations are under way, and another comes.
killed() {
	operations_load
	sleep 2
	stub=$(stub_of "$GUEST")
	xl destroy "$stub" || fail "the stub domain cannot be killed"
	sleep 2
	load_lives
	wait_until 20 stub_dead "$GUEST" || fail "the stub domain is still there"
	xen-aperture install "$GUEST" --stub="$CHECK_STUB" --wait=60 || fail "no second stub domain"
	sleep 2
	operations_load_end
	figure killed.operations $((RUNS * 2000))
	figure killed.wrong "$(grep -c 'wrong=[1-9]' load || :)"
	figure killed.by_first "$(sum by_first)"
	figure killed.by_second "$(sum by_second)"
	figure killed.stubs "$stub, then $(stub_of "$GUEST")"
}
sum() { grep -o "$1=[0-9]*" load | awk -F= '{ n += $2 } END { print n + 0 }'; }

one_guest() { # TYPE
	GUEST=$1
	progress "$1: starting the guest"
	guest_create "$1" 1 "$1" || fail "$1: the guest did not start"
	GUEST_TIMEOUT=300
	module_load "$1"
	device_attach "$1" type=check,size=1M
	device_attach "$1" type=timer,size=4K
	progress "$1: ticks by the second device, a process in dom0"
	ticks second
	progress "$1: a stub domain with first devices is added to the running guest"
	xen-aperture install "$1" --stub="$CHECK_STUB" --wait=60 || fail "$1: install failed"
	wait_until 20 lane_is fast || fail "$1: the first device does not answer"
	figure stub "$(stub_of "$1")"
	progress "$1: ticks by the first device"
	ticks first
	progress "$1: the process in dom0 is stopped"
	stopped
	progress "$1: the stub domain is killed under load"
	killed
	xen-aperture detach "$1" all --wait=30 || fail "$1: detach failed"
	module_unload "$1" || fail "$1: the module did not unload"
	guest_destroy "$1" || fail "$1: the guest did not go"
}

daemon_start
one_guest pv
one_guest pvh
daemon_stop
xen_counts >counts
metric nodes_left="$(awk '$1 == "nodes.aperture" { print $2 }' counts)"
metric null_left="$(awk '$1 == "null" { print $2 }' counts)"
