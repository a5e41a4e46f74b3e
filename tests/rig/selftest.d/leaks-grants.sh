# SPDX-License-Identifier: GPL-2.0-only
# title: grants, ports and watches are counted, of both guest types and of dom0
# rows: R14
# guests: pv+pvh

# What every guest has: its console and its xenstore ring, the latter's channel too
xen_counts >counts
for g in $GUESTS; do
	assert_match "^grants.$g 2\$" "$(cat counts)" "grants of an idle guest"
	assert_match "^mapped.$g 1\$" "$(cat counts)" "mapped grants of an idle guest"
	assert_match "^ports.$g [1-9]" "$(cat counts)" "event channels of an idle guest"
done
assert_match "^grants.Domain-0 [0-9]+\$" "$(cat counts)" "grants of dom0"
leak_check_begin
rigctl give "$(domid_of "${GUESTS%% *}")" >/dev/null &
at_exit "kill $!"
xenstore-watch /rig-leak >/dev/null &
at_exit "kill $!"
leak_check_end 2
