// SPDX-License-Identifier: GPL-2.0-only
/*
 * timer - the model: all that the first device does, and the second one as well.
 *
 * Ticks are never counted one by one. settle() brings a comparator up to a moment by
 * arithmetic, before anything looks at it or changes it; so it does not matter when
 * expire is called, and a comparator that waits for its acknowledgement need not be woken.
 */
#include "timer.h"

#define ALL_COMPARATORS	(((uint64_t)1 << XENAPERTURE_TIMER_NUMBER) - 1)
#define CONTROL_BITS	(XENAPERTURE_TIMER_ARMED | XENAPERTURE_TIMER_PERIODIC | XENAPERTURE_TIMER_POLICY)

/* A comparator taken out of the state, with its pending bit. */
struct work {
	struct timer_comparator c;
	bool pending;
	bool raise;
};

static struct work take(const struct timer_state *s, uint32_t n)
{
	return (struct work){ .c = s->comparator[n], .pending = s->pending >> n & 1 };
}

static void put(struct xenaperture_run *run, uint32_t n, const struct work *w)
{
	struct timer_state *s = run->state;

	s->comparator[n] = w->c;
	s->pending &= ~((uint64_t)1 << n);
	s->pending |= (uint64_t)w->pending << n;
	if (w->raise)
		xenaperture_raise(run, n);
}

static void deliver(struct work *w)
{
	w->c.delivered++;
	w->pending = true;
	w->raise = true;
}

/* Take off what is due at now: how many ticks. */
static uint64_t advance(struct timer_comparator *c, uint64_t now)
{
	uint64_t ticks, step;

	if (!(c->control & XENAPERTURE_TIMER_ARMED) || c->deadline > now)
		return 0;
	if (!(c->control & XENAPERTURE_TIMER_PERIODIC)) {
		c->control &= ~XENAPERTURE_TIMER_ARMED;
		return 1;
	}
	/* step is at most period above now - deadline: it may leave 64 bits, ticks cannot */
	ticks = (now - c->deadline) / c->period + 1;
	if (__builtin_mul_overflow(ticks, c->period, &step) ||
	    __builtin_add_overflow(c->deadline, step, &c->deadline))
		c->control &= ~XENAPERTURE_TIMER_ARMED;	/* the counter's end: none follows */
	return ticks;
}

static void settle(struct work *w, uint64_t now)
{
	uint64_t ticks = advance(&w->c, now);

	if (!ticks)
		return;
	w->c.expired += ticks;
	if (!w->pending) {
		deliver(w);
		ticks--;
	}
	if ((w->c.control & XENAPERTURE_TIMER_POLICY) == XENAPERTURE_TIMER_SKIP)
		w->c.skipped += ticks;
	else
		w->c.backlog += ticks;
}

static void acknowledge(struct work *w)
{
	uint64_t backlog = w->c.backlog;

	w->pending = false;
	if (!backlog)
		return;
	switch (w->c.control & XENAPERTURE_TIMER_POLICY) {
	case XENAPERTURE_TIMER_DELIVER_ALL:
		w->c.backlog = backlog - 1;
		deliver(w);
		break;
	case XENAPERTURE_TIMER_MERGE:
		w->c.merged += backlog - 1;
		w->c.backlog = 0;
		deliver(w);
		break;
	default:
		w->c.skipped += backlog;
		w->c.backlog = 0;
	}
}

/* ---- registers ---------------------------------------------------------------- */

static uint64_t pending_at(const struct timer_state *s, uint64_t now)
{
	uint64_t pending = 0;

	for (uint32_t n = 0; n < XENAPERTURE_TIMER_NUMBER; n++) {
		struct work w = take(s, n);

		settle(&w, now);
		pending |= (uint64_t)w.pending << n;
	}
	return pending;
}

static uint32_t read_comparator(const struct xenaperture_run *run, uint32_t id, uint32_t n,
				uint64_t *value)
{
	struct work w = take(run->state, n);

	settle(&w, run->now);
	switch (id) {
	case TIMER_DEADLINE:
		*value = w.c.deadline;
		return XENAPT_OK;
	case TIMER_PERIOD:
		*value = w.c.period;
		return XENAPT_OK;
	case TIMER_CONTROL:
		*value = w.c.control;
		return XENAPT_OK;
	case TIMER_EXPIRED:
		*value = w.c.expired;
		return XENAPT_OK;
	case TIMER_DELIVERED:
		*value = w.c.delivered;
		return XENAPT_OK;
	case TIMER_MERGED:
		*value = w.c.merged;
		return XENAPT_OK;
	case TIMER_SKIPPED:
		*value = w.c.skipped;
		return XENAPT_OK;
	case TIMER_BACKLOG:
		*value = w.c.backlog;
		return XENAPT_OK;
	}
	return XENAPT_E_DECLINED;
}

