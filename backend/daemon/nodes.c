// SPDX-License-Identifier: GPL-2.0-only
#include "supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elsewhere.h"
#include "log.h"
#include "parse.h"

#define WINDOW_MS	250
#define WINDOW_STEPS	50	/* of all devices of a guest */

#define LOOK_MS		500	/* until a guest without nodes is looked at again */

#define POOL_LOOK_MS	5000	/* likewise, of one that has only memory of this side left */

#define SCAN_MS		50	/* between two looks for new devices: others' come and go too */

#define DOMID_MAX	0x7fef

static struct supervisor *the;	/* for the node's calls back */

static struct device *device_of(struct xapt_node *n)
{
	return (struct device *)n;	/* its first member */
}

static void on_connect(struct xapt_node *n, const struct xapt_link *link)
{
	struct device *d = device_of(n);

	d->connect = *link;
	workers_connect(the, d);
}

static void on_disconnect(struct xapt_node *n)
{
	workers_disconnect(the, device_of(n));
}

static const struct xapt_node_ops node_ops = {
	.connect = on_connect,
	.disconnect = on_disconnect,
};

/* ---- which there are ---- */

static struct guest *find_guest(struct supervisor *s, uint32_t domid)
{
	struct guest *g;

	for (g = s->guests; g && g->domid != domid; g = g->next)
		;
	return g;
}

static struct device *find_device(struct guest *g, uint32_t devid)
{
	struct device *d;

	for (d = g ? g->devices : NULL; d && d->node.devid != devid; d = d->next)
		;
	return d;
}

/* A stub domain is a guest of ours as well: it has the slow lanes of trapped devices. */
static void name_guest(struct supervisor *s, struct guest *g)
{
	char path[64], *text;
	uint32_t whose;

	snprintf(path, sizeof(path), STUBS_LIST "/%u", g->domid);
	text = s->host ? xapt_bus_read(&s->bus, XBT_NULL, path, "guest") : NULL;
	if (xapt_parse_u32(text, 1, DOMID_MAX, &whose))
		snprintf(g->who, sizeof(g->who), "stub domain %u of guest %u", g->domid, whose);
	else
		snprintf(g->who, sizeof(g->who), "guest %u", g->domid);
	free(text);
}

static struct guest *add_guest(struct supervisor *s, uint32_t domid)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->domid = domid;
	g->fd = -1;
	g->mapped = &s->mapped;
	xapt_pool_init(&g->pool, domid, s->config.max_given / XENAPT_PAGE_SIZE, &s->given);
	g->pool.means = &s->means.source;
	keeper_restore(&s->keeper, &g->pool);
	g->dead = !xapt_bus_domain(&s->bus, domid);
	name_guest(s, g);
	g->next = s->guests;
	s->guests = g;
	return g;
}

