// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handshake: sections 2 and 3 of the contract. Events only wake one work item
 * per device; it reads the parent's state and does what is missing, so every step
 * may come twice, late or not at all.
 */
#include <linux/module.h>
#include <xen/events.h>

#include "frontend.h"

void apf_kick(struct xen_aperture_dev *dev)
{
	if (!READ_ONCE(dev->gone))
		queue_work(apf_work, &dev->state_work);
}

static void remember_error(struct xen_aperture_dev *dev, u32 status, bool ours, const char *text)
{
	spin_lock(&dev->lock);
	dev->error = status;
	dev->error_ours = ours;
	strscpy(dev->error_text, text, sizeof(dev->error_text));
	spin_unlock(&dev->lock);
}

/* The parent's status word is its last word, if it left one. */
static void remember_end(struct xen_aperture_dev *dev, struct apf_connection *c)
{
	u32 status = READ_ONCE(c->event->status);

	if (!c->ours && status)
		remember_error(dev, status, false, c->why);
	else
		remember_error(dev, atomic_read(&c->dead), c->ours, c->why);
}

/* Idempotent. Apertures live on. */
static void disconnect(struct xen_aperture_dev *dev, const char *why)
{
	struct apf_connection *c;

	spin_lock(&dev->lock);
	c = dev->conn;
	dev->conn = NULL;
	dev->up = false;
	spin_unlock(&dev->lock);
	if (!c)
		return;
	apf_connection_kill(c, XENAPT_E_GONE, false, "%s", why);
	remember_end(dev, c);
	apf_connection_end(c);
}

/* This side gives up on the parent's epoch: a named error, and closed. */
static void fail(struct xen_aperture_dev *dev, u32 epoch, u32 status, const char *why)
{
	dev_err(&dev->xbdev->dev, "%s: %s\n", xen_aperture_status_name(status), why);
	dev->failed_epoch = epoch;
	xenbus_printf(XBT_NIL, dev->xbdev->nodename, XENAPT_NODE_ERROR, "%s: %s",
		      xen_aperture_status_name(status), why);
	if (status != XENAPT_E_VERSION)
		xenbus_switch_state(dev->xbdev, XenbusStateClosing);
	disconnect(dev, why);
	remember_error(dev, status, true, why);
	xenbus_switch_state(dev->xbdev, XenbusStateClosed);
}

static int write_number(struct xen_aperture_dev *dev, struct xenbus_transaction xbt,
			const char *node, u64 value)
{
	return xenbus_printf(xbt, dev->xbdev->nodename, node, "%llu", value);
}

static int write_refs(struct xen_aperture_dev *dev, struct xenbus_transaction xbt,
		      struct apf_connection *c)
{
	char node[sizeof(XENAPT_NODE_RING_REF) + 12];
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->ring_memory->pages && !err; i++) {
		snprintf(node, sizeof(node), XENAPT_NODE_RING_REF "%u", i);
		err = write_number(dev, xbt, node, c->ring_memory->gref[i]);
	}
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_EVENT_REF, c->event_memory->gref[0]);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_MASK_REF, c->mask_memory->gref[0]);
	return err;
}

static int write_nodes(struct xen_aperture_dev *dev, struct xenbus_transaction xbt,
		       struct apf_connection *c)
{
	int err;

	err = write_refs(dev, xbt, c);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_VERSION, c->version);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_EPOCH, c->epoch);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_RING_ORDER, c->order);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_EVENT_CHANNEL, c->port);
	if (!err)
		err = write_number(dev, xbt, XENAPT_NODE_MAX_SIZE,
				   min(apf_max_size, apf_memory_limit()));
	if (!err)
		err = write_number(dev, xbt, "state", XenbusStateInitialised);
	return err;
}

/*
 * All nodes and the state in one transaction. The state is written even when it is
 * 3 already: the parent that restarted waits for the event. A directory that is gone
 * is not made again.
 */
static int publish(struct xen_aperture_dev *dev, struct apf_connection *c)
{
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			return err;
		if (!xenbus_exists(xbt, dev->xbdev->nodename, "state"))
			err = -ENOENT;
		if (!err)
			err = write_nodes(dev, xbt, c);
		if (err) {
			xenbus_transaction_end(xbt, 1);
			return err;
		}
		err = xenbus_transaction_end(xbt, 0);
	} while (err == -EAGAIN);
	if (!err)
		dev->xbdev->state = XenbusStateInitialised;
	return err;
}

