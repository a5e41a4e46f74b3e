// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-parent DEV: a program with memory of the other side's: what it may do with its mappings,
 * and what becomes of them. Every line says what was checked. Status 1: something was wrong.
 *
 * aperture-parent DEV SIZE: asks for so many bytes of the other side, and says "errno=E status=S", or, with
 * all of it written, read back and withdrawn, "whole".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aperture.h"

#define PAGE	4096ul
#define LARGE	(1300 * PAGE)		/* more than one list page of references */
#define SMALL	(16 * PAGE)

static sigjmp_buf back;
static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
	siglongjmp(back, 1);
}

/* The signal that a load, or a store of the same octet, gives; 0: none. */
static int touch(volatile uint8_t *p, bool store)
{
	caught = 0;
	if (!sigsetjmp(back, 1)) {
		uint8_t octet = *p;

		if (store)
			*p = octet;
	}
	return caught;
}

static int offer(struct aperture *a, int fd, uint64_t size, uint32_t flags)
{
	*a = (struct aperture){ .fd = fd, .offer = { .wanted = size, .least = size,
						     .flags = XENAPT_OFFER_PARENT_OWNED | flags } };
	return ioctl(fd, XENAPT_IOC_OFFER, &a->offer) ? -errno : 0;
}

static uint8_t *map(const struct aperture *a, int prot, unsigned long size, unsigned long at)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, a->fd, (off_t)(a->offer.offset + at));

	return p == MAP_FAILED ? NULL : p;
}

static bool all_zero(const uint8_t *p, size_t size)
{
	return !p[0] && !memcmp(p, p + 1, size - 1);
}

static void fill(uint8_t *p, size_t size)
{
	uint64_t x = 88172645463325252ull;
	size_t i;

	for (i = 0; i < size; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(x >> 56);
	}
}

/* Contents go through the other side, and come back changed as they must be. */
static bool exchange(struct aperture *a)
{
	struct question q = { .command = CHECK_TRANSFORM, .flags = CHECK_FIRST | CHECK_LAST,
			      .length = a->size };
	struct check_parent answer;
	uint8_t *expected = malloc(a->size);
	bool same;

	fill(a->memory + CHECK_DATA, a->size);
	memcpy(expected, a->memory + CHECK_DATA, a->size);
	check_transform(expected, 0, a->size);
	same = !aperture_ask(a, &q, &answer) && !memcmp(expected, a->memory + CHECK_DATA, a->size);
	free(expected);
	return same;
}

static void large(int fd)
{
	struct aperture a;
	int err = offer(&a, fd, LARGE, 0);

	check(!err, "%lu pages of the parent: %s, status %u", LARGE / PAGE, strerror(-err), a.offer.status);
	if (err)
		return;
	a.memory = map(&a, PROT_READ | PROT_WRITE, LARGE, 0);
	check(a.memory && all_zero(a.memory + CHECK_DATA, LARGE - CHECK_DATA),
	      "they are mapped, and zero but for what the device wrote");
	munmap(a.memory, LARGE);
	check(!aperture_map(&a), "they are mapped again");
	check(exchange(&a), "%llu octets were transformed by the parent", (unsigned long long)a.size);
	check(!aperture_withdraw(&a), "withdrawn while they are mapped");
	check(touch(a.memory, false) == SIGBUS, "then a load is SIGBUS, got %d", caught);
	check(touch(a.memory + LARGE - 1, true) == SIGBUS, "a store is SIGBUS, got %d", caught);
	munmap(a.memory, LARGE);
}

/* What becomes of a child process that does something: its wait status. */
static int in_child(void (*fn)(struct aperture *a), struct aperture *a)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		fn(a);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void child_touches(struct aperture *a)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	*(volatile uint8_t *)a->memory = 1;
}

static void child_maps_and(struct aperture *a, int how)
{
	uint8_t *p = map(a, PROT_READ | PROT_WRITE, SMALL, 0);

	if (!p)
		_exit(3);
	p[SMALL - 1] = 0x77;
	if (how == 1)
		kill(getpid(), SIGKILL);
	if (how == 2)
		execl("/bin/busybox", "true", (char *)NULL);
	_exit(how ? 4 : 0);
}

