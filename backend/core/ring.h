/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parent's end of the request ring: Xen's ring.h, with private indices, each
 * request copied once, and an impossible producer index reported, not ignored.
 */
#ifndef XAPT_CORE_RING_H
#define XAPT_CORE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "barrier.h"
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>	/* after ring.h: its types */

struct xapt_ring {
	struct xenapt_back_ring back;
	RING_IDX pushed;	/* rsp_prod as it was last shown */
};

enum xapt_taken {
	XAPT_RING_EMPTY,
	XAPT_RING_REQUEST,
	XAPT_RING_BROKEN,	/* XENAPT_E_RING */
};

void xapt_ring_attach(struct xapt_ring *r, void *shared, uint32_t order);

/* Copy the next request. */
enum xapt_taken xapt_ring_take(struct xapt_ring *r, struct xenapt_request *request);

/* Queue a response; there is always room: one per request taken. */
void xapt_ring_answer(struct xapt_ring *r, const struct xenapt_response *response);

/* Make the answers visible. True: the child wants an event. */
bool xapt_ring_push(struct xapt_ring *r);

/* Ask for an event at the next request; true: one came meanwhile. */
bool xapt_ring_rearm(struct xapt_ring *r);

#endif
