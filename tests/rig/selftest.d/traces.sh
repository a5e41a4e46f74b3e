# SPDX-License-Identifier: GPL-2.0-only
# title: the trace sees grant operations of dom0, PV and PVH domains, and none where there are none
# rows: R15
# guests: pv+pvh
# timeout: 120

trace_begin
for g in $GUESTS; do guest_run "$g" 'echo something'; done
trace_end idle.txt
assert_eq 0 "$(trace_count_grant_ops idle.txt)" "grant operations while commands run"
[ "$(trace_count idle.txt evtchn_op d0)" -gt 0 ] || fail "no event channel operation of dom0 seen"
for g in $GUESTS; do
	[ "$(trace_count idle.txt evtchn_op "d$(domid_of "$g")")" -gt 0 ] ||
		fail "no event channel operation of $g seen"
done
for t in pv pvh; do
	progress "tracing the start of a $t guest"
	xl create -q -p "/rig/guests/$t.cfg" "name=\"new-$t\""
	trace_begin
	xl unpause "new-$t"
	guest_ready "new-$t"
	trace_end start.txt
	trace_grant_ops start.txt
	[ "$(trace_count start.txt grant_table_op "d$(domid_of "new-$t")")" -ge 3 ] ||
		fail "the set-up of its grant table by a $t guest was not seen"
	guest_destroy "new-$t"
done
