# SPDX-License-Identifier: GPL-2.0-only
# title: a guest that poisons each word of the shared pages: what docs/protocol.md says happens, and nobody hangs
# rows: B5
# guests: pv pvh
# timeout: 90
. /rig/tests/_lib.sh
. /rig/tests/_operations.sh
. /rig/tests/_poison.sh
GUEST_TIMEOUT=300

daemon_start
module_load "$GUEST" request_timeout_ms=1000 operation_timeout_ms=3000
device_attach "$GUEST" type=check,size=1M
progress "the slow lane"
walk_child slow
fast_install
progress "the fast lane"
walk_child fast
