// SPDX-License-Identifier: GPL-2.0-only
/* For the self-test module only: what a well-behaved frontend never does. */
#include <linux/slab.h>
#include <xen/events.h>

#include "frontend.h"

struct test_memory {
	struct xen_aperture_test_memory public;
	struct apf_memory *memory;
	struct apf_memory *directory;
};

int xen_aperture_test_request(struct xen_aperture_dev *dev, const struct xenapt_request *req,
			      struct xenapt_response *rsp)
{
	struct apf_connection *c = apf_device_connection(dev);
	struct xenapt_request copy = *req;
	int err;

	if (!c)
		return -ENOTCONN;
	err = apf_request(c, &copy, rsp);
	apf_connection_put(c);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_request, XEN_APERTURE_TEST);

/* Held: in any state that has a ring. */
static struct apf_connection *lane_connection(struct xen_aperture_dev *dev, enum xenapt_owner lane)
{
	struct apf_connection *c;
	struct apf_lane *fast;

	if (lane == XENAPT_OWNER_SLOW)
		return apf_device_connection(dev);
	fast = apf_fast_get(dev->nr);
	if (!fast)
		return NULL;
	c = apf_lane_connection(fast);
	apf_lane_put(fast);
	return c;
}

int xen_aperture_test_raw(struct xen_aperture_dev *dev, enum xenapt_owner lane,
			  const struct xenapt_request *req, struct xenapt_response *rsp,
			  bool keep_id)
{
	struct apf_connection *c = lane_connection(dev, lane);
	struct xenapt_request copy = *req;
	int err;

	if (!c)
		return -ENOTCONN;
	err = keep_id ? apf_request_raw(c, &copy, &copy, rsp) : apf_request(c, &copy, rsp);
	apf_connection_put(c);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_raw, XEN_APERTURE_TEST);

int xen_aperture_test_spoilt(struct xen_aperture_dev *dev, enum xenapt_owner lane,
			     const struct xenapt_request *req, const struct xenapt_request *spoilt,
			     struct xenapt_response *rsp)
{
	struct apf_connection *c = lane_connection(dev, lane);
	int err;

	if (!c)
		return -ENOTCONN;
	err = apf_request_raw(c, req, spoilt, rsp);
	apf_connection_put(c);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_spoilt, XEN_APERTURE_TEST);

int xen_aperture_test_event(struct xen_aperture_dev *dev, enum xenapt_owner lane)
{
	unsigned int which = lane == XENAPT_OWNER_FAST ? APF_FAST : APF_SLOW;
	struct apf_connection *c;
	unsigned long flags;
	int err = -ENOTCONN;

	spin_lock_irqsave(&dev->ring_lock, flags);
	c = dev->operations.lane[which];
	if (c && !apf_connection_dead(c)) {
		notify_remote_via_evtchn(c->port);
		err = 0;
	}
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_event, XEN_APERTURE_TEST);

int xen_aperture_test_hold(struct xen_aperture_dev *dev, enum xenapt_owner lane)
{
	struct apf_connection *c = lane_connection(dev, lane);
	bool idle;

	if (!c)
		return -ENOTCONN;
	disable_irq(c->irq);
	spin_lock_irq(&dev->ring_lock);
	idle = c->ring.req_prod_pvt == c->ring.rsp_cons;
	spin_unlock_irq(&dev->ring_lock);
	if (!idle)
		enable_irq(c->irq);
	apf_connection_put(c);
	return idle ? 0 : -EBUSY;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_hold, XEN_APERTURE_TEST);

/* ring_lock is held. Everything that the ring says was asked for was answered. */
static bool go_on(struct apf_connection *c)
{
	RING_IDX asked = READ_ONCE(c->ring.sring->req_prod);

	if (READ_ONCE(c->ring.sring->rsp_prod) != asked)
		return false;
	c->ring.req_prod_pvt = asked;
	c->ring.rsp_cons = asked;
	c->ring.sring->rsp_event = asked + 1;
	return true;
}

int xen_aperture_test_unhold(struct xen_aperture_dev *dev, enum xenapt_owner lane)
{
	struct apf_connection *c = lane_connection(dev, lane);
	int err = 0;

	if (!c)
		return -ENOTCONN;
	spin_lock_irq(&dev->ring_lock);
	if (apf_connection_dead(c))
		err = -ENOTCONN;
	else if (!go_on(c))
		err = -EBUSY;
	spin_unlock_irq(&dev->ring_lock);
	enable_irq(c->irq);
	apf_connection_put(c);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_unhold, XEN_APERTURE_TEST);

