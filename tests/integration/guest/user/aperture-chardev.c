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
	memory_maps(fd);
	interrupts(fd);
	many(fd);
	fork_keeps(fd);
	other_file(fd, nr);
	deaths(nr);
	close(fd);
	return conclude();
}
