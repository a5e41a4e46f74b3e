# SPDX-License-Identifier: GPL-2.0-only
# title: a guest that restarts, by itself or by plain xl, has its devices again, first and trapped ones too; nothing twice
# rows: M13 M14 N2
# guests: pvh
# guests-long: pv
# timeout: 90
. /rig/tests/_lib.sh

NAME=returns
UUID=5ca1ab1e-0000-4000-8000-00000000cafe
FILE=/var/lib/xen-aperture/guests/$UUID
at_exit "rm -f $FILE; xl destroy $NAME-aperture 2>/dev/null; ! guest_alive $NAME || guest_destroy $NAME"
loaded() {
	guest_run $NAME 'insmod /lib/modules/extra/xen-aperture.ko && insmod /lib/modules/extra/aperture_selftest.ko' ||
		fail "the modules did not load"
}
# up ID [STUB]: connected, and its first device in that stub domain
up() { xen-aperture list $NAME | grep -Eq "^$NAME +[0-9]+ +$1 .* ${2:--} +connected$"; }
stub() { xl domid $NAME-aperture 2>/dev/null; }
same() { assert_eq "$WAS" "$(cat "$FILE")" "what is remembered after $1"; }

daemon_start
progress "what is remembered"
guest_create "$TYPE" 1 $NAME "uuid=\"$UUID\"" 'on_reboot="restart"' || broken "guest $NAME did not start"
loaded
xen-aperture attach $NAME type=mem,size=64K,apertures=16 --wait=20 || fail "attach failed"
xen-aperture attach $NAME type=timer,id=5,fast=yes --revoke=70 --wait=20 || fail "attach of a timer failed"
want="id=0,type=mem,size=65536,apertures=16
id=5,type=timer,size=4096,apertures=8,fast=yes --revoke=70"
if [ "$TYPE" = pvh ]; then
	xen-aperture attach $NAME type=timer,io=0x600,id=7,timeout=900 --revoke=80 --wait=20 || fail "attach of a trapped timer failed"
	want="$want
id=7,type=timer,io=0x600,timeout=900 --revoke=80"
fi
assert_eq "$want" "$(cat "$FILE")" "the file"
assert_eq "600 root" "$(stat -c '%a %U' "$FILE")" "who may read it"
WAS=$(cat "$FILE")
before=$(domid_of $NAME) stub_before=$(stub)

elsewhere() { e_now=$(domid_of $NAME) && [ "$e_now" != "$before" ] && guest_ready $NAME; }
again() { # WHAT: the guest is another domain, and device 0 is there
	wait_until 60 elsewhere || fail "no new domain $NAME after $1: $(xl list)"
	same "$1"
	loaded
	wait_until 20 up 0 || fail "device 0 after $1: $(xen-aperture list $NAME)"
}
progress "the guest's kernel restarts at once, with each kind of aperture mapped"
every_aperture $NAME 0
guest_start $NAME 'echo b >/proc/sysrq-trigger'
again "a restart"

# By the drivers' shutdown, with programs running.
progress "xl reboot, with each kind of aperture mapped"
every_aperture $NAME 0
wait_until 20 up 5 "$(stub)" || fail "device 5 and its first one: $(xen-aperture list $NAME)"
leak_check_begin
before=$(domid_of $NAME) stub_before=$(stub)
xl reboot $NAME || fail "xl reboot failed with status $?"
again "xl reboot"
wait_until 20 up 5 "$(stub)" || fail "device 5 and its first one: $(xen-aperture list $NAME)"
every_aperture $NAME 0
leak_check_end 20
[ "$(stub)" != "$stub_before" ] || fail "the stub domain $stub_before is still the old one"
wait_until 20 up 5 "$(stub)" || fail "device 5 and its first one: $(xen-aperture list $NAME)"
octet() { guest_run $NAME "dd if=/dev/port bs=1 skip=$(($1)) count=1 2>/dev/null | hexdump -v -e '1/1 \"%02x\"'"; }
trapped_up() { xen-aperture list $NAME | grep -Eq "^$NAME .* 7 +timer +io 0x600-0x8ff .* $(stub) +connected$"; }
trapped_again() { # WHEN: the same device at the same place, as new
	trapped_up || fail "the trapped device after $1: $(xen-aperture list $NAME)"
	assert_eq 900 "$(xenstore-read "/local/domain/$(stub)/aperture/trapped/7/timeout-ms")" "timeout-ms after $1"
	assert_eq 80 "$(xenstore-read "/local/domain/$(stub)/aperture/trapped/7/revoke-ms")" "revoke-ms after $1"
	assert_eq 08 "$(octet 0x618)" "a register after $1"
	assert_eq 00 "$(octet 0x650)" "LABEL after $1"
}
if [ "$TYPE" = pvh ]; then
	trapped_again "the reboot"
fi
assert_eq 70 "$(xenstore-read "/local/domain/$(stub)/backend/aperture-fast/$(domid_of $NAME)/5/revoke-ms")" "revoke-ms"

progress "nothing twice, and what was taken away does not come back"
OUT=$(xen-aperture attach --again $NAME) || fail "attach --again: $OUT"
assert_match ': 0 of [23] remembered devices attached again, the others were there already' "$OUT" "what is said"
[ "$TYPE" != pvh ] || xen-aperture detach $NAME 7 || fail "detach of the trapped device failed"
xen-aperture uninstall $NAME 5 || fail "uninstall failed"
assert_match '^id=5,type=timer,size=4096,apertures=8$' "$(cat "$FILE")" "the timer without its first device"
xen-aperture install $NAME 5 --revoke=90 || fail "install failed"
assert_match 'fast=yes --revoke=90$' "$(cat "$FILE")" "the timer with another one"
xen-aperture detach $NAME 0 || fail "detach failed"
assert_eq "id=5,type=timer,size=4096,apertures=8,fast=yes --revoke=90" "$(cat "$FILE")" "the file after detach"
xen-aperture detach $NAME all || fail "detach all failed"
[ ! -e "$FILE" ] || fail "something is remembered of a guest without devices: $(cat "$FILE")"

progress "what could not be attached again can be forgotten"
printf 'id=0,type=mem,size=65536,apertures=8,backend=nobody\nid=5,type=mem,size=65536,apertures=8,backend=nobody\n' >"$FILE"
chmod 600 "$FILE"
OUT=$(xen-aperture attach --again $NAME 2>&1) && fail "attach --again with a backend that is not there: $OUT"
assert_match 'nobody' "$OUT" "why not"
xen-aperture detach $NAME 3 && fail "detach of a device that is neither there nor remembered"
OUT=$(xen-aperture detach $NAME 0) || fail "detach of a remembered device: $OUT"
assert_match '1 remembered device forgotten' "$OUT" "what detach says"
assert_eq "id=5,type=mem,size=65536,apertures=8,backend=nobody" "$(cat "$FILE")" "the file"
OUT=$(xen-aperture detach $NAME all) || fail "detach all: $OUT"
[ ! -e "$FILE" ] || fail "something is still remembered: $(cat "$FILE")"
xen-aperture detach $NAME all && fail "detach all of nothing"
true
