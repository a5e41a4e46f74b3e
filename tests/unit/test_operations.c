/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two lanes of one device and a child that routes between them, against a device that does
 * everything by itself. The sample device notices each operation that is lost, repeated or
 * out of order: a register becomes 31 times what it was, plus what is written.
 */
#include "record_steps.h"

#include "operations.h"

#include <xenaperture.h>

#include "../../backend/devices/timer/timer.h"
#include "check.h"

#define SUBMITTERS	6u
#define MS		1000000ull

/* ---- the sample device ------------------------------------------------------------------ */

enum { QUICK, FICKLE, LONG, COUNTED, ALONE };

/* Registers: a row of each kind, one for each submitter, so that only its own order matters. */
#define QUICK_AT(n)	(0x100u + 8u * (n))	/* fast */
#define FICKLE_AT(n)	(0x200u + 8u * (n))	/* fast, but for odd values */
#define LONG_AT(n)	(0x300u + 8u * (n))	/* slow */
#define COUNTED_AT(n)	(0x380u + 8u * (n))	/* as fickle, and each read counts */
#define ALONE_AT(n)	(0x400u + 8u * (n))	/* slow, independent */
#define MIX		1u			/* command, fast: argument = submitter */
#define UNWELCOME	77u			/* ... but for this one: declined */
#define DRAIN		2u			/* command, slow */
#define ALONE_VECTOR	SUBMITTERS		/* raised by what touches no state */

struct sample {
	uint64_t value[4][SUBMITTERS];
	uint64_t pending;
};

static uint32_t sample_read(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t *value)
{
	uint64_t *v = &((struct sample *)run->state)->value[id][n];

	*value = *v;
	*v += id == COUNTED;
	return XENAPT_OK;
}

static uint32_t take_in(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	struct sample *s = run->state;

	if (value == 13)
		return XENAPT_E_VALUE;
	s->value[id][n] = s->value[id][n] * 31 + value;
	s->pending |= 1ull << n;
	xenaperture_raise(run, n);
	return XENAPT_OK;
}

static uint32_t fast_write(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	return (id == FICKLE || id == COUNTED) && value % 2 ? XENAPT_E_DECLINED : take_in(run, id, n, value);
}

static uint32_t fast_command(struct xenaperture_run *run, uint32_t number, uint64_t n,
			     uint64_t *result)
{
	struct sample *s = run->state;

	if (n == UNWELCOME)
		return XENAPT_E_DECLINED;
	if (number != MIX || n >= SUBMITTERS)
		return XENAPT_E_VALUE;
	*result = s->value[QUICK][n];
	s->value[QUICK][n] ^= s->value[LONG][n] * 5 + s->value[FICKLE][n];
	return XENAPT_OK;
}

static uint32_t slow_read(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t *value)
{
	if (id != ALONE)
		return sample_read(run, id, n, value);
	CHECK(!run->state);
	xenaperture_raise(run, ALONE_VECTOR);
	*value = 4711 + n;
	return XENAPT_OK;
}

static uint32_t slow_command(struct xenaperture_run *run, uint32_t number, uint64_t n,
			     uint64_t *result)
{
	struct sample *s = run->state;

	if (number != DRAIN || n >= SUBMITTERS)
		return XENAPT_E_VALUE;
	*result = s->value[LONG][n];
	s->value[LONG][n] = s->value[QUICK][n] * 3;
	return XENAPT_OK;
}

static void sample_reset(struct xenaperture_run *run)
{
	((struct sample *)run->state)->value[QUICK][0] = 1;
}

static int sample_check(const void *state)
{
	return ((const struct sample *)state)->pending >> SUBMITTERS ? -1 : 0;
}

static uint64_t sample_pending(const void *state)
{
	return ((const struct sample *)state)->pending;
}

#define ROW(at, id, flags) { at(0), 8, XENAPERTURE_ANY_SIZE, flags, id, SUBMITTERS, 8 }

static const struct xenaperture_register registers[] = {
	ROW(QUICK_AT, QUICK, XENAPERTURE_READ | XENAPERTURE_WRITE | XENAPERTURE_FAST),
	ROW(FICKLE_AT, FICKLE, XENAPERTURE_READ | XENAPERTURE_WRITE | XENAPERTURE_FAST),
	ROW(LONG_AT, LONG, XENAPERTURE_READ | XENAPERTURE_WRITE),
	ROW(COUNTED_AT, COUNTED, XENAPERTURE_READ | XENAPERTURE_WRITE | XENAPERTURE_FAST |
				 XENAPERTURE_READ_CHANGES),
	ROW(ALONE_AT, ALONE, XENAPERTURE_READ | XENAPERTURE_INDEPENDENT),
};

static const struct xenaperture_command commands[] = { { MIX, XENAPERTURE_FAST }, { DRAIN, 0 } };

static const struct xenaperture_model sample = {
	.size = sizeof(sample),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = "sample",
	.registers = registers,
	.nr_registers = 5,
	.commands = commands,
	.nr_commands = 2,
	.vectors = SUBMITTERS + 1,
	.state_version = 1,
	.state_size = sizeof(struct sample),
	.fast = { sample_read, fast_write, fast_command },
	.reset = sample_reset,
	.check = sample_check,
	.pending = sample_pending,
};

static const struct xenaperture_functions sample_slow = { slow_read, take_in, slow_command };

/* ---- the world ------------------------------------------------------------------------------ */

#define ENTRIES	XENAPT_OP_ENTRIES

enum place { FREE, KEPT, ON_FAST, ON_SLOW };

struct entry {
	enum place place;
	struct xenapt_request q;
	uint32_t status;	/* what the reference says */
	uint64_t value;
	uint64_t number;	/* order of submission */
};

enum { FAST_LANE, SLOW_LANE };

static struct {
	struct xapt_operations lane[2];
	bool alive[2];
	uint64_t base[2];		/* of each lane's clock */
	uint64_t time;
	const struct xenaperture_model *model;
	const struct xenaperture_functions *slow;
	uint64_t revoke_ns;

	struct entry entry[ENTRIES];
	uint8_t ring[2][ENTRIES];	/* entries, in order */
	unsigned int queued[2];
	uint64_t numbers;
	bool behind[2][SUBMITTERS];	/* the lane declined: RESUME with the next */
	uint64_t seen;			/* vectors that the guest was told */
	uint64_t done, declined[2], lost_turns, kills;
	unsigned int connection[2];	/* a turn that outlives its own has nobody to answer to */
	void (*answer)(const struct entry *e, const struct xenapt_response *r);

	struct xapt_operations reference;
	struct xenapt_record reference_record;
} w;

