// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-keep DEV SIZE: a program with memory of the other side's while processes there are killed. The
 * contents never change: both sides look, again and again, until /tmp/stop is there. It also counts the
 * faults that its own looking took: a mapping that was made anew would take one for each page.
 *
 * Beside it memory that this program had, unaligned, with two contents in turns: the other side sees
 * each as it saw it first, in the partial pages too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aperture.h"

#define HAD	100001ul		/* at BESIDE in its first page, and not to the end of its last */
#define BESIDE	1000ul

static uint8_t *copy;
static struct aperture had;
static struct check_parent had_first[2];

static long faults_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt + r.ru_majflt;
}

/* 0 or the error that the other side named */
static uint32_t refused(int fd, uint64_t size)
{
	struct xenapt_ioc_offer o = { .wanted = size, .least = size,
				      .flags = XENAPT_OFFER_PARENT_OWNED };

	return ioctl(fd, XENAPT_IOC_OFFER, &o) ? o.status : 0;
}

static int begin(struct aperture *a, int fd, uint64_t size)
{
	uint64_t i;
	int err;

	*a = (struct aperture){ .fd = fd, .offer = { .wanted = size, .least = size,
						     .flags = XENAPT_OFFER_PARENT_OWNED } };
	if (ioctl(fd, XENAPT_IOC_OFFER, &a->offer))
		return -errno;
	err = aperture_map(a);
	copy = malloc(size);
	if (err || !copy)
		return err ? err : -ENOMEM;
	for (i = 0; i < a->size; i++)
		a->memory[CHECK_DATA + i] = (uint8_t)(i * 2654435761u >> 13);
	memcpy(copy, a->memory + CHECK_DATA, a->size);
	return 0;
}

static int look(struct aperture *a, struct check_parent *answer)
{
	struct question q = { .command = CHECK_DIGEST, .length = a->size };

	return aperture_ask(a, &q, answer);
}

static int begin_had(int fd)
{
	uint8_t *p = malloc(HAD + 2 * 4096);

	if (!p)
		return -ENOMEM;
	p = (uint8_t *)(((uintptr_t)p + 4095) & ~4095ul) + BESIDE;
	return aperture_had(&had, fd, p, HAD);
}

/* 1: the other side saw something else than when it saw these contents first. */
static unsigned int turn(unsigned int round, int *err)
{
	struct check_parent answer, *first = &had_first[round % 2];
	uint64_t i;

	for (i = 0; i < had.size; i++)
		had.memory[CHECK_DATA + i] = (uint8_t)((i + round % 2) * 2654435761u >> 13);
	*err = look(&had, &answer);
	if (!*err && round < 2)
		*first = answer;
	return !*err && memcmp(answer.digest, first->digest, sizeof(first->digest));
}

static void keep(struct aperture *a)
{
	struct check_parent answer, first;
	unsigned int rounds = 0, other = 0, workers = 1;
	long faults = 0, before;
	uint32_t pid;
	int err = look(a, &first);

	pid = first.pid;
	printf("ready\n");
	fflush(stdout);
	while (!err && access("/tmp/stop", F_OK)) {
		before = faults_now();
		other += memcmp(copy, a->memory + CHECK_DATA, a->size) != 0;
		faults += faults_now() - before;
		err = look(a, &answer);
		other += !err && memcmp(answer.digest, first.digest, sizeof(first.digest)) != 0;
		workers += !err && answer.pid != pid;
		pid = answer.pid;
		if (!err)
			other += turn(rounds, &err);
		rounds++;
	}
	printf("rounds=%u workers=%u other=%u faults=%ld error=%d\n", rounds, workers, other, faults,
	       err);
}

int main(int argc, char **argv)
{
	uint64_t size = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	struct aperture a;
	int fd, err;

	if (!size) {
		fprintf(stderr, "usage: aperture-keep DEV SIZE\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	printf("more_than_all=%u\n", refused(fd, 1ull << 30));
	err = begin(&a, fd, size) ?: begin_had(fd);
	if (err) {
		printf("error=%d status=%u\n", err, a.offer.status);
		return 1;
	}
	keep(&a);
	return aperture_withdraw(&a) || aperture_withdraw(&had);
}
