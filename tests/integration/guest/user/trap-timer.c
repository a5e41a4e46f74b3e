// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer behind ports or memory-mapped registers, by its data sheet alone (xenaperture_timer.h).
 *
 * trap-timer DEVICE counter MS: all vCPUs read COUNTER at once; no value is less than one that any of
 *     them had before
 * trap-timer DEVICE ticks COUNT PERIOD_US [COMPARATORS]: periodic ticks by the event channel
 * trap-timer DEVICE once COUNT NS: one-shot ticks, one after the other
 * trap-timer DEVICE handover ROUNDS: one-shot ticks; in the middle of each countdown the state goes to the
 *     second device, and back
 *
 * Status 1: a tick was lost, early or came twice, or the counter went back. What must come the program
 * knows by itself: one tick for each countdown, one for each period of the counter; twice= are those beyond.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenaperture_timer.h>

#include "trap.h"

#define NUMBER	XENAPERTURE_TIMER_NUMBER
#define LOST_MS	20000
#define VCPUS	8u

static struct trap t;

struct comparator {
	uint64_t first, period, seen;
};

static struct {
	struct comparator c[NUMBER];
	uint64_t counter, ticks, early, lost, back, latest, events, empty;
} seen;

static uint64_t counter(void)
{
	uint64_t now = trap_get_moving(&t, XENAPERTURE_TIMER_COUNTER);

	seen.back += now < seen.counter;
	seen.counter = now;
	return now;
}

/* ---- the counter from all vCPUs ---- */

static uint64_t newest, until, reads, backwards;