static void as_the_reference(const struct entry *e, const struct xenapt_response *r);

static uint64_t clock_of(unsigned int lane)
{
	return w.base[lane] + w.time;
}

static void lane_up(unsigned int lane)
{
	struct xapt_operations_setup setup = {
		.model = w.model,
		.slow = lane == SLOW_LANE ? w.slow : NULL,
		.record = &shared,
		.me = lane == SLOW_LANE ? XENAPT_OWNER_SLOW : XENAPT_OWNER_FAST,
		.revoke_ns = w.revoke_ns,
	};

	xapt_operations_init(&w.lane[lane], &setup);
	w.alive[lane] = true;
}

static void world(const struct xenaperture_model *model, const struct xenaperture_functions *slow)
{
	struct xapt_operations_setup setup = {
		.model = model, .slow = slow, .record = &w.reference_record, .me = XENAPT_OWNER_SLOW,
	};

	steps_left = 0;
	memset(&w, 0, sizeof(w));
	memset(&shared, 0, sizeof(shared));
	w.model = model;
	w.slow = slow;
	w.time = 1000 * MS;
	w.base[SLOW_LANE] = 77777 * MS;
	w.revoke_ns = 50 * MS;
	w.answer = as_the_reference;
	xapt_operations_init(&w.reference, &setup);
}

/* One operation, alone in its turn, at a device that nobody disturbs. */
static void ask_reference(struct entry *e)
{
	struct xenapt_response r = { 0 };
	uint64_t raise;

	xapt_operations_begin(&w.reference, w.time);
	CHECK_EQ(xapt_operations_execute(&w.reference, &e->q, NULL, &r, w.time), XAPT_EXECUTED);
	CHECK(xapt_operations_end(&w.reference, true, w.time, &raise));
	e->status = r.status;
	e->value = r.value;
}

/* ---- the child ------------------------------------------------------------------------------- */

static void put_on(unsigned int lane, unsigned int n)
{
	w.entry[n].place = lane == FAST_LANE ? ON_FAST : ON_SLOW;
	w.ring[lane][w.queued[lane]++] = (uint8_t)n;
}

static bool earlier(const struct entry *e, enum place place)
{
	for (unsigned int i = 0; i < ENTRIES; i++) {
		const struct entry *f = &w.entry[i];

		if (f->place == place && f->number < e->number &&
		    f->q.u.operation.submitter == e->q.u.operation.submitter)
			return true;
	}
	return false;
}

static bool outstanding(const struct entry *e, enum place place)
{
	for (unsigned int i = 0; i < ENTRIES; i++)
		if (w.entry[i].place == place &&
		    w.entry[i].q.u.operation.submitter == e->q.u.operation.submitter)
			return true;
	return false;
}

static bool independent(const struct xenapt_operation *op)
{
	return op->size && op->reg >= ALONE_AT(0) && w.model == &sample;
}

/* What was declined goes to the other lane; the first there after that has RESUME. */
static uint8_t sent_to[ENTRIES];	/* 1 + lane, or 0: any */

static unsigned int lane_for(const struct entry *e, unsigned int n)
{
	if (!w.alive[FAST_LANE] || sent_to[n] == 1 + SLOW_LANE)
		return SLOW_LANE;
	return !sent_to[n] && independent(&e->q.u.operation) ? SLOW_LANE : FAST_LANE;
}

static bool outstanding_before(const struct entry *e, enum place place)
{
	return outstanding(e, place) && earlier(e, place);
}

/* What was kept back goes out where the contract lets it: submitter by submitter, in order. */
static void route(struct entry *e, unsigned int n)
{
	unsigned int lane = lane_for(e, n), s = e->q.u.operation.submitter;

	if (!w.alive[lane] || outstanding_before(e, lane == FAST_LANE ? ON_SLOW : ON_FAST))
		return;
	if (w.behind[lane][s] && outstanding(e, lane == FAST_LANE ? ON_FAST : ON_SLOW))
		return;
	e->q.u.operation.flags = w.behind[lane][s] ? XENAPT_OP_RESUME : 0;
	w.behind[lane][s] = false;
	put_on(lane, n);
}

static bool route_one(unsigned int n)
{
	struct entry *e = &w.entry[n];

	if (e->place != KEPT || earlier(e, KEPT))
		return false;
	route(e, n);
	return e->place != KEPT;
}

static void route_all(void)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned int n = 0; n < ENTRIES; n++)
			more |= route_one(n);
	}
}

static void as_the_reference(const struct entry *e, const struct xenapt_response *r)
{
	CHECK_CASE(r->status == e->status, e->q.u.operation.reg, r->status);
	CHECK_CASE(r->value == e->value, e->q.u.operation.reg, e->number);
}

static void answered(unsigned int lane, unsigned int n, const struct xenapt_response *r)
{
	struct entry *e = &w.entry[n];

	if (r->status == XENAPT_E_DECLINED) {
		w.declined[lane]++;
		e->place = KEPT;
		sent_to[n] = (uint8_t)(1 + !lane);
		w.behind[lane][e->q.u.operation.submitter] = true;
		return;
	}
	e->place = FREE;
	w.done++;
	w.answer(e, r);
}

static int free_entry(void)
{
	for (unsigned int n = 0; n < ENTRIES; n++)
		if (w.entry[n].place == FREE)
			return (int)n;
	return -1;
}

static bool submit(const struct xenapt_operation *op)
{
	int n = free_entry();
	struct entry *e;

	if (n < 0)
		return false;
	e = &w.entry[n];
	*e = (struct entry){ .place = KEPT, .number = ++w.numbers };
	e->q.id = XENAPT_OP_ID | w.numbers << 5 | (unsigned int)n;
	e->q.type = XENAPT_REQ_OPERATION;
	e->q.u.operation = *op;
	sent_to[n] = 0;
	if (w.answer == as_the_reference)
		ask_reference(e);
	return true;
}

/* ---- turns --------------------------------------------------------------------------------------- */

static void settle_turn(unsigned int lane, const struct xenapt_response *r, unsigned int n)
{
	uint8_t entries[ENTRIES];

	memcpy(entries, w.ring[lane], n);
	w.queued[lane] -= n;
	memmove(w.ring[lane], w.ring[lane] + n, w.queued[lane]);
	for (unsigned int i = 0; i < n; i++)
		answered(lane, entries[i], &r[i]);
	route_all();
}

