/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's pages in this domain. Each lane has five windows: pages of this domain whose place in
 * the page table is given to a grant. A window that is not mapped holds nothing: a
 * touch traps.
 */
#ifndef STUB_GRANTS_H
#define STUB_GRANTS_H

#include <stdint.h>

enum grant_window {
	GRANT_RING,
	GRANT_EVENT,
	GRANT_MASK,	/* read only */
	GRANT_RECORD,	/* two, one behind the other */
	GRANT_WINDOWS = GRANT_RECORD + 2,
};

#define GRANT_LANES	16u

/* After a restart: let go of what the earlier life had. */
void grants_init(void);

/*
 * Map a lane's five pages, in the order of the windows: all or nothing. 0, or -1 with *bad = the
 * window whose reference failed, and *status Xen's GNTST_*.
 */
int grants_map(unsigned int lane, uint32_t domain, const uint32_t *refs, unsigned int *bad,
	       int *status);
void grants_unmap(unsigned int lane);

void *grants_page(unsigned int lane, enum grant_window window);

#endif
