# SPDX-License-Identifier: GPL-2.0-only
# What must return to where it was: grants, mappings, event channels, xenstore, memory of Xen.
# Sourced by lib.sh.

# xen_keys KEYS: what Xen prints for these of its debug keys
xen_keys() {
	xl dmesg -c >/dev/null
	xl debug-keys "$1"
	xl dmesg -c | sed 's/^(XEN) //'
}

# From the keys g (grant tables), e (event channels) and m (memory):
#   "frames ID N" pages of a domain's grant table; "mapped ID N" entries that somebody has mapped;
#   "ports ID N"; "free KIB"
xen_keys_read() {
	xen_keys gem | awk '
		/^grant-table for remote/ { d = substr($4, 2); mapped[d] = 0 }
		/ frames \(/ { print "frames", d, $1 }
		/^\[0x/ { mapped[d]++ }
		/^Event channel information for domain/ { d = $6; sub(":", "", d); ports[d] = 0 }
		/ s=[1-9]/ { ports[d]++ }
		/Dom heap: / { sub("kB", "", $3); print "free", $3 }
		END {
			for (d in mapped) print "mapped", d, mapped[d]
			for (d in ports) print "ports", d, ports[d]
		}'
}

# A domain that ends while it is looked at has no count. "?": never; nothing could be compared with it.
grants_read() { # DOMID FRAMES
	GRANTS=$(rigctl grants "$1" "$2" 2>/dev/null) || ! xenstore-exists "/local/domain/$1"
}

# xen_counts: one "NAME VALUE" a line, sorted; guests by their name, dom0 as Domain-0:
#   grants.GUEST   entries of its grant table that grant something, mapped or not
#   mapped.GUEST   its entries that are mapped by somebody
#   ports.GUEST    its event channels; ports.Domain-0 those of dom0
#   nodes          xenstore nodes; nodes.aperture: those with "aperture" in their path
#   watches        xenstore watches; watches.dom0: those of processes in dom0
#   null           domains that died and are still held by somebody
#   free           memory of Xen that is free, in KiB
xen_counts() {
	xl list | awk 'NR > 1 { print $2, $1 }' >counts.names
	xen_keys_read >counts.keys
	while read -r xc_what xc_id xc_frames; do
		[ "$xc_what" = frames ] || continue
		wait_until 5 grants_read "$xc_id" "$xc_frames" || broken "the grants of domain $xc_id cannot be counted"
		[ -z "$GRANTS" ] || echo "grants $xc_id $GRANTS"
	done <counts.keys >counts.grants
	cat counts.grants counts.keys | awk '
		NR == FNR { name[$1] = $2; next }
		NF == 3 && $1 != "frames" && $2 in name { print $1 "." name[$2], $3 }' counts.names - | sort
	xenstore-ls -f | awk '$1 ~ /aperture/ { a++ } END { print "nodes", NR; print "nodes.aperture", a + 0 }'
	xenstore-control watches | awk '/^watch / { n++; if ($2 ~ /^A/) a++ }
		END { print "watches", n; print "watches.dom0", a + 0 }'
	echo "null $(grep -c '(null)' counts.names || :)"
	grep '^free ' counts.keys
}

# leak_check_begin: after a warm-up round (tables of Xen grow once and never shrink), when nothing is
# going on. leak_check_end [SECONDS]: fails when anything but free memory has not returned within
# SECONDS (10), or when free memory is more than LEAK_FREE_KB (0) lower.
leak_check_begin() {
	xen_counts >counts.begin
	for lb_round in 1 2 3 4 5; do
		sleep 0.3
		xen_counts >counts.now
		cmp -s counts.begin counts.now && return 0
		mv counts.now counts.begin
	done
	note "counts were not steady before the test: $(counts_differ)"
}
counts_differ() {
	awk -v slack="${LEAK_FREE_KB:-0}" '
		NR == FNR { was[$1] = $2; next }
		{ now[$1] = $2 }
		END {
			for (k in was) if (!(k in now)) print k ": " was[k] " -> none;"
			for (k in now)
				if (!(k in was)) print k ": none -> " now[k] ";"
				else if (k == "free" ? now[k] < was[k] - slack : now[k] != was[k])
					print k ": " was[k] " -> " now[k] ";"
		}' counts.begin counts.now | sort | tr '\n' ' '
}
leak_check_end() {
	le_end=$(($(cut -d. -f1 /proc/uptime) + ${1:-10}))
	while :; do
		xen_counts >counts.now
		le_leak=$(counts_differ)
		[ -n "$le_leak" ] || break
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$le_end" ] || fail "not returned to the start: $le_leak"
		sleep 0.5
	done
}