static void add_device(struct supervisor *s, struct guest *g, uint32_t devid)
{
	struct device *d;

	if (g->nr_devices == DEVICES_PER_GUEST) {
		xapt_log(XENAPERTURE_WARNING, g->who, "device %u: more than %d devices, ignored",
			 devid, DEVICES_PER_GUEST);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (!d || xapt_node_open(&d->node, &s->bus, &node_ops, g->domid, devid, "apertured")) {
		xapt_log(XENAPERTURE_ERROR, g->who, "device %u: %s", devid,
			 d ? xapt_error() : "out of memory");
		free(d);
		return;
	}
	xapt_node_owner(&d->node, g->who);
	d->node.stat.head.max_pages = (uint32_t)s->config.max_pages_per_guest;
	if (xapt_stat_create(&d->node.stat))
		xapt_log(XENAPERTURE_WARNING, d->node.who, "no statistics: cannot make %s",
			 d->node.stat.path);
	d->guest = g;
	d->dirty = true;
	d->next = g->devices;
	g->devices = d;
	g->nr_devices++;
}

static void remove_device(struct device *d)
{
	struct guest *g = d->guest;
	struct device **p = &g->devices;

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	g->nr_devices--;
	xapt_node_close(&d->node);
	/* Its frontend ends with it. Whatever that says: the memory is this guest's only. */
	if (!the->stop)
		xapt_pool_forget(&g->pool, d->node.devid);
	free(d);
}

static void scan_guest(struct supervisor *s, uint32_t domid)
{
	struct guest *g = find_guest(s, domid);
	char path[96];
	unsigned int i, n = 0;
	char **names;

	snprintf(path, sizeof(path), "%s/%u", s->bus.root, domid);
	names = xs_directory(s->bus.xs, XBT_NULL, path, &n);
	for (i = 0; i < n; i++) {
		uint32_t devid;

		if (!xapt_parse_u32(names[i], 0, UINT32_MAX, &devid) || find_device(g, devid) ||
		    xapt_node_server(&s->bus, domid, devid) != XAPT_SERVER_APERTURED)
			continue;
		if (!g)
			g = add_guest(s, domid);
		if (g)
			add_device(s, g, devid);
	}
	free(names);
}

static void scan(struct supervisor *s)
{
	unsigned int i, n = 0;
	char **names = xs_directory(s->bus.xs, XBT_NULL, s->bus.root, &n);

	for (i = 0; i < n; i++) {
		uint32_t domid;

		if (xapt_parse_u32(names[i], 0, DOMID_MAX, &domid))
			scan_guest(s, domid);
	}
	free(names);
}

static void find_dead(struct supervisor *s)
{
	struct guest *g;
	struct device *d;

	s->look = 0;
	if (s->host)
		elsewhere_clear(&s->bus);
	for (g = s->guests; g; g = g->next) {
		bool dead = !xapt_bus_domain(&s->bus, g->domid);

		if (dead && !g->dead)
			xapt_log(XENAPERTURE_INFO, g->who, "is gone");
		g->dead = dead;
		/* Whatever it was asked before: now all at once. */
		if (dead)
			workers_stop(s, g);
		for (d = g->devices; d; d = d->next)
			d->dirty |= dead || d->node.stat.head.peer_state == XAPT_BUS_UNKNOWN;
	}
}

/* ---- watches: only note what to look at ---- */

static void dirty_guest(struct guest *g)
{
	struct device *d;

	for (d = g ? g->devices : NULL; d; d = d->next)
		d->dirty = true;
}

/* "<domid>/<devid>" and what follows it. False: not such a path. */
static bool split(const char *text, uint32_t *domid, uint32_t *devid, const char **rest)
{
	unsigned int dom, dev;
	int n = 0;

	if (sscanf(text, "%u/%u%n", &dom, &dev, &n) != 2 || (text[n] && text[n] != '/'))
		return false;
	*domid = dom;
	*devid = dev;
	*rest = text[n] ? text + n + 1 : text + n;
	return true;
}

static void backend_changed(struct supervisor *s, const char *path)
{
	size_t root = strlen(s->bus.root);
	uint32_t domid, devid;
	struct device *d;
	const char *node;

	if (strncmp(path, s->bus.root, root) || path[root] != '/' ||
	    !split(path + root + 1, &domid, &devid, &node)) {
		struct guest *g;

		/* A whole guest's, or all: came or went. */
		for (g = s->guests; g; g = g->next)
			dirty_guest(g);
		s->scan = true;
		return;
	}
	/* Most of these are our own writes. */
	if (*node && strcmp(node, "state") && strcmp(node, XENAPT_NODE_ONLINE))
		return;
	d = find_device(find_guest(s, domid), devid);
	if (d)
		d->dirty = true;
	else
		s->scan = true;
}

void nodes_watch(struct supervisor *s, const char *path, const char *token)
{
	uint32_t domid, devid;
	struct device *d;
	const char *rest;

	if (!strcmp(token, "release")) {
		s->deaths = true;
	} else if (!strcmp(token, "backend")) {
		backend_changed(s, path);
	} else if (split(token, &domid, &devid, &rest)) {
		d = find_device(find_guest(s, domid), devid);
		if (d)
			d->dirty = true;
	}
}

/* ---- steps ---- */

/* May this guest have one more? */
static bool may_step(struct guest *g)
{
	uint64_t now = now_ms();

	if (g->dead)
		return true;
	if (now - g->window >= WINDOW_MS) {
		g->window = now;
		g->steps = 0;
	}
	return g->steps++ < WINDOW_STEPS;
}

static void step_device(struct supervisor *s, struct device *d)
{
	d->dirty = false;
	if (xapt_node_step(&d->node, d->guest->dead) != XAPT_STEP_GONE) {
		/* In a driver domain that may be the only notice of a guest's end. */
		if (d->node.stat.head.peer_state == XAPT_BUS_UNKNOWN && !s->look)
			s->look = now_ms() + LOOK_MS;
		return;
	}
	/* A directory with this name may have been made again meanwhile. */
	s->scan = true;
	remove_device(d);
}

static void step_guest(struct supervisor *s, struct guest *g)
{
	struct device *d, *next;

	for (d = g->devices; d; d = next) {
		next = d->next;
		if (d->dirty && may_step(g))
			step_device(s, d);
	}
	if (!g->devices && g->pid)
		workers_stop(s, g);
}

/* A guest without devices, worker and memory of this side is no guest of ours. */
static void forget_guests(struct supervisor *s)
{
	struct guest **p = &s->guests;

	while (*p) {
		struct guest *g = *p;

		if (g->devices || g->pid || (g->pool.pages && !g->dead && !s->stop)) {
			/* Without nodes of it a driver domain may have no notice of its end. */
			if (!s->host && !g->devices && !g->pid && !s->look)
				s->look = now_ms() + POOL_LOOK_MS;
			p = &g->next;
			continue;
		}
		*p = g->next;
		if (s->stop)
			xapt_pool_leave_all(&g->pool);
		else
			xapt_pool_close(&g->pool);
		free(g);
	}
}

void nodes_work(struct supervisor *s)
{
	struct guest *g;

	the = s;
	if (s->deaths || (s->look && s->look <= now_ms()))
		find_dead(s);
	if (s->scan && s->next_scan <= now_ms()) {
		s->scan = false;
		s->next_scan = now_ms() + SCAN_MS;
		scan(s);
	}
	s->deaths = false;
	for (g = s->guests; g; g = g->next)
		step_guest(s, g);
	forget_guests(s);
}

/* When is a step due that was put off? 0: now. */
uint64_t nodes_deadline(const struct supervisor *s)
{
	const struct guest *g;
	const struct device *d;
	uint64_t first = UINT64_MAX;

	if (s->look)
		first = s->look;
	if (s->scan && s->next_scan < first)
		first = s->next_scan;
	for (g = s->guests; g; g = g->next) {
		for (d = g->devices; d; d = d->next) {
			uint64_t due = g->steps < WINDOW_STEPS ? 0 : g->window + WINDOW_MS;

			if (d->dirty && due < first)
				first = due;
		}
	}
	return first;
}

void nodes_end(struct supervisor *s)
{
	struct guest *g;

	for (g = s->guests; g; g = g->next) {
		while (g->devices) {
			struct device *d = g->devices;

			if (!g->dead)
				xapt_node_abandon(&d->node);
			remove_device(d);
		}
	}
	forget_guests(s);
}

void nodes_restore(struct supervisor *s)
{
	uint32_t domid;

	while (keeper_next(&s->keeper, &domid))
		if (!add_guest(s, domid))
			break;
}
