# SPDX-License-Identifier: GPL-2.0-only
# title: memory that a program has: every kind of it, and not one octet beside it
# rows: M6 M15
# guests: pv pvh
# vcpus: 1
# vcpus-long: 2
. /rig/tests/_lib.sh

attr() { guest_run "$GUEST" "cat /sys/bus/xen/devices/aperture-0/aperture/$1"; }
# Pins taken less pins given back, of the whole guest; the kernel adds up its processors' first.
pins() {
	guest_run "$GUEST" "cat /proc/sys/vm/stat_refresh; awk '/^nr_foll_pin_acquired /{ n += \$2 } /^nr_foll_pin_released /{ n -= \$2 } END { print n }' /proc/vmstat"
}
buffer() { # PART...
	progress "aperture-buffer $*"
	OUT=$(GUEST_TIMEOUT=120 guest_run "$GUEST" "aperture-buffer 0 $* 2>&1") ||
		fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
	note "$*: $(printf '%s\n' "$OUT" | tail -n 1)"
}

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=span,size=16M
guest_run "$GUEST" 'f=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages; [ ! -e $f ] || echo 2 >$f'
at_exit "guest_run $GUEST 'f=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages; [ ! -e \$f ] || echo 0 >\$f'"
before=$(pins)
buffer kinds
buffer refused readonly
buffer life
buffer limit
assert_match 'RLIMIT_MEMLOCK=65536 \(16 pages\)' "$(guest_run "$GUEST" 'dmesg | grep RLIMIT_MEMLOCK | tail -n 1')" \
	"message about the limit"
assert_eq "$before" "$(pins)" "pages pinned in the guest"
assert_eq 0 "$(attr quarantined_pages)" "pages in quarantine"
assert_match 'pinned_pages 0' "$(attr limits)" "pages pinned by the module"
