# SPDX-License-Identifier: GPL-2.0-only
# title: a worker maps what the supervisor prepared for its own guest, and can ask gntdev for nothing itself, even as root
# rows: M15 N1
# guests: pv
# guests-long: pvh
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

gntdev_files() {
	[ -d "/proc/$1/fd" ] || fail "there is no process \"$1\""
	find "/proc/$1/fd" -lname '/dev/xen/gntdev' | wc -l
}
gntdev_maps() { grep -c /dev/xen/gntdev "/proc/$1/maps" || :; }

# As root it may open the device: the filter is what is left.
echo 'user = root' >apertured.conf
daemon_start --config "$PWD/apertured.conf"
module_load "$GUEST"
device_attach "$GUEST" type=check,size=4M
selftest_ok "$GUEST" "an aperture" hold 0 4194304
id=$(field id)
selftest_ok "$GUEST" "data through it" roundtrip "$id"
set -- $(stat_numbers "$(domid_of "$GUEST")")
WORKER=$4
maps=$(gntdev_maps "$WORKER")
assert_match "^Max open files +8192 +8192 " "$(grep "open files" "/proc/$WORKER/limits")" "descriptors that the worker may have"
[ "$maps" -ge 4 ] || fail "$maps mappings of the guest's pages in the worker $WORKER: ring, event, mask page and the aperture are 4"
assert_eq 0 "$(gntdev_files "$WORKER")" "files of gntdev that the worker has"
assert_eq 0 "$(gntdev_files "$(daemon_pid)")" "files of gntdev that the supervisor kept"
assert_eq 0 "$(gntdev_maps "$(daemon_pid)")" "mappings of a guest's pages in the supervisor"

progress "the worker opens gntdev and asks Xen to copy a page of its own guest"
OUT=$(selftest "$GUEST" copy "$id" 16 2>&1) && fail "it may: $OUT"
assert_match "parent's status 4, value 1\$" "$OUT" "what the device says (4: it failed, 1: EPERM)"

progress "what is mapped goes with the aperture"
selftest_ok "$GUEST" "data still" roundtrip "$id"
selftest_ok "$GUEST" "its end" drop all
assert_eq $((maps - 1)) "$(gntdev_maps "$WORKER")" "mappings in the worker after the aperture's end"
