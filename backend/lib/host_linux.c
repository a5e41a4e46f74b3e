// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host_linux.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include <xen/io/apertureif.h>

#include "negotiate.h"

static bool maps(struct xapt_host *h, uint32_t ref, int prot)
{
	void *addr = h->mapper->map(h->mapper, &ref, 1, prot);

	if (addr)
		xapt_host_unmap(h, addr, 1);
	return addr;
}

/* Not the kernel's word on a page: this side could not even ask, and would not the next time. */
static bool is_local(int err)
{
	switch (err) {
	case ETIMEDOUT:		/* the supervisor does not answer */
	case EPROTO:		/* its file did not come: no descriptors left */
	case EMFILE:
	case ENFILE:
	case ENOENT:
	case EACCES:
	case EPERM:
		return true;
	default:
		return false;
	}
}

/*
 * The kernel says of a full maptrack table what it says of a bad reference. One that is good to read
 * and cannot even be mapped for that is not to blame.
 */
static bool is_bad(struct xapt_host *h, uint32_t ref, int prot, int *err)
{
	int read;

	if (maps(h, ref, prot))
		return false;
	if (is_local(errno)) {
		*err = errno;
		return false;
	}
	read = h->mapper->reads(h->mapper, ref);
	if (read && read != EINVAL)
		*err = read;
	return read ? read == EINVAL : prot & PROT_WRITE && maps(h, ref, PROT_READ);
}

/* Pages of one mapping that the kernel admits. */
static unsigned long batch_limit(void)
{
	FILE *f = fopen("/sys/module/xen_gntdev/parameters/limit", "re");
	unsigned long limit = ULONG_MAX;

	if (f && fscanf(f, "%lu", &limit) != 1)
		limit = ULONG_MAX;
	if (f)
		fclose(f);
	return limit;
}

static void say_full(struct xapt_host *h, uint32_t n, int err)
{
	unsigned long limit = batch_limit();

	if (is_local(err))
		xapt_log_some(h->said, XENAPERTURE_WARNING, h->who, "cannot map %u pages of the guest: %s", n,
			      err == ETIMEDOUT ? "the supervisor does not answer" : strerror(err));
	else if (err == ENOMEM)
		xapt_log_some(h->said, XENAPERTURE_WARNING, h->who,
			      "cannot map %u pages of the guest: no memory in this domain: raise its memory (domain 0: dom0_mem= on Xen's command line)",
			      n);
	else if (n > limit)
		xapt_log_some(h->said, XENAPERTURE_WARNING, h->who,
			      "cannot map %u pages of the guest at once: the limit is %lu: raise the parameter limit of the module xen-gntdev",
			      n, limit);
	else
		xapt_log_some(h->said, XENAPERTURE_WARNING, h->who,
			      "cannot map %u pages of the guest: this domain has no maptrack entries left: raise gnttab_max_maptrack_frames= on Xen's command line (driver domain: max_maptrack_frames in its configuration), or lower max_mapped_total in apertured.conf",
			      n);
}

/*
 * Which was it? The kernel does not tell: halve until one is left. n: none; *err then says why it could not be
 * found out, or stays what it was.
 */
static uint32_t find_bad(struct xapt_host *h, const uint32_t *refs, uint32_t n, int prot, int *err)
{
	uint32_t low = 0, high = n;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		void *addr = h->mapper->map(h->mapper, refs + low, middle - low, prot);

		if (addr) {
			xapt_host_unmap(h, addr, middle - low);
			low = middle;
		} else if (is_local(errno)) {
			*err = errno;
			return n;
		} else {
			high = middle;
		}
	}
	return is_bad(h, refs[low], prot, err) ? low : n;
}

void *xapt_host_map(struct xapt_host *h, const uint32_t *refs, uint32_t n, int prot,
		    uint32_t *bad)
{
	void *addr;
	int err;

	*bad = 0;
	if (!n || n > XENAPT_MAX_PAGES) {
		errno = EINVAL;
		return NULL;
	}
	addr = h->mapper->map(h->mapper, refs, n, prot);
	if (!addr) {
		err = errno;
		*bad = is_local(err) ? n : find_bad(h, refs, n, prot, &err);
		if (*bad == n)
			say_full(h, n, err);
		errno = err;
		return NULL;
	}
	/* A forked process must never hold the guest's pages. */
	if (madvise(addr, (size_t)n * XENAPT_PAGE_SIZE, MADV_DONTFORK)) {
		xapt_host_unmap(h, addr, n);
		*bad = n;
		say_full(h, n, ENOMEM);
		errno = ENOMEM;
		return NULL;
	}
	return addr;
}

