# SPDX-License-Identifier: GPL-2.0-only
# title: trapped devices by the tool: created and attached at ports and in memory, listed, counted, detached, refused
# rows: N15 BAD
# guests: none
# vcpus: 1
# vcpus-long: 4
# timeout: 90
. /rig/tests/_lib.sh

NAME=trapped
AUTO=0xff000000
# An empty folder of an earlier test's may be there, or not.
nodes() { xenstore-ls -fp /local/domain/0 | grep 'backend/aperture/\|aperture-stub' || :; }
domains() { xl list | awk 'NR > 1 { print $1 }' | sort; }
before_nodes=$(nodes)
before_domains=$(domains)
at_exit "for d in $NAME other; do xl destroy \$d; xl destroy \$d-aperture; done 2>/dev/null"
unchanged() { # WHEN
	assert_eq "$before_domains" "$(domains)" "domains after $1"
	assert_eq "$before_nodes" "$(nodes)" "xenstore after $1"
}
cfg() { # TYPE DEVICES...
	cfg_type=$1
	shift
	grep -v '^aperture' "$RIG_GUESTS/$cfg_type.cfg" >guest.cfg
	printf 'name = "%s"\nvcpus = %s\n' "$NAME" "$VCPUS" >>guest.cfg
	echo "aperture = [ $* ]" >>guest.cfg
}
says() { # STATUS PATTERN COMMAND...
	says_status=$1 says_pattern=$2
	shift 2
	assert_fails "$says_status" "$@"
	assert_match "$says_pattern" "$OUT" "what is said"
}
stub_of() { xl domid "$1-aperture" 2>/dev/null; }
# row ID PLACE: as list shows it, connected
row() { xen-aperture list $NAME | grep -Eq "^$NAME +[0-9]+ +$1 +timer +$2 .* $(stub_of $NAME) +connected$"; }
port() { guest_run $NAME "dd if=/dev/port bs=1 skip=$(($1)) count=$2 2>/dev/null | hexdump -v -e '1/1 \"%02x\"'"; }
mem() { guest_run $NAME "devmem $(($1)) 32"; }
counter() { xen-aperture stat $NAME "$1" | awk -v name="$2" '$1 == name { print $2 }'; }

progress "what makes no sense"
says 2 'meets 0xe9-0xe9, Xen.s debug console' xen-aperture attach 0 type=timer,io=0xe9
says 2 'size does not go with mmio' xen-aperture attach 0 type=timer,mmio=auto,size=4K
says 2 'wait=0 does not go with io and mmio' xen-aperture attach 0 type=timer,io=0x600 --wait=0
cfg pvh '"type=timer,io=0x600", "type=timer,io=0x600"'
says 2 'io=0x600 is asked for by two devices' xen-aperture create guest.cfg
cfg pv '"type=timer,io=0x600"'
says 2 'io and mmio are for PVH guests' xen-aperture create guest.cfg
cfg pvh '"type=timer,io=0x600", "type=timer,mmio=auto,timeout=900"'
says 2 '25 vCPUs are above the limit with a trapped device, 24' xen-aperture create guest.cfg -- vcpus=25
OUT=$(xen-aperture create guest.cfg --dry-run)
assert_match 'a stub domain of .*, with power over the guest' "$OUT" "create --dry-run"
assert_match '1 +timer +- +- +apertured +0 +yes +mmio 0xff010000' "$OUT" "create --dry-run"
unchanged "requests that make no sense"

progress "nobody serves its slow lane: all is undone"
says 4 'nobody serves its slow lane after 1 s: start apertured|has not taken it up after 1 s' xen-aperture create guest.cfg --wait=1 -- -q
assert_match "guest $NAME is destroyed again" "$OUT" "what is said"
unchanged "a create without apertured"

progress "create"
daemon_start
xen-aperture create guest.cfg --revoke=70 -- -q || fail "create failed"
G=$(domid_of $NAME) S=$(stub_of $NAME)
assert_eq "$G" "$(xenstore-read "/local/domain/0/aperture-stub/$S/target")" "the target as it is noted"
own=/local/domain/$S/aperture/trapped/1
assert_eq "900 70" "$(xenstore-read $own/timeout-ms) $(xenstore-read $own/revoke-ms)" "timeout-ms, revoke-ms"
known=$(xenstore-ls -p "/local/domain/$G/aperture/1")
for want in 'type = "timer"' 'door = "mmio"' 'address = "4278255616"' 'size = "768"' "event-domain = \"$S\"" \
	'event-channel = "[1-9][0-9]*"'; do
	assert_match "^$want[ .]+\\(n0,r$G\\)" "$known" "what the guest is told"
