/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stub domain's own code, whole but for its boot, in a world that the input directs: a guest that
 * writes what it likes into rings, masks and records and moves its nodes, a toolstack that
 * adds and removes, grants and ports that fail, a store that speaks in pieces. The stub domain lives on
 * from input to input, as it does; after each one the world calms down: then every wait must have
 * ended, and the books of mappings, ports, watches and transactions must balance.
 *
 * The same of trapped devices: vCPUs with accesses of any kind, an ioreq page that is written over, an
 * ioreq server that Xen refuses, parents of slow lanes that lie and keep what they should let go of.
 */
#define XENAPERTURE_STUB

#include "fuzz.h"

#include <stdbool.h>

#include "stub/world.h"

#include "access.h"
#include "console.h"
#include "../../backend/stubdom/door.h"
#include "events.h"
#include "../../backend/stubdom/fast.h"
#include "grants.h"
#include "lane.h"
#include "loop.h"
#include "ring.h"
#include "../../backend/stubdom/slow.h"
#include "../../backend/stubdom/trapped.h"
#include "xenstore.h"

#include <xen/hvm/ioreq.h>

#include <xenaperture_model.h>

#define BACK	"backend/aperture-fast/5/%u"
#define FRONT	"/local/domain/5/device/aperture-fast/%u"
#define TRAPPED	"aperture/trapped/%u"
#define CHILD	"device/aperture/%u"
#define PARENT	"/local/domain/0/backend/aperture/9/%u"
#define A_WHILE	1000000000u
#define STEP_TURNS	20000u	/* of the loop, in a step of few devices */
#define PATIENCE	200000u	/* looks of a calm world at a stub domain that does not end */

extern const struct xenaperture_model timer_model, check_model;
XENAPERTURE_FAST_DEVICE(timer_model);
XENAPERTURE_FAST_DEVICE(check_model);

static struct input *in;	/* NULL: calm */
static uint64_t mood = 1;
static unsigned int looks;
static bool idle;
static uint32_t watchdog;

static struct {
	RING_IDX prod;
	uint64_t number;
} guest[WORLD_DEVICES];

unsigned int world_mood(unsigned int n)
{
	return n ? (unsigned int)(fuzz_next(&mood) % n) : 0;
}

/* ---- nodes ---- */

static const char *path_of(const char *format, unsigned int d, const char *node)
{
	static char path[160];
	int n = snprintf(path, sizeof(path), format, d);

	snprintf(path + n, sizeof(path) - (size_t)n, "%s%s", node ? "/" : "", node ? node : "");
	return path;
}

static void put(const char *format, unsigned int d, const char *node, const char *value)
{
	store_put(path_of(format, d, node), value);
}

static void put_number(const char *format, unsigned int d, const char *node, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	put(format, d, node, text);
}

static void add(unsigned int d)
{
	static const char *const types[] = { "check", "timer", "check", "timer", "nosuch", "Bad type", "" };

	memset(xen_page(d, GRANT_RECORD), 0, sizeof(struct xenapt_record));
	put(FRONT, d, "state", "1");
	put(BACK, d, "online", "1");
	put(BACK, d, "type", types[world_mood(world_mood(4) ? 4 : 7)]);
	if (!world_mood(4))
		put(BACK, d, "revoke-ms", world_mood(4) ? "5" : "0");
	put(BACK, d, "state", "1");
}

/* A few, or more than a stub domain serves. */
static void add_many(unsigned int d)
{
	unsigned int end = world_mood(16) ? d + 1 : WORLD_DEVICES;

	for (; d < end; d++)
		if (!store_look(path_of(BACK, d, "state")))
			add(d);
}

