#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every public header compiles alone, twice, as C11 and as C++; and the core's as C11.
# The modules' in-kernel headers are compiled with the modules.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
n=0

compile() {	# header compiler flags...
	header=$1
	shift
	n=$((n + 1))
	printf '#include "%s"\n#include "%s"\nint xenapt_nothing;\n' "$header" "$header" |
		"$@" -Wall -Wextra -Wpedantic -Werror -Iinclude -Ibackend/core -fsyntax-only - || {
		echo "not ok - headers: $header does not compile alone with: $*"
		failed=1
	}
}

for path in $(find include -name '*.h' | sort); do
	header=${path#include/}
	case $header in
	xen/aperture.h | xen/aperture_parent.h) continue ;;
	esac
	compile "$header" "${CC:-gcc}" -std=c11 -xc
	compile "$header" "${CXX:-g++}" -std=c++14 -xc++
done
for path in backend/core/*.h; do
	compile "${path#backend/core/}" "${CC:-gcc}" -std=c11 -ffreestanding -Wno-pedantic -xc
done
[ "$failed" = 0 ] && echo "ok - headers: $n compilations"
exit "$failed"
