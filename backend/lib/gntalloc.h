/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev/xen/gntalloc: memory of this domain, granted to another. A file holds pages and their
 * grants until it is closed by all who have it or have mapped it; any of them may map any part.
 */
#ifndef XAPT_LIB_GNTALLOC_H
#define XAPT_LIB_GNTALLOC_H

#include <stdbool.h>
#include <stdint.h>

#define XAPT_GNTALLOC		"/dev/xen/gntalloc"
#define XAPT_GNTALLOC_LIMIT	"/sys/module/xen_gntalloc/parameters/limit"

/* A descriptor, or -1 with errno and text. */
int xapt_gntalloc_open(void);

/*
 * n zeroed pages, granted to domid; refs has room for n. *index: where mmap finds the first, in
 * octets; the others follow. The module's limit for the whole kernel is raised if it stands in
 * the way and this process may. 0, or -1 with errno and text that names the limit; nothing was
 * made then, and the module's limit is as it was.
 */
int xapt_gntalloc_pages(int fd, uint32_t domid, bool writable, uint32_t n, uint64_t *index,
			uint32_t *refs);

#endif