done
guest_ready $NAME || fail "the guest did not come up"
row 0 'io 0x600-0x8ff' && row 1 'mmio 0xff010000-0xff0102ff' || fail "list: $(xen-aperture list $NAME)"
json=$(xen-aperture list --json | tr -d ' \n')
assert_match "\"door\":\"io\",\"address\":1536,\"size\":768,\"stub_domain\":$S" "$json" "JSON of list"
assert_eq 08000000 "$(port 0x618 4)" "COMPARATORS by port"
assert_eq 0x00000008 "$(mem $AUTO+0x10018)" "COMPARATORS in memory"
# Begin and end of each range, in decimal, in front of its line.
map=$(guest_run $NAME "tr -d ' ' </proc/iomem | while IFS=-: read -r b e what; do echo \$((0x\$b)) \$((0x\$e)) \$what; done") || fail "no /proc/iomem"
[ "$(echo "$map" | awk '$2 > 0' | wc -l)" -ge 3 ] || fail "the guest's map of memory: $map"
in_window=$(echo "$map" | awk -v b=$((AUTO)) -v e=$((AUTO + 64 * 65536)) '$2 >= b && $1 < e')
assert_eq "" "$in_window" "what Linux has in the window of mmio=auto"
counted() { [ "$(counter 0 trapped)" -ge 4 ] && [ "$(counter 1 trapped)" -ge 1 ]; }
wait_until 10 counted || fail "stat does not count accesses: $(xen-aperture stat $NAME)"
assert_match "device 0: timer, trapped at io 0x600-0x8ff by stub domain $S" "$(xen-aperture stat $NAME 0)" "stat"
json=$(xen-aperture stat $NAME 0 --json | tr -d ' \n')
assert_match "\"domain\":$G,\"id\":0.*\"forwarded\":0,\"timeouts\":0,\"faults\":0,\"interrupts\":" "$json" "JSON of stat"

progress "a guest that runs: attach, detach"
says 1 'meets device 0 of guest [0-9]+ at io 0x600-0x8ff' xen-aperture attach $NAME type=timer,io=0x8ff
says 1 'gave up: E_ADDRESS: the range is partly another trapped device.s' xen-aperture attach $NAME type=timer,io=0x5f8
says 1 'mmio=0xfc000000: guest [0-9]+ has memory there' xen-aperture attach $NAME type=timer,mmio=0xfc000000
says 5 "is the stub domain of guest $G" xen-aperture attach "$S" type=timer,io=0xa00
says 5 "is the stub domain of guest $G" xen-aperture detach "$S" 0
says 1 'no such device: the installed one has .*--stub=FILE' xen-aperture attach $NAME type=nonsense,io=0x2000
says 1 'io=0x600 meets device 0 of guest' xen-aperture check $NAME type=timer,io=0x600
OUT=$(xen-aperture check $NAME type=timer,io=0x2000) || fail "there is room for a timer: $OUT"
says 5 'device 0 of guest [0-9]+ is a trapped one: .*detach it' xen-aperture install $NAME 0
says 5 'device 0 of guest [0-9]+ is a trapped one: .*detach it' xen-aperture uninstall $NAME 0
says 5 'no first device but trapped ones' xen-aperture uninstall $NAME
assert_eq 2 "$(xen-aperture list $NAME | grep -c "^$NAME ")" "devices after what was refused"
says 1 'gave up: E_ADDRESS: the range does not end where addresses do' xen-aperture attach $NAME type=timer,io=0xff00
says 1 'mmio=0x1000000: guest [0-9]+ has memory there' xen-aperture attach $NAME type=timer,mmio=0x1000000
# What libxl makes for a guest whose disk a QEMU serves.
xenstore-write "/local/domain/0/device-model/$G/state" running
OUT=$(xen-aperture attach $NAME type=timer,io=0x1000,id=7) || fail "attach failed: $OUT"
xenstore-rm "/local/domain/0/device-model/$G"
assert_match "device 7 of guest $NAME \($G\) is reached at io 0x1000-0x12ff, through stub domain $S" "$OUT" "attach"
assert_eq 08000000 "$(port 0x1018 4)" "COMPARATORS of the third one"
assert_eq "$(domid_of $NAME)" "$G" "the guest"
xl pause "$S"
says 4 "is paused; let it run \(xl unpause $S\)" xen-aperture detach $NAME 0 --wait=1
xl unpause "$S"
xen-aperture detach $NAME 0 2>/dev/null || fail "detach failed"
assert_eq ffffffff "$(port 0x618 4)" "where a device was"
assert_eq 08000000 "$(port 0x1018 4)" "another one, after detach"
assert_eq "$S" "$(stub_of $NAME)" "the stub domain with two devices left"
! xenstore-exists "/local/domain/$G/aperture/0" || fail "the guest is still told of device 0"

