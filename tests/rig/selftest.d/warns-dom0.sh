# SPDX-License-Identifier: GPL-2.0-only
# title: dom0's kernel warns; the test itself is content
# rows: R10

insmod /rig/tests/splat.ko what=warn
rmmod splat
