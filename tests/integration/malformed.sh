# SPDX-License-Identifier: GPL-2.0-only
# title: unknown requests, reserved fields and unknown flags are refused by name
# rows: BAD
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=1M
selftest_ok "$GUEST" "malformed requests" reserved 0
assert_eq 0 "$(field wrong)" "cases that went wrong"
selftest_ok "$GUEST" "the connection afterwards" sizes 0 4096 4096
