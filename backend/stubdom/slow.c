// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two sets of three pages for each door: the parent of before may still have one of them mapped when
 * the next connection begins.
 */
#include "slow.h"

#include "child.h"
#include "console.h"
#include "events.h"
#include "granting.h"
#include "hypercall.h"
#include "text.h"
#include "trap.h"

enum { RING, EVENT, MASK, SET_PAGES };	/* of a set */
#define SETS		2u
#define FIRST_OF_SETS	XENAPT_RECORD_PAGES

_Static_assert(FIRST_OF_SETS + SETS * SET_PAGES == GRANTING_PAGES, "pages of a door");

struct slow {
	bool made;		/* pages and a port */
	bool ended_by_parent;
	unsigned int set;
	uint32_t port;
	uint64_t who;
	struct xapt_child child;
};

static struct slow lanes[DOORS];
static uint64_t ports;		/* bits of the made ones */
static bool serving, failed;

static unsigned int page_of(unsigned int set, unsigned int page)
{
	return FIRST_OF_SETS + set * SET_PAGES + page;
}

struct xenapt_record *slow_record(unsigned int door)
{
	return granting_page(door, 0);
}

/* ---- for the door ---- */

bool slow_connected(unsigned int door)
{
	return lanes[door].child.up && lanes[door].child.status == XENAPT_OK;
}

static void push(struct slow *s)
{
	if (xapt_child_push(&s->child))
		events_send(s->port);
}

bool slow_forward(unsigned int door, const struct xenapt_request *request)
{
	struct slow *s = &lanes[door];

	if (!xapt_child_send(&s->child, request))
		return false;
	/* Out of an answer: it is shown when all answers are taken, so that the turn ends. */
	if (!serving)
		push(s);
	return true;
}

bool slow_give_up(unsigned int door, uint64_t id)
{
	return xapt_child_forget(&lanes[door].child, id);
}

static void ended(unsigned int door, enum xenapt_status status, bool by_parent)
{
	struct slow *s = &lanes[door];

	s->ended_by_parent = by_parent;
	/* The parent's own word is not ours to repeat to it. */
	if (by_parent)
		s->child.status = status;
	else
		events_send(s->port);
	failed = true;
}

/* Not more answers than were outstanding: what goes on in their place is shown afterwards. */
static bool take_answers(unsigned int door)
{
	struct slow *s = &lanes[door];
	uint64_t before = s->child.count.responses;
	enum xapt_child_taken taken;
	struct xenapt_response r;

	do {
		while ((taken = xapt_child_take(&s->child, &r)) == XAPT_CHILD_ANSWER)
			door_answer(door, r.id, r.status, r.value);
	} while (taken == XAPT_CHILD_EMPTY && xapt_child_rearm(&s->child));
	if (taken == XAPT_CHILD_BROKEN)
		ended(door, s->child.status, false);
	return s->child.count.responses != before;
}

static void serve(unsigned int door)
{
	struct slow *s = &lanes[door];
	uint64_t vectors;
	uint32_t status;
	bool any;

	if (!slow_connected(door))
		return;
	trap_serves = s->who;
	serving = true;
	any = take_answers(door);
	vectors = xapt_child_vectors(&s->child);
	if (vectors)
		door_interrupt(door, vectors);
	serving = false;
	push(s);
	status = xapt_child_parent_status(&s->child);
	if (status != XENAPT_OK)
		ended(door, (enum xenapt_status)status, true);
	s->child.count.events++;
	s->child.count.spurious += !any && !vectors;
	xapt_child_publish(&s->child);
	trap_serves = 0;
}

void slow_serve(uint64_t ready)
{
	unsigned int door;

	if (!(ready & ports))
		return;
	for (door = 0; door < DOORS; door++)
		if (lanes[door].made && ready & EVENT_BIT(lanes[door].port))
			serve(door);
}

bool slow_failed(void)
{
	bool was = failed;

	failed = false;
	return was;
}

enum xenapt_status slow_status(unsigned int door)
{
	return lanes[door].made ? lanes[door].child.status : XENAPT_OK;
}

bool slow_ended_by_parent(unsigned int door)
{
	return lanes[door].ended_by_parent;
}

/* ---- coming and going ---- */

static bool end_pages(unsigned int door, unsigned int first, unsigned int n)
{
	unsigned int i;
	bool all = true;

	for (i = first; i < first + n; i++)
		all &= granting_end(door, i);
	return all;
}

