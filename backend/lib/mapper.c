// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mapper.h"

#include <errno.h>
#include <string.h>

#include "log.h"

static struct xapt_own_mapper *own(struct xapt_mapper *m)
{
	return (struct xapt_own_mapper *)m;	/* its first member */
}

/*
 * libxengnttab makes one gntdev call and one mmap of it. The kernel looks at the
 * status of each element and takes back those that worked if one did not.
 */
static void *map(struct xapt_mapper *m, const uint32_t *refs, uint32_t n, int prot)
{
	/* The library's prototype lacks the const. */
	return xengnttab_map_domain_grant_refs(own(m)->gnttab, n, own(m)->domid,
					       (uint32_t *)(uintptr_t)refs, prot);
}

static int unmap(struct xapt_mapper *m, void *addr, uint32_t n)
{
	return xengnttab_unmap(own(m)->gnttab, addr, n);
}

static int reads(struct xapt_mapper *m, uint32_t ref)
{
	char octet[8];
	xengnttab_grant_copy_segment_t copy = {
		.source.foreign = { .ref = ref, .domid = (uint16_t)own(m)->domid },
		.dest.virt = octet,
		.len = sizeof(octet),
		.flags = GNTCOPY_source_gref,
	};

	if (xengnttab_grant_copy(own(m)->gnttab, 1, &copy))
		return errno;
	return copy.status == GNTST_okay ? 0 : EINVAL;
}

int xapt_own_mapper_open(struct xapt_own_mapper *m, uint32_t domid)
{
	*m = (struct xapt_own_mapper){
		.mapper = { .map = map, .unmap = unmap, .reads = reads },
		.gnttab = xengnttab_open(&xapt_silent, 0),
		.domid = domid,
	};
	if (m->gnttab)
		return 0;
	return xapt_error_set(errno, "/dev/xen/gntdev: %s; is this a Xen domain, and the module xen-gntdev loaded?",
			      strerror(errno));
}

void xapt_own_mapper_close(struct xapt_own_mapper *m)
{
	if (m->gnttab)
		xengnttab_close(m->gnttab);
	m->gnttab = NULL;
}
