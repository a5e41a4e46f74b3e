# SPDX-License-Identifier: GPL-2.0-only
# title: the char device: bad addresses and values leak nothing; mappings, poll, fork, death
# rows: M5
# guests: pv
# guests-long: pvh
# vcpus: 1
# vcpus-long: 2
. /rig/tests/_lib.sh

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M
progress "aperture-chardev"
OUT=$(GUEST_TIMEOUT=120 guest_run "$GUEST" 'aperture-chardev 0 2>&1') || fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
note "$(printf '%s\n' "$OUT" | tail -n 1)"
assert_eq 0 "$(guest_run "$GUEST" 'cat /sys/bus/xen/devices/aperture-0/aperture/quarantined_pages')" \
	"pages in quarantine"
