// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-forms DEVICE [SEED [UART]]: every form of an instruction that reaches a port or memory, on a device
 * "check", beside the same instruction on plain memory and the reference of the device. Prints a row for each form:
 * how often it was tried (on registers of either device, those that count reads, those that refuse) and
 * how many accesses the device must have seen. Status 1: one went wrong.
 *
 * accesses= in the last line is what the device's own counter must have grown by.
 * UART: a device of this type at port 0x28, for forms with an immediate port; immediate_accesses= are its.
 */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "trap_forms.h"
#include "trap_instructions.h"

/* Fast and slow, plain; reads that count; declined by value; of 8 octets only; for writing only; unaligned;
 * narrow ones. */
static const uint32_t targets[] = {
	CHECK_FAST8, CHECK_SLOW8, CHECK_TICKET, CHECK_TICKET_SLOW, CHECK_PICKY, CHECK_HASH, CHECK_SINK,
	CHECK_FAST8 + 1, CHECK_FAST4, CHECK_FAST2, CHECK_FAST1, CHECK_MINE8 + 16, CHECK_APART8,
};

/* The operand's place in plain memory: room before and behind it. */
struct room {
	uint8_t before[16], operand[16], behind[16];
} __attribute__((aligned(16)));

static void expect_reads(struct judge *j, const struct form *f, uint64_t reg, struct room *room)
{
	uint32_t chunk = f->size > 8 ? 8 : f->size, at;
	uint64_t value;

	for (at = 0; at < f->size; at += chunk) {
		value = judge_read(j, reg + at, chunk);
		memcpy(room->operand + at, &value, chunk);
	}
}

static void expect_writes(struct judge *j, const struct form *f, uint64_t reg, const struct room *room)
{
	uint32_t chunk = f->size > 8 ? 8 : f->size, at;
	uint64_t value;

	for (at = 0; at < f->size; at += chunk) {
		value = 0;
		memcpy(&value, room->operand + at, chunk);
		judge_write(j, reg + at, chunk, value);
	}
}

/* Shifts by 3; bits 64 to 79, which the forms subtract again. */
static void draw_regs(struct judge *j, struct form_regs *regs)
{
	uint64_t x[2] = { judge_draw(j), judge_draw(j) };

	*regs = (struct form_regs){
		.rax = judge_draw(j),
		.rbx = 64 + judge_draw(j) % 16,
		.rcx = 3 | judge_draw(j) << 8,
		.rdx = judge_draw(j),
		.flags = judge_draw(j) & 1,
	};
	memcpy(regs->xmm0, x, sizeof(x));
}

static void equal_accumulator(const struct form *f, const struct room *room, struct form_regs *regs)
{
	if (f->size == 16) {
		memcpy(&regs->rax, room->operand, 8);
		memcpy(&regs->rdx, room->operand + 8, 8);
	} else if (strstr(f->name, "cmpxchg8b")) {
		memcpy(&regs->rax, room->operand, 4);
		memcpy(&regs->rdx, room->operand + 4, 4);
	} else {
		memcpy(&regs->rax, room->operand, f->size);
	}
}

static void judge_regs(struct judge *j, const struct form *f, const struct form_regs *expected,
		       const struct form_regs *got)
{
	judge_equal(j, "rax", expected->rax, got->rax);
	judge_equal(j, "rbx", expected->rbx, got->rbx);
	judge_equal(j, "rcx", expected->rcx, got->rcx);
	judge_equal(j, "rdx", expected->rdx, got->rdx);
	judge_equal(j, "flags", expected->flags & f->flags, got->flags & f->flags);
	judge_octets(j, "xmm0", expected->xmm0, got->xmm0, sizeof(got->xmm0));
	judge_equal(j, "fault", expected->zero, got->zero);
}

static sigjmp_buf divided;

static void on_divide(int signal)
{
	(void)signal;
	siglongjmp(divided, 1);
}

/* A division that faults leaves the registers as they were. */
static void execute(const struct form *f, void *memory, struct form_regs *regs)
{
	if (sigsetjmp(divided, 1))
		regs->zero = 1;
	else
		f->execute(memory, regs);
}

/* Mostly such that the quotient is short enough. */
static void draw_dividend(const struct form *f, struct form_regs *regs)
{
	if (!strstr(f->name, "div"))
		return;
	regs->rdx = 0;
	regs->rax &= f->size == 1 ? 0x7f : 0x7fffffff;
}

static void try_form(struct judge *j, const struct form *f, uint64_t reg)
{
	struct form_regs expected, got;
	struct room room = { 0 };

	draw_regs(j, &expected);
	if (f->does & FORM_READS)
		expect_reads(j, f, reg, &room);
	draw_dividend(f, &expected);
	if (f->does & FORM_EQUAL)
		equal_accumulator(f, &room, &expected);
	got = expected;
	execute(f, room.operand, &expected);
	execute(f, j->t->at + reg, &got);
	if (f->does & FORM_WRITES)
		expect_writes(j, f, reg, &room);
	judge_regs(j, f, &expected, &got);
	judge_tried(j);
}

static bool has_movbe(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_MOVBE;
}

static void try_forms(struct judge *j)
{
	const struct form *f;
	unsigned int i;

	for (f = trap_forms; f->name; f++) {
		if (f->does & FORM_MOVBE && !has_movbe()) {
			printf("%-34s not on this processor\n", f->name);
			continue;
		}
		judge_begin(j, f->name);
		for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
			if (!(f->does & FORM_WHOLE) || !(targets[i] % 16))
				try_form(j, f, targets[i]);
		judge_end(j);
	}
}

int main(int argc, char **argv)
{
	static struct judge j;
	struct trap t;

	if (argc < 2) {
		fprintf(stderr, "usage: trap-forms DEVICE [SEED [UART]]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	trap_open(&t, argv[1]);
	judge_open(&j, &t, argc > 2 ? strtoull(argv[2], NULL, 0) : 1);
	if (t.port) {
		try_ports(&j);
		if (argc > 3)
			try_immediates(&j, argv[3]);
	} else {
		signal(SIGFPE, on_divide);
		try_forms(&j);
		try_moffs(&j);
		try_strings(&j);
	}
	return judge_conclude(&j);
}
