/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who makes the grant-mapping calls for the pages of one guest. A program makes them itself, by
 * libxengnttab; a worker of apertured asks its supervisor (backend/daemon/maps.h).
 */
#ifndef XAPT_LIB_MAPPER_H
#define XAPT_LIB_MAPPER_H

#include <stdint.h>

#include <xengnttab.h>

struct xapt_mapper {
	/* n pages, 1 or more, one behind the other: all or none. prot as of mmap. NULL: errno */
	void *(*map)(struct xapt_mapper *m, const uint32_t *refs, uint32_t n, int prot);
	/* What map returned, with its n. 0, or -1 with errno */
	int (*unmap)(struct xapt_mapper *m, void *addr, uint32_t n);
	/*
	 * Xen copies without a mapping: is there such a page, to read it at least? 0: yes; EINVAL: Xen says no;
	 * another errno: it could not be asked.
	 */
	int (*reads)(struct xapt_mapper *m, uint32_t ref);
};

struct xapt_own_mapper {
	struct xapt_mapper mapper;
	xengnttab_handle *gnttab;
	uint32_t domid;
};

/* 0, or -1 with errno and text. */
int xapt_own_mapper_open(struct xapt_own_mapper *m, uint32_t domid);

/* Also of one that was never opened, and is all zero. */
void xapt_own_mapper_close(struct xapt_own_mapper *m);

#endif
