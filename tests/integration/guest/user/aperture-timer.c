// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-timer DEV ticks COUNT PERIOD_US [COMPARATORS]: periodic ticks, each delivered
 * aperture-timer DEV policy merge|skip|deliver: what becomes of ticks that nobody acknowledged in time
 * aperture-timer DEV registers: those that the second device answers, or both
 * aperture-timer DEV handover ROUNDS: one-shot ticks; in the middle of each countdown the state goes
 *     to the second device, and back when there is a first one
 * aperture-timer DEV watch PERIOD_US: ticks until it is killed; a line for each 100
 * aperture-timer DEV reset: after the command RESET no tick comes that was armed before
 *
 * Status 1: a tick was lost, early or came twice, or the counter went back. Which ticks there must be
 * follows from the counter and what was armed; the device's own counts are compared with that.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenaperture_timer.h>

#include "operate.h"

#define NUMBER		XENAPERTURE_TIMER_NUMBER
#define LOST_MS		20000

struct comparator {
	uint64_t first, period;		/* the grid; period 0: one tick */
	uint64_t seen, wanted;
	uint64_t expired0, delivered0;	/* where the device's counts began */
};

struct timer {
	int fd;
	struct comparator c[NUMBER];
	uint64_t counter;		/* last value seen */
	uint64_t ticks, early, lost, back, spurious, latest, missed_events;
	uint64_t off_grid;		/* deadlines that are no point of the grid, ticks that were never due */
};

static struct op read_of(uint32_t reg)
{
	return (struct op){ .reg = reg, .size = 8, .direction = XENAPT_OP_READ };
}

static void saw(struct timer *t, uint64_t counter)
{
	t->back += counter < t->counter;
	t->counter = counter;
}

static void run(struct timer *t, struct op *ops, unsigned int n)
{
	int err = operate(t->fd, ops, n);
	unsigned int i;

	for (i = 0; i < n && !err; i++)
		if (ops[i].status) {
			printf("register 0x%llx: status %u\n", (unsigned long long)ops[i].reg,
			       ops[i].status);
			exit(1);
		}
	if (err) {
		printf("operations: %s\n", strerror(-err));
		exit(1);
	}
	for (i = 0; i < n; i++)
		if (ops[i].size && ops[i].reg == XENAPERTURE_TIMER_COUNTER)
			saw(t, ops[i].answer);
}

static uint64_t get(struct timer *t, uint32_t reg)
{
	struct op op = read_of(reg);

	run(t, &op, 1);
	return op.answer;
}

static uint64_t now(struct timer *t)
{
	return get(t, XENAPERTURE_TIMER_COUNTER);
}

/* Ticks that the acknowledgement took, judged. */
static void acknowledge(struct timer *t, uint64_t bits)
{
	struct op ops[] = {
		read_of(XENAPERTURE_TIMER_COUNTER),
		{ .reg = XENAPERTURE_TIMER_PENDING,
		  .size = 8,
		  .direction = XENAPT_OP_CLEAR,
		  .value = bits },
	};
	unsigned int n;

	run(t, ops, 2);
	for (n = 0; n < NUMBER; n++) {
		struct comparator *c = &t->c[n];
		uint64_t due = c->first + c->seen * c->period;

		if (!(bits >> n & 1))
			continue;
		if (!(ops[1].answer >> n & 1)) {
			t->spurious++;
			continue;
		}
		t->early += t->counter < due;
		if (t->counter > due && t->counter - due > t->latest)
			t->latest = t->counter - due;
		c->seen++;
		t->ticks++;
	}
}

/* Wait for interrupts and acknowledge. False: none came although one was due. */
static int wait_ticks(struct timer *t)
{
	uint64_t bits, pending;
	int err = vectors_wait(t->fd, LOST_MS, &bits);

	if (err < 0) {
		printf("waiting for a tick: %s\n", strerror(-err));
		exit(1);
	}
	if (bits) {
		acknowledge(t, bits);
		return 1;
	}
	pending = get(t, XENAPERTURE_TIMER_PENDING);
	printf("no interrupt for %d ms; pending 0x%llx counter %llu\n", LOST_MS,
	       (unsigned long long)pending, (unsigned long long)now(t));
	t->lost++;
	return 0;
}

