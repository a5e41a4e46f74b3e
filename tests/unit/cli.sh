#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tool on a machine without Xen: bad input, exit statuses, help and man pages agree.
# Usage: cli.sh TOOL [FOLDER with the man pages]
set -u
TOOL=${1:?usage: cli.sh TOOL [MANPAGES]}
case $TOOL in */*) TOOL=$(realpath "$TOOL") ;; esac
MAN=$(realpath "${2:-toolstack}")
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
checks=0 failures=0

failed() {
	failures=$((failures + 1))
	echo "# cli.sh: $*"
}
# try STATUS PATTERN WORD...: status, and what it says (both streams)
try() {
	try_status=$1 try_pattern=$2
	shift 2
	checks=$((checks + 1))
	out=$("$TOOL" "$@" 2>&1)
	status=$?
	[ "$status" = "$try_status" ] ||
		failed "'$*' ended with $status, expected $try_status: $out"
	printf '%s\n' "$out" | grep -Eq -e "$try_pattern" ||
		failed "'$*' said '$out', expected $try_pattern"
}
# spec PATTERN SPEC: refused as an argument and in a file, alike
spec() {
	try 2 "$1" attach guest "$2"
	printf 'name = "g"\naperture = [ "%s" ]\n' "$2" >g.cfg
	try 2 "g.cfg: aperture\[0\]: .*$1" create g.cfg
}

# ---- specifications: the thing, the value, the limit ----------------------------------------
spec 'size=0 .*4096' type=mem,size=0
spec 'size=1 .*multiple.*4096' type=mem,size=1
spec 'size=4095 .*multiple.*ask for 4096' type=mem,size=4095
spec 'size=5000 .*multiple.*ask for 8192' type=mem,size=5000
spec 'size=18446744073709551615 .*limit.*4261478400' type=mem,size=18446744073709551615
spec 'size=18446744073709551616 .*limit.*4261478400' type=mem,size=18446744073709551616
spec 'size=4261482496 .*limit.*4261478400' type=mem,size=4261482496
spec 'size=17179869185G .*limit' type=mem,size=17179869185G
spec 'size=-4096 is not a size' type=mem,size=-4096
spec 'size=0x1000 is not a size' type=mem,size=0x1000
spec 'size=4KB is not a size' type=mem,size=4KB
spec 'size=16 M is not a size' 'type=mem,size=16 M'
spec 'size=K is not a size' type=mem,size=K
spec 'size=04096 is not a size' type=mem,size=04096
spec 'key "size" has no value' type=mem,size=
spec '"size" has no value' type=mem,size
spec 'key "size" is there twice' type=mem,size=4K,size=8K
spec 'key "colour" is unknown' type=mem,size=4K,colour=red
spec 'key "" is unknown' type=mem,size=4K,=1
spec 'nothing between two commas' type=mem,,size=4K
spec 'nothing between two commas' type=mem,size=4K,
spec 'is empty' ''
spec 'is empty' '  '
spec 'type is missing' size=4K
spec 'size is missing' type=mem
spec 'type=Mem is not a device type' type=Mem,size=4K
spec 'type=../etc is not a device type' type=../etc,size=4K
spec 'type=a[a]*.* is not a device type: 1 to 31' type=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,size=4K
spec 'apertures=0 .*1 to 64' type=mem,size=4K,apertures=0
spec 'apertures=65 .*1 to 64' type=mem,size=4K,apertures=65
spec 'id=64 .*0 to 63' type=mem,size=4K,id=64
spec 'id=-1 .*0 to 63' type=mem,size=4K,id=-1
spec 'server=other is unknown' type=mem,size=4K,server=other
spec 'backend=.* is 64 characters' \
	type=mem,size=4K,backend="$(printf '%064d' 0)"
spec 'fast=maybe is neither yes nor no' type=mem,size=4K,fast=maybe
spec 'fast=yes does not go with server=program' type=mem,size=4K,server=program,fast=yes
spec '600 characters long, the limit is 511' "$(printf '%0600d' 0)"

# ---- files ---------------------------------------------------------------------------------
cfg() { # PATTERN TEXT
	printf "$2" >g.cfg
	try 2 "$1" create g.cfg
}
try 2 'missing.cfg: No such file' create missing.cfg
try 2 'not a regular file' create /dev/zero
try 2 'not a regular file' create .
head -c 1048577 /dev/zero >g.cfg
try 2 '1048577 bytes, the limit is 1048576' create g.cfg
cfg 'zero byte' 'name = "g"\000'
cfg 'not a configuration that xl understands' 'name = "g'
cfg 'not a configuration that xl understands' 'name = "g"\naperture = [ "type=mem,size=4K"\n'
cfg 'no key aperture' 'name = "g"\n'
cfg 'aperture is not a list' 'name = "g"\naperture = "type=mem,size=4K"\n'
cfg 'aperture is not a list' 'name = "g"\naperture = 1\n'
cfg 'aperture\[0\] is not a string' 'name = "g"\naperture = [ [ "type=mem,size=4K" ] ]\n'
cfg 'no name' 'aperture = [ "type=mem,size=4K" ]\n'
cfg 'id=3 is given to two' 'name = "g"\naperture = [ "type=mem,size=4K,id=3", "type=mem,size=4K,id=3" ]\n'
cfg 'lists 65 devices' "name = \"g\"\naperture = [ $(printf '"type=mem,size=4K",%.0s' $(seq 65)) ]\n"
printf 'name = "g"\naperture = [ "type=mem,size=16M", " type = mem , size = 64K , id=0 " ]\n' >g.cfg
try 2 '"-c" is not passed on' create g.cfg -- -c
try 2 '"other.cfg" is not passed on' create g.cfg -- other.cfg
try 2 'aperture\[0\]: .*size is missing' create g.cfg -- 'aperture=["type=mem"]'
try 0 'xl create -p -q g.cfg memory=64' create g.cfg --dry-run -- memory=64 -q
printf '%s\n' "$out" | grep -Eq '^ 0  mem     64 KiB' || failed "dry run: second device is not 0: $out"
printf '%s\n' "$out" | grep -Eq '^ 1  mem     16 MiB' || failed "dry run: first device is not 1: $out"

# ---- first devices -----------------------------------------------------------------------------
FAST=type=timer,size=4K,fast=yes
try 2 'names no file' attach guest $FAST --stub=
try 2 'cannot open the stub domain.s program /nowhere: No such file' attach guest $FAST --stub=/nowhere
try 2 'cannot open the stub domain.s program /nowhere' install guest --stub=/nowhere
try 2 '/dev/null is not a regular file' install guest 0 --stub=/dev/null
try 2 'g.cfg is not an executable ELF file for x86-64' install guest --stub=g.cfg
printf '\177ELF' >short
try 2 'short is not an executable ELF file' install guest --stub=short
truncate -s 4000000 large
try 2 'large has 4000000 bytes, the limit is 3145728' install guest --stub=large
try 2 'quotes.* cannot be passed on' install guest --stub='a"b'
try 2 'is 600 characters long' install guest --stub="$(printf '%0600d' 0)"
try 2 '--spin=-1 .*0 \(off\) to 100000' install guest --spin=-1
try 2 '--spin=100001 .*0 \(off\) to 100000' attach guest $FAST --spin=100001
try 2 '--route=some is neither declared nor all' install guest --route=some
try 2 '--revoke=0 .*1 to 60000' install guest --revoke=0
try 2 '--revoke=60001 .*1 to 60000' install guest --revoke=60001
try 2 'for devices with fast=yes, io or mmio: there is none' attach guest type=mem,size=4K --spin=5
try 2 '"64" is not a device number from 0 to 63' install guest 64
try 2 '"all" is not a device number' uninstall guest all
try 2 'device 3 is there twice' install guest 3 3
try 2 'has no option --json' install guest --json
try 2 'needs 1 operand, 0 given' uninstall
try 2 'for devices with fast=yes, io or mmio: there is none' attach guest type=timer --spin=5
printf 'name = "g"\naperture = [ "%s" ]\n' $FAST >fast.cfg
try 0 'would make a stub domain of .*/stub/aperture-stub' create fast.cfg --dry-run
try 2 'cannot open the stub domain.s program /nowhere' create fast.cfg --stub=/nowhere
try 2 'for devices with fast=yes, io or mmio: there is none' create g.cfg --route=all

