// SPDX-License-Identifier: LGPL-2.1-or-later
#include "connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "negotiate.h"
#include "parse.h"

/* Requests of one turn. */
#define BUDGET	32

/* ---- what the core asks of the device: passed on to the author's table ---- */

static int core_mapped(void *opaque, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	struct xenaperture *x = opaque;

	if (!x->table.mapped || !x->table.mapped(x->device, slot, data, length, tag))
		return 0;
	xenaperture_log(x, XENAPERTURE_WARNING,
			"E_DEVICE: the device refused the aperture in slot %u (%llu bytes, tag %u)",
			slot, (unsigned long long)length, tag);
	return -1;
}

static int core_withdraw(void *opaque, unsigned int slot, bool force)
{
	struct xenaperture *x = opaque;
	int busy = x->table.withdraw ? x->table.withdraw(x->device, slot, force) : 0;

	/* The next aperture in this slot starts with its doorbell unmasked. */
	if (!busy || force)
		xenaperture_unmask(x, slot);
	return busy;
}

static void core_doorbell(void *opaque, unsigned int slot)
{
	struct xenaperture *x = opaque;

	x->table.doorbell(x->device, slot);
}

static void core_signal(void *opaque, unsigned int n)
{
	struct xenaperture *x = opaque;

	if (x->table.signal)
		x->table.signal(x->device, n);
}

static const struct xapt_device_ops core_ops = {
	.mapped = core_mapped,
	.withdraw = core_withdraw,
	.doorbell = core_doorbell,
	.signal = core_signal,
};

/* ---- the table ---- */

#define TABLE_LEAST	offsetof(struct xenaperture_table, signal)

static int table_copy(struct xenaperture *x, const struct xenaperture_table *t)
{
	size_t size;

	if (!t || t->size < TABLE_LEAST)
		return xapt_error_set(EINVAL, "device table: size %zu, at least %zu needed",
				      t ? t->size : 0, TABLE_LEAST);
	if (t->version != XENAPERTURE_TABLE_VERSION)
		return xapt_error_set(EINVAL, "device table: version %u, this library has %u",
				      t->version, XENAPERTURE_TABLE_VERSION);
	if (!xapt_parse_type(t->type))
		return xapt_error_set(EINVAL, "device table: type is not 1 to 31 of a-z 0-9 -");
	if (!t->create || !t->doorbell)
		return xapt_error_set(EINVAL, "device table of %s: create or doorbell is missing",
				      t->type);
	size = t->size < sizeof(x->table) ? t->size : sizeof(x->table);
	memcpy(&x->table, t, size);
	return 0;
}

int xapt_connection_init(struct xenaperture *x, struct xapt_guest *g,
			 const struct xenaperture_table *table, void *opaque, uint32_t devid)
{
	unsigned int i;

	*x = (struct xenaperture){ .guest = g, .opaque = opaque, .link.devid = devid };
	for (i = 0; i < XAPT_LISTEN_MAX; i++)
		x->listener[i].source.fd = -1;
	if (table_copy(x, table))
		return -1;
	snprintf(x->who, sizeof(x->who), "guest %u device %u (%s)", g->domid, devid,
		 x->table.type);
	return 0;
}

/* ---- connect ---- */

static enum xenapt_status refuse(enum xenapt_status status, const char *what, uint32_t number)
{
	xapt_error_set(errno, "%s %u: %s", what, number, strerror(errno));
	return status;
}

static enum xenapt_status map_pages(struct xenaperture *x)
{
	const struct xapt_link *l = &x->link;
	uint32_t bad;

	x->ring = xapt_host_map(&x->host, l->ring_ref, 1u << l->ring_order,
				PROT_READ | PROT_WRITE, &bad);
	if (!x->ring)
		return refuse(XENAPT_E_GRANT, "cannot map ring-ref", bad);
	x->event = xapt_host_map(&x->host, &l->event_ref, 1, PROT_READ | PROT_WRITE, &bad);
	if (!x->event)
		return refuse(XENAPT_E_GRANT, "cannot map event-ref", l->event_ref);
	x->mask = xapt_host_map(&x->host, &l->mask_ref, 1, PROT_READ, &bad);
	if (!x->mask)
		return refuse(XENAPT_E_GRANT, "cannot map mask-ref", l->mask_ref);
	return XENAPT_OK;
}

static enum xenapt_status bind_port(struct xenaperture *x)
{
	struct xapt_guest *g = x->guest;
	xenevtchn_port_or_error_t port = xenevtchn_bind_interdomain(g->evtchn, g->domid,
								    x->link.port);

	if (port < 0)
		return refuse(XENAPT_E_NODE, "cannot bind event-channel", x->link.port);
	x->host.port = (evtchn_port_t)port;
	return XENAPT_OK;
}

static enum xenapt_status start_device(struct xenaperture *x)
{
	struct xapt_limits limits = {
		.max_size = x->link.max_size,
		.max_apertures = x->link.max_apertures,
		.unaligned = x->link.unaligned,
		.pages_left = &x->guest->pages_left,
	};

	xapt_device_init(&x->core, &xapt_host_linux, &x->host, &core_ops, x, &limits);
	xapt_device_connect(&x->core, x->ring, x->link.ring_order, x->event, x->mask);
	x->reason[0] = '\0';
	errno = 0;
	x->device = x->table.create(x, x->opaque);
	if (x->device && x->core.status == XENAPT_OK)
		return XENAPT_OK;
	xapt_error_set(errno, "the device refused: %s",
		       x->reason[0] ? x->reason : strerror(errno));
	return XENAPT_E_DEVICE;
}