static void answer(unsigned int d)
{
	const char *epoch = store_look(path_of(BACK, d, "epoch"));
	static const char *const nodes[] = { "ring-ref0", "event-ref", "mask-ref", "record-ref0",
					     "record-ref1" };
	const char *state = store_look(path_of(BACK, d, "state"));
	char copy[24];
	unsigned int i;

	/* Mostly when it is asked for. */
	if (state && strcmp(state, "2") && world_mood(16))
		return;
	if (!epoch || !store_look(path_of(FRONT, d, "state")))
		return;
	snprintf(copy, sizeof(copy), "%s", epoch);
	put(FRONT, d, "epoch", copy);
	put(FRONT, d, "version", "1");
	put(FRONT, d, "feature-operations", "1");
	for (i = 0; i < WORLD_PAGES; i++)
		put_number(FRONT, d, nodes[i], WORLD_REF + d * WORLD_PAGES + i);
	put_number(FRONT, d, "event-channel", 10 + d);
	SHARED_RING_INIT((struct xenapt_sring *)xen_page(d, GRANT_RING));
	memset(xen_page(d, GRANT_EVENT), 0, 4096);
	guest[d].prod = 0;
	put(FRONT, d, "state", "3");
}

static void bad_node(unsigned int d)
{
	static const char *const names[] = { "ring-ref0", "event-ref", "mask-ref", "record-ref1", "epoch",
					     "event-channel", "state", "version", "feature-operations" };
	static char text[1200];
	size_t n = world_mood(8) ? world_mood(12) : world_mood(sizeof(text) - 1), i;

	if (!store_look(path_of(FRONT, d, "state")))
		return;
	for (i = 0; i < n; i++)
		text[i] = "0123456789a /\xff"[world_mood(14)];
	text[n] = 0;
	put(FRONT, d, names[world_mood(9)], text);
	put(FRONT, d, "state", "3");
}

/* ---- the guest ---- */

static void make_operation(unsigned int d, struct xenapt_request *q)
{
	static const uint8_t sizes[] = { 8, 8, 8, 4, 2, 1, 0, 0 };
	struct xenapt_operation *op = &q->u.operation;
	unsigned int i;

	memset(q, 0, sizeof(*q));
	q->type = XENAPT_REQ_OPERATION;
	q->id = XENAPT_OP_ID | guest[d].number++ << 5 | take(in, 1) % XENAPT_OP_ENTRIES;
	op->size = sizes[take(in, 1) % 8];
	op->reg = take(in, 1) % 80 * (op->size ? op->size : 1);
	op->value = world_mood(4) ? take(in, 2) : ~take(in, 2) >> world_mood(8);
	op->direction = op->size ? (uint8_t)world_mood(XENAPT_OP_DIRECTIONS) : XENAPT_OP_WRITE;
	op->submitter = (uint8_t)world_mood(4);
	op->flags = world_mood(3) ? XENAPT_OP_RESUME : 0;
	for (i = 0; i < 2 && !world_mood(8); i++)
		((uint8_t *)q)[take(in, 1) % sizeof(*q)] ^= (uint8_t)take(in, 1);
}

static void post(unsigned int d)
{
	struct xenapt_sring *shared = xen_page(d, GRANT_RING);
	unsigned int n = world_mood(16) ? 1 + world_mood(3) : 1 + world_mood(40);
	struct xenapt_request q;

	for (; n--; guest[d].prod++) {
		make_operation(d, &q);
		memcpy(&shared->ring[guest[d].prod % __RING_SIZE(shared, 4096)].req, &q, sizeof(q));
	}
	shared->req_prod = guest[d].prod;
	xen_notify(d);
}

static void scribble(unsigned int d)
{
	unsigned int page = (unsigned int)take(in, 1) % WORLD_PAGES, at = (unsigned int)take(in, 2) % 4096;
	uint8_t *to = xen_page(d, page);

	/* What is looked at most is at the beginning. */
	if (take(in, 1) % 2)
		at %= page == GRANT_RECORD ? 16 : 64;
	/* The counters are how this program knows that operations got through. */
	if (page >= GRANT_RECORD && at >= 0x40 && at < 0x100)
		return;
	to[at] = (uint8_t)take(in, 1);
}