/* The requests of a turn, up to one that has to wait. Returns how many were answered. */
static unsigned int execute(unsigned int lane, unsigned int budget, struct xenapt_response *r,
			    bool *drained)
{
	unsigned int n;

	for (n = 0; n < w.queued[lane] && n < budget; n++) {
		const struct xenapt_request *q = &w.entry[w.ring[lane][n]].q;

		r[n] = (struct xenapt_response){ 0 };
		if (xapt_operations_execute(&w.lane[lane], q, NULL, &r[n], clock_of(lane)) == XAPT_HOLD)
			break;
	}
	*drained = n == w.queued[lane];
	return n;
}

/* One turn of at most budget requests. */
static void turn(unsigned int lane, unsigned int budget)
{
	static struct xenapt_response answers[2][ENTRIES];
	struct xenapt_response *r = answers[lane];
	struct xapt_operations *o = &w.lane[lane];
	unsigned int n, connection = w.connection[lane];
	uint64_t clock = clock_of(lane), raise;
	bool drained, happened;

	xapt_operations_begin(o, clock);
	n = execute(lane, budget, r, &drained);
	happened = xapt_operations_end(o, drained, clock, &raise);
	w.lost_turns += !happened;
	for (unsigned int i = 0; i < n && !happened; i++)
		r[i] = (struct xenapt_response){ .status = XENAPT_E_DECLINED };
	if (connection != w.connection[lane])
		return;
	settle_turn(lane, r, n);
	w.seen |= raise;
}

/* The lane is gone with all it had: what is unanswered is sent again, with the same ids. */
static void lane_down(unsigned int lane)
{
	w.alive[lane] = false;
	w.connection[lane]++;
	w.queued[lane] = 0;
	w.kills++;
	for (unsigned int n = 0; n < ENTRIES; n++)
		if (w.entry[n].place == (lane == FAST_LANE ? ON_FAST : ON_SLOW))
			w.entry[n].place = KEPT;
	memset(w.behind[lane], 0, sizeof(w.behind[lane]));
}

/* There is no fast lane: the second device takes the state. */
static void take(void)
{
	uint64_t raise;

	xapt_operations_begin(&w.lane[SLOW_LANE], clock_of(SLOW_LANE));
	xapt_operations_take(&w.lane[SLOW_LANE], clock_of(SLOW_LANE));
	xapt_operations_end(&w.lane[SLOW_LANE], true, clock_of(SLOW_LANE), &raise);
	w.seen |= raise;
}

static void take_if_alone(void)
{
	if (!w.alive[FAST_LANE] && w.alive[SLOW_LANE])
		take();
	route_all();
}

static void both_up(void)
{
	for (unsigned int lane = 0; lane < 2; lane++)
		if (!w.alive[lane])
			lane_up(lane);
}

static bool idle(void)
{
	for (unsigned int n = 0; n < ENTRIES; n++)
		if (w.entry[n].place != FREE)
			return false;
	return true;
}

/* Everything is answered, in a bounded number of turns. */
static void drain(void)
{
	for (unsigned int i = 0; i < 2000 && !idle(); i++) {
		route_all();
		turn(FAST_LANE, 32);
		turn(SLOW_LANE, 32);
		w.time += MS;
	}
	CHECK(idle());
}

static const struct xenapt_slot *current(void)
{
	return &shared.slot[XENAPT_HEAD_SLOT(shared.head)];
}

static void same_state(void)
{
	const struct sample *s = (const struct sample *)current()->state;

	CHECK(!memcmp(s, w.reference.record.slot.state, w.model->state_size));
	CHECK_EQ(s->pending & ~w.seen, 0);
}

/* ---- random interleavings -------------------------------------------------------------------------- */

static struct xenapt_operation random_operation(uint64_t *seed)
{
	static const uint32_t row[] = { QUICK_AT(0), QUICK_AT(0), FICKLE_AT(0), LONG_AT(0), COUNTED_AT(0),
					ALONE_AT(0) };
	unsigned int s = (unsigned int)(check_random(seed) % SUBMITTERS);
	struct xenapt_operation op = { .submitter = (uint8_t)s };

	op.value = check_random(seed) % (check_random(seed) % 16 ? 1000 : ~0ull);
	if (check_random(seed) % 8 == 0) {
		op.reg = 1 + check_random(seed) % 3;
		op.direction = XENAPT_OP_WRITE;
		op.value = s + (check_random(seed) % 16 ? 0 : 64);
		return op;
	}
	op.size = (uint8_t)(1u << check_random(seed) % 4);
	op.reg = row[check_random(seed) % 6] + 8 * s + check_random(seed) % 8 / op.size * op.size;
	op.direction = (uint8_t)(check_random(seed) % XENAPT_OP_DIRECTIONS);
	if (op.size > 1 && check_random(seed) % 50 == 0)
		op.reg += 1;	/* straddles */
	return op;
}

/* A turn in which the lane dies at the k-th access to the record. */
static void deadly_turn(unsigned int lane, unsigned int budget, uint64_t k)
{
	steps_left = k;
	at_step = kill_here;
	if (!setjmp(killed))
		turn(lane, budget);
	else
		lane_down(lane);
	steps_left = 0;
	take_if_alone();
}

static unsigned int stopped;	/* the lane whose turn stands still */

/* The child gives the stopped one up, or the first device its patience. */
static void meanwhile(void)
{
	if (stopped == FAST_LANE) {
		lane_down(FAST_LANE);
		take_if_alone();
	}
	for (unsigned int i = 0; i < 4; i++) {
		w.time += w.revoke_ns / 2;
		if (w.alive[!stopped])
			turn(!stopped, 32);
	}
}

/* A turn that stands still at its k-th access, while the others go on; it ends late. */
static void late_turn(unsigned int lane, unsigned int budget, uint64_t k)
{
	stopped = lane;
	steps_left = k;
	at_step = meanwhile;
	turn(lane, budget);
	steps_left = 0;
}

static void come_or_go(unsigned int lane)
{
	if (w.alive[lane])
		lane_down(lane);
	else
		lane_up(lane);
	take_if_alone();
}

static void random_event(uint64_t *seed, bool rough)
{
	unsigned int lane = check_random(seed) % 2;
	unsigned int budget = 1 + (unsigned int)(check_random(seed) % 32);
	uint64_t k = 1 + check_random(seed) % 300;

	w.time += check_random(seed) % (check_random(seed) % 32 ? 20000 : 20 * MS);
	switch (rough ? check_random(seed) % 64 : 9) {
	case 0:
		come_or_go(lane);
		break;
	case 1:
		if (w.alive[lane])
			deadly_turn(lane, budget, k);
		break;
	case 2:
		if (w.alive[lane])
			late_turn(lane, budget, k);
		break;
	default:
		if (w.alive[lane])
			turn(lane, budget);
	}
}

