/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two ends in one process: a child (domain 5), and a device of the core at the
 * parent (domain 1) with a device type that records what it is told.
 */
#ifndef TESTS_UNIT_FAKE_PAIR_H
#define TESTS_UNIT_FAKE_PAIR_H

#include "child.h"
#include "fake.h"

#include "device.h"

#define PAIR_PARENT	1u
#define PAIR_CHILD	5u

#define FAKE_GIFTS		4u
#define FAKE_GIFT_PAGES		64u

struct fake_gift {
	uint32_t directory;		/* reference; 0: none */
	uint32_t frame, pages;		/* the directory's page comes behind them */
	uint32_t refs[FAKE_GIFT_PAGES];
	bool read_only, used;
};

/* The core's world: one device's connection to one child. */
struct fake_host {
	struct fake *f;
	unsigned int dom, child;
	uint32_t port;
	uint64_t givable;		/* pages */
	struct fake_gift gift[FAKE_GIFTS];
};

/* gift.c */
enum xenapt_status fake_give(void *host, struct xapt_gift *gift);
void fake_take_back(void *host, struct xapt_gift *gift, bool released);
uint64_t fake_givable(void *host, bool child_read_only);

extern const struct xapt_host_ops fake_host_ops;

/* A device type that notes everything. */
struct recorder {
	unsigned int mapped, withdrawn, forced;
	unsigned int doorbell[XENAPT_MAX_APERTURES], signal[64];
	uint8_t *data[XENAPT_MAX_APERTURES];
	uint64_t length[XENAPT_MAX_APERTURES];
	uint32_t tag[XENAPT_MAX_APERTURES];
	uint32_t flags[XENAPT_MAX_APERTURES];
	bool refuse, busy;	/* answers to mapped and withdraw */
	struct xapt_device *fails;	/* not NULL: withdraw finds that it cannot go on */
};

extern const struct xapt_device_ops recorder_ops;

struct pair {
	struct fake *f;
	struct child child;
	struct fake_host host;
	struct recorder type;
	struct xapt_device device;
	void *ring, *event, *mask;	/* the parent's mappings */
	uint64_t own_pages;		/* pages_left, unless shared */
	uint64_t *pages_left;
	struct fake_counts start;
	bool owns_fake;
};

struct pair_options {
	struct fake *f;			/* NULL: a fake of its own */
	unsigned int child;		/* domain; 0: PAIR_CHILD */
	uint32_t order;
	uint64_t max_size;		/* 0: XENAPT_MAX_SIZE */
	uint32_t max_apertures;		/* 0: XENAPT_MAX_APERTURES */
	uint64_t pages;			/* 0: XENAPT_MAX_PAGES */
	uint64_t *pages_left;		/* shared; NULL: its own */
	bool aligned;			/* no feature was agreed */
};

struct pair *pair_new(const struct pair_options *options);
/* Close the device, let the child go; true if everything is as it was at the start. */
bool pair_end(struct pair *p);

/* Run the device until it has nothing to do, if an event came. */
void pair_service(struct pair *p);

/* Post, serve, collect: the response is also returned as a status. */
uint32_t pair_call(struct pair *p, const struct xenapt_request *q, struct xenapt_response *r);

uint32_t pair_open(struct pair *p, uint64_t wanted, uint64_t least, struct xenapt_response *r);
/* OPEN with flags. */
uint32_t pair_open_as(struct pair *p, uint64_t wanted, uint32_t flags, struct xenapt_response *r);
uint32_t pair_offer(struct pair *p, uint64_t handle, uint64_t length, uint32_t offset,
		    uint32_t directory, struct xenapt_response *r);
/* MAP, WITHDRAW or RELEASE. */
uint32_t pair_named(struct pair *p, uint8_t type, uint64_t handle, struct xenapt_response *r);

#endif
