# SPDX-License-Identifier: GPL-2.0-only
# title: create a guest with its devices from its own file, or not at all
# rows: BAD
# guests: none
# timeout: 120
. /rig/tests/_lib.sh

NAME=created
nodes() { xenstore-ls -fp /local/domain/0/backend/aperture 2>&1 || :; }
domains() { xl list | awk 'NR > 1 { print $1 }' | sort; }
before_nodes=$(nodes)
before_domains=$(domains)
at_exit "xl destroy $NAME 2>/dev/null; xen-aperture detach $NAME all --force --wait=0 2>/dev/null"

unchanged() { # WHEN
	assert_eq "$before_domains" "$(domains)" "domains after $1"
	assert_eq "$before_nodes" "$(nodes)" "xenstore after $1"
}
# cfg TYPE DEVICES...: the example configuration with other devices
cfg() {
	cfg_type=$1
	shift
	grep -v '^aperture' "$RIG_GUESTS/$cfg_type.cfg" >guest.cfg
	echo "name = \"$NAME\"" >>guest.cfg
	echo "aperture = [ $* ]" >>guest.cfg
}

progress "bad files are refused before anything is made"
cfg pv '"type=mem,size=0"'
assert_fails 2 xen-aperture create guest.cfg
assert_match 'guest.cfg: aperture\[0\]: size=0' "$OUT" "what is said"
cfg pv '"type=mem,size=4K", "type=mem,size=4K,apertures=0"'
assert_fails 2 xen-aperture create guest.cfg
assert_match 'aperture\[1\]: apertures=0 .*1 to 64' "$OUT" "what is said"
cfg pv '"type=mem,size=4K,backend=nobody-here"'
assert_fails 5 xen-aperture create guest.cfg
unchanged "bad files"

progress "xl refuses"
cfg pv '"type=mem,size=4K"'
assert_fails 1 xen-aperture create guest.cfg -- memory=900000
assert_match 'xl create failed \(status [0-9]+\)' "$OUT" "what is said"
assert_fails 1 xen-aperture create guest.cfg -- 'kernel="/nowhere"'
unchanged "an xl that failed"

for type in $(short_long pv "pv pvh"); do
	progress "$type: no daemon"
	cfg $type '"type=mem,size=4K"'
	assert_fails 4 xen-aperture create guest.cfg --wait=1 -- -q
	assert_match 'device 0 of guest created: nobody serves it after 1 s' "$OUT" "what is said"
	assert_match 'guest created is destroyed again' "$OUT" "what is said"
	unchanged "a create that nobody served"

	progress "$type: interrupted by a signal"
	xen-aperture create guest.cfg --wait=60 -- -q >out 2>&1 &
	tool=$!
	wait_until 60 xenstore-exists /local/domain/0/backend/aperture || fail "create attached nothing: $(cat out)"
	kill -TERM $tool
	status=0
	wait $tool || status=$?
	assert_eq 1 $status "status of an interrupted create: $(cat out)"
	unchanged "an interrupted create"

	progress "$type: devices that a program serves are not waited for"
	cfg $type '"type=mem,size=16M,server=program", "type=mem,size=64K,id=0,server=program,apertures=1"'
	xen-aperture create guest.cfg -- -q
	domid=$(domid_of $NAME)
	out=$(xen-aperture list $NAME)
	echo "$out"
	assert_match "^$NAME +$domid +0 +mem +- +64 KiB +1 +program" "$out" "list"
	assert_match "^$NAME +$domid +1 +mem +- +16 MiB +8 +program" "$out" "list"
	guest_ready $NAME || fail "the guest did not come up"
	assert_fails 1 xen-aperture create guest.cfg
	assert_match "domain \"$NAME\" exists already, number $domid" "$OUT" "what is said"
	assert_eq "$domid" "$(domid_of $NAME)" "the guest that was there first"
	xen-aperture detach $NAME all
	guest_destroy $NAME
	unchanged "the guest's end"
done

progress "with the daemon"
daemon_start
cfg pvh '"type=mem,size=4M"'
xen-aperture create guest.cfg -- -q
assert_match "^$NAME .* waits for the guest's driver" "$(xen-aperture list $NAME)" "list"
guest_ready $NAME || fail "the guest did not come up"
guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko' || fail "the module did not load"
wait_until 20 sh -c "xen-aperture list $NAME | grep -q ' connected'" ||
	fail "not connected: $(xen-aperture list $NAME)"
guest_run $NAME 'rmmod xen_aperture'
xen-aperture detach $NAME all
guest_destroy $NAME
unchanged "the end"
