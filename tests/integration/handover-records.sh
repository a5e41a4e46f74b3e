# SPDX-License-Identifier: GPL-2.0-only
# title: a state record that is corrupt, truncated, older, newer or senseless is refused by name, by either device
# rows: N10 BAD
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_leaks.sh
E_RECORD=87 E_RECORD_VERSION=88
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
DOMID=$(domid_of "$GUEST")

answer() { guest_run "$GUEST" "aperture-op 0 $*" 2>&1 || :; }
refusal() { # HOW: status and value of an operation on that record
	case $1 in
	older) echo "status=$E_RECORD_VERSION value=0" ;;
	newer) echo "status=$E_RECORD_VERSION value=2" ;;
	*) echo "status=$E_RECORD value=0" ;;
	esac
}
spoil() { selftest_ok "$GUEST" "a record made $1" record 0 "$1"; }
# Everything is well again after RESET.
reset_heals() { # HOW
	healed=$(guest_run "$GUEST" 'aperture-op 0 read 0x200 8; aperture-op 0 command 0xffffffff; aperture-op 0 read 0 8' 2>&1) || :
	assert_match "^lane=slow status=0 " "$(echo "$healed" | sed -n 1p)" "a register that does not depend on the record ($1)"
	assert_match "status=0 " "$(echo "$healed" | sed -n 2p)" "RESET ($1)"
	assert_match "status=0 value=0 " "$(echo "$healed" | sed -n 3p)" "an operation after RESET ($1)"
	answer write 0 8 1 >/dev/null
}
ALL="corrupt magic type truncated long older newer senseless future"
progress "the second device, started again, finds a record"
WORST=0
answer write 0 8 1 >/dev/null
for how in $ALL; do
	spoil "$how"
	set -- $(stat_numbers "$DOMID")
	kill -9 "$4"
	reconnected "$DOMID" "$3"
	assert_match "^lane=slow $(refusal "$how") " "$(answer read 0 8)" "an operation of the second device on a record made $how"
	reset_heals "$how"
done

progress "the first device takes a record from a second one that stands still"
fast_install --revoke=2000
refused_by_first() { answer read 0 8 | grep -q "^lane=fast $(refusal "$how") "; }
# In the guest, since it must be done before revoke-ms: an operation that hands the state over, and its
# record spoilt as soon as the second device is named as its owner (bits 63..62 of the head).
hand_over_and_spoil() {
	guest_start "$GUEST" "aperture-op 0 write 8 8 1 >/tmp/slow & i=0
		while [ \$((i += 1)) -lt 300 ]; do
			case \$(aperture-selftest peek 0 record 7 1) in *=0x[89ab]?) break ;; esac
		done
		aperture-selftest record 0 $how && echo tries=\$i
		wait; cat /tmp/slow" slow
}
for how in $ALL; do
	worker_stop
	hand_over_and_spoil
	wait_until 15 refused_by_first || fail "a record made $how: the first device says $(answer read 0 8); $(cat slow)"
	worker_go
	guest_wait || :
	assert_match '^owner=2 ' "$(cat slow)" "whose record was made $how"
	assert_match "$(refusal "$how") " "$(cat slow)" "the operation that the worker stood still at ($how)"
	reset_heals "$how"
done
metric refused=18
