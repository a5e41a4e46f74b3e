# SPDX-License-Identifier: GPL-2.0-only
# title: Xen ends a guest and says why
# rows: R16

cat >crash.cfg <<END
name = "crash"
type = "pv"
kernel = "/rig/tests/crash.elf"
memory = 32
END
xl create -q crash.cfg
sleep 1