static void *read_counter(void *vcpu)
{
	uint64_t before, now, n = 0;

	trap_pin((unsigned int)(uintptr_t)vcpu);
	do {
		before = __atomic_load_n(&newest, __ATOMIC_SEQ_CST);
		now = trap_get_moving(&t, XENAPERTURE_TIMER_COUNTER);
		if (now < before)
			__atomic_fetch_add(&backwards, 1, __ATOMIC_SEQ_CST);
		while (now > before && !__atomic_compare_exchange_n(&newest, &before, now, false,
								    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		n++;
	} while (trap_clock() < until);
	__atomic_fetch_add(&reads, n, __ATOMIC_SEQ_CST);
	return NULL;
}

static int counter_of_all(uint64_t ms)
{
	unsigned int vcpus = trap_cpus() < VCPUS ? trap_cpus() : VCPUS, n;
	pthread_t threads[VCPUS];

	until = trap_clock() + ms * 1000000;
	for (n = 0; n < vcpus; n++)
		pthread_create(&threads[n], NULL, read_counter, (void *)(uintptr_t)n);
	for (n = 0; n < vcpus; n++)
		pthread_join(threads[n], NULL);
	printf("vcpus=%u reads=%llu back=%llu\n", vcpus, (unsigned long long)reads,
	       (unsigned long long)backwards);
	return backwards || reads < 4 * vcpus;
}

/* ---- ticks ---- */

static void disarm(unsigned int n)
{
	trap_put(&t, XENAPERTURE_TIMER_CONTROL(n), 4, 0);
}

/* PERIOD as the data sheet says for halves; memory-mapped it is one write. */
static void set_period(unsigned int n, uint64_t period)
{
	uint32_t reg = XENAPERTURE_TIMER_PERIOD(n);

	if (!t.port) {
		trap_put(&t, reg, 8, period);
		return;
	}
	trap_put(&t, reg, 4, 0);
	trap_put(&t, reg + 4, 4, period >> 32);
	trap_put(&t, reg, 4, period & 0xffffffffu);
}

static void arm(unsigned int n, uint64_t first, uint64_t period)
{
	seen.c[n].first = first;
	seen.c[n].period = period;
	disarm(n);
	if (period)
		set_period(n, period);
	trap_put(&t, XENAPERTURE_TIMER_DEADLINE(n), 8, first);
	trap_put(&t, XENAPERTURE_TIMER_CONTROL(n), 4,
		 XENAPERTURE_TIMER_ARMED | (period ? XENAPERTURE_TIMER_PERIODIC : 0) |
		 XENAPERTURE_TIMER_DELIVER_ALL);
}

static void judge_tick(struct comparator *c, uint64_t now)
{
	uint64_t due = c->first + c->seen * c->period;

	seen.early += now < due;
	if (now > due && now - due > seen.latest)
		seen.latest = now - due;
	c->seen++;
	seen.ticks++;
}

/* Whatever is pending now, acknowledged and judged. How many bits. */
static unsigned int take_pending(void)
{
	uint64_t bits = trap_get(&t, XENAPERTURE_TIMER_PENDING, 1), now = counter();
	unsigned int n, count = 0;

	for (n = 0; n < NUMBER; n++)
		if (bits >> n & 1) {
			judge_tick(&seen.c[n], now);
			count++;
		}
	if (bits)
		trap_put(&t, XENAPERTURE_TIMER_ACKNOWLEDGE, 1, bits);
	return count;
}

/* By events alone. False: none came although a tick was due. */
static bool wait_tick(void)
{
	if (!trap_wait(&t, LOST_MS)) {
		printf("no event for %d ms; PENDING 0x%llx COUNTER %llu\n", LOST_MS,
		       (unsigned long long)trap_get(&t, XENAPERTURE_TIMER_PENDING, 1),
		       (unsigned long long)counter());
		seen.lost++;
		return false;
	}
	seen.events++;
	seen.empty += !take_pending();
	return true;
}

static uint64_t expired0[NUMBER];

/* Ticks that a comparator must have had: at least, at most. */
static struct { uint64_t least, most; } due[NUMBER];

static void begin(void)
{
	unsigned int n;

	trap_bind(&t);
	for (n = 0; n < NUMBER; n++)
		disarm(n);
	trap_put(&t, XENAPERTURE_TIMER_ACKNOWLEDGE, 1, 0xff);
	for (n = 0; n < NUMBER; n++)
		expired0[n] = trap_get(&t, XENAPERTURE_TIMER_EXPIRED(n), 8);
}

/* All that fell due was seen here, once; the device says so, too. */
static int conclude(unsigned int comparators)
{
	uint64_t expired = 0, all = 0, twice = 0;
	unsigned int n;

	for (n = 0; n < comparators; n++) {
		expired += trap_get(&t, XENAPERTURE_TIMER_EXPIRED(n), 8) - expired0[n];
		all += seen.c[n].seen;
		if (seen.c[n].seen > due[n].most)
			twice += seen.c[n].seen - due[n].most;
		else if (seen.c[n].seen < due[n].least)
			seen.lost += due[n].least - seen.c[n].seen;
	}
	printf("ticks=%llu expired=%llu lost=%llu early=%llu twice=%llu back=%llu events=%llu empty=%llu "
	       "latest_us=%llu\n",
	       (unsigned long long)all, (unsigned long long)expired, (unsigned long long)seen.lost,
	       (unsigned long long)seen.early, (unsigned long long)twice,
	       (unsigned long long)seen.back, (unsigned long long)seen.events,
	       (unsigned long long)seen.empty, (unsigned long long)seen.latest / 1000);
	return all != expired || seen.lost || twice || seen.early || seen.back;
}

/* Ticks of a periodic one until now. */
static uint64_t periods(const struct comparator *c)
{
	uint64_t now = counter();

	return now < c->first ? 0 : (now - c->first) / c->period + 1;
}

static int ticks(uint64_t count, uint64_t period, unsigned int comparators)
{
	uint64_t start;
	unsigned int n;

	begin();
	start = counter() + 2000000;
	for (n = 0; n < comparators; n++)
		arm(n, start + n * period / comparators, period);
	while (seen.ticks < count && wait_tick())
		;
	for (n = 0; n < comparators; n++) {
		due[n].least = periods(&seen.c[n]);
		disarm(n);
		due[n].most = periods(&seen.c[n]);
	}
	while (take_pending())
		;
	return conclude(comparators);
}

/* Until this one's tick came: one more. */
static void countdown_ends(unsigned int n, uint64_t before)
{
	due[n].least = ++due[n].most;
	while (seen.c[n].seen == before)
		if (!wait_tick())
			return;
}

static int once(uint64_t count, uint64_t ns)
{
	uint64_t i, before;
	unsigned int n;

	begin();
	for (i = 0; i < count && !seen.lost; i++) {
		n = (unsigned int)(i % NUMBER);
		before = seen.c[n].seen;
		arm(n, counter() + ns, 0);
		countdown_ends(n, before);
	}
	return conclude(NUMBER);
}

/* LABEL is the second device's: writing it takes the state there; the timer's next access brings it back. */
static bool moved_in_time(uint64_t round, uint64_t deadline, uint64_t *wrong_labels)
{
	uint64_t label;

	trap_put(&t, XENAPERTURE_TIMER_LABEL, 8, round);
	label = trap_get(&t, XENAPERTURE_TIMER_LABEL, 8);
	*wrong_labels += label != round;
	return counter() < deadline;
}

static int handover(uint64_t rounds)
{
	uint64_t round, middle = 0, ns = 4000000, wrong_labels = 0, before, deadline;
	unsigned int n;
	int bad;

	begin();
	for (round = 1; middle < rounds && round < 4 * rounds && !seen.lost; round++) {
		n = (unsigned int)(round % NUMBER);
		before = seen.c[n].seen;
		deadline = counter() + ns;
		arm(n, deadline, 0);
		if (moved_in_time(round, deadline, &wrong_labels))
			middle++;
		else if (ns < 200000000)
			ns += ns / 4;
		countdown_ends(n, before);
	}
	bad = conclude(NUMBER);
	printf("rounds=%llu middle=%llu countdown_us=%llu wrong_labels=%llu\n",
	       (unsigned long long)round - 1, (unsigned long long)middle, (unsigned long long)ns / 1000,
	       (unsigned long long)wrong_labels);
	return bad || middle < rounds || wrong_labels;
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
	return i < argc ? strtoull(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: trap-timer DEVICE counter MS | ticks COUNT PERIOD_US [COMPARATORS] | "
				"once COUNT NS | handover ROUNDS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	trap_open(&t, argv[1]);
	if (!strcmp(argv[2], "counter"))
		return counter_of_all(number(argc, argv, 3, 0));
	if (!strcmp(argv[2], "ticks"))
		return ticks(number(argc, argv, 3, 0), 1000 * number(argc, argv, 4, 1000),
			     (unsigned int)number(argc, argv, 5, 1) % (NUMBER + 1));
	if (!strcmp(argv[2], "once"))
		return once(number(argc, argv, 3, 0), number(argc, argv, 4, 1000000));
	if (!strcmp(argv[2], "handover"))
		return handover(number(argc, argv, 3, 0));
	return 2;
}
