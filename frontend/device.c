// SPDX-License-Identifier: GPL-2.0-only
/* Devices: finding and holding them, their table of apertures. */
#include <linux/slab.h>

#include "frontend.h"

#define REAP_AGAIN	(HZ / 4)

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);

struct xen_aperture_dev *apf_device_make(struct xenbus_device *xbdev)
{
	const char *number = strrchr(xbdev->nodename, '/');
	struct xen_aperture_dev *dev;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	if (!number || kstrtouint(number + 1, 10, &dev->nr)) {
		kfree(dev);
		return ERR_PTR(-EINVAL);
	}
	kref_init(&dev->ref);
	spin_lock_init(&dev->lock);
	init_waitqueue_head(&dev->wait);
	INIT_LIST_HEAD(&dev->list);
	INIT_WORK(&dev->state_work, apf_state_work);
	INIT_DELAYED_WORK(&dev->reap_work, apf_device_reap);
	dev->xbdev = xbdev;
	dev->peer = xbdev->otherend_id;
	snprintf(dev->name, sizeof(dev->name), "aperture-%u", dev->nr);
	return dev;
}

static void free_device(struct kref *ref)
{
	kfree(container_of(ref, struct xen_aperture_dev, ref));
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
	long left = wait_event_killable_timeout(dev->wait, up_or_gone(dev),
						msecs_to_jiffies(timeout_ms));

	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	return READ_ONCE(dev->gone) ? -ENODEV : 0;
}
EXPORT_SYMBOL_GPL(xen_aperture_dev_wait);

/* The connection on which requests may be made now, held; NULL: none. */
struct apf_connection *apf_device_connection(struct xen_aperture_dev *dev)
{
	struct apf_connection *c = NULL;

	spin_lock(&dev->lock);
	if (dev->up && !apf_connection_dead(dev->conn)) {
		c = dev->conn;
		kref_get(&c->ref);
	}
	spin_unlock(&dev->lock);
	return c;
}

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

/* False: the device is gone, nobody will reap. */
bool apf_device_want_reap(struct xen_aperture_dev *dev, unsigned long delay)
{
	bool alive = !READ_ONCE(dev->gone);

	if (alive)
		mod_delayed_work(apf_work, &dev->reap_work, delay);
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

	spin_lock(&dev->lock);
	for (id = 0; id < XENAPT_MAX_APERTURES; id++)
		if (dev->aperture[id] && dev->aperture[id]->ending)
			pages += dev->aperture[id]->size / XENAPT_PAGE_SIZE;
	spin_unlock(&dev->lock);
	return pages;
}
