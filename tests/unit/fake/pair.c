/* SPDX-License-Identifier: GPL-2.0-only */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the core's calls ------------------------------------------------------ */

static int host_fetch(void *host, const uint32_t *refs, uint32_t n, void *dst, uint32_t *bad)
{
	struct fake_host *h = host;

	return fake_copy(h->f, h->dom, h->child, refs, n, dst, bad);
}

static int host_map(void *host, const uint32_t *refs, uint32_t n, bool writable, void **addr,
		    uint32_t *bad)
{
	struct fake_host *h = host;

	return fake_map(h->f, h->dom, h->child, refs, n, writable, addr, bad);
}

static int host_unmap(void *host, void *addr, uint32_t n)
{
	struct fake_host *h = host;

	return fake_unmap(h->f, h->dom, addr, n);
}

static void host_notify(void *host)
{
	struct fake_host *h = host;

	fake_port_send(h->f, h->dom, h->port);
}

static void *host_alloc(void *host, uint64_t bytes)
{
	return fake_alloc(((struct fake_host *)host)->f, bytes);
}

static void host_free(void *host, void *memory, uint64_t bytes)
{
	fake_free(((struct fake_host *)host)->f, memory, bytes);
}

static uint64_t host_random(void *host)
{
	return fake_random(((struct fake_host *)host)->f);
}

const struct xapt_host_ops fake_host_ops = {
	.fetch = host_fetch,
	.map = host_map,
	.unmap = host_unmap,
	.give = fake_give,
	.take_back = fake_take_back,
	.givable = fake_givable,
	.notify = host_notify,
	.alloc = host_alloc,
	.free = host_free,
	.random = host_random,
};

/* ---- a device type --------------------------------------------------------- */

static int on_mapped(void *opaque, unsigned int slot, void *data, uint64_t length, uint32_t tag,
		     uint32_t flags)
{
	struct recorder *r = opaque;

	if (r->refuse)
		return -1;
	r->mapped++;
	r->data[slot] = data;
	r->length[slot] = length;
	r->tag[slot] = tag;
	r->flags[slot] = flags;
	return 0;
}

static int on_withdraw(void *opaque, unsigned int slot, bool force)
{
	struct recorder *r = opaque;

	if (r->fails)
		xapt_device_fail(r->fails, XENAPT_E_DEVICE);
	if (r->busy && !force)
		return 1;
	r->withdrawn++;
	r->forced += force;
	r->data[slot] = NULL;
	return 0;
}

static void on_doorbell(void *opaque, unsigned int slot)
{
	((struct recorder *)opaque)->doorbell[slot]++;
}

static void on_signal(void *opaque, unsigned int n)
{
	((struct recorder *)opaque)->signal[n]++;
}

const struct xapt_device_ops recorder_ops = {
	.mapped = on_mapped,
	.withdraw = on_withdraw,
	.doorbell = on_doorbell,
	.signal = on_signal,
};

/* ---- both ends ------------------------------------------------------------- */

static void must(bool value, const char *what)
{
	if (value)
		return;
	fprintf(stderr, "pair: %s failed\n", what);
	abort();
}

static void connect_device(struct pair *p, const struct pair_options *o)
{
	struct child *c = &p->child;
	struct xapt_limits limits = {
		.max_size = o->max_size ? o->max_size : XENAPT_MAX_SIZE,
		.max_apertures = o->max_apertures ? o->max_apertures : XENAPT_MAX_APERTURES,
		.unaligned = !o->aligned,
		.read_only = !o->aligned,
		.parent_memory = !o->aligned,
		.pages_left = p->pages_left,
	};
	uint32_t bad;

	must(!fake_map(p->f, PAIR_PARENT, c->dom, c->ring_ref, 1u << c->order, true, &p->ring, &bad),
	     "ring");
	must(!fake_map(p->f, PAIR_PARENT, c->dom, &c->event_ref, 1, true, &p->event, &bad), "event");
	must(!fake_map(p->f, PAIR_PARENT, c->dom, &c->mask_ref, 1, false, &p->mask, &bad), "mask");
	p->host.port = fake_port_bind(p->f, PAIR_PARENT, c->dom, c->port);
	must(p->host.port, "bind");
	xapt_device_init(&p->device, &fake_host_ops, &p->host, &recorder_ops, &p->type, &limits);
	xapt_device_connect(&p->device, p->ring, c->order, p->event, p->mask);
}

