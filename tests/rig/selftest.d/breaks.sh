# SPDX-License-Identifier: GPL-2.0-only
# title: a test whose surroundings are wrong
# rows: R3

broken "no such tool"
