// SPDX-License-Identifier: LGPL-2.1-or-later
#include "give.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define container(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

/* ---- mapping ---- */

static bool adds_up(const struct xapt_given *given, uint32_t pages)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < given->nr_runs && i < XAPT_RUNS; i++) {
		if (given->run[i].pages > pages - sum)
			return false;
		sum += given->run[i].pages;
	}
	return i == given->nr_runs && sum == pages && given->dirty <= pages;
}

static int map_runs(uint8_t *addr, const struct xapt_given *given, int fd)
{
	uint32_t i;

	for (i = 0; i < given->nr_runs; i++) {
		size_t size = (size_t)given->run[i].pages * XENAPT_PAGE_SIZE;

		if (mmap(addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)given->run[i].index) == MAP_FAILED)
			return -1;
		addr += size;
	}
	return 0;
}

/* One range of addresses; a forked process never has it. */
static void *map_given(const struct xapt_gift *gift, const struct xapt_given *given, int fd)
{
	size_t size = (size_t)gift->pages * XENAPT_PAGE_SIZE;
	uint8_t *addr = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			     0);

	if (addr == MAP_FAILED)
		return NULL;
	if (map_runs(addr, given, fd) || madvise(addr, size, MADV_DONTFORK)) {
		munmap(addr, size);
		return NULL;
	}
	memset(addr, 0, (size_t)given->dirty * XENAPT_PAGE_SIZE);
	if (gift->parent_read_only && mprotect(addr, size, PROT_READ)) {
		munmap(addr, size);
		return NULL;
	}
	return addr;
}

enum xenapt_status xapt_give(struct xapt_giver *giver, uint32_t devid, struct xapt_gift *gift)
{
	struct xapt_wish wish = { gift->pages, gift->child_read_only, gift->again };
	struct xapt_given given;
	enum xenapt_status status;
	int fd = -1;

	gift->addr = NULL;
	if (!giver) {
		xapt_error_set(ENOTSUP, "this process gives no memory");
		return XENAPT_E_GIVEN_PAGES;
	}
	status = giver->ask(giver, devid, &wish, &given, &fd);
	if (status != XENAPT_OK)
		return status;
	if (adds_up(&given, gift->pages))
		gift->addr = map_given(gift, &given, fd);
	else
		errno = EPROTO;
	if (!gift->addr) {
		xapt_error_set(errno, "cannot map %u pages of this side: %s", gift->pages,
			       strerror(errno));
		giver->take_back(giver, devid, given.directory, !gift->again);
		status = XENAPT_E_MEMORY;
	}
	gift->directory = given.directory;
	close(fd);
	return status;
}

void xapt_take_back(struct xapt_giver *giver, uint32_t devid, struct xapt_gift *gift, bool released)
{
	munmap(gift->addr, (size_t)gift->pages * XENAPT_PAGE_SIZE);
	gift->addr = NULL;
	giver->take_back(giver, devid, gift->directory, released);
	/* Whoever keeps the pool may not say so before the guest asks for it again. */
	if (released && giver->estimate)
		giver->now.left[gift->child_read_only ? XAPT_POOL_READ_ONLY :
				XAPT_POOL_WRITABLE] += gift->pages;
}

/* ---- a pool of one's own ---- */

static enum xenapt_status own_ask(struct xapt_giver *giver, uint32_t devid,
				  const struct xapt_wish *wish, struct xapt_given *given, int *fd)
{
	struct xapt_own_giver *o = container(giver, struct xapt_own_giver, giver);
	enum xenapt_status status = xapt_pool_give(&o->pool, devid, wish, given, fd);

	if (status == XENAPT_OK) {
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
		if (*fd < 0) {
			xapt_pool_take_back(&o->pool, devid, given->directory, !wish->again);
			status = XENAPT_E_MEMORY;
		}
	}
	xapt_pool_look(&o->pool, &giver->now);
	return status;
}

static void own_take_back(struct xapt_giver *giver, uint32_t devid, uint32_t directory,
			  bool released)
{
	struct xapt_own_giver *o = container(giver, struct xapt_own_giver, giver);

	xapt_pool_take_back(&o->pool, devid, directory, released);
	xapt_pool_look(&o->pool, &giver->now);
}

static void own_look(struct xapt_giver *giver)
{
	xapt_pool_look(&container(giver, struct xapt_own_giver, giver)->pool, &giver->now);
}

void xapt_own_giver_init(struct xapt_own_giver *o, uint32_t domid, uint64_t max_pages)
{
	*o = (struct xapt_own_giver){
		.giver = { .ask = own_ask, .take_back = own_take_back, .look = own_look }
	};
	xapt_pool_init(&o->pool, domid, max_pages, NULL);
	xapt_pool_look(&o->pool, &o->giver.now);
}
