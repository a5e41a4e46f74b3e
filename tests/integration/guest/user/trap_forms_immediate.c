// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN and OUT with the port in the instruction: ports below 256. The device "check" is too long for a place
 * there; this is a "uart", of which LCR and SCR are octets that keep what is written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "trap_forms.h"

#define BASE	0x28u
#define IER	1u
#define LCR	3u
#define MCR	4u
#define SCR	7u
#define REGISTERS	8u
#define TRIES	8u

struct immediate {
	const char *name;
	uint64_t (*execute)(uint64_t rax);	/* rax afterwards */
	unsigned int port, size;
	bool out;
};

#define IMMEDIATE(name, text)						\
	static uint64_t name(uint64_t rax)				\
	{								\
		__asm__ volatile(text : "+a"(rax) : : "memory");	\
		return rax;						\
	}
IMMEDIATE(in_scr_1, "inb $0x2f, %%al")
IMMEDIATE(in_scr_2, "inw $0x2f, %%ax")
IMMEDIATE(in_scr_4, "inl $0x2f, %%eax")
IMMEDIATE(in_lcr_1, "inb $0x2b, %%al")
IMMEDIATE(in_lcr_2, "inw $0x2b, %%ax")
IMMEDIATE(in_lcr_4, "inl $0x2b, %%eax")
IMMEDIATE(out_scr_1, "outb %%al, $0x2f")
IMMEDIATE(out_scr_2, "outw %%ax, $0x2f")
IMMEDIATE(out_scr_4, "outl %%eax, $0x2f")
IMMEDIATE(out_lcr_1, "outb %%al, $0x2b")
IMMEDIATE(out_lcr_2, "outw %%ax, $0x2b")
IMMEDIATE(out_lcr_4, "outl %%eax, $0x2b")

static const struct immediate forms[] = {
	{ "in $0x2f, %al", in_scr_1, BASE + SCR, 1, false },
	{ "in $0x2f, %ax", in_scr_2, BASE + SCR, 2, false },
	{ "in $0x2f, %eax", in_scr_4, BASE + SCR, 4, false },
	{ "in $0x2b, %al", in_lcr_1, BASE + LCR, 1, false },
	{ "in $0x2b, %ax", in_lcr_2, BASE + LCR, 2, false },
	{ "in $0x2b, %eax", in_lcr_4, BASE + LCR, 4, false },
	{ "out %al, $0x2f", out_scr_1, BASE + SCR, 1, true },
	{ "out %ax, $0x2f", out_scr_2, BASE + SCR, 2, true },
	{ "out %eax, $0x2f", out_scr_4, BASE + SCR, 4, true },
	{ "out %al, $0x2b", out_lcr_1, BASE + LCR, 1, true },
	{ "out %ax, $0x2b", out_lcr_2, BASE + LCR, 2, true },
	{ "out %eax, $0x2b", out_lcr_4, BASE + LCR, 4, true },
};

/* The registers that keep what is written, as they must be. */
static struct trap uart;
static uint8_t kept[REGISTERS];
static uint64_t accesses;

/* What reaches beyond the device's end is not the device's: Xen answers. */
static void count(struct judge *j, unsigned int port, unsigned int size)
{
	if (port + size > BASE + REGISTERS)
		return;
	accesses++;
	j->row_accesses++;
}

static void put(struct judge *j, unsigned int reg, uint8_t value)
{
	kept[reg] = value;
	trap_put(&uart, reg, 1, value);
	count(j, BASE + reg, 1);
}

static void look(struct judge *j, const char *what, unsigned int reg)
{
	judge_equal(j, what, kept[reg], trap_get(&uart, reg, 1));
	count(j, BASE + reg, 1);
}

static void look_all(struct judge *j)
{
	look(j, "IER or DLM", IER);
	look(j, "LCR", LCR);
	look(j, "MCR", MCR);
	look(j, "SCR", SCR);
}

/* Octets only: wider ones read as all ones and write nothing. */
static void try_immediate(struct judge *j, const struct immediate *f)
{
	unsigned int reg = f->port - BASE;
	uint64_t rax = judge_draw(j), after = rax;

	put(j, reg, (uint8_t)judge_draw(j));
	if (!f->out)
		after = accumulator(f->size, rax, f->size == 1 ? kept[reg] : trap_ones(f->size));
	else if (f->size == 1)
		kept[reg] = (uint8_t)rax;
	judge_equal(j, "rax", after, f->execute(rax));
	count(j, f->port, f->size);
	look_all(j);
	judge_tried(j);
}

static void open_uart(const char *device)
{
	trap_open(&uart, device);
	if (uart.port && uart.address == BASE && uart.size == REGISTERS)
		return;
	printf("device %s is not of %u octets at port 0x%x\n", device, REGISTERS, BASE);
	exit(2);
}

void try_immediates(struct judge *j, const char *device)
{
	unsigned int i, n;

	open_uart(device);
	put(j, LCR, 0);
	put(j, IER, 0);
	put(j, MCR, 0);
	put(j, SCR, 0);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		judge_begin(j, forms[i].name);
		for (n = 0; n < TRIES; n++)
			try_immediate(j, &forms[i]);
		judge_end(j);
	}
	printf("immediate_accesses=%llu\n", (unsigned long long)accesses);
}