static void interleave(unsigned int operations, bool rough, uint64_t seed)
{
	world(&sample, &sample_slow);
	both_up();
	while (w.numbers < operations) {
		struct xenapt_operation op = random_operation(&seed);

		if (check_random(&seed) % 2 && submit(&op))
			route_all();
		random_event(&seed, rough);
	}
	both_up();
	drain();
	same_state();
	CHECK_EQ(w.done, operations);
	CHECK_CASE(w.declined[FAST_LANE] > operations / 10, w.declined[FAST_LANE], 0);
}

static void random_order(void)
{
	interleave(100000, false, 1);
	CHECK_EQ(w.kills, 0);
	CHECK_CASE(w.lane[FAST_LANE].count.handed_over > 1000, w.lane[FAST_LANE].count.handed_over, 0);
}

static void random_kills(void)
{
	interleave(100000, true, 2);
	CHECK_CASE(w.kills > 500, w.kills, 0);
	CHECK_CASE(w.lost_turns > 50, w.lost_turns, 0);
}

/* ---- each step of one turn -------------------------------------------------------------------------- */

struct scene {
	const char *name;
	unsigned int lane;		/* that is killed or stopped */
	struct xenapt_operation op;
};

#define WRITE(at, v)	{ .reg = at, .size = 8, .direction = XENAPT_OP_WRITE, .value = v, .submitter = 1 }

static const struct scene scenes[] = {
	{ "fast write", FAST_LANE, WRITE(QUICK_AT(1), 7) },
	{ "fickle write", FAST_LANE, WRITE(FICKLE_AT(1), 6) },
	{ "declined write", FAST_LANE, WRITE(FICKLE_AT(1), 7) },
	{ "slow write", FAST_LANE, WRITE(LONG_AT(1), 7) },
	{ "slow write", SLOW_LANE, WRITE(LONG_AT(1), 7) },
	{ "declined write", SLOW_LANE, WRITE(FICKLE_AT(1), 7) },
	{ "fast command", FAST_LANE, { .reg = MIX, .direction = XENAPT_OP_WRITE, .value = 1 } },
	{ "slow command", SLOW_LANE, { .reg = DRAIN, .direction = XENAPT_OP_WRITE, .value = 1 } },
	{ "reset", FAST_LANE, { .reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE } },
};

/* Both lanes are up, the first device has the state, the scene's operation has reached its lane. */
static void set_scene(const struct scene *scene)
{
	static const struct xenapt_operation before = WRITE(QUICK_AT(1), 100);
	static const struct xenapt_operation long_before = WRITE(LONG_AT(1), 200);

	world(&sample, &sample_slow);
	both_up();
	CHECK(submit(&before) && submit(&long_before));
	drain();
	w.seen = 0;
	CHECK(submit(&scene->op));
	route_all();
	if (scene->lane == SLOW_LANE)
		turn(FAST_LANE, 32);
	CHECK_EQ(w.queued[scene->lane], 1);
}

static uint64_t steps_of(const struct scene *scene)
{
	set_scene(scene);
	steps_made = 0;
	turn(scene->lane, 32);
	return steps_made;
}

/* Whoever has the state afterwards has raised what is pending since the scene was set. */
static void end_scene(void)
{
	drain();
	same_state();
}

static void killed_here(const struct scene *scene, uint64_t k, bool other_takes_it)
{
	set_scene(scene);
	deadly_turn(scene->lane, 32, k);
	CHECK(!w.alive[scene->lane]);
	if (scene->lane == FAST_LANE && other_takes_it) {
		while (!idle())
			turn(SLOW_LANE, 32);
		same_state();
	}
	both_up();
	end_scene();
}

static void killed_at_each_step(void)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		uint64_t n = steps_of(&scenes[i]);

		all += n;
		for (uint64_t k = 1; k <= n; k++) {
			killed_here(&scenes[i], k, false);
			killed_here(&scenes[i], k, true);
		}
	}
	CHECK_CASE(all > 1000, all, 0);
}

static void stopped_at_each_step(void)
{
	for (unsigned int i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		uint64_t n = steps_of(&scenes[i]);

		for (uint64_t k = 1; k <= n; k++) {
			set_scene(&scenes[i]);
			late_turn(scenes[i].lane, 32, k);
			both_up();
			end_scene();
		}
	}
}

/* ---- one thing at a time ------------------------------------------------------------------------------ */

static uint32_t last_status;
static uint64_t last_value;

static void note(const struct entry *e, const struct xenapt_response *r)
{
	(void)e;
	last_status = r->status;
	last_value = r->value;
}

static void bare_world(void)
{
	world(&sample, &sample_slow);
	w.answer = note;
	both_up();
	turn(SLOW_LANE, 1);
	turn(FAST_LANE, 1);
	turn(SLOW_LANE, 1);
}

static void revocation(void)
{
	static const struct xenapt_operation slow_write = WRITE(LONG_AT(1), 7);
	static const struct xenapt_operation fast_write_2 = { .reg = QUICK_AT(2), .size = 8,
		.direction = XENAPT_OP_WRITE, .value = 9, .submitter = 2 };
	uint64_t since;

	bare_world();
	turn(FAST_LANE, 1);
	CHECK(w.lane[FAST_LANE].usable);
	submit(&slow_write);
	route_all();
	turn(FAST_LANE, 32);
	CHECK_EQ(w.lane[FAST_LANE].count.handed_over, 1);
	submit(&fast_write_2);
	route_all();
	since = w.time;
	turn(FAST_LANE, 32);
	CHECK_EQ(w.queued[FAST_LANE], 1);	/* held */
	while (w.queued[FAST_LANE]) {
		uint64_t due = xapt_operations_due(&w.lane[FAST_LANE], clock_of(FAST_LANE));

		CHECK(due > clock_of(FAST_LANE) && due <= clock_of(FAST_LANE) + 10 * MS);
		w.time += due - clock_of(FAST_LANE);
		turn(FAST_LANE, 32);
	}
	CHECK_EQ(last_status, XENAPT_OK);
	CHECK_CASE(w.time - since >= w.revoke_ns && w.time - since < w.revoke_ns + 10 * MS,
		   w.time - since, 0);
	CHECK_EQ(w.lane[FAST_LANE].count.revoked, 1);
	/* it comes back, finds that the state is not its own, and gets it again */
	turn(SLOW_LANE, 32);
	CHECK_EQ(w.declined[SLOW_LANE], 1);
	drain();
	CHECK_EQ(((const struct sample *)current()->state)->value[LONG][1], 7);
	CHECK_EQ(((const struct sample *)current()->state)->value[QUICK][2], 9);
}

