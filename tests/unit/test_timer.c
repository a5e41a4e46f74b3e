/* SPDX-License-Identifier: GPL-2.0-only */
/* The timer's model without a framework around it, against a timer that counts tick by tick. */
#include <errno.h>
#include <string.h>

#include <xenaperture.h>

#include "../../backend/devices/timer/timer.h"
#include "check.h"
#include "model.h"

#define N	XENAPERTURE_TIMER_NUMBER
#define ARMED	XENAPERTURE_TIMER_ARMED
#define PERIODIC XENAPERTURE_TIMER_PERIODIC
#define MS	1000000u

static struct timer_state state;
static struct xenaperture_run run;
static uint64_t raised;		/* by the last call */

static void start(void)
{
	memset(&state, 0, sizeof(state));
	run = (struct xenaperture_run){ .now = 1000, .state = &state };
	timer_model.reset(&run);
	CHECK_EQ(timer_model.check(&state), 0);
	CHECK_EQ(timer_model.due(&state), UINT64_MAX);
}

static uint32_t done(uint32_t status)
{
	raised = run.raised;
	run.raised = 0;
	return status;
}

static uint64_t get(uint32_t id, uint32_t n)
{
	struct timer_state before = state;
	uint64_t value = ~0ull;

	CHECK_EQ(timer_model.fast.read(&run, id, n, &value), XENAPT_OK);
	CHECK(!memcmp(&before, &state, sizeof(state)) && !run.raised);
	return value;
}

static uint32_t set(uint32_t id, uint32_t n, uint64_t value)
{
	struct timer_state before = state;
	uint32_t status = timer_model.fast.write(&run, id, n, value);

	if (status != XENAPT_OK) {
		CHECK(!memcmp(&before, &state, sizeof(state)));
		CHECK_EQ(run.raised, 0);
	}
	CHECK_EQ(timer_model.check(&state), 0);
	return done(status);
}

static void expire(void)
{
	uint64_t due = timer_model.due(&state);

	if (due > run.now)
		return;
	timer_model.expire(&run);
	CHECK(timer_model.due(&state) > run.now);
	CHECK_EQ(timer_model.check(&state), 0);
	done(0);
}

static void acknowledge(uint32_t n)
{
	CHECK_EQ(set(TIMER_PENDING, 0, get(TIMER_PENDING, 0) & ~(1ull << n)), XENAPT_OK);
}

static void arm(uint32_t n, uint64_t deadline, uint64_t period, uint32_t policy)
{
	CHECK_EQ(set(TIMER_DEADLINE, n, deadline), XENAPT_OK);
	CHECK_EQ(set(TIMER_PERIOD, n, period), XENAPT_OK);
	CHECK_EQ(set(TIMER_CONTROL, n, ARMED | (period ? PERIODIC : 0) | policy), XENAPT_OK);
}

static void counts(uint32_t n, uint64_t expired, uint64_t delivered, uint64_t merged,
		   uint64_t skipped, uint64_t backlog)
{
	CHECK_EQ(get(TIMER_EXPIRED, n), expired);
	CHECK_EQ(get(TIMER_DELIVERED, n), delivered);
	CHECK_EQ(get(TIMER_MERGED, n), merged);
	CHECK_EQ(get(TIMER_SKIPPED, n), skipped);
	CHECK_EQ(get(TIMER_BACKLOG, n), backlog);
}

static void the_table(void)
{
	struct xapt_decoded d;
	struct xenapt_operation op = { .size = 8 };

	CHECK(xapt_model_wrong(&timer_model, &timer_slow) == NULL);
	CHECK(xapt_model_wrong(&timer_model, &timer_model.fast) == NULL);
	for (uint32_t n = 0; n < N; n++) {
		op.reg = XENAPERTURE_TIMER_DEADLINE(n);
		CHECK_EQ(xapt_model_decode(&timer_model, &op, &d), XENAPT_OK);
		CHECK_EQ(d.id, TIMER_DEADLINE);
		CHECK_EQ(d.index, n);
		op.reg = XENAPERTURE_TIMER_BACKLOG(n);
		CHECK_EQ(xapt_model_decode(&timer_model, &op, &d), XENAPT_OK);
		CHECK_EQ(d.id, TIMER_BACKLOG);
		CHECK_EQ(d.index, n);
	}
	op.reg = XENAPERTURE_TIMER_BACKLOG(N);
	CHECK_EQ(xapt_model_decode(&timer_model, &op, &d), XENAPT_E_REGISTER);
	CHECK_EQ(xapt_model_independent(&timer_model, (struct xenapt_span[4]){ 0 }, 4), 2);
}