struct pair *pair_new(const struct pair_options *options)
{
	struct pair *p = calloc(1, sizeof(*p));
	unsigned int dom = options->child ? options->child : PAIR_CHILD;

	must(p, "memory");
	p->f = options->f;
	if (!p->f) {
		p->f = fake_new(1);
		p->owns_fake = true;
		fake_domain_create(p->f, PAIR_PARENT);
		fake_domain_create(p->f, dom);
	}
	p->own_pages = options->pages ? options->pages : XENAPT_MAX_PAGES;
	p->pages_left = options->pages_left ? options->pages_left : &p->own_pages;
	p->host = (struct fake_host){ .f = p->f, .dom = PAIR_PARENT, .child = dom,
				      .givable = 2 * FAKE_GIFT_PAGES };
	fake_count(p->f, &p->start);
	must(child_up(&p->child, p->f, dom, PAIR_PARENT, options->order), "child_up");
	connect_device(p, options);
	pair_service(p);
	return p;
}

bool pair_end(struct pair *p)
{
	struct fake_counts end;
	bool good;

	xapt_device_close(&p->device);
	fake_unmap(p->f, PAIR_PARENT, p->mask, 1);
	fake_unmap(p->f, PAIR_PARENT, p->event, 1);
	fake_unmap(p->f, PAIR_PARENT, p->ring, 1u << p->child.order);
	fake_port_close(p->f, PAIR_PARENT, p->host.port);
	good = child_down(&p->child);
	fake_count(p->f, &end);
	good &= fake_same(&p->start, &end);
	if (p->owns_fake)
		fake_delete(p->f);
	free(p);
	return good;
}

void pair_service(struct pair *p)
{
	if (!fake_port_take(p->f, PAIR_PARENT, p->host.port))
		return;
	while (xapt_device_service(&p->device, 4))
		;
}

uint32_t pair_call(struct pair *p, const struct xenapt_request *q, struct xenapt_response *r)
{
	fake_port_take(p->f, p->child.dom, p->child.port);
	child_queue(&p->child, q);
	child_push(&p->child);
	pair_service(p);
	*r = (struct xenapt_response){ .status = UINT32_MAX };
	/* without an event a child that lives would never have looked */
	if (fake_domain_alive(p->f, p->child.dom) &&
	    !fake_port_take(p->f, p->child.dom, p->child.port))
		return UINT32_MAX;
	if (!child_collect(&p->child, r) || r->id != p->child.last_id || r->type != q->type)
		return UINT32_MAX;
	child_rearm(&p->child);
	return r->status;
}

uint32_t pair_open(struct pair *p, uint64_t wanted, uint64_t least, struct xenapt_response *r)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = wanted;
	q.u.open.least = least;
	q.u.open.tag = 77;
	return pair_call(p, &q, r);
}

uint32_t pair_open_as(struct pair *p, uint64_t wanted, uint32_t flags, struct xenapt_response *r)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = wanted;
	q.u.open.flags = flags;
	return pair_call(p, &q, r);
}

uint32_t pair_offer(struct pair *p, uint64_t handle, uint64_t length, uint32_t offset,
		    uint32_t directory, struct xenapt_response *r)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OFFER };

	q.u.offer.handle = handle;
	q.u.offer.length = length;
	q.u.offer.offset = offset;
	q.u.offer.directory = directory;
	return pair_call(p, &q, r);
}

uint32_t pair_named(struct pair *p, uint8_t type, uint64_t handle, struct xenapt_response *r)
{
	struct xenapt_request q = { .type = type };

	q.u.named.handle = handle;
	return pair_call(p, &q, r);
}
