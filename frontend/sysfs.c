// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of the xenbus device, in its folder "aperture". Files starting with
 * parent_ and the lines of "parent" show what the parent wrote: data, not truth.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "frontend.h"

static struct xen_aperture_dev *to_dev(struct device *d)
{
	return dev_get_drvdata(d);
}

/* A copy of what the lock protects. */
struct snapshot {
	bool up;
	u32 epoch, version, order;
	struct xenapt_counters child, parent;
};

static void take_snapshot(struct xen_aperture_dev *dev, struct snapshot *s)
{
	struct apf_connection *c;

	memset(s, 0, sizeof(*s));
	spin_lock(&dev->lock);
	c = dev->conn;
	if (c) {
		s->up = dev->up && !apf_connection_dead(c);
		s->epoch = c->epoch;
		s->version = c->version;
		s->order = c->order;
		s->child = *(volatile struct xenapt_counters *)&c->mask->child;
		s->parent = *(volatile struct xenapt_counters *)&c->event->parent;
	}
	spin_unlock(&dev->lock);
}

#define NUMBER(field)								\
static ssize_t field##_show(struct device *d, struct device_attribute *a, char *buf)	\
{										\
	struct snapshot s;							\
										\
	take_snapshot(to_dev(d), &s);						\
	return sysfs_emit(buf, "%u\n", s.field);				\
}										\
static DEVICE_ATTR_RO(field)

NUMBER(epoch);
NUMBER(version);
NUMBER(order);

static ssize_t connected_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct snapshot s;

	take_snapshot(to_dev(d), &s);
	return sysfs_emit(buf, "%d\n", s.up);
}
static DEVICE_ATTR_RO(connected);

static ssize_t connections_show(struct device *d, struct device_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_dev(d)->connections);
}
static DEVICE_ATTR_RO(connections);

static ssize_t emit_counters(char *buf, const struct xenapt_counters *c)
{
	return sysfs_emit(buf,
			  "published %llu\nnotified %llu\nsuppressed %llu\ntaken %llu\n"
			  "coalesced %llu\nevents %llu\nspurious %llu\nrequests %llu\n"
			  "responses %llu\nerrors %llu\nmapped_pages %llu\n",
			  c->published, c->notified, c->suppressed, c->taken, c->coalesced,
			  c->events, c->spurious, c->requests, c->responses, c->errors,
			  c->mapped_pages);
}

static ssize_t counters_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct snapshot s;

	take_snapshot(to_dev(d), &s);
	return emit_counters(buf, &s.child);
}
static DEVICE_ATTR_RO(counters);

static ssize_t parent_counters_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct snapshot s;

	take_snapshot(to_dev(d), &s);
	return emit_counters(buf, &s.parent);
}
static DEVICE_ATTR_RO(parent_counters);

/* "E_RING child: text", of the side that found it; "OK": none yet. */
static ssize_t last_error_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct xen_aperture_dev *dev = to_dev(d);
	ssize_t n;

	spin_lock(&dev->lock);
	if (dev->error)
		n = sysfs_emit(buf, "%s %s: %s\n", xen_aperture_status_name(dev->error),
			       dev->error_ours ? "child" : "parent", dev->error_text);
	else
		n = sysfs_emit(buf, "OK\n");
	spin_unlock(&dev->lock);
	return n;
}
static DEVICE_ATTR_RO(last_error);

static const char *state_name(const struct xen_aperture *ap)
{
	static const char * const names[] = { "none", "opened", "offered", "mapped", "withdrawn" };

	if (ap->ending)
		return "ending";
	if (ap->withdrawn)
		return "withdrawn";
	if (!ap->home || apf_connection_dead(ap->home))
		return "outage";
	return names[ap->state];
}

/* A line each: id slot wanted granted pages state last-status interrupts. */
static ssize_t apertures_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct xen_aperture_dev *dev = to_dev(d);
	struct xen_aperture *ap;
	unsigned int id;
	ssize_t n = 0;

	for (id = 0; id < XENAPT_MAX_APERTURES; id++) {
		ap = apf_device_aperture(dev, id);
		if (!ap)
			continue;
		if (mutex_trylock(&ap->lock)) {
			n += sysfs_emit_at(buf, n, "%u %u %llu %llu %llu %s %s %llu\n", id,
					   ap->slot, ap->wish.wanted, ap->size,
					   ap->size / XENAPT_PAGE_SIZE, state_name(ap),
					   xen_aperture_status_name(ap->status),
					   (u64)atomic64_read(&ap->interrupts));
			mutex_unlock(&ap->lock);
		} else {
			n += sysfs_emit_at(buf, n, "%u - %llu - - changing - -\n", id,
					   ap->wish.wanted);
		}
		apf_aperture_put(ap);
	}
	return n;
}
static DEVICE_ATTR_RO(apertures);

/* Of the whole guest, and of this device's apertures that the parent still holds. */
static ssize_t quarantined_pages_show(struct device *d, struct device_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%u\n", apf_quarantined() + apf_device_ending(to_dev(d)));
}
static DEVICE_ATTR_RO(quarantined_pages);

static struct attribute *attributes[] = {
	&dev_attr_connected.attr,
	&dev_attr_connections.attr,
	&dev_attr_epoch.attr,
	&dev_attr_version.attr,
	&dev_attr_order.attr,
	&dev_attr_counters.attr,
	&dev_attr_parent_counters.attr,
	&dev_attr_last_error.attr,
	&dev_attr_apertures.attr,
	&dev_attr_quarantined_pages.attr,
	NULL
};

static const struct attribute_group group = {
	.name = "aperture",
	.attrs = attributes,
};

const struct attribute_group *apf_groups[] = { &group, NULL };
