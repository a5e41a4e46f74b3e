// SPDX-License-Identifier: GPL-2.0-only
#include "gntdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xen/grant_table.h>
#include <xen/gntdev.h>

#include "mapper.h"

#define GNTDEV	"/dev/xen/gntdev"

static int prepare(int fd, uint32_t domid, const uint32_t *refs, uint32_t n, uint64_t *index)
{
	const size_t fixed = offsetof(struct ioctl_gntdev_map_grant_ref, refs);
	struct ioctl_gntdev_map_grant_ref *call =
		calloc(1, fixed + (size_t)n * sizeof(*call->refs) + sizeof(*call));
	struct ioctl_gntdev_grant_ref *ref;
	uint32_t i;
	int err;

	if (!call)
		return -1;
	call->count = n;
	ref = (struct ioctl_gntdev_grant_ref *)((char *)call + fixed);
	for (i = 0; i < n; i++)
		ref[i] = (struct ioctl_gntdev_grant_ref){ .domid = domid, .ref = refs[i] };
	err = ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, call);
	*index = call->index;
	free(call);
	return err;
}

int gntdev_file(uint32_t domid, const uint32_t *refs, uint32_t n, uint64_t *index)
{
	int fd = open(GNTDEV, O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return -1;
	if (!prepare(fd, domid, refs, n, index))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int gntdev_reads(uint32_t domid, uint32_t ref)
{
	struct xapt_own_mapper m;
	int err;

	/* ... which says EINVAL of no page. */
	if (xapt_own_mapper_open(&m, domid))
		return errno == EINVAL ? EIO : errno;
	err = m.mapper.reads(&m.mapper, ref);
	xapt_own_mapper_close(&m);
	return err;
}