/* Revoked again and again it gets longer each time, up to a bound; until it hands back. */
static void slow_one(void)
{
	static const struct xenapt_operation slow_write = WRITE(LONG_AT(1), 7);

	bare_world();
	turn(FAST_LANE, 1);
	for (unsigned int k = 0; k < 7; k++) {
		uint64_t wait = w.revoke_ns << (k < 4 ? k : 4);

		submit(&slow_write);
		route_all();
		turn(FAST_LANE, 32);
		turn(FAST_LANE, 32);
		CHECK_CASE(w.lane[FAST_LANE].waiting, k, 0);
		w.time += wait - MS;
		turn(FAST_LANE, 32);
		CHECK_CASE(w.lane[FAST_LANE].count.revoked == k, k, w.lane[FAST_LANE].count.revoked);
		w.time += MS;
		turn(FAST_LANE, 32);
		CHECK_CASE(w.lane[FAST_LANE].count.revoked == k + 1, k,
			   w.lane[FAST_LANE].count.revoked);
		/* It comes back late: declined, and ready for the next hand-over. */
		turn(SLOW_LANE, 32);
		route_all();
	}
	drain();
	turn(FAST_LANE, 32);
	CHECK_EQ(w.lane[FAST_LANE].doubled, 0);
}

/*
 * The second device has the state, and its turn has begun. It stands still for so long that the
 * first one takes the state, and executes what comes before the request that is next here.
 */
static struct xenapt_request overtaken(bool gives_back)
{
	static const struct xenapt_operation slow_write = WRITE(LONG_AT(1), 7);
	static const struct xenapt_operation first_write = WRITE(QUICK_AT(1), 100);

	bare_world();
	turn(FAST_LANE, 1);
	submit(&slow_write);
	route_all();
	turn(FAST_LANE, 32);
	turn(SLOW_LANE, 0);
	CHECK(w.lane[SLOW_LANE].usable);
	xapt_operations_begin(&w.lane[SLOW_LANE], clock_of(SLOW_LANE));
	turn(FAST_LANE, 1);
	w.time += w.revoke_ns;
	turn(FAST_LANE, 1);
	CHECK_EQ(w.lane[FAST_LANE].count.revoked, 1);
	xapt_operations_begin(&w.lane[FAST_LANE], clock_of(FAST_LANE));
	w.lane[FAST_LANE].dirty = true;
	w.lane[FAST_LANE].give = gives_back;
	((struct sample *)w.lane[FAST_LANE].record.slot.state)->value[QUICK][1] = 4;
	xapt_operations_end(&w.lane[FAST_LANE], true, clock_of(FAST_LANE), &(uint64_t){ 0 });
	return (struct xenapt_request){ .id = XENAPT_OP_ID | 77, .type = XENAPT_REQ_OPERATION,
					.u.operation = first_write };
}

