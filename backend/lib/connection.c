// SPDX-License-Identifier: LGPL-2.1-or-later
#include "connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "kernel.h"
#include "log.h"
#include "negotiate.h"
#include "parse.h"

/* Requests of one turn. */
#define BUDGET	XAPT_TURN

#define container(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

/* ---- what the core asks of the device: passed on to the author's table ---- */

static int core_mapped(void *opaque, unsigned int slot, void *data, uint64_t length, uint32_t tag,
		       uint32_t flags)
{
	struct xenaperture *x = opaque;

	(void)flags;
	if (!x->table.mapped || !x->table.mapped(x->device, slot, data, length, tag))
		return 0;
	xapt_kernel_end(x, slot);
	xenaperture_log(x, XENAPERTURE_WARNING,
			"E_DEVICE: the device refused the aperture in slot %u (%llu bytes, tag %u)",
			slot, (unsigned long long)length, tag);
	return -1;
}

static int core_withdraw(void *opaque, unsigned int slot, bool force)
{
	struct xenaperture *x = opaque;
	int busy = x->table.withdraw ? x->table.withdraw(x->device, slot, force) : 0;

	if (busy && !force)
		return busy;
	xapt_kernel_end(x, slot);
	/* The next aperture in this slot starts with its doorbell unmasked. */
	xenaperture_unmask(x, slot);
	return busy;
}

static void core_doorbell(void *opaque, unsigned int slot)
{
	struct xenaperture *x = opaque;

	if (x->table.doorbell)
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

static int check_model(const struct xenaperture_table *t)
{
	const char *wrong;

	if (!t->model)
		return t->slow ? xapt_error_set(EINVAL, "device table of %s: slow without model",
						t->type) : 0;
	wrong = xapt_model_wrong(t->model, t->slow);
	if (wrong)
		return xapt_error_set(EINVAL, "device table of %s: model: %s", t->type, wrong);
	if (strcmp(t->model->type, t->type))
		return xapt_error_set(EINVAL, "device table of %s: its model is of type %s", t->type,
				      t->model->type);
	return 0;
}

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
	size = t->size < sizeof(x->table) ? t->size : sizeof(x->table);
	memcpy(&x->table, t, size);
	if (!x->table.create)
		return xapt_error_set(EINVAL, "device table of %s: create is missing", t->type);
	if (!x->table.doorbell && !x->table.model)
		return xapt_error_set(EINVAL, "device table of %s: doorbell is missing, and there is no model",
				      t->type);
	return check_model(&x->table);
}

int xapt_connection_init(struct xenaperture *x, struct xapt_guest *g,
			 const struct xenaperture_table *table, void *opaque, uint32_t devid)
{
	unsigned int i;

	*x = (struct xenaperture){
		.guest = g, .opaque = opaque, .link.devid = devid, .timer.fd = -1,
	};
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

/* Number bad of n references cannot be mapped; n: it is not theirs to blame. */
static enum xenapt_status not_mapped(const char *what, uint32_t number, uint32_t bad, uint32_t n)
{
	if (bad < n)
		return refuse(XENAPT_E_GRANT, what, number);
	xapt_error_set(errno, "%s: this domain can map no more now: its log says why, and which limit it is", what);
	return XENAPT_E_MAPPED_PAGES;
}

static enum xenapt_status map_pages(struct xenaperture *x)
{
	const struct xapt_link *l = &x->link;
	uint32_t bad;

	x->ring = xapt_host_map(&x->host, l->ring_ref, 1u << l->ring_order,
				PROT_READ | PROT_WRITE, &bad);
	if (!x->ring)
		return not_mapped("cannot map ring-ref", bad, bad, 1u << l->ring_order);
	x->event = xapt_host_map(&x->host, &l->event_ref, 1, PROT_READ | PROT_WRITE, &bad);
	if (!x->event)
		return not_mapped("cannot map event-ref", l->event_ref, bad, 1);
	x->mask = xapt_host_map(&x->host, &l->mask_ref, 1, PROT_READ, &bad);
	if (!x->mask)
		return not_mapped("cannot map mask-ref", l->mask_ref, bad, 1);
	return XENAPT_OK;
}

/* ---- operations: only if the device has them, and the guest said that it knows them ---- */

static void timer_ready(struct xapt_source *source, uint32_t events)
{
	struct xenaperture *x = container(source, struct xenaperture, timer);
	uint64_t n;

	(void)events;
	if (read(source->fd, &n, sizeof(n)) != sizeof(n))
		return;
	x->armed = UINT64_MAX;
	x->due = x->turn = true;
}

static int open_timer(struct xenaperture *x)
{
	x->timer = (struct xapt_source){
		timer_ready, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)
	};
	x->armed = UINT64_MAX;
	return x->timer.fd < 0 ? -1 : xapt_guest_listen(x->guest, &x->timer, EPOLLIN);
}

static enum xenapt_status map_record(struct xenaperture *x)
{
	const struct xapt_link *l = &x->link;
	uint32_t bad;

