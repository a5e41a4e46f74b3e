/* SPDX-License-Identifier: GPL-2.0-only */
/* trap_forms.h - the other parts of trap-forms. */
#ifndef TRAP_FORMS_H
#define TRAP_FORMS_H

#include "judge.h"

/* IN, OUT, INS, OUTS. */
void try_ports(struct judge *j);

/* IN and OUT with an immediate port, on another device, "uart" at port 0x28. Says how many accesses it must have seen. */
void try_immediates(struct judge *j, const char *device);

/* MOV between the accumulator and an address that is in the instruction. */
void try_moffs(struct judge *j);

/* What rax is after IN of a value: of 4 octets the upper half becomes 0, of fewer the rest stays. */
uint64_t accumulator(unsigned int size, uint64_t rax, uint64_t value);

/* MOVS, STOS, LODS, CMPS, SCAS on memory-mapped registers. */
void try_strings(struct judge *j);

/*
 * Memory that ends a page with 24 octets and goes on in the next one; as many octets as asked for, at most
 * FORMS_MEMORY, each as the reference's random numbers say. Odd: it begins at an odd address.
 */
#define FORMS_MEMORY	(64u * 1024)
uint8_t *forms_memory(struct judge *j, unsigned int which, bool odd);

#endif