static uint32_t timer_read(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t *value)
{
	const struct timer_state *s = run->state;

	switch (id) {
	case TIMER_COUNTER:
		*value = run->now;
		return XENAPT_OK;
	case TIMER_DATE:
		*value = run->now + s->date_offset;
		return s->synced ? XENAPT_OK : XENAPT_E_DECLINED;
	case TIMER_PENDING:
		*value = pending_at(s, run->now);
		return XENAPT_OK;
	case TIMER_COMPARATORS:
		*value = XENAPERTURE_TIMER_NUMBER;
		return XENAPT_OK;
	}
	return read_comparator(run, id, n, value);
}

static uint32_t set_pending(struct xenaperture_run *run, uint64_t value)
{
	uint64_t pending = pending_at(run->state, run->now);

	if (value & ~pending)
		return XENAPT_E_VALUE;
	for (uint32_t n = 0; n < XENAPERTURE_TIMER_NUMBER; n++) {
		struct work w = take(run->state, n);

		settle(&w, run->now);
		if (pending & ~value & (uint64_t)1 << n)
			acknowledge(&w);
		put(run, n, &w);
	}
	return XENAPT_OK;
}

static bool sound_control(uint32_t control, uint64_t period)
{
	const uint32_t both = XENAPERTURE_TIMER_ARMED | XENAPERTURE_TIMER_PERIODIC;

	if (control & ~CONTROL_BITS || (control & XENAPERTURE_TIMER_POLICY) > XENAPERTURE_TIMER_SKIP)
		return false;
	return (control & both) != both || period;
}

static bool sound_period(uint64_t period)
{
	return !period || (period >= XENAPERTURE_TIMER_PERIOD_LEAST &&
			   period <= XENAPERTURE_TIMER_PERIOD_MOST);
}

/* Ticks that were due belong to the deadline, period and control before the change. */
static uint32_t change(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	struct work w = take(run->state, n);

	settle(&w, run->now);
	if (id == TIMER_DEADLINE)
		w.c.deadline = value;
	else if (id == TIMER_PERIOD)
		w.c.period = value;
	else
		w.c.control = (uint32_t)value;
	if (!sound_control(w.c.control, w.c.period) || !sound_period(w.c.period))
		return XENAPT_E_VALUE;
	settle(&w, run->now);
	put(run, n, &w);
	return XENAPT_OK;
}

uint32_t timer_set_period(struct xenaperture_run *run, uint32_t n, uint64_t period, uint64_t least)
{
	if (period && period < least)
		return XENAPT_E_VALUE;
	return change(run, TIMER_PERIOD, n, period);
}

static uint32_t timer_write(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	switch (id) {
	case TIMER_PENDING:
		return set_pending(run, value);
	case TIMER_ACKNOWLEDGE:
		return set_pending(run, pending_at(run->state, run->now) & ~value);
	case TIMER_PERIOD:
		if (value && value < XENAPERTURE_TIMER_PERIOD_FAST)
			return XENAPT_E_DECLINED;
		return timer_set_period(run, n, value, XENAPERTURE_TIMER_PERIOD_FAST);
	case TIMER_DEADLINE:
	case TIMER_CONTROL:
		return change(run, id, n, value);
	}
	return XENAPT_E_DECLINED;
}

static uint32_t timer_command(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			      uint64_t *result)
{
	struct timer_state *s = run->state;
	uint32_t n = argument & 0xff;
	struct work w;

	if (number != XENAPERTURE_TIMER_ARM_AFTER)
		return XENAPT_E_DECLINED;
	if (n >= XENAPERTURE_TIMER_NUMBER || __builtin_add_overflow(run->now, argument >> 8, result))
		return XENAPT_E_VALUE;
	w = take(s, n);
	settle(&w, run->now);
	w.c.deadline = *result;
	w.c.control |= XENAPERTURE_TIMER_ARMED;
	if (!sound_control(w.c.control, w.c.period))
		return XENAPT_E_VALUE;
	settle(&w, run->now);
	put(run, n, &w);
	return XENAPT_OK;
}

/* ---- time and state ------------------------------------------------------------- */