static void claim(struct timer *t)
{
	unsigned int n;
	int err;

	operate_command(t->fd, XENAPT_COMMAND_RESET, 0);
	for (n = 0; n < NUMBER; n++) {
		err = vector_do(t->fd, n, XENAPT_VECTOR_CLAIM, NULL);
		if (err) {
			printf("vector %u: %s\n", n, strerror(-err));
			exit(1);
		}
	}
}

static void arm(struct timer *t, unsigned int n, uint64_t first, uint64_t period, uint32_t policy)
{
	struct op ops[] = {
		{ .reg = XENAPERTURE_TIMER_PERIOD(n),
		  .size = 8,
		  .direction = XENAPT_OP_WRITE,
		  .value = period },
		{ .reg = XENAPERTURE_TIMER_DEADLINE(n),
		  .size = 8,
		  .direction = XENAPT_OP_WRITE,
		  .value = first },
		{ .reg = XENAPERTURE_TIMER_CONTROL(n),
		  .size = 4,
		  .direction = XENAPT_OP_WRITE,
		  .value = XENAPERTURE_TIMER_ARMED | (period ? XENAPERTURE_TIMER_PERIODIC : 0) |
			   policy },
	};

	t->c[n].first = first;
	t->c[n].period = period;
	run(t, ops, 3);
}

/* All ticks of the device were seen here, once, and none is left. */
static int conclude_ticks(struct timer *t, unsigned int comparators)
{
	uint64_t expired = 0, delivered = 0, merged = 0, seen = 0;
	unsigned int n;

	for (n = 0; n < comparators; n++) {
		expired += get(t, XENAPERTURE_TIMER_EXPIRED(n));
		delivered += get(t, XENAPERTURE_TIMER_DELIVERED(n));
		merged +=
			get(t, XENAPERTURE_TIMER_MERGED(n)) + get(t, XENAPERTURE_TIMER_SKIPPED(n));
		seen += t->c[n].seen;
	}
	printf("ticks=%llu expired=%llu delivered=%llu merged=%llu lost=%llu early=%llu twice=%llu "
	       "back=%llu off_grid=%llu "
	       "spurious=%llu latest_us=%llu\n",
	       (unsigned long long)seen, (unsigned long long)expired, (unsigned long long)delivered,
	       (unsigned long long)merged, (unsigned long long)t->lost,
	       (unsigned long long)t->early,
	       (unsigned long long)(seen > expired ? seen - expired : 0),
	       (unsigned long long)t->back, (unsigned long long)t->off_grid,
	       (unsigned long long)t->spurious, (unsigned long long)t->latest / 1000);
	return seen != expired || seen != delivered || merged || t->lost || t->early || t->back ||
	       t->off_grid;
}

/* From before to after it was disarmed at some moment: each point of the grid up to then was a tick. */
static void disarm(struct timer *t, unsigned int n)
{
	struct comparator *c = &t->c[n];
	struct op ops[] = {
		read_of(XENAPERTURE_TIMER_COUNTER),
		{ .reg = XENAPERTURE_TIMER_CONTROL(n),
		  .size = 4,
		  .direction = XENAPT_OP_CLEAR,
		  .value = XENAPERTURE_TIMER_ARMED },
		read_of(XENAPERTURE_TIMER_COUNTER),
		read_of(XENAPERTURE_TIMER_EXPIRED(n)),
		read_of(XENAPERTURE_TIMER_DEADLINE(n)),
	};
	uint64_t least = 0, most = 0, expired;

	run(t, ops, 5);
	expired = ops[3].answer;
	if (ops[0].answer >= c->first)
		least = (ops[0].answer - c->first) / c->period + 1;
	if (ops[2].answer >= c->first)
		most = (ops[2].answer - c->first) / c->period + 1;
	if (expired < least)
		t->lost += least - expired;
	if (expired > most)
		t->off_grid += expired - most;
	t->off_grid += ops[4].answer != c->first + expired * c->period;
}

