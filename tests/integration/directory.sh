# SPDX-License-Identifier: GPL-2.0-only
# title: directories of one page, one full page -1/0/+1 entries, and 64 MiB
# rows: M7
# guests: pvh
# guests-long: pv
# timeout: 120
. /rig/tests/_lib.sh
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=check,size=64M
for pages in 1 1019 1020 1021 16384; do
	progress "$pages pages"
	GUEST_TIMEOUT=110
	selftest_ok "$GUEST" "round trip of $pages pages" directory 0 "$pages"
	assert_eq "$pages" "$(field pages)" "pages"
	assert_eq "$(field sha256_child)" "$(field sha256_parent)" "SHA-256 at both ends of $pages pages"
done
metric largest_pages=16384
