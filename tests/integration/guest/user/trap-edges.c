// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-edges DEVICE [behind]: accesses at and over the ends of a device "check", and those that its
 * registers refuse: reads are all ones, writes change nothing. Prints a row for each.
 *
 * behind: another trapped device begins where this one ends.
 *
 * refused= and forwarded= are what the device's counters of these names must have grown by. Status 1: a value
 * was wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_registers.h"
#include "trap.h"

#define END	CHECK_REGISTERS_END

enum who { NOBODY, REFUSED, GOOD };

static const struct edge {
	const char *name;
	int64_t at;
	unsigned int size;
	enum who memory, port;
	unsigned int refused;		/* by memory: of how many accesses it becomes one */
} edges[] = {
	{ "begin - 1", -1, 1, NOBODY, NOBODY, 0 },
	{ "begin - 2", -2, 2, NOBODY, NOBODY, 0 },
	{ "begin - 8", -8, 8, NOBODY, NOBODY, 0 },
	/* A page begins there: Xen takes what crosses it apart, and the octets of HASH are refused. */
	{ "across the begin", -1, 2, REFUSED, NOBODY, 1 },
	{ "across the begin", -1, 4, REFUSED, NOBODY, 2 },
	{ "across the begin", -2, 4, REFUSED, NOBODY, 1 },
	{ "across the begin", -4, 8, REFUSED, NOBODY, 1 },
	{ "the last octet", END - 1, 1, GOOD, GOOD, 0 },
	{ "end", END, 1, NOBODY, NOBODY, 0 },
	{ "end", END, 2, NOBODY, NOBODY, 0 },
	{ "end", END, 4, NOBODY, NOBODY, 0 },
	{ "end", END, 8, NOBODY, NOBODY, 0 },
	{ "end + 1", END + 1, 1, NOBODY, NOBODY, 0 },
	{ "end + 1", END + 1, 4, NOBODY, NOBODY, 0 },
	{ "across the end", END - 1, 2, NOBODY, NOBODY, 0 },
	{ "across the end", END - 1, 4, NOBODY, NOBODY, 0 },
	{ "across the end", END - 2, 4, NOBODY, NOBODY, 0 },
	{ "across the end", END - 4, 8, NOBODY, NOBODY, 0 },
	{ "across two registers", CHECK_FAST4, 8, REFUSED, REFUSED, 1 },
	{ "across two registers", CHECK_FAST2, 4, REFUSED, REFUSED, 1 },
	{ "across two registers", CHECK_FAST1, 2, REFUSED, REFUSED, 1 },
	{ "across two devices' halves", CHECK_FAST1 + 1, 2, REFUSED, REFUSED, 1 },
	{ "unaligned", CHECK_FAST8 + 1, 2, REFUSED, REFUSED, 1 },
	{ "unaligned", CHECK_FAST8 + 2, 4, REFUSED, REFUSED, 1 },
	{ "unaligned", CHECK_FAST8 + 3, 8, REFUSED, REFUSED, 1 },
	{ "not of this width", CHECK_HASH, 1, REFUSED, REFUSED, 1 },
	{ "not of this width", CHECK_HASH, 4, REFUSED, REFUSED, 1 },
	{ "not of this width", CHECK_PICKY, 1, REFUSED, REFUSED, 1 },
	{ "not of this width", CHECK_PICKY + 2, 2, REFUSED, REFUSED, 1 },
	{ "no register", CHECK_DO_SLOW + 4, 1, REFUSED, REFUSED, 1 },
	{ "no register", CHECK_ROW - 4, 4, REFUSED, REFUSED, 1 },
	{ "the hole in a row", CHECK_ROW + 8, 4, REFUSED, REFUSED, 1 },
	{ "the hole in a row", CHECK_ROW + 15, 1, REFUSED, REFUSED, 1 },
};

static struct trap t;
static uint64_t rows, wrong, refused, forwarded;
static bool behind;

static void row(const char *name, int64_t at, unsigned int size, uint64_t expected, uint64_t got)
{
	rows++;
	wrong += expected != got;
	printf("%-28s %5lld %u  0x%llx %s\n", name, (long long)at, size, (unsigned long long)got,
	       expected == got ? "ok" : "WRONG");
}

static uint64_t changes(void)
{
	return trap_get(&t, CHECK_CHANGES, 8);
}

static uint64_t last_octet(void)
{
	return trap_get(&t, END - 1, 1);
}

