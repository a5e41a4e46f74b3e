# SPDX-License-Identifier: GPL-2.0-only
# title: directories that lie about length, level, index or their own pages are refused
# rows: M7 BAD
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=16M
GUEST_TIMEOUT=100
selftest_ok "$GUEST" "directories that lie" lies 0
assert_eq 0 "$(field wrong)" "cases that went wrong"
