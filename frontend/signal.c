// SPDX-License-Identifier: GPL-2.0-only
/* The event, and the signals of apertures: section 6 of the contract. */
#include <xen/events.h>

#include "frontend.h"

static void deliver(struct xen_aperture *ap)
{
	apf_partial_sync(ap->partial, true);
	atomic64_inc(&ap->interrupts);
	if (ap->silent)
		return;
	if (ap->wish.irq)
		ap->wish.irq(ap, ap->wish.data);
	if (ap->wish.work)
		queue_work(apf_callbacks, &ap->work);
}

static void deliver_slot(struct apf_connection *c, unsigned int slot)
{
	struct xen_aperture *ap;

	spin_lock(&c->slot_lock);
	ap = c->slot[slot];
	if (ap)
		deliver(ap);
	spin_unlock(&c->slot_lock);
}

/* Of apertures. Signals 128 and up are never set, and ignored when set. */
static unsigned int take_signals(struct apf_connection *c)
{
	const unsigned int word = XENAPT_SIGNAL_APERTURE / 64;
	unsigned int taken = 0;
	u64 pending;

	pending = xenapt_signal_take(&c->event->interrupt[word],
				     READ_ONCE(c->mask->interrupt_mask[word]));
	for (; pending; pending &= pending - 1) {
		apf_count(&c->count->taken);
		taken++;
		deliver_slot(c, __ffs64(pending));
	}
	return taken;
}

static void look_at_status(struct apf_connection *c)
{
	u32 status = READ_ONCE(c->event->status);

	if (status && !apf_connection_dead(c))
		apf_connection_heed(c, status);
}

/* Of either lane. Bounded: as many responses as were asked for, and 128 signals. */
irqreturn_t apf_interrupt(int irq, void *data)
{
	struct apf_connection *c = data;
	unsigned int work;

	apf_count(&c->count->events);
	work = apf_ring_take(c);
	work += apf_vectors_take(c);
	if (c->lane->which == APF_SLOW)
		work += take_signals(c);
	look_at_status(c);
	if (!work)
		apf_count(&c->count->spurious);
	if (unlikely(READ_ONCE(c->early)))
		work |= xchg(&c->early, false);		/* not the parent's doing: no penalty */
	xen_irq_lateeoi(irq, work ? 0 : XEN_EOI_FLAG_SPURIOUS);
	return IRQ_HANDLED;
}

/* ap->signal_lock is held, ap->link is not NULL. */
static void raise_doorbell(struct xen_aperture *ap)
{
	struct apf_connection *c = ap->link;
	struct xenapt_counters *count = c->count;

	switch (xenapt_signal_raise(c->event->doorbell, c->event->doorbell_mask,
				    XENAPT_SIGNAL_APERTURE + ap->slot)) {
	case XENAPT_NOTIFY:
		notify_remote_via_irq(c->irq);
		apf_count(&count->notified);
		break;
	case XENAPT_COALESCED:
		apf_count(&count->coalesced);
		fallthrough;
	case XENAPT_MASKED:
		apf_count(&count->suppressed);
		break;
	}
	apf_count(&count->published);
}

int xen_aperture_doorbell(struct xen_aperture *ap)
{
	unsigned long flags;
	int err = 0;

	apf_partial_sync(ap->partial, false);
	spin_lock_irqsave(&ap->signal_lock, flags);
	if (ap->link)
		raise_doorbell(ap);
	else if (ap->withdrawn)
		err = -ESHUTDOWN;
	else if (READ_ONCE(ap->dev->gone))
		err = -ENODEV;
	spin_unlock_irqrestore(&ap->signal_lock, flags);
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_doorbell);

void xen_aperture_mask(struct xen_aperture *ap)
{
	unsigned long flags;

	spin_lock_irqsave(&ap->signal_lock, flags);
	ap->masked = true;
	if (ap->link)
		xenapt_signal_mask(ap->link->mask->interrupt_mask,
				   XENAPT_SIGNAL_APERTURE + ap->slot);
	spin_unlock_irqrestore(&ap->signal_lock, flags);
}
EXPORT_SYMBOL_GPL(xen_aperture_mask);

