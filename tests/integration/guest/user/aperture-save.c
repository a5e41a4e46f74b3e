// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-save DEV STOP-FILE: traffic through memory made for it, memory that this program had, unaligned,
 * and memory of the other side, in turns, on a device of type check, until the file is there. The guest
 * may be saved, restored and paused meanwhile: nothing may be lost. Status 1: something was.
 *
 * Prints "ready", then at the end: rounds, wrong, octets beside the unaligned memory that changed, and
 * an octet of memory that is only read here. When
 * STOP-FILE.call is there, a thread makes a system call with the other side's memory, and says what came of it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "aperture.h"

#define OWN	(256ul << 10)
#define THEIRS	(1100ul * 4096)		/* references on two list pages */
#define HAD	150001ul		/* at BESIDE in its first page, and not to the end of its last */
#define BESIDE	1000ul
#define CANARY	0xa5
#define STILL	(64ul << 10)		/* written once, looked at to the end */

struct traffic {
	struct aperture a;
	uint8_t *copy;
	uint64_t seed;
	unsigned int rounds, wrong;
};

static void offer(struct aperture *a, int fd, uint64_t size, uint32_t flags)
{
	int err;

	*a = (struct aperture){ .fd = fd, .offer = { .wanted = size, .least = size, .flags = flags } };
	err = ioctl(fd, XENAPT_IOC_OFFER, &a->offer) ? -errno : 0;
	if (!err && !(flags & XENAPT_OFFER_CHILD_READ_ONLY))
		err = aperture_map(a);
	if (!err)
		return;
	printf("offer of %llu bytes, flags %u: %s, status %u\n", (unsigned long long)size, flags,
	       strerror(-err), a->offer.status);
	exit(2);
}

static void begin(struct traffic *t, int fd, uint64_t size, uint32_t flags)
{
	offer(&t->a, fd, size, flags);
	t->copy = malloc(t->a.size);
	t->seed = size;
}

/* Octets before, the buffer, octets behind. */
static uint8_t *begin_had(struct traffic *t, int fd)
{
	size_t size = (BESIDE + HAD + 4095) & ~4095ul;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (p == MAP_FAILED)
		exit(2);
	memset(p, CANARY, size);
	err = aperture_had(&t->a, fd, p + BESIDE, HAD);
	if (err) {
		printf("offer of memory that was there: %s\n", strerror(-err));
		exit(2);
	}
	t->copy = malloc(t->a.size);
	t->seed = HAD;
	return p;
}

static unsigned int changed_beside(const uint8_t *p)
{
	size_t size = (BESIDE + HAD + 4095) & ~4095ul, i;
	unsigned int n = 0;

	for (i = 0; i < size; i++)
		n += (i < BESIDE || i >= BESIDE + HAD) && p[i] != CANARY;
	return n;
}

/* New octets there, changed ones back; a page here and there is enough. */
static void round_trip(struct traffic *t)
{
	struct question q = { .command = CHECK_TRANSFORM, .flags = CHECK_FIRST | CHECK_LAST };
	struct check_parent answer;
	uint8_t *data = t->a.memory + CHECK_DATA;
	uint64_t i;
	int err;

	q.length = 32768;
	q.offset = t->rounds * 28672ull % (t->a.size - q.length);
	for (i = 0; i < q.length; i++) {
		t->seed = t->seed * 6364136223846793005ull + 1442695040888963407ull;
		data[q.offset + i] = (uint8_t)(t->seed >> 56);
	}
	memcpy(t->copy + q.offset, data + q.offset, q.length);
	check_transform(t->copy, q.offset, q.length);
	err = aperture_ask(&t->a, &q, &answer);
	t->rounds++;
	if (!err && !memcmp(t->copy + q.offset, data + q.offset, q.length))
		return;
	t->wrong++;
	printf("round %u of %llu bytes: %s\n", t->rounds, (unsigned long long)t->a.offer.granted,
	       err ? strerror(-err) : "contents differ");
}

static bool still_same(const uint8_t *p, uint64_t size)
{
	uint64_t i;

	for (i = CHECK_DATA; i < size; i++)
		if (p[i] != (uint8_t)(i * 7 >> 3))
			return false;
	return true;
}

static char call_file[80];

static void *call(void *memory)
{
	struct timespec before, after;
	int ends[2];
	ssize_t n;

	if (pipe(ends))
		return NULL;
	while (access(call_file, F_OK))
		usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &before);
	n = write(ends[1], memory, 1);
	printf("call_errno=%d ", n < 0 ? errno : 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	printf("call_seconds=%ld\n", after.tv_sec - before.tv_sec);
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 2 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	struct traffic own = { .rounds = 0 }, theirs = { .rounds = 0 }, had = { .rounds = 0 };
	unsigned int beside;
	uint8_t *around;
	struct aperture still, only_read;
	const volatile uint8_t *seen;
	pthread_t thread;
	uint64_t i;
	int fd = device_open(nr);

	if (argc < 3 || fd < 0)
		return 2;
	begin(&own, fd, OWN, 0);
	begin(&theirs, fd, THEIRS, XENAPT_OFFER_PARENT_OWNED);
	around = begin_had(&had, fd);
	offer(&still, fd, STILL, XENAPT_OFFER_PARENT_OWNED);
	offer(&only_read, fd, STILL, XENAPT_OFFER_PARENT_OWNED | XENAPT_OFFER_CHILD_READ_ONLY);
	seen = mmap(NULL, STILL, PROT_READ, MAP_SHARED, fd, (off_t)only_read.offer.offset);
	if (seen == MAP_FAILED)
		return 2;
	for (i = CHECK_DATA; i < STILL; i++)
		still.memory[i] = (uint8_t)(i * 7 >> 3);
	snprintf(call_file, sizeof(call_file), "%s.call", argv[2]);
	if (pthread_create(&thread, NULL, call, still.memory + CHECK_DATA))
		return 2;
	printf("ready\n");
	fflush(stdout);
	while (access(argv[2], F_OK)) {
		round_trip(&own);
		round_trip(&theirs);
		round_trip(&had);
	}
	own.wrong += !still_same(still.memory, STILL);
	beside = changed_beside(around);
	own.wrong += theirs.wrong + had.wrong;
	printf("rounds=%u had=%u wrong=%u beside=%u read=%u\n", own.rounds + theirs.rounds + had.rounds,
	       had.rounds, own.wrong, beside, seen[STILL - 1]);
	return own.wrong || beside ? 1 : 0;
}
