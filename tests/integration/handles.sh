# SPDX-License-Identifier: GPL-2.0-only
# title: use before acknowledgement, stale, duplicate and foreign handles are refused
# rows: M8
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M,id=0
device_attach "$GUEST" type=check,size=1M,id=1
selftest_ok "$GUEST" "handles out of order, stale, foreign" handles 0 1
assert_eq 0 "$(field wrong)" "cases that went wrong"