static void read_too_late(void)
{
	struct xapt_operations *o = &w.lane[SLOW_LANE];
	struct xenapt_response r = { 0 };
	uint64_t raise;

	for (unsigned int back = 0; back < 2; back++) {
		struct xenapt_request q = overtaken(back);

		q.u.operation.direction = XENAPT_OP_READ;
		CHECK_EQ(xapt_operations_execute(o, &q, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
		CHECK(!xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise));
		CHECK_EQ(o->count.lost, 1);
	}
}

static const struct xenapt_operation read_alone = { .reg = ALONE_AT(1), .size = 8, .submitter = 5 };

/* ... but what touches no state was done: declined, it would be done twice. And so is its vector true. */
static void what_stands(void)
{
	struct xenapt_request q = overtaken(false), alone = q;
	struct xapt_operations *o = &w.lane[SLOW_LANE];
	struct xenapt_response r = { 0 };
	uint64_t raise;

	alone.u.operation = read_alone;
	q.u.operation.submitter = 6;
	CHECK_EQ(xapt_operations_execute(o, &alone, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
	CHECK(o->apart);
	CHECK_EQ(xapt_operations_execute(o, &q, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
	CHECK(!o->apart);
	CHECK(!xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise));
	CHECK_EQ(o->resumes >> 5 & 3, 2);	/* the second one only has to wait for RESUME */
	CHECK_EQ(raise, 1u << ALONE_VECTOR);
	xapt_operations_begin(o, clock_of(SLOW_LANE));
	xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise);
	CHECK_EQ(raise >> ALONE_VECTOR, 0);
}

/* Nor does RESET take it back. */
static void what_stands_over_reset(void)
{
	struct xenapt_request q = { .id = XENAPT_OP_ID | 99, .u.operation = read_alone };
	struct xapt_operations *o = &w.lane[SLOW_LANE];
	struct xenapt_response r = { 0 };
	uint64_t raise;

	bare_world();
	lane_down(FAST_LANE);
	take();
	xapt_operations_begin(o, clock_of(SLOW_LANE));
	CHECK_EQ(xapt_operations_execute(o, &q, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
	q.id++;
	q.u.operation = (struct xenapt_operation){ .reg = XENAPT_COMMAND_RESET,
						   .direction = XENAPT_OP_WRITE };
	CHECK_EQ(xapt_operations_execute(o, &q, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
	CHECK(xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise));
	CHECK_EQ(raise, 1u << ALONE_VECTOR);
}

/* ... and TAKE, behind an operation of the same turn, finds it at home again. */
static void went_and_came_back(void)
{
	struct xenapt_request q = overtaken(true);
	struct xapt_operations *o = &w.lane[SLOW_LANE];
	struct xenapt_response r = { 0 };
	uint64_t raise;

	CHECK_EQ(xapt_operations_execute(o, &q, NULL, &r, clock_of(SLOW_LANE)), XAPT_EXECUTED);
	CHECK(o->dirty);
	xapt_operations_take(o, clock_of(SLOW_LANE));
	CHECK(!xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise));
	xapt_operations_begin(o, clock_of(SLOW_LANE));
	CHECK(o->usable);
	CHECK_EQ(((struct sample *)o->record.slot.state)->value[QUICK][1], 4);
}

/* A second device that works is not robbed: each commit starts its time again. */
static void patience(void)
{
	static const struct xenapt_operation slow_write = WRITE(LONG_AT(1), 7);

	bare_world();
	turn(FAST_LANE, 1);
	submit(&slow_write);
	route_all();
	turn(FAST_LANE, 32);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t raise;

		xapt_record_want(&w.lane[FAST_LANE].record, false);
		xapt_operations_begin(&w.lane[SLOW_LANE], clock_of(SLOW_LANE));
		w.lane[SLOW_LANE].dirty = true;
		CHECK(xapt_operations_end(&w.lane[SLOW_LANE], false, clock_of(SLOW_LANE), &raise));
		turn(FAST_LANE, 1);
		w.time += w.revoke_ns - MS;
	}
	CHECK_EQ(w.lane[FAST_LANE].count.revoked, 0);
	drain();
}

static void refused_record(void)
{
	static const struct xenapt_operation read = { .reg = QUICK_AT(1), .size = 8, .submitter = 1 };
	static const struct xenapt_operation alone = { .reg = ALONE_AT(1), .size = 8, .submitter = 2 };
	static const struct xenapt_operation reset_op = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE, .submitter = 1 };
	uint64_t head;

	bare_world();
	head = shared.head;
	lane_down(FAST_LANE);
	shared.slot[XENAPT_HEAD_SLOT(head)].state[3] ^= 1;
	lane_up(FAST_LANE);
	for (unsigned int i = 0; i < 3; i++) {
		submit(&read);
		drain();
		CHECK_EQ(last_status, XENAPT_E_RECORD);
	}
	CHECK_EQ(XENAPT_HEAD_SLOT(shared.head), XENAPT_HEAD_SLOT(head));	/* left as it is */
	submit(&alone);
	drain();
	CHECK_EQ(last_status, XENAPT_OK);
	submit(&reset_op);
	drain();
	CHECK_EQ(last_status, XENAPT_OK);
	submit(&read);
	drain();
	CHECK_EQ(last_status, XENAPT_OK);
}

/* Impossible stamps, and a counter that ran over the end: after RESET both devices work again. */
static void reset_heals_time(void)
{
	static const struct xenapt_operation read = { .reg = QUICK_AT(1), .size = 8, .submitter = 1 };
	static const struct xenapt_operation long_write = WRITE(LONG_AT(1), 7);
	static const struct xenapt_operation reset_op = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE, .submitter = 1 };

	for (unsigned int i = 0; i < 6; i++) {
		bare_world();
		submit(&long_write);
		drain();
		shared.stamp[i % 2].now = (1ull << 62) - (i < 4 ? i / 2 : 100 * MS);
		for (unsigned int k = 0; k < 4; k++) {
			w.time += 200 * MS;
			submit(&long_write);
			drain();
		}
		CHECK_EQ(last_status, XENAPT_E_RECORD);
		submit(&reset_op);
		drain();
		for (unsigned int k = 0; k < 6; k++) {
			CHECK_EQ(last_status, XENAPT_OK);
			w.time += 200 * MS;
			submit(k % 2 ? &long_write : &read);
			drain();
		}
		CHECK_EQ(last_status, XENAPT_OK);
		CHECK(!(current()->now >> 61));
	}
}

static void slow_alone(const struct xenapt_operation *op)
{
	submit(op);
	route_all();
	turn(SLOW_LANE, 32);
}

/* What else is wrong is said before the range, and an operation behind a declined one waits. */
static void range_is_last(void)
{
	struct xenapt_operation op = { .reg = LONG_AT(1), .size = 8, .submitter = 1,
				       .handle = 99, .length = 8, .flags = XENAPT_OP_RESUME };
	struct xenapt_operation behind = WRITE(LONG_AT(1), 7);

	bare_world();
	lane_down(FAST_LANE);
	take();
	slow_alone(&op);
	CHECK_EQ(last_status, XENAPT_E_RANGE);
	op.reg += 4;
	slow_alone(&op);
	CHECK_EQ(last_status, XENAPT_E_STRADDLE);
	w.lane[SLOW_LANE].resumes = 2;
	op.reg -= 4;
	w.behind[SLOW_LANE][1] = true;
	slow_alone(&op);
	CHECK_EQ(last_status, XENAPT_E_RANGE);
	CHECK_EQ(w.lane[SLOW_LANE].resumes, 0);
	CHECK_EQ(w.declined[SLOW_LANE], 0);
	w.lane[SLOW_LANE].resumes = 2;
	op.reg = LONG_AT(1) + 4;
	w.behind[SLOW_LANE][1] = true;
	slow_alone(&op);
	CHECK_EQ(last_status, XENAPT_E_STRADDLE);
	slow_alone(&behind);
	CHECK_EQ(last_status, XENAPT_OK);
	CHECK_EQ(w.declined[SLOW_LANE], 0);
	w.lane[SLOW_LANE].resumes = 2;
	slow_alone(&op);
	CHECK_EQ(w.declined[SLOW_LANE], 1);
}

/* Executed, then sent again while its aperture is not mapped yet: the answer is known. */
static void range_of_before(void)
{
	struct xenapt_operation op = { .reg = LONG_AT(1), .size = 8, .direction = XENAPT_OP_WRITE,
				       .value = 7, .submitter = 1, .handle = 99, .length = 8 };
	struct xenapt_request q = { .id = XENAPT_OP_ID | 99, .u.operation = op };
	struct xapt_operations *o = &w.lane[SLOW_LANE];
	struct xenapt_response r = { 0 };
	uint64_t memory, raise;

	bare_world();
	lane_down(FAST_LANE);
	take();
	for (unsigned int i = 0; i < 3; i++) {
		if (i)
			lane_up(SLOW_LANE);
		xapt_operations_begin(o, clock_of(SLOW_LANE));
		CHECK_EQ(xapt_operations_execute(o, &q, i ? NULL : &memory, &r, clock_of(SLOW_LANE)),
			 XAPT_EXECUTED);
		CHECK(xapt_operations_end(o, false, clock_of(SLOW_LANE), &raise));
		CHECK_EQ(r.status, XENAPT_OK);
		CHECK_EQ(o->count.repeated, i > 0);
	}
	CHECK_EQ(((const struct sample *)current()->state)->value[LONG][1], 7);
}

/* ... and where it touches no state, or is RESET, there is none to be known. */
static void no_range_at_all(void)
{
	struct xenapt_operation alone = read_alone;
	struct xenapt_operation reset = { .reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE };

	bare_world();
	lane_down(FAST_LANE);
	take();
	alone.handle = reset.handle = 99;
	slow_alone(&alone);
	CHECK_EQ(last_status, XENAPT_E_RANGE);
	slow_alone(&reset);
	CHECK_EQ(last_status, XENAPT_E_RANGE);
}

static uint64_t counted(void)
{
	return ((const struct sample *)current()->state)->value[COUNTED][1];
}

/* What the model declines, and the slow half has no function for: a name, and nothing is executed. */
static void nobody_to_decline_to(void)
{
	static const struct xenaperture_functions none;
	static const struct xenapt_operation ops[] = {
		WRITE(FICKLE_AT(1), 7),
		{ .reg = FICKLE_AT(1), .size = 8, .direction = XENAPT_OP_SET, .value = 7 },
		{ .reg = COUNTED_AT(1), .size = 4, .direction = XENAPT_OP_WRITE, .value = 7 },
		{ .reg = MIX, .direction = XENAPT_OP_WRITE, .value = UNWELCOME },
		{ .reg = LONG_AT(1), .size = 8 },
	};

	bare_world();
	w.lane[SLOW_LANE].slow = &none;
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		last_status = XENAPT_OK;
		submit(&ops[i]);
		drain();
		CHECK_EQ(last_status, XENAPT_E_UNSUPPORTED);
	}
	CHECK_EQ(w.declined[FAST_LANE], sizeof(ops) / sizeof(ops[0]));
	CHECK_EQ(counted(), 0);
}

/* The device's own check, and another version of it, by name and number. */
static void refused_by_the_device(void)
{
	static const struct xenapt_operation read = { .reg = QUICK_AT(1), .size = 8 };
	struct xenapt_slot *s;

	for (unsigned int i = 0; i < 3; i++) {
		bare_world();
		lane_down(FAST_LANE);
		s = &shared.slot[XENAPT_HEAD_SLOT(shared.head)];
		if (i == 0)
			((struct sample *)s->state)->pending = 1ull << SUBMITTERS;
		else
			s->state_version = i == 1 ? 0 : 2;
		s->checksum = 0;
		s->checksum = xapt_record_checksum(s, s->length);
		lane_up(FAST_LANE);
		submit(&read);
		drain();
		CHECK_EQ(last_status, i == 0 ? XENAPT_E_RECORD : XENAPT_E_RECORD_VERSION);
		CHECK_EQ(last_value, i == 2 ? 2 : 0);
	}
}

/* A read that counts, and a write that declines or refuses, in one operation: both count, or none. */
static void no_half_operation(void)
{
	static const struct xenapt_operation ops[] = {
		{ .size = 4, .direction = XENAPT_OP_WRITE },
		{ .size = 8, .direction = XENAPT_OP_SET },
		{ .size = 8, .direction = XENAPT_OP_EXCHANGE },
	};

	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct xenapt_operation op = ops[i];

		bare_world();
		op.reg = COUNTED_AT(1);
		op.submitter = 1;
		op.value = 13;
		submit(&op);
		drain();
		CHECK_EQ(last_status, XENAPT_E_VALUE);
		CHECK_CASE(w.declined[FAST_LANE] == 1 && !counted(), i, counted());
		op.value = 7;
		submit(&op);
		drain();
		CHECK_EQ(last_status, XENAPT_OK);
		CHECK_CASE(w.declined[FAST_LANE] == 2 && counted() == 31 + 7, i, counted());
	}
}

