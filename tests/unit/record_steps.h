/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every access of record.c to the shared record as one step, at which the test may end
 * the device that makes it, or let the other one run. Include this, then record.c itself.
 */
#ifndef TESTS_UNIT_RECORD_STEPS_H
#define TESTS_UNIT_RECORD_STEPS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <xen/io/apertureif.h>

static struct xenapt_record shared;

static uint64_t steps_left;		/* until at_step() is called; 0: never */
static uint64_t steps_made;
static void (*at_step)(void);
static jmp_buf killed;

/* Before each access. at_step() runs with the steps off: it may use the record itself. */
static void step(void)
{
	steps_made++;
	if (!steps_left || --steps_left)
		return;
	at_step();
}

static inline void kill_here(void)
{
	longjmp(killed, 1);
}

static bool is_shared(const void *p)
{
	return (const char *)p >= (const char *)&shared && (const char *)p < (const char *)(&shared + 1);
}

/* 64 bits at a time, as a CPU may be stopped in between. */
static void *stepped_copy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (!is_shared(to) && !is_shared(from))
		return memcpy(to, from, n);
	for (size_t part; n; n -= part, t += part, f += part) {
		part = n < 8 ? n : 8;
		step();
		memcpy(t, f, part);
	}
	return to;
}

static uint64_t stepped_load(const void *p, size_t n)
{
	uint64_t v = 0;

	if (is_shared(p))
		step();
	memcpy(&v, p, n);
	return v;
}

static void stepped_store(void *p, uint64_t v, size_t n)
{
	if (is_shared(p))
		step();
	memcpy(p, &v, n);
}

static bool stepped_exchange(uint64_t *p, uint64_t *from, uint64_t to)
{
	step();
	if (*p != *from) {
		*from = *p;
		return false;
	}
	*p = to;
	return true;
}

#define memcpy stepped_copy
#define __atomic_load_n(p, order) ((__typeof__(*(p)))stepped_load(p, sizeof(*(p))))
#define __atomic_store_n(p, v, order) stepped_store(p, v, sizeof(*(p)))
#define __atomic_compare_exchange_n(p, from, to, weak, success, failure) stepped_exchange(p, from, to)

#include "../../backend/core/record.c"

#undef memcpy
#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_compare_exchange_n

#endif