static void one_shot(void)
{
	start();
	arm(3, 5000, 0, 0);
	CHECK_EQ(timer_model.due(&state), 5000);
	run.now = 4999;
	expire();
	CHECK_EQ(get(TIMER_PENDING, 0), 0);
	run.now = 5000;
	CHECK_EQ(get(TIMER_PENDING, 0), 8);	/* whoever looks sees it, expire or not */
	raised = 0;
	expire();
	CHECK_EQ(raised, 8);
	CHECK_EQ(get(TIMER_CONTROL, 3), 0);
	CHECK_EQ(timer_model.pending(&state), 8);
	counts(3, 1, 1, 0, 0, 0);
	acknowledge(3);
	CHECK_EQ(raised, 0);
	run.now = ~0ull >> 1;
	expire();
	counts(3, 1, 1, 0, 0, 0);
	CHECK_EQ(get(TIMER_PENDING, 0), 0);
}

/* A deadline in the past: the tick comes with the very write. */
static void past_deadline(void)
{
	start();
	run.now = 50 * MS;
	CHECK_EQ(set(TIMER_DEADLINE, 0, 7), XENAPT_OK);
	CHECK_EQ(set(TIMER_CONTROL, 0, ARMED), XENAPT_OK);
	CHECK_EQ(raised, 1);
	counts(0, 1, 1, 0, 0, 0);
	arm(1, 40 * MS, MS, XENAPERTURE_TIMER_SKIP);
	counts(1, 11, 1, 0, 10, 0);
	CHECK_EQ(get(TIMER_DEADLINE, 1), 51 * MS);
}

static void missed(uint32_t policy)
{
	start();
	arm(0, 10 * MS, MS, policy);
	run.now = 14 * MS + MS - 1;	/* 10, 11, 12, 13, 14 */
	expire();
	CHECK_EQ(raised, 1);
	CHECK_EQ(get(TIMER_DEADLINE, 0), 15 * MS);
	CHECK_EQ(timer_model.due(&state), UINT64_MAX);
}

static void deliver_all(void)
{
	missed(XENAPERTURE_TIMER_DELIVER_ALL);
	counts(0, 5, 1, 0, 0, 4);
	for (unsigned int i = 1; i <= 4; i++) {
		acknowledge(0);
		CHECK_EQ(raised, 1);
		counts(0, 5, 1 + i, 0, 0, 4 - i);
	}
	acknowledge(0);
	CHECK_EQ(raised, 0);
	CHECK_EQ(timer_model.due(&state), 15 * MS);
}

static void merge(void)
{
	missed(XENAPERTURE_TIMER_MERGE);
	counts(0, 5, 1, 0, 0, 4);
	acknowledge(0);
	CHECK_EQ(raised, 1);
	counts(0, 5, 2, 3, 0, 0);
	acknowledge(0);
	CHECK_EQ(raised, 0);
	CHECK_EQ(get(TIMER_PENDING, 0), 0);
	counts(0, 5, 2, 3, 0, 0);
}

static void skip(void)
{
	missed(XENAPERTURE_TIMER_SKIP);
	counts(0, 5, 1, 0, 4, 0);
	acknowledge(0);
	CHECK_EQ(raised, 0);
	CHECK_EQ(timer_model.due(&state), 15 * MS);
	run.now = 15 * MS;
	expire();
	CHECK_EQ(raised, 1);
	counts(0, 6, 2, 0, 4, 0);
}

/* A backlog that was made under one policy is decided by the one at the acknowledgement. */
static void change_of_policy(void)
{
	missed(XENAPERTURE_TIMER_DELIVER_ALL);
	CHECK_EQ(set(TIMER_CONTROL, 0, XENAPERTURE_TIMER_SKIP), XENAPT_OK);
	counts(0, 5, 1, 0, 0, 4);
	acknowledge(0);
	counts(0, 5, 1, 0, 4, 0);
	CHECK_EQ(get(TIMER_PENDING, 0), 0);
}

