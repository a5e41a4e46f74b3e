/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of given memory outlive this process in the service manager's descriptor store: after a
 * crash or a restart the next supervisor gives guests the same memory again, with its contents.
 * Without a service manager nothing is kept.
 *
 * Names: given-<domid>-<what>, what as in pool.h.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include <stdbool.h>

#include "pool.h"

struct kept_pool;

struct keeper {
	struct xapt_pool_keeper calls;	/* first */
	bool works;
	struct kept_pool *list;		/* of an earlier process, not taken up yet */
};

/* Takes what the service manager passed. */
void keeper_open(struct keeper *k);

/* p, initialised, becomes the guest's pool: what was kept of it, else empty. */
void keeper_restore(struct keeper *k, struct xapt_pool *p);

/* A guest of which something is kept and was not taken up. False: none. */
bool keeper_next(const struct keeper *k, uint32_t *domid);

#endif
