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
	return ((struct apf_lane *)dev_get_drvdata(d))->dev;
}

/* A copy of what the lock protects. */
struct snapshot {
	bool up;
	u32 epoch, version, order;
	struct xenapt_counters child, parent;
};

static void copy_lane(struct apf_lane *lane, struct snapshot *s)
{
	struct apf_connection *c;

	spin_lock_irq(&lane->lock);
	c = lane->conn;
	if (c) {
		s->up = lane->up && !apf_connection_dead(c);
		s->epoch = c->epoch;
		s->version = c->version;
		s->order = c->order;
		s->child = *(volatile struct xenapt_counters *)c->count;
		s->parent = *(volatile struct xenapt_counters *)&c->event->parent;
	}
	spin_unlock_irq(&lane->lock);
}

static void take_snapshot(struct xen_aperture_dev *dev, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	copy_lane(dev->slow, s);
}

/* All zero when there is no fast lane. */
static void take_fast_snapshot(struct xen_aperture_dev *dev, struct snapshot *s)
{
	struct apf_lane *lane = apf_fast_get(dev->nr);

	memset(s, 0, sizeof(*s));
	if (!lane)
		return;
	copy_lane(lane, s);
	apf_lane_put(lane);
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
	return sysfs_emit(buf, "%u\n", to_dev(d)->slow->connections);
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
static ssize_t emit_error(char *buf, struct apf_lane *lane)
{
	ssize_t n;

	spin_lock_irq(&lane->lock);
	if (lane->error)
		n = sysfs_emit(buf, "%s %s: %s\n", xen_aperture_status_name(lane->error),
			       lane->error_ours ? "child" : "parent", lane->error_text);
	else
		n = sysfs_emit(buf, "OK\n");
	spin_unlock_irq(&lane->lock);
	return n;
}

static ssize_t last_error_show(struct device *d, struct device_attribute *a, char *buf)
{
	return emit_error(buf, to_dev(d)->slow);
}
static DEVICE_ATTR_RO(last_error);

/* Names and values of the fast lane; "state -" when there is none. */
static ssize_t fast_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct xen_aperture_dev *dev = to_dev(d);
	struct apf_lane *lane = apf_fast_get(dev->nr);
	struct snapshot s = {};
	ssize_t n;

	if (!lane)
		return sysfs_emit(buf, "state -\n");
	copy_lane(lane, &s);
	n = sysfs_emit(buf, "state %s\nbackend %u\nepoch %u\nconnections %u\n",
		       s.up ? "connected" : "waiting", lane->peer, s.epoch, lane->connections);
	apf_lane_put(lane);
	return n;
}
static DEVICE_ATTR_RO(fast);

static ssize_t fast_last_error_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct apf_lane *lane = apf_fast_get(to_dev(d)->nr);
	ssize_t n;

	if (!lane)
		return sysfs_emit(buf, "OK\n");
	n = emit_error(buf, lane);
	apf_lane_put(lane);
	return n;
}
static DEVICE_ATTR_RO(fast_last_error);

static ssize_t fast_counters_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct snapshot s;

	take_fast_snapshot(to_dev(d), &s);
	return emit_counters(buf, &s.child);
}
static DEVICE_ATTR_RO(fast_counters);

static ssize_t fast_parent_counters_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct snapshot s;

	take_fast_snapshot(to_dev(d), &s);
	return emit_counters(buf, &s.parent);
}
static DEVICE_ATTR_RO(fast_parent_counters);

static ssize_t operations_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct xen_aperture_dev *dev = to_dev(d);
	struct apf_operation_counts c;
	u32 live, fast, slow, entries;

	spin_lock_irq(&dev->ring_lock);
	c = dev->operations.count;
	live = dev->operations.live;
	fast = dev->operations.out[APF_FAST];
	slow = dev->operations.out[APF_SLOW];
	entries = hweight32(~dev->operations.free);
	spin_unlock_irq(&dev->ring_lock);
	return sysfs_emit(buf,
			  "submitted %llu\nfast %llu\nslow %llu\ndeclined_fast %llu\n"
			  "declined_slow %llu\nreplayed %llu\ntaken %llu\nunanswered %llu\n"
			  "found %llu\nreminded %llu\nlive %u\nentries %u\nout_fast %u\n"
			  "out_slow %u\n",
			  c.submitted, c.fast, c.slow, c.declined_fast, c.declined_slow,
			  c.replayed, c.taken, c.unanswered, c.found, c.reminded, live, entries,
			  fast, slow);
}
static DEVICE_ATTR_RO(operations);

