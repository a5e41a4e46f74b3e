/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's half, and the toolstack. */
#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t spoken[] = { 1 };

/* ---- toolstack ------------------------------------------------------------- */

static void put(struct fake *f, unsigned int dom, const char *top, const char *node,
		const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, node);
	fake_write(f, dom, path, value);
}

static void put_number(struct fake *f, unsigned int dom, const char *top, const char *node,
		       uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put(f, dom, top, node, text);
}

void toolstack_attach(struct fake *f)
{
	fake_permit(f, FRONT_PATH, PAIR_CHILD, PAIR_PARENT);
	fake_permit(f, BACK_PATH, PAIR_PARENT, PAIR_CHILD);
	put(f, 0, FRONT_PATH, "backend", BACK_PATH);
	put(f, 0, FRONT_PATH, "backend-id", "1");
	put(f, 0, BACK_PATH, "frontend", FRONT_PATH);
	put(f, 0, BACK_PATH, "frontend-id", "5");
	put(f, 0, BACK_PATH, "type", "mem");
	put(f, 0, BACK_PATH, "max-size", "65536");
	put(f, 0, BACK_PATH, "max-apertures", "2");
	put(f, 0, BACK_PATH, "online", "1");
	put(f, 0, FRONT_PATH, "state", "1");
	put(f, 0, BACK_PATH, "state", "1");
}

void toolstack_detach(struct fake *f)
{
	put(f, 0, BACK_PATH, "online", "0");
	put(f, 0, BACK_PATH, "state", "5");
}

void toolstack_remove(struct fake *f)
{
	fake_remove(f, 0, FRONT_PATH);
	fake_remove(f, 0, BACK_PATH);
}

static unsigned int state_of(struct fake *f, const char *path)
{
	const char *text = fake_read(f, 0, path);

	return text && text[0] >= '1' && text[0] <= '6' && !text[1] ? (unsigned int)(text[0] - '0') : 0;
}

unsigned int back_state(struct fake *f)
{
	return state_of(f, BACK_PATH "/state");
}

unsigned int front_state(struct fake *f)
{
	return state_of(f, FRONT_PATH "/state");
}

const char *back_error(struct fake *f)
{
	return fake_read(f, 0, BACK_PATH "/error");
}

/* ---- parent ---------------------------------------------------------------- */

static const char *read_front(void *ctx, const char *node)
{
	struct parent *p = ctx;
	char path[128];

	snprintf(path, sizeof(path), FRONT_PATH "/%s", node);
	return fake_read(p->f, PAIR_PARENT, path);
}

static void let_go(struct parent *p)
{
	if (p->served)
		xapt_device_close(&p->device);
	if (p->ring)
		fake_unmap(p->f, PAIR_PARENT, p->ring, 1u << p->order);
	if (p->event)
		fake_unmap(p->f, PAIR_PARENT, p->event, 1);
	if (p->mask)
		fake_unmap(p->f, PAIR_PARENT, p->mask, 1);
	if (p->host.port)
		fake_port_close(p->f, PAIR_PARENT, p->host.port);
	p->ring = p->event = p->mask = NULL;
	p->host.port = 0;
	p->served = false;
}

static void set_state(struct parent *p, unsigned int state)
{
	put_number(p->f, PAIR_PARENT, BACK_PATH, "state", state);
}

static void fail(struct parent *p, enum xenapt_status status)
{
	char text[40];

	snprintf(text, sizeof(text), "%s: test", xapt_status_name(status));
	put(p->f, PAIR_PARENT, BACK_PATH, "error", text);
	p->failed = true;
}

static void offer(struct parent *p)
{
	const char *last = fake_read(p->f, PAIR_PARENT, BACK_PATH "/epoch");

	let_go(p);
	p->epoch = (last ? (uint32_t)strtoul(last, NULL, 10) : 0) + 1;
	p->failed = p->restarted = false;
	fake_remove(p->f, PAIR_PARENT, BACK_PATH "/error");
	put(p->f, PAIR_PARENT, BACK_PATH, "versions", "1");
	put(p->f, PAIR_PARENT, BACK_PATH, "max-ring-page-order", "2");
	put_number(p->f, PAIR_PARENT, BACK_PATH, "epoch", p->epoch);
	set_state(p, XAPT_BUS_INIT_WAIT);
}

static bool map_all(struct parent *p, const struct xapt_frontend *fe)
{
	uint32_t bad;

	p->order = fe->ring_order;
	return !fake_map(p->f, PAIR_PARENT, PAIR_CHILD, fe->ring_ref, 1u << fe->ring_order, true,
			 &p->ring, &bad) &&
	       !fake_map(p->f, PAIR_PARENT, PAIR_CHILD, &fe->event_ref, 1, true, &p->event, &bad) &&
	       !fake_map(p->f, PAIR_PARENT, PAIR_CHILD, &fe->mask_ref, 1, false, &p->mask, &bad) &&
	       (p->host.port = fake_port_bind(p->f, PAIR_PARENT, PAIR_CHILD, fe->port));
}

