// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both doors of trapped devices: the guest's vCPUs and Xen's ioreq server before them, and behind them
 * the parents of slow lanes, in domain 0. What they do is the driver's to choose.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "ring.h"
#include "world.h"

#include <xen/errno.h>
#include <xen/hvm/ioreq.h>

#define PAGE		4096u
#define TABLE		(PAGE / sizeof(struct grant_entry_v1))
#define SERVER		3u
#define SHARED_PAGES	5u	/* ring, event, mask, record */
#define LEFT		256u

/* ---- frames ---- */

static const void *frames[256];
static struct grant_entry_v1 *table;
static unsigned int holders[TABLE];
static int memory = -1;
static void *windows[2];	/* guest memory that is mapped somewhere */
unsigned int world_windows, parents_answered;

uint64_t machine_frame(const void *page)
{
	unsigned int i;

	for (i = 0; frames[i] && frames[i] != page; i++)
		WORLD_MUST(i < 255);
	frames[i] = page;
	return i;
}

long machine_map_own(void *window, uint64_t frame)
{
	(void)frame;
	table = window;
	return 0;
}

static int window_of(const void *window)
{
	int i;

	for (i = 0; i < 2 && windows[i] != window; i++)
		;
	return i < 2 ? i : -1;
}

static struct {
	bool there, enabled;
	unsigned int ranges;
	struct { bool used; uint32_t type; uint64_t first, last; } range[16];
	struct ioreq *slot;
} server;

static long map_guest(void *window, uint64_t frame, bool write)
{
	int i = window_of(NULL);

	WORLD_MUST(window_of(window) < 0 && i >= 0);
	if (frame >= WORLD_MEMORY || (xen_hostile && !world_mood(16)))
		return -XEN_EINVAL;
	if (memory < 0) {
		memory = memfd_create("memory", 0);
		if (memory < 0 || ftruncate(memory, WORLD_MEMORY * PAGE))
			abort();
	}
	if (mmap(window, PAGE, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED | MAP_FIXED, memory,
		 (off_t)frame * PAGE) == MAP_FAILED)
		abort();
	windows[i] = window;
	world_windows++;
	return 0;
}

long machine_map(void *window, uint32_t domain, uint64_t frame, enum machine_how how)
{
	unsigned int i;

	WORLD_MUST(domain == WORLD_GUEST);
	if (how != MACHINE_RESOURCE)
		return map_guest(window, frame, how == MACHINE_WRITE);
	WORLD_MUST(server.there && frame == 99);
	if (mprotect(window, PAGE, PROT_READ | PROT_WRITE))
		abort();
	server.slot = window;
	for (i = 0; i < WORLD_VCPUS; i++)
		server.slot[i].vp_eport = WORLD_VCPU_PORT + i;
	return 0;
}

void machine_unmap(void *window)
{
	int i = window_of(window);

	if (window == server.slot)
		server.slot = NULL;
	if (i >= 0) {
		windows[i] = NULL;
		world_windows--;
	}
	if (mmap(window, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}

/* ---- the ioreq server ---- */

static long create(struct xen_dm_op_create_ioreq_server *c)
{
	WORLD_MUST(!server.there && !c->handle_bufioreq);
	server.there = true;
	server.enabled = false;
	c->id = SERVER;
	return 0;
}

static long destroy(void)
{
	WORLD_MUST(server.there);
	memset(&server.range, 0, sizeof(server.range));
	server.there = server.enabled = false;
	server.ranges = 0;
	return 0;
}

static long map_range(const struct xen_dm_op_ioreq_server_range *r)
{
	unsigned int i, hole = 16;

	WORLD_MUST(r->start <= r->end);
	for (i = 0; i < 16; i++) {
		if (!server.range[i].used)
			hole = i;
		else if (server.range[i].type == r->type && server.range[i].first <= r->end &&
			 r->start <= server.range[i].last)
			return -XEN_EEXIST;
	}
	WORLD_MUST(hole < 16);
	server.range[hole].used = true;
	server.range[hole].type = r->type;
	server.range[hole].first = r->start;
	server.range[hole].last = r->end;
	server.ranges++;
	return 0;
}

static long unmap_range(const struct xen_dm_op_ioreq_server_range *r)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (!server.range[i].used || server.range[i].type != r->type ||
		    server.range[i].first != r->start || server.range[i].last != r->end)
			continue;
		server.range[i].used = false;
		server.ranges--;
		return 0;
	}
	return -XEN_ENOENT;
}

