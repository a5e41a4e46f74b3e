// SPDX-License-Identifier: GPL-2.0-only
#include "places.h"

#include "events.h"
#include "ioreq.h"
#include "model.h"
#include "persist.h"
#include "text.h"

#include <xen/errno.h>

#define PORTS	65536u

struct place places[DOORS] STUB_PERSIST;

uint64_t door_size(const struct xenaperture_model *model)
{
	return (xapt_model_end(model) + 7) & ~(uint64_t)7;
}

static bool overlaps(const struct place *mine, const struct door_setup *s, uint64_t last)
{
	const struct place *p;

	for (p = places; p < places + DOORS; p++)
		if (p != mine && p->used && p->setup.port == s->port && s->address <= p->last &&
		    p->setup.address <= last)
			return true;
	return false;
}

const char *places_wrong(const struct place *p, const struct door_setup *s, uint64_t size)
{
	uint64_t last = s->address + size - 1;

	if (!size)
		return "this device type has no registers";
	if (last < s->address || (s->port && last >= PORTS))
		return "the range does not end where addresses do";
	return overlaps(p, s, last) ? "the range is partly another trapped device's" : NULL;
}

/* A port that is nobody's is closed by the next life; one that is closed must be nobody's. */
void places_forget(struct place *p)
{
	uint32_t event = p->event;

	if (p->used && ioreq_is_open())
		ioreq_unmap(p->setup.port, p->setup.address, p->last);
	p->event = 0;
	persist_order();
	if (event)
		events_close(event);
	p->used = false;
}

void places_note(struct place *p, const struct door_setup *s, uint64_t size)
{
	p->setup = *s;
	p->last = s->address + size - 1;
	p->event = 0;
	p->tries = 0;
	memset(&p->count, 0, sizeof(p->count));
	persist_order();
	p->used = true;
	persist_order();
}

/* The life before may have mapped the range, and not have got an event channel. */
int places_claim(struct place *p, uint32_t guest, const char **why)
{
	int error;

	*why = "Xen refuses the range";
	error = ioreq_map(p->setup.port, p->setup.address, p->last);
	if (error && error != -XEN_EEXIST)
		return error;
	*why = "no event channel for the guest";
	if (p->event)
		return 0;
	error = events_keep(guest);
	if (error < 0)
		return error;
	p->event = (uint32_t)error;
	return 0;
}

bool places_any(void)
{
	unsigned int i;

	for (i = 0; i < DOORS; i++)
		if (places[i].used)
			return true;
	return false;
}

void places_close_kept(void)
{
	uint64_t left = events_kept();
	unsigned int i;

	for (i = 0; i < DOORS; i++)
		if (places[i].used && places[i].event)
			left &= ~EVENT_BIT(places[i].event);
	for (; left; left &= left - 1)
		events_close((uint32_t)__builtin_ctzll(left));
}
