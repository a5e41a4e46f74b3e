# SPDX-License-Identifier: GPL-2.0-only
# title: checksummed frames both ways, guest kernel to dom0 process, no wake-up lost
# rows: M10
# guests: pv pvh
# vcpus: 2
# vcpus-long: 1
# timeout: 300
. /rig/tests/_lib.sh
. /rig/tests/_frames.sh
frames_both_ways "aperture-selftest frames"
