// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-chardev DEV: the char device with good and bad arguments. Every line says
 * what was checked. Status 1: something was not as include/linux/xen_aperture.h says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aperture.h"
#include "check_registers.h"

#define PAGE 4096u

/* How many apertures the whole device has, by the administrator's view. */
static int apertures_of_device(unsigned int nr)
{
	char path[80], line[200];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/xen/devices/aperture-%u/aperture/apertures", nr);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return f ? n : -1;
}

static void bad_pointers(int fd, unsigned int nr)
{
	struct xenapt_ioc_offer *read_only = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xenapt_ioc_query q;
	int before = apertures_of_device(nr), r;

	r = ioctl(fd, XENAPT_IOC_OFFER, NULL);
	check(r < 0 && errno == EFAULT, "offer with NULL: EFAULT");
	r = ioctl(fd, XENAPT_IOC_OFFER, (void *)0xffff800000000000);
	check(r < 0 && errno == EFAULT, "offer with a kernel address: EFAULT");
	r = ioctl(fd, XENAPT_IOC_QUERY, (void *)8);
	check(r < 0 && errno == EFAULT, "query to address 8: EFAULT");
	r = ioctl(fd, XENAPT_IOC_WITHDRAW, NULL);
	check(r < 0 && errno == EFAULT, "withdraw with NULL: EFAULT");
	read_only->wanted = 64 * PAGE;
	mprotect(read_only, PAGE, PROT_READ);
	r = ioctl(fd, XENAPT_IOC_OFFER, read_only);
	check(r < 0 && errno == EFAULT, "offer whose result cannot be stored: EFAULT");
	query(fd, &q);
	check(q.apertures == 0 && q.file_bytes == 0, "the file has no aperture: %u, %llu bytes",
	      q.apertures, (unsigned long long)q.file_bytes);
	check(apertures_of_device(nr) == before, "the device has as many as before: %d", before);
	munmap(read_only, PAGE);
}

static void refused(int fd, const char *what, struct xenapt_ioc_offer o, int err)
{
	int r = ioctl(fd, XENAPT_IOC_OFFER, &o);
	int got = r ? errno : 0;

	check(got == err, "%s: errno %d, expected %d, status %u", what, got, err, o.status);
}

static void bad_values(int fd)
{
	struct xenapt_ioc_withdraw w = { .slot = 5 };

	refused(fd, "unknown flag", (struct xenapt_ioc_offer){ .wanted = PAGE, .flags = 8 }, EINVAL);
	refused(fd, "both read-only", (struct xenapt_ioc_offer){ .wanted = PAGE, .flags = 3 }, EINVAL);
	refused(fd, "reserved field",
		(struct xenapt_ioc_offer){ .wanted = PAGE, .reserved = { 0, 1 } }, EINVAL);
	refused(fd, "size 0", (struct xenapt_ioc_offer){ .wanted = 0 }, EINVAL);
	refused(fd, "size 1", (struct xenapt_ioc_offer){ .wanted = 1 }, EINVAL);
	refused(fd, "size 4097", (struct xenapt_ioc_offer){ .wanted = 4097 }, EINVAL);
	refused(fd, "size 2^64-1", (struct xenapt_ioc_offer){ .wanted = ~0ull }, EINVAL);
	refused(fd, "size 2^64-4096", (struct xenapt_ioc_offer){ .wanted = ~0ull - 4095 }, EFBIG);
	refused(fd, "least above what there is",
		(struct xenapt_ioc_offer){ .wanted = PAGE, .least = 2 * PAGE }, ERANGE);
	check(ioctl(fd, XENAPT_IOC_DOORBELL, 5ul) < 0 && errno == EBADF,
	      "doorbell of a slot that is not there: EBADF");
	check(ioctl(fd, XENAPT_IOC_DOORBELL, ~0ul) < 0 && errno == EBADF, "doorbell 2^64-1: EBADF");
	check(ioctl(fd, XENAPT_IOC_WITHDRAW, &w) < 0 && errno == EBADF,
	      "withdraw of a slot that is not there: EBADF");
	check(ioctl(fd, _IO('X', 0xff), 0) < 0 && errno == ENOTTY, "unknown ioctl: ENOTTY");
}

