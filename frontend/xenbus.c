// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handshake of a lane: sections 2 and 3 of the contract. Events only wake one work item
 * per xenbus device; it reads the parent's state and does what is missing, so every step
 * may come twice, late or not at all.
 */
#include <linux/module.h>
#include <xen/events.h>

#include "frontend.h"

/* Any context. Under the lock: whoever said gone can wait for the last one. */
void apf_kick(struct apf_lane *lane)
{
	unsigned long flags;

	spin_lock_irqsave(&lane->lock, flags);
	if (!lane->gone && !lane->suspended)
		queue_work(apf_work, &lane->state_work);
	spin_unlock_irqrestore(&lane->lock, flags);
}

static void remember_error(struct apf_lane *lane, u32 status, bool ours, const char *text)
{
	spin_lock_irq(&lane->lock);
	lane->error = status;
	lane->error_ours = ours;
	strscpy(lane->error_text, text, sizeof(lane->error_text));
	spin_unlock_irq(&lane->lock);
}

/* The parent's status word is its last word, if it left one. */
static void remember_end(struct apf_lane *lane, struct apf_connection *c)
{
	u32 status = c->told ?: READ_ONCE(c->event->status);

	if (!c->ours && status)
		remember_error(lane, status, false, c->why);
	else
		remember_error(lane, atomic_read(&c->dead), c->ours, c->why);
}

/* Idempotent. Apertures live on. */
void apf_lane_disconnect(struct apf_lane *lane, const char *why)
{
	struct apf_connection *c;

	spin_lock_irq(&lane->lock);
	c = lane->conn;
	lane->conn = NULL;
	lane->up = false;
	spin_unlock_irq(&lane->lock);
	if (!c)
		return;
	apf_connection_kill(c, XENAPT_E_GONE, false, "%s", why);
	remember_end(lane, c);
	apf_connection_end(c);
}

/* This side gives up on the parent's epoch: a named error, and closed. */
static void fail(struct apf_lane *lane, u32 epoch, u32 status, const char *why)
{
	/* Here at once; xenstore takes its time. */
	remember_error(lane, status, true, why);
	dev_err_ratelimited(&lane->xbdev->dev, "%s: %s\n", xen_aperture_status_name(status), why);
	lane->failed_epoch = epoch;
	xenbus_printf(XBT_NIL, lane->xbdev->nodename, XENAPT_NODE_ERROR, "%s: %s",
		      xen_aperture_status_name(status), why);
	if (status != XENAPT_E_VERSION)
		xenbus_switch_state(lane->xbdev, XenbusStateClosing);
	apf_lane_disconnect(lane, why);
	remember_error(lane, status, true, why);
	xenbus_switch_state(lane->xbdev, XenbusStateClosed);
}

static int write_number(struct apf_lane *lane, struct xenbus_transaction xbt,
			const char *node, u64 value)
{
	return xenbus_printf(xbt, lane->xbdev->nodename, node, "%llu", value);
}

static int write_refs(struct apf_lane *lane, struct xenbus_transaction xbt,
		      struct apf_connection *c)
{
	char node[sizeof(XENAPT_NODE_RING_REF) + 12];
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->ring_memory->pages && !err; i++) {
		snprintf(node, sizeof(node), XENAPT_NODE_RING_REF "%u", i);
		err = write_number(lane, xbt, node, c->ring_memory->gref[i]);
	}
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_EVENT_REF, c->event_memory->gref[0]);
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_MASK_REF, c->mask_memory->gref[0]);
	return err;
}

/* A parent that does not offer a feature is not told of it, also not by an old node. */
static int write_features(struct apf_lane *lane, struct xenbus_transaction xbt,
			  struct apf_connection *c)
{
	const char *dir = lane->xbdev->nodename;
	unsigned int i;
	int err = 0;

	for (i = 0; i < APF_FEATURES && !err; i++) {
		if (c->features & apf_features[i].feature)
			err = write_number(lane, xbt, apf_features[i].node, 1);
		else if (xenbus_exists(xbt, dir, apf_features[i].node))
			err = xenbus_rm(xbt, dir, apf_features[i].node);
	}
	return err;
}

static int write_record(struct apf_lane *lane, struct xenbus_transaction xbt,
			struct apf_connection *c)
{
	char node[sizeof(XENAPT_NODE_RECORD_REF) + 12];
	unsigned int i;
	int err = 0;

	for (i = 0; c->operations && i < XENAPT_RECORD_PAGES && !err; i++) {
		snprintf(node, sizeof(node), XENAPT_NODE_RECORD_REF "%u", i);
		err = write_number(lane, xbt, node, c->record_memory->gref[i]);
	}
	return err;
}

static int write_nodes(struct apf_lane *lane, struct xenbus_transaction xbt,
		       struct apf_connection *c)
{
	int err;