static void serve(struct parent *p, const struct xapt_frontend *fe)
{
	struct xapt_limits limits = { .max_size = 65536, .max_apertures = 2,
				      .unaligned = fe->unaligned, .pages_left = &p->pages_left };

	xapt_device_init(&p->device, &fake_host_ops, &p->host, &recorder_ops, &p->type, &limits);
	xapt_device_connect(&p->device, p->ring, p->order, p->event, p->mask);
	p->served = true;
	p->connects++;
	put(p->f, PAIR_PARENT, BACK_PATH, "version", "1");
	set_state(p, XAPT_BUS_CONNECTED);
}

static void connect_child(struct parent *p)
{
	struct xapt_offerings offering = { spoken, 1, p->epoch, 2 };
	struct xapt_problem problem;
	struct xapt_frontend fe;
	enum xenapt_status status = xapt_read_frontend(read_front, p, &offering, &fe, &problem);

	if (status == XENAPT_E_GONE)
		return;
	if (status != XENAPT_OK) {
		fail(p, status);
	} else if (!map_all(p, &fe)) {
		let_go(p);
		fail(p, XENAPT_E_GRANT);
	} else {
		serve(p, &fe);
	}
	p->look = true;
}

static struct xapt_view view(struct parent *p)
{
	const char *online = fake_read(p->f, PAIR_PARENT, BACK_PATH "/online");
	const char *own = fake_read(p->f, PAIR_PARENT, BACK_PATH "/state");
	const char *peer = read_front(p, "state");
	uint32_t state;

	return (struct xapt_view){
		.own = xapt_parse_u32(own, 1, 6, &state) ? state : XAPT_BUS_UNKNOWN,
		.peer = xapt_parse_u32(peer, 1, 6, &state) ? state : XAPT_BUS_UNKNOWN,
		.online = online && !strcmp(online, "1"),
		.served = p->served, .failed = p->failed, .restarted = p->restarted,
	};
}

static void act(struct parent *p)
{
	bool dead = !fake_domain_alive(p->f, PAIR_CHILD);
	struct xapt_view v;

	if (!dead && !fake_read(p->f, PAIR_PARENT, BACK_PATH "/state")) {
		let_go(p);
		return;
	}
	v = view(p);
	p->actions++;
	switch (xapt_handshake(&v, dead)) {
	case XAPT_WAIT:
		return;
	case XAPT_OFFER:
		offer(p);
		break;
	case XAPT_CONNECT:
		connect_child(p);
		return;
	case XAPT_CLOSE:
		let_go(p);
		set_state(p, XAPT_BUS_CLOSING);
		break;
	case XAPT_FINISH:
		let_go(p);
		set_state(p, XAPT_BUS_CLOSED);
		break;
	case XAPT_REMOVE:
		let_go(p);
		fake_remove(p->f, PAIR_PARENT, BACK_PATH);
		return;
	}
	p->look = true;
}

static bool step(void *ctx)
{
	struct parent *p = ctx;

	for (unsigned int i = 0; i < 3; i++)
		p->look |= fake_watch_fired(p->f, p->watch[i]);
	if (p->look) {
		p->look = false;
		act(p);
		return true;
	}
	if (!p->served || !fake_port_take(p->f, PAIR_PARENT, p->host.port))
		return false;
	while (xapt_device_service(&p->device, 3))
		;
	if (p->device.status != XENAPT_OK && !p->failed) {
		fail(p, p->device.status);
		p->look = true;
	}
	return true;
}

void parent_start(struct parent *p, struct fake *f)
{
	const char *epoch = fake_read(f, PAIR_PARENT, BACK_PATH "/epoch");

	*p = (struct parent){ .f = f, .restarted = epoch != NULL, .pages_left = 64 };
	p->host = (struct fake_host){ .f = f, .dom = PAIR_PARENT, .child = PAIR_CHILD };
	p->watch[0] = fake_watch(f, PAIR_PARENT, BACK_PATH);
	p->watch[1] = fake_watch(f, PAIR_PARENT, FRONT_PATH "/state");
	p->watch[2] = fake_watch(f, PAIR_PARENT, "@releaseDomain");
	p->actor = fake_enter(f, step, p);
}

void parent_kill(struct parent *p)
{
	fake_leave(p->f, p->actor);
	let_go(p);
	for (unsigned int i = 0; i < 3; i++)
		fake_unwatch(p->f, p->watch[i]);
}
