// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-tickets DEVICE READERS [SECONDS]: READERS threads, each on a vCPU of its own, read TICKET_SLOW, which
 * the second device answers, each time with one more than the last; another thread on vCPU 0 writes
 * and reads a register of the first device. Until /tmp/stop is there.
 *
 *   tickets=N ones=K      answers, and how many of them were all ones
 *   lost=L twice=T        numbers between the first and the last that nobody got, or two did
 *   slow_ms=M             the longest a ticket took
 *   fast=N wrong=W fast_ms=M    the same of the first device's register
 *   beside=N                    ... of those, while a ticket was waited for since 300 ms and more
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_registers.h"
#include "trap.h"

#define READERS		16u
#define MOST		65536u	/* tickets of a reader */
#define STOP		"/tmp/stop"

static struct trap device;
static uint64_t until;

static struct reader {
	pthread_t thread;
	unsigned int cpu, n, ones;
	uint64_t longest;
	volatile uint64_t since;	/* the access that is under way; 0: none */
	uint64_t ticket[MOST];
} readers[READERS];

static struct {
	unsigned long n, wrong, beside;
	uint64_t longest;
} fast;

static int over(void)
{
	return trap_clock() >= until || !access(STOP, F_OK);
}

static void longer(uint64_t *longest, uint64_t since)
{
	uint64_t took = trap_clock() - since;

	if (took > *longest)
		*longest = took;
}

static void *read_tickets(void *arg)
{
	struct reader *r = arg;

	trap_pin(r->cpu);
	while (!over() && r->n < MOST) {
		uint64_t ticket;

		r->since = trap_clock();
		ticket = trap_get(&device, CHECK_TICKET_SLOW, 4);
		longer(&r->longest, r->since);
		r->since = 0;
		if (ticket != trap_ones(4)) {
			r->ticket[r->n++] = ticket;
			usleep(1000);
			continue;
		}
		/* As a driver would: not in a loop that leaves others no processor. */
		r->ones++;
		usleep(20000);
	}
	return NULL;
}

static int somebody_waits(uint64_t now)
{
	unsigned int i;

	for (i = 0; i < READERS; i++) {
		uint64_t since = readers[i].since;

		if (since && since + 300000000 < now)
			return 1;
	}
	return 0;
}

/* Now and then: all vCPUs, and domain 0, may have one processor. */
static void work_fast(void)
{
	uint64_t value = 0;

	trap_pin(0);
	while (!over()) {
		uint64_t since = trap_clock();
		int beside = somebody_waits(since);

		value += 4;
		trap_put(&device, CHECK_MINE4, 4, value);
		fast.wrong += trap_get(&device, CHECK_MINE4, 4) != (uint32_t)value;
		fast.n++;
		fast.beside += beside && somebody_waits(since);
		longer(&fast.longest, since);
		usleep(1000);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void judge(unsigned int n)
{
	static uint64_t all[READERS * MOST];
	unsigned long i, total = 0, ones = 0, twice = 0, lost = 0;
	uint64_t longest = 0;

	for (i = 0; i < n; i++) {
		memcpy(all + total, readers[i].ticket, readers[i].n * sizeof(*all));
		total += readers[i].n;
		ones += readers[i].ones;
		if (readers[i].longest > longest)
			longest = readers[i].longest;
	}
	qsort(all, total, sizeof(*all), compare);
	for (i = 1; i < total; i++) {
		twice += all[i] == all[i - 1];
		if (all[i] > all[i - 1])
			lost += all[i] - all[i - 1] - 1;
	}
	printf("tickets=%lu ones=%lu lost=%lu twice=%lu slow_ms=%lu fast=%lu wrong=%lu fast_ms=%lu beside=%lu\n",
	       total, ones, lost, twice, (unsigned long)(longest / 1000000), fast.n, fast.wrong,
	       (unsigned long)(fast.longest / 1000000), fast.beside);
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 2 ? (unsigned int)atoi(argv[2]) : 0, i;

	if (!n || n > READERS) {
		fprintf(stderr, "usage: trap-tickets DEVICE READERS(1..%u) [SECONDS]\n", READERS);
		return 2;
	}
	trap_open(&device, argv[1]);
	until = trap_clock() + (argc > 3 ? strtoul(argv[3], NULL, 10) : 3600) * 1000000000ull;
	for (i = 0; i < n; i++) {
		readers[i].cpu = trap_cpus() > 1 ? 1 + i % (trap_cpus() - 1) : 0;
		if (pthread_create(&readers[i].thread, NULL, read_tickets, &readers[i]))
			return 2;
	}
	work_fast();
	for (i = 0; i < n; i++)
		pthread_join(readers[i].thread, NULL);
	judge(n);
	return 0;
}
