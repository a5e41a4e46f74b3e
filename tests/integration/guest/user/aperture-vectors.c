// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-vectors DEV: every action on vectors by programs, on the device "check" with both
 * halves. Each line says what was checked. Status 1: something was not as
 * include/linux/xen_aperture.h says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check_registers.h"
#include "operate.h"

#define LOST_MS		20000
#define QUIET_MS	150	/* none came in so long: it was held back */
#define N		5u	/* the vector */

static unsigned int device;

static struct xenapt_ioc_vector state_of(int fd)
{
	struct xenapt_ioc_vector v;

	if (vector_do(fd, N, XENAPT_VECTOR_STATE, &v))
		check(false, "state of vector %u: %s", N, strerror(errno));
	return v;
}

/* Claimed, masked, in service, pending at either half, owed; and the same three counts. */
static void sysfs_says(int fd, const char *flags)
{
	struct xenapt_ioc_vector v = state_of(fd);
	char path[80], line[100], wanted[100];
	bool right = false;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/xen/devices/aperture-%u/aperture/vectors", device);
	snprintf(wanted, sizeof(wanted), "%u %s %llu %llu %llu\n", N, flags,
		 (unsigned long long)v.delivered, (unsigned long long)v.coalesced,
		 (unsigned long long)v.held);
	f = fopen(path, "r");
	while (f && !right && fgets(line, sizeof(line), f))
		right = !strcmp(line, wanted);
	if (f)
		fclose(f);
	wanted[strlen(wanted) - 1] = 0;
	check(right, "sysfs says \"%s\"", wanted);
}

static void raise_by(int fd, uint32_t command)
{
	operate_command(fd, command, 1u << N);
}

/* Nothing, or the vector and no other. */
static bool comes(int fd, int ms)
{
	uint64_t bits;
	int err = vectors_wait(fd, ms, &bits);

	if (err || bits & ~(1ull << N))
		check(false, "waiting: %s, vectors 0x%llx", strerror(-err),
		      (unsigned long long)bits);
	return bits == 1ull << N;
}

static void actions_are(int fd, int err, const char *what)
{
	static const unsigned int actions[] = {
		XENAPT_VECTOR_RELEASE, XENAPT_VECTOR_MASK, XENAPT_VECTOR_UNMASK, XENAPT_VECTOR_ACK
	};
	unsigned int i;

	for (i = 0; i < 4; i++)
		check(vector_do(fd, N, actions[i], NULL) == err, "action %u, %s: %s", actions[i],
		      what, strerror(-err));
}

static void claiming(int fd, int other)
{
	struct xenapt_ioc_vector v = state_of(fd);

	check(v.state == XENAPT_VECTOR_IS_MASKED, "one that nobody claimed is masked, no more");
	actions_are(fd, -EPERM, "not claimed");
	check(!vector_do(fd, N, XENAPT_VECTOR_CLAIM, &v), "claim");
	check(v.state == XENAPT_VECTOR_IS_CLAIMED, "it is claimed, and not masked");
	check(vector_do(fd, N, XENAPT_VECTOR_CLAIM, NULL) == -EBUSY, "claimed twice: EBUSY");
	check(vector_do(other, N, XENAPT_VECTOR_CLAIM, NULL) == -EBUSY, "by another file: EBUSY");
	check(state_of(other).state == XENAPT_VECTOR_IS_CLAIMED, "another file sees its state");
	actions_are(other, -EPERM, "by another file");
	check(vector_do(fd, N, XENAPT_VECTOR_ACK, NULL) == -EINVAL, "ACK without ACKED: EINVAL");
	check(vector_do(fd, CHECK_VECTORS, XENAPT_VECTOR_CLAIM, NULL) == -ENXIO,
	      "claim of one more than the device has: ENXIO");
	while (comes(fd, QUIET_MS))
		;
	sysfs_says(fd, "c-----");
}

static void delivering(int fd, int other, uint32_t command)
{
	struct xenapt_ioc_vector from = state_of(fd), v;

	raise_by(other, command);
	check(comes(fd, LOST_MS), "command %u: an interrupt comes", command);
	v = state_of(fd);
	check(v.delivered == from.delivered + 1 && v.coalesced == from.coalesced &&
	      v.held == from.held, "it is counted as delivered, once");
}

static void masking(int fd, int other, uint32_t command, unsigned int pending, const char *flags)
{
	struct xenapt_ioc_vector from, v;

	check(!vector_do(fd, N, XENAPT_VECTOR_MASK, &from), "mask");
	check(from.state == (XENAPT_VECTOR_IS_CLAIMED | XENAPT_VECTOR_IS_MASKED), "it is masked");
	raise_by(other, command);
	check(!comes(fd, QUIET_MS), "command %u, masked: no interrupt", command);
	v = state_of(fd);
	check(v.state == (from.state | pending) && v.delivered == from.delivered,
	      "it is pending at its half: 0x%x", v.state);
	sysfs_says(fd, flags);
	check(!vector_do(fd, N, XENAPT_VECTOR_UNMASK, &v), "unmask");
	check(v.state == XENAPT_VECTOR_IS_CLAIMED && v.delivered == from.delivered + 1 &&
	      v.held == from.held + 1, "unmasking delivers it, as one that was held");
	check(comes(fd, LOST_MS), "and the program gets it");
	check(!comes(fd, QUIET_MS), "once");
}