#define ONE	{ .count = 1 }
#define READ8	.size = 8

static const struct {
	const char *what;
	struct xenapt_ioc_operate all;
	struct xenapt_ioc_operation op;
	int err;
} bad_operations[] = {
	{ "count 0", { .count = 0 }, { READ8 }, EINVAL },
	{ "count 257", { .count = XENAPT_OPERATE_MAX + 1 }, { READ8 }, EINVAL },
	{ "count 2^32-1", { .count = ~0u }, { READ8 }, EINVAL },
	{ "flag 1", { .count = 1, .flags = 1 }, { READ8 }, EINVAL },
	{ "flag 2^31", { .count = 1, .flags = 1u << 31 }, { READ8 }, EINVAL },
	{ "reserved[0]", { .count = 1, .reserved = { 1, 0 } }, { READ8 }, EINVAL },
	{ "reserved[1]", { .count = 1, .reserved = { 0, 1 } }, { READ8 }, EINVAL },
	{ "size 3", ONE, { .size = 3 }, EINVAL },
	{ "size 16", ONE, { .size = 16 }, EINVAL },
	{ "direction 5", ONE, { READ8, .direction = 5 }, EINVAL },
	{ "a command that reads", ONE, { .size = 0 }, EINVAL },
	{ "reserved octet", ONE, { READ8, .reserved0 = 1 }, EINVAL },
	{ "reserved word", ONE, { READ8, .reserved = 1 }, EINVAL },
	{ "slot without range", ONE, { READ8, .slot = 1 }, EINVAL },
	{ "offset without range", ONE, { READ8, .offset = 1 }, EINVAL },
	{ "range of no aperture", ONE, { READ8, .length = 8 }, EBADF },
	{ "range of slot 2^32-1", ONE, { READ8, .length = 8, .slot = ~0u }, EBADF },
};

static void bad_operate(int fd)
{
	struct xenapt_ioc_operation op[3] = { { READ8 }, { READ8 }, { .size = 7 } };
	struct xenapt_ioc_operate all;
	unsigned int i;
	int r, got;

	all = (struct xenapt_ioc_operate){ .operations = (uintptr_t)op, .count = 3 };
	r = ioctl(fd, XENAPT_IOC_OPERATE, &all);
	check(r < 0 && errno == EINVAL && all.index == 2 && !all.answered,
	      "operate: the third of three is none: EINVAL, index %u", all.index);
	for (i = 0; i < sizeof(bad_operations) / sizeof(bad_operations[0]); i++) {
		all = bad_operations[i].all;
		all.operations = (uintptr_t)op;
		op[0] = bad_operations[i].op;
		r = ioctl(fd, XENAPT_IOC_OPERATE, &all);
		got = r ? errno : 0;
		check(got == bad_operations[i].err && !all.answered && !all.index,
		      "operate: %s: errno %d, expected %d", bad_operations[i].what, got,
		      bad_operations[i].err);
	}
}

static void operate_fails(int fd, uint64_t operations, uint32_t count, const char *what)
{
	struct xenapt_ioc_operate all = { .operations = operations, .count = count };

	check(ioctl(fd, XENAPT_IOC_OPERATE, &all) < 0 && errno == EFAULT, "operate: %s: EFAULT",
	      what);
}

static void bad_operate_pointers(int fd)
{
	struct xenapt_ioc_operation *op = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(ioctl(fd, XENAPT_IOC_OPERATE, NULL) < 0 && errno == EFAULT,
	      "operate with NULL: EFAULT");
	operate_fails(fd, 0, 1, "operations at NULL");
	operate_fails(fd, 0xffff800000000000, 1, "operations at a kernel address");
	munmap((uint8_t *)op + PAGE, PAGE);
	operate_fails(fd, (uintptr_t)op + PAGE - sizeof(*op), XENAPT_OPERATE_MAX,
		      "256, of which one is mapped");
	*op = (struct xenapt_ioc_operation){ READ8 };
	mprotect(op, PAGE, PROT_READ);
	operate_fails(fd, (uintptr_t)op, 1, "the answers cannot be stored");
	munmap(op, PAGE);
}