static int ticks(struct timer *t, uint64_t count, uint64_t period, unsigned int comparators)
{
	uint64_t start, pending;
	unsigned int n;

	claim(t);
	start = now(t) + 1000000;
	for (n = 0; n < comparators; n++)
		arm(t, n, start + n * period / comparators, period, XENAPERTURE_TIMER_DELIVER_ALL);
	while (t->ticks < count && wait_ticks(t))
		;
	for (n = 0; n < comparators; n++)
		disarm(t, n);
	/* What fell due before that is still to be had. */
	while ((pending = get(t, XENAPERTURE_TIMER_PENDING)))
		acknowledge(t, pending);
	return conclude_ticks(t, comparators);
}

/* One countdown with a hand-over in its middle. True: both moves were before the deadline. */
static int countdown(struct timer *t, unsigned int n, uint64_t ns, uint64_t round)
{
	struct op ops[] = {
		read_of(XENAPERTURE_TIMER_COUNTER),
		{ .reg = XENAPERTURE_TIMER_ARM_AFTER,
		  .direction = XENAPT_OP_WRITE,
		  .value = XENAPERTURE_TIMER_AFTER(n, ns) },
		read_of(XENAPERTURE_TIMER_COUNTER),
		{ .reg = XENAPERTURE_TIMER_LABEL,
		  .size = 8,
		  .direction = XENAPT_OP_EXCHANGE,
		  .value = round },
		read_of(XENAPERTURE_TIMER_COUNTER),
	};
	uint64_t seen = t->c[n].seen, deadline;

	run(t, ops, 5);
	deadline = ops[1].answer;
	if (ops[3].answer != round - 1) {
		printf("round %llu: LABEL was %llu\n", (unsigned long long)round,
		       (unsigned long long)ops[3].answer);
		t->missed_events++;
	}
	t->c[n].first = deadline;
	t->early += deadline < ops[0].answer + ns;
	while (t->c[n].seen == seen)
		if (!wait_ticks(t))
			return 0;
	t->c[n].period = 0;
	return ops[4].answer < deadline;
}

static int handover(struct timer *t, uint64_t rounds)
{
	uint64_t round, middle = 0, ns = 2000000;
	bool bad;

	claim(t);
	for (round = 1; middle < rounds && round < 4 * rounds && !t->lost; round++) {
		if (countdown(t, (unsigned int)(round % NUMBER), ns, round))
			middle++;
		else if (ns < 100000000)
			ns += ns / 4;
	}
	/* One for each countdown, whatever the device says of itself. */
	bad = conclude_ticks(t, NUMBER) || t->ticks != round - 1;
	printf("rounds=%llu middle=%llu countdown_us=%llu wrong_labels=%llu\n",
	       (unsigned long long)round - 1, (unsigned long long)middle,
	       (unsigned long long)ns / 1000, (unsigned long long)t->missed_events);
	return bad || middle < rounds || t->missed_events;
}

/* ---- policies ---- */

static const struct {
	const char *name;
	uint32_t bits;
} policies[] = {
	{ "deliver", XENAPERTURE_TIMER_DELIVER_ALL },
	{ "merge", XENAPERTURE_TIMER_MERGE },
	{ "skip", XENAPERTURE_TIMER_SKIP },
};

/*
 * Ticks on a grid of 10 ms that nobody acknowledges for a while. One is delivered; of the others the
 * policy says what becomes of them.
 */