	err = write_refs(lane, xbt, c);
	if (!err)
		err = write_features(lane, xbt, c);
	if (!err)
		err = write_record(lane, xbt, c);
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_VERSION, c->version);
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_EPOCH, c->epoch);
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_RING_ORDER, c->order);
	if (!err)
		err = write_number(lane, xbt, XENAPT_NODE_EVENT_CHANNEL, c->port);
	if (!err && lane->which == APF_SLOW)
		err = write_number(lane, xbt, XENAPT_NODE_MAX_SIZE,
				   min(apf_max_size, apf_memory_limit()));
	if (!err)
		err = write_number(lane, xbt, "state", XenbusStateInitialised);
	return err;
}

/*
 * All nodes and the state in one transaction. The state is written even when it is
 * 3 already: the parent that restarted waits for the event. A directory that is gone
 * is not made again.
 */
static int publish(struct apf_lane *lane, struct apf_connection *c)
{
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			return err;
		if (!xenbus_exists(xbt, lane->xbdev->nodename, "state"))
			err = -ENOENT;
		if (!err)
			err = write_nodes(lane, xbt, c);
		if (err) {
			xenbus_transaction_end(xbt, 1);
			return err;
		}
		err = xenbus_transaction_end(xbt, 0);
	} while (err == -EAGAIN);
	if (!err)
		lane->xbdev->state = XenbusStateInitialised;
	return err;
}

static void connect(struct apf_lane *lane, struct xen_aperture_dev *dev,
		    const struct apf_offer *offer)
{
	struct apf_connection *c;
	char why[64];
	int err;

	c = apf_connection_make(lane, dev, offer);
	if (IS_ERR(c)) {
		scnprintf(why, sizeof(why), "no ring or port: error %ld", PTR_ERR(c));
		fail(lane, offer->epoch, XENAPT_E_MEMORY, why);
		return;
	}
	spin_lock_irq(&lane->lock);
	lane->conn = c;
	spin_unlock_irq(&lane->lock);
	if (xenbus_exists(XBT_NIL, lane->xbdev->nodename, XENAPT_NODE_ERROR))
		xenbus_rm(XBT_NIL, lane->xbdev->nodename, XENAPT_NODE_ERROR);
	err = publish(lane, c);
	if (!err)
		return;
	dev_err_ratelimited(&lane->xbdev->dev, "nodes were not written: error %d\n", err);
	lane->failed_epoch = offer->epoch;
	apf_lane_disconnect(lane, "nodes were not written");
}

/*
 * The device of a lane, held. A fast lane is connected only while its device can be operated;
 * NULL: it waits, and is kicked.
 */
static struct xen_aperture_dev *device_of(struct apf_lane *lane)
{
	struct xen_aperture_dev *dev;

	if (lane->which == APF_SLOW) {
		apf_device_hold(lane->dev);
		return lane->dev;
	}
	dev = xen_aperture_dev_get(lane->nr);
	if (dev && xen_aperture_dev_connected(dev, XENAPT_OWNER_SLOW))
		return dev;
	xen_aperture_dev_put(dev);
	return NULL;
}

static void answer_offer(struct apf_lane *lane, const struct apf_offer *offer)
{
	struct xen_aperture_dev *dev;
	char why[96];

	lane->restart = false;
	if (!offer->version) {
		scnprintf(why, sizeof(why), "parent speaks %.40s, this side %u", offer->versions,
			  XENAPT_VERSION);
		fail(lane, offer->epoch, XENAPT_E_VERSION, why);
		return;
	}
	dev = device_of(lane);
	if (dev)
		connect(lane, dev, offer);
	xen_aperture_dev_put(dev);
}

static void parent_waits(struct apf_lane *lane)
{
	struct apf_offer offer = {};
	char why[96];

	if (apf_nodes_offer(lane, &offer, why, sizeof(why))) {
		if (!offer.epoch || offer.epoch != lane->failed_epoch)
			fail(lane, offer.epoch, XENAPT_E_NODE, why);
		return;
	}
	if (offer.epoch == lane->failed_epoch)
		return;
	if (lane->conn && !apf_connection_dead(lane->conn) && lane->conn->epoch == offer.epoch)
		return;
	apf_lane_disconnect(lane, "the parent started again");
	answer_offer(lane, &offer);
}

static void go_up(struct apf_lane *lane, struct apf_connection *c)
{
	if (lane->which == APF_SLOW)
		apf_device_restore(c->dev, c);
	spin_lock_irq(&lane->lock);
	lane->up = true;
	lane->connections++;
	spin_unlock_irq(&lane->lock);
	apf_operations_attach(c);
	wake_up_all(&c->dev->wait);
	if (lane->which == APF_SLOW)
		apf_fast_kick(lane->nr);
}

