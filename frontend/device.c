// SPDX-License-Identifier: GPL-2.0-only
/* Devices and lanes: finding and holding them; the table of apertures. */
#include <linux/slab.h>

#include "compat.h"
#include "frontend.h"

#define REAP_AGAIN	(HZ / 4)

static LIST_HEAD(devices);
static LIST_HEAD(fast_lanes);
static DEFINE_MUTEX(devices_lock);

struct apf_lane *apf_lane_make(struct xenbus_device *xbdev, enum apf_which which)
{
	const char *number = strrchr(xbdev->nodename, '/');
	struct apf_lane *lane = kzalloc(sizeof(*lane), GFP_KERNEL);

	if (!lane)
		return ERR_PTR(-ENOMEM);
	if (!number || kstrtouint(number + 1, 10, &lane->nr)) {
		kfree(lane);
		return ERR_PTR(-EINVAL);
	}
	kref_init(&lane->ref);
	INIT_LIST_HEAD(&lane->list);
	spin_lock_init(&lane->lock);
	INIT_WORK(&lane->state_work, apf_state_work);
	INIT_WORK(&lane->late_work, apf_late_work);
	lane->which = which;
	lane->xbdev = xbdev;
	lane->peer = xbdev->otherend_id;
	lane->restart = xbdev->state != XenbusStateInitialising;
	snprintf(lane->name, sizeof(lane->name), "%s-%u",
		 which == APF_FAST ? XENAPT_FAST_KIND : XENAPT_DEVICE_KIND, lane->nr);
	return lane;
}

static void free_lane(struct kref *ref)
{
	kfree(container_of(ref, struct apf_lane, ref));
}

void apf_lane_put(struct apf_lane *lane)
{
	kref_put(&lane->ref, free_lane);
}

/* The connection on which requests may be made now, held; NULL: none. */
struct apf_connection *apf_lane_connection(struct apf_lane *lane)
{
	struct apf_connection *c = NULL;
	unsigned long flags;

	spin_lock_irqsave(&lane->lock, flags);
	if (lane->up && !apf_connection_dead(lane->conn)) {
		c = lane->conn;
		kref_get(&c->ref);
	}
	spin_unlock_irqrestore(&lane->lock, flags);
	return c;
}

void apf_fast_list(struct apf_lane *lane)
{
	mutex_lock(&devices_lock);
	list_add_tail(&lane->list, &fast_lanes);
	mutex_unlock(&devices_lock);
}

void apf_fast_unlist(struct apf_lane *lane)
{
	mutex_lock(&devices_lock);
	list_del_init(&lane->list);
	mutex_unlock(&devices_lock);
}

/* The fast lane of device nr, held; NULL: none. */
struct apf_lane *apf_fast_get(unsigned int nr)
{
	struct apf_lane *lane, *found = NULL;

	mutex_lock(&devices_lock);
	list_for_each_entry(lane, &fast_lanes, list)
		if (lane->nr == nr)
			found = lane;
	if (found)
		kref_get(&found->ref);
	mutex_unlock(&devices_lock);
	return found;
}

/* The device came, went, or can be operated: its fast lane looks again. */
void apf_fast_kick(unsigned int nr)
{
	struct apf_lane *lane = apf_fast_get(nr);

	if (!lane)
		return;
	apf_kick(lane);
	apf_lane_put(lane);
}

static void free_pages_of(struct xen_aperture_dev *dev)
{
	unsigned int i;

	if (dev->mask_page)
		put_page(dev->mask_page);
	for (i = 0; i < XENAPT_RECORD_PAGES; i++)
		if (dev->record_page[i])
			put_page(dev->record_page[i]);
}

static int make_pages(struct xen_aperture_dev *dev)
{
	unsigned int i;

	dev->mask_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	for (i = 0; dev->mask_page && i < XENAPT_RECORD_PAGES; i++) {
		dev->record_page[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!dev->record_page[i])
			return -ENOMEM;
	}
	if (!dev->mask_page)
		return -ENOMEM;
	dev->mask = page_address(dev->mask_page);
	return 0;
}

