/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this domain has for memory that it gives: pages of its own, each with an entry of its grant table.
 * Looked at before pages are made; some of both is kept for everything else in this domain.
 */
#ifndef XAPT_LIB_MEANS_H
#define XAPT_LIB_MEANS_H

#include <stdint.h>

#define XAPT_MEMORY_KEPT	(16u << 20)	/* bytes */
#define XAPT_ENTRIES_KEPT	256u		/* grant entries */

/* What raises them. In domain 0 it is Xen's command line. */
#define XAPT_RAISE_MEMORY	"dom0_mem= (driver domain: its memory)"
#define XAPT_RAISE_ENTRIES	"gnttab_max_frames= (driver domain: its max_grant_frames)"

/* Pages; UINT64_MAX: not known, and no limit then. */
struct xapt_means {
	uint64_t memory;
	uint64_t entries;
};

/* Whoever can tell. */
struct xapt_means_source {
	void (*look)(struct xapt_means_source *source, struct xapt_means *now);
};

/* Pages that can be made of the memory that is available now, beside what is kept. */
uint64_t xapt_means_memory(void);

/* The same of a text like /proc/meminfo. */
uint64_t xapt_means_parse(const char *meminfo);

/* Memory only: of the grant table a plain program sees nothing. */
extern struct xapt_means_source xapt_means_program;

#endif