static unsigned int refusals(const struct edge *e)
{
	if ((t.port ? e->port : e->memory) != REFUSED)
		return 0;
	return t.port ? 1 : e->refused;
}

/* Another device's registers are behind: those are not for this table. */
static bool is_anothers(const struct edge *e)
{
	return behind && e->at + e->size > END;
}

static void try_edge(const struct edge *e)
{
	uint64_t before = changes(), last = last_octet();
	bool good = (t.port ? e->port : e->memory) == GOOD;

	if ((t.port && e->size == 8) || is_anothers(e))
		return;
	row(e->name, e->at, e->size, good ? last : trap_ones(e->size),
	    trap_get(&t, (uint64_t)e->at, e->size));
	refused += refusals(e);
	if (good)
		return;
	trap_put(&t, (uint64_t)e->at, e->size, 0x1122334455667788);
	refused += refusals(e);
	row("  written: CHANGES", e->at, e->size, before, changes());
	row("  written: the last octet", e->at, e->size, last, last_octet());
}

/* A register is its own device's up to the last octet, and the next one from its first on. */
static void try_borders(void)
{
	static const struct { const char *name; uint32_t at; bool slow; } octets[] = {
		{ "the first device's last octet", CHECK_SLOW8 - 1, false },
		{ "the second device's first octet", CHECK_SLOW8, true },
		{ "the second device's last octet", CHECK_PICKY - 1, true },
	};
	unsigned int i;

	for (i = 0; i < 3; i++)
		trap_put(&t, octets[i].at, 1, 0x31 + i);
	for (i = 0; i < 3; i++) {
		row(octets[i].name, octets[i].at, 1, 0x31 + i, trap_get(&t, octets[i].at, 1));
		forwarded += 2 * octets[i].slow;
	}
	row("behind it, the first device's", CHECK_PICKY, 4, 0, trap_get(&t, CHECK_PICKY, 4));
}

/* The register at the begin has 8 octets, and takes no others. */
static void try_begin(void)
{
	uint64_t before = trap_get(&t, 0, 8);

	trap_put(&t, 0, 8, 0x1122334455667788);
	row("begin", 0, 8, check_fold(before, 0x1122334455667788), trap_get(&t, 0, 8));
}

static void try_directions(void)
{
	static const uint32_t only_written[] = { CHECK_SINK, CHECK_DO, CHECK_DO_SLOW };
	static const uint32_t only_read[] = { CHECK_ORDER, CHECK_CHANGES, CHECK_NOW, CHECK_TICKET_SLOW };
	uint64_t before = changes();
	unsigned int i;

	for (i = 0; i < 3; i++, refused++)
		row("read of one for writing", only_written[i], 4, trap_ones(4),
		    trap_get(&t, only_written[i], 4));
	for (i = 0; i < 4; i++, refused++) {
		trap_put(&t, only_read[i], 4, 1);
		row("write of one for reading", only_read[i], 4, before, changes());
	}
}

/* REP over an end is Xen's to hand over, and is handed over to nobody as a whole. */
static void try_rep(int64_t at)
{
	uint8_t octets[8];
	const void *from = t.at + at;
	void *to = octets;
	uint64_t n = sizeof(octets), all;

	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	memcpy(&all, octets, sizeof(all));
	row("rep across an end", at, 8, ~0ull, all);
}

/* Across the end of this device and the begin of the next: nobody's, or refused. */
static void try_behind(void)
{
	uint64_t before = changes(), last = last_octet();
	unsigned int size;

	for (size = 2; size <= 4; size *= 2) {
		row("across two devices", END - 1, size, trap_ones(size), trap_get(&t, END - 1, size));
		trap_put(&t, END - 1, size, 0);
		refused += 2;
		row("  written: CHANGES", END - 1, size, before, changes());
		row("  written: the last octet", END - 1, size, last, last_octet());
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		fprintf(stderr, "usage: trap-edges DEVICE [behind]\n");
		return 2;
	}
	behind = argc > 2;
	trap_open(&t, argv[1]);
	trap_put(&t, END - 1, 1, 0x5a);
	row("the last octet, written", END - 1, 1, 0x5a, last_octet());
	if (!t.port)
		try_begin();
	try_borders();
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		try_edge(&edges[i]);
	try_directions();
	if (!t.port)
		try_rep(END - 4);
	if (behind)
		try_behind();
	printf("rows=%llu wrong=%llu refused=%llu forwarded=%llu\n", (unsigned long long)rows,
	       (unsigned long long)wrong, (unsigned long long)refused, (unsigned long long)forwarded);
	return wrong != 0;
}