static int policy(struct timer *t, const char *name)
{
	uint64_t expired, delivered, merged, skipped, missed, acknowledged = 0;
	unsigned int i;
	bool right;

	for (i = 0; i < 3 && strcmp(policies[i].name, name); i++)
		;
	if (i == 3)
		return 2;
	claim(t);
	arm(t, 0, now(t) + 10000000, 10000000, policies[i].bits);
	while (get(t, XENAPERTURE_TIMER_EXPIRED(0)) < 20)
		usleep(1000);
	disarm(t, 0);
	expired = get(t, XENAPERTURE_TIMER_EXPIRED(0));
	missed = expired - 1;
	while (get(t, XENAPERTURE_TIMER_PENDING)) {
		operate_one(t->fd, XENAPERTURE_TIMER_PENDING, 8, XENAPT_OP_CLEAR, 1);
		acknowledged++;
	}
	delivered = get(t, XENAPERTURE_TIMER_DELIVERED(0));
	merged = get(t, XENAPERTURE_TIMER_MERGED(0));
	skipped = get(t, XENAPERTURE_TIMER_SKIPPED(0));
	right = delivered == acknowledged && expired == get(t, XENAPERTURE_TIMER_EXPIRED(0)) &&
		!get(t, XENAPERTURE_TIMER_BACKLOG(0));
	if (policies[i].bits == XENAPERTURE_TIMER_DELIVER_ALL)
		right &= delivered == expired && !merged && !skipped;
	else if (policies[i].bits == XENAPERTURE_TIMER_MERGE)
		right &= delivered == 2 && merged == missed - 1 && !skipped;
	else
		right &= delivered == 1 && !merged && skipped == missed;
	printf("policy=%s expired=%llu acknowledged=%llu delivered=%llu merged=%llu skipped=%llu lost=%llu "
	       "off_grid=%llu\n", name, (unsigned long long)expired, (unsigned long long)acknowledged,
	       (unsigned long long)delivered, (unsigned long long)merged, (unsigned long long)skipped,
	       (unsigned long long)t->lost, (unsigned long long)t->off_grid);
	return !right || t->lost || t->off_grid;
}

/* ---- the second device's registers ---- */

struct check {
	struct timer *t;
	unsigned int cases, wrong;
};

static void expect(struct check *c, bool right, const char *what)
{
	c->cases++;
	c->wrong += !right;
	printf("%s - %s\n", right ? "ok" : "not ok", what);
}

static struct op one(struct check *c, uint32_t reg, unsigned int size, unsigned int direction,
		     uint64_t value)
{
	struct op op = { .reg = reg, .size = (uint8_t)size, .direction = (uint8_t)direction,
			 .value = value };

	if (operate(c->t->fd, &op, 1))
		op.status = UINT32_MAX;
	return op;
}

static bool near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) < 10000000000u;
}

static void periods(struct check *c, uint64_t least)
{
	struct op op = one(c, XENAPERTURE_TIMER_PERIOD(5), 8, XENAPT_OP_WRITE, least);

	expect(c, !op.status && op.lane == XENAPT_LANE_SLOW, "the shortest period, by the second device");
	op = one(c, XENAPERTURE_TIMER_PERIOD(5), 8, XENAPT_OP_WRITE, least - 1);
	expect(c, op.status && op.status != UINT32_MAX, "a shorter one is refused");
	op = one(c, XENAPERTURE_TIMER_PERIOD(5), 8, XENAPT_OP_READ, 0);
	expect(c, op.answer == least, "and changes nothing");
	op = one(c, XENAPERTURE_TIMER_PERIOD(5), 8, XENAPT_OP_WRITE, XENAPERTURE_TIMER_PERIOD_FAST);
	expect(c, !op.status, "a period that the first device admits itself");
	op = one(c, XENAPERTURE_TIMER_PERIOD(5), 8, XENAPT_OP_WRITE, XENAPERTURE_TIMER_PERIOD_MOST + 1);
	expect(c, op.status && op.status != UINT32_MAX, "one that is too long is refused");
}

