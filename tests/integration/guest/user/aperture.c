// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "aperture.h"

#define ANSWER_MS 120000

unsigned int checks, wrong;

void check(bool right, const char *fmt, ...)
{
	va_list args;

	checks++;
	wrong += !right;
	printf("%s - ", right ? "ok" : "not ok");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

int conclude(void)
{
	printf("checks=%u wrong=%u\n", checks, wrong);
	return wrong || !checks ? 1 : 0;
}

int device_open(unsigned int nr)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/xen/aperture%u", nr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		perror(path);
	return fd;
}

int aperture_offer(struct aperture *a, int fd, uint64_t wanted, uint64_t least)
{
	*a = (struct aperture){ .fd = fd, .offer = { .wanted = wanted, .least = least } };
	return ioctl(fd, XENAPT_IOC_OFFER, &a->offer) ? -errno : 0;
}

int aperture_map(struct aperture *a)
{
	void *p = mmap(NULL, a->offer.granted, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd,
		       (off_t)a->offer.offset);

	if (p == MAP_FAILED)
		return -errno;
	a->memory = p;
	a->size = a->offer.granted - CHECK_DATA;
	child_block(a)->magic = CHECK_MAGIC;
	return 0;
}

int aperture_had(struct aperture *a, int fd, void *memory, uint64_t length)
{
	struct xenapt_ioc_offer_memory m = { .address = (uintptr_t)memory, .length = length };

	*a = (struct aperture){ .fd = fd, .memory = memory, .size = length - CHECK_DATA };
	memset(memory, 0, CHECK_DATA);
	child_block(a)->magic = CHECK_MAGIC;
	if (ioctl(fd, XENAPT_IOC_OFFER_MEMORY, &m))
		return -errno;
	a->offer.slot = m.slot;
	a->offer.granted = length;
	return 0;
}

int aperture_withdraw(struct aperture *a)
{
	struct xenapt_ioc_withdraw w = { .slot = a->offer.slot };

	return ioctl(a->fd, XENAPT_IOC_WITHDRAW, &w) ? -errno : 0;
}

int aperture_doorbell(struct aperture *a)
{
	return ioctl(a->fd, XENAPT_IOC_DOORBELL, a->offer.slot) ? -errno : 0;
}

int aperture_wait(int fd, int timeout_ms)
{
	struct xenapt_interrupts r[64];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n, i, count = 0;

	n = poll(&p, 1, timeout_ms);
	if (n <= 0)
		return n ? -errno : 0;
	if (p.revents & POLLHUP)
		return -ENODEV;
	n = (int)read(fd, r, sizeof(r));
	if (n < 0)
		return -errno;
	for (i = 0; i < n / (int)sizeof(r[0]); i++)
		count += (int)r[i].count;
	return count;
}

static bool answered(struct aperture *a)
{
	return __atomic_load_n(&parent_block(a)->sequence, __ATOMIC_ACQUIRE) == a->sequence;
}

int aperture_ask(struct aperture *a, const struct question *q, struct check_parent *answer)
{
	struct check_child *c = child_block(a);
	int err;

	c->command = q->command;
	c->flags = q->flags;
	c->offset = q->offset;
	c->length = q->length;
	c->argument = q->argument;
	c->count = q->count;
	__atomic_store_n(&c->sequence, ++a->sequence, __ATOMIC_RELEASE);
	err = aperture_doorbell(a);
	while (!err && !answered(a)) {
		err = aperture_wait(a->fd, ANSWER_MS);
		err = err > 0 ? 0 : err ? err : -ETIMEDOUT;
	}
	if (err)
		return err;
	memcpy(answer, parent_block(a), sizeof(*answer));
	if (answer->magic != CHECK_MAGIC)
		return -EPROTO;
	return answer->status == CHECK_OK ? 0 : -EREMOTEIO;
}

void query(int fd, struct xenapt_ioc_query *q)
{
	if (!ioctl(fd, XENAPT_IOC_QUERY, q))
		return;
	perror("XENAPT_IOC_QUERY");
	exit(2);
}