/* A line for each vector that is claimed or pending: number, flags, counts. */
static ssize_t vectors_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct xen_aperture_vector_state s;
	unsigned int i;
	ssize_t n = 0;

	for (i = 0; !xen_aperture_vector_state(to_dev(d), i, &s); i++) {
		if (!s.claimed && !s.pending_fast && !s.pending_slow && !s.delivered)
			continue;
		n += sysfs_emit_at(buf, n, "%u %c%c%c%c%c%c %llu %llu %llu\n", i,
				   s.claimed ? 'c' : '-', s.masked ? 'm' : '-',
				   s.in_service ? 's' : '-', s.pending_fast ? 'F' : '-',
				   s.pending_slow ? 'S' : '-', s.owed ? 'o' : '-', s.delivered,
				   s.coalesced, s.held);
	}
	return n;
}
static DEVICE_ATTR_RO(vectors);

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

/* Whose memory, and who only reads. */
static const char *kind_name(const struct xen_aperture *ap)
{
	return ap->wish.flags & XENAPT_OPEN_PARENT_OWNED ? "parent" :
	       ap->existing ? "existing" : "child";
}

static const char *direction_name(const struct xen_aperture *ap)
{
	return ap->wish.flags & XENAPT_OPEN_CHILD_READ_ONLY ? "child-reads" :
	       ap->wish.flags & XENAPT_OPEN_PARENT_READ_ONLY ? "parent-reads" : "both";
}

/*
 * A line each: id slot wanted granted pages state last-status interrupts owner direction lost.
 * lost: times the parent did not have its memory any more.
 */
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
			n += sysfs_emit_at(buf, n, "%u %u %llu %llu %u %s %s %llu %s %s %u\n",
					   id, ap->slot, ap->wish.wanted ?: ap->size, ap->size,
					   apf_aperture_pages(ap), state_name(ap),
					   xen_aperture_status_name(ap->status),
					   (u64)atomic64_read(&ap->interrupts), kind_name(ap),
					   direction_name(ap), ap->lost);
			mutex_unlock(&ap->lock);
		} else {
			n += sysfs_emit_at(buf, n, "%u - %llu - - changing - - - - -\n", id,
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

/* Names and values, of the whole guest: what an aperture may take, and what is taken. */
static ssize_t limits_show(struct device *d, struct device_attribute *a, char *buf)
{
	return sysfs_emit(buf,
			  "grant_frames_max %u\ngrant_references_max %u\n"
			  "grant_references_used %u\ngrant_references_kept %u\n"
			  "memory_available %llu\nmax_size %llu\naperture_max %llu\n"
			  "quarantine_max_pages %u\nquarantined_pages %u\npinned_pages %u\n",
			  gnttab_max_grant_frames(), apf_refs_max(), apf_refs_used(),
			  APF_REFS_KEPT, (u64)si_mem_available() << PAGE_SHIFT, apf_max_size,
			  min(apf_max_size, apf_memory_limit()), apf_quarantine_max_pages,
			  apf_quarantined() + apf_device_ending(to_dev(d)), apf_pinned_pages());
}
static DEVICE_ATTR_RO(limits);

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
	&dev_attr_limits.attr,
	&dev_attr_fast.attr,
	&dev_attr_fast_last_error.attr,
	&dev_attr_fast_counters.attr,
	&dev_attr_fast_parent_counters.attr,
	&dev_attr_operations.attr,
	&dev_attr_vectors.attr,
	NULL
};

static const struct attribute_group group = {
	.name = "aperture",
	.attrs = attributes,
};

const struct attribute_group *apf_groups[] = { &group, NULL };
