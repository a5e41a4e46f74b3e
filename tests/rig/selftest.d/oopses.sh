# SPDX-License-Identifier: GPL-2.0-only
# title: a guest kernel oopses, and so ends
# rows: R8
# guests: pvh

guest_put "$GUEST" /rig/tests/splat.ko /tmp/splat.ko
guest_run "$GUEST" 'insmod /tmp/splat.ko what=oops' || note "status $? of the command in the guest"
