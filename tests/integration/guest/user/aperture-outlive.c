// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-outlive DEV FILE: a program whose parent's domain ends, with memory of its own and of the parent's.
 * When FILE.gone is there, the parent is: what works, fails and waits then. When FILE.again is there, the
 * device was made anew: what became of what was open. Status 1: something was wrong.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aperture.h"

#define SIZE	(16ul << 10)
#define WAITS	500000u		/* us: who does not wait has ended then */
#define PATIENCE 100		/* tenths of a second until a wait ends */

static __thread sigjmp_buf back;
static volatile uint8_t *parents;
static int touched = -1;	/* the signal that it gave; 0: none; -1: it waits */

static void on_signal(int signal)
{
	siglongjmp(back, signal);
}

static int touch(volatile uint8_t *p)
{
	int signal = sigsetjmp(back, 1);

	if (!signal)
		(void)*p;
	return signal;
}

static void *toucher(void *unused)
{
	int signal = touch(parents);

	__atomic_store_n(&touched, signal, __ATOMIC_RELEASE);
	return unused;
}

static int what_it_gave(void)
{
	return __atomic_load_n(&touched, __ATOMIC_ACQUIRE);
}

static void wait_for(const char *file, const char *what)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.%s", file, what);
	while (access(path, F_OK))
		usleep(50000);
}

static uint8_t *memory(int fd, uint32_t flags)
{
	struct aperture a = { .fd = fd, .offer = { .wanted = SIZE, .least = SIZE, .flags = flags } };

	if (ioctl(fd, XENAPT_IOC_OFFER, &a.offer) || aperture_map(&a)) {
		printf("offer, flags %u: %s, status %u\n", flags, strerror(errno), a.offer.status);
		exit(2);
	}
	memset(a.memory + CHECK_DATA, 0x5a, SIZE - CHECK_DATA);
	return a.memory;
}

static bool same(const uint8_t *p)
{
	size_t i;

	for (i = CHECK_DATA; i < SIZE; i++)
		if (p[i] != 0x5a)
			return false;
	return true;
}

/* 0 or -errno */
static int another(int fd)
{
	struct aperture a;

	return aperture_offer(&a, fd, SIZE, SIZE);
}

static void gone(int fd, const uint8_t *own)
{
	pthread_t thread;
	int err;

	check(same(own), "the parent's domain is gone: memory of one's own is what it was");
	err = another(fd);
	check(err == -ENOTCONN, "an offer: %s", strerror(-err));
	check(!pthread_create(&thread, NULL, toucher, NULL), "a thread that touches memory of the parent's");
	usleep(WAITS);
	check(what_it_gave() == -1, "it waits, got %d", what_it_gave());
}

static void again(int fd, const uint8_t *own)
{
	int i, err;

	for (i = 0; i < PATIENCE && what_it_gave() == -1; i++)
		usleep(100000);
	check(what_it_gave() == SIGBUS, "the device was made anew: who waited has SIGBUS, got %d", what_it_gave());
	check(touch(parents) == SIGBUS, "so has who touches the parent's memory now");
	err = another(fd);
	check(err == -ENODEV, "an offer by the file that was open: %s", strerror(-err));
	check(same(own), "memory of one's own is what it was");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint8_t *own;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: aperture-outlive DEV FILE\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	sigaction(SIGBUS, &action, NULL);
	own = memory(fd, 0);
	parents = memory(fd, XENAPT_OFFER_PARENT_OWNED);
	printf("ready\n");
	fflush(stdout);
	wait_for(argv[2], "gone");
	gone(fd, own);
	printf("seen\n");
	fflush(stdout);
	wait_for(argv[2], "again");
	again(fd, own);
	return conclude();
}
