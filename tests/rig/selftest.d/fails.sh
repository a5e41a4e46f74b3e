# SPDX-License-Identifier: GPL-2.0-only
# title: a test whose product is wrong
# rows: R2

progress "comparing"
at_exit 'note "cleaned up"'
assert_eq 1 2 "the count"
