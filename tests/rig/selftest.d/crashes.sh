# SPDX-License-Identifier: GPL-2.0-only
# title: dom0 crashes under the test
# rows: R11

progress "crashing"
echo c >/proc/sysrq-trigger
sleep 60