# ---- command lines -------------------------------------------------------------------------
try 2 'Usage' # nothing at all
try 2 'no command "frobnicate"' frobnicate
try 2 'needs 2 operands, 1 given' attach guest
try 2 'takes no spec, "type=mem,size=4K" was given' attach --again guest type=mem,size=4K
try 2 'takes no --stub, --spin' attach --again guest --spin=5
try 2 'one word too many' list a b
try 2 'has no option --jsn' list --jsn
try 2 'has no option --force' list --force
try 2 'has no option -j' list -j
try 2 'takes no value' list --json=yes
try 2 'there twice' list --json --json
try 2 '--wait needs a value' detach guest 0 --wait
try 2 '--wait=-1 .*0 to 86400' detach guest 0 --wait=-1
try 2 '--wait=86401 .*0 to 86400' detach guest 0 --wait=86401
try 2 '"64" is not a device number from 0 to 63' detach guest 64
try 2 '"x" is not a device number' stat guest x
try 2 'passes nothing on' list -- x
try 2 'size=1 .*multiple' check guest type=mem,size=4K type=mem,size=1
try 2 'has no option --unchecked' check --unchecked
try 0 '^xen-aperture [0-9]+\.[0-9]+\.[0-9]+$' --version

# ---- no root, no Xen -------------------------------------------------------------------------
if [ -e /proc/xen/capabilities ] || [ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]; then
	failed 'this machine runs Xen: the statuses without Xen cannot be shown here'
