/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device author's mistakes, and what the library makes of them; a device with a model, from the record to
 * the timer. libxengnttab and libxenevtchn are these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "connection.h"
#include "log.h"

static int handle, event_fd = -1;
static unsigned int mapped;	/* pages */
static uint32_t bad_ref;	/* cannot be mapped */
static unsigned int room = 1000;	/* pages that can be mapped */
static uint32_t read_only_ref, calls;
static void *record_map;

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	return (void *)&handle;
}

int xengnttab_close(xengnttab_handle *h)
{
	(void)h;
	return 0;
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *h, uint32_t n, uint32_t domid, uint32_t *refs,
				      int prot)
{
	void *addr = mmap(NULL, n * 4096ul, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool bad = mapped + n > room;
	uint32_t i;

	(void)h;
	(void)domid;
	calls++;
	for (i = 0; i < n; i++)
		bad |= (bad_ref && refs[i] == bad_ref) ||
		       (read_only_ref && refs[i] == read_only_ref && prot & PROT_WRITE);
	if (bad) {
		munmap(addr, n * 4096ul);
		errno = EINVAL;
		return NULL;
	}
	mapped += n;
	if (n == XENAPT_RECORD_PAGES)
		record_map = addr;
	return addr == MAP_FAILED ? NULL : addr;
}

int xengnttab_unmap(xengnttab_handle *h, void *addr, uint32_t n)
{
	(void)h;
	mapped -= n;
	return munmap(addr, n * 4096ul);
}

int xengnttab_grant_copy(xengnttab_handle *h, uint32_t n, xengnttab_grant_copy_segment_t *copy)
{
	(void)h;
	CHECK_EQ(n, 1);
	CHECK_EQ(copy->flags, GNTCOPY_source_gref);
	CHECK_EQ(copy->source.foreign.domid, 5);
	copy->status = bad_ref && copy->source.foreign.ref == bad_ref ? GNTST_bad_gntref : GNTST_okay;
	return 0;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	event_fd = eventfd(0, EFD_NONBLOCK);
	return (void *)&handle;
}

int xenevtchn_close(xenevtchn_handle *h)
{
	(void)h;
	return close(event_fd);
}

int xenevtchn_fd(xenevtchn_handle *h)
{
	(void)h;
	return event_fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
						     evtchn_port_t port)
{
	(void)h;
	(void)domid;
	return (xenevtchn_port_or_error_t)port;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
	(void)h;
	return -1;
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

/* ---- the device ---- */

static struct xapt_guest guest;
static const struct xapt_link link_to = { .epoch = 1, .port = 9, .max_apertures = 1, .max_size = 4096 };
static int own_fd;
static unsigned int ready_calls, destroyed;
static bool fails;

static void *create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	CHECK_EQ(xenaperture_listen(xa, own_fd, EPOLLIN), 0);
	if (fails)
		xenaperture_fail(xa, "no");
	errno = EIO;
	return fails ? xa : NULL;
}

static void destroy(void *device)
{
	(void)device;
	destroyed++;
}

static void doorbell(void *device, unsigned int slot)
{
	(void)device;
	(void)slot;
}

static void ready(void *device, int fd, uint32_t events)
{
	(void)device;
	(void)fd;
	(void)events;
	ready_calls++;
}

static const struct xenaperture_table table = {
	.size = sizeof(table),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "t",
	.create = create,
	.destroy = destroy,
	.doorbell = doorbell,
	.ready = ready,
};

/* A device that was refused leaves nothing in the loop: its object is freed. */
static void refused(bool by_fail)
{
	struct xenaperture *x = calloc(1, sizeof(*x));
	unsigned int i;

	fails = by_fail;
	ready_calls = destroyed = 0;
	own_fd = eventfd(1, 0);
	CHECK_EQ(xapt_guest_open(&guest, 5, 100, NULL), 0);
	CHECK_EQ(xapt_connection_init(x, &guest, &table, NULL, 0), 0);
	CHECK_EQ(xapt_connection_open(x, &link_to, NULL), XENAPT_E_DEVICE);
	CHECK_EQ(destroyed, by_fail);
	CHECK_EQ(mapped, 0);
	CHECK(!guest.connections);
	memset(x, 0x5a, sizeof(*x));
	free(x);
	CHECK_EQ(epoll_ctl(guest.epoll, EPOLL_CTL_DEL, own_fd, NULL), (uint64_t)-1);
	CHECK_EQ(errno, ENOENT);
	for (i = 0; i < 3; i++)
		xapt_guest_step(&guest, 0);
	CHECK_EQ(ready_calls, 0);
	xapt_guest_close(&guest);
	close(own_fd);
}

/* ---- a device with a model: one register, a vector, and a time at which it is due ---- */

struct state {
	uint64_t value, due;
};

static const struct xenaperture_register registers[] = {
	{ .offset = 0, .width = 8, .sizes = XENAPERTURE_SIZE8, .id = 1,
	  .flags = XENAPERTURE_READ | XENAPERTURE_WRITE | XENAPERTURE_FAST },
};
static uint64_t wait_ns;
static unsigned int expired;
static struct xapt_stat stat_file;

static uint32_t read_value(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	const struct state *st = run->state;

	(void)id;
	(void)index;
	*value = st->value;
	return XENAPT_OK;
}

static uint32_t write_value(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	struct state *st = run->state;

	(void)id;
	(void)index;
	st->value = value;
	return XENAPT_OK;
}

static void reset(struct xenaperture_run *run)
{
	((struct state *)run->state)->due = run->now + wait_ns;
}

static int sound(const void *state)
{
	(void)state;
	return 0;
}

static uint64_t due(const void *state)
{
	return ((const struct state *)state)->due;
}

static void expire(struct xenaperture_run *run)
{
	struct state *st = run->state;

	expired++;
	st->due = UINT64_MAX;
	xenaperture_raise(run, 0);
}

static const struct xenaperture_model model = {
	.size = sizeof(model),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = "t",
	.registers = registers,
	.nr_registers = 1,
	.vectors = 1,
	.state_version = 1,
	.state_size = sizeof(struct state),
	.fast = { .read = read_value, .write = write_value },
	.reset = reset,
	.check = sound,
	.due = due,
	.expire = expire,
};

static void *create_plain(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	return xa;
}

static struct xenaperture_table with_model(void)
{
	return (struct xenaperture_table){
		.size = sizeof(struct xenaperture_table),
		.version = XENAPERTURE_TABLE_VERSION,
		.type = "t",
		.create = create_plain,
		.model = &model,
	};
}

static struct xenaperture *opened(const struct xenaperture_table *t, bool operations)
{
	struct xenaperture *x = calloc(1, sizeof(*x));
	struct xapt_link link = link_to;

	link.operations = operations;
	link.record_ref[0] = 21;
	link.record_ref[1] = 22;
	stat_file.map = calloc(1, sizeof(*stat_file.map));
	expired = 0;
	CHECK_EQ(xapt_guest_open(&guest, 5, 100, NULL), 0);
	CHECK_EQ(xapt_connection_init(x, &guest, t, NULL, 0), 0);
	CHECK_EQ(xapt_connection_open(x, &link, &stat_file), bad_ref ? XENAPT_E_GRANT : XENAPT_OK);
	return x;
}

static void closed(struct xenaperture *x)
{
	xapt_connection_close(x);
	CHECK_EQ(mapped, 0);
	CHECK(x->timer.fd < 0);
	xapt_guest_close(&guest);
	free(stat_file.map);
	free(x);
}

static void test_model(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture *x;
	unsigned int i;

	wait_ns = 20000000;
	x = opened(&t, true);
	CHECK_EQ(mapped, 5);
	CHECK(x->record == record_map);
	CHECK_EQ(x->event->vectors, 1);
	CHECK(x->operations.device == x->device && x->device);
	CHECK_EQ(XENAPT_HEAD_OWNER(x->record->head), XENAPT_OWNER_SLOW);
	for (i = 0; i < 100 && !expired; i++)
		xapt_guest_step(&guest, 100);
	CHECK_EQ(expired, 1);
	CHECK(x->event->interrupt[0] & 1);
	/* Nobody sent an event: none is counted, none was for nothing. */
	CHECK_EQ(x->core.signals.count.events, 0);
	CHECK_EQ(x->core.signals.count.spurious, 0);
	CHECK_EQ(x->armed, UINT64_MAX);
	CHECK_EQ(stat_file.map->head, x->record->head);
	CHECK(stat_file.map->second.commits >= 2);
	CHECK_EQ(stat_file.map->second.injected, 1);
	CHECK_EQ(stat_file.map->second.coalesced, 0);
	/* What the first device counts is copied without an event. */
	x->record->fast.hits = 1234;
	CHECK_EQ(mprotect(x->mask, 4096, PROT_READ | PROT_WRITE), 0);	/* as the child has it */
	x->mask->fast.events = 77;
	for (i = 0; i < 30 && stat_file.map->first.hits != 1234; i++)
		xapt_guest_step(&guest, 100);
	CHECK_EQ(stat_file.map->first.hits, 1234);
	CHECK_EQ(stat_file.map->fast_child.events, 77);
	closed(x);
}

/* A time that moved is set anew; one that passed while nobody looked is now. */
static void test_rearm(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture *x;
	unsigned int i;

	wait_ns = 3600000000000ull;
	x = opened(&t, true);
	CHECK(x->armed != UINT64_MAX);
	((struct state *)x->operations.record.slot.state)->due = 1;
	x->operations.due_known = false;
	xapt_connection_service(x);
	for (i = 0; i < 100 && !expired; i++)
		xapt_guest_step(&guest, 100);
	CHECK_EQ(expired, 1);
	closed(x);
}

/* By a vector that the guest can claim; the device hears of any other. */
static void test_interrupt_device(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture *x;

	wait_ns = 3600000000000ull;
	x = opened(&t, true);
	x->event->interrupt[0] = 0;
	CHECK(xenaperture_interrupt_device(x, 1) == -1 && errno == EINVAL);
	CHECK(strstr(xenaperture_error(), "vector 1: the device's model has 1"));
	CHECK_EQ(x->event->interrupt[0], 0);
	CHECK_EQ(xenaperture_interrupt_device(x, 0), 0);
	CHECK_EQ(x->event->interrupt[0], 1);
	closed(x);
	t.model = NULL;
	t.doorbell = doorbell;
	x = opened(&t, true);
	CHECK(xenaperture_interrupt_device(x, 0) == -1 && errno == EINVAL);
	closed(x);
}

static void test_without_feature(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture *x = opened(&t, false);

	CHECK(!x->record && !x->core.operations);
	CHECK_EQ(mapped, 3);
	closed(x);
	t.model = NULL;
	t.doorbell = doorbell;
	x = opened(&t, true);
	CHECK(!x->record && !x->core.operations);
	CHECK_EQ(mapped, 3);
	closed(x);
}

static void test_bad_record(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture *x;

	bad_ref = 22;
	x = opened(&t, true);
	CHECK(strstr(xenaperture_error(), "record-ref 1"));
	bad_ref = 0;
	closed(x);
}

static char logged[512];

static void keep_line(enum xenaperture_level level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
}

/* A batch of seven fails: a reference is to blame, by its number, or none, and then the limit is named. */
static void test_whose_fault(void)
{
	static const uint32_t refs[7] = { 11, 12, 13, 14, 15, 16, 17 };
	struct xapt_log_limit said = { 0 };
	struct xapt_own_mapper own;
	struct xapt_host h = { .mapper = &own.mapper, .domid = 5, .who = "guest 5", .said = &said };
	uint32_t i, bad, most;

	xapt_log_to(keep_line);
	logged[0] = '\0';
	CHECK_EQ(xapt_own_mapper_open(&own, 5), 0);
	for (i = 0; i < 7; i++) {
		bad_ref = refs[i];
		CHECK(!xapt_host_map(&h, refs, 7, PROT_READ | PROT_WRITE, &bad));
		CHECK_CASE(bad == i, i, bad);
		CHECK_EQ(errno, EINVAL);
		bad_ref = 0;
		read_only_ref = refs[i];
		CHECK(!xapt_host_map(&h, refs, 7, PROT_READ | PROT_WRITE, &bad));
		CHECK_CASE(bad == i, i, bad);
		read_only_ref = 0;
	}
	CHECK_STR(logged, "");
	/* Room for some of it, or for nothing at all: each reference by itself is good. */
	for (most = 0; most < 7; most++) {
		room = most;
		calls = 0;
		logged[0] = '\0';
		CHECK(!xapt_host_map(&h, refs, 7, PROT_READ | PROT_WRITE, &bad));
		CHECK_CASE(bad == 7, most, bad);
		CHECK_CASE(calls < 10, most, calls);
		CHECK(strstr(logged, "cannot map 7 pages of the guest: this domain has no maptrack entries left: raise gnttab_max_maptrack_frames="));
	}
	room = 1000;
	CHECK_EQ(mapped, 0);
}

static int first_error, other_error, reads_error;

static void *nobody_maps(struct xapt_mapper *m, const uint32_t *refs, uint32_t n, int prot)
{
	(void)m;
	(void)refs;
	(void)n;
	(void)prot;
	errno = calls++ ? other_error : first_error;
	return NULL;
}

static int nobody_reads(struct xapt_mapper *m, uint32_t ref)
{
	(void)m;
	(void)ref;
	return reads_error;
}

/* Who maps for it does not answer: no page is to blame, and nobody is asked again. */
static void test_nobody_maps(void)
{
	static const uint32_t refs[7] = { 11, 12, 13, 14, 15, 16, 17 };
	static const struct {
		int first, other, reads;
		uint32_t bad;
		unsigned int calls;
		const char *says;
	} cases[] = {
		{ ETIMEDOUT, 0, 0, 7, 1, "the supervisor does not answer" },
		{ EMFILE, 0, 0, 7, 1, "Too many open files" },
		{ EPERM, 0, 0, 7, 1, "not permitted" },
		{ EINVAL, ETIMEDOUT, 0, 7, 2, "the supervisor does not answer" },
		{ EINVAL, EINVAL, EINVAL, 0, 4, NULL },		/* the control: Xen does not have the first page */
		{ EINVAL, EINVAL, EMFILE, 7, 4, "Too many open files" },
	};
	struct xapt_mapper nobody = { .map = nobody_maps, .reads = nobody_reads };
	struct xapt_log_limit said = { 0 };
	struct xapt_host h = { .mapper = &nobody, .domid = 5, .who = "guest 5", .said = &said };
	unsigned int i;
	uint32_t bad;

	xapt_log_to(keep_line);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		first_error = cases[i].first;
		other_error = cases[i].other;
		reads_error = cases[i].reads;
		calls = 0;
		logged[0] = '\0';
		CHECK(!xapt_host_map(&h, refs, 7, PROT_READ, &bad));
		CHECK_CASE(errno == (cases[i].reads && cases[i].bad ? cases[i].reads : i == 3 ? ETIMEDOUT : cases[i].first), i, errno);
		CHECK_CASE(bad == cases[i].bad, i, bad);
		CHECK_CASE(calls == cases[i].calls, i, calls);
		CHECK(cases[i].says ? strstr(logged, cases[i].says) != NULL : !*logged);
	}
}