static int registers(struct timer *t)
{
	struct check c = { .t = t };
	struct op wall, date, op;

	operate_command(t->fd, XENAPT_COMMAND_RESET, 0);
	wall = one(&c, XENAPERTURE_TIMER_WALL, 8, XENAPT_OP_READ, 0);
	date = one(&c, XENAPERTURE_TIMER_DATE, 8, XENAPT_OP_READ, 0);
	expect(&c, !wall.status && wall.lane == XENAPT_LANE_SLOW, "WALL, by the second device");
	expect(&c, wall.answer > 1700000000000000000u, "WALL is a date of this century");
	expect(&c, !date.status && date.lane == XENAPT_LANE_SLOW, "DATE, by the second device before SYNC");
	expect(&c, near(wall.answer, date.answer), "DATE is what WALL is");
	date.answer = operate_command(t->fd, XENAPERTURE_TIMER_SYNC, 0);
	expect(&c, near(wall.answer, date.answer), "SYNC says the date");
	op = one(&c, XENAPERTURE_TIMER_DATE, 8, XENAPT_OP_READ, 0);
	expect(&c, !op.status && near(op.answer, date.answer) && op.answer >= date.answer,
	       "DATE goes on from there");
	printf("date_lane=%s\n", op.lane == XENAPT_LANE_FAST ? "fast" : "slow");
	op = one(&c, XENAPERTURE_TIMER_LABEL, 8, XENAPT_OP_EXCHANGE, 0x1122334455667788u);
	expect(&c, !op.status && !op.answer, "LABEL was 0");
	op = one(&c, XENAPERTURE_TIMER_LABEL + 2, 2, XENAPT_OP_READ, 0);
	expect(&c, op.answer == 0x5566, "LABEL, two octets of it");
	op = one(&c, XENAPERTURE_TIMER_COMPARATORS, 4, XENAPT_OP_READ, 0);
	expect(&c, op.answer == NUMBER, "COMPARATORS");
	op = one(&c, XENAPERTURE_TIMER_COMPARATORS, 4, XENAPT_OP_WRITE, 1);
	expect(&c, op.status && op.status != UINT32_MAX, "which cannot be written");
	op = one(&c, XENAPERTURE_TIMER_PERIOD_MIN, 8, XENAPT_OP_READ, 0);
	expect(&c, !op.status && op.lane == XENAPT_LANE_SLOW, "PERIOD_MIN, by the second device");
	printf("period_min=%llu\n", (unsigned long long)op.answer);
	periods(&c, op.answer);
	printf("cases=%u wrong=%u\n", c.cases, c.wrong);
	return c.wrong != 0;
}

static int watch(struct timer *t, uint64_t period)
{
	uint64_t said = 0;

	claim(t);
	arm(t, 0, now(t) + period, period, XENAPERTURE_TIMER_DELIVER_ALL);
	while (wait_ticks(t))
		if (t->ticks >= said + 100) {
			said = t->ticks;
			printf("ticks=%llu early=%llu back=%llu\n", (unsigned long long)said,
			       (unsigned long long)t->early, (unsigned long long)t->back);
			fflush(stdout);
		}
	return 1;
}

static int reset(struct timer *t)
{
	uint64_t bits, pending, control;
	unsigned int n;

	claim(t);
	for (n = 0; n < NUMBER; n++)
		arm(t, n, now(t) + 100000000, n % 2 ? 100000000 : 0, XENAPERTURE_TIMER_DELIVER_ALL);
	operate_command(t->fd, XENAPT_COMMAND_RESET, 0);
	vectors_wait(t->fd, 1000, &bits);
	pending = get(t, XENAPERTURE_TIMER_PENDING);
	control = operate_one(t->fd, XENAPERTURE_TIMER_CONTROL(1), 4, XENAPT_OP_READ, 0);
	printf("pending=%llu control=%llu back=%llu expired=%llu\n", (unsigned long long)pending,
	       (unsigned long long)control, (unsigned long long)t->back,
	       (unsigned long long)get(t, XENAPERTURE_TIMER_EXPIRED(1)));
	return pending || control || t->back;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: aperture-timer DEV ticks COUNT PERIOD_US [COMPARATORS] | policy merge|skip|deliver | "
		"registers | handover ROUNDS | watch PERIOD_US | reset\n");
	return 2;
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
	return i < argc ? strtoull(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	struct timer t = { 0 };

	if (argc < 3)
		return usage();
	t.fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (t.fd < 0)
		return 2;
	if (!strcmp(argv[2], "ticks"))
		return ticks(&t, number(argc, argv, 3, 0), 1000 * number(argc, argv, 4, 1000),
			     (unsigned int)number(argc, argv, 5, 1) % (NUMBER + 1));
	if (!strcmp(argv[2], "handover"))
		return handover(&t, number(argc, argv, 3, 0));
	if (!strcmp(argv[2], "reset"))
		return reset(&t);
	if (!strcmp(argv[2], "policy") && argc > 3)
		return policy(&t, argv[3]);
	if (!strcmp(argv[2], "registers"))
		return registers(&t);
	if (!strcmp(argv[2], "watch"))
		return watch(&t, 1000 * number(argc, argv, 3, 1000));
	return usage();
}