	if (!l->operations || !x->table.model)
		return XENAPT_OK;
	x->record = xapt_host_map(&x->host, l->record_ref, XENAPT_RECORD_PAGES,
				  PROT_READ | PROT_WRITE, &bad);
	if (!x->record)
		return not_mapped("cannot map record-ref", bad, bad, XENAPT_RECORD_PAGES);
	return open_timer(x) ? refuse(XENAPT_E_MEMORY, "no timer for device", l->devid) : XENAPT_OK;
}

static void unmap_record(struct xenaperture *x)
{
	if (x->timer.fd >= 0) {
		xapt_guest_listen(x->guest, &x->timer, 0);
		close(x->timer.fd);
	}
	x->timer.fd = -1;
	if (x->record)
		xapt_host_unmap(&x->host, x->record, XENAPT_RECORD_PAGES);
	x->record = NULL;
}

static void init_operations(struct xenaperture *x)
{
	struct xapt_operations_setup setup = {
		.model = x->table.model,
		.slow = x->table.slow,
		.record = x->record,
		.me = XENAPT_OWNER_SLOW,
	};

	if (!x->record)
		return;
	xapt_operations_init(&x->operations, &setup);
	xapt_device_operations(&x->core, &x->operations, false);
}

/* The timer's clock is another than the model's: a wake-up that comes early sets it again. */
static void arm_timer(struct xenaperture *x)
{
	uint64_t due = x->record ? xapt_device_due(&x->core) : UINT64_MAX;
	struct itimerspec in = { 0 };
	uint64_t now, wait;

	if (!x->record || due == x->armed)
		return;
	if (due != UINT64_MAX) {
		now = xapt_host_linux.clock(&x->host);
		wait = due > now ? due - now : 1;
		in.it_value.tv_sec = (time_t)(wait / 1000000000u);
		in.it_value.tv_nsec = (long)(wait % 1000000000u);
	}
	if (!timerfd_settime(x->timer.fd, 0, &in, NULL))
		x->armed = due;
}

/* ---- */

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
		.read_only = x->link.read_only,
		.parent_memory = x->link.parent_memory,
		.pages_left = &x->guest->pages_left,
		.offered_left = &x->guest->offered_left,
	};

	xapt_device_init(&x->core, &xapt_host_linux, &x->host, &core_ops, x, &limits);
	init_operations(x);
	xapt_device_connect(&x->core, x->ring, x->link.ring_order, x->event, x->mask);
	x->reason[0] = '\0';
	errno = 0;
	x->device = x->table.create(x, x->opaque);
	x->operations.device = x->device;
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
	x->host = (struct xapt_host){
		.mapper = g->mapper, .evtchn = g->evtchn, .domid = g->domid, .devid = link->devid,
		.giver = g->giver, .who = x->who, .said = &g->said,
	};
	x->turn = x->due = x->masked = false;
	x->stat_requests = UINT64_MAX;
	x->refusals = x->timeouts = 0;
	status = map_pages(x);
	if (status == XENAPT_OK)
		status = map_record(x);
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
	arm_timer(x);
	xapt_connection_publish(x);
	xapt_guest_refresh(g, true);
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
	xapt_kernel_close(x);
	forget_listeners(x);
	if (x->host.port)
		xenevtchn_unbind(x->guest->evtchn, x->host.port);
	x->host.port = 0;
	unmap_record(x);
	unmap_pages(x);
	x->stat = NULL;
	errno = saved;
}

/* ---- work ---- */

static const char *means_text(uint64_t pages, char text[24])
{
	snprintf(text, 24, pages == UINT64_MAX ? "?" : "%llu", (unsigned long long)pages);
	return text;
}

/* Not policy, but what this domain has. */
static void say_means(struct xenaperture *x, const struct xapt_giving *now)
{
	const struct xapt_means *m = &now->means;
	uint64_t least = m->memory < m->entries ? m->memory : m->entries;

	if (!x->core.short_given || least >= x->core.short_of / XENAPT_PAGE_SIZE ||
	    least >= now->max_pages - now->pages)
		return;
	xapt_log_some(&x->guest->said, XENAPERTURE_WARNING, x->who,
		      "no %s of this domain for %llu bytes: raise %s", m->memory < m->entries ?
		      "memory" : "grant entries", (unsigned long long)x->core.short_of,
		      m->memory < m->entries ? XAPT_RAISE_MEMORY : XAPT_RAISE_ENTRIES);
}

/* Which limit it was, what is left of each, and what raises it. */
static void say_limits(struct xenaperture *x)
{
	static const struct xapt_giving none;
	const struct xapt_giving *now = x->guest->giver ? &x->guest->giver->now : &none;
	const struct xapt_guest *g = x->guest;
	char text[2][24];

	xapt_log_some(&x->guest->said, XENAPERTURE_WARNING, x->who,
		      "refused by a limit: %llu bytes needed; max-size %llu; pages of 4096 left: %llu of max_pages_per_guest %llu (offered %llu), %llu of max_mapped_total %llu, parent-owned %llu of max_given %llu (this domain: memory %s, grant entries %s)",
		      (unsigned long long)x->core.short_of, (unsigned long long)x->link.max_size,
		      (unsigned long long)g->pages_left, (unsigned long long)g->max_pages,
		      (unsigned long long)(g->max_pages - g->offered_left),
		      (unsigned long long)now->mappable, (unsigned long long)now->max_mapped,
		      (unsigned long long)now->left[XAPT_POOL_WRITABLE],
		      (unsigned long long)now->max_pages, means_text(now->means.memory, text[0]),
		      means_text(now->means.entries, text[1]));
	say_means(x, now);
}

