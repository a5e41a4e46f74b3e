# SPDX-License-Identifier: GPL-2.0-only
# title: apertured says what is wrong with its options, its configuration, and the machine
# rows: BAD
# guests: none
. /rig/tests/_lib.sh

daemon_stop
CONF=$PWD/apertured.conf

# refused STATUS PATTERN [OPTION...]
refused() {
	r_status=$1 r_pattern=$2
	shift 2
	assert_fails "$r_status" apertured --foreground "$@"
	assert_match "$r_pattern" "$OUT" "what 'apertured $*' says"
}
conf() { # TEXT PATTERN
	progress "configuration: $1"
	printf "%b\n" "$1" >"$CONF"
	refused 2 "$2" --config "$CONF"
}

refused 2 "unrecognized option '--colour'" --colour
refused 2 '"more": no argument is known' more
refused 2 '--log is "loud", must be error, warning, info or debug' --log loud
refused 2 'nowhere.conf: No such file' --config /nowhere.conf
conf 'colour = red' 'apertured.conf:1: unknown key "colour"'
conf '# comment\n\nmax_size' 'apertured.conf:3: "max_size" is not "key = value"'
conf 'max_size = 0' 'apertured.conf:1: max_size is "0", must be bytes, a multiple of 4096'
conf 'max_size = 4097' 'max_size is "4097"'
conf 'max_size = 5G' 'max_size is "5G"'
conf 'max_pages_per_guest = -1' 'max_pages_per_guest is "-1", must be a number of pages, 1 to'
conf 'max_pages_per_guest = 18446744073709551615' 'max_pages_per_guest is "18446744073709551615"'
conf 'device_dir = devices' 'device_dir is "devices", must be an absolute path'
conf 'user = nobody-here' 'user "nobody-here": does not exist'
conf 'log = loud' 'log is "loud"'
conf "mem.$(printf 'x%.0s' $(seq 70)) = 1" 'key is "mem.x'
conf "# $(printf 'x%.0s' $(seq 600))" 'apertured.conf:1: longer than 511 octets'

progress "without root, without Xen"
status=0
OUT=$(setpriv --reuid=65534 --clear-groups apertured --foreground 2>&1) || status=$?
assert_eq 1 $status "status without root"
assert_match 'must be started by root \(user 65534 now\)' "$OUT" "what a user is told"
hidden() { unshare -m sh -c "$1 && exec apertured --foreground"; }
assert_fails 1 hidden "mkdir -p nothing && mount --bind nothing /dev/xen"
assert_match '/dev/xen/gntdev: No such file.*is this a Xen domain' "$OUT" "what is said without Xen's devices"
assert_fails 1 hidden "mount -t tmpfs none /run/xenstored && mount --bind /dev/null /dev/xen/xenbus"
assert_match 'xenstore' "$OUT" "what is said without xenstore"

progress "a second one"
daemon_start
assert_fails 1 apertured --foreground
assert_match 'apertured.pid is locked: apertured runs already' "$OUT" "what the second is told"
assert_fails 66 setpriv --reuid=65534 --clear-groups flock --nonblock /run/xen-aperture/apertured.pid true
daemon_stop

progress "detached"
apertured || fail "apertured did not start in the background"
daemon_pid >/dev/null || fail "apertured returned, but does not run"
limits=$(awk '/^Max open files/ { print $4 == $5 ? "same" : $4 " of " $5 }' "/proc/$(daemon_pid)/limits")
assert_eq same "$limits" "files that the supervisor may open"
daemon_stop
[ ! -e /run/xen-aperture/apertured.pid ] || fail "it left its pid file"

progress "help and manual page name the same options"
for option in $(apertured --help | grep -o -- '--[a-z]*' | sort -u); do
	echo "$option"
done >options
[ "$(wc -l <options)" -ge 5 ] || broken "no options found in the help"
if page=$(find / -name apertured.8 -not -path '/proc/*' 2>/dev/null | head -n 1) && [ -n "$page" ]; then
	sed 's/\\-/-/g' "$page" | grep -o -- '--[a-z]*' | sort -u | cmp - options || fail "the manual page and --help differ"
else
	broken "no manual page installed"
fi
