# SPDX-License-Identifier: GPL-2.0-only
# title: a guest kernel warns; the test itself is content
# rows: R7
# guests: pv pvh

guest_put "$GUEST" /rig/tests/splat.ko /tmp/splat.ko
guest_run "$GUEST" 'insmod /tmp/splat.ko what=warn && rmmod splat'