static void parent_connected(struct apf_lane *lane)
{
	struct apf_connection *c = lane->conn;
	u32 version, epoch;
	char why[96];

	if (!c || c->connected || apf_connection_dead(c))
		return;
	if (apf_nodes_agreed(lane, &version, &epoch, why, sizeof(why))) {
		fail(lane, c->epoch, XENAPT_E_NODE, why);
		return;
	}
	if (epoch != c->epoch)
		return;		/* of another attempt: its InitWait is still to come */
	if (version != c->version) {
		scnprintf(why, sizeof(why), "version %u agreed to, %u asked for", version,
			  c->version);
		fail(lane, c->epoch, XENAPT_E_VERSION, why);
		return;
	}
	if (lane->which == APF_SLOW && apf_tables_read(c, why, sizeof(why))) {
		fail(lane, c->epoch, XENAPT_E_MALFORMED, why);
		return;
	}
	WRITE_ONCE(c->connected, true);
	xenbus_switch_state(lane->xbdev, XenbusStateConnected);
	go_up(lane, c);
}

static bool device_is_there(unsigned int nr)
{
	struct xen_aperture_dev *dev = xen_aperture_dev_get(nr);

	xen_aperture_dev_put(dev);
	return dev;
}

/*
 * After a module was unloaded and loaded: the parent closes first, then it waits for
 * state 1. Entering 1 earlier could hide this side's 6 from it.
 */
static bool starting_again(struct apf_lane *lane, enum xenbus_state parent)
{
	if (!lane->restart)
		return lane->xbdev->state == XenbusStateInitialising && !lane->conn &&
		       xenbus_read_unsigned(lane->xbdev->otherend, XENAPT_NODE_ONLINE, 0);
	if (parent != XenbusStateClosed ||
	    !xenbus_read_unsigned(lane->xbdev->otherend, XENAPT_NODE_ONLINE, 0) ||
	    (lane->which == APF_FAST && !device_is_there(lane->nr)))
		return false;
	lane->restart = false;
	xenbus_switch_state(lane->xbdev, XenbusStateInitialising);
	return true;
}

/* A device that is detached loses its own nodes with the parent's; one whose parent's domain is gone does not. */
static bool is_there(const struct apf_lane *lane)
{
	return xenbus_exists(XBT_NIL, lane->xbdev->nodename, "backend");
}

static void parent_closes(struct apf_lane *lane, enum xenbus_state parent)
{
	if (starting_again(lane, parent))
		return;
	if (lane->xbdev->state != XenbusStateClosed)
		xenbus_switch_state(lane->xbdev, XenbusStateClosing);
	apf_lane_disconnect(lane, "the parent closed");
	/* Xen keeps the remains of a domain while memory of it is mapped here. */
	if (parent == XenbusStateUnknown && lane->which == APF_SLOW && is_there(lane))
		apf_device_leave(lane->dev, jiffies, false);
	xenbus_frontend_closed(lane->xbdev);
}

/* A fast lane whose device went: closed until there is one again. */
static void close_orphan(struct apf_lane *lane)
{
	lane->restart = true;
	xenbus_switch_state(lane->xbdev, XenbusStateClosing);
	apf_lane_disconnect(lane, "its device went away");
	xenbus_frontend_closed(lane->xbdev);
}

static void look_at_connection(struct apf_lane *lane)
{
	struct apf_connection *c = lane->conn;

	if (c && lane->which == APF_FAST && READ_ONCE(c->dev->gone)) {
		close_orphan(lane);
	} else if (c && apf_connection_dead(c)) {
		if (c->ours)
			fail(lane, c->epoch, atomic_read(&c->dead), c->why);
		else
			apf_lane_disconnect(lane, c->why);
	}
}

void apf_state_work(struct work_struct *work)
{
	struct apf_lane *lane = container_of(work, struct apf_lane, state_work);
	enum xenbus_state parent;

	if (READ_ONCE(lane->gone))
		return;
	look_at_connection(lane);
	parent = xenbus_read_driver_state(lane->xbdev->otherend);
	switch (parent) {
	case XenbusStateInitWait:
		parent_waits(lane);
		break;
	case XenbusStateConnected:
		parent_connected(lane);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
	case XenbusStateUnknown:
		parent_closes(lane, parent);
		break;
	default:
		break;
	}
}

/* Held, for those outside the work item; NULL: none. */
struct apf_connection *apf_lane_hold(struct apf_lane *lane)
{
	struct apf_connection *c;

	spin_lock_irq(&lane->lock);
	c = lane->conn;
	if (c)
		kref_get(&c->ref);
	spin_unlock_irq(&lane->lock);
	return c;
}

/* In the thread of all xenstore watches: ends waits, so that the work item can run. */
static void parent_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct apf_lane *lane = dev_get_drvdata(&xbdev->dev);
	struct apf_connection *c = apf_lane_hold(lane);

	if (c) {
		if (READ_ONCE(c->connected) && state != XenbusStateConnected)
			apf_connection_kill(c, XENAPT_E_GONE, false, "the parent entered %s",
					   xenbus_strstate(state));
		apf_connection_put(c);
	}
	apf_kick(lane);
}