long hypercall_dm(uint32_t domain, struct xen_dm_op_buf *buffer)
{
	struct xen_dm_op *op = buffer->h.p;
	bool undoes = op->op == XEN_DMOP_destroy_ioreq_server ||
		      op->op == XEN_DMOP_unmap_io_range_from_ioreq_server ||
		      (op->op == XEN_DMOP_set_ioreq_server_state && !op->u.set_ioreq_server_state.enabled);

	WORLD_MUST(domain == WORLD_GUEST && buffer->size == sizeof(*op));
	if (xen_hostile && !undoes && !world_mood(20))
		return -XEN_EPERM;
	switch (op->op) {
	case XEN_DMOP_create_ioreq_server:
		return create(&op->u.create_ioreq_server);
	case XEN_DMOP_nr_vcpus:
		op->u.nr_vcpus.vcpus = WORLD_VCPUS;
		return 0;
	case XEN_DMOP_set_ioreq_server_state:
		WORLD_MUST(server.there && op->u.set_ioreq_server_state.id == SERVER);
		server.enabled = op->u.set_ioreq_server_state.enabled;
		return 0;
	case XEN_DMOP_map_io_range_to_ioreq_server:
		WORLD_MUST(op->u.map_io_range_to_ioreq_server.id == SERVER);
		return server.there ? map_range(&op->u.map_io_range_to_ioreq_server) : -XEN_ENOENT;
	case XEN_DMOP_unmap_io_range_from_ioreq_server:
		return server.there ? unmap_range(&op->u.unmap_io_range_from_ioreq_server) : -XEN_ENOENT;
	case XEN_DMOP_destroy_ioreq_server:
		return destroy();
	}
	WORLD_MUST(!"a call of ioreq.c");
	return -1;
}

long hypercall_memory(unsigned int command, void *argument)
{
	struct xen_mem_acquire_resource *a = argument;
	xen_pfn_t *frame = a->frame_list.p;

	WORLD_MUST(command == XENMEM_acquire_resource && server.there && a->id == SERVER);
	if (xen_hostile && !world_mood(20))
		return -XEN_EINVAL;
	*frame = 99;
	return 0;
}

bool guest_access(unsigned int vcpu, const struct ioreq *access)
{
	struct ioreq *s = server.slot ? &server.slot[vcpu] : NULL;

	if (!s || !server.enabled || !server.ranges || s->state != STATE_IOREQ_NONE)
		return false;
	*s = *access;
	s->vp_eport = WORLD_VCPU_PORT + vcpu;
	s->state = STATE_IOREQ_READY;
	xen_fire_remote(WORLD_VCPU_PORT + vcpu);
	return true;
}

/* The vCPUs that have their answer go on. */
unsigned int guest_goes_on(void)
{
	unsigned int v, n = 0;

	for (v = 0; server.slot && v < WORLD_VCPUS; v++) {
		if (server.slot[v].state != STATE_IORESP_READY)
			continue;
		server.slot[v].state = STATE_IOREQ_NONE;
		n++;
	}
	return n;
}

/* Waiting for what can be answered soon. */
bool guest_waits(void)
{
	unsigned int v;

	for (v = 0; server.slot && server.enabled && v < WORLD_VCPUS; v++)
		if ((server.slot[v].state == STATE_IOREQ_READY ||
		     server.slot[v].state == STATE_IOREQ_INPROCESS) && server.slot[v].count < 64)
			return true;
	return false;
}

