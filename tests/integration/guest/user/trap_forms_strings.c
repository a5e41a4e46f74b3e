// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trap_forms.h"
#include "trap_instructions.h"

#define FIRST	CHECK_ROW_SLOW	/* of the second device, what the process keeps, plain ones */
#define OCTETS	(CHECK_REGISTERS_END - FIRST)
#define FEW	16u

uint8_t *forms_memory(struct judge *j, unsigned int which, bool odd)
{
	static uint8_t memory[2][FORMS_MEMORY + 2 * TRAP_PAGE] __attribute__((aligned(TRAP_PAGE)));
	uint8_t *m = memory[which] + TRAP_PAGE - 24 + odd;
	unsigned int i;

	for (i = 0; i < FORMS_MEMORY; i += 8) {
		uint64_t value = judge_draw(j);

		memcpy(m + i, &value, 8);
	}
	return m;
}

/* One try: which operands are the device's, and where. */
struct try {
	const struct string_form *f;
	uint64_t count;
	bool down, from_device, to_device;
	uint64_t from, to;		/* registers: of the lowest octet */
	uint8_t *source, *target;	/* plain memory: lowest octets */
};

static uint64_t octets(const struct try *y)
{
	return y->count * y->f->size;
}

/* Element i in the order of execution, as an offset from the lowest octet. */
static uint64_t element(const struct try *y, uint64_t i)
{
	return (y->down ? y->count - 1 - i : i) * y->f->size;
}

/* The device's operand is read: what it would answer, into memory; n elements. */
static void read_elements(struct judge *j, const struct try *y, uint64_t n, uint64_t reg, uint8_t *to)
{
	uint64_t i, value;

	for (i = 0; i < n; i++) {
		value = judge_read(j, reg + element(y, i), y->f->size);
		memcpy(to + element(y, i), &value, y->f->size);
	}
}

static void write_elements(struct judge *j, const struct try *y, uint64_t reg, const uint8_t *from)
{
	uint64_t i, value;

	for (i = 0; i < y->count; i++) {
		value = 0;
		memcpy(&value, from + element(y, i), y->f->size);
		judge_write(j, reg + element(y, i), y->f->size, value);
	}
}

static void execute(const struct try *y, const uint8_t *source, const uint8_t *target, uint64_t rax,
		    struct string_regs *regs)
{
	uint64_t first = y->down && y->count ? (y->count - 1) * y->f->size : 0;

	*regs = (struct string_regs){
		.rax = rax,
		.rcx = y->f->rep ? y->count : 77,
		.rsi = (uintptr_t)(source + first),
		.rdi = (uintptr_t)(target + first),
		.down = y->down,
	};
	y->f->execute(regs);
	regs->rsi -= (uintptr_t)source;
	regs->rdi -= (uintptr_t)target;
}

static void judge_string(struct judge *j, const struct string_regs *expected,
			 const struct string_regs *got, uint32_t kind)
{
	uint64_t flags = kind == STRING_CMPS || kind == STRING_SCAS ? 0x8d5 : 0;

	judge_equal(j, "rax", expected->rax, got->rax);
	judge_equal(j, "rcx", expected->rcx, got->rcx);
	judge_equal(j, "rsi", expected->rsi, got->rsi);
	judge_equal(j, "rdi", expected->rdi, got->rdi);
	judge_equal(j, "flags", expected->flags & flags, got->flags & flags);
}

/*
 * First on plain memory, where the device's operands are copies of what it would answer; then on the
 * device. How many elements it was the registers say.
 */
