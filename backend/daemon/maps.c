// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/io/apertureif.h>

#include "gntdev.h"
#include "log.h"

#define AREA	(XENAPT_MAX_PAGES * sizeof(uint32_t))
/* Who has it could make it shorter under the other's feet. */
#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* ---- the supervisor's end ---- */

int maps_area_open(struct maps_area *a)
{
	int err;

	a->fd = memfd_create("references", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->fd < 0)
		return -1;
	if (!ftruncate(a->fd, AREA) && !fcntl(a->fd, F_ADD_SEALS, SEALS)) {
		a->refs = mmap(NULL, AREA, PROT_READ, MAP_SHARED, a->fd, 0);
		if (a->refs != MAP_FAILED)
			return 0;
	}
	err = errno;
	close(a->fd);
	*a = (struct maps_area){ 0 };
	errno = err;
	return -1;
}

void maps_area_close(struct maps_area *a)
{
	if (!a->refs)
		return;
	munmap(a->refs, AREA);
	if (a->fd >= 0)
		close(a->fd);
	*a = (struct maps_area){ 0 };
}

int maps_answer(const struct maps_area *a, uint32_t domid, uint64_t most, const struct message *m,
		struct message *r)
{
	int fd = -1;

	*r = (struct message){ .type = MESSAGE_MAPPED, .sequence = m->sequence };
	if (m->type == MESSAGE_READS) {
		r->status = (uint32_t)gntdev_reads(domid, a->refs[0]);
		return -1;
	}
	if (!m->pages || m->pages > most || m->pages > XENAPT_MAX_PAGES)
		errno = EPERM;
	else
		fd = gntdev_file(domid, a->refs, m->pages, &r->index);
	r->status = fd < 0 ? (uint32_t)errno : 0;
	return fd;
}

/* ---- the worker's ---- */

static void *map_file(int fd, const struct message *m, uint32_t n, int prot)
{
	void *addr;

	if (fd < 0) {
		errno = EPROTO;
		return NULL;
	}
	addr = mmap(NULL, (size_t)n * XENAPT_PAGE_SIZE, prot, MAP_SHARED, fd, (off_t)m->index);
	return addr == MAP_FAILED ? NULL : addr;
}

static void *map(struct xapt_mapper *mapper, const uint32_t *refs, uint32_t n, int prot)
{
	struct maps *maps = (struct maps *)mapper;	/* its first member */
	struct message m = { .type = MESSAGE_MAP, .pages = n };
	void *addr = NULL;
	int fd, err;

	memcpy(maps->refs, refs, (size_t)n * sizeof(*refs));
	if (wishes_ask(maps->wishes, &m, &fd))
		return NULL;
	if (m.status)
		errno = (int)m.status;
	else
		addr = map_file(fd, &m, n, prot);
	/* The mapping keeps what it needs. */
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return addr;
}

static int unmap(struct xapt_mapper *mapper, void *addr, uint32_t n)
{
	(void)mapper;
	return munmap(addr, (size_t)n * XENAPT_PAGE_SIZE);
}

static int reads(struct xapt_mapper *mapper, uint32_t ref)
{
	struct maps *maps = (struct maps *)mapper;
	struct message m = { .type = MESSAGE_READS };
	int fd;

	maps->refs[0] = ref;
	if (wishes_ask(maps->wishes, &m, &fd))
		return ETIMEDOUT;
	if (fd >= 0)
		close(fd);
	return (int)m.status;
}

int maps_init(struct maps *maps, struct wishes *w, int fd)
{
	*maps = (struct maps){
		.mapper = { .map = map, .unmap = unmap, .reads = reads },
		.wishes = w,
		.refs = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	};
	if (maps->refs == MAP_FAILED)
		return xapt_error_set(errno, "no area for references: %s", strerror(errno));
	close(fd);
	return 0;
}
