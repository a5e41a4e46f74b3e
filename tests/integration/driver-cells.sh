# SPDX-License-Identifier: GPL-2.0-only
# title: every mode pair, owner and direction with the parent in an unprivileged driver domain, its kernel included
# rows: M1 M2 M15 M16
# guests: pv
# guests-long: pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_cells.sh
. /rig/tests/_driver.sh

daemon_start
driver_domain_start "$TYPE"
for module in $CELL_MODULES; do
	guest_run driver "insmod /lib/modules/parent/$module.ko" || fail "$module does not load in the driver domain"
done
module_load "$GUEST"
device_attach "$GUEST" type=cell,size=1M,backend=driver
device_attach "$GUEST" type=kcell,size=1M,backend=driver
cells_of "$TYPE"
