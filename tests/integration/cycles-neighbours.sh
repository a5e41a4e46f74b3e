# SPDX-License-Identifier: GPL-2.0-only
# title: 5,000 apertures made and ended beside a disk and a network that are in use; 100,000 in the long form
# rows: B3 M14
# guests: pv
# guests-long: pvh
# timeout: 120
. /rig/tests/_lib.sh

CYCLES=$(short_long 5000 100000)
STEP=500
NAME=$GUEST-cycles
HOST=10.77.0.1 PEER=10.77.0.2
PERSISTENT=/sys/module/xen_blkback/parameters/feature_persistent

# Xen's own hotplug scripts want udev.
cat >disk <<'END'
#!/bin/sh
[ "$1" = add ] || exit 0
device=$(xenstore-read "$XENBUS_PATH/params")
xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c '%t:%T' "$device")" \
	"$XENBUS_PATH/physical-device-path" "$device" "$XENBUS_PATH/hotplug-status" connected
END
cat >vif <<END
#!/bin/sh
[ "\$1" = online ] || exit 0
busybox ifconfig "\$vif" $HOST netmask 255.255.255.0 up
xenstore-write "\$XENBUS_PATH/hotplug-status" connected
END
chmod 755 disk vif

modprobe xen-blkback || broken "dom0 has no xen-blkback"
modprobe xen-netback || broken "dom0 has no xen-netback"
# Grants that blkfront keeps would be counted.
was=$(cat $PERSISTENT)
at_exit "echo $was >$PERSISTENT"
echo 0 >$PERSISTENT
daemon_start
progress "a guest with a disk and a network"
at_exit "! guest_alive $NAME || guest_destroy $NAME"
# /dev/vdc: where the rig stores results at its end. Written to from 256 MiB on.
guest_create "$TYPE" 1 "$NAME" "disk=['format=raw,vdev=xvdb,access=w,script=$PWD/disk,target=/dev/vdc']" \
	"vif=['mac=00:16:3e:77:00:02,script=$PWD/vif']" || broken "guest $NAME did not start"
guest_run "$NAME" 'insmod /lib/modules/extra/xen-blkfront.ko && insmod /lib/modules/extra/xen-netfront.ko' ||
	broken "no drivers of disk and network"
wait_until 20 guest_run "$NAME" '[ -b /dev/xvdb ]' || broken "the disk did not come"
wait_until 20 guest_run "$NAME" "ifconfig eth0 $PEER netmask 255.255.255.0 up 2>/dev/null" ||
	broken "the network did not come"
busybox nc -ll -p 7777 -e /bin/cat &
echo_server=$!
at_exit "kill $echo_server 2>/dev/null"
module_load "$NAME"
device_attach "$NAME" type=mem,size=1M

# Fresh octets to the disk and back, and through the network and back, over and over; each that
# differs ends it.
cat >load <<END
cd /tmp
disk() {
	head -c 262144 /dev/urandom >out &&
		dd if=out of=/dev/xvdb bs=65536 seek=4096 oflag=direct conv=notrunc 2>/dev/null &&
		dd if=/dev/xvdb of=in bs=65536 skip=4096 count=4 iflag=direct 2>/dev/null && cmp out in
}
net() {
	nc $HOST 7777 <out >back && cmp out back
}
n=0
while [ ! -e stop ]; do
	disk || { echo "disk differs or fails after \$n rounds"; exit 1; }
	net || { echo "network differs or fails after \$n rounds"; exit 1; }
	n=\$((n + 1))
	echo rounds=\$n >done
	sleep 1
done
END
guest_put "$NAME" load /tmp/load
load_start() {
	guest_run "$NAME" 'rm -f /tmp/stop /tmp/done'
	GUEST_TIMEOUT=7200 guest_start "$NAME" 'sh /tmp/load' load.out
	LOAD=$GUEST_JOB
}
load_stop() { # LEAST; sets ROUNDS
	guest_run "$NAME" 'touch /tmp/stop'
	guest_wait "$LOAD" || fail "beside the apertures: $(cat load.out)"
	ROUNDS=$(guest_run "$NAME" 'cat /tmp/done' | sed -n 's/^rounds=//p')
	[ "${ROUNDS:-0}" -ge "$1" ] || fail "disk and network hardly moved: ${ROUNDS:-0} rounds"
}
load_moved() { [ "$(guest_run "$NAME" 'cat /tmp/done 2>/dev/null')" != "" ]; }
cycles() { # COUNT
	OUT=$(GUEST_TIMEOUT=600 guest_run "$NAME" "aperture-selftest cycles 0 $1" 2>&1) || fail "cycles: $OUT"
	assert_eq "$1" "$(field cycles)" "cycles"
}

progress "warming up"
load_start
wait_until 60 load_moved || fail "neither disk nor network moves: $(cat load.out)"
cycles 100
load_stop 1
leak_check_begin

load_start
done=0
while [ $done -lt "$CYCLES" ]; do
	cycles $STEP
	done=$((done + STEP))
	kill -0 "$LOAD" 2>/dev/null || fail "beside the apertures: $(cat load.out)"
	progress "$done of $CYCLES"
done
load_stop 5
errors=$(guest_run "$NAME" 'dmesg | grep -Ei "I/O error|blk.*error|eth0.*(error|timed out)|xen_netfront.*(bad|warn)" || :')
assert_eq "" "$errors" "what disk and network say"
for what in rx_errors tx_errors rx_dropped tx_dropped; do
	assert_eq 0 "$(guest_run "$NAME" "cat /sys/class/net/eth0/statistics/$what")" "$what of the guest's network"
done
note "$CYCLES apertures; $ROUNDS rounds of disk and network beside them, every octet as it was"
metric cycles="$CYCLES" neighbour_rounds="$ROUNDS"
leak_check_end 30
