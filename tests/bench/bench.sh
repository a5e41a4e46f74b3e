# SPDX-License-Identifier: GPL-2.0-only
# title: what a fast operation costs, beside a bare event and the second device
# rows: bench
# guests: pv
# guest: fresh
# timeout: 300
. /rig/tests/_lib.sh
COUNT=2000
ECHO=$(dirname "$(find / -xdev -name aperture-stub -path '*stub*' | head -n 1)")/echo-stub
READ=0x0 WRITE=0x138		# the timer's counter; the deadline of a comparator that is not armed

figures() { # NAME COMMAND...
	f_name=$1
	shift
	GUEST_TIMEOUT=600 selftest_ok "$GUEST" "$f_name" "$@"
	for f_what in median min max; do metric "$f_name.$f_what=$(field $f_what)"; done
	metric "$f_name.lane=$(field lane)"
}

echo_port() { sed -n 's/.*echo for guest [0-9]* port \([0-9]*\).*/\1/p' /var/log/xen/console/guest-echo.log | tail -n 1; }
bare() { # NAME
	figures "$1" bench-echo "$(domid_of echo)" "$(echo_port)" $COUNT
}
operations() { # NAME
	sleep 1
	figures "$1.read" bench 0 $COUNT $READ 8 0
	figures "$1.write" bench 0 $COUNT $WRITE 8 1 1000
}

progress "a stub domain that only echoes"
rm -f /var/log/xen/console/guest-echo.log
xl create -e -q /dev/null 'type="pv"' memory=4 vcpus=1 'name="echo"' "kernel=\"$ECHO\"" \
	"extra=\"guest=$(domid_of "$GUEST")\"" || broken "the echo was not created"
at_exit 'xl destroy echo'
echo_said() { [ -n "$(echo_port)" ]; }
wait_until 20 echo_said || broken "the echo says nothing"
daemon_start
module_load "$GUEST"
bare echo

progress "the timer, first device installed"
device_attach "$GUEST" type=timer,size=4K,fast=yes 60
operations fast
bare again

progress "the same without it"
xen-aperture uninstall "$GUEST" 0 --wait=60 || fail "the first device cannot be taken out"
operations slow