/* Ticks that were due before a change happened before it. */
static void due_before_a_change(void)
{
	start();
	arm(0, 10 * MS, MS, 0);
	run.now = 12 * MS;
	CHECK_EQ(set(TIMER_CONTROL, 0, 0), XENAPT_OK);
	CHECK_EQ(raised, 1);
	counts(0, 3, 1, 0, 0, 2);
	start();
	arm(0, 10 * MS, MS, 0);
	run.now = 12 * MS;
	CHECK_EQ(set(TIMER_PERIOD, 0, 5 * MS), XENAPT_OK);
	counts(0, 3, 1, 0, 0, 2);
	CHECK_EQ(get(TIMER_DEADLINE, 0), 13 * MS);
	run.now = 18 * MS;
	counts(0, 5, 1, 0, 0, 4);
}

static void several_at_once(void)
{
	start();
	for (uint32_t n = 0; n < N; n++)
		arm(n, 5000, 0, 0);
	run.now = 5000;
	expire();
	CHECK_EQ(raised, 0xff);
	CHECK_EQ(set(TIMER_PENDING, 0, 0xf0), XENAPT_OK);
	CHECK_EQ(timer_model.pending(&state), 0xf0);
	CHECK_EQ(set(TIMER_PENDING, 0, 0xf1), XENAPT_E_VALUE);
	CHECK_EQ(set(TIMER_PENDING, 0, 1ull << 8), XENAPT_E_VALUE);
}

static void refused_values(void)
{
	start();
	CHECK_EQ(set(TIMER_CONTROL, 0, ARMED | PERIODIC), XENAPT_E_VALUE);
	CHECK_EQ(set(TIMER_CONTROL, 0, XENAPERTURE_TIMER_POLICY), XENAPT_E_VALUE);
	CHECK_EQ(set(TIMER_CONTROL, 0, 1u << 4), XENAPT_E_VALUE);
	CHECK_EQ(set(TIMER_PERIOD, 0, XENAPERTURE_TIMER_PERIOD_MOST + 1), XENAPT_E_VALUE);
	CHECK_EQ(set(TIMER_PERIOD, 0, XENAPERTURE_TIMER_PERIOD_MOST), XENAPT_OK);
	CHECK_EQ(set(TIMER_CONTROL, 0, ARMED | PERIODIC), XENAPT_OK);
	CHECK_EQ(set(TIMER_PERIOD, 0, 0), XENAPT_E_VALUE);
}

static uint32_t command(uint32_t number, uint64_t argument, uint64_t *result)
{
	return done(timer_model.fast.command(&run, number, argument, result));
}

static void arm_after(void)
{
	uint64_t at = 0;

	start();
	CHECK_EQ(command(XENAPERTURE_TIMER_ARM_AFTER, XENAPERTURE_TIMER_AFTER(2, 500), &at), XENAPT_OK);
	CHECK_EQ(at, 1500);
	CHECK_EQ(timer_model.due(&state), 1500);
	CHECK_EQ(command(XENAPERTURE_TIMER_ARM_AFTER, N, &at), XENAPT_E_VALUE);
	CHECK_EQ(command(XENAPERTURE_TIMER_ARM_AFTER, XENAPERTURE_TIMER_AFTER(1, 0), &at), XENAPT_OK);
	CHECK_EQ(raised, 2);
	CHECK_EQ(command(XENAPERTURE_TIMER_SYNC, 0, &at), XENAPT_E_DECLINED);
	run.now = ~0ull - 5;
	CHECK_EQ(command(XENAPERTURE_TIMER_ARM_AFTER, XENAPERTURE_TIMER_AFTER(2, 6), &at),
		 XENAPT_E_VALUE);
}

/* ---- what the second device adds -------------------------------------------------- */

static const char *setting;
static unsigned int logged;

const char *xenaperture_setting(const struct xenaperture *xa, const char *key)
{
	(void)xa;
	CHECK_STR(key, "min-period");
	return setting;
}

void xenaperture_log(const struct xenaperture *xa, enum xenaperture_level level,
		     const char *format, ...)
{
	(void)xa;
	(void)level;
	(void)format;
	logged++;
}