static void connect(struct xen_aperture_dev *dev, const struct apf_offer *offer)
{
	struct apf_connection *c;
	char why[64];
	int err;

	c = apf_connection_make(dev, offer->epoch,
			       min(apf_ring_page_order, offer->max_ring_order));
	if (IS_ERR(c)) {
		scnprintf(why, sizeof(why), "no ring or port: error %ld", PTR_ERR(c));
		fail(dev, offer->epoch, XENAPT_E_MEMORY, why);
		return;
	}
	c->version = offer->version;
	spin_lock(&dev->lock);
	dev->conn = c;
	spin_unlock(&dev->lock);
	if (xenbus_exists(XBT_NIL, dev->xbdev->nodename, XENAPT_NODE_ERROR))
		xenbus_rm(XBT_NIL, dev->xbdev->nodename, XENAPT_NODE_ERROR);
	err = publish(dev, c);
	if (!err)
		return;
	dev_err(&dev->xbdev->dev, "nodes were not written: error %d\n", err);
	dev->failed_epoch = offer->epoch;
	disconnect(dev, "nodes were not written");
}

static void parent_waits(struct xen_aperture_dev *dev)
{
	struct apf_offer offer = {};
	char why[96];

	if (apf_nodes_offer(dev, &offer, why, sizeof(why))) {
		if (!offer.epoch || offer.epoch != dev->failed_epoch)
			fail(dev, offer.epoch, XENAPT_E_NODE, why);
		return;
	}
	if (offer.epoch == dev->failed_epoch)
		return;
	if (dev->conn && !apf_connection_dead(dev->conn) && dev->conn->epoch == offer.epoch)
		return;
	disconnect(dev, "the parent started again");
	dev->restart = false;
	if (!offer.version) {
		scnprintf(why, sizeof(why), "parent speaks %.40s, this side %u", offer.versions,
			  XENAPT_VERSION);
		fail(dev, offer.epoch, XENAPT_E_VERSION, why);
		return;
	}
	connect(dev, &offer);
}

static void parent_connected(struct xen_aperture_dev *dev)
{
	struct apf_connection *c = dev->conn;
	u32 version, epoch;
	char why[96];

	if (!c || c->connected || apf_connection_dead(c))
		return;
	if (apf_nodes_agreed(dev, &version, &epoch, why, sizeof(why))) {
		fail(dev, c->epoch, XENAPT_E_NODE, why);
		return;
	}
	if (epoch != c->epoch)
		return;		/* of another attempt: its InitWait is still to come */
	if (version != c->version) {
		scnprintf(why, sizeof(why), "version %u agreed to, %u asked for", version,
			  c->version);
		fail(dev, c->epoch, XENAPT_E_VERSION, why);
		return;
	}
	WRITE_ONCE(c->connected, true);
	xenbus_switch_state(dev->xbdev, XenbusStateConnected);
	apf_device_restore(dev, c);
	spin_lock(&dev->lock);
	dev->up = true;
	dev->connections++;
	spin_unlock(&dev->lock);
	wake_up_all(&dev->wait);
}

/*
 * After a module was unloaded and loaded: the parent closes first, then it waits for
 * state 1. Entering 1 earlier could hide this side's 6 from it.
 */
static bool starting_again(struct xen_aperture_dev *dev, enum xenbus_state parent)
{
	if (!dev->restart)
		return dev->xbdev->state == XenbusStateInitialising && !dev->conn &&
		       xenbus_read_unsigned(dev->xbdev->otherend, XENAPT_NODE_ONLINE, 0);
	if (parent != XenbusStateClosed ||
	    !xenbus_read_unsigned(dev->xbdev->otherend, XENAPT_NODE_ONLINE, 0))
		return false;
	dev->restart = false;
	xenbus_switch_state(dev->xbdev, XenbusStateInitialising);
	return true;
}

static void parent_closes(struct xen_aperture_dev *dev, enum xenbus_state parent)
{
	if (starting_again(dev, parent))
		return;
	if (dev->xbdev->state != XenbusStateClosed)
		xenbus_switch_state(dev->xbdev, XenbusStateClosing);
	disconnect(dev, "the parent closed");
	xenbus_frontend_closed(dev->xbdev);
}

