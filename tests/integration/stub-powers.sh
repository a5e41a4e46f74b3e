# SPDX-License-Identifier: GPL-2.0-only
# title: what a stub domain may do to its guest and to others: nothing; with a target, all to that guest only
# rows: N1 N15
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_stub.sh

# What Xen lets a domain with a target do to it, and what not even then. Levels of interrupt lines are
# not tried, here or elsewhere.
OVER_GUEST="nr_vcpus modified_memory create_ioreq_server set_mem_type inject_msi foreign_map grant_table hvm_param
	open_port take_memory end_guest inject_event"
NEVER="others_grants domctl_pause domctl_memory domctl_ports next_target store_shutdown other_nr_vcpus other_map
	other_grant_table other_end dom0_map dom0_grant_table machine_info"

# powers_other_than yes|no POWER...: those that are otherwise
powers_other_than() {
	po_want=$1
	shift
	for p; do
		case $(stub_node "power/$p") in
		-[1-9]*) po=no ;;
		[0-9]*) po=yes ;;
		*) po=untried ;;
		esac
		[ $po = "$po_want" ] || printf "%s:%s " "$p" "$po"
	done
}
try_powers() { # NAME
	xl unpause "$1"
	wait_until 20 stub_node_is state 4 || fail "the test kernel did not end; its console: $(tail -n 5 "/var/log/xen/console/guest-$1.log")"
	xenstore-ls "/local/domain/$S/aperture/power"
}

progress "without a target"
stub_make powers "$STUB_FILES/powers-stub" "$GUEST"
try_powers powers
assert_eq "" "$(powers_other_than no $OVER_GUEST $NEVER)" "powers that the stub domain has"
# Xen knows no such call for PV guests at all
[ "$TYPE" = pv ] && refusal=-22 || refusal=-1
for p in nr_vcpus create_ioreq_server inject_msi inject_event; do
	assert_eq "$refusal" "$(stub_node "power/$p")" "Xen's answer to dm_op $p"
done
assert_eq -1 "$(stub_node power/foreign_map)" "Xen's answer to mapping a frame of the guest"
assert_eq -1 "$(stub_node power/domctl_pause)" "Xen's answer to pausing the guest"
assert_eq "$VCPUS" "$(guest_run "$GUEST" nproc)" "the guest runs on"
xl destroy powers

[ "$TYPE" = pvh ] || exit 0
progress "with a target"
guest_create pvh "$VCPUS" target 'on_poweroff="preserve"'
at_exit "xl destroy target 2>/dev/null || :"
stub_make powerful "$STUB_FILES/powers-stub" target
xenstore-write "/local/domain/$S/aperture/other" "$(domid_of "$GUEST")" "/local/domain/$S/aperture/all" 1
set-target "$S" "$(domid_of target)" || broken "set-target failed"
# It is for ever: not another one, not the same once more, not none.
for t in $(domid_of "$GUEST") $(domid_of target) 32767; do
	! set-target "$S" "$t" || fail "a domain with a target got another one, $t"
done
try_powers powerful
assert_eq "" "$(powers_other_than yes $OVER_GUEST)" "what is not granted over the target"
assert_eq "" "$(powers_other_than no $NEVER)" "what is granted beyond the target"
assert_eq "$VCPUS" "$(guest_run "$GUEST" nproc)" "another guest runs on"
xl destroy powerful
xl destroy target
