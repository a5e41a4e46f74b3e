// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-storm DEVICE KIND SECONDS OTHER [GRANT]: a guest that means harm, from all vCPUs at once, on a device
 * "check". KIND:
 *
 *   range    any access anywhere in the range and around it
 *   long     REP with a count of 2^31
 *   nowhere  REP whose memory is no memory, is a device, or is a grant
 *   changed  REP on memory that another vCPU takes away and gives back meanwhile
 *
 * GRANT: DOMAIN:REFERENCE of another guest's page, for nowhere.
 * OTHER: another device of the guest, which the last vCPU uses for SECONDS, from when each vCPU has what its
 * storm needs: worst_us= is its slowest access.
 * rounds= counts what was tried. Status 1: OTHER answered wrongly, or somebody
 * could not do what it was for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef uint32_t grant_ref_t;
typedef uint16_t domid_t;
#include <xen/gntdev.h>

#include "check_registers.h"
#include "trap.h"

#define VCPUS		16u
#define HUGE_COUNT	(1ull << 31)
#define MEMORY		(8ull << 20)
#define HOLE		0xfd000000ull	/* guest-physical: nothing is there */

static struct trap t;
static uint64_t *rounds;	/* of each vCPU, shared by all processes */
static atomic_bool *ready;	/* likewise: it has the memory that its storm is on */
static uint64_t random_state;
static sigjmp_buf fault;

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dull >> 8;
}

static void end(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- REP on the device, by whichever door ---- */

static void out(const void *from, uint64_t n)
{
	uint64_t port = t.address + CHECK_FAST1;
	void *to = t.at + CHECK_FAST8;

	if (t.port)
		__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(port) : "memory");
	else
		__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
}

static void in(void *to, uint64_t n)
{
	uint64_t port = t.address + CHECK_TICKET;
	const void *from = t.at + CHECK_FAST8;

	if (t.port)
		__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(port) : "memory");
	else
		__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
}

/* Downwards by memory, to the range's begin: TO is the last octet of plain memory. */
static void in_down(void *to, uint64_t n)
{
	const void *from = t.at + CHECK_FAST8 + 7;

	__asm__ volatile("std\n\trep movsb\n\tcld" : "+S"(from), "+D"(to), "+c"(n) : : "memory", "cc");
}

/* ---- range ---- */

static void any_access(void)
{
	uint64_t reg = draw() % (t.size + 32) - 16;
	unsigned int size = 1u << draw() % (t.port ? 3 : 4);

	if (draw() % 2)
		trap_get(&t, reg, size);
	/* Not what makes the stub domain spin: that is another test. */
	else if (reg + size <= CHECK_DO || reg >= CHECK_DO_SLOW + 4)
		trap_put(&t, reg, size, draw());
}

/* ---- long ---- */

/* 2 GiB of addresses, on little memory. */
static uint8_t *endless(void)
{
	static uint8_t *at;
	int fd;
	uint64_t i;

	if (at)
		return at;
	fd = memfd_create("endless", 0);
	if (fd < 0 || ftruncate(fd, MEMORY))
		end("memfd");
	at = mmap(NULL, HUGE_COUNT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; i < HUGE_COUNT; i += MEMORY)
		if (mmap(at + i, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
			end("2 GiB of addresses");
	return at;
}

/*
 * By memory it ends where the range's page does, with a fault of the guest's own. Upwards nothing of it reaches
 * the device: Xen hands over what is left of a page as one, finds it partly outside, and answers.
 */
static void huge_count(void)
{
	uint8_t *memory = endless();

	if (!t.port && draw() % 2)
		in_down(memory + HUGE_COUNT - 1, HUGE_COUNT);
	else if (draw() % 2)
		out(memory, HUGE_COUNT);
	else
		in(memory, HUGE_COUNT);
}

/* ---- nowhere ---- */

static uint8_t *hole(void)
{
	static uint8_t *at;
	int fd;

	if (at)
		return at;
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	at = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, HOLE);
	if (fd < 0 || at == MAP_FAILED)
		end("a hole of /dev/mem");
	return at;
}

/*
 * A page of another guest, DOMAIN:REFERENCE. Not one of our own: Xen takes a frame that is mapped a second
 * time away from where it was.
 */
static const char *grant;

static uint8_t *granted(void)
{
	static uint8_t *at;
	struct ioctl_gntdev_map_grant_ref map = { .count = 1 };
	int fd;

	if (at)
		return at;
	fd = open("/dev/xen/gntdev", O_RDWR);
	map.refs[0].domid = (uint16_t)strtoul(grant, NULL, 10);
	map.refs[0].ref = (uint32_t)strtoul(strchr(grant, ':') + 1, NULL, 10);
	if (fd < 0 || ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map))
		end("a grant to map");
	at = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.index);
	if (at == MAP_FAILED)
		end("a mapped grant");
	return at;
}

