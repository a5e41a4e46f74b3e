#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Leave out each barrier of the ring in turn: the thread test must notice each one. Read
# and write barriers are noticed by the thread sanitizer; a missing full barrier is a
# lost wake-up on a real CPU, so that one is tried without the sanitizer, several times.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

build() {	# name, flags of ring.c, flags of all
	${CC:-gcc} -std=gnu11 -g $3 -include tests/unit/tsan_barrier.h -Iinclude -Ibackend/core \
		-Itests/unit $2 -c backend/core/ring.c -o "$work/ring.o" &&
	${CC:-gcc} -std=gnu11 -g $3 -include tests/unit/tsan_barrier.h -Iinclude -Ibackend/core \
		-Itests/unit tests/unit/test_threads.c tests/unit/check.c backend/core/signals.c \
		"$work/ring.o" -lcunit -lpthread -o "$work/$1" || exit 2
}

noticed() {	# name, tries
	tries=$2
	while [ "$tries" -gt 0 ]; do
		ITEMS=1000000 timeout 60 "$work/$1" >"$work/log" 2>&1 || return 0
		tries=$((tries - 1))
	done
	return 1
}

failed=0
expect() {	# name, what happened: true or false wanted, tries
	if noticed "$1" "$3"; then seen=noticed; else seen=fine; fi
	if [ "$seen" = "$2" ]; then
		echo "ok - $1: $seen"
	else
		echo "not ok - $1: $seen, expected $2"
		failed=1
	fi
}

tsan="-fsanitize=thread -O1"
build complete "" "$tsan"
expect complete fine 3
for barrier in RMB WMB; do
	build "without-$barrier" "-DWITHOUT_$barrier" "$tsan"
	expect "without-$barrier" noticed 3
done
build "without-MB" "-DWITHOUT_MB" "-O2"
expect "without-MB" noticed 20
exit $failed
