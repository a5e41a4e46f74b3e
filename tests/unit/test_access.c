/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trapped accesses taken apart: compared with a reference that thinks in octets, on a device of
 * octets in which some places refuse, and a memory that has holes.
 */
#include <string.h>

#include "access.h"
#include "check.h"

#define BASE	0x600u
#define LENGTH	64u		/* octets of the device */
#define MEMORY	256u		/* octets of the guest; those at holes() are not there */
#define START	0x1000u		/* where its memory begins */

struct world {
	uint8_t device[LENGTH];
	uint8_t memory[MEMORY];
	uint32_t executed;	/* elements that the device was asked about */
};

static bool hole(uint64_t at)
{
	return at < START || at >= START + MEMORY || (at - START) / 16 % 5 == 3;
}

static bool refused(uint64_t reg)
{
	return reg / 8 == 3;
}

static int fetch(void *host, uint64_t at, void *to, uint32_t n)
{
	struct world *w = host;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (hole(at + i))
			return -1;
	memcpy(to, w->memory + (at - START), n);
	return 0;
}

static int store(void *host, uint64_t at, const void *from, uint32_t n)
{
	struct world *w = host;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (hole(at + i))
			return -1;
	memcpy(w->memory + (at - START), from, n);
	return 0;
}

static const struct xapt_access_ops ops = { .fetch = fetch, .store = store };

static uint32_t execute(struct world *w, const struct xenapt_operation *op, uint64_t *value)
{
	*value = 0;
	w->executed++;
	if (op->size != 1 && op->size != 2 && op->size != 4 && op->size != 8)
		return XENAPT_E_MALFORMED;
	if (op->reg >= LENGTH || op->reg + op->size > LENGTH || refused(op->reg))
		return XENAPT_E_REGISTER;
	if (op->direction == XENAPT_OP_READ)
		memcpy(value, w->device + op->reg, op->size);
	else
		memcpy(w->device + op->reg, &op->value, op->size);
	return XENAPT_OK;
}

/* Interrupted after each step: a walk that is left and gone on with does the same. */
static struct xapt_walk run(struct world *w, const struct xapt_access *a)
{
	struct xenapt_operation op, again;
	struct xapt_walk walk;
	uint64_t value;

	xapt_access_begin(&walk);
	while (xapt_access_next(a, &walk, BASE, &ops, w, &op)) {
		uint32_t status;

		CHECK(xapt_access_next(a, &walk, BASE, &ops, w, &again));
		CHECK(!memcmp(&op, &again, sizeof(op)));
		status = execute(w, &op, &value);
		xapt_access_done(a, &walk, &ops, w, status, value);
	}
	return walk;
}

/* ---- the reference ---- */

static bool reaches(uint64_t address, uint32_t size)
{
	return address >= BASE && address - BASE + size <= LENGTH && !refused(address - BASE);
}

static bool memory_at(uint64_t at, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size; i++)
		if (hole(at + i))
			return false;
	return true;
}

static uint64_t reference_read(struct world *w, const struct xapt_access *a, uint64_t address,
			       uint64_t pointer, uint32_t *faults)
{
	uint8_t octets[8] = { 0 };
	uint64_t value;
	uint32_t i;

	for (i = 0; i < a->size; i++)
		octets[i] = reaches(address, a->size) ? w->device[address - BASE + i] : 0xff;
	if (a->pointer && !memory_at(pointer, a->size))
		++*faults;
	else if (a->pointer)
		memcpy(w->memory + (pointer - START), octets, a->size);
	memcpy(&value, octets, sizeof(value));
	return value;
}

static void reference_write(struct world *w, const struct xapt_access *a, uint64_t address,
			    uint64_t pointer, uint32_t *faults)
{
	const void *from = &a->data;

	if (a->pointer) {
		if (!memory_at(pointer, a->size)) {
			++*faults;
			return;
		}
		from = w->memory + (pointer - START);
	}
	if (reaches(address, a->size))
		memcpy(w->device + (address - BASE), from, a->size);
}

static void reference(struct world *w, const struct xapt_access *a, uint64_t *value, uint32_t *faults)
{
	int64_t step = a->down ? -(int64_t)a->size : (int64_t)a->size;
	uint64_t address = a->address, pointer = a->data;
	uint32_t n;

	*faults = 0;
	for (n = 0; n < a->count; n++) {
		if (a->write)
			reference_write(w, a, address, pointer, faults);
		else
			*value = reference_read(w, a, address, pointer, faults);
		if (!a->port)
			address += (uint64_t)step;
		pointer += (uint64_t)step;
	}
}

/* ---- the tests ---- */

static uint64_t seed = 5;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(check_random(&seed) % n);
}

