// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trap_forms.h"
#include "trap_instructions.h"

#define MANY	4200u	/* elements: more than Xen hands over at once, over several pages */
#define SOME	60u	/* of registers that the second device answers */

static const uint32_t targets[] = {
	CHECK_FAST8, CHECK_SLOW8, CHECK_TICKET, CHECK_TICKET_SLOW, CHECK_PICKY, CHECK_HASH, CHECK_SINK,
	CHECK_FAST8 + 1, CHECK_FAST4, CHECK_FAST2, CHECK_FAST1, CHECK_MINE8 + 16, CHECK_APART8,
};

#define TARGETS	(sizeof(targets) / sizeof(targets[0]))

/* ---- IN and OUT ---- */

static uint64_t in_dx(unsigned int size, uint64_t port, uint64_t rax)
{
	if (size == 1)
		__asm__ volatile("inb %%dx, %%al" : "+a"(rax) : "d"(port));
	else if (size == 2)
		__asm__ volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(port));
	else
		__asm__ volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(port));
	return rax;
}

static void out_dx(unsigned int size, uint64_t port, uint64_t rax)
{
	if (size == 1)
		__asm__ volatile("outb %%al, %%dx" : : "a"(rax), "d"(port));
	else if (size == 2)
		__asm__ volatile("outw %%ax, %%dx" : : "a"(rax), "d"(port));
	else
		__asm__ volatile("outl %%eax, %%dx" : : "a"(rax), "d"(port));
}

uint64_t accumulator(unsigned int size, uint64_t rax, uint64_t value)
{
	return size == 4 ? value : (rax & ~trap_ones(size)) | value;
}

static void try_single(struct judge *j, unsigned int size, uint32_t reg)
{
	uint64_t port = j->t->address + reg, rax = judge_draw(j), expected;

	expected = accumulator(size, rax, judge_read(j, reg, size));
	judge_equal(j, "rax", expected, in_dx(size, port, rax));
	judge_tried(j);
	rax = judge_draw(j);
	judge_write(j, reg, size, rax & trap_ones(size));
	out_dx(size, port, rax);
	judge_tried(j);
}

static void try_singles(struct judge *j)
{
	static const char *const names[3] = {
		"in %dx, %al; out", "in %dx, %ax; out", "in %dx, %eax; out",
	};
	unsigned int n, i;

	for (n = 0; n < 3; n++) {
		judge_begin(j, names[n]);
		for (i = 0; i < TARGETS; i++)
			try_single(j, 1u << n, targets[i]);
		judge_end(j);
	}
}

/* ---- INS and OUTS ---- */

/* In the order of execution. */
static uint8_t *element(uint8_t *memory, uint64_t i, uint64_t count, uint32_t size, bool down)
{
	return memory + (down ? count - 1 - i : i) * size;
}

/* What memory must be afterwards, for INS; for OUTS the device gets it. */
static void expect(struct judge *j, const struct string_form *f, uint32_t reg, uint64_t count,
		   bool down, uint8_t *memory)
{
	uint64_t i, value;

	for (i = 0; i < count; i++) {
		uint8_t *at = element(memory, i, count, f->size, down);

		value = 0;
		if (f->kind == STRING_INS) {
			value = judge_read(j, reg, f->size);
			memcpy(at, &value, f->size);
		} else {
			memcpy(&value, at, f->size);
			judge_write(j, reg, f->size, value);
		}
	}
}

static void try_string(struct judge *j, const struct string_form *f, uint32_t reg, uint64_t count,
		       bool down)
{
	static uint8_t mirror[FORMS_MEMORY];
	uint8_t *memory = forms_memory(j, 0, count % 2 != 0);
	uint64_t first = down && count ? (count - 1) * f->size : 0;
	uint64_t moved = down ? -(count * f->size) : count * f->size;
	struct string_regs regs = {
		.rcx = f->rep ? count : 77,
		.rdx = j->t->address + reg,
		.rsi = (uintptr_t)(memory + first),
		.rdi = (uintptr_t)(memory + first),
		.down = down,
	};
	struct string_regs got = regs;
	bool in = f->kind == STRING_INS;

	memcpy(mirror, memory, FORMS_MEMORY);
	expect(j, f, reg, count, down, mirror);
	f->execute(&got);
	judge_equal(j, "rcx", f->rep ? 0 : 77, got.rcx);
	judge_equal(j, "rsi", regs.rsi + (in ? 0 : moved), got.rsi);
	judge_equal(j, "rdi", regs.rdi + (in ? moved : 0), got.rdi);
	judge_octets(j, "memory", mirror, memory, FORMS_MEMORY);
	judge_tried(j);
}

static void try_counts(struct judge *j, const struct string_form *f, uint32_t reg)
{
	bool fast = reg == CHECK_FAST8 || reg == CHECK_TICKET;
	bool slow = reg == CHECK_SLOW8 || reg == CHECK_TICKET_SLOW;
	uint64_t counts[] = { 1, 0, 2, 17, fast ? MANY : slow ? SOME : 3 };
	unsigned int i, down;

	for (i = 0; i < (f->rep ? 5 : 1); i++)
		for (down = 0; down < 2; down++)
			try_string(j, f, reg, counts[i], down);
}

void try_ports(struct judge *j)
{
	const struct string_form *f;
	unsigned int i;

	try_singles(j);
	for (f = trap_strings; f->name; f++) {
		if (f->kind != STRING_INS && f->kind != STRING_OUTS)
			continue;
		judge_begin(j, f->name);
		for (i = 0; i < TARGETS; i++)
			try_counts(j, f, targets[i]);
		judge_end(j);
	}
}
