// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests arrive as private copies (ring.c). Each is checked whole before it has
 * any effect, and each ends in exactly one response.
 */
#include "device.h"

#include "aperture.h"
#include "negotiate.h"

void xapt_device_init(struct xapt_device *d, const struct xapt_host_ops *host_ops, void *host,
		      const struct xapt_device_ops *ops, void *opaque,
		      const struct xapt_limits *limits)
{
	*d = (struct xapt_device){
		.host_ops = host_ops,
		.host = host,
		.ops = ops,
		.opaque = opaque,
		.limits = *limits,
		.secret = host_ops->random(host),
	};
}

void xapt_device_connect(struct xapt_device *d, void *ring, uint32_t order,
			 struct xenapt_event_page *event, const struct xenapt_mask_page *mask)
{
	xapt_ring_attach(&d->ring, ring, order);
	xapt_signals_init(&d->signals, event, mask);
}

static bool all_zero(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n--)
		if (*p++)
			return false;
	return true;
}

static bool reserved_zero(const struct xenapt_request *q)
{
	if (!all_zero(q->zero, sizeof(q->zero)))
		return false;
	switch (q->type) {
	case XENAPT_REQ_OPEN:
		return all_zero(q->u.open.reserved, sizeof(q->u.open.reserved));
	case XENAPT_REQ_OFFER:
		return all_zero(q->u.offer.reserved, sizeof(q->u.offer.reserved));
	default:
		return all_zero(q->u.named.reserved, sizeof(q->u.named.reserved));
	}
}

static bool doorbells(struct xapt_device *d)
{
	uint64_t own = xapt_signals_take(&d->signals, 0);
	uint64_t bits = xapt_signals_take(&d->signals, 1);
	bool any = own || bits;

	for (; own; own &= own - 1)
		d->ops->signal(d->opaque, (unsigned int)__builtin_ctzll(own));
	for (; bits; bits &= bits - 1) {
		unsigned int slot = (unsigned int)__builtin_ctzll(bits);

		/* A doorbell of an aperture that is not mapped says nothing. */
		if (d->aperture[slot].state == XENAPT_STATE_MAPPED)
			d->ops->doorbell(d->opaque, slot);
	}
	return any;
}

/* One request, already copied; fills in r's status, handle, value, slot. */
static void execute(struct xapt_device *d, const struct xenapt_request *q,
		    struct xenapt_response *r)
{
	if (q->type < XENAPT_REQ_OPEN || q->type > XENAPT_REQ_RELEASE) {
		r->status = XENAPT_E_UNSUPPORTED;
		return;
	}
	if (!reserved_zero(q)) {
		r->status = XENAPT_E_MALFORMED;
		return;
	}
	switch (q->type) {
	case XENAPT_REQ_OPEN:
		xapt_aperture_open(d, &q->u.open, r);
		break;
	case XENAPT_REQ_OFFER:
		xapt_aperture_offer(d, &q->u.offer, r);
		break;
	case XENAPT_REQ_MAP:
		xapt_aperture_map(d, q->u.named.handle, r);
		break;
	case XENAPT_REQ_WITHDRAW:
		/* What was rung before is heard before. */
		doorbells(d);
		xapt_aperture_withdraw(d, q->u.named.handle, r);
		break;
	case XENAPT_REQ_RELEASE:
		xapt_aperture_release(d, q->u.named.handle, r);
		break;
	}
}

static void answer(struct xapt_device *d, const struct xenapt_request *q)
{
	struct xenapt_response r = { .id = q->id, .type = q->type };

	execute(d, q, &r);
	d->signals.count.requests++;
	d->signals.count.responses++;
	if (r.status != XENAPT_OK) {
		d->signals.count.errors++;
		d->errors[r.status]++;
	}
	xapt_ring_answer(&d->ring, &r);
}

/* Those that fetch, map or unmap cost what the aperture's size is: one a turn. */
static bool costly(const struct xenapt_request *q)
{
	return q->type == XENAPT_REQ_OFFER || q->type == XENAPT_REQ_MAP ||
	       q->type == XENAPT_REQ_WITHDRAW;
}

/* Up to budget requests. Returns how many, or -1 when the ring is broken. */
static int requests(struct xapt_device *d, unsigned int budget)
{
	unsigned int n;

	/* A device type that fails in one request is not asked about the next. */
	for (n = 0; n < budget && d->status == XENAPT_OK; n++) {
		struct xenapt_request q;

		switch (xapt_ring_take(&d->ring, &q)) {
		case XAPT_RING_EMPTY:
			return (int)n;
		case XAPT_RING_BROKEN:
			return -1;
		case XAPT_RING_REQUEST:
			answer(d, &q);
			if (costly(&q))
				return (int)n + 1;
		}
	}
	return (int)n;
}

bool xapt_device_service(struct xapt_device *d, unsigned int budget)
{
	bool again = d->more;
	int n;

	d->more = false;
	if (d->status != XENAPT_OK)
		return false;
	n = requests(d, budget);
	if (n < 0) {
		xapt_device_fail(d, XENAPT_E_RING);
		return false;
	}
	if (n > 0 && xapt_ring_push(&d->ring))
		d->host_ops->notify(d->host);
	if (d->status != XENAPT_OK)
		return false;
	if (!again)
		d->signals.count.events++;
	if (!doorbells(d) && !n && !again)
		d->signals.count.spurious++;
	xapt_signals_publish(&d->signals);
	d->more = xapt_ring_rearm(&d->ring);
	return d->more;
}

void xapt_device_interrupt(struct xapt_device *d, unsigned int n)
{
	if (d->status != XENAPT_OK || n >= XENAPT_SIGNAL_DEFINED)
		return;
	if (xapt_signals_interrupt(&d->signals, n))
		d->host_ops->notify(d->host);
	xapt_signals_publish(&d->signals);
}

void xapt_device_fail(struct xapt_device *d, enum xenapt_status status)
{
	if (d->status != XENAPT_OK)
		return;
	d->status = status;
	xapt_signals_status(&d->signals, status);
	d->host_ops->notify(d->host);
}

void xapt_device_close(struct xapt_device *d)
{
	unsigned int slot;

	for (slot = 0; slot < XENAPT_MAX_APERTURES; slot++)
		xapt_aperture_drop(d, slot);
}