static void child_exits(struct aperture *a)
{
	child_maps_and(a, 0);
}

static void child_is_killed(struct aperture *a)
{
	child_maps_and(a, 1);
}

static void child_executes(struct aperture *a)
{
	child_maps_and(a, 2);
}

static void processes(struct aperture *a)
{
	int s = in_child(child_touches, a);

	check(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV, "fork: the child has no mapping: %#x", s);
	s = in_child(child_exits, a);
	check(WIFEXITED(s) && !WEXITSTATUS(s), "a child maps it, and exits: %#x", s);
	check(a->memory[SMALL - 1] == 0x77, "what it wrote is there");
	s = in_child(child_is_killed, a);
	check(WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL, "a child maps it, and is killed: %#x", s);
	s = in_child(child_executes, a);
	check(WIFEXITED(s) && !WEXITSTATUS(s), "a child maps it, and executes: %#x", s);
	check(exchange(a), "it works on");
}

static void protections(struct aperture *a)
{
	uint8_t *p = a->memory;

	p[5 * PAGE] = 0x55;
	check(!mprotect(p, SMALL, PROT_READ), "mprotect to read");
	check(!touch(p + 5 * PAGE, false) && p[5 * PAGE] == 0x55, "a load works");
	check(touch(p + 5 * PAGE, true) == SIGSEGV, "a store is SIGSEGV, got %d", caught);
	check(!mprotect(p, SMALL, PROT_READ | PROT_WRITE), "mprotect to read and write");
	check(!touch(p + 5 * PAGE, true) && p[5 * PAGE] == 0x55, "a store works");
	check(!mprotect(p + 2 * PAGE, 3 * PAGE, PROT_NONE), "mprotect of three pages to nothing");
	check(touch(p + 3 * PAGE, false) == SIGSEGV && !touch(p + PAGE, true) &&
	      !touch(p + 5 * PAGE, true), "only they are gone");
	check(!mprotect(p + 2 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE), "and back");
	check(exchange(a), "it works on");
}

static void advice(struct aperture *a)
{
	struct iovec here = { .iov_base = a->memory, .iov_len = PAGE }, there;
	uint8_t copy[PAGE];
	int fds[2];

	check(madvise(a->memory, SMALL, MADV_DONTNEED) < 0, "MADV_DONTNEED is refused: %s", strerror(errno));
	check(madvise(a->memory, SMALL, MADV_DOFORK) < 0, "MADV_DOFORK is refused: %s", strerror(errno));
	check(!mlock(a->memory, PAGE) && !munlock(a->memory, PAGE), "mlock and munlock do nothing");
	there = (struct iovec){ .iov_base = copy, .iov_len = PAGE };
	check(process_vm_readv(getpid(), &there, 1, &here, 1, 0) < 0 && errno == EFAULT,
	      "nobody takes pages out of it: %s", strerror(errno));
	check(!pipe(fds) && write(fds[1], a->memory, PAGE) == PAGE && read(fds[0], copy, PAGE) == PAGE &&
	      !memcmp(copy, a->memory, PAGE), "write(2) from it");
	close(fds[0]);
	close(fds[1]);
}

