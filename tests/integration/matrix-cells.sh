# SPDX-License-Identifier: GPL-2.0-only
# title: every mode pair, owner and direction: nonces both ways, who touched the memory, what a reader's store did
# rows: M2 M15 M16 B6
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_cells.sh

for module in $CELL_MODULES; do
	insmod /usr/local/lib/xen-aperture/modules/$module.ko || fail "$module does not load"
	at_exit "rmmod $module"
done
daemon_start
module_load "$GUEST"
device_attach "$GUEST" type=cell,size=1M
device_attach "$GUEST" type=kcell,size=1M

# Domain 0 is PV.
cells_of pv