/* A comparator that is pending needs nobody: its acknowledgement settles it. */
static uint64_t timer_due(const void *state)
{
	const struct timer_state *s = state;
	uint64_t due = UINT64_MAX;

	for (uint32_t n = 0; n < XENAPERTURE_TIMER_NUMBER; n++) {
		const struct timer_comparator *c = &s->comparator[n];

		if (c->control & XENAPERTURE_TIMER_ARMED && !(s->pending >> n & 1) && c->deadline < due)
			due = c->deadline;
	}
	return due;
}

static void timer_expire(struct xenaperture_run *run)
{
	for (uint32_t n = 0; n < XENAPERTURE_TIMER_NUMBER; n++) {
		struct work w = take(run->state, n);

		settle(&w, run->now);
		put(run, n, &w);
	}
}

static uint64_t timer_pending(const void *state)
{
	return ((const struct timer_state *)state)->pending;
}

static bool sound_comparator(const struct timer_comparator *c, bool pending)
{
	if (c->zero || !sound_control(c->control, c->period) || !sound_period(c->period))
		return false;
	if (c->backlog && !pending)
		return false;
	return c->expired == c->delivered + c->merged + c->skipped + c->backlog;
}

static int timer_check(const void *state)
{
	const struct timer_state *s = state;

	if (s->pending & ~ALL_COMPARATORS || s->synced > 1 || s->zero)
		return -1;
	for (uint32_t n = 0; n < XENAPERTURE_TIMER_NUMBER; n++)
		if (!sound_comparator(&s->comparator[n], s->pending >> n & 1))
			return -1;
	return 0;
}

/* Everything starts as 0: not armed. */
static void timer_reset(struct xenaperture_run *run)
{
	(void)run;
}

/* ---- table ---------------------------------------------------------------------- */

#define R	XENAPERTURE_READ
#define RW	(XENAPERTURE_READ | XENAPERTURE_WRITE)
#define F	XENAPERTURE_FAST
#define ANY	XENAPERTURE_ANY_SIZE
#define S48	(XENAPERTURE_SIZE4 | XENAPERTURE_SIZE8)
#define S8	XENAPERTURE_SIZE8
#define ONE(name, w, s, f) \
	{ .offset = XENAPERTURE_TIMER_##name, .width = w, .sizes = s, .flags = f, .id = TIMER_##name }
#define ROW(name, w, s, f) \
	{ .offset = XENAPERTURE_TIMER_##name(0), .width = w, .sizes = s, .flags = f, \
	  .id = TIMER_##name, .count = XENAPERTURE_TIMER_NUMBER, .stride = w }

static const struct xenaperture_register timer_registers[] = {
	ONE(COUNTER, 8, S48, R | F),
	ONE(DATE, 8, S48, R | F),
	ONE(PENDING, 8, ANY, RW | F),
	ONE(COMPARATORS, 4, ANY & ~S8, R | F),
	ONE(ACKNOWLEDGE, 8, ANY, XENAPERTURE_WRITE | F),
	ONE(WALL, 8, S48, R | XENAPERTURE_INDEPENDENT),
	ONE(PERIOD_MIN, 8, S48, R | XENAPERTURE_INDEPENDENT),
	ONE(LABEL, 8, ANY, RW),
	ROW(DEADLINE, 8, S48, RW | F),
	ROW(PERIOD, 8, S48, RW | F),
	ROW(CONTROL, 4, ANY & ~S8, RW | F),
	ROW(EXPIRED, 8, S48, R | F),
	ROW(DELIVERED, 8, S48, R | F),
	ROW(MERGED, 8, S48, R | F),
	ROW(SKIPPED, 8, S48, R | F),
	ROW(BACKLOG, 8, S48, R | F),
};

static const struct xenaperture_command timer_commands[] = {
	{ XENAPERTURE_TIMER_ARM_AFTER, XENAPERTURE_FAST },
	{ XENAPERTURE_TIMER_SYNC, 0 },
};

const struct xenaperture_model timer_model = {
	.size = sizeof(timer_model),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = XENAPERTURE_TIMER_TYPE,
	.registers = timer_registers,
	.nr_registers = sizeof(timer_registers) / sizeof(timer_registers[0]),
	.commands = timer_commands,
	.nr_commands = sizeof(timer_commands) / sizeof(timer_commands[0]),
	.vectors = XENAPERTURE_TIMER_NUMBER,
	.state_version = TIMER_STATE_VERSION,
	.state_size = sizeof(struct timer_state),
	.fast = { .read = timer_read, .write = timer_write, .command = timer_command },
	.reset = timer_reset,
	.check = timer_check,
	.due = timer_due,
	.expire = timer_expire,
	.pending = timer_pending,
};

XENAPERTURE_FAST_DEVICE(timer_model);