/* An orderly end of the fast lane: the second device goes on without being asked to take it. */
static void leaving(void)
{
	static const struct xenapt_operation write = WRITE(QUICK_AT(1), 7);

	bare_world();
	submit(&write);
	drain();
	CHECK(w.lane[FAST_LANE].record.owner);
	w.seen = 0;
	xapt_operations_leave(&w.lane[FAST_LANE], clock_of(FAST_LANE));
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_SLOW);
	turn(FAST_LANE, 1);
	lane_down(FAST_LANE);
	turn(SLOW_LANE, 1);
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_SLOW);
	CHECK_EQ(w.seen, 2);
	submit(&write);
	route_all();
	turn(SLOW_LANE, 1);
	CHECK_EQ(last_status, XENAPT_OK);
}

/* After TAKE nothing goes back to a first device that is not there. */
static void taken_is_kept(void)
{
	bare_world();
	turn(FAST_LANE, 1);
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_FAST);
	lane_down(FAST_LANE);
	take();
	for (unsigned int i = 0; i < 5; i++)
		turn(SLOW_LANE, 1);
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_SLOW);
	lane_up(FAST_LANE);
	turn(FAST_LANE, 1);
	turn(SLOW_LANE, 1);
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_FAST);
}

/* ---- the timer, handed to and fro ----------------------------------------------------------------------- */

#define PERIOD	MS
#define FIRST	(5 * MS)

static struct {
	uint64_t counter, start;	/* last value read; time at which it was 0 */
	uint64_t ticks;			/* acknowledged */
	uint64_t expired;
	uint64_t reads;
} t;

const char *xenaperture_setting(const struct xenaperture *xa, const char *key)
{
	(void)xa;
	(void)key;
	return NULL;
}

void xenaperture_log(const struct xenaperture *xa, enum xenaperture_level level,
		     const char *format, ...)
{
	(void)xa;
	(void)level;
	(void)format;
}

static void timer_answer(const struct entry *e, const struct xenapt_response *r)
{
	const struct xenapt_operation *op = &e->q.u.operation;

	CHECK_EQ(r->status, XENAPT_OK);
	if (op->size && op->reg == XENAPERTURE_TIMER_COUNTER) {
		CHECK_CASE(r->value >= t.counter, r->value, t.counter);
		t.counter = r->value;
		t.reads++;
	} else if (op->size && op->reg == XENAPERTURE_TIMER_PENDING) {
		t.ticks += r->value & 1;
	} else if (op->size && op->reg == XENAPERTURE_TIMER_EXPIRED(0)) {
		t.expired = r->value;
	}
}

static void timer_op(uint64_t reg, unsigned int direction, uint64_t value)
{
	unsigned int size = reg >= XENAPERTURE_TIMER_CONTROL(0) && reg <= XENAPERTURE_TIMER_CONTROL(7) ? 4 : 8;
	struct xenapt_operation op = { .reg = reg, .size = (uint8_t)size,
				       .direction = (uint8_t)direction, .value = value };

	CHECK(submit(&op));
}

/* What the guest's interrupt handler does; one acknowledgement under way at a time. */
static void acknowledge(void)
{
	if (!(w.seen & 1) || !idle())
		return;
	w.seen = 0;
	timer_op(XENAPERTURE_TIMER_PENDING, XENAPT_OP_CLEAR, 1);
}

/* Both devices have their turns when an event or their due time calls them. */
static void let_time_pass(uint64_t ns)
{
	uint64_t end = w.time + ns;

	while (w.time < end) {
		uint64_t next = end - w.time;

		for (unsigned int lane = 0; lane < 2; lane++) {
			uint64_t due = w.alive[lane] ? xapt_operations_due(&w.lane[lane], clock_of(lane)) :
						       UINT64_MAX;

			if (due != UINT64_MAX && due - clock_of(lane) < next)
				next = due - clock_of(lane);
		}
		w.time += next;
		for (unsigned int lane = 0; lane < 2; lane++)
			if (w.alive[lane])
				turn(lane, 32);
		acknowledge();
		route_all();
		/* no tick that was not due by the clock of the one who started the counter */
		CHECK_CASE(t.ticks <= (w.time - t.start - FIRST) / PERIOD + 1, t.ticks, w.time);
		CHECK_CASE(w.time - t.start >= FIRST || !t.ticks, t.ticks, w.time);
	}
}

