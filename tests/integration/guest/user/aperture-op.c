// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-op DEV read|write|set|clear|exchange REGISTER SIZE [VALUE [TIMES]]
 * aperture-op DEV command NUMBER [ARGUMENT]
 *
 * One operation; TIMES: by so many processes at once, of VALUE, VALUE + 1 and so on. VALUE +N: N milliseconds
 * after the counter of the device "check". Prints lane, status, value; exit status 1: it failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int one(int fd, struct op *op)
{
	static const char *const lanes[] = { "none", "fast", "slow" };
	int err = operate(fd, op, 1);

	printf("lane=%s status=%u value=%llu errno=%d\n", lanes[op->lane < 3 ? op->lane : 0],
	       op->status, (unsigned long long)op->answer, -err);
	return err || op->status;
}

/* Each process with a file of its own. */
static int many(unsigned int nr, struct op *op, unsigned long times)
{
	int status, failed = 0;

	for (; times; times--, op->value++) {
		pid_t pid = fork();

		if (!pid)
			exit(one(device_open(nr), op));
		failed |= pid < 0;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct op op = { .size = 8 };
	int fd, last, direction;

	if (argc < 4) {
		fprintf(stderr, "usage: aperture-op DEV read|write|set|clear|exchange REGISTER "
				"SIZE [VALUE [TIMES]] | "
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
		op.value = value_of(fd, argv[last++]);
	if (argc > last)
		return many((unsigned int)strtoul(argv[1], NULL, 0), &op, strtoul(argv[last], NULL, 0));
	return one(fd, &op);
}