/* The ring's pages, too. */
static void test_full(void)
{
	struct xenaperture *x = calloc(1, sizeof(*x));

	CHECK_EQ(xapt_guest_open(&guest, 5, 100, NULL), 0);
	CHECK_EQ(xapt_connection_init(x, &guest, &table, NULL, 0), 0);
	for (room = 0; room < 3; room++) {
		CHECK_EQ(xapt_connection_open(x, &link_to, NULL), XENAPT_E_MAPPED_PAGES);
		CHECK(strstr(xenaperture_error(), "this domain can map no more"));
		CHECK_EQ(mapped, 0);
	}
	room = 1000;
	xapt_guest_close(&guest);
	free(x);
}

static void refuses(struct xenaperture_table t, const char *why)
{
	struct xenaperture *x = calloc(1, sizeof(*x));

	CHECK_EQ(xapt_connection_init(x, &guest, &t, NULL, 0), (uint64_t)-1);
	CHECK(strstr(xenaperture_error(), why));
	free(x);
}

static void test_tables(void)
{
	struct xenaperture_table t = with_model();
	struct xenaperture_model m = model;
	struct xenaperture *x;

	t.model = NULL;
	refuses(t, "doorbell is missing, and there is no model");
	t.slow = &model.fast;
	t.doorbell = doorbell;
	refuses(t, "slow without model");
	t = with_model();
	t.create = NULL;
	refuses(t, "create is missing");
	t = with_model();
	t.model = &m;
	m.type = "u";
	refuses(t, "its model is of type u");
	m = model;
	m.state_size = XENAPT_STATE_MAX + 8;
	refuses(t, "device table of t: model: ");
	/* One of before there were models: what lies behind it is not read. */
	t = with_model();
	t.size = offsetof(struct xenaperture_table, model);
	refuses(t, "doorbell is missing");
	t.doorbell = doorbell;
	x = opened(&t, true);
	CHECK(!x->table.model && !x->record);
	closed(x);
}

static void test_null(void)
{
	refused(false);
}

static void test_fail(void)
{
	refused(true);
}

static CU_TestInfo tests[] = {
	{ "create returns NULL and still listens", test_null },
	{ "create fails the device and still listens", test_fail },
	{ "a model: record, timer, counters", test_model },
	{ "a model: another time", test_rearm },
	{ "interrupt device", test_interrupt_device },
	{ "a model: not agreed, or none", test_without_feature },
	{ "a record that cannot be mapped", test_bad_record },
	{ "whose fault it is", test_whose_fault },
	{ "nobody maps", test_nobody_maps },
	{ "no more can be mapped", test_full },
	{ "tables", test_tables },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
