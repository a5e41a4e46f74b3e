/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's half of the handshake. */
#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH	(3u * FAKE_PAGE)

static void put(struct guest *g, const char *node, uint64_t value)
{
	char path[128], text[24];

	snprintf(path, sizeof(path), FRONT_PATH "/%s", node);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	fake_write(g->f, PAIR_CHILD, path, text);
}

static uint32_t get(struct guest *g, const char *node)
{
	char path[128];
	const char *text;

	snprintf(path, sizeof(path), BACK_PATH "/%s", node);
	text = fake_read(g->f, PAIR_CHILD, path);
	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static void set_state(struct guest *g, unsigned int state)
{
	g->own = state;
	put(g, "state", state);
}

/* End this connection. False while the parent has not let go yet. */
static bool let_go(struct guest *g)
{
	g->next = 0;
	g->handle = 0;
	if (g->up && !child_down(&g->child))
		return false;
	g->up = false;
	return true;
}

static bool drop_buffer(struct guest *g)
{
	return !g->buffer.frames || child_forget(&(struct child){ .f = g->f, .dom = PAIR_CHILD },
						 &g->buffer);
}

static void connect_parent(struct guest *g)
{
	struct child *c = &g->child;

	if (!let_go(g))
		return;		/* look again when the parent has unmapped */
	g->epoch = get(g, "epoch");
	if (!child_up(c, g->f, PAIR_CHILD, PAIR_PARENT, get(g, "max-ring-page-order")))
		return;
	g->up = true;
	put(g, "version", 1);
	put(g, "ring-page-order", g->spoil_order ? g->spoil_order : c->order);
	for (uint32_t i = 0; i < 1u << c->order; i++) {
		char node[24];

		snprintf(node, sizeof(node), "ring-ref%u", i);
		put(g, node, c->ring_ref[i]);
	}
	put(g, "event-ref", c->event_ref);
	put(g, "mask-ref", c->mask_ref);
	put(g, "event-channel", c->port);
	put(g, "epoch", g->epoch);
	set_state(g, 3);
}

/* The buffer is made once: after a reconnection the same memory is offered again. */
static void connected(struct guest *g)
{
	if (!g->buffer.frames || g->buffer.ended)
		if (!child_describe(&g->child, &g->buffer, LENGTH, 0, true))
			return;
	g->connects++;
	g->next = XENAPT_REQ_OPEN;
	set_state(g, 4);
}

static void post(struct guest *g)
{
	struct xenapt_request q = { .type = g->next };

	q.u.named.handle = g->handle;
	if (q.type == XENAPT_REQ_OPEN) {
		memset(&q.u, 0, sizeof(q.u));
		q.u.open.wanted = LENGTH;
		q.u.open.least = LENGTH;
	} else if (q.type == XENAPT_REQ_OFFER) {
		q.u.offer.length = LENGTH;
		q.u.offer.directory = g->buffer.directory;
	}
	g->next = 0;
	child_queue(&g->child, &q);
	child_push(&g->child);
}

static void answered(struct guest *g, const struct xenapt_response *r)
{
	if (r->status != XENAPT_OK) {
		g->errors++;
		return;
	}
	if (r->type == XENAPT_REQ_OPEN) {
		g->handle = r->handle;
		g->slot = r->slot;
	}
	if (r->type < XENAPT_REQ_MAP)
		g->next = (uint8_t)(r->type + 1);
	else
		child_doorbell(&g->child, XENAPT_SIGNAL_APERTURE + g->slot);
}

static void collect(struct guest *g)
{
	struct xenapt_response r;

	do {
		while (child_collect(&g->child, &r))
			answered(g, &r);
	} while (child_rearm(&g->child));
}

/* What the parent's state means in each of ours. */
static void react(struct guest *g)
{
	unsigned int back = get(g, "state");
	bool again = back == 2 && get(g, "epoch") != g->epoch;

	if (g->unloading || ((back == 5 || back == 6) && g->own != 1 && g->own != 6)) {
		if (g->own == 3 || g->own == 4)
			set_state(g, 5);
		/* pages are free once the parent has let go */
		if (back != 4 && let_go(g) && drop_buffer(g) && g->own != 6)
			set_state(g, 6);
		else if (g->own == 1)
			set_state(g, 6);
		return;
	}
	if (again && g->own != 6)
		connect_parent(g);
	else if (back == 4 && g->own == 3)
		connected(g);
}

static bool step(void *ctx)
{
	struct guest *g = ctx;

	if (fake_watch_fired(g->f, g->watch)) {
		react(g);
		return true;
	}
	if (g->own != 4 || !g->up)
		return false;
	if (g->next) {
		post(g);
		return true;
	}
	if (!fake_port_take(g->f, PAIR_CHILD, g->child.port))
		return false;
	collect(g);
	return true;
}

void guest_load(struct guest *g, struct fake *f)
{
	struct buffer kept = g->buffer;

	*g = (struct guest){ .f = f, .buffer = kept };
	set_state(g, 1);
	g->watch = fake_watch(f, PAIR_CHILD, BACK_PATH);
	g->actor = fake_enter(f, step, g);
}

void guest_unload(struct guest *g)
{
	g->unloading = true;
	fake_watch_poke(g->f, g->watch);
}

bool guest_gone(const struct guest *g)
{
	return g->own == 6 && !g->up;
}

void guest_vanish(struct guest *g)
{
	fake_leave(g->f, g->actor);
	fake_unwatch(g->f, g->watch);
}

bool guest_settled(const struct guest *g)
{
	return g->own == 4 && g->up && g->handle && g->buffer.refs &&
	       fake_grant_mapped(g->f, PAIR_CHILD, g->buffer.refs[2]) &&
	       fake_grant_mapped(g->f, PAIR_CHILD, g->child.event_ref);
}

bool guest_collect(struct guest *g)
{
	return let_go(g) && drop_buffer(g);
}