/* The device keeps its slow lane's structure for as long as it is held itself. */
struct xen_aperture_dev *apf_device_make(struct apf_lane *slow)
{
	struct xen_aperture_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return ERR_PTR(-ENOMEM);
	if (make_pages(dev)) {
		free_pages_of(dev);
		kfree(dev);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&dev->ref);
	spin_lock_init(&dev->lock);
	spin_lock_init(&dev->ring_lock);
	init_waitqueue_head(&dev->wait);
	INIT_LIST_HEAD(&dev->list);
	INIT_DELAYED_WORK(&dev->reap_work, apf_device_reap);
	dev->nr = slow->nr;
	strscpy(dev->name, slow->name, sizeof(dev->name));
	kref_get(&slow->ref);
	dev->slow = slow;
	slow->dev = dev;
	apf_operations_init(dev);
	apf_vectors_init(dev);
	return dev;
}

/* Any context: done callbacks may put the last. No peer's grant is the device's own. */
static void free_device(struct kref *ref)
{
	struct xen_aperture_dev *dev = container_of(ref, struct xen_aperture_dev, ref);

	free_pages_of(dev);
	apf_lane_put(dev->slow);
	kfree(dev);
}

void apf_device_hold(struct xen_aperture_dev *dev)
{
	kref_get(&dev->ref);
}

void xen_aperture_dev_put(struct xen_aperture_dev *dev)
{
	if (dev)
		kref_put(&dev->ref, free_device);
}
EXPORT_SYMBOL_GPL(xen_aperture_dev_put);

void apf_device_list(struct xen_aperture_dev *dev)
{
	mutex_lock(&devices_lock);
	list_add_tail(&dev->list, &devices);
	mutex_unlock(&devices_lock);
}

void apf_device_unlist(struct xen_aperture_dev *dev)
{
	mutex_lock(&devices_lock);
	list_del_init(&dev->list);
	mutex_unlock(&devices_lock);
}

struct xen_aperture_dev *xen_aperture_dev_get(unsigned int nr)
{
	struct xen_aperture_dev *dev, *found = NULL;

	mutex_lock(&devices_lock);
	list_for_each_entry(dev, &devices, list)
		if (dev->nr == nr)
			found = dev;
	if (found)
		apf_device_hold(found);
	mutex_unlock(&devices_lock);
	return found;
}
EXPORT_SYMBOL_GPL(xen_aperture_dev_get);

static bool up_or_gone(struct xen_aperture_dev *dev)
{
	struct apf_connection *c = apf_device_connection(dev);

	if (c)
		apf_connection_put(c);
	return c || READ_ONCE(dev->gone);
}

int xen_aperture_dev_wait(struct xen_aperture_dev *dev, unsigned int timeout_ms)
{
	long left = apf_wait_freezable_timeout(dev->wait, up_or_gone(dev),
					       msecs_to_jiffies(timeout_ms));

	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	return READ_ONCE(dev->gone) ? -ENODEV : 0;
}
EXPORT_SYMBOL_GPL(xen_aperture_dev_wait);

struct apf_connection *apf_device_connection(struct xen_aperture_dev *dev)
{
	return apf_lane_connection(dev->slow);
}

bool xen_aperture_dev_connected(struct xen_aperture_dev *dev, enum xenapt_owner lane)
{
	enum apf_which which = lane == XENAPT_OWNER_FAST ? APF_FAST : APF_SLOW;
	struct apf_connection *c;
	unsigned long flags;
	bool connected;

	spin_lock_irqsave(&dev->ring_lock, flags);
	c = dev->operations.lane[which];
	connected = c && !apf_connection_dead(c);
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	return connected;
}
EXPORT_SYMBOL_GPL(xen_aperture_dev_connected);

struct xen_aperture *apf_device_aperture(struct xen_aperture_dev *dev, unsigned int id)
{
	struct xen_aperture *ap;

	spin_lock(&dev->lock);
	ap = dev->aperture[id];
	if (ap)
		kref_get(&ap->ref);
	spin_unlock(&dev->lock);
	return ap;
}

int apf_device_claim(struct xen_aperture_dev *dev, struct xen_aperture *ap)
{
	unsigned int id;

	spin_lock(&dev->lock);
	for (id = 0; id < XENAPT_MAX_APERTURES && dev->aperture[id]; id++)
		;
	if (id < XENAPT_MAX_APERTURES) {
		ap->id = id;
		dev->aperture[id] = ap;
		dev->apertures++;
	}
	spin_unlock(&dev->lock);
	return id < XENAPT_MAX_APERTURES ? 0 : -EUSERS;
}

