# SPDX-License-Identifier: GPL-2.0-only
# title: a test that skips itself
# rows: R5

skip "nothing to do here"
