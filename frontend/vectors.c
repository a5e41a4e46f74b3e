// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controller of a device: vectors 0..63 of both lanes are one set. Each lane
 * has its own word of pending bits; the mask is one, in the mask page. A vector is hidden
 * (masked for the parents) while nobody claimed it, its owner masks it, or it is in service.
 *
 * hidden is the truth, the mask page's word a mirror that the parents read.
 */
#include <xen/events.h>

#include "frontend.h"

static u64 *mask_word(struct xen_aperture_dev *dev)
{
	return dev->mask->interrupt_mask;
}

/* v->lock is held, here and below. */
static void hide(struct xen_aperture_dev *dev, unsigned int n)
{
	dev->vectors.hidden |= BIT_ULL(n);
	xenapt_signal_mask(mask_word(dev), n);
}

/* The lane's bit, after the mask was cleared; the interrupt handler may have been first. */
static bool take_from(struct apf_connection *c, unsigned int n)
{
	if (!c || !xenapt_signal_unmask(mask_word(c->dev), c->event->interrupt, n) ||
	    !xenapt_signal_take(&c->event->interrupt[0], ~BIT_ULL(n)))
		return false;
	apf_count(&c->count->taken);
	WRITE_ONCE(c->early, true);
	return true;
}

static void count_delivery(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vector *vector = &dev->vectors.vector[n];

	vector->delivered++;
	vector->in_service = vector->acked;
	if (vector->acked)
		hide(dev, n);
}

/* Lets events come for n. True: it was pending, and is delivered now, by the caller. */
static bool uncover(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vectors *v = &dev->vectors;
	u64 none = 0;
	unsigned int found = 0;

	v->hidden &= ~BIT_ULL(n);
	xenapt_signal_unmask(mask_word(dev), &none, n);
	found += take_from(v->link[APF_FAST], n);
	found += take_from(v->link[APF_SLOW], n);
	if (v->owed & BIT_ULL(n)) {
		v->owed &= ~BIT_ULL(n);
		found++;
	}
	if (!found)
		return false;
	v->vector[n].held++;
	v->vector[n].coalesced += found - 1;
	count_delivery(dev, n);
	return true;
}

/* call_lock is held, v->lock is not. */
static void call(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vector *vector = &dev->vectors.vector[n];

	vector->fn(dev, n, vector->data);
}

static void count_deliveries(struct xen_aperture_dev *dev, u64 bits)
{
	for (; bits; bits &= bits - 1)
		count_delivery(dev, __ffs64(bits));
}

/* call_lock is held, v->lock is not. */
static unsigned int call_all(struct apf_connection *c, u64 bits)
{
	unsigned int taken = 0;

	for (; bits; bits &= bits - 1) {
		apf_count(&c->count->taken);
		taken++;
		call(c->dev, __ffs64(bits));
	}
	return taken;
}

/*
 * call_lock is held: takes what a lane has pending and is not hidden, and calls. Whatever
 * is in the word, only claimed vectors are not hidden.
 */
static unsigned int deliver(struct apf_connection *c)
{
	struct apf_vectors *v = &c->dev->vectors;
	u64 bits;

	spin_lock(&v->lock);
	bits = xenapt_signal_take(&c->event->interrupt[0], v->hidden);
	count_deliveries(c->dev, bits);
	spin_unlock(&v->lock);
	return call_all(c, bits);
}

/* Interrupt context. */
unsigned int apf_vectors_take(struct apf_connection *c)
{
	struct apf_vectors *v = &c->dev->vectors;
	unsigned int taken;

	if (!(READ_ONCE(c->event->interrupt[0]) & ~READ_ONCE(v->hidden)))
		return 0;
	spin_lock(&v->call_lock);
	taken = deliver(c);
	spin_unlock(&v->call_lock);
	return taken;
}

void apf_vectors_init(struct xen_aperture_dev *dev)
{
	struct apf_vectors *v = &dev->vectors;

	spin_lock_init(&v->call_lock);
	spin_lock_init(&v->lock);
	v->hidden = U64_MAX;
	dev->mask->interrupt_mask[0] = U64_MAX;
}

/* Before its event can come. */
void apf_vectors_attach(struct apf_connection *c)
{
	struct apf_vectors *v = &c->dev->vectors;

	spin_lock_irq(&v->lock);
	v->link[c->lane->which] = c;
	spin_unlock_irq(&v->lock);
}

/* v->lock is held: they were pending on a lane that is gone, and are hidden. */
static void owe(struct apf_vectors *v, u64 bits)
{
	u64 twice;

	for (twice = bits & v->owed; twice; twice &= twice - 1)
		v->vector[__ffs64(twice)].coalesced++;
	v->owed |= bits;
}

/*
 * The lane is dead and its event comes no more. A bit that was set without an event (its
 * parent died in between) is delivered, or owed while it is hidden. Which of both is decided
 * with the lane's end: who uncovers a vector later finds no lane, and what is owed.
 */
