# SPDX-License-Identifier: GPL-2.0-only
# title: one bad reference among 1,000 undoes everything; the same pages map when it is mended
# rows: M9
# guests: pvh
# guests-long: pv
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=8M
for index in 0 1 499 998 999; do
	progress "bad reference $index of 1,000"
	selftest_ok "$GUEST" "bad reference at $index" badref 0 1000 "$index"
	assert_eq 0 "$(field wrong)" "cases that went wrong"
done
