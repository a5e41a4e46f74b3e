// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-op DEV read|write|set|clear|exchange REGISTER SIZE [VALUE]
 * aperture-op DEV command NUMBER [ARGUMENT]
 *
 * One operation. VALUE +N: N milliseconds after the counter of the device "check". Prints lane,
 * status, value; exit status 1: it failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_registers.h"
#include "operate.h"

static uint64_t value_of(int fd, const char *word)
{
	uint64_t n = strtoull(word, NULL, 0);

	if (word[0] != '+')
		return n;
	return operate_one(fd, CHECK_NOW, 8, XENAPT_OP_READ, 0) + n * 1000000;
}

static int direction_of(const char *word)
{
	static const char *const words[] = {
		"read", "write", "set", "clear", "exchange", "command"
	};
	int i;

	for (i = 0; i < 6; i++)
		if (!strcmp(words[i], word))
			return i;
	fprintf(stderr, "aperture-op: %s: must be read, write, set, clear, exchange or command\n",
		word);
	exit(2);
}

int main(int argc, char **argv)
{
	static const char *const lanes[] = { "none", "fast", "slow" };
	struct op op = { .size = 8 };
	int fd, err, last, direction;

	if (argc < 4) {
		fprintf(stderr, "usage: aperture-op DEV read|write|set|clear|exchange REGISTER "
				"SIZE [VALUE] | "
				"command NUMBER [ARGUMENT]\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	direction = direction_of(argv[2]);
	op.reg = strtoull(argv[3], NULL, 0);
	last = 4;
	if (direction == 5)
		op.size = 0;
	else if (argc > last)
		op.size = (uint8_t)strtoul(argv[last++], NULL, 0);
	op.direction = direction == 5 ? XENAPT_OP_WRITE : (uint8_t)direction;
	if (argc > last)
		op.value = value_of(fd, argv[last]);
	err = operate(fd, &op, 1);
	printf("lane=%s status=%u value=%llu errno=%d\n", lanes[op.lane < 3 ? op.lane : 0],
	       op.status, (unsigned long long)op.answer, -err);
	return err || op.status;
}