/* ring_lock is held. First octet of a shared page; NULL: that lane has none. */
static u8 *shared_page(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
		       unsigned int second)
{
	struct apf_connection *c;

	switch (page) {
	case XEN_APERTURE_TEST_MASK:
		return (u8 *)dev->mask;
	case XEN_APERTURE_TEST_RECORD:
		return page_address(dev->record_page[second]);
	case XEN_APERTURE_TEST_RING_FAST:
	case XEN_APERTURE_TEST_EVENT_FAST:
		c = dev->operations.lane[APF_FAST];
		break;
	default:
		c = dev->operations.lane[APF_SLOW];
	}
	if (!c || apf_connection_dead(c))
		return NULL;
	return page == XEN_APERTURE_TEST_RING_FAST || page == XEN_APERTURE_TEST_RING_SLOW ?
	       c->ring_map : (u8 *)c->event;
}

/* To or from the pages, as wide stores as they are aligned. */
static void move(void *to, const void *from, unsigned int n)
{
	if (n == 8 && IS_ALIGNED((unsigned long)to | (unsigned long)from, 8))
		WRITE_ONCE(*(u64 *)to, READ_ONCE(*(const u64 *)from));
	else if (n == 4 && IS_ALIGNED((unsigned long)to | (unsigned long)from, 4))
		WRITE_ONCE(*(u32 *)to, READ_ONCE(*(const u32 *)from));
	else if (n == 2 && IS_ALIGNED((unsigned long)to | (unsigned long)from, 2))
		WRITE_ONCE(*(u16 *)to, READ_ONCE(*(const u16 *)from));
	else
		memcpy(to, from, n);
}

static int access_page(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
		       unsigned int offset, void *to, const void *from, unsigned int n)
{
	unsigned int pages = page == XEN_APERTURE_TEST_RECORD ? XENAPT_RECORD_PAGES : 1;
	unsigned int second = offset / XENAPT_PAGE_SIZE;
	unsigned long flags;
	u8 *start;

	offset %= XENAPT_PAGE_SIZE;
	if (second >= pages || n > XENAPT_PAGE_SIZE - offset)
		return -EINVAL;
	spin_lock_irqsave(&dev->ring_lock, flags);
	start = shared_page(dev, page, second);
	if (start)
		move(to ?: start + offset, from ?: start + offset, n);
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	return start ? 0 : -ENOTCONN;
}

int xen_aperture_test_poke(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
			   unsigned int offset, const void *from, unsigned int n)
{
	return access_page(dev, page, offset, NULL, from, n);
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_poke, XEN_APERTURE_TEST);

int xen_aperture_test_peek(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
			   unsigned int offset, void *to, unsigned int n)
{
	return access_page(dev, page, offset, to, NULL, n);
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_peek, XEN_APERTURE_TEST);

static int make_both(struct test_memory *t, struct xen_aperture_dev *dev, unsigned int pages)
{
	struct apf_memory *m = apf_memory_alloc(pages);
	int err;

	if (IS_ERR(m))
		return PTR_ERR(m);
	t->memory = m;
	err = apf_memory_grant(m, dev->slow->peer, false);
	if (err)
		return err;
	m = apf_directory_make(t->memory, dev->slow->peer);
	if (IS_ERR(m))
		return PTR_ERR(m);
	t->directory = m;
	return 0;
}

static int show(struct test_memory *t)
{
	struct xen_aperture_test_memory *p = &t->public;
	unsigned int i;

	p->pages = t->memory->pages;
	p->page = t->memory->page;
	p->gref = t->memory->gref;
	p->reference = t->directory->gref[0];
	p->directories = t->directory->pages;
	p->directory = kcalloc(p->directories, sizeof(*p->directory), GFP_KERNEL);
	for (i = 0; p->directory && i < p->directories; i++)
		p->directory[i] = page_address(t->directory->page[i]);
	p->priv = t;
	return p->directory ? 0 : -ENOMEM;
}

struct xen_aperture_test_memory *xen_aperture_test_alloc(struct xen_aperture_dev *dev,
							 unsigned int pages)
{
	struct test_memory *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->public.priv = t;
	err = make_both(t, dev, pages);
	if (!err)
		err = show(t);
	if (!err)
		return &t->public;
	xen_aperture_test_free(&t->public);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_alloc, XEN_APERTURE_TEST);

unsigned int xen_aperture_test_free(struct xen_aperture_test_memory *memory)
{
	struct test_memory *t = memory->priv;
	unsigned int left;

	left = apf_memory_release(t->directory);
	left += apf_memory_release(t->memory);
	kfree(t->public.directory);
	kfree(t);
	return left;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_free, XEN_APERTURE_TEST);

u32 xen_aperture_test_gref(const struct xen_aperture *ap, unsigned int page)
{
	return ap->memory && page < ap->memory->pages ? ap->memory->gref[page] : INVALID_GRANT_REF;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_gref, XEN_APERTURE_TEST);