static void short_periods(void)
{
	struct timer_device d = { .period_min = 20000 };

	start();
	run.device = &d;
	CHECK_EQ(set(TIMER_PERIOD, 0, XENAPERTURE_TIMER_PERIOD_FAST), XENAPT_OK);
	CHECK_EQ(set(TIMER_PERIOD, 0, XENAPERTURE_TIMER_PERIOD_FAST - 1), XENAPT_E_DECLINED);
	CHECK_EQ(set(TIMER_PERIOD, 0, 1), XENAPT_E_DECLINED);
	CHECK_EQ(timer_slow.write(&run, TIMER_PERIOD, 0, 19999), XENAPT_E_VALUE);
	CHECK_EQ(timer_slow.write(&run, TIMER_PERIOD, 0, 20000), XENAPT_OK);
	CHECK_EQ(get(TIMER_PERIOD, 0), 20000);
	d.period_min = 0;	/* whatever is set: the least is the least */
	CHECK_EQ(timer_slow.write(&run, TIMER_PERIOD, 0, XENAPERTURE_TIMER_PERIOD_LEAST - 1),
		 XENAPT_E_VALUE);
	run.device = NULL;
}

static void date(void)
{
	uint64_t value, result = 0;

	start();
	CHECK_EQ(timer_model.fast.read(&run, TIMER_DATE, 0, &value), XENAPT_E_DECLINED);
	CHECK_EQ(timer_slow.read(&run, TIMER_DATE, 0, &value), XENAPT_OK);
	CHECK_EQ(timer_slow.command(&run, XENAPERTURE_TIMER_SYNC, 0, &result), XENAPT_OK);
	CHECK(result >= value && result > 1000000000ull * MS);
	CHECK_EQ(get(TIMER_DATE, 0), result);
	run.now += 77;
	CHECK_EQ(get(TIMER_DATE, 0), result + 77);
}

static void label(void)
{
	uint64_t value;

	start();
	CHECK_EQ(timer_slow.write(&run, TIMER_LABEL, 0, 0x6c6562616cu), XENAPT_OK);
	CHECK_EQ(timer_slow.read(&run, TIMER_LABEL, 0, &value), XENAPT_OK);
	CHECK_EQ(value, 0x6c6562616cu);
	CHECK_EQ(timer_model.fast.read(&run, TIMER_LABEL, 0, &value), XENAPT_E_DECLINED);
}

static void settings(void)
{
	static const char *const bad[] = { "", "9999", "100001", "20000 ", "-20000", "x",
					   "99999999999999999999999" };
	struct timer_device *d;

	setting = NULL;
	d = xenaperture_device.create(NULL, NULL);
	CHECK_EQ(d->period_min, XENAPERTURE_TIMER_PERIOD_LEAST);
	xenaperture_device.destroy(d);
	setting = "100000";
	d = xenaperture_device.create(NULL, NULL);
	CHECK_EQ(d->period_min, 100000);
	xenaperture_device.destroy(d);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setting = bad[i];
		logged = 0;
		CHECK_CASE(!xenaperture_device.create(NULL, NULL) && logged == 1, i, logged);
	}
}

/* ---- hostile state ------------------------------------------------------------------ */

static void refused_states(void)
{
	const struct timer_comparator good = { .period = MS, .control = ARMED | PERIODIC };

	start();
#define REFUSED(field, value) do {						\
		memset(&state, 0, sizeof(state));				\
		state.comparator[5] = good;					\
		CHECK_EQ(timer_model.check(&state), 0);				\
		state.field = (value);						\
		CHECK_CASE(timer_model.check(&state), value, __LINE__);		\
	} while (0)
	REFUSED(pending, 1u << N);
	REFUSED(synced, 2);
	REFUSED(zero, 1);
	REFUSED(comparator[5].zero, 1);
	REFUSED(comparator[5].period, 0);
	REFUSED(comparator[5].period, 1);
	REFUSED(comparator[5].period, XENAPERTURE_TIMER_PERIOD_LEAST - 1);
	REFUSED(comparator[5].period, XENAPERTURE_TIMER_PERIOD_MOST + 1);
	REFUSED(comparator[5].period, UINT64_MAX);
	REFUSED(comparator[5].control, 16);
	REFUSED(comparator[5].control, XENAPERTURE_TIMER_POLICY);
	REFUSED(comparator[5].expired, 1);
	REFUSED(comparator[5].backlog, 1);
	state.comparator[5].expired = 1;
	CHECK(timer_model.check(&state));	/* backlog, and nothing pending */
	state.pending = 1u << 5;
	CHECK_EQ(timer_model.check(&state), 0);
}