static void start_timer(void)
{
	world(&timer_model, &timer_slow);
	w.answer = timer_answer;
	memset(&t, 0, sizeof(t));
	lane_up(SLOW_LANE);
	t.start = w.time;
	turn(SLOW_LANE, 1);
	timer_op(XENAPERTURE_TIMER_DEADLINE(0), XENAPT_OP_WRITE, FIRST);
	timer_op(XENAPERTURE_TIMER_PERIOD(0), XENAPT_OP_WRITE, PERIOD);
	timer_op(XENAPERTURE_TIMER_CONTROL(0), XENAPT_OP_WRITE,
		 XENAPERTURE_TIMER_ARMED | XENAPERTURE_TIMER_PERIODIC);
	route_all();
	turn(SLOW_LANE, 32);
	CHECK(idle());
	lane_up(FAST_LANE);
}

/* All ticks of the grid were acknowledged, each once. */
static void all_ticks(void)
{
	for (unsigned int i = 0; i < 200; i++)
		let_time_pass(MS / 8);
	while (!idle())
		let_time_pass(1000);
	timer_op(XENAPERTURE_TIMER_EXPIRED(0), XENAPT_OP_READ, 0);
	timer_op(XENAPERTURE_TIMER_COUNTER, XENAPT_OP_READ, 0);
	route_all();
	while (!idle())
		turn(w.alive[FAST_LANE] ? FAST_LANE : SLOW_LANE, 32);
	CHECK_EQ(t.expired, (t.counter - FIRST) / PERIOD + 1);
	CHECK_CASE(t.ticks == t.expired || t.ticks + 1 == t.expired, t.ticks, t.expired);
}

static void thousand_hand_overs(void)
{
	uint64_t seed = 5, to = 0;

	start_timer();
	for (unsigned int i = 0; i < 1000; i++) {
		let_time_pass(1 + check_random(&seed) % (2 * MS));
		while (!idle())
			let_time_pass(1000);
		timer_op(XENAPERTURE_TIMER_COUNTER, XENAPT_OP_READ, 0);
		timer_op(XENAPERTURE_TIMER_LABEL, XENAPT_OP_WRITE, i);
		timer_op(XENAPERTURE_TIMER_COUNTER, XENAPT_OP_READ, 0);
		route_all();
	}
	to = w.lane[FAST_LANE].count.handed_over;
	all_ticks();
	CHECK_CASE(to >= 999, to, 0);
	CHECK_EQ(w.lane[FAST_LANE].count.revoked, 0);
	CHECK_EQ(t.reads, 2001);
	/* nothing of the counter was left behind on the way: the lanes' clocks are equally fast */
	CHECK_CASE(w.time - t.start - t.counter < 2 * MS, w.time - t.start, t.counter);
}

/* The same while devices die and stop. */
static void hand_overs_and_kills(void)
{
	uint64_t seed = 6;

	start_timer();
	for (unsigned int i = 0; i < 2500; i++) {
		unsigned int lane = check_random(&seed) % 2;
		uint64_t k = 1 + check_random(&seed) % 200;

		let_time_pass(1 + check_random(&seed) % MS);
		if (idle()) {
			timer_op(XENAPERTURE_TIMER_COUNTER, XENAPT_OP_READ, 0);
			timer_op(XENAPERTURE_TIMER_LABEL, XENAPT_OP_WRITE, i);
			route_all();
		}
		if (!w.alive[lane])
			come_or_go(lane);
		else if (check_random(&seed) % 3 == 0)
			deadly_turn(lane, 32, k);
		else if (check_random(&seed) % 3 == 0)
			late_turn(lane, 32, k);
	}
	both_up();
	all_ticks();
	CHECK_CASE(w.kills > 100, w.kills, 0);
	CHECK_CASE(w.lost_turns > 5, w.lost_turns, 0);
}

/* Reads show the counter without a commit; whoever comes next starts above, and goes on from there. */
static void counter_after_a_kill(void)
{
	static const struct xenapt_operation read = { .reg = XENAPERTURE_TIMER_COUNTER, .size = 8 };

	for (unsigned int both = 0; both < 2; both++) {
		start_timer();
		timer_op(XENAPERTURE_TIMER_CONTROL(0), XENAPT_OP_WRITE, 0);
		route_all();
		drain();
		w.time += 100 * MS;
		CHECK(submit(&read));
		drain();
		CHECK_EQ(w.lane[FAST_LANE].record.owner, 1);
		CHECK_CASE(t.counter >= 100 * MS, t.counter, 0);
		lane_down(FAST_LANE);
		if (both)
			lane_down(SLOW_LANE);
		w.time += 3 * MS;
		if (both)
			lane_up(SLOW_LANE);
		take();
		CHECK(submit(&read));
		route_all();
		turn(SLOW_LANE, 32);
		CHECK_CASE(t.counter >= 100 * MS && w.time - t.start - t.counter < 4 * MS,
			   w.time - t.start, t.counter);
	}
}

static CU_TestInfo tests[] = {
	{ "10^5 operations on two lanes", random_order },
	{ "10^5 operations, lanes come and go", random_kills },
	{ "killed at each step", killed_at_each_step },
	{ "stopped at each step", stopped_at_each_step },
	{ "revocation", revocation },
	{ "patience with a slow device", slow_one },
	{ "a read too late", read_too_late },
	{ "what stands", what_stands },
	{ "what stands over a reset", what_stands_over_reset },
	{ "went and came back", went_and_came_back },
	{ "patience", patience },
	{ "a refused record", refused_record },
	{ "reset heals time", reset_heals_time },
	{ "range is last", range_is_last },
	{ "a range of before", range_of_before },
	{ "no range at all", no_range_at_all },
	{ "nobody to decline to", nobody_to_decline_to },
	{ "refused by the device, by version", refused_by_the_device },
	{ "no half operation", no_half_operation },
	{ "leaving", leaving },
	{ "what was taken is kept", taken_is_kept },
	{ "the counter after a kill", counter_after_a_kill },
	{ "1000 hand-overs of a timer", thousand_hand_overs },
	{ "hand-overs of a timer, and kills", hand_overs_and_kills },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
