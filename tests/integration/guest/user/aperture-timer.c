// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-timer DEV ticks COUNT PERIOD_US [COMPARATORS]: periodic ticks, each delivered
 * aperture-timer DEV handover ROUNDS: one-shot ticks; in the middle of each countdown the state goes
 *     to the second device, and back when there is a first one
 * aperture-timer DEV watch PERIOD_US: ticks until it is killed; a line for each 100
 * aperture-timer DEV reset: after the command RESET no tick comes that was armed before
 *
 * Status 1: a tick was lost, early or came twice, or the counter went back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void arm(struct timer *t, unsigned int n, uint64_t first, uint64_t period)
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
			   XENAPERTURE_TIMER_DELIVER_ALL },
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
	       "back=%llu "
	       "spurious=%llu latest_us=%llu\n",
	       (unsigned long long)seen, (unsigned long long)expired, (unsigned long long)delivered,
	       (unsigned long long)merged, (unsigned long long)t->lost,
	       (unsigned long long)t->early,
	       (unsigned long long)(seen > expired ? seen - expired : 0),
	       (unsigned long long)t->back, (unsigned long long)t->spurious,
	       (unsigned long long)t->latest / 1000);
	return seen != expired || seen != delivered || merged || t->lost || t->early || t->back;
}

static void disarm(struct timer *t, unsigned int n)
{
	struct op op = { .reg = XENAPERTURE_TIMER_CONTROL(n),
			 .size = 4,
			 .direction = XENAPT_OP_CLEAR,
			 .value = XENAPERTURE_TIMER_ARMED };

	run(t, &op, 1);
}

static int ticks(struct timer *t, uint64_t count, uint64_t period, unsigned int comparators)
{
	uint64_t start, pending;
	unsigned int n;

	claim(t);
	start = now(t) + 1000000;
	for (n = 0; n < comparators; n++)
		arm(t, n, start + n * period / comparators, period);
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
	int bad;

	claim(t);
	for (round = 1; middle < rounds && round < 4 * rounds && !t->lost; round++) {
		if (countdown(t, (unsigned int)(round % NUMBER), ns, round))
			middle++;
		else if (ns < 100000000)
			ns += ns / 4;
	}
	bad = conclude_ticks(t, NUMBER);
	printf("rounds=%llu middle=%llu countdown_us=%llu wrong_labels=%llu\n",
	       (unsigned long long)round - 1, (unsigned long long)middle,
	       (unsigned long long)ns / 1000, (unsigned long long)t->missed_events);
	return bad || middle < rounds || t->missed_events;
}

static int watch(struct timer *t, uint64_t period)
{
	uint64_t said = 0;

	claim(t);
	arm(t, 0, now(t) + period, period);
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
		arm(t, n, now(t) + 100000000, n % 2 ? 100000000 : 0);
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
		"usage: aperture-timer DEV ticks COUNT PERIOD_US [COMPARATORS] | handover ROUNDS | "
		"watch PERIOD_US | reset\n");
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
	if (!strcmp(argv[2], "watch"))
		return watch(&t, 1000 * number(argc, argv, 3, 1000));
	return usage();
}
