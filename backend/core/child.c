// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ring.h's macros are used for layout; the shared indices are read once each, here, so that what
 * is checked is what is used. An entry of the table has one place on the ring at most, and the ring
 * has as many: there is always room.
 */
#include "child.h"

#include <stddef.h>

#include <xen/io/aperture_signal.h>

_Static_assert(__CONST_RING_SIZE(xenapt, XENAPT_PAGE_SIZE) >= XENAPT_OP_ENTRIES, "always room");

void *memset(void *to, int octet, size_t n);

static RING_IDX read_index(const RING_IDX *shared)
{
	return *(const volatile RING_IDX *)shared;
}

static bool alive(const struct xapt_child *c)
{
	return c->up && c->status == XENAPT_OK;
}

void xapt_child_init(struct xapt_child *c)
{
	memset(c, 0, sizeof(*c));
}

void xapt_child_prepare(struct xapt_child *c, void *ring, struct xenapt_event_page *event,
			struct xenapt_mask_page *mask)
{
	struct xenapt_sring *sring = ring;

	xapt_child_disconnect(c);
	memset(ring, 0, XENAPT_PAGE_SIZE);
	memset(event, 0, sizeof(*event));
	memset(mask, 0, sizeof(*mask));
	XEN_FRONT_RING_INIT(&c->front, sring, XENAPT_PAGE_SIZE);
	c->pushed = 0;
	c->event = event;
	c->mask = mask;
	c->status = XENAPT_OK;
	c->count = (struct xenapt_counters){ 0 };
}

/* ---- requests ---- */

static void put(struct xapt_child *c, struct xapt_child_entry *e)
{
	*RING_GET_REQUEST(&c->front, c->front.req_prod_pvt) = e->request;
	c->front.req_prod_pvt++;
	c->count.requests++;
	e->state = XAPT_CHILD_OUT;
}

enum xenapt_status xapt_child_connect(struct xapt_child *c, bool *notify)
{
	uint32_t vectors = *(const volatile uint32_t *)&c->event->vectors;
	unsigned int i;

	*notify = false;
	if (vectors > XENAPT_SIGNAL_APERTURE) {
		xapt_child_fail(c, XENAPT_E_MALFORMED);
		return XENAPT_E_MALFORMED;
	}
	c->vectors = vectors;
	c->up = true;
	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		if (c->entry[i].state == XAPT_CHILD_WAITS)
			put(c, &c->entry[i]);
	*notify = xapt_child_push(c);
	return XENAPT_OK;
}

void xapt_child_disconnect(struct xapt_child *c)
{
	unsigned int i;

	c->up = false;
	for (i = 0; i < XENAPT_OP_ENTRIES; i++) {
		if (c->entry[i].state == XAPT_CHILD_OUT)
			c->entry[i].state = XAPT_CHILD_WAITS;
		else if (c->entry[i].state == XAPT_CHILD_LEFT)
			c->entry[i].state = XAPT_CHILD_FREE;
	}
}

static struct xapt_child_entry *entry_of(struct xapt_child *c, uint64_t id)
{
	return &c->entry[id % XENAPT_OP_ENTRIES];
}

bool xapt_child_send(struct xapt_child *c, const struct xenapt_request *request)
{
	struct xapt_child_entry *e = entry_of(c, request->id);

	if (!(request->id & XENAPT_OP_ID) || e->state != XAPT_CHILD_FREE)
		return false;
	e->request = *request;
	e->state = XAPT_CHILD_WAITS;
	if (alive(c))
		put(c, e);
	return true;
}

bool xapt_child_push(struct xapt_child *c)
{
	RING_IDX old = c->pushed, new = c->front.req_prod_pvt;

	if (!alive(c) || old == new)
		return false;
	xen_wmb();
	c->front.sring->req_prod = new;
	/* The requests before the look: the parent writes its wish in the opposite order. */
	xen_mb();
	c->pushed = new;
	return (RING_IDX)(new - read_index(&c->front.sring->req_event)) < (RING_IDX)(new - old);
}

bool xapt_child_forget(struct xapt_child *c, uint64_t id)
{
	struct xapt_child_entry *e = entry_of(c, id);

	if (e->state == XAPT_CHILD_FREE || e->request.id != id)
		return false;
	e->state = e->state == XAPT_CHILD_WAITS ? XAPT_CHILD_FREE : XAPT_CHILD_LEFT;
	return e->state == XAPT_CHILD_LEFT;
}

/* ---- answers ---- */

static bool outstanding(const struct xapt_child_entry *e, const struct xenapt_response *r)
{
	return (e->state == XAPT_CHILD_OUT || e->state == XAPT_CHILD_LEFT) &&
	       e->request.id == r->id && e->request.type == r->type;
}

static enum xapt_child_taken broken(struct xapt_child *c)
{
	xapt_child_fail(c, XENAPT_E_RING);
	return XAPT_CHILD_BROKEN;
}

enum xapt_child_taken xapt_child_take(struct xapt_child *c, struct xenapt_response *response)
{
	struct xapt_child_entry *e;
	RING_IDX prod;

	if (!alive(c))
		return XAPT_CHILD_EMPTY;
	prod = read_index(&c->front.sring->rsp_prod);
	if (prod == c->front.rsp_cons)
		return XAPT_CHILD_EMPTY;
	if (prod - c->front.rsp_cons > c->pushed - c->front.rsp_cons)
		return broken(c);
	/* The index before the answer that it announces. */
	xen_rmb();
	RING_COPY_RESPONSE(&c->front, c->front.rsp_cons, response);
	e = entry_of(c, response->id);
	if (!outstanding(e, response))
		return broken(c);
	c->front.rsp_cons++;
	c->count.responses++;
	c->count.errors += response->status != XENAPT_OK;
	e->state = XAPT_CHILD_FREE;
	return XAPT_CHILD_ANSWER;
}

bool xapt_child_rearm(struct xapt_child *c)
{
	if (!alive(c))
		return false;
	c->front.sring->rsp_event = c->front.rsp_cons + 1;
	/* Our wish before the look: the parent writes in the opposite order. */
	xen_mb();
	return read_index(&c->front.sring->rsp_prod) != c->front.rsp_cons;
}

/* ---- the pages ---- */

uint64_t xapt_child_vectors(struct xapt_child *c)
{
	uint64_t known = c->vectors == 64 ? ~0ull : (1ull << c->vectors) - 1, bits, left;

	if (!alive(c))
		return 0;
	bits = xenapt_signal_take(&c->event->interrupt[0], 0) & known;
	for (left = bits; left; left &= left - 1)
		c->count.taken++;
	return bits;
}

uint32_t xapt_child_parent_status(const struct xapt_child *c)
{
	return c->up ? __atomic_load_n(&c->event->status, __ATOMIC_RELAXED) : XENAPT_OK;
}

void xapt_child_fail(struct xapt_child *c, enum xenapt_status status)
{
	if (c->status != XENAPT_OK)
		return;
	c->status = status;
	__atomic_store_n(&c->mask->status, (uint32_t)status, __ATOMIC_SEQ_CST);
}

void xapt_child_publish(struct xapt_child *c)
{
	const uint64_t *from = (const uint64_t *)&c->count;
	uint64_t *to = (uint64_t *)&c->mask->child;
	unsigned int i;

	for (i = 0; i < offsetof(struct xenapt_counters, reserved) / sizeof(*from); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}
