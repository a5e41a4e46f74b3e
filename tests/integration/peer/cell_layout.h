/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cell_layout.h - how the two ends of one cell of the matrix talk about it.
 *
 * The child opens two apertures of a device "cell" (parent in user mode) or "kcell" (parent in
 * kernel mode):
 *
 *	talk	tag CELL_TALK, one page, made and written by both: questions and answers
 *	subject	tag CELL_SUBJECT, of the owner and direction that the cell is about
 *
 * Talk: the child's half at octet 0, the parent's at octet 2048. The child fills its half, stores
 * sequence last, and rings talk's doorbell; the parent answers, stores the same sequence last, and
 * raises talk's interrupt. Every answer says who touched the subject: see struct cell_who.
 *
 * Nonces never travel through talk, only what cell_key() makes of them and of the key: what a side
 * says there proves that it read the subject, now.
 */
#ifndef CELL_LAYOUT_H
#define CELL_LAYOUT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define CELL_TALK	0x74616c6bu
#define CELL_SUBJECT	0x7375626au
#define CELL_HALF	2048u		/* octet where the parent's half starts */

enum cell_command {
	CELL_NONE	= 0,
	CELL_TAKE	= 1,	/* read the word at offset; value = cell_key(word, key) */
	CELL_GIVE	= 2,	/* put a random word of your own at offset */
	CELL_JUDGE	= 3,	/* is value the cell_key(that word, key)? CELL_OK or CELL_WRONG */
	CELL_STORE	= 4,	/* try to store value at offset: see fault */
	CELL_LOOK	= 5,	/* value = the word at offset, exclusive-or with key */
};

enum cell_status {
	CELL_OK		= 0,
	CELL_WRONG	= 1,
	CELL_E_SUBJECT	= 2,	/* no subject is mapped */
	CELL_E_RANGE	= 3,
	CELL_E_COMMAND	= 4,
	CELL_E_KERNEL	= 5,	/* the kernel's part failed; value: errno */
};

/* What a store did. */
enum cell_fault {
	CELL_STORED	= 0,	/* nothing hindered it */
	CELL_SIGSEGV	= 1,	/* a program's: the signal, its code in fault_code */
	CELL_SIGBUS	= 2,
	CELL_PAGE_FAULT	= 3,	/* a kernel's: the exception table was entered */
	CELL_REFUSED	= 4,	/* a kernel's own pages: its call refused with errno fault_code */
	CELL_DROPPED	= 5,	/* no fault, and the word is what it was: Xen drops a PVH kernel's */
};

enum cell_pages {
	CELL_UNKNOWN	= 0,
	CELL_OWN	= 1,	/* of this domain */
	CELL_OTHERS	= 2,	/* mapped by a grant of the other domain */
};

/* Measured by the very code that touches the subject. */
struct cell_who {
	uint64_t code;		/* address of that code */
	uint64_t memory;	/* address of the subject there */
	uint32_t cs;		/* code segment register */
	uint32_t pid;
	uint32_t kernel;	/* 1: code and subject lie in the kernel's half of the address space */
	uint32_t thread;	/* a kernel's: 1: a kernel thread (PF_KTHREAD, no mm) */
	char name[16];		/* of the process */
	uint32_t pages;		/* whose pages the mapping is of: enum cell_pages */
	uint32_t zero;
};

struct cell_child {
	uint32_t sequence;	/* stored last */
	uint32_t command;
	uint64_t offset;	/* octet of the subject, multiple of 8 */
	uint64_t value;
	uint64_t key;
};

struct cell_parent {
	uint32_t sequence;	/* stored last */
	uint32_t status;
	uint64_t value;
	uint32_t fault;		/* of CELL_STORE */
	uint32_t fault_code;
	struct cell_who who;
};

static inline uint64_t cell_key(uint64_t word, uint64_t key)
{
	uint64_t x = ~word ^ key;

	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}

static inline uint32_t cell_cs(void)
{
	unsigned long cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	return (uint32_t)cs;
}

/* Address of the code that asks. */
static inline __attribute__((always_inline)) uint64_t cell_here(void)
{
	uint64_t ip;

	__asm__ volatile("lea 0(%%rip), %0" : "=r"(ip));
	return ip;
}

#endif /* CELL_LAYOUT_H */
