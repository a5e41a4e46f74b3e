// SPDX-License-Identifier: GPL-2.0-only
#include "grants.h"

#include <stdbool.h>

#include "console.h"
#include "hypercall.h"
#include "persist.h"

#define PAGE		4096u
#define NOT_TRIED	1	/* no GNTST_* */

static uint8_t windows[GRANT_LANES][GRANT_WINDOWS][PAGE] STUB_WINDOW;

/* Xen writes the handles here: what is mapped is known here, whenever a trap comes. */
static struct gnttab_map_grant_ref maps[GRANT_LANES][GRANT_WINDOWS] STUB_PERSIST;
static bool held[GRANT_LANES] STUB_PERSIST;

void *grants_page(unsigned int lane, enum grant_window window)
{
	return windows[lane][window];
}

/* Whichever of them are mapped. */
void grants_unmap(unsigned int lane)
{
	struct gnttab_unmap_grant_ref unmap[GRANT_WINDOWS];
	unsigned int i, n = 0;

	if (!held[lane])
		return;
	for (i = 0; i < GRANT_WINDOWS; i++) {
		if (maps[lane][i].status != GNTST_okay)
			continue;
		unmap[n++] = (struct gnttab_unmap_grant_ref){
			.host_addr = (uintptr_t)windows[lane][i],
			.handle = maps[lane][i].handle,
		};
	}
	if (n)
		hypercall_grant(GNTTABOP_unmap_grant_ref, unmap, n);
	for (i = 0; i < n; i++)
		if (unmap[i].status != GNTST_okay)
			console_say(CONSOLE_ERROR, "lane %u: Xen does not unmap a page, status -%u", lane,
				    (unsigned int)-unmap[i].status);
	held[lane] = false;
}

int grants_map(unsigned int lane, uint32_t domain, const uint32_t *refs, unsigned int *bad,
	       int *status)
{
	struct gnttab_map_grant_ref *m = maps[lane];
	unsigned int i;

	for (i = 0; i < GRANT_WINDOWS; i++)
		m[i] = (struct gnttab_map_grant_ref){
			.host_addr = (uintptr_t)windows[lane][i],
			.flags = GNTMAP_host_map | (i == GRANT_MASK ? GNTMAP_readonly : 0),
			.ref = refs[i],
			.dom = (domid_t)domain,
			.status = NOT_TRIED,
		};
	held[lane] = true;
	hypercall_grant(GNTTABOP_map_grant_ref, m, GRANT_WINDOWS);
	for (i = 0; i < GRANT_WINDOWS; i++) {
		if (m[i].status == GNTST_okay)
			continue;
		*bad = i;
		*status = m[i].status;
		grants_unmap(lane);
		return -1;
	}
	return 0;
}

void grants_init(void)
{
	unsigned int lane;

	for (lane = 0; lane < GRANT_LANES; lane++)
		grants_unmap(lane);
}