/* As many as one call takes; the ring has fewer places. */
static void largest_operate(int fd)
{
	struct xenapt_ioc_operation *op = calloc(XENAPT_OPERATE_MAX, sizeof(*op));
	struct xenapt_ioc_operate all = {
		.operations = (uintptr_t)op, .count = XENAPT_OPERATE_MAX,
	};
	unsigned int i, right = 0;
	int r;

	for (i = 0; i < XENAPT_OPERATE_MAX; i++) {
		op[i].reg = CHECK_TICKET;
		op[i].size = 8;
	}
	r = ioctl(fd, XENAPT_IOC_OPERATE, &all);
	for (i = 0; i < XENAPT_OPERATE_MAX; i++)
		right += !op[i].status && op[i].result == op[0].result + i;
	check(!r && all.answered == XENAPT_OPERATE_MAX && right == XENAPT_OPERATE_MAX,
	      "256 operations of one call: %u answered, %u in their order", all.answered, right);
	free(op);
}

#define ON_NONE(a)	{ .action = XENAPT_VECTOR_##a }

static const struct {
	const char *what;
	struct xenapt_ioc_vector v;
	int err;
} bad_vectors[] = {
	{ "vector 64", { .vector = 64 }, EINVAL },
	{ "vector 2^32-1", { .vector = ~0u }, EINVAL },
	{ "one more than the device has",
	  { .vector = CHECK_VECTORS, .action = XENAPT_VECTOR_CLAIM }, ENXIO },
	{ "action 6", { .action = XENAPT_VECTOR_ACK + 1 }, EINVAL },
	{ "action 2^32-1", { .action = ~0u }, EINVAL },
	{ "flag 2", { .action = XENAPT_VECTOR_CLAIM, .flags = 2 }, EINVAL },
	{ "ACKED with STATE", { .flags = XENAPT_VECTOR_ACKED }, EINVAL },
	{ "ACKED with MASK",
	  { .action = XENAPT_VECTOR_MASK, .flags = XENAPT_VECTOR_ACKED }, EINVAL },
	{ "reserved[0]", { .reserved = { 1, 0 } }, EINVAL },
	{ "reserved[1]", { .reserved = { 0, 1 } }, EINVAL },
	{ "release of what is not claimed", ON_NONE(RELEASE), EPERM },
	{ "mask of what is not claimed", ON_NONE(MASK), EPERM },
	{ "unmask of what is not claimed", ON_NONE(UNMASK), EPERM },
	{ "ACK of what is not claimed", ON_NONE(ACK), EPERM },
};

static void bad_vector(int fd)
{
	struct xenapt_ioc_vector v;
	unsigned int i;
	int r, got;

	for (i = 0; i < sizeof(bad_vectors) / sizeof(bad_vectors[0]); i++) {
		v = bad_vectors[i].v;
		r = ioctl(fd, XENAPT_IOC_VECTOR, &v);
		got = r ? errno : 0;
		check(got == bad_vectors[i].err, "vector: %s: errno %d, expected %d",
		      bad_vectors[i].what, got, bad_vectors[i].err);
	}
	check(ioctl(fd, XENAPT_IOC_VECTOR, NULL) < 0 && errno == EFAULT,
	      "vector with NULL: EFAULT");
	v = (struct xenapt_ioc_vector){ .vector = 0 };
	check(!ioctl(fd, XENAPT_IOC_VECTOR, &v) && !(v.state & XENAPT_VECTOR_IS_CLAIMED),
	      "nothing of that claimed it");
}

