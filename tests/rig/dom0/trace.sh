# SPDX-License-Identifier: GPL-2.0-only
# The hypervisor's own trace as evidence. Sourced by lib.sh.
#
# What the text shows (xenalyze), d1v0 being domain 1's vCPU 0:
#   d0v0 hypercall 14 (grant_table_op) map_grant_ref 1 ops     a PV domain, its operation and their number
#   d1v0 hypercall 20 (evtchn_op)                              likewise; 20 is hexadecimal
#   d2v0 vmcall 14 (grant_table_op)                            a PVH domain: the hypercall, not its operation
#   d0v0 grant-map domain 1                                    each entry mapped, by Xen itself
# So every grant-table hypercall of every domain can be counted: map, unmap, copy and transfer have no
# other way. The number of entries is known for PV domains only.

# Classes scheduler, hypercalls of PV, exits of HVM, memory; without their bulky subclasses
TRACE_MASK=0x003a3000

# trace_begin [MASK]: start tracing. MASK "all" takes everything.
trace_begin() {
	xentrace -D -e "${1:-$TRACE_MASK}" -s 20 -S 256 /tmp/rig.trace &
	TRACE_PID=$!
	at_exit "kill -9 $TRACE_PID 2>/dev/null"
	wait_until 10 test -s /tmp/rig.trace || broken "xentrace wrote nothing"
}

# trace_end FILE: stop; the trace as text goes to FILE. A trace that lost records proves nothing: broken.
trace_end() {
	kill -INT "$TRACE_PID"
	wait "$TRACE_PID" || :
	xenalyze --svm-mode --dump-all /tmp/rig.trace >"$1" 2>/tmp/rig.trace.err ||
		broken "xenalyze: $(tail -n 1 /tmp/rig.trace.err)"
	rm -f /tmp/rig.trace
	! grep -q 'lost_records' "$1" || broken "the trace lost records; trace a shorter time"
}

# trace_count FILE HYPERCALL [dN]: how many times it was made (grant_table_op, evtchn_op, ...), by all
# domains or by domain N
trace_count() {
	grep -Ec " ${3:-d[0-9]+}v[0-9]+ +(hypercall|vmcall|subcall) .*\($2\)" "$1" || :
}

# trace_count_grant_ops FILE: grant-table hypercalls of all domains
trace_count_grant_ops() { trace_count "$1" grant_table_op; }

# trace_grant_ops FILE: the same one by one, "DOMAIN OPERATION TIMES"
trace_grant_ops() {
	grep -E ' (hypercall|vmcall|subcall) .*\(grant_table_op\)' "$1" |
		awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^d[0-9]+v/) d = $i; sub("v.*", "", d)
			for (i = 1; i <= NF; i++) if ($i == "(grant_table_op)") n[d " " ($(i+1) == "" ? "-" : $(i+1))]++ }
			END { for (k in n) print k, n[k] }' | sort
}
