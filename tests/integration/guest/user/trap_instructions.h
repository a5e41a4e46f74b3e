/* SPDX-License-Identifier: GPL-2.0-only */
/* trap_instructions.h - the tables of trap_instructions.S. Each ends with a row whose name is NULL. */
#ifndef TRAP_INSTRUCTIONS_H
#define TRAP_INSTRUCTIONS_H

#include <stdint.h>

enum form_does {
	FORM_READS = 1,
	FORM_WRITES = 2,	/* after reading, if it does both */
	FORM_EQUAL = 4,		/* rax (and rdx) must be what is there */
	FORM_WHOLE = 8,		/* aligned to 16 octets */
	FORM_MOVBE = 16,
};

struct form_regs {
	uint64_t rax, rbx, rcx, rdx, flags, zero;
	uint8_t xmm0[16];
};

struct form {
	const char *name;
	void (*execute)(void *memory, struct form_regs *regs);
	uint32_t size, does, flags, zero;	/* flags: those that are defined */
};

extern const struct form trap_forms[];

enum string_kind { STRING_MOVS, STRING_STOS, STRING_LODS, STRING_CMPS, STRING_SCAS, STRING_INS,
		   STRING_OUTS };

enum string_rep { STRING_ONCE, STRING_REP, STRING_REPNE };

struct string_regs {
	uint64_t rax, rcx, rdx, rsi, rdi, flags, down;
};

struct string_form {
	const char *name;
	void (*execute)(struct string_regs *regs);
	uint32_t kind, size, rep, zero;
};

extern const struct string_form trap_strings[];

#endif