void apf_state_work(struct work_struct *work)
{
	struct xen_aperture_dev *dev = container_of(work, struct xen_aperture_dev, state_work);
	struct apf_connection *c = dev->conn;
	enum xenbus_state parent;

	if (READ_ONCE(dev->gone))
		return;
	if (xchg(&dev->regrant, false)) {
		disconnect(dev, "the guest was restored");
		apf_device_regrant(dev);
	} else if (c && apf_connection_dead(c)) {
		if (c->ours)
			fail(dev, c->epoch, atomic_read(&c->dead), c->why);
		else
			disconnect(dev, c->why);
	}
	parent = xenbus_read_driver_state(dev->xbdev->otherend);
	switch (parent) {
	case XenbusStateInitWait:
		parent_waits(dev);
		break;
	case XenbusStateConnected:
		parent_connected(dev);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
	case XenbusStateUnknown:
		parent_closes(dev, parent);
		break;
	default:
		break;
	}
}

/* Held, for those outside the work item; NULL: none. */
static struct apf_connection *hold_connection(struct xen_aperture_dev *dev)
{
	struct apf_connection *c;

	spin_lock(&dev->lock);
	c = dev->conn;
	if (c)
		kref_get(&c->ref);
	spin_unlock(&dev->lock);
	return c;
}

/* In the thread of all xenstore watches: ends waits, so that the work item can run. */
static void parent_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct xen_aperture_dev *dev = dev_get_drvdata(&xbdev->dev);
	struct apf_connection *c = hold_connection(dev);

	if (c) {
		if (READ_ONCE(c->connected) && state != XenbusStateConnected)
			apf_connection_kill(c, XENAPT_E_GONE, false, "the parent entered %s",
					   xenbus_strstate(state));
		apf_connection_put(c);
	}
	apf_kick(dev);
}

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct xen_aperture_dev *dev = apf_device_make(xbdev);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->restart = xbdev->state != XenbusStateInitialising;
	dev_set_drvdata(&xbdev->dev, dev);
	err = apf_chardev_add(dev);
	if (err) {
		dev_err(&xbdev->dev, "no character device: error %d\n", err);
		dev_set_drvdata(&xbdev->dev, NULL);
		xen_aperture_dev_put(dev);
		return err;
	}
	apf_device_list(dev);
	apf_kick(dev);
	return 0;
}

/* Files and drivers may hold the device longer; from here on they get ENODEV. */
static void remove(struct xenbus_device *xbdev)
{
	struct xen_aperture_dev *dev = dev_get_drvdata(&xbdev->dev);
	struct apf_connection *c;

	apf_device_unlist(dev);
	apf_chardev_remove(dev);
	WRITE_ONCE(dev->gone, true);
	c = hold_connection(dev);
	if (c) {
		xenbus_switch_state(xbdev, XenbusStateClosing);
		apf_connection_kill(c, XENAPT_E_GONE, false, "the device was removed");
		apf_connection_put(c);
	}
	cancel_work_sync(&dev->state_work);
	disconnect(dev, "the device was removed");
	cancel_work_sync(&dev->state_work);
	cancel_delayed_work_sync(&dev->reap_work);
	apf_device_reap(&dev->reap_work.work);
	wake_up_all(&dev->wait);
	dev_set_drvdata(&xbdev->dev, NULL);
	dev->xbdev = NULL;
	xen_aperture_dev_put(dev);
}

/* A restored guest has an empty grant table and no ports. */
static int resume(struct xenbus_device *xbdev)
{
	struct xen_aperture_dev *dev = dev_get_drvdata(&xbdev->dev);

	dev->peer = xbdev->otherend_id;
	WRITE_ONCE(dev->regrant, true);
	apf_kick(dev);
	return 0;
}

static const struct xenbus_device_id ids[] = {
	{ XENAPT_DEVICE_KIND },
	{ "" }
};

static struct xenbus_driver driver = {
	.name = APF_NAME,
	.ids = ids,
	.probe = probe,
	.remove = remove,
	.resume = resume,
	.otherend_changed = parent_changed,
	.not_essential = true,
	.driver.dev_groups = apf_groups,
};

/*
 * Without an owner: xenbus would hold the module for as long as a device is bound, and
 * it could not be unloaded. Unregistering removes every device first, so it is safe.
 */
int apf_xenbus_register(void)
{
	return __xenbus_register_frontend(&driver, NULL, KBUILD_MODNAME);
}

void apf_xenbus_unregister(void)
{
	xenbus_unregister_driver(&driver);
}