enum xenapt_status xapt_connection_open(struct xenaperture *x, const struct xapt_link *link,
					struct xapt_stat *stat)
{
	struct xapt_guest *g = x->guest;
	enum xenapt_status status;

	x->link = *link;
	x->stat = stat;
	x->host = (struct xapt_host){ g->gnttab, g->evtchn, g->domid, 0 };
	x->turn = x->masked = false;
	x->stat_requests = UINT64_MAX;
	status = map_pages(x);
	if (status == XENAPT_OK)
		status = bind_port(x);
	if (status == XENAPT_OK)
		status = start_device(x);
	if (status != XENAPT_OK) {
		xapt_connection_close(x);
		return status;
	}
	x->live = true;
	x->next = g->connections;
	g->connections = x;
	xapt_connection_publish(x);
	return XENAPT_OK;
}

/* ---- disconnect ---- */

static void leave_guest(struct xenaperture *x)
{
	struct xenaperture **p;

	for (p = &x->guest->connections; *p; p = &(*p)->next) {
		if (*p == x) {
			*p = x->next;
			break;
		}
	}
	x->next = NULL;
	x->live = false;
}

/* Of a device that was refused, too: x is freed soon. */
static void forget_listeners(struct xenaperture *x)
{
	unsigned int i;

	for (i = 0; i < XAPT_LISTEN_MAX; i++) {
		if (x->listener[i].source.fd < 0)
			continue;
		xapt_guest_listen(x->guest, &x->listener[i].source, 0);
		x->listener[i].source.fd = -1;
	}
}

static void stop_device(struct xenaperture *x)
{
	if (!x->device)
		return;
	xapt_device_close(&x->core);
	if (x->table.destroy)
		x->table.destroy(x->device);
	x->device = NULL;
}

static void unmap_pages(struct xenaperture *x)
{
	if (x->mask)
		xapt_host_unmap(&x->host, x->mask, 1);
	if (x->event)
		xapt_host_unmap(&x->host, x->event, 1);
	if (x->ring)
		xapt_host_unmap(&x->host, x->ring, 1u << x->link.ring_order);
	x->mask = NULL;
	x->event = NULL;
	x->ring = NULL;
}

void xapt_connection_close(struct xenaperture *x)
{
	int saved = errno;

	leave_guest(x);
	stop_device(x);
	forget_listeners(x);
	if (x->host.port)
		xenevtchn_unbind(x->guest->evtchn, x->host.port);
	x->host.port = 0;
	unmap_pages(x);
	x->stat = NULL;
	errno = saved;
}

/* ---- work ---- */

void xapt_connection_service(struct xenaperture *x)
{
	if (xapt_device_service(&x->core, BUDGET)) {
		x->turn = true;
	} else if (x->masked && x->core.status == XENAPT_OK) {
		/* The event comes back only after the work: Xen slows down whom we do not serve. */
		x->masked = false;
		xenevtchn_unmask(x->guest->evtchn, x->host.port);
	}
	if (xapt_connection_publish(x))
		xapt_guest_refresh(x->guest);
}

static bool copy_words(void *to, const void *from, size_t bytes)
{
	const volatile uint64_t *source = from;
	uint64_t *target = to;
	bool changed = false;
	size_t i;

	for (i = 0; i < bytes / sizeof(*target); i++) {
		/* Once: the source may be the child's page. */
		uint64_t word = source[i];

		changed |= word != target[i];
		__atomic_store_n(&target[i], word, __ATOMIC_RELAXED);
	}
	return changed;
}

static void publish_apertures(const struct xenaperture *x, struct xenaperture_stat *s)
{
	unsigned int i;

	for (i = 0; i < XENAPT_MAX_APERTURES; i++) {
		const struct xapt_aperture *a = &x->core.aperture[i];
		struct xenaperture_stat_aperture now = { 0 };

		if (a->state != XENAPT_STATE_NONE)
			now = (struct xenaperture_stat_aperture){
				.state = a->state,
				.tag = a->tag,
				.granted = a->granted,
				.length = a->length,
				.offset = a->offset,
				.pages = a->pages,
			};
		copy_words(&s->aperture[i], &now, sizeof(now));
	}
	copy_words(s->errors, x->core.errors, sizeof(s->errors));
}

_Static_assert(XENAPERTURE_STAT_ERRORS == XAPT_ERRORS, "errors");

bool xapt_connection_publish(struct xenaperture *x)
{
	const struct xenapt_counters *own = &x->core.signals.count;
	struct xenaperture_stat *s = x->stat ? x->stat->map : NULL;
	uint64_t guest;
	bool changed;

	if (!s)
		return false;
	guest = x->guest->max_pages - x->guest->pages_left;
	changed = copy_words(&s->parent, own, sizeof(s->parent));
	changed |= copy_words(&s->child, &x->mask->child, sizeof(s->child));
	copy_words(&s->mapped_pages, &own->mapped_pages, sizeof(uint64_t));
	copy_words(&s->guest_pages, &guest, sizeof(uint64_t));
	/* Apertures change by requests only. */
	if (x->stat_requests != own->requests)
		publish_apertures(x, s);
	x->stat_requests = own->requests;
	return changed;
}
