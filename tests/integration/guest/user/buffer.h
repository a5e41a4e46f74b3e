/* SPDX-License-Identifier: GPL-2.0-only */
/* buffer.h - memory that a program has, offered to the device "span". */
#ifndef BUFFER_H
#define BUFFER_H

#include "aperture.h"
#include "span_layout.h"

#define PAGE		4096u
#define CANARY		0xa5

struct span {
	int fd;
	unsigned int slot;
	volatile struct span_talk *talk;
	bool pending[64];		/* an interrupt of that slot was read */
};

/* Octets before, the buffer, octets behind: all mapped. */
struct region {
	const char *name;
	uint8_t *start;			/* page-aligned */
	size_t pages;
	int fd;				/* of a file; -1 */
};

struct buffer {
	struct region *region;
	uint8_t *data;
	uint64_t length;
	uint32_t tag;
	unsigned int slot;
};

/* All exit with status 2 when the test itself cannot go on. */
void span_open(struct span *s, unsigned int nr);
void span_close(struct span *s);
uint32_t span_ask(struct span *s, const struct span_talk *question, struct span_talk *answer);
int buffer_offer(struct span *s, struct buffer *b, uint32_t flags);	/* 0 or -errno */
int buffer_withdraw(struct span *s, struct buffer *b);
void buffer_ring(struct span *s, struct buffer *b);
void wait_interrupt(struct span *s, unsigned int slot);

/* Each kind of memory; NULL start: this guest has none of the kind. */
struct region anonymous(size_t pages);
struct region scattered(size_t pages);
struct region private_file(size_t pages);
struct region memfd(size_t pages);
struct region tmpfs(size_t pages);
struct region huge(void);
void region_free(struct region *r);

void fill_region(struct region *r);
void fill_random(void *data, size_t length, unsigned int seed);
size_t not_canary(const struct buffer *b);	/* octets of the region outside that changed */

long status_kb(const char *field);		/* of /proc/self/status */
long vmstat(const char *field);
long limit_of(unsigned int nr, const char *field);	/* of the device's sysfs file "limits" */

#endif /* BUFFER_H */
