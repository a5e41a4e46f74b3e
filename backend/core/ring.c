// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ring.h's macros are used for layout and notification; the shared indices are
 * read once each, here, so that what is checked is what is used.
 */
#include "ring.h"

#include <stddef.h>

static RING_IDX read_index(const RING_IDX *shared)
{
	return *(const volatile RING_IDX *)shared;
}

void xapt_ring_attach(struct xapt_ring *r, void *shared, uint32_t order)
{
	struct xenapt_sring *sring = shared;

	/* A new connection starts at 0, whatever the child left in its page. */
	BACK_RING_INIT(&r->back, sring, (size_t)XENAPT_PAGE_SIZE << order);
	r->pushed = 0;
}

enum xapt_taken xapt_ring_take(struct xapt_ring *r, struct xenapt_request *request)
{
	RING_IDX prod = read_index(&r->back.sring->req_prod);
	RING_IDX cons = r->back.req_cons;

	if (prod == cons)
		return XAPT_RING_EMPTY;
	/* Every request taken was answered or is about to be: at most one ring full. */
	if (prod - r->back.rsp_prod_pvt > r->back.nr_ents || prod - cons > r->back.nr_ents)
		return XAPT_RING_BROKEN;
	/* The index before the request that it announces. */
	xen_rmb();
	RING_COPY_REQUEST(&r->back, cons, request);
	r->back.req_cons = cons + 1;
	return XAPT_RING_REQUEST;
}

void xapt_ring_answer(struct xapt_ring *r, const struct xenapt_response *response)
{
	*RING_GET_RESPONSE(&r->back, r->back.rsp_prod_pvt) = *response;
	r->back.rsp_prod_pvt++;
}

bool xapt_ring_push(struct xapt_ring *r)
{
	RING_IDX old = r->pushed, new = r->back.rsp_prod_pvt;

	/* As RING_PUSH_RESPONSES_AND_CHECK_NOTIFY, but for the child's copy of the old index. */
	xen_wmb();
	r->back.sring->rsp_prod = new;
	xen_mb();
	r->pushed = new;
	return (RING_IDX)(new - read_index(&r->back.sring->rsp_event)) < (RING_IDX)(new - old);
}

bool xapt_ring_rearm(struct xapt_ring *r)
{
	r->back.sring->req_event = r->back.req_cons + 1;
	/* Our wish before the look: the child writes in the opposite order. */
	xen_mb();
	return read_index(&r->back.sring->req_prod) != r->back.req_cons;
}
