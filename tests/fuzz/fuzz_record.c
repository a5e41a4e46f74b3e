/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile child at both devices at once: the input is a program that writes operations, the
 * state record (with sums that are right), its head, stamps and answers, while the timer's first
 * and second device are served. Whatever it does, nobody leaves the record, the books
 * balance, and a turn that is due leaves none that is due.
 */
#include "fuzz.h"

#include "device.h"

#include <xenaperture.h>

#include "../../backend/devices/timer/timer.h"

#define MS	1000000ull
#define TURNS	4u	/* without time passing, until nothing is due */

extern const struct xenaperture_functions timer_slow;

static struct xenapt_record record;
static uint64_t now;
static bool more[2];

static struct lane {
	_Alignas(4096) uint8_t ring[XENAPT_PAGE_SIZE];
	_Alignas(4096) struct xenapt_event_page event;
	struct xapt_device device;
	struct xapt_operations operations;
	struct xenapt_front_ring front;
	uint64_t base;
} lanes[2];
static struct xenapt_mask_page mask;

/* ---- the world ---- */

void xenaperture_log(const struct xenaperture *xa, enum xenaperture_level level,
		     const char *format, ...)
{
	(void)xa, (void)level, (void)format;
}

const char *xenaperture_setting(const struct xenaperture *xa, const char *key)
{
	(void)xa, (void)key;
	return NULL;
}

static void notify(void *host)
{
	(void)host;
}

static void *no_memory(void *host, uint64_t octets)
{
	(void)host, (void)octets;
	return NULL;
}

static uint64_t clock_of(void *host)
{
	return now + ((struct lane *)host)->base;
}

static void ring_bell(void *opaque, unsigned int n)
{
	(void)opaque, (void)n;
}

static const struct xapt_host_ops host_ops = {
	.notify = notify, .alloc = no_memory, .random = clock_of, .clock = clock_of,
};
static const struct xapt_device_ops device_ops = { .doorbell = ring_bell, .signal = ring_bell };

static void connect(unsigned int which)
{
	static uint64_t no_pages;
	static const struct xapt_limits limits = { .max_apertures = 1, .pages_left = &no_pages };
	struct lane *l = &lanes[which];
	struct xapt_operations_setup setup = {
		.model = &timer_model,
		.slow = which ? &timer_slow : NULL,
		.record = &record,
		.me = which ? XENAPT_OWNER_SLOW : XENAPT_OWNER_FAST,
		.revoke_ns = 50 * MS,
	};
	struct xenapt_sring *sring = (void *)l->ring;

	l->base = which ? 7777 * MS : 5 * MS;
	SHARED_RING_INIT(sring);
	FRONT_RING_INIT(&l->front, sring, XENAPT_PAGE_SIZE);
	xapt_operations_init(&l->operations, &setup);
	xapt_device_init(&l->device, &host_ops, l, &device_ops, l, &limits);
	xapt_device_operations(&l->device, &l->operations, !which);
	xapt_device_connect(&l->device, l->ring, 0, &l->event, &mask);
	more[which] = true;
}

static void start(void)
{
	memset(lanes, 0, sizeof(lanes));
	memset(&record, 0, sizeof(record));
	memset(&mask, 0, sizeof(mask));
	now = 1000 * MS;
	connect(1);
	connect(0);
}

static void check_books(const struct lane *l)
{
	const struct xapt_device *d = &l->device;
	const struct xapt_operations *o = &l->operations;

	MUST(d->status != XENAPT_OK || !d->answers);
	MUST(d->signals.count.requests == d->signals.count.responses);
	MUST(!o->usable || o->record.owner);
	MUST(!(l->event.interrupt[0] >> timer_model.vectors));
}

/* ---- serving ---- */

static void serve(unsigned int which)
{
	struct lane *l = &lanes[which];
	bool tick = xapt_device_due(&l->device) <= clock_of(l);
	uint64_t executed = l->operations.count.executed;

	more[which] = tick ? xapt_device_tick(&l->device, 32) : xapt_device_service(&l->device, 32);
	if (l->operations.count.executed > executed)
		REACHED();
	check_books(l);
}

/* As the stub domain and the worker do: while something is due. Nobody writes meanwhile. */
static void settle(void)
{
	for (unsigned int which = 0; which < 2; which++) {
		unsigned int turns = 0;

		while (xapt_device_due(&lanes[which].device) <= clock_of(&lanes[which])) {
			MUST(turns++ < TURNS);
			serve(which);
		}
		if (lanes[which].device.status != XENAPT_OK)
			connect(which);
	}
}

/* ---- the child ---- */