/* Octets of the page: Xen's and ours, but nothing that can be trusted to make sense. */
void guest_scribble(unsigned int at, uint8_t value)
{
	if (server.slot)
		((uint8_t *)server.slot)[at % (WORLD_VCPUS * sizeof(struct ioreq))] = value;
}

unsigned int guest_ranges(void)
{
	return server.ranges;
}

bool guest_served(void)
{
	return server.there;
}

/* ---- parents ---- */

static struct parent {
	bool up;
	uint32_t ref[SHARED_PAGES];
	uint32_t port;
	RING_IDX cons, prod;
} parents[WORLD_DOORS];
static uint32_t left[LEFT];	/* references that a parent did not let go of */
static unsigned int nr_left;

#define BACK	"/local/domain/0/backend/aperture/9/%u/%s"
#define FRONT	"device/aperture/%u/%s"

static const char *look(const char *format, unsigned int d, const char *node)
{
	char path[96];

	snprintf(path, sizeof(path), format, d, node);
	return store_look(path);
}

static void put(const char *format, unsigned int d, const char *node, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), format, d, node);
	store_put(path, value);
}

static bool is(const char *format, unsigned int d, const char *node, const char *value)
{
	const char *now = look(format, d, node);

	return now && !strcmp(now, value);
}

static void hold(uint32_t ref)
{
	holders[ref]++;
	table[ref].flags |= GTF_reading | (table[ref].flags & GTF_readonly ? 0 : GTF_writing);
}

static void unhold(uint32_t ref)
{
	WORLD_MUST(holders[ref]);
	if (!--holders[ref])
		table[ref].flags &= (uint16_t)~(GTF_reading | GTF_writing);
}

void parent_let_go(unsigned int d, bool properly)
{
	struct parent *p = &parents[d];
	unsigned int i;

	if (!p->up)
		return;
	p->up = false;
	xen_bound(p->port, false);
	for (i = 0; i < SHARED_PAGES; i++) {
		if (properly || nr_left == LEFT)
			unhold(p->ref[i]);
		else
			left[nr_left++] = p->ref[i];
	}
}

void parents_release(void)
{
	while (nr_left)
		unhold(left[--nr_left]);
}

void parent_offer(unsigned int d)
{
	const char *epoch = look(BACK, d, "epoch");
	char text[16];

	if (!look(BACK, d, "state"))
		return;
	parent_let_go(d, world_mood(8));
	snprintf(text, sizeof(text), "%u", epoch ? (unsigned int)atoi(epoch) % 1000000000u + 1 : 1);
	put(BACK, d, "epoch", text);
	put(BACK, d, "versions", world_mood(16) || !xen_hostile ? "1" : "2,7");
	put(BACK, d, "feature-operations", world_mood(16) || !xen_hostile ? "1" : "0");
	put(BACK, d, "state", "2");
}

static bool number(unsigned int d, const char *node, uint32_t *value)
{
	const char *text = look(FRONT, d, node);

	*value = text ? (uint32_t)atoi(text) : 0;
	return text;
}

