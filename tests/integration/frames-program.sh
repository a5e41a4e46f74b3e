# SPDX-License-Identifier: GPL-2.0-only
# title: checksummed frames both ways, guest program to dom0 process, no wake-up lost
# rows: M10
# guests: pvh
# guests-long: pv
# vcpus: 1
# vcpus-long: 2
# timeout: 300
. /rig/tests/_lib.sh
. /rig/tests/_frames.sh
frames_both_ways "aperture-frames"
