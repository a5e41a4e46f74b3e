# SPDX-License-Identifier: GPL-2.0-only
# title: a guest boots and runs commands
# rows: rig
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2

progress "asking the guest for its number of processors"
assert_eq "$VCPUS" "$(guest_run "$GUEST" nproc)" "processors in $GUEST"

status=0
out=$(guest_run "$GUEST" 'echo here; exit 7') || status=$?
assert_eq "here" "$out" "output of a command in $GUEST"
assert_eq 7 "$status" "status of a command in $GUEST"

big=$(guest_run "$GUEST" 'seq 1 5000 | sha256sum')
assert_eq "$(seq 1 5000 | sha256sum)" "$big" "checksum made in $GUEST"
assert_eq "$(seq 1 5000 | sha256sum)" "$(guest_run "$GUEST" 'seq 1 5000' | sha256sum)" \
	"23 KiB of output of $GUEST"