static void moves(struct aperture *a)
{
	uint8_t *p = map(a, PROT_READ | PROT_WRITE, SMALL, 0), *q;

	p[7 * PAGE] = 0x66;
	check(mremap(p, SMALL, 2 * SMALL, MREMAP_MAYMOVE) == MAP_FAILED, "mremap to more is refused");
	q = mremap(p, SMALL, SMALL, MREMAP_MAYMOVE | MREMAP_FIXED, p + (1ul << 30));
	if (q == MAP_FAILED)
		q = p;
	check(!touch(q + 7 * PAGE, true) && q[7 * PAGE] == 0x66 && a->memory[7 * PAGE] == 0x66,
	      "after mremap to another place%s it is whole", q == p ? " (refused)" : "");
	check(!munmap(q + 4 * PAGE, PAGE), "munmap of one page within");
	check(touch(q + 4 * PAGE, false) == SIGSEGV && !touch(q + 3 * PAGE, true) &&
	      !touch(q + 5 * PAGE, true) && q[7 * PAGE] == 0x66, "only that is gone");
	check(mmap(q + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED && !touch(q + 4 * PAGE, true),
	      "other memory is mapped there");
	check(mmap(q, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, a->fd,
		   (off_t)a->offer.offset) == q && q[7 * PAGE] == 0x66, "mapped once more over all of it");
	munmap(q, SMALL);
	check(exchange(a), "it works on");
}

static void bounds(struct aperture *a)
{
	uint8_t *last = map(a, PROT_READ, PAGE, SMALL - PAGE);

	check(last && *last == a->memory[SMALL - PAGE], "the last page alone");
	munmap(last, PAGE);
	check(!map(a, PROT_READ, 2 * PAGE, SMALL - PAGE) && errno == EINVAL, "beyond the end: %s",
	      strerror(errno));
	check(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, a->fd,
		   (off_t)a->offer.offset) == MAP_FAILED && errno == EINVAL, "private: %s", strerror(errno));
}

static void small(int fd)
{
	struct aperture a;
	int err = offer(&a, fd, SMALL, 0);

	check(!err && !aperture_map(&a), "%lu pages: %s", SMALL / PAGE, strerror(-err));
	if (err)
		return;
	check(exchange(&a), "contents go there and back");
	processes(&a);
	protections(&a);
	advice(&a);
	moves(&a);
	bounds(&a);
	check(!aperture_withdraw(&a), "withdrawn");
	munmap(a.memory, SMALL);
}

static void read_only(int fd)
{
	struct aperture a;
	uint8_t *p;
	int err = offer(&a, fd, SMALL, XENAPT_OFFER_CHILD_READ_ONLY);

	check(!err, "pages that this side only reads: %s, status %u", strerror(-err), a.offer.status);
	if (err)
		return;
	check(!map(&a, PROT_READ | PROT_WRITE, SMALL, 0) && errno == EACCES, "a writable mapping: %s",
	      strerror(errno));
	p = map(&a, PROT_READ, SMALL, 0);
	check(p && !touch(p, false), "a mapping to read");
	check(touch(p, true) == SIGSEGV, "a store is SIGSEGV, got %d", caught);
	check(mprotect(p, SMALL, PROT_READ | PROT_WRITE) < 0 && errno == EACCES, "mprotect to write: %s",
	      strerror(errno));
	check(!aperture_withdraw(&a), "withdrawn");
	check(touch(p, false) == SIGBUS, "then a load is SIGBUS, got %d", caught);
	munmap(p, SMALL);
}

/* The mapping alone keeps the file, and with it the aperture. */
static void last_one(unsigned int nr)
{
	struct aperture a;
	int err = offer(&a, device_open(nr), SMALL, 0);

	check(!err && !aperture_map(&a), "of another file: %s", strerror(-err));
	if (err)
		return;
	close(a.fd);
	check(!touch(a.memory, true), "the file is closed, the mapping works on");
	munmap(a.memory, SMALL);
}

static int once(int fd, uint64_t size)
{
	struct aperture a;
	int err = offer(&a, fd, size, 0);
	uint8_t *expected = malloc(size);

	if (err) {
		printf("errno=%d status=%u\n", -err, a.offer.status);
		return 0;
	}
	a.memory = map(&a, PROT_READ | PROT_WRITE, size, 0);
	if (!a.memory || !expected)
		return 1;
	fill(expected, size);
	fill(a.memory, size);
	sleep(1);
	if (memcmp(a.memory, expected, size) || aperture_withdraw(&a))
		return 1;
	printf("whole\n");
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	struct sigaction action = { .sa_handler = on_signal };
	int fd = device_open(nr);

	if (fd < 0)
		return 2;
	if (argc > 2)
		return once(fd, strtoull(argv[2], NULL, 0));
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	large(fd);
	small(fd);
	read_only(fd);
	last_one(nr);
	return conclude();
}
