// SPDX-License-Identifier: GPL-2.0-only
/*
 * span - the tests' device for memory that existed: looks at, and changes, what it got and what
 * lies around it in the same pages (span_layout.h).
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <xenaperture.h>

#include "span_layout.h"

#define PAGE 4096u

struct subject {
	uint8_t *data;			/* NULL: not mapped */
	uint64_t length;
	uint32_t tag;
	bool read_only;
	bool hold;
	uint64_t doorbells;
};

struct span {
	struct xenaperture *xa;
	struct subject subject[XENAPERTURE_SLOTS];
	uint32_t sequence;
};

static struct subject *find(struct span *s, uint32_t tag)
{
	unsigned int i;

	for (i = 0; i < XENAPERTURE_SLOTS; i++)
		if (s->subject[i].data && s->subject[i].tag == tag)
			return &s->subject[i];
	return NULL;
}

/* The octets before and behind, to the pages' ends. */
static void around(const struct subject *u, uint8_t **before, size_t *head, uint8_t **behind,
		   size_t *tail)
{
	*head = (uintptr_t)u->data % PAGE;
	*before = u->data - *head;
	*behind = u->data + u->length;
	*tail = (PAGE - (uintptr_t)*behind % PAGE) % PAGE;
}

static uint64_t not_zero(const uint8_t *p, size_t n)
{
	uint64_t count = 0;

	while (n--)
		count += *p++ != 0;
	return count;
}

static void outside(const struct subject *u, struct span_talk *t, bool change)
{
	uint8_t *before, *behind;
	size_t head, tail;

	around(u, &before, &head, &behind, &tail);
	t->count = head + tail;
	t->value = not_zero(before, head) + not_zero(behind, tail);
	if (!change)
		return;
	memset(before, (int)t->octet, head);
	memset(behind, (int)t->octet, tail);
}

static uint32_t range(const struct subject *u, struct span_talk *t)
{
	uint64_t end;

	if (__builtin_add_overflow(t->offset, t->length, &end) || end > u->length)
		return SPAN_E_RANGE;
	if (t->command == SPAN_SUM)
		t->value = span_sum(u->data + t->offset, t->length);
	else
		memset(u->data + t->offset, (int)t->octet, t->length);
	return SPAN_OK;
}

static uint32_t execute(struct span *s, struct span_talk *t)
{
	struct subject *u = find(s, t->tag);
	bool changes = t->command == SPAN_FILL || t->command == SPAN_SCRIBBLE;

	if (!u)
		return SPAN_E_TAG;
	if (changes && u->read_only)
		return SPAN_E_READ_ONLY;
	switch (t->command) {
	case SPAN_SUM:
	case SPAN_FILL:
		return range(u, t);
	case SPAN_OUTSIDE:
	case SPAN_SCRIBBLE:
		outside(u, t, changes);
		return SPAN_OK;
	case SPAN_RING:
		t->value = u->doorbells;
		xenaperture_interrupt(s->xa, (unsigned int)(u - s->subject));
		return SPAN_OK;
	case SPAN_HOLD:
		u->hold = t->octet;
		return SPAN_OK;
	default:
		return SPAN_E_COMMAND;
	}
}

static void talk(struct span *s, unsigned int slot)
{
	struct span_talk *shared = (struct span_talk *)s->subject[slot].data;
	struct span_talk t;

	t.sequence = __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE);
	if (t.sequence == s->sequence)
		return;
	s->sequence = t.sequence;
	memcpy(&t, shared, sizeof(t));
	t.value = 0;
	t.count = 0;
	t.status = execute(s, &t);
	shared->status = t.status;
	shared->value = t.value;
	shared->count = t.count;
	__atomic_store_n(&shared->answered, s->sequence, __ATOMIC_RELEASE);
	xenaperture_interrupt(s->xa, slot);
}

static void *span_create(struct xenaperture *xa, void *opaque)
{
	struct span *s = calloc(1, sizeof(*s));

	(void)opaque;
	if (s)
		s->xa = xa;
	return s;
}

static void span_destroy(void *device)
{
	free(device);
}

/* A talk that is there again after a restart was answered up to where it says. */
static int span_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	struct span *s = device;

	s->subject[slot] = (struct subject){
		.data = data, .length = length, .tag = tag,
		.read_only = xenaperture_aperture_flags(s->xa, slot) & XENAPERTURE_READ_ONLY,
	};
	if (tag == SPAN_TALK && length >= sizeof(struct span_talk)) {
		s->sequence = ((struct span_talk *)data)->answered;
		talk(s, slot);
	}
	return 0;
}

static int span_withdraw(void *device, unsigned int slot, int force)
{
	struct subject *u = &((struct span *)device)->subject[slot];

	if (u->hold && !force)
		return -1;
	u->data = NULL;
	return 0;
}

static void span_doorbell(void *device, unsigned int slot)
{
	struct span *s = device;
	struct subject *u = &s->subject[slot];

	u->doorbells++;
	if (u->data && u->tag == SPAN_TALK && u->length >= sizeof(struct span_talk))
		talk(s, slot);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "span",
	.create = span_create,
	.destroy = span_destroy,
	.mapped = span_mapped,
	.withdraw = span_withdraw,
	.doorbell = span_doorbell,
};