/* Any state that check admits: nothing loops, traps or leaves the sound states. */
static void random_states(void)
{
	uint64_t seed = 11, admitted = 0;

	for (unsigned int i = 0; i < 200000; i++) {
		start();
		state.pending = check_random(&seed) & 0xff;
		for (uint32_t n = 0; n < N; n++) {
			struct timer_comparator *c = &state.comparator[n];

			c->deadline = check_random(&seed) >> (check_random(&seed) % 64);
			c->period = check_random(&seed) >> (4 + check_random(&seed) % 45);
			c->control = check_random(&seed) % 12;
			c->delivered = check_random(&seed);
			c->backlog = state.pending >> n & 1 ? check_random(&seed) : 0;
			c->expired = c->delivered + c->backlog;
		}
		if (timer_model.check(&state))
			continue;
		admitted++;
		run.now = check_random(&seed) >> (check_random(&seed) % 64);
		expire();
		set(TIMER_PENDING, 0, 0);
		CHECK_EQ(timer_model.check(&state), 0);
	}
	CHECK_CASE(admitted > 10000, admitted, 0);
}

/* At the end of the counter a periodic comparator stops instead of starting over. */
static void end_of_the_counter(void)
{
	start();
	arm(0, ~0ull - 2 * MS, MS, XENAPERTURE_TIMER_SKIP);
	run.now = ~0ull;
	timer_model.expire(&run);
	done(0);
	CHECK_EQ(get(TIMER_CONTROL, 0) & ARMED, 0);
	counts(0, 3, 1, 0, 2, 0);
}

/* ---- against a timer that knows no arithmetic ----------------------------------------- */

static struct naive {
	struct timer_comparator c;
	bool pending;
} naive[N];

static void naive_tick(struct naive *t)
{
	t->c.expired++;
	if (!t->pending) {
		t->pending = true;
		t->c.delivered++;
	} else if ((t->c.control & XENAPERTURE_TIMER_POLICY) == XENAPERTURE_TIMER_SKIP) {
		t->c.skipped++;
	} else {
		t->c.backlog++;
	}
}

static void naive_until(struct naive *t, uint64_t now)
{
	while (t->c.control & ARMED && t->c.deadline <= now) {
		naive_tick(t);
		if (t->c.control & PERIODIC)
			t->c.deadline += t->c.period;
		else
			t->c.control &= ~ARMED;
	}
}

static void naive_acknowledge(struct naive *t)
{
	uint32_t policy = t->c.control & XENAPERTURE_TIMER_POLICY;

	t->pending = false;
	for (bool first = true; t->c.backlog; first = false) {
		if (policy == XENAPERTURE_TIMER_DELIVER_ALL && !first)
			break;
		t->c.backlog--;
		if (policy == XENAPERTURE_TIMER_SKIP) {
			t->c.skipped++;
		} else if (first) {
			t->c.delivered++;
			t->pending = true;
		} else {
			t->c.merged++;
		}
	}
}

static void random_step(uint64_t *seed, uint64_t now)
{
	uint32_t n = check_random(seed) % N;
	struct naive *t = &naive[n];
	uint64_t value;

	switch (check_random(seed) % 6) {
	case 0:
		value = now + check_random(seed) % (4 * MS) - MS;
		CHECK_EQ(set(TIMER_DEADLINE, n, value), XENAPT_OK);
		t->c.deadline = value;
		break;
	case 1:
		value = 100000 + check_random(seed) % MS;
		CHECK_EQ(set(TIMER_PERIOD, n, value), XENAPT_OK);
		t->c.period = value;
		break;
	case 2:
		value = check_random(seed) % 12;
		if (set(TIMER_CONTROL, n, value) == XENAPT_OK)
			t->c.control = (uint32_t)value;
		else
			CHECK(!t->c.period && (value & 3) == 3);
		break;
	default:
		acknowledge(n);
		if (t->pending)
			naive_acknowledge(t);
	}
	naive_until(t, now);
}