static int probe_device(struct apf_lane *lane)
{
	struct xen_aperture_dev *dev = apf_device_make(lane);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = apf_chardev_add(dev);
	if (err) {
		dev_err(&lane->xbdev->dev, "no character device: error %d\n", err);
		xen_aperture_dev_put(dev);
		return err;
	}
	apf_device_list(dev);
	return 0;
}

static int probe(struct xenbus_device *xbdev, enum apf_which which)
{
	struct apf_lane *lane = apf_lane_make(xbdev, which);
	int err = 0;

	if (IS_ERR(lane))
		return PTR_ERR(lane);
	dev_set_drvdata(&xbdev->dev, lane);
	if (which == APF_SLOW)
		err = probe_device(lane);
	else
		apf_fast_list(lane);
	if (err) {
		dev_set_drvdata(&xbdev->dev, NULL);
		apf_lane_put(lane);
		return err;
	}
	apf_kick(lane);
	return 0;
}

static int probe_slow(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	return probe(xbdev, APF_SLOW);
}

static int probe_fast(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	return probe(xbdev, APF_FAST);
}

/* From here on there is no connection, and nothing makes one. */
static void end_lane(struct apf_lane *lane)
{
	struct apf_connection *c;

	spin_lock_irq(&lane->lock);
	lane->gone = true;
	spin_unlock_irq(&lane->lock);
	c = apf_lane_hold(lane);
	if (c) {
		xenbus_switch_state(lane->xbdev, XenbusStateClosing);
		apf_connection_kill(c, XENAPT_E_GONE, false, "the device was removed");
		apf_connection_put(c);
	}
	apf_suspend_end(lane);
	cancel_work_sync(&lane->state_work);
	apf_lane_disconnect(lane, "the device was removed");
}

/* Files and drivers may hold the device longer; from here on they get ENODEV. */
static void end_device(struct apf_lane *lane)
{
	struct xen_aperture_dev *dev = lane->dev;

	apf_device_unlist(dev);
	apf_chardev_remove(dev);
	spin_lock_irq(&lane->lock);
	WRITE_ONCE(dev->gone, true);
	spin_unlock_irq(&lane->lock);
	end_lane(lane);
	apf_operations_end(dev);
	apf_device_give_up(dev);
	cancel_delayed_work_sync(&dev->reap_work);
	apf_device_reap(&dev->reap_work.work);
	wake_up_all(&dev->wait);
	apf_fast_kick(lane->nr);
	xen_aperture_dev_put(dev);
}

static void remove(struct xenbus_device *xbdev)
{
	struct apf_lane *lane = dev_get_drvdata(&xbdev->dev);

	if (lane->which == APF_SLOW) {
		end_device(lane);
	} else {
		apf_fast_unlist(lane);
		end_lane(lane);
	}
	dev_set_drvdata(&xbdev->dev, NULL);
	lane->xbdev = NULL;
	apf_lane_put(lane);
}

static const struct xenbus_device_id slow_ids[] = {
	{ XENAPT_DEVICE_KIND },
	{ "" }
};

static const struct xenbus_device_id fast_ids[] = {
	{ XENAPT_FAST_KIND },
	{ "" }
};

static struct xenbus_driver slow_driver = {
	.name = APF_NAME,
	.ids = slow_ids,
	.probe = probe_slow,
	.remove = remove,
	.suspend = apf_suspend,
	.resume = apf_resume,
	.otherend_changed = parent_changed,
	.not_essential = true,
	.driver.dev_groups = apf_groups,
	.driver.pm = &apf_pm_ops,
};

static struct xenbus_driver fast_driver = {
	.name = APF_NAME "-fast",
	.ids = fast_ids,
	.probe = probe_fast,
	.remove = remove,
	.suspend = apf_suspend,
	.resume = apf_resume,
	.otherend_changed = parent_changed,
	.not_essential = true,
	.driver.pm = &apf_pm_ops,
};

/*
 * Without an owner: xenbus would hold the module for as long as a device is bound, and
 * it could not be unloaded. Unregistering removes every device first, so it is safe.
 */
int apf_xenbus_register(void)
{
	int err = __xenbus_register_frontend(&slow_driver, NULL, KBUILD_MODNAME);

	if (err)
		return err;
	err = __xenbus_register_frontend(&fast_driver, NULL, KBUILD_MODNAME);
	if (err)
		xenbus_unregister_driver(&slow_driver);
	return err;
}

void apf_xenbus_unregister(void)
{
	xenbus_unregister_driver(&fast_driver);
	xenbus_unregister_driver(&slow_driver);
}