/* As the second device would, but for the state itself. */
static void seize(unsigned int d)
{
	struct xenapt_record *r = xen_page(d, GRANT_RECORD);
	uint64_t owner = take(in, 1) % 4, slot = take(in, 1) % 4;

	r->head = XENAPT_HEAD(owner, slot, XENAPT_HEAD_GENERATION(r->head) + take(in, 1) % 2);
}

/* ---- trapped devices ---- */

uint64_t fuzz_value(void)
{
	return fuzz_next(&mood);
}

/* Ports from 0x600 on, memory from 0xfe000000 on, 1024 octets apart: some overlap, of those that are bad. */
static void add_trapped(unsigned int d)
{
	static const char *const types[] = { "check", "timer", "check", "timer", "check", "nosuch", "" };
	static const char *const bad[] = { "", "0x600", "65530", "18446744073709551615", "-1", "1536" };

	char parent[64];

	snprintf(parent, sizeof(parent), PARENT, d);
	put(CHILD, d, "backend", parent);
	put(CHILD, d, "backend-id", "0");
	put(CHILD, d, "state", "1");
	put(PARENT, d, "online", "1");
	put(PARENT, d, "state", "1");
	put(TRAPPED, d, "type", types[world_mood(world_mood(8) ? 5 : 7)]);
	put(TRAPPED, d, "door", world_mood(16) ? d % 2 ? "mmio" : "io" : "door");
	put_number(TRAPPED, d, "address", (d % 2 ? 0xfe000000u : 0x600) + d * 1024u);
	if (!world_mood(8))
		put(TRAPPED, d, "address", bad[world_mood(6)]);
	put(TRAPPED, d, "timeout-ms", world_mood(16) ? "20" : "5");
	put(TRAPPED, d, "state", "1");
}

static void toolstack_trapped(unsigned int d, unsigned int what)
{
	static const char *const states[] = { "1", "2", "3", "4", "5", "6", "", "x" };

	switch (what % 8) {
	case 0:
		put(TRAPPED, d, "state", "5");
		break;
	case 1:
		store_drop(path_of(TRAPPED, d, NULL));
		break;
	case 2:
		store_drop(path_of(CHILD, d, NULL));
		break;
	case 3:
		put(PARENT, d, "online", "0");
		put(PARENT, d, "state", "5");
		break;
	case 4:
		put(TRAPPED, d, "state", states[world_mood(8)]);
		break;
	case 5:
		put(PARENT, d, "state", states[world_mood(8)]);
		break;
	case 6:
		put(PARENT, d, "epoch", world_mood(2) ? "0" : "4294967295");
		break;
	default:
		put(CHILD, d, "state", states[world_mood(8)]);
	}
}

static void trapped_access(unsigned int d)
{
	static const uint32_t sizes[] = { 4, 4, 1, 2, 8, 4, 3, 0 }, counts[] = { 0, 2, 7, 40, 0x80000000u, 0xffffffffu };
	struct ioreq r = { .count = 1 };
	/* Of the check device: what its second half has. */
	static const uint16_t slow[] = { 0x20, 0x28, 0x68, 0x180, 0x184, 0x7c, 0x200, 0x208 };
	unsigned int kind = (unsigned int)take(in, 1);

	r.type = d % 2 ? IOREQ_TYPE_COPY : IOREQ_TYPE_PIO;
	r.addr = (d % 2 ? 0xfe000000u : 0x600u) + d * 1024u +
		 (world_mood(2) ? slow[world_mood(8)] : take(in, 2) % 700);
	r.size = sizes[world_mood(8)];
	r.dir = world_mood(2) ? IOREQ_READ : IOREQ_WRITE;
	r.data = take(in, 2);
	if (kind % 8 == 0) {
		r.count = counts[world_mood(world_mood(16) ? 4 : 6)];
		r.df = kind >> 4 & 1;
		r.data_is_ptr = !!(kind & 0x60);
		r.data = world_mood(4) ? take(in, 2) % (WORLD_MEMORY * 4096 + 64) : ~take(in, 2);
	}
	if (kind % 8 == 1)
		r.type = (uint8_t)(world_mood(2) ? IOREQ_TYPE_INVALIDATE : take(in, 1));
	if (kind % 32 == 2)
		r.addr = ~take(in, 1);
	guest_access(world_mood(WORLD_VCPUS), &r);
}

