# SPDX-License-Identifier: GPL-2.0-only
# title: the machine ends under the test, without a word
# rows: R12

progress "ending"
echo b >/proc/sysrq-trigger
sleep 60