static void memory_maps(int fd)
{
	struct aperture a;
	void *p;

	check(aperture_offer(&a, fd, 4 * PAGE, 4 * PAGE) == 0 && a.offer.granted == 4 * PAGE,
	      "offer of 4 pages");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)a.offer.offset);
	check(p == MAP_FAILED && errno == EINVAL, "private mapping: EINVAL");
	p = mmap(NULL, 5 * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)a.offer.offset);
	check(p == MAP_FAILED && errno == EINVAL, "mapping one page too long: EINVAL");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)a.offer.offset + 4 * PAGE);
	check(p == MAP_FAILED && errno == EINVAL, "mapping behind the end: EINVAL");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(63ull << 32));
	check(p == MAP_FAILED && errno == EINVAL, "mapping of a slot that is not there: EINVAL");
	check(aperture_map(&a) == 0 && a.memory[2 * PAGE] == 0, "mapping of all: zeroed");
	a.memory[3 * PAGE + 7] = 42;
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)a.offer.offset + 3 * PAGE);
	check(p != MAP_FAILED && ((uint8_t *)p)[7] == 42, "second mapping, of the last page alone");
	check(aperture_withdraw(&a) == 0, "withdraw while mapped by this program");
	check(a.memory[3 * PAGE + 7] == 42, "its pages live until munmap");
	check(aperture_doorbell(&a) == -EBADF, "doorbell after withdraw: EBADF");
	munmap(p, PAGE);
	munmap(a.memory, 4 * PAGE);
}

static void interrupts(int fd)
{
	struct question q = { .command = CHECK_PING, .argument = 1234 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct xenapt_interrupts r;
	struct check_parent answer;
	struct aperture a;
	int err;

	check(poll(&p, 1, 0) == 0, "poll before anything: nothing");
	check(read(fd, &r, sizeof(r) - 1) < 0 && errno == EINVAL, "read of half a record: EINVAL");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	check(read(fd, &r, sizeof(r)) < 0 && errno == EAGAIN, "read without waiting: EAGAIN");
	err = aperture_offer(&a, fd, 4 * PAGE, PAGE);
	if (!err)
		err = aperture_map(&a);
	if (!err)
		err = aperture_ask(&a, &q, &answer);
	check(!err && answer.value == ~1234ull, "ping: error %d", err);
	q.command = CHECK_INJECT;
	q.argument = 100;
	err = aperture_ask(&a, &q, &answer);
	check(!err && answer.value == 100, "100 interrupts injected: error %d", err);
	while (aperture_wait(fd, 500) > 0)
		;
	q.command = CHECK_PING;
	child_block(&a)->magic = 0;
	err = aperture_ask(&a, &q, &answer);
	check(err == -EREMOTEIO && answer.status == CHECK_E_COMMAND, "bad magic is refused");
	child_block(&a)->magic = CHECK_MAGIC;
	check(aperture_withdraw(&a) == 0, "withdraw");
	munmap(a.memory, a.offer.granted);
	fcntl(fd, F_SETFL, 0);
}

static void many(int fd)
{
	struct aperture a[70];
	struct xenapt_ioc_query q;
	unsigned int n, i;
	int err = 0;

	query(fd, &q);
	for (n = 0; n < 70; n++) {
		err = aperture_offer(&a[n], fd, PAGE, PAGE);
		if (err)
			break;
	}
	check(n > 0 && n <= q.file_max_apertures && err == -EUSERS,
	      "%u apertures, then error %d (limit of the file: %u)", n, err, q.file_max_apertures);
	for (i = 0; i < n; i++)
		wrong += aperture_withdraw(&a[i]) != 0;
	query(fd, &q);
	check(q.apertures == 0 && q.file_bytes == 0, "all are withdrawn");
}

/* In a child process: several apertures and mappings, then death. */
static void die(unsigned int nr, int signal)
{
	int fd = device_open(nr), i;
	struct aperture a[3];

	for (i = 0; i < 3; i++)
		if (aperture_offer(&a[i], fd, 16 * PAGE, PAGE) || aperture_map(&a[i]))
			_exit(3);
	aperture_doorbell(&a[0]);
	if (signal)
		kill(getpid(), signal);
	_exit(0);
}

static void deaths(unsigned int nr)
{
	static const int signals[] = { 0, SIGTERM, SIGKILL, SIGSEGV };
	int before = apertures_of_device(nr), tries, status;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		pid = fork();
		if (!pid)
			die(nr, signals[i]);
		waitpid(pid, &status, 0);
		check(signals[i] ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status),
		      "a program ends with signal %d", signals[i]);
		for (tries = 0; tries < 100 && apertures_of_device(nr) != before; tries++)
			usleep(100000);
		check(apertures_of_device(nr) == before, "its apertures are gone: %d are left", before);
	}
}