int xapt_host_unmap(struct xapt_host *h, void *addr, uint32_t n)
{
	return h->mapper->unmap(h->mapper, addr, n);
}

static int host_fetch(void *host, const uint32_t *refs, uint32_t n, void *dst, uint32_t *bad)
{
	void *pages = xapt_host_map(host, refs, n, PROT_READ, bad);

	if (!pages)
		return -1;
	memcpy(dst, pages, (size_t)n * XENAPT_PAGE_SIZE);
	return xapt_host_unmap(host, pages, n);
}

static int host_map(void *host, const uint32_t *refs, uint32_t n, bool writable, void **addr,
		    uint32_t *bad)
{
	*addr = xapt_host_map(host, refs, n, PROT_READ | (writable ? PROT_WRITE : 0), bad);
	return *addr ? 0 : -1;
}

static int host_unmap(void *host, void *addr, uint32_t n)
{
	return xapt_host_unmap(host, addr, n);
}

static bool host_reserve(void *host, uint32_t pages)
{
	struct xapt_host *h = host;

	return !h->giver || !h->giver->reserve || h->giver->reserve(h->giver, pages);
}

static void host_unreserve(void *host, uint32_t pages)
{
	struct xapt_host *h = host;

	if (h->giver && h->giver->unreserve)
		h->giver->unreserve(h->giver, pages);
}

static uint64_t host_mappable(void *host)
{
	const struct xapt_host *h = host;

	return h->giver && h->giver->reserve ? h->giver->now.mappable : UINT64_MAX;
}

static enum xenapt_status host_give(void *host, struct xapt_gift *gift)
{
	struct xapt_host *h = host;
	enum xenapt_status status = xapt_give(h->giver, h->devid, gift);

	/* A refusal by a limit is said with all of them. */
	if (status != XENAPT_OK && status != XENAPT_E_GIVEN_PAGES)
		xapt_log_some(h->said, XENAPERTURE_WARNING, h->who, "%s: %s",
			      xapt_status_name(status), xapt_error());
	return status;
}

static void host_take_back(void *host, struct xapt_gift *gift, bool released)
{
	struct xapt_host *h = host;

	xapt_take_back(h->giver, h->devid, gift, released);
}

static uint64_t host_givable(void *host, bool child_read_only)
{
	const struct xapt_host *h = host;

	if (h->giver && h->giver->look)
		h->giver->look(h->giver);
	return h->giver ? h->giver->now.left[child_read_only ? XAPT_POOL_READ_ONLY :
					     XAPT_POOL_WRITABLE] : 0;
}

static void host_notify(void *host)
{
	struct xapt_host *h = host;

	/* Fails only when the guest closed its end: then nobody listens. */
	xenevtchn_notify(h->evtchn, h->port);
}

static void *host_alloc(void *host, uint64_t bytes)
{
	(void)host;
	return malloc(bytes);
}

static void host_free(void *host, void *memory, uint64_t bytes)
{
	(void)host;
	(void)bytes;
	free(memory);
}

static uint64_t host_random(void *host)
{
	uint64_t value;

	(void)host;
	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		abort();
	return value;
}

static uint64_t host_clock(void *host)
{
	struct timespec t;

	(void)host;
	/* Nobody sets this one, nor makes it faster: Xen's clock runs like it. */
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

const struct xapt_host_ops xapt_host_linux = {
	.fetch = host_fetch,
	.map = host_map,
	.unmap = host_unmap,
	.reserve = host_reserve,
	.unreserve = host_unreserve,
	.mappable = host_mappable,
	.give = host_give,
	.take_back = host_take_back,
	.givable = host_givable,
	.notify = host_notify,
	.alloc = host_alloc,
	.free = host_free,
	.random = host_random,
	.clock = host_clock,
};