static void step_parent(unsigned int what, unsigned int d)
{
	switch (what) {
	case 0:
		parent_offer(d);
		break;
	case 1:
	case 2:
		parent_connect(d);
		break;
	case 3:
		if (!world_mood(4))
			parent_scribble(d, (unsigned int)take(in, 2), (uint8_t)take(in, 1));
		break;
	case 4:
		if (!world_mood(4))
			parent_let_go(d, world_mood(2));
		break;
	case 5:
		parent_raise(d, take(in, 2));
		break;
	default:
		parent_answer(d, 1 + world_mood(4), true);
	}
}

static void step_trapped(void)
{
	unsigned int what = (unsigned int)take(in, 1) % 24, d = (unsigned int)take(in, 1) % WORLD_DOORS;

	if (what)
		d %= 3;
	if (what >= 16)
		step_parent(what - 16, d);
	else if (what < 2 && !store_look(path_of(TRAPPED, d, "state")))
		add_trapped(d);
	else if (what == 2 && !world_mood(3))
		toolstack_trapped(d, (unsigned int)take(in, 1));
	else if (what == 3 && !world_mood(8))
		guest_scribble((unsigned int)take(in, 1), (uint8_t)take(in, 1));
	else if (what > 3)
		trapped_access(d);
	guest_goes_on();
}

/* ---- the toolstack, and Xen ---- */

static void toolstack(unsigned int d, unsigned int what)
{
	static const char *const states[] = { "1", "2", "3", "4", "5", "6", "", "x" };

	switch (what % 8) {
	case 0:
		add(d);
		break;
	case 1:
		store_drop(path_of(BACK, d, NULL));
		break;
	case 2:
		store_drop(path_of(FRONT, d, NULL));
		break;
	case 3:
		put(BACK, d, "online", "0");
		put(BACK, d, "state", "5");
		break;
	case 4:
		put(BACK, d, "state", states[world_mood(8)]);
		break;
	default:
		put(FRONT, d, "state", states[world_mood(8)]);
	}
}

static void step(void)
{
	unsigned int what = (unsigned int)take(in, 1) % 64, d;

	if (what >= 32) {
		step_trapped();
		return;
	}
	d = (unsigned int)take(in, 1) % WORLD_DEVICES;
	/* A few devices, much used. */
	if (what % 16 != 13)
		d %= 3;
	switch (what) {
	case 6:
	case 7:
	case 8:
		answer(d);
		break;
	case 9:
		if (world_mood(4))
			break;
		/* fall through */
	case 16:
		scribble(d);
		break;
	case 10:
		if (!world_mood(8))
			seize(d);
		break;
	case 11:
		xen_pass(take(in, 3) * 16);
		break;
	case 12:
		xen_notify(d);
		break;
	case 13:
	case 14:
		add_many(d);
		break;
	case 15:
		if (world_mood(6))
			break;
		/* fall through */
	case 29:
		toolstack(d, (unsigned int)take(in, 1));
		break;
	case 17:
		xen_fire(watchdog);
		break;
	case 18:
		store_garbage();
		break;
	case 19:
		store_false_event("backend/aperture-fast/5/1/state", "backend");
		break;
	case 20:
		bad_node(d);
		break;
	default:
		post(d);
	}
}

/* Others run while the stub domain is busy: now and then, where its turns begin (the linker's --wrap). */
void __real_loop_turn(void);
void __wrap_loop_turn(void);
static unsigned int turns, step_began;
static bool flood;

