# SPDX-License-Identifier: GPL-2.0-only
# title: the tool refuses bad input and leaves nothing
# rows: BAD
# guests: pv
# guests-long: pvh

DOMID=$(domid_of "$GUEST")

# All that a device could leave behind, with owners and permissions
nodes() {
	xenstore-ls -fp /local/domain/0/backend 2>&1
	xenstore-ls -fp "/local/domain/$DOMID/device" 2>&1
}
before=$(nodes)

# refused STATUS PATTERN WORD...: the tool says so, and nothing has changed
refused() {
	r_status=$1 r_pattern=$2
	shift 2
	progress "xen-aperture $*"
	assert_fails "$r_status" xen-aperture "$@"
	assert_match "$r_pattern" "$OUT" "what 'xen-aperture $*' says"
	assert_eq "$before" "$(nodes)" "xenstore after 'xen-aperture $*'"
}

refused 2 'size=0 .*4096' attach "$GUEST" type=mem,size=0
refused 2 'size=1 .*multiple.*4096' attach "$GUEST" type=mem,size=1
refused 2 'size=4097 .*ask for 8192' attach "$GUEST" type=mem,size=4097
refused 2 'size=18446744073709551615 .*limit.*4261478400' attach "$GUEST" type=mem,size=18446744073709551615
refused 2 'size=18446744073709551616 .*limit.*4261478400' attach "$GUEST" type=mem,size=18446744073709551616
refused 2 'size=lots is not a size' attach "$GUEST" type=mem,size=lots
refused 2 'key "colour" is unknown' attach "$GUEST" type=mem,size=4K,colour=red
refused 2 'key "size" is there twice' attach "$GUEST" type=mem,size=4K,size=4K
refused 2 'size is missing' attach "$GUEST" type=mem
refused 2 'is empty' attach "$GUEST" ''
refused 2 'id=64 .*0 to 63' attach "$GUEST" type=mem,size=4K,id=64
refused 2 'apertures=65 .*1 to 64' attach "$GUEST" type=mem,size=4K,apertures=65
refused 5 'no domain "nobody-here"' attach nobody-here type=mem,size=4K
refused 5 'no domain 9999' attach 9999 type=mem,size=4K
refused 5 'no domain "nobody-here"' attach "$GUEST" type=mem,size=4K,backend=nobody-here
refused 5 'to itself' attach "$GUEST" "type=mem,size=4K,backend=$GUEST"
refused 5 'to itself' attach 0 type=mem,size=4K
refused 5 'no aperture device' detach "$GUEST" 0
refused 5 'no aperture device' detach "$GUEST" all
refused 5 'no domain 9999' list 9999
refused 5 'no device 3' stat "$GUEST" 3

progress "without root"
assert_fails 3 setpriv --reuid=65534 --clear-groups xen-aperture list
assert_match 'needs root, this is user 65534' "$OUT" "what a user is told"

# The same machine with parts of it out of sight
hidden() { # COMMANDS that hide something, then the tool
	unshare -m sh -c "$1 && exec xen-aperture attach $GUEST type=mem,size=4K"
}
progress "without Xen"
: >empty
assert_fails 3 hidden "mount --bind $PWD/empty /sys/hypervisor/type && umount -l /proc/xen"
assert_match 'does not run under Xen' "$OUT" "what is said without Xen"
assert_fails 3 hidden "umount -l /proc/xen"
assert_match 'does not control Xen' "$OUT" "what is said in a domain without control"
progress "without xenstore"
assert_fails 3 hidden "mount -t tmpfs none /run/xenstored && mount --bind /dev/null /dev/xen/xenbus"
assert_match 'xenstore.*: start it' "$OUT" "what is said without xenstore"
assert_eq "$before" "$(nodes)" "xenstore at the end"
