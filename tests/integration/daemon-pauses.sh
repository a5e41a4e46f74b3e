# SPDX-License-Identifier: GPL-2.0-only
# title: a worker that dies at once again and again is backed off and reported; others go on
# rows: M14
# guests: pvh
# guests-long: pv
# timeout: 60
. /rig/tests/_lib.sh
. /rig/tests/_leaks.sh

DOMID=$(domid_of "$GUEST")
BACK=/local/domain/0/backend/aperture/$DOMID/0
deaths() { od -An -tu8 -j112 -N8 "/run/xen-aperture/$DOMID-0.stat" | tr -d ' '; }

progress "a plugin that ends the process when it is created"
echo 'check.abort = yes' >conf
daemon_start --config "$PWD/conf"
module_load "$GUEST"
assert_fails any xen-aperture attach "$GUEST" type=check,size=1M --wait=1
xen-aperture detach "$GUEST" all --force --wait=5 >/dev/null 2>&1 || :
xen-aperture attach "$GUEST" type=check,size=1M --wait=0
at_exit "device_detach_all $GUEST"
pause_is_said() { xenstore-read "$BACK/error" 2>/dev/null | grep -q '^E_DEVICE: the worker died [0-9]* times in a row at once; next try in [0-9]* ms'; }
wait_until 30 pause_is_said || fail "the error node is '$(xenstore-read "$BACK/error")'"
note "$(xenstore-read "$BACK/error")"
xen-aperture stat "$GUEST" | grep 'E_DEVICE' || fail "xen-aperture stat does not say it"
sleep 3
first=$(deaths)
sleep 5
more=$(($(deaths) - first))
[ "$more" -le 4 ] || fail "$more deaths in 5 s: it was not slowed down"
grep -q "the worker died .* times in a row" "$DAEMON_LOG" || fail "the log does not say it"

progress "the plugin is mended"
: >conf
kill "$(daemon_pid)"
healthy() { connected_after "$DOMID" 0; }
wait_until 30 healthy || fail "it did not connect with a good plugin: $(stat_numbers "$DOMID")"
selftest_ok "$GUEST" "sizes" sizes 0 65536 4096
xenstore-exists "$BACK/error" && fail "the error is still there: $(xenstore-read "$BACK/error")"

progress "a folder that others can write"
cp -r "$(dirname "$(find / -name mem.so -path '*devices*' -not -path '/proc/*' | head -n 1)")" /usr/devices-test
at_exit 'rm -rf /usr/devices-test'
chmod 777 /usr/devices-test
echo 'device_dir = /usr/devices-test' >conf
kill "$(daemon_pid)"
refused() { xenstore-read "$BACK/error" 2>/dev/null | grep -q '^E_DEVICE: /usr/devices-test: must belong to root and be writable by root only'; }
wait_until 30 refused || fail "the error node is '$(xenstore-read "$BACK/error")'"