void __wrap_loop_turn(void)
{
	unsigned int d;

	if (!(++turns % 16)) {
		store_work(in ? 1 + world_mood(600) : 4096);
		for (d = 0; !in && d < WORLD_DOORS; d++)
			parent_works(d);
		guest_goes_on();
		xen_pass(1000);
	}
	MUST(!flood || turns - step_began < STEP_TURNS);
	if (flood && !(turns % 2)) {
		put(FRONT, 0, "state", "1");
		put(TRAPPED, 0, "state", "1");
	}
	__real_loop_turn();
}

/* The one place where the stub domain waits. */
bool world_blocked(uint64_t until)
{
	bool moved;
	unsigned int d;

	store_hostile = xen_hostile = in;
	if (in && in->at < in->end) {
		/* The store is faster than the rest of the world, mostly. */
		if (!store_work(1 + world_mood(600)) || !world_mood(8))
			step();
		return true;
	}
	in = NULL;
	MUST(looks++ < PATIENCE);
	moved = store_work(4096);
	for (d = 0; d < WORLD_DOORS; d++)
		moved |= parent_works(d);
	moved |= guest_goes_on();
	if (!moved && until > xen_now() && until - xen_now() < A_WHILE)
		xen_pass(until - xen_now());
	idle = !moved;
	return moved;
}

/* ---- an input ---- */

/* As start.c has it. */
static void do_steps(void)
{
	bool more;

	do {
		more = fast_step();
		more |= trapped_step();
	} while (more);
}

static void live(void)
{
	loop_turn();
	do_steps();
}

/* Every vCPU goes on, but for one that asked for more than can be done soon. */
static void guest_settles(void)
{
	unsigned int turns;

	/* Of what was written over the page no event told. */
	for (turns = 0; turns < WORLD_VCPUS; turns++)
		xen_fire_remote(WORLD_VCPU_PORT + turns);
	/* Timeouts pass also while an endless REP leaves nothing to wait for. */
	for (turns = 0; turns < 20000 && guest_waits(); turns++, xen_pass(10000))
		live();
	MUST(!guest_waits());
}

static void calm_down(void)
{
	unsigned int turns, pongs;

	in = NULL;
	looks = 0;
	store_hostile = xen_hostile = false;
	parents_release();
	for (turns = 0, idle = false; turns < 2000 && !idle; turns++)
		live();
	guest_settles();
	/* Periodic work of a device may go on for ever; the store must be quiet. */
	/* What a guest may make due in 300 years. */
	events_wait(UINT64_MAX - 1);
	pongs = xen_pongs;
	xen_fire(watchdog);
	for (turns = 0; turns < 64; turns++)
		live();
	MUST(xen_pongs == pongs + 1);
}

static bool state_is(const char *format, unsigned int d, const char *state)
{
	const char *now = store_look(path_of(format, d, "state"));

	return now && !strcmp(now, state);
}

static void check_trapped(unsigned int *ports, unsigned int *watches)
{
	unsigned int d, open = 0;

	for (d = 0; d < WORLD_DOORS; d++)
		open += state_is(TRAPPED, d, "4");
	MUST(open <= DOORS && guest_ranges() <= DOORS);
	MUST(world_windows == 0);
	MUST(guest_served() || !guest_ranges());
	MUST(grants_open() <= DOORS * 8);
	/* Of a door: the guest's, and the slow lane's. */
	*ports = guest_ranges() + (guest_served() ? WORLD_VCPUS : 0) + DOORS;
	*watches = 2 + DOORS;
}

static void check_books(bool nothing)
{
	unsigned int d, up = 0, ports, watches;

	for (d = 0; d < WORLD_DEVICES; d++)
		up += state_is(BACK, d, "4");
	check_trapped(&ports, &watches);
	MUST(store_transactions == 0);
	MUST(xen_mapped % WORLD_PAGES == 0 && xen_mapped <= LANES * WORLD_PAGES);
	MUST(xen_ports >= xen_mapped / WORLD_PAGES + 1 && xen_ports <= xen_mapped / WORLD_PAGES + 1 + ports);
	MUST(store_watches <= LANES + 1 + watches);
	if (!nothing)
		return;
	MUST(!xen_mapped && !up && xen_ports == 1 && store_watches == 3);
	MUST(!guest_ranges());
	MUST(!guest_served());
	MUST(!parents_up() && !grants_open());
}