progress "the last trapped device goes: the stub domain's power over the guest with it"
guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko' || fail "the module did not load"
xen-aperture attach $NAME type=timer,size=4K,fast=yes,id=3 --route=all --revoke=60 || fail "attach of a device with rings failed"
xen-aperture detach $NAME 1 || fail "detach failed"
assert_eq "$S" "$(stub_of $NAME)" "the stub domain with a trapped device left"
OUT=$(xen-aperture detach $NAME 7) || fail "detach of the last trapped device: $OUT"
assert_match "stub domain $S, which had power over guest $G, is replaced by [0-9]+, which has none" "$OUT" "detach"
assert_eq ffffffff "$(port 0x1018 4)" "where a device was"
new=$(stub_of $NAME)
[ "$new" != "$S" ] && ! xl domname "$S" 2>/dev/null || fail "the stub domain with power over the guest is still there: $(xl list)"
! xenstore-exists "/local/domain/0/aperture-stub/$new/target" || fail "the new stub domain is noted with a target"
fast_row() { xen-aperture list $NAME | grep -Eq "^$NAME +[0-9]+ +3 +timer .* $new +connected$"; }
wait_until 20 fast_row || fail "the first device beside rings: $(xen-aperture list $NAME)"
assert_eq 60 "$(xenstore-read "/local/domain/$new/backend/aperture-fast/$G/3/revoke-ms")" "its revoke-ms"
assert_match '^lane=fast status=0 ' "$(guest_run $NAME 'aperture-op 3 read 0 8')" "who answers"
# Xen gives a domain one target, once: this one had none.
set-target "$new" "$G" || fail "the new stub domain has a target"

xen-aperture detach $NAME all || fail "detach all failed"
guest_run $NAME 'rmmod xen_aperture'
assert_eq "no aperture devices" "$(xen-aperture list $NAME)" "list"
! stub_of $NAME || fail "the stub domain is still there"
! xenstore-exists "/local/domain/$G/aperture" || fail "nodes of the guest: $(xenstore-ls "/local/domain/$G/aperture")"

progress "beside an ioreq server of domain 0 (a device model has one); more than eight"
server=$(make-server "$G") || broken "no ioreq server"
for i in 1 2 3 4 5 6 7 8; do
	xen-aperture attach $NAME type=timer,io=0x${i}000 >/dev/null 2>&1 || fail "attach of device $i failed"
done
says 1 'trapped devices' xen-aperture attach $NAME type=timer,io=0x9000
assert_eq 08000000 "$(port 0x8018 4)" "COMPARATORS of the eighth"
xen-aperture detach $NAME all >/dev/null || fail "detach all failed"
! stub_of $NAME || fail "the stub domain stays beside domain 0's server"
make-server "$G" "$server" || broken "the ioreq server stays"

progress "a stub domain that never serves"
says 4 'the stub domain [0-9]+ has not taken it up after 1 s' xen-aperture attach $NAME type=timer,io=0x600 --wait=1 \
	--stub=/usr/local/lib/xen-aperture/stub/echo-stub
! stub_of $NAME || fail "the stub domain is still there"
guest_run $NAME true || fail "the guest does not answer"
guest_destroy $NAME
unchanged "the guest's end"
