// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer.h"

#define HUGE_PAGE	(2u << 20)
#define ANSWER_MS	60000

static void give_up(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- the device ---- */

void span_open(struct span *s, unsigned int nr)
{
	struct xenapt_ioc_offer o = { .wanted = PAGE, .least = PAGE, .tag = SPAN_TALK };

	*s = (struct span){ .fd = device_open(nr) };
	if (s->fd < 0 || ioctl(s->fd, XENAPT_IOC_OFFER, &o))
		give_up("offer");
	s->slot = o.slot;
	s->talk = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)o.offset);
	if (s->talk == MAP_FAILED)
		give_up("mmap");
}

void span_close(struct span *s)
{
	struct xenapt_ioc_withdraw w = { .slot = s->slot };

	if (ioctl(s->fd, XENAPT_IOC_WITHDRAW, &w))
		give_up("withdraw");
	munmap((void *)s->talk, PAGE);
	close(s->fd);
}

/* Those of others are kept for who waits for them. */
void wait_interrupt(struct span *s, unsigned int slot)
{
	struct xenapt_interrupts r[64];
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int n, i;

	while (!s->pending[slot]) {
		if (poll(&p, 1, ANSWER_MS) <= 0)
			give_up("no interrupt");
		n = (int)(read(s->fd, r, sizeof(r)) / (ssize_t)sizeof(r[0]));
		for (i = 0; i < n; i++)
			s->pending[r[i].slot] = true;
	}
	s->pending[slot] = false;
}

uint32_t span_ask(struct span *s, const struct span_talk *q, struct span_talk *answer)
{
	uint32_t sequence = s->talk->sequence + 1;

	s->talk->command = q->command;
	s->talk->tag = q->tag;
	s->talk->octet = q->octet;
	s->talk->offset = q->offset;
	s->talk->length = q->length;
	__atomic_store_n(&s->talk->sequence, sequence, __ATOMIC_RELEASE);
	if (ioctl(s->fd, XENAPT_IOC_DOORBELL, s->slot))
		give_up("doorbell");
	while (__atomic_load_n(&s->talk->answered, __ATOMIC_ACQUIRE) != sequence)
		wait_interrupt(s, s->slot);
	*answer = *(struct span_talk *)s->talk;
	return answer->status;
}

int buffer_offer(struct span *s, struct buffer *b, uint32_t flags)
{
	static uint32_t tag;
	struct xenapt_ioc_offer_memory m = {
		.address = (uintptr_t)b->data, .length = b->length, .flags = flags, .tag = ++tag,
	};

	if (ioctl(s->fd, XENAPT_IOC_OFFER_MEMORY, &m))
		return -errno;
	b->tag = m.tag;
	b->slot = m.slot;
	s->pending[b->slot] = false;
	return 0;
}

int buffer_withdraw(struct span *s, struct buffer *b)
{
	struct xenapt_ioc_withdraw w = { .slot = b->slot };

	return ioctl(s->fd, XENAPT_IOC_WITHDRAW, &w) ? -errno : 0;
}

void buffer_ring(struct span *s, struct buffer *b)
{
	if (ioctl(s->fd, XENAPT_IOC_DOORBELL, b->slot))
		give_up("doorbell of the buffer");
}

/* ---- kinds of memory ---- */

static uint8_t *map(size_t pages, int flags, int fd)
{
	uint8_t *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		give_up("mmap");
	return p;
}

struct region anonymous(size_t pages)
{
	return (struct region){ "anonymous", map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1), pages, -1 };
}

/* Pages that were touched in another order than they lie in, each its own mapping. */
struct region scattered(size_t pages)
{
	uint8_t *from = map(2 * pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint8_t *to = map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	size_t i, at;

	for (i = 0; i < 2 * pages; i++)
		from[i * PAGE] = 1;
	for (i = 0; i < pages; i++) {
		at = 2 * (i * 7 % pages);
		if (mremap(from + at * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + i * PAGE) == MAP_FAILED)
			give_up("mremap");
	}
	for (i = 0; i < 2 * pages; i++)
		munmap(from + i * PAGE, PAGE);
	return (struct region){ "scattered", to, pages, -1 };
}

static int file_of(const char *path, size_t pages)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) :
		 (int)memfd_create("buffer", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE)))
		give_up(path ? path : "memfd");
	return fd;
}

struct region private_file(size_t pages)
{
	int fd = file_of("/file-of-buffer", pages);

	return (struct region){ "private file", map(pages, MAP_PRIVATE, fd), pages, fd };
}

struct region memfd(size_t pages)
{
	int fd = file_of(NULL, pages);

	return (struct region){ "memfd", map(pages, MAP_SHARED, fd), pages, fd };
}

struct region tmpfs(size_t pages)
{
	int fd = file_of("/tmp/file-of-buffer", pages);

	return (struct region){ "tmpfs", map(pages, MAP_SHARED, fd), pages, fd };
}

struct region huge(void)
{
	uint8_t *p = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	return (struct region){ "hugetlb", p == MAP_FAILED ? NULL : p, HUGE_PAGE / PAGE, -1 };
}

void region_free(struct region *r)
{
	if (r->start)
		munmap(r->start, r->pages * PAGE);
	if (r->fd >= 0)
		close(r->fd);
}

/* ---- contents ---- */

void fill_region(struct region *r)
{
	memset(r->start, CANARY, r->pages * PAGE);
}

void fill_random(void *data, size_t length, unsigned int seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;
	uint8_t *p = data;
	size_t i;

	for (i = 0; i < length; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(x >> 56);
	}
}

size_t not_canary(const struct buffer *b)
{
	const uint8_t *p = b->region->start, *end = p + b->region->pages * PAGE;
	size_t n = 0;

	for (; p < b->data; p++)
		n += *p != CANARY;
	for (p = b->data + b->length; p < end; p++)
		n += *p != CANARY;
	return n;
}

/* ---- what the kernel counts ---- */

static long number_in(const char *path, const char *field)
{
	size_t n = strlen(field);
	char line[256];
	long value = -1;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, n) && (line[n] == ' ' || line[n] == ':'))
			value = strtol(line + n + 1, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

long status_kb(const char *field)
{
	return number_in("/proc/self/status", field);
}

long vmstat(const char *field)
{
	return number_in("/proc/vmstat", field);
}

long limit_of(unsigned int nr, const char *field)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/xen/devices/aperture-%u/aperture/limits", nr);
	return number_in(path, field);
}