void apf_device_unclaim(struct xen_aperture_dev *dev, struct xen_aperture *ap)
{
	spin_lock(&dev->lock);
	dev->aperture[ap->id] = NULL;
	dev->apertures--;
	spin_unlock(&dev->lock);
}

void apf_device_restore(struct xen_aperture_dev *dev, struct apf_connection *c)
{
	struct xen_aperture *ap;
	unsigned int id, pass;

	for (pass = 0; pass < 2; pass++) {
		for (id = 0; id < XENAPT_MAX_APERTURES && !apf_connection_dead(c); id++) {
			ap = apf_device_aperture(dev, id);
			if (!ap)
				continue;
			if (pass == 0)
				apf_aperture_restore(ap, c);
			else
				apf_aperture_resignal(ap, c);
			apf_aperture_put(ap);
		}
	}
	apf_device_want_reap(dev, 0);
}

void apf_device_regrant(struct xen_aperture_dev *dev)
{
	struct xen_aperture *ap;
	unsigned int id;

	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		apf_aperture_regrant(ap);
		apf_aperture_put(ap);
	}
}

/* Before a suspend, or when the parent's domain is gone: nothing of the parent's is mapped on return. */
void apf_device_leave(struct xen_aperture_dev *dev, unsigned long deadline, bool suspend)
{
	struct xen_aperture *ap;
	unsigned int id;

	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		apf_aperture_leave(ap, deadline, suspend);
		apf_aperture_put(ap);
	}
}

/* Nothing connects any more. */
void apf_device_give_up(struct xen_aperture_dev *dev)
{
	struct xen_aperture *ap;
	unsigned int id;

	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		apf_aperture_give_up(ap);
		apf_aperture_put(ap);
	}
}

/* After the parent let go: its last octets in copies of partial pages. */
void apf_device_sync(struct xen_aperture_dev *dev)
{
	struct xen_aperture *ap;
	unsigned int id;

	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		xen_aperture_sync(ap);
		apf_aperture_put(ap);
	}
}

/* Restored, perhaps elsewhere: what the stamps say of clocks is not so any more. */
void apf_device_forget_clocks(struct xen_aperture_dev *dev)
{
	struct xenapt_record *record = page_address(dev->record_page[0]);

	WRITE_ONCE(record->stamp[0].clock, 0);
	WRITE_ONCE(record->stamp[1].clock, 0);
	WRITE_ONCE(record->beat, 0);
	WRITE_ONCE(record->skew, 0);
}

/* Any context. As apf_kick(). False: the device is gone, nobody will reap. */
bool apf_device_want_reap(struct xen_aperture_dev *dev, unsigned long delay)
{
	unsigned long flags;
	bool alive;

	spin_lock_irqsave(&dev->slow->lock, flags);
	alive = !dev->gone;
	if (alive)
		mod_delayed_work(apf_work, &dev->reap_work, delay);
	spin_unlock_irqrestore(&dev->slow->lock, flags);
	return alive;
}

/* Apertures whose owner is gone and that the parent was not done with. */
void apf_device_reap(struct work_struct *work)
{
	struct xen_aperture_dev *dev = container_of(to_delayed_work(work),
						    struct xen_aperture_dev, reap_work);
	struct apf_connection *c = apf_device_connection(dev);
	struct xen_aperture *ap;
	bool left = false;
	unsigned int id;

	apf_device_hold(dev);	/* the last aperture may be the last that holds it */
	if (c) {
		apf_ring_release_late(c);
		apf_connection_put(c);
	}
	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		left |= apf_aperture_reap(ap);
		apf_aperture_put(ap);
	}
	if (left)
		apf_device_want_reap(dev, REAP_AGAIN);
	xen_aperture_dev_put(dev);
}

/* Pages of apertures that only the reaper still holds. */
unsigned int apf_device_ending(struct xen_aperture_dev *dev)
{
	unsigned int id, pages = 0;
	struct xen_aperture *ap;

	spin_lock(&dev->lock);
	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = dev->aperture[id];
		if (ap && ap->ending && !(ap->wish.flags & XENAPT_OPEN_PARENT_OWNED))
			pages += apf_aperture_pages(ap);
	}
	spin_unlock(&dev->lock);
	return pages;
}
