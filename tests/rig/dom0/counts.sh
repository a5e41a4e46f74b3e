# SPDX-License-Identifier: GPL-2.0-only
# What must return to where it was: grants, mappings, event channels, xenstore, memory of Xen.
# Sourced by lib.sh.

# xen_key KEY: what Xen prints for one of its debug keys
xen_key() {
	xl dmesg -c >/dev/null
	xl debug-keys "$1"
	xl dmesg -c | sed 's/^(XEN) //'
}

# "DOMID FRAMES MAPPED" for each domain; MAPPED counts the entries that somebody has mapped
xen_grant_tables() {
	xen_key g | awk '
		/^grant-table for remote/ { d = substr($4, 2); n[d] = 0; order[++m] = d }
		/ frames \(/ { frames[d] = $1 }
		/^\[0x/ { n[d]++ }
		END { for (i = 1; i <= m; i++) print order[i], frames[order[i]], n[order[i]] }'
}

# "DOMID PORTS" for each domain; PORTS counts the event channels in use
xen_event_channels() {
	xen_key e | awk '
		/^Event channel information for domain/ { d = $6; sub(":", "", d); n[d] = 0 }
		/ s=[1-9]/ { n[d]++ }
		END { for (d in n) print d, n[d] }'
}

# xen_counts: one "NAME VALUE" a line, sorted; guests by their name:
#   grants.GUEST   entries of its grant table that grant something, mapped or not
#   mapped.GUEST   its entries that are mapped by somebody
#   ports.GUEST    its event channels; ports.Domain-0 those of dom0
#   nodes          xenstore nodes; nodes.aperture: those with "aperture" in their path
#   watches        xenstore watches; watches.dom0: those of processes in dom0
#   null           domains that died and are still held by somebody
#   free           memory of Xen that is free, in KiB
xen_counts() {
	xl list | awk 'NR > 1 { print $2, $1 }' >counts.names
	{
		xen_grant_tables | while read -r xc_id xc_frames xc_mapped; do
			[ "$xc_id" = 0 ] || echo "grants $xc_id $(rigctl grants "$xc_id" "$xc_frames" || echo "?")"
			echo "mapped $xc_id $xc_mapped"
		done
		xen_event_channels | sed 's/^/ports /'
	} | awk 'NR == FNR { name[$1] = $2; next } { print $1 "." ($2 in name ? name[$2] : "dead" $2), $3 }' \
		counts.names - | grep -v '\.dead' | sort
	xenstore-ls -f | awk '$1 ~ /aperture/ { a++ } END { print "nodes", NR; print "nodes.aperture", a + 0 }'
	xenstore-control watches | awk '/^watch / { n++; if ($2 ~ /^A/) a++ }
		END { print "watches", n; print "watches.dom0", a + 0 }'
	echo "null $(grep -c '(null)' counts.names || :)"
	xen_key m | sed -n 's/.*Dom heap: \([0-9]*\)kB free.*/free \1/p'
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