static void fork_keeps(int fd)
{
	struct xenapt_ioc_query q;
	struct aperture a;
	int status;
	pid_t pid;

	check(!aperture_offer(&a, fd, PAGE, PAGE) && !aperture_map(&a), "offer before fork");
	pid = fork();
	if (!pid) {
		a.memory[2048] = 99;
		_exit(aperture_doorbell(&a) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the child writes and rings");
	check(a.memory[2048] == 99, "the parent sees what it wrote");
	query(fd, &q);
	check(q.apertures == 1, "the child's end does not end the aperture");
	check(aperture_withdraw(&a) == 0, "withdraw");
	munmap(a.memory, PAGE);
}

static void other_file(int fd, unsigned int nr)
{
	struct xenapt_ioc_withdraw w;
	int other = device_open(nr);
	struct aperture a;

	check(!aperture_offer(&a, fd, PAGE, PAGE), "offer");
	w = (struct xenapt_ioc_withdraw){ .slot = a.offer.slot };
	check(ioctl(other, XENAPT_IOC_DOORBELL, (unsigned long)a.offer.slot) < 0 && errno == EBADF,
	      "doorbell through another file: EBADF");
	check(ioctl(other, XENAPT_IOC_WITHDRAW, &w) < 0 && errno == EBADF,
	      "withdraw through another file: EBADF");
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other, (off_t)a.offer.offset) == MAP_FAILED,
	      "mapping through another file fails");
	close(other);
	check(aperture_withdraw(&a) == 0, "withdraw");
}

static void for_reading(unsigned int nr)
{
	struct xenapt_ioc_vector v = { .action = XENAPT_VECTOR_STATE };
	struct xenapt_ioc_withdraw w = { .slot = 0 };
	struct xenapt_ioc_operate all = { .count = 1 };
	struct xenapt_ioc_offer_memory m = { .length = 1 };
	struct xenapt_ioc_query q;
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/xen/aperture%u", nr);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && !ioctl(fd, XENAPT_IOC_QUERY, &q), "query of a file opened for reading");
	refused(fd, "offer", (struct xenapt_ioc_offer){ .wanted = PAGE }, EBADF);
	check(ioctl(fd, XENAPT_IOC_OFFER_MEMORY, &m) < 0 && errno == EBADF, "offer of memory: EBADF");
	check(ioctl(fd, XENAPT_IOC_WITHDRAW, &w) < 0 && errno == EBADF, "withdraw: EBADF");
	check(ioctl(fd, XENAPT_IOC_OPERATE, &all) < 0 && errno == EBADF, "operate: EBADF");
	check(ioctl(fd, XENAPT_IOC_VECTOR, &v) < 0 && errno == EBADF, "vector: EBADF");
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int nr;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: aperture-chardev DEV\n");
		return 2;
	}
	nr = (unsigned int)strtoul(argv[1], NULL, 0);
	fd = device_open(nr);
	if (fd < 0)
		return 2;
	bad_pointers(fd, nr);
	bad_values(fd);
	bad_operate(fd);
	bad_operate_pointers(fd);
	largest_operate(fd);
	bad_vector(fd);
	memory_maps(fd);
	interrupts(fd);
	many(fd);
	fork_keeps(fd);
	other_file(fd, nr);
	for_reading(nr);
	deaths(nr);
	close(fd);
	return conclude();
}
