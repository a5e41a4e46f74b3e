/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile child: the input is a program that writes requests, indices, event page and
 * directory as it likes, ends grants, and makes calls of the fake fail, while the
 * device is served. Whatever it does, the device's books balance after every step
 * and nothing is left behind at the end.
 */
#include "fuzz.h"

#include "../unit/fake/pair.h"

#define PAGES	40u	/* the guest's budget */

static struct fake *fake;
static struct pair *pair;
static struct buffer buffer;
static uint64_t handles[8], answered;
static unsigned int inputs;

static void start(void)
{
	if (fake && inputs++ % 512 == 511) {
		fake_delete(fake);
		fake = NULL;
	}
	if (!fake) {
		fake = fake_new(1);
		fake_domain_create(fake, PAIR_PARENT);
		fake_domain_create(fake, PAIR_CHILD);
	}
	pair = pair_new(&(struct pair_options){ .f = fake, .pages = PAGES, .max_apertures = 4 });
	MUST(child_describe(&pair->child, &buffer, 12 * FAKE_PAGE, 0, true));
	memset(handles, 0, sizeof(handles));
	answered = 0;
}

/* What the core says of itself, and what the fake says of it. */
static void check_books(void)
{
	const struct xapt_device *d = &pair->device;
	struct fake_counts now;
	uint64_t mapped = 0, refs = 0;

	for (unsigned int i = 0; i < XENAPT_MAX_APERTURES; i++) {
		const struct xapt_aperture *a = &d->aperture[i];

		MUST(a->state <= XENAPT_STATE_WITHDRAWN);
		MUST((a->state == XENAPT_STATE_NONE) == !a->handle);
		MUST(!a->map == (a->state != XENAPT_STATE_MAPPED) || a->state == XENAPT_STATE_OFFERED);
		mapped += a->map ? a->pages : 0;
		refs += !!a->refs;
	}
	fake_count(fake, &now);
	MUST(pair->own_pages + mapped == PAGES);
	MUST(d->signals.count.mapped_pages == mapped);
	MUST(now.mapped == mapped + 3);
	MUST(now.allocations == refs);
	MUST(now.misuse == 0);
	MUST(d->signals.count.published ==
	     d->signals.count.notified + d->signals.count.suppressed);
	MUST(d->signals.count.requests == d->signals.count.responses);
}

/* A request that is near to sense. */
static void make_request(struct input *in, struct xenapt_request *q)
{
	uint64_t how = take(in, 1);

	memset(q, 0, sizeof(*q));
	q->id = take(in, 1);
	q->type = (uint8_t)(how % 7);
	q->u.named.handle = handles[(how >> 3) % 8];
	if (q->type == XENAPT_REQ_OPEN) {
		q->u.open.wanted = (take(in, 1) % 20) * FAKE_PAGE;
		q->u.open.least = take(in, 1) % 4 * FAKE_PAGE;
	} else if (q->type == XENAPT_REQ_OFFER) {
		q->u.offer.length = 12 * FAKE_PAGE - take(in, 1) % 3 * 4095;
		q->u.offer.offset = (uint32_t)take(in, 1) % 2;
		q->u.offer.directory = buffer.directory + (uint32_t)(take(in, 1) / 250);
	}
	if (how > 250)
		((uint8_t *)q)[take(in, 1) % sizeof(*q)] ^= (uint8_t)take(in, 1);
}

/* The request that brings some aperture one state further. */
static void make_sense(struct input *in, struct xenapt_request *q)
{
	const struct xapt_aperture *a = &pair->device.aperture[take(in, 1) % 4];

	*q = (struct xenapt_request){ .id = take(in, 1) };
	q->u.named.handle = a->handle;
	switch (a->state) {
	case XENAPT_STATE_NONE:
		q->type = XENAPT_REQ_OPEN;
		q->u.open.wanted = 12 * FAKE_PAGE;
		break;
	case XENAPT_STATE_OPENED:
		q->type = XENAPT_REQ_OFFER;
		q->u.offer.length = 12 * FAKE_PAGE;
		q->u.offer.directory = buffer.directory;
		break;
	default:
		q->type = (uint8_t)(a->state + 1);
	}
}

