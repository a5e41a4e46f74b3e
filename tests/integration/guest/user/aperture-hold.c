// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-hold DEV SIZE [COUNT [FLAGS [LEAST [TAG]]]]: apertures of a program that stay until it is killed or
 * the device goes. Says "ready", then a line for each wake-up. SIGUSR1: it closes the file, and says how long
 * that took.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "aperture.h"

#define MOST 64

static struct aperture held[MOST];
static volatile sig_atomic_t asked;

static void ask_to_close(int number)
{
	asked = number;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_all(int fd)
{
	long start;
	int i;

	for (i = 0; i < MOST; i++)
		if (held[i].memory)
			munmap(held[i].memory, held[i].offer.granted);
	start = now_ms();
	close(fd);
	printf("closed_ms=%ld\n", now_ms() - start);
	exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = ask_to_close };
	struct aperture a;
	int fd, n, err, i = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: aperture-hold DEV SIZE [COUNT [FLAGS [LEAST [TAG]]]]\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	for (n = argc > 3 ? atoi(argv[3]) : 1; n > 0; n--) {
		a = (struct aperture){ .fd = fd, .offer = {
			.wanted = strtoull(argv[2], NULL, 0),
			.least = argc > 5 ? strtoull(argv[5], NULL, 0) : 4096,
			.flags = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0,
			.tag = argc > 6 ? (uint32_t)strtoul(argv[6], NULL, 0) : 0,
		} };
		err = ioctl(fd, XENAPT_IOC_OFFER, &a.offer) ? -errno : 0;
		if (!err)
			err = aperture_map(&a);
		if (err) {
			printf("offer: %s status=%u\n", strerror(-err), a.offer.status);
			return 1;
		}
		held[i++ % MOST] = a;
	}
	sigaction(SIGUSR1, &action, NULL);
	printf("ready granted=%llu\n", (unsigned long long)a.offer.granted);
	fflush(stdout);
	while ((n = aperture_wait(fd, -1)) > 0 && !asked) {
		printf("interrupts=%d\n", n);
		fflush(stdout);
	}
	if (asked)
		close_all(fd);
	printf("end: %s\n", n ? strerror(-n) : "no more");
	return n ? 1 : 0;
}
