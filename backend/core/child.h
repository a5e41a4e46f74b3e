/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child's end of one slow ring that carries operations only. Requests are kept here until they are
 * answered, so they outlive connections: a new one begins with what is unanswered, under the same
 * ids. One thread at a time; no turn is longer than what was outstanding when it began.
 *
 *      xapt_child_prepare()            pages for the parent to map
 *      xapt_child_connect()            it is Connected
 *      xapt_child_send(), _push(), _take(), _rearm(), _vectors()
 *      xapt_child_disconnect()         the pages are not touched any more
 */
#ifndef XAPT_CORE_CHILD_H
#define XAPT_CORE_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "barrier.h"
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>	/* after ring.h: its types */

enum xapt_child_state {
	XAPT_CHILD_FREE,
	XAPT_CHILD_WAITS,	/* for a connection */
	XAPT_CHILD_OUT,		/* on the ring */
	XAPT_CHILD_LEFT,	/* on the ring, and nobody waits: its id must not be used again yet */
};

struct xapt_child_entry {
	enum xapt_child_state state;
	struct xenapt_request request;
};

struct xapt_child {
	struct xenapt_front_ring front;		/* one page: room for all entries at once */
	RING_IDX pushed;			/* req_prod as it was last shown */
	struct xenapt_event_page *event;	/* shared */
	struct xenapt_mask_page *mask;		/* ours; the parent only reads */
	bool up;				/* requests may flow */
	enum xenapt_status status;		/* of this connection: why it is over; XENAPT_OK: it is not */
	uint32_t vectors;			/* 0..64 of the device type */
	struct xapt_child_entry entry[XENAPT_OP_ENTRIES];
	struct xenapt_counters count;		/* our truth of mask->child, since prepare */
};

/* No connection, nothing kept. */
void xapt_child_init(struct xapt_child *c);

/* Three pages for a new connection; they are written whole. What is unanswered waits for it. */
void xapt_child_prepare(struct xapt_child *c, void *ring, struct xenapt_event_page *event,
			struct xenapt_mask_page *mask);

/*
 * The parent is Connected: what waits goes out. *notify: send the event. XENAPT_E_MALFORMED: its
 * tables are impossible.
 */
enum xenapt_status xapt_child_connect(struct xapt_child *c, bool *notify);

/* Idempotent. What nobody waits for is forgotten. */
void xapt_child_disconnect(struct xapt_child *c);

/*
 * Send on, or keep until there is a connection. False: no operation's id, or its entry is taken.
 * Nobody sees it before push.
 */
bool xapt_child_send(struct xapt_child *c, const struct xenapt_request *request);

/* True: send the event. */
bool xapt_child_push(struct xapt_child *c);

/* Nobody waits for id any more: it is not sent again. True: it is out, and may be answered yet. */
bool xapt_child_forget(struct xapt_child *c, uint64_t id);

enum xapt_child_taken {
	XAPT_CHILD_EMPTY,
	XAPT_CHILD_ANSWER,
	XAPT_CHILD_BROKEN,	/* status is set, and shown; the event, and the end, are the caller's */
};

/* The next answer: a copy that names what was outstanding. */
enum xapt_child_taken xapt_child_take(struct xapt_child *c, struct xenapt_response *response);

/* Ask for an event at the next answer; true: one came meanwhile. */
bool xapt_child_rearm(struct xapt_child *c);

/* Vectors that the parent raised since. */
uint64_t xapt_child_vectors(struct xapt_child *c);

/* Why the parent ended the connection; XENAPT_OK: it did not. Any number. */
uint32_t xapt_child_parent_status(const struct xapt_child *c);

/* This connection is over, by name, and the parent can see why. The first reason counts. */
void xapt_child_fail(struct xapt_child *c, enum xenapt_status status);

/* Copy the counters into the mask page. */
void xapt_child_publish(struct xapt_child *c);

#endif
