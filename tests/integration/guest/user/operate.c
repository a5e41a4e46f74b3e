// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "operate.h"

static int submit(int fd, struct xenapt_ioc_operation *raw, unsigned int n)
{
	struct xenapt_ioc_operate all = { .operations = (uintptr_t)raw, .count = n };

	return ioctl(fd, XENAPT_IOC_OPERATE, &all) ? -errno : 0;
}

int operate(int fd, struct op *ops, unsigned int n)
{
	struct xenapt_ioc_operation raw[OPERATE_MOST] = { 0 };
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		raw[i].reg = ops[i].reg;
		raw[i].value = ops[i].value;
		raw[i].size = ops[i].size;
		raw[i].direction = ops[i].direction;
	}
	err = submit(fd, raw, n);
	for (i = 0; i < n; i++) {
		ops[i].lane = raw[i].lane;
		ops[i].status = raw[i].status;
		ops[i].answer = raw[i].result;
	}
	return err;
}

static uint64_t only(int fd, struct op *op)
{
	int err = operate(fd, op, 1);

	if (!err && !op->status)
		return op->answer;
	printf("%s 0x%llx: %s, status %u\n", op->size ? "register" : "command",
	       (unsigned long long)op->reg, strerror(-err), op->status);
	exit(1);
}

uint64_t operate_one(int fd, uint64_t reg, unsigned int size, unsigned int direction,
		     uint64_t value)
{
	struct op op = {
		.reg = reg, .size = (uint8_t)size, .direction = (uint8_t)direction, .value = value
	};

	return only(fd, &op);
}

uint64_t operate_command(int fd, uint32_t number, uint64_t argument)
{
	struct op op = { .reg = number, .direction = XENAPT_OP_WRITE, .value = argument };

	return only(fd, &op);
}

int vector_do(int fd, unsigned int n, unsigned int action, struct xenapt_ioc_vector *v)
{
	struct xenapt_ioc_vector unused;

	v = v ? v : &unused;
	*v = (struct xenapt_ioc_vector){ .vector = n, .action = action };
	return ioctl(fd, XENAPT_IOC_VECTOR, v) ? -errno : 0;
}

int vectors_wait(int fd, int timeout_ms, uint64_t *bits)
{
	struct xenapt_interrupts r[128];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n, i;

	*bits = 0;
	if (poll(&p, 1, timeout_ms) <= 0)
		return 0;
	if (p.revents & POLLHUP)
		return -ENODEV;
	n = read(fd, r, sizeof(r));
	if (n < 0)
		return -errno;
	for (i = 0; i < n / (ssize_t)sizeof(r[0]); i++)
		if (r[i].slot >= XENAPT_INTERRUPT_VECTOR)
			*bits |= (uint64_t)1 << (r[i].slot - XENAPT_INTERRUPT_VECTOR);
	return 0;
}
