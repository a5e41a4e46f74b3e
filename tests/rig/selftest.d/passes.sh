# SPDX-License-Identifier: GPL-2.0-only
# title: a test that passes
# rows: R1
# guests: pv

progress "working"
metric answer=42
assert_eq 42 "$(guest_run "$GUEST" 'echo 42')" "the answer"