fi
for words in 'list' 'stat' 'check' 'check guest type=mem,size=4K' 'install guest' 'uninstall guest 0' 'attach guest type=mem,size=4K' 'attach guest type=mem,size=4K,fast=yes,backend=3' 'attach --again guest' 'detach guest 0' 'create g.cfg'; do
	if [ "$(id -u)" = 0 ]; then
		try 3 'does not run under Xen' $words
		cp "$TOOL" tool && chmod 755 . tool && chmod 644 g.cfg
		checks=$((checks + 1))
		out=$(setpriv --reuid=65534 --clear-groups ./tool $words 2>&1)
		[ $? = 3 ] || failed "'$words' without root did not end with 3: $out"
		printf '%s\n' "$out" | grep -q 'needs root, this is user 65534' ||
			failed "'$words' without root said '$out'"
	else
		try 3 'needs root' $words
	fi
done
[ "$(id -u)" = 0 ] || echo '# cli.sh: not root: the message without Xen was not seen'
checks=$((checks + 1))
"$TOOL" --version >/dev/full 2>full.txt
[ $? = 1 ] && grep -q 'cannot write to standard output' full.txt || failed 'a full disk is not noticed'

# ---- help and man pages -------------------------------------------------------------------------
# Lines "command" and "command --option", sorted, as the help has them, and as the page has them.
help_commands() { "$TOOL" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'; }
help_words() {
	for command in $(help_commands); do
		echo "$command"
		"$TOOL" "$command" --help | sed -n "s/^  \(--[a-z-]*\).*/$command \1/p" | grep -v -e ' --help$'
	done | sort
	"$TOOL" --help | sed -n '/^Options:/,/^$/s/^  \(--[a-z-]*\).*/\1/p' | sort
}
man_words() {
	sed -e 's/\\-/-/g' "$MAN/xen-aperture.8" | awk '
		/^\.SH COMMANDS/ { commands = 1 }
		/^\.SH OPTIONS/ { options = 1 }
		/^\.SH/ && !/COMMANDS/ { commands = 0 }
		/^\.SH/ && !/OPTIONS/ { options = 0 }
		commands && /^\.SS/ { command = $2; print command }
		after && commands && /^\.BI? --/ { sub("=.*", "", $2); print command, $2 }
		{ after = /^\.TP/ }' | sort
	sed -e 's/\\-/-/g' "$MAN/xen-aperture.8" | awk '
		/^\.SH/ { options = /OPTIONS/ }
		after && options && /^\.BI? --/ { print $2 }
		{ after = /^\.TP/ }' | sort
}
checks=$((checks + 1))
help_words >help.txt
man_words >man.txt
[ "$(wc -l <help.txt)" -ge 10 ] || failed "the help lists too little: $(cat help.txt)"
diff help.txt man.txt >diff.txt ||
	failed "--help (<) and xen-aperture.8 (>) disagree: $(cat diff.txt)"

checks=$((checks + 1))
"$TOOL" attach guest k=v 2>&1 | sed -n 's/.*the keys are //p' | sed 's/ and /, /' | tr -d ' ' |
	tr ',' '\n' | sort >keys.txt
sed -n 's/^\.BI \([a-z]*\)= .*/\1/p' "$MAN/xen-aperture.cfg.5" | sort >man-keys.txt
[ "$(wc -l <keys.txt)" -ge 6 ] || failed "the tool names too few keys: $(cat keys.txt)"
diff keys.txt man-keys.txt >diff.txt ||
	failed "keys of the tool (<) and of xen-aperture.cfg.5 (>) disagree: $(cat diff.txt)"

# The page's largest size is what the tool takes, and 4096 more is not.
most=$(sed -n 's/.*multiple of 4096, at most \([0-9]*\).*/\1/p' "$MAN/xen-aperture.cfg.5")
printf 'name = "g"\naperture = [ "type=mem,size=%s" ]\n' "$most" >g.cfg
try 0 'would attach' create --dry-run g.cfg
spec "size=$((most + 4096)) .*limit.*$most" "type=mem,size=$((most + 4096))"

if [ "$failures" != 0 ]; then
	echo "not ok - cli.sh: $failures of $checks checks failed"
	exit 1
fi
echo "ok - cli.sh: $checks checks"
