# SPDX-License-Identifier: GPL-2.0-only
# title: a guest command that never ends
# rows: R6
# guests: pvh
# timeout: 5

progress "now it hangs"
GUEST_TIMEOUT=600 guest_run "$GUEST" 'echo the guest is still here >/dev/hvc0; while :; do :; done'