static void nowhere(void)
{
	switch (draw() % 3) {
	case 0:
		out(hole(), 16);
		in(hole(), 16);
		break;
	case 1:
		/* The device itself, when it is memory: from its registers to its registers. */
		if (!t.port)
			out(t.at + CHECK_SLOW8, 16);
		break;
	default:
		if (!grant)
			break;
		out(granted(), 512);
		in(granted(), 512);
	}
}

/* ---- changed ---- */

static uint8_t *shared;		/* of all processes */

static void change(void)
{
	if (madvise(shared, 4 * TRAP_PAGE, draw() % 2 ? MADV_REMOVE : MADV_DONTNEED))
		end("madvise");
	memset(shared + draw() % (4 * TRAP_PAGE), (int)draw(), 1);
}

static void on_shared(void)
{
	uint64_t at = draw() % (2 * TRAP_PAGE);

	if (draw() % 2)
		out(shared + at, 512);
	else
		in(shared + at, 512);
}

/* ---- */

static void prepare(const char *kind)
{
	if (!strcmp(kind, "long"))
		endless();
	if (!strcmp(kind, "nowhere"))
		hole();
	if (!strcmp(kind, "nowhere") && grant)
		granted();
}

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(fault, 1);
}

static void one_round(const char *kind, unsigned int vcpu)
{
	if (!strcmp(kind, "range"))
		any_access();
	else if (!strcmp(kind, "long"))
		huge_count();
	else if (!strcmp(kind, "nowhere"))
		nowhere();
	else if (!strcmp(kind, "changed") && vcpu % 2)
		change();
	else if (!strcmp(kind, "changed"))
		on_shared();
	else
		exit(2);
}

static void storm(const char *kind, unsigned int vcpu)
{
	trap_pin(vcpu);
	random_state = (vcpu + 1) * 0x9e3779b97f4a7c15ull;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	prepare(kind);
	ready[vcpu] = true;
	rounds[vcpu] += sigsetjmp(fault, 1) != 0;
	for (;; rounds[vcpu]++)
		one_round(kind, vcpu);
}

/* TICKET of the other device: one more each time, and how long it took. */
static int use(const struct trap *other, uint64_t until)
{
	uint64_t begin, took, worst = 0, n = 0, wrong = 0, value, last = 0;

	do {
		begin = trap_clock();
		value = trap_get(other, CHECK_TICKET, 4);
		took = trap_clock() - begin;
		worst = took > worst ? took : worst;
		wrong += n && value != last + 1;
		last = value;
		n++;
	} while (trap_clock() < until);
	printf("served=%llu wrong=%llu worst_us=%llu\n", (unsigned long long)n, (unsigned long long)wrong,
	       (unsigned long long)worst / 1000);
	return wrong != 0;
}

static bool is_ready(unsigned int vcpus)
{
	unsigned int n;

	for (n = 0; n < vcpus; n++)
		if (!ready[n])
			return false;
	return true;
}

static void *shared_memory(size_t n)
{
	void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		end("shared memory");
	return at;
}

int main(int argc, char **argv)
{
	unsigned int vcpus = trap_cpus(), n;
	uint64_t all = 0;
	pid_t children[VCPUS], ended = 0;
	struct trap other;
	int bad, status;

	if (argc < 5 || vcpus > VCPUS) {
		fprintf(stderr, "usage: trap-storm DEVICE range|long|nowhere|changed SECONDS OTHER [GRANT]\n");
		return 2;
	}
	trap_open(&t, argv[1]);
	trap_open(&other, argv[4]);
	grant = argc > 5 ? argv[5] : NULL;
	rounds = shared_memory(TRAP_PAGE);
	shared = shared_memory(4 * TRAP_PAGE);
	ready = shared_memory(TRAP_PAGE);
	for (n = 0; n < vcpus; n++) {
		children[n] = fork();
		if (!children[n])
			storm(argv[2], n);
	}
	trap_pin(vcpus - 1);
	while (!is_ready(vcpus) && !ended) {
		sched_yield();
		ended = waitpid(-1, NULL, WNOHANG);
	}
	bad = use(&other, trap_clock() + strtoull(argv[3], NULL, 0) * 1000000000);
	for (n = 0; n < vcpus; n++) {
		kill(children[n], SIGKILL);
		status = 0;
		waitpid(children[n], &status, 0);
		/* One that ended by itself could not do what it was for. */
		bad |= WIFEXITED(status);
		all += rounds[n];
	}
	printf("vcpus=%u rounds=%llu\n", vcpus, (unsigned long long)all);
	return bad;
}