static void say_refusals(struct xenaperture *x)
{
	const uint64_t *errors = x->core.errors;
	uint64_t refusals = errors[XENAPT_E_SIZE_LEAST] + errors[XENAPT_E_MAPPED_PAGES] +
			    errors[XENAPT_E_GIVEN_PAGES];

	if (refusals > x->refusals)
		say_limits(x);
	x->refusals = refusals;
}

/* Who was not there could not say it then: so as soon as it is. */
static void say_timeouts(struct xenaperture *x)
{
	uint64_t timeouts = x->record ? *(volatile uint64_t *)&x->record->fast.timeouts : 0;

	if (timeouts > x->timeouts)
		xapt_log_some(&x->guest->said, XENAPERTURE_WARNING, x->who,
			      "%llu trapped accesses in all were not answered in time: the guest read all ones",
			      (unsigned long long)timeouts);
	x->timeouts = timeouts;
}

void xapt_connection_service(struct xenaperture *x)
{
	bool tick = x->due && !x->masked;

	x->due = false;
	if (tick ? xapt_device_tick(&x->core, BUDGET) : xapt_device_service(&x->core, BUDGET)) {
		x->turn = true;
	} else if (x->masked && x->core.status == XENAPT_OK) {
		/* The event comes back only after the work: Xen slows down whom we do not serve. */
		x->masked = false;
		xenevtchn_unmask(x->guest->evtchn, x->host.port);
	}
	arm_timer(x);
	say_refusals(x);
	if (xapt_connection_publish(x))
		xapt_guest_refresh(x->guest, true);
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
				.flags = a->flags,
			};
		copy_words(&s->aperture[i], &now, sizeof(now));
	}
	copy_words(s->errors, x->core.errors, sizeof(s->errors));
}

static void publish_given(const struct xenaperture *x, struct xenaperture_stat *s)
{
	const struct xapt_giver *giver = x->guest->giver;
	uint64_t given = 0;
	unsigned int i;

	for (i = 0; i < XENAPT_MAX_APERTURES; i++)
		given += x->core.aperture[i].gift.addr ? x->core.aperture[i].gift.pages : 0;
	copy_words(&s->given_pages, &given, sizeof(given));
	if (!giver)
		return;
	copy_words(&s->pool_pages, &giver->now.pages, sizeof(uint64_t));
	copy_words(&s->pool_max, &giver->now.max_pages, sizeof(uint64_t));
	copy_words(&s->total_pages, &giver->now.mapped, sizeof(uint64_t));
	copy_words(&s->total_max, &giver->now.max_mapped, sizeof(uint64_t));
}

static bool publish_operations(const struct xenaperture *x, struct xenaperture_stat *s)
{
	const struct xapt_operation_counters *c = &x->operations.count;
	struct xenaperture_stat_operations second = {
		.executed = c->executed,
		.declined = c->declined,
		.repeated = c->repeated,
		.refused = c->refused,
		.commits = c->commits,
		.handed_over = c->handed_over,
		.received = c->received,
		.lost = c->lost,
		.injected = x->core.signals.vectors_notified,
		.coalesced = x->core.signals.vectors_coalesced,
	};
	bool changed;

	if (!x->record)
		return false;
	changed = copy_words(&s->second, &second, sizeof(s->second));
	changed |= copy_words(&s->head, &x->record->head, sizeof(s->head));
	changed |= copy_words(&s->first, &x->record->fast, sizeof(s->first));
	changed |= copy_words(&s->fast_child, &x->mask->fast, sizeof(s->fast_child));
	return changed;
}

_Static_assert(XENAPERTURE_STAT_ERRORS == XAPT_ERRORS, "errors");

bool xapt_connection_publish(struct xenaperture *x)
{
	const struct xenapt_counters *own = &x->core.signals.count;
	struct xenaperture_stat *s = x->stat ? x->stat->map : NULL;
	uint64_t guest;
	bool changed;

	say_timeouts(x);
	if (!s)
		return false;
	guest = x->guest->max_pages - x->guest->pages_left;
	changed = copy_words(&s->parent, own, sizeof(s->parent));
	changed |= copy_words(&s->child, &x->mask->child, sizeof(s->child));
	copy_words(&s->mapped_pages, &own->mapped_pages, sizeof(uint64_t));
	copy_words(&s->guest_pages, &guest, sizeof(uint64_t));
	/* Apertures change by requests only. */
	if (x->stat_requests != own->requests) {
		publish_apertures(x, s);
		publish_given(x, s);
	}
	x->stat_requests = own->requests;
	return publish_operations(x, s) || changed;
}
