// SPDX-License-Identifier: GPL-2.0-only
/*
 * A0 to A3: the address is 8 octets of the instruction, so each is made for its register:
 *
 *	mov %rdi, %rax; the form; ret
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check_registers.h"
#include "trap_forms.h"

static const struct moffs {
	const char *name;
	uint8_t prefix, opcode;		/* prefix 0: none */
	unsigned int size;
} forms[] = {
	{ "movabsb ADDRESS, %al", 0, 0xa0, 1 },
	{ "movabsw ADDRESS, %ax", 0x66, 0xa1, 2 },
	{ "movabsl ADDRESS, %eax", 0, 0xa1, 4 },
	{ "movabsq ADDRESS, %rax", 0x48, 0xa1, 8 },
	{ "movabsb %al, ADDRESS", 0, 0xa2, 1 },
	{ "movabsw %ax, ADDRESS", 0x66, 0xa3, 2 },
	{ "movabsl %eax, ADDRESS", 0, 0xa3, 4 },
	{ "movabsq %rax, ADDRESS", 0x48, 0xa3, 8 },
};

static const uint32_t targets[] = { CHECK_FAST8, CHECK_SLOW8, CHECK_TICKET, CHECK_SINK, CHECK_PICKY, CHECK_FAST8 + 1 };

static uint64_t execute(const struct moffs *f, void *at, uint64_t rax)
{
	static uint8_t *code;
	uint64_t (*function)(uint64_t rax);
	uint64_t address = (uintptr_t)at;
	uint8_t *p;

	if (!code)
		code = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		exit(2);
	p = mempcpy(code, "\x48\x89\xf8", 3);
	if (f->prefix)
		*p++ = f->prefix;
	*p++ = f->opcode;
	p = mempcpy(p, &address, 8);
	*p = 0xc3;
	memcpy(&function, &code, sizeof(function));
	return function(rax);
}

static void try_one(struct judge *j, const struct moffs *f, uint32_t reg)
{
	uint64_t plain[2] = { judge_draw(j), 0 }, rax = judge_draw(j), value, expected;

	if (f->opcode < 0xa2) {
		value = judge_read(j, reg, f->size);
		memcpy(plain, &value, f->size);
	}
	expected = execute(f, plain, rax);
	judge_equal(j, "rax", expected, execute(f, j->t->at + reg, rax));
	if (f->opcode >= 0xa2) {
		value = 0;
		memcpy(&value, plain, f->size);
		judge_write(j, reg, f->size, value);
	}
	judge_tried(j);
}

void try_moffs(struct judge *j)
{
	unsigned int i, k;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		judge_begin(j, forms[i].name);
		for (k = 0; k < sizeof(targets) / sizeof(targets[0]); k++)
			try_one(j, &forms[i], targets[k]);
		judge_end(j);
	}
}
