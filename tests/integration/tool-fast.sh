# SPDX-License-Identifier: GPL-2.0-only
# title: first devices: created, listed, taken out and put in again, refused
# rows: N2 BAD
# guests: none
# timeout: 120
. /rig/tests/_lib.sh

NAME=created
nodes() {
	xenstore-ls -fp /local/domain/0/backend/aperture 2>&1 || :
	xenstore-ls -fp /local/domain/0/aperture-stub 2>&1 || :
}
domains() { xl list | awk 'NR > 1 { print $1 }' | sort; }
before_nodes=$(nodes)
before_domains=$(domains)
at_exit "xl destroy $NAME-aperture 2>/dev/null; xl destroy $NAME 2>/dev/null; xen-aperture detach $NAME all --force --wait=0 2>/dev/null"
unchanged() { # WHEN
	assert_eq "$before_domains" "$(domains)" "domains after $1"
	assert_eq "$before_nodes" "$(nodes)" "xenstore after $1"
}
cfg() { # TYPE DEVICES...
	cfg_type=$1
	shift
	grep -v '^aperture' "$RIG_GUESTS/$cfg_type.cfg" >guest.cfg
	echo "name = \"$NAME\"" >>guest.cfg
	echo "aperture = [ $* ]" >>guest.cfg
}
stub_of() { # the stub domain of the guest as the list names it; empty: none
	for so_s in $(xenstore-list /local/domain/0/aperture-stub 2>/dev/null); do
		[ "$(xenstore-read "/local/domain/0/aperture-stub/$so_s/guest")" != "$(domid_of $NAME)" ] || echo "$so_s"
	done
}
fast_node() { xenstore-read "/local/domain/$1/backend/aperture-fast/$(domid_of $NAME)/$2" 2>/dev/null; }
both_connected() { # DEVICE: slow lane and first device
	xen-aperture list $NAME | grep -Eq "^$NAME +[0-9]+ +$1 .* [0-9]+ +connected$"
}
slow_connected() { xen-aperture list $NAME | grep -Eq "^$NAME +[0-9]+ +$1 .* - +connected$"; }

progress "what cannot be is refused before anything is made"
cfg pv '"type=timer,size=4K,fast=yes"'
assert_fails 2 xen-aperture create guest.cfg --stub=/nowhere/stub
assert_match 'cannot open the stub domain.s program /nowhere/stub: No such file' "$OUT" "what is said"
head -c 8192 /dev/urandom >noise
assert_fails 2 xen-aperture create guest.cfg --stub=noise
assert_match 'noise is not an executable ELF file' "$OUT" "what is said"
cfg pv '"type=timer,size=4K,fast=yes,server=program"'
assert_fails 2 xen-aperture create guest.cfg
assert_match 'aperture\[0\]: fast=yes does not go with server=program' "$OUT" "what is said"
unchanged "requests that make no sense"

daemon_start
progress "an ELF file that is no stub domain: all is undone"
cfg pv '"type=timer,size=4K,fast=yes"'
cp "$(command -v busybox || command -v xl)" elf
printf '\002' | dd of=elf bs=1 seek=16 conv=notrunc 2>/dev/null	# ET_EXEC
assert_fails 1 xen-aperture create guest.cfg --stub="$PWD/elf" -- -q
assert_match "guest $NAME is destroyed again" "$OUT" "what is said"
unchanged "a stub domain that Xen refused"

progress "interrupted while the stub domain is waited for"
xen-aperture create guest.cfg --stub=/usr/local/lib/xen-aperture/stub/echo-stub --wait=90 -- -q >out 2>&1 &
tool=$!
wait_until 60 xenstore-exists /local/domain/0/aperture-stub || fail "create made no stub domain: $(cat out)"
sleep 2
kill -TERM $tool
status=0
wait $tool || status=$?
assert_eq 1 $status "status of an interrupted create: $(cat out)"
unchanged "an interrupted create"

