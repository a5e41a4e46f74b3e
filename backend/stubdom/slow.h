/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow lane of a trapped device: this domain is the child. xenbus is trapped.c's; here are the
 * pages, their grants, the ring and its events.
 */
#ifndef STUB_SLOW_H
#define STUB_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "door.h"

#include <xen/io/apertureif.h>

/*
 * Send on. It is answered by door_answer(), however often the parent comes and goes meanwhile. At most
 * XENAPT_OP_ENTRIES at once, each with its own entry. False: the entry is taken by one that is not
 * answered yet.
 */
bool slow_forward(unsigned int door, const struct xenapt_request *request);

/* Nobody waits for it any more. True: it is out, and may be answered yet; else it is forgotten. */
bool slow_give_up(unsigned int door, uint64_t id);

bool slow_connected(unsigned int door);

/* One turn; ready: ports that fired. */
void slow_serve(uint64_t ready);

/* ---- for trapped.c ---- */

struct slow_nodes {
	uint32_t ring_ref, event_ref, mask_ref, record_ref[XENAPT_RECORD_PAGES], port;
};

/* Two pages of ours; a restart in place keeps them. */
struct xenapt_record *slow_record(unsigned int door);

/* A device that never was: nothing outstanding, its record zeroed. False: others still map the pages. */
bool slow_new(unsigned int door);

/*
 * Pages of a new connection that domain may map, and a port; what is unanswered waits for it. who:
 * TRAP_SERVES(). XENAPT_OK, or why not with *why for people.
 */
enum xenapt_status slow_make(unsigned int door, uint32_t domain, uint64_t who, struct slow_nodes *nodes,
			     const char **why);

/* The parent is Connected. XENAPT_E_GONE: to other pages, or another port, than these. */
enum xenapt_status slow_go_up(unsigned int door);

/* Of the connection: XENAPT_OK, or why it is over; and whose word that is. */
enum xenapt_status slow_status(unsigned int door);
bool slow_ended_by_parent(unsigned int door);
/* A connection ended by itself since this was asked last. */
bool slow_failed(void);

/* No connection any more. Idempotent. */
void slow_end(unsigned int door);
/* And no device: nobody may map a page any more, unless somebody still does. */
void slow_forget(unsigned int door);

#endif
