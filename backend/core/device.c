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

void xapt_device_operations(struct xapt_device *d, struct xapt_operations *o, bool fast)
{
	d->operations = o;
	d->fast = fast;
}

static uint64_t clock_of(const struct xapt_device *d)
{
	return d->host_ops->clock(d->host);
}

static void raise_all(struct xapt_device *d, uint64_t vectors)
{
	for (; vectors; vectors &= vectors - 1)
		if (xapt_signals_interrupt(&d->signals, (unsigned int)__builtin_ctzll(vectors)))
			d->host_ops->notify(d->host);
}

/* What the child is told before Connected; and the state, if it is ours to take up. */
static void start_operations(struct xapt_device *d, struct xenapt_event_page *event)
{
	struct xapt_operations *o = d->operations;
	uint64_t raise;

	xapt_operations_hear(o);
	d->clock = clock_of(d);
	event->vectors = o->model->vectors;
	event->independents = 0;
	if (!d->fast)
		event->independents = xapt_model_independent(o->model, event->independent,
							     XENAPT_INDEPENDENTS);
	xapt_operations_begin(o, d->clock);
	xapt_operations_end(o, true, d->clock, &raise);
	raise_all(d, raise);
	xapt_signals_publish(&d->signals);
}

void xapt_device_connect(struct xapt_device *d, void *ring, uint32_t order,
			 struct xenapt_event_page *event, const struct xenapt_mask_page *mask)
{
	xapt_ring_attach(&d->ring, ring, order);
	xapt_signals_init(&d->signals, event, mask);
	if (d->operations)
		start_operations(d, event);
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
	uint64_t second;