static void compare(unsigned int step)
{
	for (uint32_t n = 0; n < N; n++) {
		const struct timer_comparator *c = &naive[n].c;

		CHECK_CASE(get(TIMER_DEADLINE, n) == c->deadline, step, n);
		CHECK_CASE(get(TIMER_CONTROL, n) == c->control, step, n);
		CHECK_CASE(get(TIMER_EXPIRED, n) == c->expired, step, n);
		CHECK_CASE(get(TIMER_DELIVERED, n) == c->delivered, step, n);
		CHECK_CASE(get(TIMER_MERGED, n) == c->merged, step, n);
		CHECK_CASE(get(TIMER_SKIPPED, n) == c->skipped, step, n);
		CHECK_CASE(get(TIMER_BACKLOG, n) == c->backlog, step, n);
		CHECK_CASE((get(TIMER_PENDING, 0) >> n & 1) == naive[n].pending, step, n);
	}
}

static void against_the_naive_one(void)
{
	uint64_t seed = 7;

	memset(naive, 0, sizeof(naive));
	start();
	run.now = 100 * MS;
	for (unsigned int step = 0; step < 30000; step++) {
		run.now += check_random(&seed) % (check_random(&seed) % 8 ? 50000 : 5 * MS);
		for (uint32_t n = 0; n < N; n++)
			naive_until(&naive[n], run.now);
		if (check_random(&seed) % 2)	/* a late device is none that counts otherwise */
			expire();
		random_step(&seed, run.now);
		compare(step);
	}
}

/* What trapped accesses do: they cannot read and write at once, and ports have 4 octets. */
static void acknowledge_register(void)
{
	start();
	arm(0, 5000, 0, 0);
	arm(1, 6000, 0, 0);
	run.now = 5500;
	CHECK_EQ(get(TIMER_PENDING, 0), 1);
	run.now = 6000;	/* between the look and the acknowledgement: it stays */
	CHECK_EQ(set(TIMER_ACKNOWLEDGE, 0, 1), XENAPT_OK);
	CHECK_EQ(get(TIMER_PENDING, 0), 2);
	CHECK_EQ(set(TIMER_ACKNOWLEDGE, 0, ~0ull), XENAPT_OK);
	CHECK_EQ(get(TIMER_PENDING, 0), 0);
	counts(0, 1, 1, 0, 0, 0);
	counts(1, 1, 1, 0, 0, 0);
}

static void halves(void)
{
	struct xenapt_operation op = { .size = 4, .direction = XENAPT_OP_WRITE };
	static const uint32_t whole[] = {
		XENAPERTURE_TIMER_DATE, XENAPERTURE_TIMER_ACKNOWLEDGE, XENAPERTURE_TIMER_WALL,
		XENAPERTURE_TIMER_PERIOD_MIN, XENAPERTURE_TIMER_DEADLINE(7),
		XENAPERTURE_TIMER_PERIOD(7),
	};
	struct xapt_decoded d;
	unsigned int i;

	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		bool written = i == 1 || i > 3;

		op.direction = written ? XENAPT_OP_WRITE : XENAPT_OP_READ;
		op.reg = whole[i] + 4;
		CHECK_EQ(xapt_model_decode(&timer_model, &op, &d), XENAPT_OK);
		CHECK_EQ(d.shift, 4);
	}
}

static CU_TestInfo tests[] = {
	{ "the table is sound", the_table },
	{ "one-shot", one_shot },
	{ "deadline in the past", past_deadline },
	{ "policy: deliver all", deliver_all },
	{ "policy: merge", merge },
	{ "policy: skip", skip },
	{ "policy changed over a backlog", change_of_policy },
	{ "due before a change", due_before_a_change },
	{ "several at once", several_at_once },
	{ "refused values", refused_values },
	{ "arm after", arm_after },
	{ "short periods", short_periods },
	{ "date", date },
	{ "label", label },
	{ "settings", settings },
	{ "refused states", refused_states },
	{ "random states", random_states },
	{ "end of the counter", end_of_the_counter },
	{ "the register ACKNOWLEDGE", acknowledge_register },
	{ "halves", halves },
	{ "against a naive timer", against_the_naive_one },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