void apf_vectors_detach(struct apf_connection *c)
{
	struct apf_vectors *v = &c->dev->vectors;
	u64 pending, bits;

	spin_lock_irq(&v->call_lock);
	spin_lock(&v->lock);
	if (v->link[c->lane->which] != c) {
		spin_unlock(&v->lock);
		spin_unlock_irq(&v->call_lock);
		return;
	}
	v->link[c->lane->which] = NULL;
	pending = READ_ONCE(c->event->interrupt[0]);
	bits = pending & ~v->hidden;
	owe(v, pending & v->hidden);
	count_deliveries(c->dev, bits);
	spin_unlock(&v->lock);
	call_all(c, bits);
	spin_unlock_irq(&v->call_lock);
}

void apf_vectors_count(struct xen_aperture_dev *dev, unsigned int count)
{
	WRITE_ONCE(dev->vectors.count, count);
	WRITE_ONCE(dev->vectors.known, true);
}

/* call_lock and v->lock are held. 1: claimed, and pending. */
static int claim(struct xen_aperture_dev *dev, unsigned int n, xen_aperture_vector_fn fn,
		 void *data, unsigned int flags)
{
	struct apf_vectors *v = &dev->vectors;
	struct apf_vector *vector = &v->vector[n];

	if (READ_ONCE(dev->gone))
		return -ENODEV;
	if (!v->known)
		return -ENOTCONN;
	if (n >= v->count)
		return -ENXIO;
	if (vector->claimed)
		return -EBUSY;
	vector->claimed = true;
	vector->masked = false;
	vector->in_service = false;
	vector->acked = flags & XEN_APERTURE_VECTOR_ACKED;
	vector->fn = fn;
	vector->data = data;
	return uncover(dev, n);
}

int xen_aperture_vector_claim(struct xen_aperture_dev *dev, unsigned int n,
			      xen_aperture_vector_fn fn, void *data, unsigned int flags)
{
	struct apf_vectors *v = &dev->vectors;
	unsigned long irq_flags;
	int err;

	if (n >= ARRAY_SIZE(v->vector) || !fn || flags & ~XEN_APERTURE_VECTOR_ACKED)
		return -EINVAL;
	spin_lock_irqsave(&v->call_lock, irq_flags);
	spin_lock(&v->lock);
	err = claim(dev, n, fn, data, flags);
	spin_unlock(&v->lock);
	if (err > 0)
		call(dev, n);
	spin_unlock_irqrestore(&v->call_lock, irq_flags);
	return min(err, 0);
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_claim);

void xen_aperture_vector_release(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vectors *v = &dev->vectors;
	unsigned long flags;

	if (n >= ARRAY_SIZE(v->vector))
		return;
	spin_lock_irqsave(&v->call_lock, flags);	/* a callback that runs has ended */
	spin_lock(&v->lock);
	hide(dev, n);
	v->vector[n].claimed = false;
	v->vector[n].in_service = false;
	spin_unlock(&v->lock);
	spin_unlock_irqrestore(&v->call_lock, flags);
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_release);

void xen_aperture_vector_mask(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vectors *v = &dev->vectors;
	unsigned long flags;

	if (n >= ARRAY_SIZE(v->vector))
		return;
	spin_lock_irqsave(&v->lock, flags);
	v->vector[n].masked = true;
	hide(dev, n);
	spin_unlock_irqrestore(&v->lock, flags);
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_mask);

bool xen_aperture_vector_unmask(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vectors *v = &dev->vectors;
	bool pending = false;
	unsigned long flags;

	if (n >= ARRAY_SIZE(v->vector))
		return false;
	spin_lock_irqsave(&v->lock, flags);
	v->vector[n].masked = false;
	if (v->vector[n].claimed && !v->vector[n].in_service)
		pending = uncover(dev, n);
	spin_unlock_irqrestore(&v->lock, flags);
	return pending;
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_unmask);

bool xen_aperture_vector_ack(struct xen_aperture_dev *dev, unsigned int n)
{
	struct apf_vectors *v = &dev->vectors;
	bool pending = false;
	unsigned long flags;

	if (n >= ARRAY_SIZE(v->vector))
		return false;
	spin_lock_irqsave(&v->lock, flags);
	if (v->vector[n].in_service) {
		v->vector[n].in_service = false;
		if (!v->vector[n].masked)
			pending = uncover(dev, n);
	}
	spin_unlock_irqrestore(&v->lock, flags);
	return pending;
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_ack);

static bool pending_at(const struct apf_connection *c, unsigned int n)
{
	return c && READ_ONCE(c->event->interrupt[0]) & BIT_ULL(n);
}

int xen_aperture_vector_state(struct xen_aperture_dev *dev, unsigned int n,
			      struct xen_aperture_vector_state *state)
{
	struct apf_vectors *v = &dev->vectors;
	const struct apf_vector *vector;
	unsigned long flags;

	if (n >= ARRAY_SIZE(v->vector))
		return -EINVAL;
	vector = &v->vector[n];
	spin_lock_irqsave(&v->lock, flags);
	*state = (struct xen_aperture_vector_state){
		.claimed = vector->claimed,
		.masked = vector->masked || !vector->claimed,
		.in_service = vector->in_service,
		.pending_fast = pending_at(v->link[APF_FAST], n),
		.pending_slow = pending_at(v->link[APF_SLOW], n),
		.owed = v->owed & BIT_ULL(n),
		.delivered = vector->delivered,
		.coalesced = vector->coalesced,
		.held = vector->held,
	};
	spin_unlock_irqrestore(&v->lock, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(xen_aperture_vector_state);
