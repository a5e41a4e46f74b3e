// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of an operation: loop_turn() finds the port's bit, lane_serve() its device, the core
 * does the rest and lane_notify() sends the answer's event. Nothing on it depends on how many
 * devices there are, but for the look who is due.
 */
#include "lane.h"

#include "clock.h"
#include "device.h"
#include "events.h"
#include "loop.h"
#include "text.h"
#include "trap.h"

#include <xen/errno.h>

struct lane {
	bool used;
	uint32_t port;
	uint64_t who;			/* TRAP_SERVES() */
	uint64_t due;
	uint64_t rare;			/* sum of the counters that seldom change, as published */
	struct xenapt_record *record;
	struct xapt_device device;
	struct xapt_operations operations;
};

uint64_t lane_more;
uint64_t lane_due;
uint64_t lane_ports;

static struct lane lanes[LANES];
static struct lane *by_port[EVENT_PORTS];
bool lane_failing;

/* ---- the core's world ---- */

static void lane_notify(void *host)
{
	events_send(((struct lane *)host)->port);
}

static uint64_t lane_clock(void *host)
{
	(void)host;
	return clock_now();
}

/* A fast lane has no apertures: these are for the type's sake. */
static int no_fetch(void *host, const uint32_t *refs, uint32_t n, void *to, uint32_t *bad)
{
	(void)host, (void)refs, (void)n, (void)to;
	*bad = 0;
	return -1;
}

static int no_map(void *host, const uint32_t *refs, uint32_t n, bool writable, void **addr,
		  uint32_t *bad)
{
	(void)host, (void)refs, (void)n, (void)writable, (void)addr;
	*bad = 0;
	return -1;
}

static int no_unmap(void *host, void *addr, uint32_t n)
{
	(void)host, (void)addr, (void)n;
	return 0;
}

static void *no_alloc(void *host, uint64_t octets)
{
	(void)host, (void)octets;
	return NULL;
}

static void no_free(void *host, void *memory, uint64_t octets)
{
	(void)host, (void)memory, (void)octets;
}

static const struct xapt_host_ops host_ops = {
	.fetch = no_fetch,
	.map = no_map,
	.unmap = no_unmap,
	.notify = lane_notify,
	.alloc = no_alloc,
	.free = no_free,
	.random = lane_clock,	/* for handles, of which there are none */
	.clock = lane_clock,
};

static int no_mapped(void *opaque, unsigned int slot, void *data, uint64_t length, uint32_t tag,
		     uint32_t flags)
{
	(void)opaque, (void)slot, (void)data, (void)length, (void)tag, (void)flags;
	return -1;
}

static int no_withdraw(void *opaque, unsigned int slot, bool force)
{
	(void)opaque, (void)slot, (void)force;
	return 0;
}

static void no_doorbell(void *opaque, unsigned int n)
{
	(void)opaque, (void)n;
}

static const struct xapt_device_ops device_ops = {
	.mapped = no_mapped,
	.withdraw = no_withdraw,
	.doorbell = no_doorbell,
	.signal = no_doorbell,
};

/* ---- serving ---- */

static void publish_rare(struct lane *l, const struct xapt_operation_counters *c)
{
	volatile struct xenapt_fast_counters *to = &l->record->fast;

	to->declined = c->declined;
	to->repeated = c->repeated;
	to->refused = c->refused;
	to->handed_over = c->handed_over;
	to->received = c->received;
	to->revoked = c->revoked;
	to->lost = c->lost;
}

/* The guest's copy of the counters: it may write there, we never read. */
static void publish(struct lane *l)
{
	const struct xapt_operation_counters *c = &l->operations.count;
	volatile struct xenapt_fast_counters *to = &l->record->fast;
	uint64_t rare = c->declined + c->repeated + c->refused + c->handed_over + c->received +
			c->revoked + c->lost;

	/* They only grow: the same sum is the same counters. */
	if (rare != l->rare) {
		l->rare = rare;
		publish_rare(l, c);
	}
	to->hits = c->executed;
	to->commits = c->commits;
	to->injected = l->device.signals.count.notified;
	to->coalesced = l->device.signals.count.coalesced;
	to->wakes = loop_count.wakes;
	to->spins = loop_count.spins;
	to->blocks = loop_count.blocks;
}

static void find_due(void)
{
	uint64_t left;

	lane_due = UINT64_MAX;
	for (left = lane_ports; left; left &= left - 1) {
		const struct lane *l = by_port[__builtin_ctzll(left)];

		if (l->due < lane_due)
			lane_due = l->due;
	}
}

static bool turn(struct lane *l, bool event)
{
	return event ? xapt_device_service(&l->device, LANE_BUDGET) :
		       xapt_device_tick(&l->device, LANE_BUDGET);
}

