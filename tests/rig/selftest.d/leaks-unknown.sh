# SPDX-License-Identifier: GPL-2.0-only
# title: grants that cannot be counted
# rows: R15

rigctl() { [ "$1" != grants ] && command rigctl "$@"; }
leak_check_begin
leak_check_end 1
