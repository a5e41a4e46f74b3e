# SPDX-License-Identifier: GPL-2.0-only
# title: a description larger than what was asked for is refused
# rows: M3
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
selftest_ok "$GUEST" "descriptions larger than asked" larger 0
assert_eq 0 "$(field wrong)" "cases that went wrong"