/* Takes the one bit; the interrupt handler may have been first. */
static bool take_one(struct apf_connection *c, unsigned int slot)
{
	u64 *word = &c->event->interrupt[XENAPT_SIGNAL_APERTURE / 64];

	if (!xenapt_signal_take(word, ~BIT_ULL(slot)))
		return false;
	apf_count(&c->count->taken);
	WRITE_ONCE(c->early, true);
	return true;
}

bool xen_aperture_unmask(struct xen_aperture *ap)
{
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&ap->signal_lock, flags);
	pending = ap->owed;
	ap->owed = false;
	ap->masked = false;
	if (ap->link && xenapt_signal_unmask(ap->link->mask->interrupt_mask,
					     ap->link->event->interrupt,
					     XENAPT_SIGNAL_APERTURE + ap->slot))
		pending |= take_one(ap->link, ap->slot);
	if (pending) {
		apf_partial_sync(ap->partial, true);
		atomic64_inc(&ap->interrupts);
	}
	spin_unlock_irqrestore(&ap->signal_lock, flags);
	return pending;
}
EXPORT_SYMBOL_GPL(xen_aperture_unmask);

/* From here on signals go both ways. False: the connection died before. */
bool apf_attach(struct xen_aperture *ap, struct apf_connection *c, unsigned int slot)
{
	unsigned long flags;
	bool alive;

	spin_lock_irqsave(&c->slot_lock, flags);
	spin_lock(&ap->signal_lock);
	alive = !apf_connection_dead(c) && !c->slot[slot];
	if (alive) {
		c->slot[slot] = ap;
		ap->slot = slot;
		ap->link = c;
		if (ap->masked)
			xenapt_signal_mask(c->mask->interrupt_mask,
					   XENAPT_SIGNAL_APERTURE + slot);
	}
	spin_unlock(&ap->signal_lock);
	spin_unlock_irqrestore(&c->slot_lock, flags);
	return alive;
}

/* c->slot_lock is held. */
static void detach_slot(struct apf_connection *c, unsigned int slot)
{
	struct xen_aperture *ap = c->slot[slot];

	if (!ap)
		return;
	spin_lock(&ap->signal_lock);
	ap->link = NULL;
	c->slot[slot] = NULL;
	spin_unlock(&ap->signal_lock);
}

/* The caller holds ap->lock, so home and slot stand still. */
void apf_detach(struct xen_aperture *ap)
{
	struct apf_connection *c = ap->home;
	unsigned long flags;

	if (!c)
		return;
	spin_lock_irqsave(&c->slot_lock, flags);
	if (c->slot[ap->slot] == ap)
		detach_slot(c, ap->slot);
	spin_unlock_irqrestore(&c->slot_lock, flags);
}

/* The connection is dead: nobody attaches any more. */
void apf_detach_all(struct apf_connection *c)
{
	unsigned long flags;
	unsigned int slot;

	spin_lock_irqsave(&c->slot_lock, flags);
	for (slot = 0; slot < XENAPT_MAX_APERTURES; slot++)
		detach_slot(c, slot);
	spin_unlock_irqrestore(&c->slot_lock, flags);
}

/*
 * After an outage: as if the doorbell and the interrupt had been pending once. In the
 * order of locks of the interrupt handler, and excluded against it: slot_lock.
 */
void apf_signal_both(struct xen_aperture *ap)
{
	struct apf_connection *c = ap->home;
	unsigned long flags;
	bool masked = true;

	spin_lock_irqsave(&c->slot_lock, flags);
	spin_lock(&ap->signal_lock);
	if (ap->link) {
		apf_partial_sync(ap->partial, false);
		raise_doorbell(ap);
		masked = ap->masked;
		ap->owed = masked;
	}
	spin_unlock(&ap->signal_lock);
	if (!masked)
		deliver(ap);
	spin_unlock_irqrestore(&c->slot_lock, flags);
}