static struct xapt_access random_access(void)
{
	struct xapt_access a = {
		.address = BASE - 4 + below(LENGTH + 8),
		.size = 1u << below(4),
		.count = below(4) ? 1 : below(12),
		.write = below(2),
		.pointer = below(2),
		.down = below(2),
		.port = below(2),
	};

	a.data = a.pointer ? START - 8 + below(MEMORY + 16) : check_random(&seed);
	return a;
}

static void as_the_reference(void)
{
	struct world ours, theirs;
	uint32_t step, faults, i, refusals = 0, moved = 0;

	for (i = 0; i < MEMORY; i++)
		ours.memory[i] = (uint8_t)below(256);
	for (i = 0; i < LENGTH; i++)
		ours.device[i] = (uint8_t)below(256);
	for (step = 0; step < 100000; step++) {
		struct xapt_access a = random_access();
		struct xapt_walk walk;
		uint64_t value = 0;

		ours.executed = 0;
		theirs = ours;
		walk = run(&ours, &a);
		reference(&theirs, &a, &value, &faults);
		CHECK_CASE(!memcmp(ours.memory, theirs.memory, MEMORY), step, a.size);
		CHECK_CASE(!memcmp(ours.device, theirs.device, LENGTH), step, a.size);
		CHECK_CASE(a.write || !a.count || walk.value == value, step, a.size);
		CHECK_CASE(walk.faults == faults, step, a.size);
		CHECK_CASE(ours.executed == a.count, step, a.count);
		refusals += faults;
		moved += a.count > 1;
	}
	CHECK(refusals > 1000 && moved > 1000);
}

/* What Xen never sends, and might. */
static void odd_sizes(void)
{
	static const uint32_t sizes[] = { 0, 3, 5, 6, 7, 9, 16, 0x80000000u, UINT32_MAX };
	struct world w = { .device = { 1, 2, 3 } }, before = w;
	unsigned int i, how;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (how = 0; how < 8; how++) {
			struct xapt_access a = { .address = BASE, .size = sizes[i], .count = 2,
						 .data = START, .write = how & 1,
						 .pointer = how & 2, .down = how & 4 };
			struct xapt_walk walk = run(&w, &a);

			CHECK_CASE(a.write || walk.value == xapt_access_ones(a.size), sizes[i], how);
			CHECK_CASE(!memcmp(w.device, before.device, LENGTH), sizes[i], how);
			CHECK_CASE(!memcmp(w.memory, before.memory, MEMORY), sizes[i], how);
		}
	}
}

/* An element at a time, whatever the count: the caller's budget holds. */
static void absurd_counts(void)
{
	struct world w = { 0 };
	struct xapt_access a = { .address = BASE, .size = 4, .count = UINT32_MAX, .data = START + 50,
				 .write = true, .pointer = true, .port = true };
	struct xenapt_operation op;
	struct xapt_walk walk;
	uint32_t n;

	xapt_access_begin(&walk);
	for (n = 0; n < 1000; n++) {
		CHECK(xapt_access_next(&a, &walk, BASE, &ops, &w, &op));
		CHECK_EQ(walk.done, n);
		xapt_access_done(&a, &walk, &ops, &w, XENAPT_OK, 0);
	}
	CHECK(walk.faults > 900);
	a.count = 0;
	xapt_access_begin(&walk);
	CHECK(!xapt_access_next(&a, &walk, BASE, &ops, &w, &op));
}

/* The guest changes its memory while the element is under way: it was read once. */
static void memory_that_changes(void)
{
	struct world w = { .memory = { 0x11, 0x22 } };
	struct xapt_access a = { .address = BASE, .size = 2, .count = 1, .data = START, .write = true,
				 .pointer = true };
	struct xenapt_operation op;
	struct xapt_walk walk;

	xapt_access_begin(&walk);
	CHECK(xapt_access_next(&a, &walk, BASE, &ops, &w, &op));
	CHECK_EQ(op.value, 0x2211);
	w.memory[0] = 0x99;
	CHECK(xapt_access_next(&a, &walk, BASE, &ops, &w, &op));
	CHECK_EQ(op.value, 0x2211);
}

static void all_ones(void)
{
	CHECK_EQ(xapt_access_ones(1), 0xff);
	CHECK_EQ(xapt_access_ones(2), 0xffff);
	CHECK_EQ(xapt_access_ones(4), 0xffffffff);
	CHECK_EQ(xapt_access_ones(8), UINT64_MAX);
}

static CU_TestInfo tests[] = {
	{ "as the reference", as_the_reference },
	{ "odd sizes", odd_sizes },
	{ "absurd counts", absurd_counts },
	{ "memory that changes", memory_that_changes },
	{ "all ones", all_ones },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