void parent_connect(unsigned int d)
{
	static const char *const nodes[SHARED_PAGES] = { "ring-ref0", "event-ref", "mask-ref", "record-ref0",
							 "record-ref1" };
	struct parent *p = &parents[d];
	const char *epoch = look(BACK, d, "epoch");
	unsigned int i;

	if (p->up || !epoch || !is(BACK, d, "state", "2") || !is(FRONT, d, "state", "3") ||
	    !is(FRONT, d, "epoch", epoch) || !is(FRONT, d, "feature-operations", "1"))
		return;
	/* Nodes of a connection that is over are not taken back: mapping fails. */
	for (i = 0; i < SHARED_PAGES; i++)
		if (!number(d, nodes[i], &p->ref[i]) || p->ref[i] >= TABLE || !table[p->ref[i]].flags ||
		    table[p->ref[i]].domid || !number(d, "event-channel", &p->port) ||
		    !xen_bound(p->port, true)) {
			put(BACK, d, "state", "5");
			return;
		}
	for (i = 0; i < SHARED_PAGES; i++) {
		WORLD_MUST((table[p->ref[i]].flags & GTF_type_mask) == GTF_permit_access);
		WORLD_MUST((i == 2) == !!(table[p->ref[i]].flags & GTF_readonly));
		/* A page that somebody maps from before is not offered to anybody again. */
		WORLD_MUST(i > 2 || !holders[p->ref[i]]);
		hold(p->ref[i]);
	}
	p->up = true;
	p->cons = p->prod = 0;
	put(BACK, d, "version", "1");
	put(BACK, d, "state", "4");
}

static void *page_of(unsigned int d, unsigned int page)
{
	return (void *)frames[table[parents[d].ref[page]].frame];
}

/* Answer up to n; lies: some of them are not what they should be. */
bool parent_answer(unsigned int d, unsigned int n, bool lies)
{
	static const uint32_t statuses[] = { XENAPT_OK, XENAPT_OK, XENAPT_E_DECLINED, XENAPT_E_VALUE, 0xffffffff };
	struct parent *p = &parents[d];
	struct xenapt_sring *ring;
	bool any = false;

	if (!p->up)
		return false;
	ring = page_of(d, 0);
	/* It wrote over the index itself. */
	if (ring->req_prod - p->cons > 32)
		return false;
	for (; n-- && p->cons != ring->req_prod; p->cons++, any = true) {
		struct xenapt_request q = ring->ring[p->cons % 32].req;
		struct xenapt_response r = { .id = q.id, .type = q.type, .value = fuzz_value() };

		if (lies)
			r.status = statuses[world_mood(5)];
		if (lies && !world_mood(30))
			((uint8_t *)&r)[world_mood(12)] ^= 1u << world_mood(8);
		ring->ring[p->prod++ % 32].rsp = r;
	}
	parents_answered += any;
	ring->rsp_prod = p->prod + (lies && !world_mood(60) ? world_mood(100) : 0);
	ring->req_event = p->cons + 1;
	if (any)
		xen_fire(p->port);
	return any;
}

void parent_raise(unsigned int d, uint64_t vectors)
{
	struct xenapt_event_page *event;

	if (!parents[d].up)
		return;
	event = page_of(d, 1);
	event->interrupt[0] |= vectors;
	xen_fire(parents[d].port);
}

void parent_scribble(unsigned int d, unsigned int at, uint8_t value)
{
	unsigned int page = at / 64 % SHARED_PAGES;

	/* The mask page is read only. */
	if (!parents[d].up || page == 2)
		return;
	if (page == 3 && at % 64 >= 0x38)
		return;
	((uint8_t *)page_of(d, page))[at % 64] = value;
	xen_fire(parents[d].port);
}

/* As a sound parent does: what is asked for, and no more. True: it moved. */
bool parent_works(unsigned int d)
{
	if (parent_answer(d, 32, false))
		return true;
	if (is(BACK, d, "state", "1") && is(BACK, d, "online", "1")) {
		parent_offer(d);
		return true;
	}
	if (!is(BACK, d, "state", "2") || !is(FRONT, d, "state", "3") || parents[d].up)
		return false;
	parent_connect(d);
	return parents[d].up;
}

unsigned int parents_up(void)
{
	unsigned int d, n = 0;

	for (d = 0; d < WORLD_DOORS; d++)
		n += parents[d].up;
	return n;
}

/* Entries of the table that let somebody in. */
unsigned int grants_open(void)
{
	unsigned int ref, n = 0;

	for (ref = GNTTAB_NR_RESERVED_ENTRIES; table && ref < TABLE; ref++)
		n += !!table[ref].flags;
	return n;
}
