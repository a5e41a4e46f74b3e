// SPDX-License-Identifier: GPL-2.0-only
#include "means.h"

static uint64_t entries_left(const struct means *m)
{
	uint64_t all = m->xen ? xen_own_grants(m->xen) : UINT64_MAX;
	uint64_t used = m->given->entries + XAPT_ENTRIES_KEPT;

	if (all == UINT64_MAX)
		return UINT64_MAX;
	return all > used ? all - used : 0;
}

static void look(struct xapt_means_source *source, struct xapt_means *now)
{
	const struct means *m = (const struct means *)source;	/* its first member */

	*now = (struct xapt_means){ xapt_means_memory(), entries_left(m) };
}

void means_init(struct means *m, struct xen *xen, const struct xapt_pool_total *given)
{
	*m = (struct means){ { look }, xen, given };
}
