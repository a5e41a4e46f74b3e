# SPDX-License-Identifier: GPL-2.0-only
# title: a command in the script fails
# rows: R4

echo "about to stop"
false
note "never reached"