for type in $(short_long pvh "pv pvh"); do
	progress "$type: create"
	cfg $type '"type=timer,size=4K,fast=yes", "type=mem,size=64K"'
	xen-aperture create guest.cfg --spin=7 --route=all --revoke=70 -- -q
	S=$(stub_of)
	assert_match '^[1-9][0-9]*$' "$S" "the stub domain's number"
	assert_eq "$NAME-aperture" "$(xl domname "$S")" "the stub domain's name"
	! xenstore-exists "/local/domain/0/aperture-stub/$S/target" || fail "a stub domain without trapped devices has a target"
	assert_eq 7 "$(xenstore-read "/local/domain/$S/aperture/spin-us")" "spin-us"
	assert_eq all "$(fast_node "$S" 0/route)" "route"
	assert_eq 70 "$(fast_node "$S" 0/revoke-ms)" "revoke-ms"
	out=$(xen-aperture list $NAME)
	echo "$out"
	assert_match " timer .* $S +waits for the guest's driver; first device: waits for the guest's driver$" "$out" "list"
	assert_match " mem .* - +waits" "$out" "list"
	assert_match '"stub_domain": *'"$S" "$(xen-aperture list $NAME --json)" "JSON of list"

	guest_ready $NAME || fail "the guest did not come up"
	guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko' || fail "the module did not load"
	wait_until 20 both_connected 0 || fail "not connected: $(xen-aperture list $NAME)"
	out=$(xen-aperture stat $NAME 0)
	echo "$out"
	assert_match "stub domain $S, restarted by the watchdog: 0" "$out" "stat"
	assert_match 'OPERATIONS +FIRST +SECOND' "$out" "stat"
	xl pause $NAME-aperture
	assert_match " timer .* $S +connected; first device: its stub domain is paused$" "$(xen-aperture list $NAME)" "list"
	assert_match '"stub_paused": *true' "$(xen-aperture list $NAME --json)" "JSON of list"
	xl unpause $NAME-aperture
	both_connected 0 || fail "list: $(xen-aperture list $NAME)"

	progress "$type: uninstall: the device works on without, the stub domain is gone"
	xen-aperture uninstall $NAME 0
	slow_connected 0 || fail "list: $(xen-aperture list $NAME)"
	assert_eq "" "$(stub_of)" "stub domains after uninstall"
	! xl domid $NAME-aperture 2>/dev/null || fail "the stub domain is still there"
	assert_fails 5 xen-aperture uninstall $NAME 0
	assert_match 'has no first device 0' "$OUT" "what is said"

	progress "$type: install: beside what can have one"
	xen-aperture install $NAME
	both_connected 0 || fail "list: $(xen-aperture list $NAME)"
	S=$(stub_of)
	assert_fails 5 xen-aperture install $NAME 0
	assert_match 'device 0 of guest [0-9]+ has a first device already' "$OUT" "what is said"
	assert_fails 1 xen-aperture install $NAME 1
	assert_match 'device 1 of guest [0-9]+ has no first device: the stub domain .*E_DEVICE.*--stub=FILE' "$OUT" "what is said"
	assert_match " mem .* - +connected$" "$(xen-aperture list $NAME)" "list"
	assert_fails 2 xen-aperture install $NAME 1 --spin=3
	assert_match "has the stub domain $S already" "$OUT" "what is said"

	progress "$type: a stub domain that never serves: attach undoes all"
	xen-aperture uninstall $NAME
	assert_fails 4 xen-aperture attach $NAME type=timer,size=4K,fast=yes --stub=/usr/local/lib/xen-aperture/stub/echo-stub --wait=3
	assert_match 'first device 2 of guest [0-9]+: the stub domain [0-9]+ has not taken it up after 3 s' "$OUT" "what is said"
	assert_eq "" "$(stub_of)" "stub domains afterwards"
	! xl domid $NAME-aperture 2>/dev/null || fail "the stub domain is still there"
	assert_eq 2 "$(xen-aperture list $NAME | grep -c "^$NAME ")" "devices afterwards"
	xen-aperture install $NAME 0
	S=$(stub_of)

	progress "$type: attach and detach beside it: one stub domain for all"
	xen-aperture attach $NAME type=timer,size=4K,fast=yes
	both_connected 2 || fail "list: $(xen-aperture list $NAME)"
	assert_eq "$S" "$(stub_of)" "the stub domain after a second first device"
	xen-aperture detach $NAME 0
	assert_eq "$S" "$(stub_of)" "the stub domain with one device left"
	both_connected 2 || fail "list: $(xen-aperture list $NAME)"
	xen-aperture detach $NAME all
	assert_eq "no aperture devices" "$(xen-aperture list $NAME)" "list"
	assert_eq "" "$(stub_of)" "stub domains after detach all"
	guest_run $NAME 'rmmod xen_aperture'
	guest_destroy $NAME
	unchanged "the guest's end"
done