static void post(struct input *in, bool sense)
{
	struct xenapt_front_ring *front = &pair->child.front;
	struct xenapt_request *q = RING_GET_REQUEST(front, front->req_prod_pvt);

	if (sense)
		make_sense(in, q);
	else
		make_request(in, q);
	front->req_prod_pvt++;
	front->sring->req_prod = front->req_prod_pvt;
}

/* Look at the answers without trust in anything but their number. */
static void collect(void)
{
	struct xenapt_front_ring *front = &pair->child.front;

	while (answered != pair->device.ring.back.rsp_prod_pvt) {
		const struct xenapt_response *r = RING_GET_RESPONSE(front, (RING_IDX)answered);

		if (r->type == XENAPT_REQ_OPEN && r->status == XENAPT_OK) {
			MUST(r->slot < XENAPT_MAX_APERTURES && r->handle);
			handles[r->slot % 8] = r->handle;
		}
		if (r->type == XENAPT_REQ_MAP && r->status == XENAPT_OK)
			REACHED();
		answered++;
	}
}

static void serve(unsigned int budget)
{
	uint64_t before = pair->device.signals.count.requests;
	bool alive = pair->device.status == XENAPT_OK;

	collect();
	xapt_device_service(&pair->device, budget);
	MUST(pair->device.signals.count.requests - before <= budget);
	if (pair->device.status == XENAPT_OK)
		collect();
	else if (alive)
		MUST(pair->child.event->status == pair->device.status);
}

static void scribble_directory(void *ctx)
{
	struct input *in = ctx;
	uint8_t *octets = (uint8_t *)child_list(&pair->child, &buffer, 0);

	octets[take(in, 1) % 32] = (uint8_t)take(in, 1);
}

static void step(struct input *in)
{
	struct child *c = &pair->child;
	uint64_t op = take(in, 1) % 32, v;

	switch (op) {
	case 16:
		if (take(in, 1) < 4)
			c->front.sring->req_prod += (RING_IDX)take(in, 1);
		break;
	case 17:
		if (take(in, 1) < 4)
			c->front.sring->req_prod = (RING_IDX)take(in, 4);
		break;
	case 18:
		if (take(in, 1) > 4)
			break;
		v = take(in, 1) % 16;
		((uint32_t *)c->front.sring)[v ? v : 1] = (uint32_t)take(in, 4);
		break;
	case 19:
		v = take(in, 2) % 512;
		((uint64_t *)c->event)[v] = take(in, 8);
		break;
	case 20:
		v = take(in, 2) % 512;
		((uint64_t *)c->mask)[v] = take(in, 8);
		break;
	case 21:
		child_doorbell(c, (unsigned int)take(in, 1));
		break;
	case 22:
		fake_hook(fake, FAKE_COPY, 1, scribble_directory, in);
		serve(8);
		fake_calm(fake);
		break;
	case 23:
		scribble_directory(in);
		break;
	case 24:
		fake_fail(fake, (enum fake_call)(take(in, 1) % 2 ? FAKE_MAP : FAKE_COPY), 1,
			  (uint32_t)take(in, 1) % 13);
		serve(8);
		fake_calm(fake);
		break;
	case 25:
		fake_fail(fake, take(in, 1) % 2 ? FAKE_ALLOC : FAKE_UNMAP, 1, 0);
		serve(8);
		fake_calm(fake);
		break;
	case 26:
		pair->type.busy = take(in, 1) % 2;
		break;
	case 27:
		pair->type.refuse = take(in, 1) % 2;
		break;
	case 28:
		xapt_device_interrupt(&pair->device, (unsigned int)take(in, 1));
		break;
	case 29:
		v = take(in, 1) % buffer.pages;
		if (buffer.refs[v] && !fake_grant_mapped(fake, PAIR_CHILD, buffer.refs[v])) {
			fake_grant_end(fake, PAIR_CHILD, buffer.refs[v]);
			buffer.refs[v] = 0;
		}
		break;
	case 30:
		if (take(in, 1) < 4)
			xapt_device_close(&pair->device);
		break;
	case 31:
		serve((unsigned int)take(in, 1) % 5);
		break;
	default:
		if (op % 4)
			post(in, op % 4 > 1);
		else
			serve(8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	start();
	while (in.at < in.end) {
		step(&in);
		check_books();
	}
	pair->type.busy = true;
	xapt_device_close(&pair->device);
	MUST(pair->own_pages == PAGES);
	MUST(child_forget(&pair->child, &buffer));
	MUST(pair_end(pair));
	return 0;
}
