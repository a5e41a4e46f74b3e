# SPDX-License-Identifier: GPL-2.0-only
# title: Debian's own serial driver binds to the uart; characters both ways while worker and stub domain restart
# rows: N15 N5 N6
# guests: none
# timeout: 240
. /rig/tests/_lib.sh
. /rig/tests/_uart.sh
GUEST_TIMEOUT=120
VCPUS=$(short_long 1 4)
SIZE=$(short_long 512 2048)	# octets of a quarter
FORTH=$(short_long 1 10)	# times that each is killed
FILES=/var/log/xen-aperture

daemon_start
uart_guest tty type=uart,io=0x3f8,timeout=1500 type=check,io=0x1000
progress "what the driver found"
OUT=$(guest_run tty 'dmesg | grep ttyS0')
note "$OUT"
assert_match 'ttyS0 at I/O 0x3f8 .* is a 16550A$' "$OUT" "the driver"
assert_fails any guest_run tty 'dmesg | grep "ttyS1 at"'
OUT=$(guest_run tty 'uart-try irq /dev/ttyS0 0 && stty -F /dev/ttyS0 115200 raw -echo')
assert_eq 4 "$(field type)" "type as the driver has it (16550A)"
assert_eq 0 "$(field irq)" "interrupt: it polls"

# The port is held open, as a login does; what the guest gets and sends are files of its own.
guest_run tty "dd if=/dev/urandom of=/tmp/sent bs=$SIZE count=4 2>/dev/null
	(exec 3<>/dev/ttyS0; while [ ! -e /tmp/end ]; do sleep 1; done) >/dev/null 2>&1 &"
head -c $((4 * SIZE)) /dev/urandom >given
sent() { guest_run tty "head -c $(($1 * SIZE)) /tmp/sent | sha256sum"; }

has_sent() { [ "$(stat -c %s $FILES/uart-tty-0.out)" -ge "$1" ]; }

# forth_and_back N: the N-th quarter of both, at once. In subshells: a session's leader would make the port its
# terminal, and hang it up at its end.
forth_and_back() {
	guest_start tty "(head -c $SIZE </dev/ttyS0 >>/tmp/got); :" got
	fb_in=$GUEST_JOB
	guest_start tty "(tail -c +$((($1 - 1) * SIZE + 1)) /tmp/sent | head -c $SIZE >/dev/ttyS0); :" put
	fb_out=$GUEST_JOB
	tail -c +$((($1 - 1) * SIZE + 1)) given | head -c "$SIZE" >>$FILES/uart-tty-0.in
}
# forth_and_back_end N WHAT: they arrived, and all before them
forth_and_back_end() {
	guest_wait "$fb_out" || fail "$2: sending: $(cat put)"
	guest_wait "$fb_in" || fail "$2: receiving: $(cat got)"
	# Who writes does not wait for the line while another one has the port open.
	wait_until 120 has_sent $(($1 * SIZE)) || fail "$2: the guest sent $(stat -c %s $FILES/uart-tty-0.out) of $(($1 * SIZE))"
	head -c $(($1 * SIZE)) given | sha256sum >expected
	assert_eq "$(cat expected)" "$(guest_run tty 'sha256sum </tmp/got')" "$2: what the guest received"
	assert_eq "$(sent "$1")" "$(sha256sum <$FILES/uart-tty-0.out)" "$2: what the guest sent"
}

progress "both ways"
uart_clock
forth_and_back 1
forth_and_back_end 1 "both ways"
metric octets_per_second=$((2 * SIZE * 1000 / ($(uart_clock) + 1)))

progress "the worker is killed, and then the supervisor"
forth_and_back 2
uart_times "$FORTH" uart_kill
kill -9 "$(daemon_pid)"
forth_and_back_end 2 "worker and supervisor were killed"

progress "the stub domain is trapped"
before=$(uart_restarts)
forth_and_back 3
uart_times "$FORTH" uart_trap
forth_and_back_end 3 "the stub domain was restarted in place"
[ "$(uart_restarts)" -ge $((before + FORTH)) ] || fail "restarts: $(uart_restarts), before $before"

progress "there is no second device, for longer than an access waits"
daemon_stop
forth_and_back 4
timed_out() { grep -q 'no answer from the second device within 1500 ms' /var/log/xen/console/guest-tty-aperture*.log; }
wait_until 20 timed_out || fail "no access of the guest timed out"
guest_run tty true || fail "the guest hangs"
daemon_start
forth_and_back_end 4 "the second device was not there"
note "killed $FORTH times, restarts in place $(($(uart_restarts) - before))"
