// SPDX-License-Identifier: GPL-2.0-only
/*
 * One connection of a lane: ring, event page and port, new for each epoch. The old one's
 * pages are never used again. Mask page and state record are the device's: the peer of each
 * connection gets grants of its own.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/events.h>

#include "frontend.h"

static struct apf_memory *granted(struct apf_memory *m, domid_t peer, bool read_only)
{
	int err;

	if (IS_ERR(m))
		return m;
	m->of_connection = true;
	err = apf_memory_grant(m, peer, read_only);
	if (err) {
		apf_memory_release(m);
		return ERR_PTR(err);
	}
	return m;
}

static int make_ring(struct apf_connection *c)
{
	unsigned int pages = 1u << c->order;
	struct xenapt_sring *sring;

	c->ring_memory = granted(apf_memory_alloc(pages), c->lane->peer, false);
	if (IS_ERR(c->ring_memory))
		return PTR_ERR(c->ring_memory);
	c->ring_map = vmap(c->ring_memory->page, pages, VM_MAP, PAGE_KERNEL);
	if (!c->ring_map)
		return -ENOMEM;
	sring = c->ring_map;
	XEN_FRONT_RING_INIT(&c->ring, sring, pages * XENAPT_PAGE_SIZE);
	c->entry = kcalloc(c->ring.nr_ents, sizeof(*c->entry), GFP_KERNEL);
	return c->entry ? 0 : -ENOMEM;
}

static int make_event_page(struct apf_connection *c)
{
	c->event_memory = granted(apf_memory_alloc(1), c->lane->peer, false);
	if (IS_ERR(c->event_memory))
		return PTR_ERR(c->event_memory);
	c->event = page_address(c->event_memory->page[0]);
	return 0;
}

/* This lane's part of the mask page starts anew; the vectors' mask goes on. */
static void clear_mask_page(struct apf_connection *c)
{
	struct xenapt_mask_page *mask = c->dev->mask;
	unsigned int word;

	c->mask = mask;
	c->count = c->lane->which == APF_FAST ? &mask->fast : &mask->child;
	memset(c->count, 0, sizeof(*c->count));
	if (c->lane->which == APF_FAST) {
		WRITE_ONCE(mask->fast_status, XENAPT_OK);
		return;
	}
	WRITE_ONCE(mask->status, XENAPT_OK);
	for (word = 1; word < XENAPT_SIGNAL_WORDS; word++)
		WRITE_ONCE(mask->interrupt_mask[word], 0);
}

static int share_pages(struct apf_connection *c)
{
	struct xen_aperture_dev *dev = c->dev;

	clear_mask_page(c);
	c->mask_memory = granted(apf_memory_share(&dev->mask_page, 1), c->lane->peer, true);
	if (IS_ERR(c->mask_memory))
		return PTR_ERR(c->mask_memory);
	if (!c->operations)
		return 0;
	c->record_memory = granted(apf_memory_share(dev->record_page, XENAPT_RECORD_PAGES),
				   c->lane->peer, false);
	return PTR_ERR_OR_ZERO(c->record_memory);
}

static int make_port(struct apf_connection *c)
{
	int err = xenbus_alloc_evtchn(c->lane->xbdev, &c->port);

	if (err)
		return err;
	err = bind_evtchn_to_irqhandler_lateeoi(c->port, apf_interrupt, 0, c->lane->name, c);
	if (err < 0) {
		xenbus_free_evtchn(c->lane->xbdev, c->port);
		return err;
	}
	c->irq = err;
	return 0;
}

static void release_shared(struct apf_memory *m)
{
	if (!IS_ERR_OR_NULL(m))
		apf_memory_release(m);
}

/*
 * Ends what the peer and the interrupt can reach. The structure stays until nobody
 * holds it; a dead connection's users touch no page of it.
 */
