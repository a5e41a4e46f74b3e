/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this domain has for memory that it gives to guests: its memory, and the entries of its grant table.
 *
 * Xen tells how large the table may get, nobody tells how much of it is in use: what the pools of all
 * guests hold counts, and XAPT_ENTRIES_KEPT are left for what else this domain grants. In a driver domain the
 * kernel may forbid the question (privcmd); then its xen-gntalloc is the first to know.
 */
#ifndef DAEMON_MEANS_H
#define DAEMON_MEANS_H

#include "pool.h"
#include "xen.h"

struct means {
	struct xapt_means_source source;
	struct xen *xen;			/* NULL: Xen cannot be asked */
	const struct xapt_pool_total *given;	/* to all guests */
};

void means_init(struct means *m, struct xen *xen, const struct xapt_pool_total *given);

#endif
