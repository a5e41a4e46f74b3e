// SPDX-License-Identifier: LGPL-2.1-or-later
#include "access.h"

#define ALL_ONES	(~(uint64_t)0)

uint64_t xapt_access_ones(uint32_t size)
{
	return size < 8 ? ((uint64_t)1 << size * 8) - 1 : ALL_ONES;
}

static bool sound_size(uint32_t size)
{
	return size && size <= 8 && !(size & (size - 1));
}

/* Where the element at a start is: both addresses of an access move alike. */
static uint64_t moved(const struct xapt_access *a, uint64_t start, uint32_t n)
{
	uint64_t octets = (uint64_t)n * a->size;

	return a->down ? start - octets : start + octets;
}

void xapt_access_begin(struct xapt_walk *w)
{
	*w = (struct xapt_walk){ 0 };
}

/* Once: the guest may change its memory, and an element that is sent twice is the same one. */
static void fetch(const struct xapt_access *a, struct xapt_walk *w, const struct xapt_access_ops *ops,
		  void *host)
{
	uint64_t value = 0;

	if (w->fetched)
		return;
	w->bad = ops->fetch(host, moved(a, a->data, w->done), &value, a->size);
	w->faults += w->bad;
	w->value = value;
	w->fetched = true;
}

bool xapt_access_next(const struct xapt_access *a, struct xapt_walk *w, uint64_t base,
		      const struct xapt_access_ops *ops, void *host, struct xenapt_operation *op)
{
	bool from_memory = a->write && a->pointer && sound_size(a->size);

	if (w->done >= a->count)
		return false;
	if (from_memory)
		fetch(a, w, ops, host);
	*op = (struct xenapt_operation){
		.reg = (a->port ? a->address : moved(a, a->address, w->done)) - base,
		.value = from_memory ? w->value : a->data,
		/* 3 octets are none that an operation has: it is refused. 0 would be a command. */
		.size = sound_size(a->size) && !w->bad ? (uint8_t)a->size : 3,
		.direction = a->write ? XENAPT_OP_WRITE : XENAPT_OP_READ,
	};
	return true;
}

void xapt_access_done(const struct xapt_access *a, struct xapt_walk *w,
		      const struct xapt_access_ops *ops, void *host, uint32_t status, uint64_t value)
{
	uint64_t ones = xapt_access_ones(a->size);

	if (!a->write)
		w->value = status == XENAPT_OK ? value & ones : ones;
	if (!a->write && a->pointer && sound_size(a->size) &&
	    ops->store(host, moved(a, a->data, w->done), &w->value, a->size))
		w->faults++;
	w->fetched = w->bad = false;
	w->done++;
}