void apf_connection_end(struct apf_connection *c)
{
	apf_connection_kill(c, XENAPT_E_GONE, false, "closed");
	apf_operations_detach(c);	/* whoever saw it alive is done with the ring */
	apf_detach_all(c);
	if (c->irq)
		unbind_from_irqhandler(c->irq, c);
	c->irq = 0;
	apf_vectors_detach(c);
	vunmap(c->ring_map);
	release_shared(c->record_memory);
	release_shared(c->mask_memory);
	release_shared(c->event_memory);
	release_shared(c->ring_memory);
	c->event = NULL;
	apf_connection_put(c);
}

static void free_connection(struct kref *ref)
{
	struct apf_connection *c = container_of(ref, struct apf_connection, ref);

	xen_aperture_dev_put(c->dev);
	apf_lane_put(c->lane);
	kfree(c->entry);
	kfree(c);
}

void apf_connection_put(struct apf_connection *c)
{
	kref_put(&c->ref, free_connection);
}

struct apf_connection *apf_connection_make(struct apf_lane *lane, struct xen_aperture_dev *dev,
					   const struct apf_offer *offer)
{
	struct apf_connection *c;
	int err;

	if (apf_quarantine_holds_connections())
		return ERR_PTR(-EBUSY);
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return ERR_PTR(-ENOMEM);
	kref_init(&c->ref);
	spin_lock_init(&c->slot_lock);
	spin_lock_init(&c->kill_lock);
	init_waitqueue_head(&c->wait);
	apf_device_hold(dev);
	c->dev = dev;
	kref_get(&lane->ref);
	c->lane = lane;
	c->epoch = offer->epoch;
	c->version = offer->version;
	c->operations = offer->operations;
	c->features = offer->features;
	c->route_all = offer->route_all;
	c->order = min(apf_ring_page_order, offer->max_ring_order);
	err = make_ring(c);
	if (!err)
		err = make_event_page(c);
	if (!err)
		err = share_pages(c);
	if (!err) {
		if (lane->which == APF_FAST)
			WRITE_ONCE(dev->operations.fast_seen, true);
		apf_vectors_attach(c);
		err = make_port(c);
	}
	if (!err)
		return c;
	apf_connection_end(c);
	return ERR_PTR(err);
}

/* The last word of this side. */
static void tell_status(struct apf_connection *c, u32 status)
{
	if (c->lane->which == APF_FAST)
		WRITE_ONCE(c->mask->fast_status, status);
	else
		WRITE_ONCE(c->mask->status, status);
}

/*
 * The end of a connection, from any context: nobody uses the ring any more, all who
 * wait are woken, the handshake goes on. An error of ours is told to the peer in the
 * status word before the last event: such are found on a connection that works.
 */
__printf(5, 0)
static void end_once(struct apf_connection *c, enum xenapt_status why, bool ours, u32 told,
		     const char *fmt, va_list args)
{
	unsigned long flags;
	bool first;

	/* Whoever comes second returns only when the connection is dead, and why is known. */
	spin_lock_irqsave(&c->kill_lock, flags);
	first = !atomic_read(&c->dead);
	if (first) {
		c->ours = ours;
		c->told = told;
		vscnprintf(c->why, sizeof(c->why), fmt, args);
		if (ours || told)
			tell_status(c, ours ? why : told);
		atomic_set_release(&c->dead, why);
	}
	spin_unlock_irqrestore(&c->kill_lock, flags);
	if (!first)
		return;
	if (ours || told) {
		virt_wmb();	/* status before the event that tells of it */
		notify_remote_via_evtchn(c->port);
	}
	wake_up_all(&c->wait);
	apf_kick(c->lane);
}

void apf_connection_kill(struct apf_connection *c, enum xenapt_status why, bool ours,
			const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	end_once(c, why, ours, 0, fmt, args);
	va_end(args);
}

__printf(3, 4)
static void end_as_told(struct apf_connection *c, u32 status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	end_once(c, XENAPT_E_GONE, false, status, fmt, args);
	va_end(args);
}

/*
 * The parent's last word, as data: any number ends the connection. It is repeated as ours: a parent
 * that did not say it, since somebody else wrote into the page, hears of it and ends, too.
 */
void apf_connection_heed(struct apf_connection *c, u32 status)
{
	end_as_told(c, status, "the parent ended it with %s (%u)", xen_aperture_status_name(status), status);
}
