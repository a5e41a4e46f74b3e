// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gntalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xen/gntalloc.h>

#include "log.h"

int xapt_gntalloc_open(void)
{
	int fd = open(XAPT_GNTALLOC, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		xapt_error_set(errno, XAPT_GNTALLOC ": %s; is the module xen-gntalloc loaded?",
			       strerror(errno));
	return fd;
}

/* The limit counts all pages of all users: with n more than it is now there is room for n. */
static long raise_limit(uint32_t n)
{
	FILE *f = fopen(XAPT_GNTALLOC_LIMIT, "r+e");
	long limit = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &limit) != 1 || limit < 0 || limit > INT32_MAX - (long)n ||
	    fseek(f, 0, SEEK_SET) || fprintf(f, "%ld\n", limit + (long)n) < 0)
		limit = -1;
	if (fclose(f))
		limit = -1;
	return limit;
}

int xapt_gntalloc_pages(int fd, uint32_t domid, bool writable, uint32_t n, uint64_t *index,
			uint32_t *refs)
{
	size_t size = offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids) + (size_t)n * sizeof(*refs);
	struct ioctl_gntalloc_alloc_gref *call = calloc(1, size + sizeof(*call));
	int err;

	if (!call)
		return xapt_error_set(ENOMEM, "out of memory");
	call->domid = (uint16_t)domid;
	call->flags = writable ? GNTALLOC_FLAG_WRITABLE : 0;
	call->count = n;
	err = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, call);
	if (err && errno == ENOSPC && raise_limit(n) >= 0)
		err = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, call);
	if (!err) {
		*index = call->index;
		memcpy(refs, (char *)call + offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids),
		       (size_t)n * sizeof(*refs));
	} else {
		xapt_error_set(errno, XAPT_GNTALLOC ": no %u pages: %s%s", n, strerror(errno),
			       errno == ENOSPC ? "; raise " XAPT_GNTALLOC_LIMIT : "");
	}
	free(call);
	return err ? -1 : 0;
}