static void try_string(struct judge *j, const struct try *y, uint64_t rax)
{
	static uint8_t mirror_from[FORMS_MEMORY], mirror_to[FORMS_MEMORY], kept[FORMS_MEMORY];
	bool reads_target = y->f->kind == STRING_CMPS || y->f->kind == STRING_SCAS;
	struct check_reference before = j->r;
	uint64_t accesses = j->accesses, row = j->row_accesses, n;
	struct string_regs expected, got;

	if (y->from_device)
		read_elements(j, y, y->count, y->from, mirror_from);
	else
		memcpy(mirror_from, y->source, octets(y));
	if (!y->to_device || !reads_target)
		memcpy(mirror_to, y->target, octets(y));
	else
		read_elements(j, y, y->count, y->to, mirror_to);
	execute(y, mirror_from, mirror_to, rax, &expected);

	n = y->f->rep ? y->count - expected.rcx : y->count;
	j->r = before;
	j->accesses = accesses;
	j->row_accesses = row;
	if (y->from_device)
		read_elements(j, y, n, y->from, kept);
	if (y->to_device && reads_target)
		read_elements(j, y, n, y->to, kept);
	if (y->to_device && !reads_target)
		write_elements(j, y, y->to, mirror_to);
	execute(y, y->from_device ? j->t->at + y->from : y->source,
		y->to_device ? j->t->at + y->to : y->target, rax, &got);
	judge_string(j, &expected, &got, y->f->kind);
	if (!y->to_device)
		judge_octets(j, "memory", mirror_to, y->target, octets(y));
	judge_tried(j);
}

/* Comparisons: what is compared is alike (or not: repne), but for one element somewhere. */
static uint64_t arrange(struct judge *j, struct try *y)
{
	struct check_reference before = j->r;
	uint64_t accesses = j->accesses, row = j->row_accesses, rax = judge_draw(j);
	uint64_t reg = y->from_device ? y->from : y->to;
	uint8_t *other = y->from_device ? y->target : y->source;
	uint64_t odd_one;

	if (y->f->kind != STRING_CMPS && y->f->kind != STRING_SCAS)
		return rax;
	if (y->count) {
		odd_one = element(y, judge_draw(j) % (y->count + 1));
		if (y->f->rep != STRING_REPNE && y->f->kind == STRING_CMPS) {
			read_elements(j, y, y->count, reg, other);
			other[odd_one] ^= 1;
		}
		/* repe scas stops at the first that is another; what rax is decides how far it comes. */
		if (y->f->kind == STRING_SCAS)
			rax = judge_read(j, reg + element(y, judge_draw(j) % y->count), y->f->size);
	}
	j->r = before;
	j->accesses = accesses;
	j->row_accesses = row;
	return rax;
}

static void try_ends(struct judge *j, struct try *y)
{
	y->source = forms_memory(j, 0, y->count % 2);
	y->target = forms_memory(j, 1, y->down);
	try_string(j, y, arrange(j, y));
}

static void try_counts(struct judge *j, struct try *y, uint64_t most)
{
	const uint64_t counts[] = { 1, 0, 2, most / y->f->size };
	unsigned int i, n = y->f->rep ? 4 : 1;

	for (i = 0; i < n; i++)
		for (y->count = counts[i], y->down = 0; ; y->down = 1) {
			try_ends(j, y);
			if (y->down)
				break;
		}
}

/* Which operand is the device's: of memory-to-memory forms each, then both. */
static void try_sides(struct judge *j, const struct string_form *f)
{
	bool source = f->kind == STRING_MOVS || f->kind == STRING_LODS || f->kind == STRING_CMPS;
	bool target = f->kind != STRING_LODS;
	struct try y = { .f = f };

	for (y.from = FIRST; source && y.from; y.from = y.from == FIRST ? CHECK_FAST8 : 0) {
		y.from_device = true;
		try_counts(j, &y, y.from == FIRST ? OCTETS : 2 * FEW);
	}
	y.from_device = false;
	for (y.to = FIRST; target && y.to; y.to = y.to == FIRST ? CHECK_FAST8 : 0) {
		y.to_device = true;
		try_counts(j, &y, y.to == FIRST ? OCTETS : 2 * FEW);
	}
	if (f->kind != STRING_MOVS)
		return;
	y = (struct try){ .f = f, .from = CHECK_SLOW8, .to = CHECK_FAST8, .from_device = true,
			  .to_device = true };
	try_counts(j, &y, FEW);
	y.from = CHECK_FAST8;
	y.to = CHECK_SLOW8;
	try_counts(j, &y, FEW);
}

void try_strings(struct judge *j)
{
	const struct string_form *f;

	for (f = trap_strings; f->name; f++) {
		if (f->kind == STRING_INS || f->kind == STRING_OUTS)
			continue;
		judge_begin(j, f->name);
		try_sides(j, f);
		judge_end(j);
	}
}