/* Both halves, while it is masked: one interrupt, and one that became part of it. */
static void merging(int fd, int other)
{
	struct xenapt_ioc_vector from, v;

	vector_do(fd, N, XENAPT_VECTOR_MASK, &from);
	raise_by(other, CHECK_DO_RAISE);
	raise_by(other, CHECK_DO_RAISE_APART);
	sysfs_says(fd, "cm-FS-");
	vector_do(fd, N, XENAPT_VECTOR_UNMASK, &v);
	check(v.delivered == from.delivered + 1 && v.coalesced == from.coalesced + 1,
	      "raised by both: one is delivered, one coalesced");
	check(comes(fd, LOST_MS) && !comes(fd, QUIET_MS), "the program gets one");
}

static void releasing(int fd, int other)
{
	struct xenapt_ioc_vector v;

	check(!vector_do(fd, N, XENAPT_VECTOR_RELEASE, &v), "release");
	check(v.state == XENAPT_VECTOR_IS_MASKED, "it is nobody's");
	raise_by(other, CHECK_DO_RAISE);
	check(!comes(fd, QUIET_MS), "no interrupt after the release");
	sysfs_says(fd, "-m-F--");
	check(!vector_do(other, N, XENAPT_VECTOR_CLAIM, NULL), "another file may claim it");
	check(comes(other, LOST_MS), "and gets what was pending");
	check(!comes(fd, 0), "the first file does not");
	vector_do(other, N, XENAPT_VECTOR_RELEASE, NULL);
}

static int claim_acked(int fd)
{
	struct xenapt_ioc_vector v = {
		.vector = N, .action = XENAPT_VECTOR_CLAIM, .flags = XENAPT_VECTOR_ACKED,
	};

	return ioctl(fd, XENAPT_IOC_VECTOR, &v) ? -errno : 0;
}

static void acknowledging(int fd, int other)
{
	const unsigned int in_service = XENAPT_VECTOR_IS_CLAIMED | XENAPT_VECTOR_IS_IN_SERVICE;
	struct xenapt_ioc_vector from, v;

	check(!claim_acked(fd), "claim with ACKED");
	while (comes(fd, QUIET_MS))
		vector_do(fd, N, XENAPT_VECTOR_ACK, NULL);
	raise_by(other, CHECK_DO_RAISE);
	check(comes(fd, LOST_MS), "an interrupt comes");
	from = state_of(fd);
	check(from.state == in_service, "it is in service");
	raise_by(other, CHECK_DO_RAISE_APART);
	check(!comes(fd, QUIET_MS), "no second one before the acknowledgement");
	sysfs_says(fd, "c-s-S-");
	check(!vector_do(fd, N, XENAPT_VECTOR_ACK, &v), "acknowledge");
	check(v.state == in_service && v.delivered == from.delivered + 1 && v.held == from.held + 1,
	      "the acknowledgement delivers the next");
	check(comes(fd, LOST_MS), "and the program gets it");
	check(!vector_do(fd, N, XENAPT_VECTOR_ACK, &v), "acknowledge again");
	check(v.state == XENAPT_VECTOR_IS_CLAIMED, "nothing is in service");
	check(!comes(fd, QUIET_MS), "and no more comes");
}

/* The end of a file releases what it claimed. */
static void ending(int fd, int other)
{
	close(fd);
	check(state_of(other).state == XENAPT_VECTOR_IS_MASKED, "a file that ends releases it");
	check(!vector_do(other, N, XENAPT_VECTOR_CLAIM, NULL), "another may claim it");
}

int main(int argc, char **argv)
{
	int fd, other;

	if (argc < 2) {
		fprintf(stderr, "usage: aperture-vectors DEV\n");
		return 2;
	}
	device = (unsigned int)strtoul(argv[1], NULL, 0);
	fd = device_open(device);
	other = device_open(device);
	if (fd < 0 || other < 0)
		return 2;
	/* What is pending of earlier days is the device's own affair: all of it goes. */
	operate_one(other, CHECK_PENDING, 8, XENAPT_OP_WRITE, ~0ull);
	vector_do(fd, N, XENAPT_VECTOR_CLAIM, NULL);
	while (comes(fd, QUIET_MS))
		;
	vector_do(fd, N, XENAPT_VECTOR_RELEASE, NULL);
	claiming(fd, other);
	delivering(fd, other, CHECK_DO_RAISE);
	delivering(fd, other, CHECK_DO_RAISE_APART);
	masking(fd, other, CHECK_DO_RAISE, XENAPT_VECTOR_IS_PENDING_FAST, "cm-F--");
	masking(fd, other, CHECK_DO_RAISE_APART, XENAPT_VECTOR_IS_PENDING_SLOW, "cm--S-");
	merging(fd, other);
	releasing(fd, other);
	acknowledging(fd, other);
	ending(fd, other);
	return conclude();
}
