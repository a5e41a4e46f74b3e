// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-deaths DEVICE THREADS DO ROUNDS PAUSE-MS MS: threads on all vCPUs access a device "check", fast and
 * slow registers, each with what only it knows the answer of, and tickets that all draw. ROUNDS times, every
 * PAUSE-MS, the command DO is given, which goes wrong for MS milliseconds of the device's counter.
 *
 *   accesses=N wrong=W       of rows: each is as the reference says
 *   tickets=N                of both devices: each once, or wrong counts that, too
 *   rounds=R longest_ms=M    commands given; the longest that an access took
 *   waited=N                 accesses for the second device that took half a second and more
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check_registers.h"
#include "trap.h"

#define MOST	8u	/* threads: rows of the device */
#define KINDS	2u
#define TICKETS	(1u << 24)	/* of a kind */
#define LONG_NS	500000000u

static const struct {
	unsigned int ticket, row, stride;
	uint64_t (*fold)(uint64_t hash, uint64_t value);
} kinds[KINDS] = {
	{ CHECK_TICKET, CHECK_ROW, 16, check_fold },
	{ CHECK_TICKET_SLOW, CHECK_ROW_SLOW, 8, check_fold_slow },
};

static struct trap device;
static volatile int stop;

/* Who got which: a bit for each number from the first on. */
static uint64_t first[KINDS];
static uint64_t drawn[KINDS][TICKETS / 64];

static struct thread {
	pthread_t thread;
	unsigned int number;
	uint64_t random, longest;
	uint64_t row[KINDS];
	unsigned long accesses, wrong, waited;
} threads[MOST];

static uint64_t draw(struct thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

static void check_row(struct thread *t, unsigned int k, uint64_t got)
{
	if (got == t->row[k])
		return;
	if (!t->wrong++)
		fprintf(stderr, "thread %u, row of kind %u: %llx instead of %llx\n", t->number, k,
			(unsigned long long)got, (unsigned long long)t->row[k]);
	t->row[k] = got;
}

static void mark_ticket(struct thread *t, unsigned int k, uint64_t ticket)
{
	uint64_t n = ticket - first[k], bit = 1ull << n % 64;

	if (n < TICKETS && !(__atomic_fetch_or(&drawn[k][n / 64], bit, __ATOMIC_SEQ_CST) & bit))
		return;
	if (!t->wrong++)
		fprintf(stderr, "thread %u, ticket of kind %u: %llx is another's, or nobody's\n", t->number, k,
			(unsigned long long)ticket);
}

/* True: it was the second device's. */
static bool access_one(struct thread *t)
{
	uint64_t value = draw(t);
	unsigned int k = value % 4 == 0, what = value >> 8 & 3;
	unsigned int row = kinds[k].row + t->number * kinds[k].stride;

	if (what == 0) {
		mark_ticket(t, k, trap_get(&device, kinds[k].ticket, 8));
	} else if (what == 1) {
		check_row(t, k, trap_get(&device, row, 8));
	} else {
		trap_put(&device, row, 8, value);
		t->row[k] = kinds[k].fold(t->row[k], value);
	}
	t->accesses++;
	return k;
}

static void *work(void *arg)
{
	struct thread *t = arg;

	trap_pin(t->number % trap_cpus());
	while (!stop) {
		uint64_t since = trap_clock(), took;
		bool slow = access_one(t);

		took = trap_clock() - since;
		t->waited += slow && took >= LONG_NS;
		if (took > t->longest)
			t->longest = took;
		/* One processor for all: each gets its turn. */
		if (t->accesses % 16 == 0)
			usleep(1000);
	}
	return NULL;
}

static void start(unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		threads[i].number = i;
		threads[i].random = 0x9e3779b97f4a7c15ull * (i + 1);
		for (k = 0; k < KINDS; k++)
			threads[i].row[k] = trap_get(&device, kinds[k].row + i * kinds[k].stride, 8);
		if (pthread_create(&threads[i].thread, NULL, work, &threads[i]))
			exit(2);
	}
}

/* Numbers first .. end - 1, each of them somebody's. */
static unsigned long judge_tickets(unsigned int k)
{
	uint64_t given = trap_get(&device, kinds[k].ticket, 8) - first[k], i;
	unsigned long lost = 0;

	for (i = 0; i < given && i < TICKETS; i++)
		lost += !(drawn[k][i / 64] >> i % 64 & 1);
	if (given > TICKETS || lost) {
		printf("kind %u: %llu tickets given, %lu of them to nobody\n", k, (unsigned long long)given, lost);
		threads[0].wrong++;
	}
	return (unsigned long)given;
}

static void judge(unsigned int n, unsigned int rounds)
{
	unsigned long accesses = 0, wrong = 0, tickets = 0, waited = 0;
	uint64_t longest = 0;
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		tickets += judge_tickets(i);
	for (i = 0; i < n; i++) {
		accesses += threads[i].accesses;
		wrong += threads[i].wrong;
		waited += threads[i].waited;
		longest = threads[i].longest > longest ? threads[i].longest : longest;
	}
	printf("accesses=%lu wrong=%lu tickets=%lu rounds=%u longest_ms=%llu waited=%lu\n", accesses, wrong, tickets,
	       rounds, (unsigned long long)longest / 1000000, waited);
}

int main(int argc, char **argv)
{
	unsigned int n = argc == 7 ? (unsigned int)atoi(argv[2]) : 0, rounds, i;

	if (!n || n > MOST) {
		fprintf(stderr, "usage: trap-deaths DEVICE THREADS(1..%u) DO ROUNDS PAUSE-MS MS\n", MOST);
		return 2;
	}
	rounds = (unsigned int)atoi(argv[4]);
	trap_open(&device, argv[1]);
	for (i = 0; i < KINDS; i++)
		first[i] = trap_get(&device, kinds[i].ticket, 8) + 1;
	start(n);
	for (i = 0; i < rounds; i++) {
		usleep((useconds_t)atoi(argv[5]) * 1000);
		trap_put(&device, CHECK_ARGUMENT, 8,
			 trap_get(&device, CHECK_NOW, 8) + strtoull(argv[6], NULL, 10) * 1000000);
		trap_put(&device, CHECK_DO, 4, strtoul(argv[3], NULL, 10));
	}
	usleep(100000);
	stop = 1;
	for (i = 0; i < n; i++)
		pthread_join(threads[i].thread, NULL);
	judge(n, rounds);
	return 0;
}