void slow_end(unsigned int door)
{
	struct slow *s = &lanes[door];

	xapt_child_disconnect(&s->child);
	if (!s->made)
		return;
	s->made = false;
	ports &= ~EVENT_BIT(s->port);
	events_close(s->port);
	/* What is mapped yet is tried again before it is used. */
	end_pages(door, page_of(s->set, 0), SET_PAGES);
}

void slow_forget(unsigned int door)
{
	slow_end(door);
	end_pages(door, 0, GRANTING_PAGES);
	xapt_child_init(&lanes[door].child);
}

bool slow_new(unsigned int door)
{
	slow_forget(door);
	if (granting_mapped(door, 0) || granting_mapped(door, 1))
		return false;
	memset(slow_record(door), 0, sizeof(struct xenapt_record));
	return true;
}

static bool find_set(unsigned int door, unsigned int *set)
{
	for (*set = 0; *set < SETS; ++*set)
		if (end_pages(door, page_of(*set, 0), SET_PAGES))
			return true;
	return false;
}

static bool give_pages(unsigned int door, uint32_t domain)
{
	unsigned int i, set = lanes[door].set;
	bool all = true;

	for (i = 0; i < XENAPT_RECORD_PAGES; i++)
		all &= granting_give(door, i, domain, false);
	for (i = 0; i < SET_PAGES; i++)
		all &= granting_give(door, page_of(set, i), domain, i == MASK);
	return all;
}

static void tell(unsigned int door, struct slow_nodes *nodes)
{
	unsigned int set = lanes[door].set;

	*nodes = (struct slow_nodes){
		.ring_ref = granting_ref(door, page_of(set, RING)),
		.event_ref = granting_ref(door, page_of(set, EVENT)),
		.mask_ref = granting_ref(door, page_of(set, MASK)),
		.record_ref = { granting_ref(door, 0), granting_ref(door, 1) },
		.port = lanes[door].port,
	};
}

enum xenapt_status slow_make(unsigned int door, uint32_t domain, uint64_t who, struct slow_nodes *nodes,
			     const char **why)
{
	struct slow *s = &lanes[door];
	int port;

	slow_end(door);
	if (!find_set(door, &s->set)) {
		*why = "the parent of before still maps two connections' pages";
		return XENAPT_E_BUSY;
	}
	/* Written before they are anybody's to see. */
	xapt_child_prepare(&s->child, granting_page(door, page_of(s->set, RING)),
			   granting_page(door, page_of(s->set, EVENT)),
			   granting_page(door, page_of(s->set, MASK)));
	if (!give_pages(door, domain)) {
		*why = "another domain still maps the state record";
		return XENAPT_E_BUSY;
	}
	port = events_listen(domain);
	if (port < 0) {
		end_pages(door, page_of(s->set, 0), SET_PAGES);
		*why = "Xen has no event channel for it";
		return XENAPT_E_MEMORY;
	}
	s->made = true;
	s->ended_by_parent = false;
	s->port = (uint32_t)port;
	s->who = who;
	ports |= EVENT_BIT(port);
	tell(door, nodes);
	return XENAPT_OK;
}

/* A parent may have read the nodes of an earlier life. */
static bool is_taken(unsigned int door)
{
	const struct slow *s = &lanes[door];
	struct evtchn_status status = { .dom = DOMID_SELF, .port = s->port };
	unsigned int i;

	for (i = 0; i < SET_PAGES; i++)
		if (!granting_mapped(door, page_of(s->set, i)))
			return false;
	return !hypercall_event(EVTCHNOP_status, &status) &&
	       status.status == EVTCHNSTAT_interdomain;
}

enum xenapt_status slow_go_up(unsigned int door)
{
	struct slow *s = &lanes[door];
	enum xenapt_status status;
	bool notify;

	if (!s->made || !is_taken(door))
		return XENAPT_E_GONE;
	status = xapt_child_connect(&s->child, &notify);
	if (status != XENAPT_OK) {
		events_send(s->port);
		return status;
	}
	xapt_child_publish(&s->child);
	/* Also without a request: it may have the state that the first device waits for. */
	events_send(s->port);
	/* What the connection before did not deliver is pending, and what came before this was not looked at. */
	if (s->child.vectors)
		door_interrupt(door, ~0ull >> (64 - s->child.vectors));
	door_connected(door);
	serve(door);
	return XENAPT_OK;
}
