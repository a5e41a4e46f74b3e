/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving memory of this side, as the process sees that uses it: it asks whoever keeps the guest's pool
 * (pool.h), maps what it gets, and says when it does not use it any more. In a program that is the
 * program itself, in a worker the supervisor, who also counts what is mapped of all guests.
 */
#ifndef XAPT_LIB_GIVE_H
#define XAPT_LIB_GIVE_H

#include "host.h"
#include "pool.h"

struct xapt_giver {
	/* As xapt_pool_give(), but *fd is the caller's. */
	enum xenapt_status (*ask)(struct xapt_giver *giver, uint32_t devid,
				  const struct xapt_wish *wish, struct xapt_given *given, int *fd);
	void (*take_back)(struct xapt_giver *giver, uint32_t devid, uint32_t directory,
			  bool released);
	/* now, before a size is agreed on. */
	void (*look)(struct xapt_giver *giver);
	struct xapt_giving now;		/* kept up to date by these */
	bool estimate;			/* ... but for what take_back() brought */

	/* Pages of guests that are mapped, of all guests: as the core's host. NULL: no bound. */
	bool (*reserve)(struct xapt_giver *giver, uint32_t pages);
	void (*unreserve)(struct xapt_giver *giver, uint32_t pages);
};

/* The pool is the process's own. */
struct xapt_own_giver {
	struct xapt_giver giver;
	struct xapt_pool pool;
};

void xapt_own_giver_init(struct xapt_own_giver *o, uint32_t domid, uint64_t max_pages);

/* Of the core's host; giver may be NULL. Refusals are said in the log by the caller: xapt_error(). */
enum xenapt_status xapt_give(struct xapt_giver *giver, uint32_t devid, struct xapt_gift *gift);
void xapt_take_back(struct xapt_giver *giver, uint32_t devid, struct xapt_gift *gift,
		    bool released);

#endif