/* Of 500 random inputs some must have got to each of these. */
static struct {
	unsigned long trapped, forwarded, timeouts, faults, opened, connected, answered;
} seen;

static void prove(void)
{
#ifdef FUZZ_MAIN
	static unsigned int inputs;

	if (++inputs != 500)
		return;
	MUST(seen.trapped && seen.forwarded && seen.timeouts && seen.faults);
	MUST(seen.opened && seen.connected && seen.answered);
#endif
}

static void count_trapped(void)
{
	unsigned int d;

	for (d = 0; d < DOORS; d++) {
		const struct xenapt_fast_counters *c = &slow_record(d)->fast;

		/* The device is new each time: these are of its life. */
		seen.trapped += c->trapped;
		seen.forwarded += c->forwarded;
		seen.timeouts += c->timeouts;
		seen.faults += c->faults;
		seen.connected += slow_connected(d);
	}
	seen.opened += guest_ranges();
	seen.answered += parents_answered;
	prove();
}

static void count_hits(void)
{
	static uint64_t before[WORLD_DEVICES];
	unsigned int d;

	for (d = 0; d < WORLD_DEVICES; d++) {
		const struct xenapt_record *r = xen_page(d, GRANT_RECORD);

		if (r->fast.hits > before[d])
			REACHED();
		before[d] = r->fast.hits;
	}
}

static void watched(const char *path, const char *token)
{
	if (trapped_token(token))
		trapped_watched(path, token);
	else
		fast_watched(path, token);
}

static unsigned int one_step(bool (*do_step)(void))
{
	step_began = turns;
	return do_step();
}

static void drop_nodes(void)
{
	unsigned int d;

	for (d = 0; d < WORLD_DEVICES; d++) {
		store_drop(path_of(FRONT, d, NULL));
		store_drop(path_of(BACK, d, NULL));
	}
	for (d = 0; d < WORLD_DOORS; d++) {
		parent_let_go(d, true);
		store_drop(path_of(TRAPPED, d, NULL));
		store_drop(path_of(CHILD, d, NULL));
		store_drop(path_of(PARENT, d, NULL));
	}
}

/* The guest writes its nodes without end, and the toolstack its own: either kind of step gets its turn. */
static void floods(void)
{
	unsigned int i, fast = 0, trapped = 0;

	add(0);
	add_trapped(0);
	flood = true;
	for (i = 0; i < 20; i++) {
		fast += one_step(fast_step);
		trapped += one_step(trapped_step);
	}
	flood = false;
	MUST(fast > 10 && trapped > 10);
	drop_nodes();
	calm_down();
}

static void start(void)
{
	static bool started;
	int port;

	if (started)
		return;
	started = true;
	xen_start();
	console_init();
	lane_init();
	grants_init();
	store_init(watched);
	port = events_listen(0);
	MUST(port > 0);
	watchdog = xen_watchdog = (uint32_t)port;
	loop_watchdog(watchdog);
	fast_start(WORLD_GUEST);
	door_start(WORLD_GUEST);
	trapped_start(WORLD_GUEST);
	floods();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	static unsigned int inputs;

	start();
	in = &input;
	looks = 0;
	while (in && in->at < in->end) {
		uint64_t before = xen_sent;

		loop_turn();
		/* A turn is bounded, whatever the rings say: an event for the answers and one a vector. */
		MUST(xen_sent - before < LANES * (2 + 64) + 300);
		do_steps();
		if (in && !world_mood(4))
			step();
	}
	calm_down();
	check_books(false);
	count_hits();
	count_trapped();
	if (inputs++ % 32)
		return 0;
	drop_nodes();
	calm_down();
	check_books(true);
	return 0;
}
