/* SPDX-License-Identifier: GPL-2.0-only */
/* aperture.h - what the guest programs share: the char device and the check device. */
#ifndef APERTURE_H
#define APERTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/xen_aperture.h>

#include "check_layout.h"

struct aperture {
	int fd;
	struct xenapt_ioc_offer offer;
	uint8_t *memory;
	uint64_t size;			/* bytes of data */
	uint32_t sequence;
};

struct question {
	uint32_t command;
	uint32_t flags;
	uint64_t offset;
	uint64_t length;
	uint64_t argument;
	uint64_t count;
};

/* 0 or -errno */
int device_open(unsigned int nr);
int aperture_offer(struct aperture *a, int fd, uint64_t wanted, uint64_t least);
int aperture_map(struct aperture *a);
/* Memory that is there, at a multiple of 8; the blocks are in it. */
int aperture_had(struct aperture *a, int fd, void *memory, uint64_t length);
int aperture_withdraw(struct aperture *a);
int aperture_doorbell(struct aperture *a);
int aperture_wait(int fd, int timeout_ms);	/* interrupts seen; 0: none in time */
int aperture_ask(struct aperture *a, const struct question *q, struct check_parent *answer);
void query(int fd, struct xenapt_ioc_query *q);	/* or exits */

static inline struct check_child *child_block(struct aperture *a)
{
	return (struct check_child *)a->memory;
}

static inline struct check_parent *parent_block(struct aperture *a)
{
	return (struct check_parent *)(a->memory + sizeof(struct check_child));
}

/* A test: counts, and says what was expected. */
extern unsigned int checks, wrong;
void check(bool right, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int conclude(void);

#endif /* APERTURE_H */
