// SPDX-License-Identifier: GPL-2.0-only
/*
 * Save, restore, migration: sections 3 and 10 of the contract. Programs are frozen before any of this
 * begins, xenstore and events work, watches do not. Whatever the parent does, the suspend
 * goes on after PATIENCE. Afterwards the lanes connect as at any other time.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <xen/events.h>

#include "compat.h"
#include "frontend.h"

#define PATIENCE	(2 * HZ)	/* with all devices together */
#define LOOK_AGAIN_MS	5

static atomic_t suspended = ATOMIC_INIT(0);
static unsigned long deadline;

/* Ends every wait for the parent. */
struct watchdog {
	struct timer_list timer;
	struct apf_connection *c;
};

static void bite(struct timer_list *timer)
{
	struct watchdog *w = container_of(timer, struct watchdog, timer);

	apf_connection_kill(w->c, XENAPT_E_TIMEOUT, false, "the parent did not let go before a suspend");
}

/* No connection is made any more, and no request by anybody new. */
static bool stop_lane(struct apf_lane *lane)
{
	bool up;

	spin_lock_irq(&lane->lock);
	up = lane->up;
	lane->up = false;
	lane->suspended = true;
	spin_unlock_irq(&lane->lock);
	return up;
}

static bool let_go(struct apf_lane *lane)
{
	enum xenbus_state parent = xenbus_read_driver_state(lane->xbdev->otherend);

	return parent != XenbusStateConnected && parent != XenbusStateInitialised;
}

/* The parent enters Closing when nothing is mapped any more. */
static void close_lane(struct apf_lane *lane, struct apf_connection *c)
{
	if (lane->xbdev->state != XenbusStateClosed)
		xenbus_switch_state(lane->xbdev, XenbusStateClosing);
	while (c && !apf_connection_dead(c) && !let_go(lane))
		msleep(LOOK_AGAIN_MS);
	apf_lane_disconnect(lane, "the guest is suspended");
	xenbus_switch_state(lane->xbdev, XenbusStateClosed);
}

static void leave(struct apf_lane *lane, struct apf_connection *c, bool up)
{
	if (c && !up)
		apf_connection_kill(c, XENAPT_E_GONE, false, "the guest is suspended");
	cancel_work_sync(&lane->state_work);
	if (lane->which == APF_SLOW)
		apf_device_leave(lane->dev, deadline, true);
	close_lane(lane, c);
	if (lane->which == APF_SLOW)
		apf_device_sync(lane->dev);
}

int apf_suspend(struct xenbus_device *xbdev)
{
	struct apf_lane *lane = dev_get_drvdata(&xbdev->dev);
	bool up;
	struct watchdog w;

	if (READ_ONCE(lane->suspended))
		return 0;	/* was restored without its nodes, and they are not there yet */
	up = stop_lane(lane);
	w.c = apf_lane_hold(lane);
	if (atomic_inc_return(&suspended) == 1)
		deadline = jiffies + PATIENCE;
	timer_setup_on_stack(&w.timer, bite, 0);
	if (w.c)
		mod_timer(&w.timer, deadline);
	leave(lane, w.c, up);
	apf_timer_delete_sync(&w.timer);
	destroy_timer_on_stack(&w.timer);
	if (w.c)
		apf_connection_put(w.c);
	return 0;
}

/* Only when it was restored: the nodes are others. Then, and when it was cancelled, comes complete(). */
int apf_resume(struct xenbus_device *xbdev)
{
	struct apf_lane *lane = dev_get_drvdata(&xbdev->dev);

	WRITE_ONCE(lane->resumed, true);
	return 0;
}

/* A new domain: an empty grant table, no ports, other clocks. Nobody is connected. */
static void begin_anew(struct apf_lane *lane)
{
	lane->peer = lane->xbdev->otherend_id;
	lane->failed_epoch = 0;
	if (lane->which == APF_FAST)
		return;
	apf_device_forget_clocks(lane->dev);
	apf_device_regrant(lane->dev);
}

static void go_on(struct apf_lane *lane)
{
	bool anew = lane->resumed;

	if (anew)
		begin_anew(lane);
	spin_lock_irq(&lane->lock);
	lane->restart = !anew;
	lane->resumed = false;
	lane->suspended = false;
	spin_unlock_irq(&lane->lock);
	apf_kick(lane);
}

/* Half a device makes xenbus close it. */
static bool nodes_are_there(struct xenbus_device *xbdev)
{
	char *backend = xenbus_read(XBT_NIL, xbdev->nodename, "backend", NULL);
	bool there;

	if (IS_ERR(backend))
		return false;
	there = xenbus_exists(XBT_NIL, backend, "state") &&
		xenbus_exists(XBT_NIL, xbdev->nodename, "backend-id");
	kfree(backend);
	return there;
}

/*
 * A restored domain whose nodes were not there when it ran: xenbus knows no other end for the
 * device, and does not look again. This does, when the toolstack made them.
 */
void apf_late_work(struct work_struct *work)
{
	struct apf_lane *lane = container_of(work, struct apf_lane, late_work);
	struct xenbus_device *xbdev = lane->xbdev;

	if (!lane->suspended || !nodes_are_there(xbdev))
		return;
	if (!lane->resumed)
		xbdev->dev.bus->pm->restore(&xbdev->dev);
	if (lane->resumed)
		go_on(lane);
}

static void nodes_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct apf_lane *lane = container_of(watch, struct apf_lane, late_watch);

	queue_work(apf_work, &lane->late_work);
}

static void wait_for_nodes(struct apf_lane *lane)
{
	if (!lane->late_watch.node) {
		lane->late_watch.callback = nodes_changed;
		lane->late_watch.node = kstrdup(lane->xbdev->nodename, GFP_KERNEL);
		if (!lane->late_watch.node || register_xenbus_watch(&lane->late_watch)) {
			kfree(lane->late_watch.node);
			lane->late_watch.node = NULL;
			dev_err(&lane->xbdev->dev, "no watch: detach the device and attach it again\n");
			return;
		}
	}
	dev_info(&lane->xbdev->dev, "restored without its nodes: waits until the device is attached\n");
}

/* Once the lane is not suspended any more, or goes. */
void apf_suspend_end(struct apf_lane *lane)
{
	if (!lane->late_watch.node)
		return;
	unregister_xenbus_watch(&lane->late_watch);
	cancel_work_sync(&lane->late_work);
	kfree(lane->late_watch.node);
	lane->late_watch.node = NULL;
}

/* After each suspend that this lane took part in, also one that failed. */
static void complete_suspend(struct device *dev)
{
	struct apf_lane *lane = dev_get_drvdata(dev);

	if (!lane || !lane->suspended)
		return;
	atomic_dec_if_positive(&suspended);
	if (lane->resumed || lane->xbdev->otherend)
		go_on(lane);
	else
		wait_for_nodes(lane);
}

/* The bus has its own for everything but this. */
const struct dev_pm_ops apf_pm_ops = {
	.complete = complete_suspend,
};
