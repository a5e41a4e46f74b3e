# SPDX-License-Identifier: GPL-2.0-only
# title: a program with memory of the parent's: fork, exec, kill, mprotect, mremap, munmap, withdraw; one that only reads
# rows: M16
# guests: pv pvh
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

try() {
	progress "aperture-parent, $1"
	OUT=$(GUEST_TIMEOUT=60 guest_run "$GUEST" 'aperture-parent 0 2>&1') ||
		fail "$(printf '%s\n' "$OUT" | grep -v '^ok ')"
	note "$(printf '%s\n' "$OUT" | tail -n 1)"
}

daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M
try "so that tables are as large as they get"
leak_check_begin
try "and nothing stays behind"
leak_check_end
