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
#include "means.h"

int xapt_gntalloc_open(void)
{
	int fd = open(XAPT_GNTALLOC, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		xapt_error_set(errno, XAPT_GNTALLOC ": %s; is the module xen-gntalloc loaded?",
			       strerror(errno));
	return fd;
}

static int add_to_limit(long n)
{
	FILE *f = fopen(XAPT_GNTALLOC_LIMIT, "r+e");
	long limit;
	int err;

	if (!f)
		return -1;
	err = fscanf(f, "%ld", &limit) != 1 || limit < 0 || limit > INT32_MAX - n ||
	      fseek(f, 0, SEEK_SET) || fprintf(f, "%ld\n", limit + n) < 0;
	return fclose(f) || err ? -1 : 0;
}

/*
 * The module's limit counts all pages of all users: with n more than it is now there is room for n. What
 * is still refused then the grant table has no entries for: the kernel has one number for both.
 */
static int try_alloc(int fd, struct ioctl_gntalloc_alloc_gref *call, bool *table_full)
{
	uint32_t n = call->count;
	int err = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, call);

	*table_full = false;
	if (!err || errno != ENOSPC || add_to_limit(n))
		return err;
	err = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, call);
	if (!err)
		return 0;
	err = errno;
	add_to_limit(-(long)n);
	errno = err;
	*table_full = err == ENOSPC;
	return -1;
}

int xapt_gntalloc_pages(int fd, uint32_t domid, bool writable, uint32_t n, uint64_t *index,
			uint32_t *refs)
{
	size_t size = offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids) + (size_t)n * sizeof(*refs);
	struct ioctl_gntalloc_alloc_gref *call = calloc(1, size + sizeof(*call));
	bool table_full;
	int err;

	if (!call)
		return xapt_error_set(ENOMEM, "out of memory");
	call->domid = (uint16_t)domid;
	call->flags = writable ? GNTALLOC_FLAG_WRITABLE : 0;
	call->count = n;
	err = try_alloc(fd, call, &table_full);
	if (!err) {
		*index = call->index;
		memcpy(refs, (char *)call + offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids),
		       (size_t)n * sizeof(*refs));
	} else if (table_full) {
		xapt_error_set(ENOSPC, "no grant entries for %u pages of this domain: raise " XAPT_RAISE_ENTRIES,
			       n);
	} else {
		xapt_error_set(errno, XAPT_GNTALLOC ": no %u pages: %s%s", n, strerror(errno),
			       errno == ENOSPC ? "; raise " XAPT_GNTALLOC_LIMIT : "");
	}
	free(call);
	return err ? -1 : 0;
}
