# SPDX-License-Identifier: GPL-2.0-only
# title: what a trapped port access costs: first device, bare echo, process in dom0, sent on
# rows: bench
# guests: none
# timeout: 300
. /rig/tests/_lib.sh
COUNT=2000
DONE=$((COUNT + 64))					# with trap-bench's warm-up
STUB_FILES=$(dirname "$(find / -xdev -name aperture-stub -path '*stub*' | head -n 1)")
FAST=0x600 PROCESS=0xa00 ECHO=3584			# first ports; one server at a time
COUNTER=0x000 DEADLINE=0x138 WALL=0x040			# the last comparator is not armed
PROCESS_END=0x300

# figures NAME PORT read|write [VALUE]
figures() {
	f_name=$1 f_port=$2 f_kind=$3
	shift 3
	OUT=$(GUEST_TIMEOUT=600 guest_run trapped "trap-bench $((f_port)) 4 $f_kind $COUNT $*") || fail "$f_name: $OUT"
	echo "$f_name: $OUT"
	for f_what in median min max; do metric "$f_name.$f_what=$(field $f_what)"; done
	VALUE=$(field value)
}
both() { # NAME PORT-TO-READ PORT-TO-WRITE
	sleep 1
	figures "$1.read" "$2" read
	READ_VALUE=$VALUE
	figures "$1.write" "$3" write 1000
}
# The port behind a server's range ends it.
end_server() { guest_run trapped "trap-bench $(($1)) 4 write 1" >/dev/null || fail "port $1 cannot be written"; }

guest_create pvh 1 trapped 'tsc_mode="native"' || broken "no guest"
at_exit 'xl destroy trapped 2>/dev/null || :'

progress "a process in dom0 alone"
mkfifo ready
trap-process "$(domid_of trapped)" $((PROCESS)) >ready 2>process.err &
process=$!
at_exit "kill $process 2>/dev/null || :"
exec 3<ready
read -r said <&3 || fail "the process: $(cat process.err)"
both process $((PROCESS + COUNTER)) $((PROCESS + DEADLINE))
figures process.wall $((PROCESS + WALL)) read
end_server $((PROCESS + PROCESS_END))
read -r OUT <&3
echo "$OUT"
assert_eq $((3 * DONE)) "$(field executed)" "accesses that the process answered"

progress "a stub domain that only answers"
log=/var/log/xen/console/guest-trap-echo.log
: >$log
xl create -p -q /dev/null 'type="pv"' memory=4 vcpus=1 'name="trap-echo"' 'tsc_mode="native"' \
	"kernel=\"$STUB_FILES/trap-echo-stub\"" "extra=\"guest=$(domid_of trapped) port=$ECHO\"" ||
	broken "the echo was not created"
at_exit 'xl destroy trap-echo 2>/dev/null || :'
xl pause trapped
set-target "$(domid_of trap-echo)" "$(domid_of trapped)" || broken "no target"
xl unpause trap-echo
echo_said() { grep -q 'trap echo for guest' $log; }
wait_until 20 echo_said || broken "the echo says: $(tail -n 3 $log)"
xl unpause trapped
both echo $ECHO $ECHO
assert_eq 0xec40ec40 "$READ_VALUE" "the echo's answer"
end_server $((ECHO + 4))
wait_until 20 guest_gone trap-echo || broken "the echo did not end"

progress "the first device, and what it declines"
daemon_start
device_attach trapped type=timer,io=$FAST 60
both first $((FAST + COUNTER)) $((FAST + DEADLINE))
figures forwarded.read $((FAST + WALL)) read
first() { xen-aperture stat trapped | awk -v name="$1" '$1 == name { print $2 }'; }
told() { [ "$(first forwarded)" = $DONE ]; }
wait_until 10 told || fail "the second device answered $(first forwarded) accesses, not $DONE"
assert_eq $((2 * DONE)) "$(first executed)" "accesses that the first device answered"