static void serve(struct lane *l, bool event)
{
	uint64_t due = l->due;

	trap_serves = l->who;
	if (turn(l, event))
		lane_more |= EVENT_BIT(l->port);
	else
		lane_more &= ~EVENT_BIT(l->port);
	l->due = xapt_device_due(&l->device);
	publish(l);
	if (l->device.status != XENAPT_OK) {
		lane_failing = true;
		l->due = UINT64_MAX;
	}
	if (l->due != due)
		find_due();
	trap_serves = 0;
}

/* Those whose time has come; and the next time. */
static uint64_t look_for_due(void)
{
	uint64_t left, bits = 0, now = lane_due == UINT64_MAX ? 0 : clock_now();

	for (left = lane_ports; left; left &= left - 1) {
		unsigned int port = (unsigned int)__builtin_ctzll(left);

		if (by_port[port]->due <= now)
			bits |= EVENT_BIT(port);
	}
	return bits;
}

void lane_serve(uint64_t ready)
{
	uint64_t todo = (ready | lane_more) & lane_ports;

	if (lane_due != UINT64_MAX)
		todo |= look_for_due();
	for (; todo; todo &= todo - 1) {
		unsigned int port = (unsigned int)__builtin_ctzll(todo);

		serve(by_port[port], (ready | lane_more) >> port & 1);
	}
}

bool lane_failed(void)
{
	bool was = lane_failing;

	lane_failing = false;
	return was;
}

enum xenapt_status lane_status(unsigned int lane)
{
	return lanes[lane].device.status;
}

bool lane_ended_by_child(unsigned int lane)
{
	return lanes[lane].device.ended_by_child;
}

/* ---- coming and going ---- */

void lane_init(void)
{
	lane_due = UINT64_MAX;
}

static const char *const window_node[GRANT_WINDOWS] = {
	XENAPT_NODE_RING_REF "0", XENAPT_NODE_EVENT_REF, XENAPT_NODE_MASK_REF,
	XENAPT_NODE_RECORD_REF "0", XENAPT_NODE_RECORD_REF "1",
};

static void start(struct lane *l, unsigned int number, const struct lane_setup *s)
{
	const struct xapt_operations_setup setup = {
		.model = s->model,
		.record = grants_page(number, GRANT_RECORD),
		.me = XENAPT_OWNER_FAST,
		.revoke_ns = s->revoke_ns,
	};
	static uint64_t no_pages;
	static const struct xapt_limits limits = { .pages_left = &no_pages };

	l->record = setup.record;
	l->record->fast.restarts = trap_restarts();
	l->record->fast.started = trap_started();
	xapt_operations_init(&l->operations, &setup);
	xapt_device_init(&l->device, &host_ops, l, &device_ops, l, &limits);
	xapt_device_operations(&l->device, &l->operations, true);
	trap_serves = l->who;
	xapt_device_connect(&l->device, grants_page(number, GRANT_RING), 0,
			    grants_page(number, GRANT_EVENT), grants_page(number, GRANT_MASK));
	trap_serves = 0;
}

enum xenapt_status lane_connect(unsigned int number, const struct lane_setup *s, const char **what,
				int *detail)
{
	struct lane *l = &lanes[number];
	unsigned int bad;
	int port;

	if (grants_map(number, s->domain, s->refs, &bad, detail)) {
		*what = window_node[bad];
		return XENAPT_E_GRANT;
	}
	port = events_bind(s->domain, s->port);
	if (port < 0) {
		grants_unmap(number);
		*what = XENAPT_NODE_EVENT_CHANNEL;
		*detail = port;
		return XENAPT_E_NODE;
	}
	memset(l, 0, sizeof(*l));
	l->used = true;
	l->port = (uint32_t)port;
	l->rare = UINT64_MAX;
	l->who = TRAP_SERVES(s->domain, s->devid);
	start(l, number, s);
	by_port[port] = l;
	lane_ports |= EVENT_BIT(port);
	/* Xen fires the port that was bound: the first turn comes by itself. */
	l->due = xapt_device_due(&l->device);
	find_due();
	return XENAPT_OK;
}

void lane_end(unsigned int number)
{
	struct lane *l = &lanes[number];

	if (!l->used)
		return;
	lane_ports &= ~EVENT_BIT(l->port);
	lane_more &= ~EVENT_BIT(l->port);
	by_port[l->port] = NULL;
	find_due();
	trap_serves = l->who;
	if (l->device.status == XENAPT_OK)
		xapt_device_leave(&l->device);
	publish(l);
	xapt_device_close(&l->device);
	trap_serves = 0;
	events_close(l->port);
	grants_unmap(number);
	l->used = false;
}
