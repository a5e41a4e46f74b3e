// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-deaths DEVICE THREADS DO ROUNDS PAUSE-MS MS: threads on all vCPUs access a device "check", fast and
 * slow registers, each with what only it knows the answer of, and tickets that all draw. ROUNDS times, every
 * PAUSE-MS, the command DO is given, which goes wrong for MS milliseconds of the device's counter.
 *
 *   accesses=N wrong=W       of rows: each is as the reference says
 *   tickets=N                of both devices: each once, or wrong counts that, too
 *   rounds=R longest_ms=M    commands given; the longest that an access took
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

static const struct {
	unsigned int ticket, row, stride;
	uint64_t (*fold)(uint64_t hash, uint64_t value);
} kinds[KINDS] = {
	{ CHECK_TICKET, CHECK_ROW, 16, check_fold },
	{ CHECK_TICKET_SLOW, CHECK_ROW_SLOW, 8, check_fold_slow },
};

static struct trap device;
static volatile int stop;

static struct thread {
	pthread_t thread;
	unsigned int number;
	uint64_t random, longest;
	uint64_t row[KINDS];
	unsigned long accesses, wrong, tickets[KINDS];
	uint64_t sum[KINDS];		/* of the tickets */
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

static void access_one(struct thread *t)
{
	uint64_t value = draw(t), got;
	unsigned int k = value % 4 == 0, what = value >> 8 & 3;
	unsigned int row = kinds[k].row + t->number * kinds[k].stride;

	if (what == 0) {
		got = trap_get(&device, kinds[k].ticket, 8);
		t->sum[k] += got;
		t->tickets[k]++;
	} else if (what == 1) {
		check_row(t, k, trap_get(&device, row, 8));
	} else {
		trap_put(&device, row, 8, value);
		t->row[k] = kinds[k].fold(t->row[k], value);
	}
	t->accesses++;
}

static void *work(void *arg)
{
	struct thread *t = arg;

	trap_pin(t->number % trap_cpus());
	while (!stop) {
		uint64_t since = trap_clock(), took;

		access_one(t);
		took = trap_clock() - since;
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

/* Numbers first .. end - 1, each once, have this sum; a lost or a doubled one changes it or their number. */
static unsigned long judge_tickets(unsigned int n, unsigned int k, uint64_t first)
{
	uint64_t end = trap_get(&device, kinds[k].ticket, 8), sum = 0, i;
	unsigned long tickets = 0;

	for (i = 0; i < n; i++) {
		tickets += threads[i].tickets[k];
		sum += threads[i].sum[k];
	}
	for (i = first; i < end; i++)
		sum -= i;
	if (tickets == end - first && !sum)
		return tickets;
	printf("kind %u: %lu tickets were drawn, %llu given, the sum is %llx off\n", k, tickets,
	       (unsigned long long)(end - first), (unsigned long long)sum);
	threads[0].wrong++;
	return tickets;
}

static void judge(unsigned int n, const uint64_t *first, unsigned int rounds)
{
	unsigned long accesses = 0, wrong = 0, tickets = 0;
	uint64_t longest = 0;
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		tickets += judge_tickets(n, i, first[i]);
	for (i = 0; i < n; i++) {
		accesses += threads[i].accesses;
		wrong += threads[i].wrong;
		longest = threads[i].longest > longest ? threads[i].longest : longest;
	}
	printf("accesses=%lu wrong=%lu tickets=%lu rounds=%u longest_ms=%llu\n", accesses, wrong, tickets,
	       rounds, (unsigned long long)longest / 1000000);
}

int main(int argc, char **argv)
{
	unsigned int n = argc == 7 ? (unsigned int)atoi(argv[2]) : 0, rounds, i;
	uint64_t first[KINDS];

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
	judge(n, first, rounds);
	return 0;
}
