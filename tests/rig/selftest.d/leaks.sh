# SPDX-License-Identifier: GPL-2.0-only
# title: a test that leaves something behind
# rows: R13

leak_check_begin
xenstore-write /rig-leak/a 1
leak_check_end 1