	/* Of each request: its octets 9 to 15, in one look. */
	__builtin_memcpy(&second, &q->type, sizeof(second));
	if (second >> 8)
		return false;
	switch (q->type) {
	case XENAPT_REQ_OPEN:
		return all_zero(q->u.open.reserved, sizeof(q->u.open.reserved));
	case XENAPT_REQ_OFFER:
		return all_zero(q->u.offer.reserved, sizeof(q->u.offer.reserved));
	case XENAPT_REQ_OPERATION:
		return true;	/* the model's decoder looks */
	case XENAPT_REQ_TAKE:
		if (q->u.named.handle)
			return false;
		/* fall through */
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

/* Which requests does this lane of this device type know? */
static bool known(const struct xapt_device *d, uint8_t type)
{
	switch (type) {
	case XENAPT_REQ_OPEN:
	case XENAPT_REQ_OFFER:
	case XENAPT_REQ_MAP:
	case XENAPT_REQ_WITHDRAW:
	case XENAPT_REQ_RELEASE:
		return !d->fast;
	case XENAPT_REQ_OPERATION:
		return d->operations;
	case XENAPT_REQ_TAKE:
		return d->operations && !d->fast;
	default:
		return false;
	}
}

/* False: the state is elsewhere, the request waits for it. */
static bool operate(struct xapt_device *d, const struct xenapt_request *q,
		    struct xenapt_response *r)
{
	const struct xenapt_operation *op = &q->u.operation;
	void *range = NULL;

	if (op->handle && !d->fast)
		range = xapt_aperture_range(d, op->handle, op->offset, op->length);
	return xapt_operations_execute(d->operations, q, range, r, d->clock) == XAPT_EXECUTED;
}

/* One request, already copied; fills in r's status, handle, value, slot. False: not now. */
static bool execute(struct xapt_device *d, const struct xenapt_request *q,
		    struct xenapt_response *r)
{
	if (!known(d, q->type)) {
		r->status = XENAPT_E_UNSUPPORTED;
		return true;
	}
	if (!reserved_zero(q)) {
		r->status = XENAPT_E_MALFORMED;
		return true;
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
	case XENAPT_REQ_OPERATION:
		return operate(d, q, r);
	case XENAPT_REQ_TAKE:
		xapt_operations_take(d->operations, d->clock);
		break;
	}
	return true;
}

/* The answer waits for the end of the turn: its operations may come to nothing yet. */
static bool answer(struct xapt_device *d, const struct xenapt_request *q)
{
	struct xenapt_response r = { .id = q->id, .type = q->type };

	if (!execute(d, q, &r)) {
		d->held = *q;
		d->holding = true;
		return false;
	}
	/* Done for good: declined, it would be done twice. */
	if (!d->fast && q->type == XENAPT_REQ_OPERATION && d->operations && d->operations->apart)
		d->stands |= 1u << d->answers;
	d->answer[d->answers++] = r;
	return true;
}

/* happened: the turn's operations count. Otherwise the other lane shall execute them. */
static void send_answers(struct xapt_device *d, bool happened)
{
	uint32_t i;

	for (i = 0; i < d->answers; i++) {
		struct xenapt_response *r = &d->answer[i];

		if (!happened && r->type == XENAPT_REQ_OPERATION && !(d->stands >> i & 1)) {
			r->status = XENAPT_E_DECLINED;
			r->value = 0;
		}
		d->signals.count.requests++;
		d->signals.count.responses++;
		if (r->status != XENAPT_OK) {
			d->signals.count.errors++;
			d->errors[r->status]++;
		}
		xapt_ring_answer(&d->ring, r);
	}
	if (d->answers && xapt_ring_push(&d->ring))
		d->host_ops->notify(d->host);
	d->answers = 0;
	d->stands = 0;
}

/* Those that fetch, map or unmap cost what the aperture's size is: one a turn. */
static bool costly(const struct xenapt_request *q)
{
	return q->type == XENAPT_REQ_OFFER || q->type == XENAPT_REQ_MAP ||
	       q->type == XENAPT_REQ_WITHDRAW;
}

static enum xapt_taken next_request(struct xapt_device *d, struct xenapt_request *q)
{
	if (!d->holding)
		return xapt_ring_take(&d->ring, q);
	*q = d->held;
	d->holding = false;
	return XAPT_RING_REQUEST;
}

enum end_of_requests { DRAINED, MORE, HELD, BROKEN };

static enum end_of_requests requests(struct xapt_device *d, unsigned int budget)
{
	struct xenapt_request q;

	/* A device type that fails in one request is not asked about the next. */
	while (d->answers < budget && d->status == XENAPT_OK) {
		switch (next_request(d, &q)) {
		case XAPT_RING_EMPTY:
			return DRAINED;
		case XAPT_RING_BROKEN:
			return BROKEN;
		case XAPT_RING_REQUEST:
			if (!answer(d, &q))
				return HELD;
			if (costly(&q))
				return MORE;
		}
	}
	return MORE;
}

/* What was done for a broken ring was done: only its answers are not sent. */
static enum end_of_requests take_turn(struct xapt_device *d, unsigned int budget)
{
	struct xapt_operations *o = d->operations;
	enum end_of_requests end;
	bool happened = true;
	uint64_t raise = 0;

	if (o) {
		if (!d->fast)
			xapt_operations_hear(o);
		d->clock = clock_of(d);
		xapt_operations_begin(o, d->clock);
	}
	end = requests(d, budget < XAPT_TURN ? budget : XAPT_TURN);
	if (o)
		happened = xapt_operations_end(o, end == DRAINED, d->clock, &raise);
	if (end != BROKEN)
		send_answers(d, happened);
	raise_all(d, raise);
	return end;
}

/* Its last word ends the connection here too, aloud. A number that is no error's has no name. */
static void heed_child(struct xapt_device *d)
{
	uint32_t status = xapt_signals_child_status(&d->signals, d->fast);

	if (status == XENAPT_OK)
		return;
	xapt_device_fail(d, status < XAPT_ERRORS ? status : XENAPT_E_GONE);
	d->ended_by_child = true;
}

bool xapt_device_service(struct xapt_device *d, unsigned int budget)
{
	bool again = d->more || d->due, any;
	uint64_t before = d->signals.count.requests;
	enum end_of_requests end;

	d->more = d->due = false;
	if (d->status != XENAPT_OK)
		return false;
	end = take_turn(d, budget);
	if (end == BROKEN)
		xapt_device_fail(d, XENAPT_E_RING);
	else
		heed_child(d);
	if (d->status != XENAPT_OK)
		return false;
	if (!again)
		d->signals.count.events++;
	any = d->signals.count.requests != before;
	/* Apertures, and so doorbells, are the slow lane's. */
	if ((d->fast || !doorbells(d)) && !any && !again)
		d->signals.count.spurious++;
	xapt_signals_publish(&d->signals);
	/* What is held is looked at when it is due, not when more comes. */
	d->more = end != HELD && xapt_ring_rearm(&d->ring);
	return d->more;
}

bool xapt_device_tick(struct xapt_device *d, unsigned int budget)
{
	d->due = true;
	return xapt_device_service(d, budget);
}

uint64_t xapt_device_due(struct xapt_device *d)
{
	if (!d->operations || d->status != XENAPT_OK)
		return UINT64_MAX;
	return xapt_operations_due(d->operations, d->clock);
}

void xapt_device_leave(struct xapt_device *d)
{
	if (d->operations && d->status == XENAPT_OK)
		xapt_operations_leave(d->operations, clock_of(d));
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