static const uint64_t places[] = {
	XENAPERTURE_TIMER_COUNTER, XENAPERTURE_TIMER_DATE, XENAPERTURE_TIMER_PENDING,
	XENAPERTURE_TIMER_LABEL, XENAPERTURE_TIMER_WALL, XENAPERTURE_TIMER_DEADLINE(0),
	XENAPERTURE_TIMER_PERIOD(0), XENAPERTURE_TIMER_CONTROL(0), XENAPERTURE_TIMER_DEADLINE(3),
	XENAPERTURE_TIMER_PERIOD(3), XENAPERTURE_TIMER_CONTROL(3), XENAPERTURE_TIMER_BACKLOG(1),
};

/* Small, around the counter, or at an end. */
static uint64_t odd_number(struct input *in)
{
	switch (take(in, 1) % 5) {
	case 0:
		return take(in, 1);
	case 1:
		return now + take(in, 4);
	case 2:
		return (1ull << 62) - take(in, 1);
	case 3:
		return take(in, 1) - 100;
	default:
		return take(in, 8);
	}
}

static void post(struct input *in, struct lane *l)
{
	struct xenapt_request *q = RING_GET_REQUEST(&l->front, l->front.req_prod_pvt);
	uint64_t how = take(in, 1);

	*q = (struct xenapt_request){
		.id = XENAPT_OP_ID | take(in, 1) % 4 << 5 | take(in, 1) % 4,
		.type = how > 250 ? XENAPT_REQ_TAKE : XENAPT_REQ_OPERATION,
		.u.operation = {
			.reg = how % 16 == 15 ? (how % 32 == 15 ? XENAPT_COMMAND_RESET : how % 4) :
						places[how % 12],
			.size = how % 16 == 15 ? 0 : how % 12 == 7 || how % 12 == 10 ? 4 : 8,
			.direction = how % 16 == 15 ? XENAPT_OP_WRITE : (uint8_t)(take(in, 1) % 5),
			.flags = how / 64 % 2,
			.submitter = (uint8_t)(how % 3),
		},
	};
	if (how > 250)
		memset(&q->u, 0, sizeof(q->u));
	else
		q->u.operation.value = odd_number(in);
	if (how == 200)
		((uint8_t *)q)[take(in, 1) % sizeof(*q)] ^= (uint8_t)take(in, 1);
	l->front.req_prod_pvt++;
	l->front.sring->req_prod = l->front.req_prod_pvt;
}

/* Of the current slot, with a sum that is right; then the device loads it. */
static void forge(struct input *in)
{
	struct xenapt_slot *s = &record.slot[XENAPT_HEAD_SLOT(record.head)];
	struct timer_state *state = (void *)s->state;
	struct timer_comparator *c = &state->comparator[take(in, 1) % XENAPERTURE_TIMER_NUMBER];
	uint64_t how = take(in, 1), v;

	switch (how % 8) {
	case 0:
	case 1:
		v = take(in, 1) % 4;
		s->done[v] = (struct xenapt_done){
			.id = XENAPT_OP_ID | take(in, 1) % 4 << 5 | v,
			.status = (uint32_t)odd_number(in),
		};
		break;
	case 2:
		c->deadline = odd_number(in);
		break;
	case 3:
		c->period = odd_number(in);
		break;
	case 4:
		c->control = (uint32_t)take(in, 1) % 32;
		break;
	case 5:
		state->pending = take(in, 1);
		break;
	case 6:
		s->now = odd_number(in);
		break;
	case 7:
		c->backlog = odd_number(in);
		c->expired = c->delivered + c->merged + c->skipped + c->backlog;
	}
	if (s->length <= sizeof(*s)) {
		s->checksum = 0;
		s->checksum = xapt_record_checksum(s, s->length);
	}
	record.head += how / 8 % 4 ? 1 : 0;
	if (how > 240)
		record.head ^= take(in, 1) << 56;
}

static void step(struct input *in)
{
	struct lane *l = &lanes[take(in, 1) % 2];
	uint64_t v;

	switch (take(in, 1) % 16) {
	case 0:
	case 1:
	case 2:
		forge(in);
		break;
	case 3:
		record.stamp[take(in, 1) % 2] = (struct xenapt_stamp){ odd_number(in), odd_number(in) };
		break;
	case 4:
		record.wanted = (uint32_t)take(in, 1) % 3;
		break;
	case 5:
		v = take(in, 2) % (sizeof(record) / 8);
		((uint64_t *)&record)[v] = take(in, 8);
		break;
	case 6:
		now += take(in, 4);
		break;
	case 7:
		now += 20 * MS;
		break;
	case 8:
		if (take(in, 1) < 20)
			connect(l == &lanes[1]);
		break;
	case 9:
		if (take(in, 1) < 8)
			l->front.sring->req_prod += (RING_IDX)take(in, 4);
		break;
	case 10:
	case 11:
		serve(l == &lanes[1]);
		break;
	default:
		post(in, l);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	start();
	while (in.at < in.end) {
		step(&in);
		settle();
	}
	serve(0);
	serve(1);
	xapt_device_leave(&lanes[0].device);
	return 0;
}
