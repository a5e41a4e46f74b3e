/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of the guest for its worker. The worker names grant references; the supervisor makes gntdev's call, for
 * the worker's own guest whatever it names, and hands over a file; the worker mmaps it, and needs no call of gntdev's: its filter
 * refuses them all. So a worker whose code was taken over maps pages that its guest granted to this domain, and nobody else's.
 *
 * The references lie in an area of memory that the two share; its size is fixed. The supervisor reads each once.
 */
#ifndef DAEMON_MAPS_H
#define DAEMON_MAPS_H

#include "mapper.h"
#include "message.h"
#include "wishes.h"

/* The supervisor's end. refs NULL: there is none. */
struct maps_area {
	int fd;
	uint32_t *refs;			/* XENAPT_MAX_PAGES; the worker writes */
};

/* 0, or -1 with errno. */
int maps_area_open(struct maps_area *a);
/* Also of one that is all zero. */
void maps_area_close(struct maps_area *a);

/*
 * The answer to a MAP of at most so many pages, or READS, for pages of domid. A file to send with it, the
 * caller's; or -1.
 */
int maps_answer(const struct maps_area *a, uint32_t domid, uint64_t most, const struct message *m,
		struct message *r);

/* The worker's. */
struct maps {
	struct xapt_mapper mapper;
	struct wishes *wishes;
	uint32_t *refs;
};

/* fd: of the supervisor's area; it is closed. 0, or -1 with xapt_error(). */
int maps_init(struct maps *maps, struct wishes *w, int fd);

#endif
