// SPDX-License-Identifier: GPL-2.0-only
#include "judge.h"

#include <stdio.h>
#include <string.h>

#define TELL	12	/* wrong ones that are described */

uint64_t judge_draw(struct judge *j)
{
	j->random ^= j->random << 13;
	j->random ^= j->random >> 7;
	j->random ^= j->random << 17;
	return j->random * 0x2545f4914f6cdd1dull;
}

/* As the program's own accesses are: by ports, 8 octets are two accesses. */
static uint64_t get(struct judge *j, uint64_t reg, unsigned int size)
{
	j->accesses += j->t->port && size == 8 ? 2 : 1;
	return trap_get(j->t, reg, size);
}

static void rows_open(struct judge *j, struct check_state *s)
{
	unsigned int n;

	for (n = 0; n < CHECK_ROWS; n++) {
		s->row[n] = get(j, CHECK_ROW + 16 * n, 8);
		s->row_slow[n] = get(j, CHECK_ROW_SLOW + 8 * n, 8);
		s->mine8[n] = get(j, CHECK_MINE8 + 8 * n, 8);
		s->mine4[n] = (uint32_t)get(j, CHECK_MINE4 + 4 * n, 4);
		s->mine2[n] = (uint16_t)get(j, CHECK_MINE2 + 2 * n, 2);
		s->mine1[n] = (uint8_t)get(j, CHECK_MINE1 + n, 1);
	}
}

static void plain_open(struct judge *j, struct check_state *s)
{
	unsigned int n;

	s->fast8 = get(j, CHECK_FAST8, 8);
	s->fast4 = (uint32_t)get(j, CHECK_FAST4, 4);
	s->fast2 = (uint16_t)get(j, CHECK_FAST2, 2);
	s->slow8 = get(j, CHECK_SLOW8, 8);
	s->slow4 = (uint32_t)get(j, CHECK_SLOW4, 4);
	s->slow2 = (uint16_t)get(j, CHECK_SLOW2, 2);
	for (n = 0; n < 2; n++) {
		s->fast1[n] = (uint8_t)get(j, CHECK_FAST1 + n, 1);
		s->slow1[n] = (uint8_t)get(j, CHECK_SLOW1 + n, 1);
		j->r.apart1[n] = (uint8_t)get(j, CHECK_APART1 + n, 1);
	}
	j->r.apart8 = get(j, CHECK_APART8, 8);
	j->r.apart4 = (uint32_t)get(j, CHECK_APART4, 4);
	j->r.apart2 = (uint16_t)get(j, CHECK_APART2, 2);
}

/* HASH and HASH_SLOW have 8 octets always: by ports they are never read nor written. */
void judge_open(struct judge *j, struct trap *t, uint64_t seed)
{
	struct check_state *s = &j->r.state;

	*j = (struct judge){ .t = t, .random = seed * 0x9e3779b97f4a7c15ull + 1 };
	check_reference_reset(&j->r);
	if (!t->port) {
		s->hash = get(j, CHECK_HASH, 8);
		s->hash_slow = get(j, CHECK_HASH_SLOW, 8);
	}
	s->picky = get(j, CHECK_PICKY, 8);
	s->order = get(j, CHECK_ORDER, 8);
	s->changes = get(j, CHECK_CHANGES, 8);
	s->pending = get(j, CHECK_PENDING, 8);
	s->argument = get(j, CHECK_ARGUMENT, 8);
	/* By ports in halves, and each is a read that counts. */
	s->ticket = get(j, CHECK_TICKET, 4) + 1;
	s->ticket_slow = get(j, CHECK_TICKET_SLOW, 4) + 1;
	plain_open(j, s);
	rows_open(j, s);
}

uint64_t judge_read(struct judge *j, uint64_t reg, unsigned int size)
{
	struct check_answer a = check_reference_access(&j->r, reg, size, 0, 0);

	j->accesses++;
	j->row_accesses++;
	return a.status ? trap_ones(size) : a.value;
}

void judge_write(struct judge *j, uint64_t reg, unsigned int size, uint64_t value)
{
	check_reference_access(&j->r, reg, size, 1, value);
	j->accesses++;
	j->row_accesses++;
}

static void tell(struct judge *j, const char *what)
{
	j->wrong++;
	j->row_wrong = true;
	if (j->told++ < TELL)
		printf("WRONG %s: %s", j->row, what);
	else if (j->told == TELL + 1)
		printf("WRONG ... and more");
}

void judge_equal(struct judge *j, const char *what, uint64_t expected, uint64_t got)
{
	if (expected == got)
		return;
	tell(j, what);
	if (j->told <= TELL)
		printf(" is 0x%llx, not 0x%llx", (unsigned long long)got,
		       (unsigned long long)expected);
	printf("\n");
}

void judge_octets(struct judge *j, const char *what, const void *expected, const void *got, uint64_t n)
{
	const uint8_t *e = expected, *g = got;
	uint64_t i;

	for (i = 0; i < n && e[i] == g[i]; i++)
		;
	if (i == n)
		return;
	tell(j, what);
	if (j->told <= TELL)
		printf(" octet %llu of %llu is 0x%02x, not 0x%02x", (unsigned long long)i,
		       (unsigned long long)n, g[i], e[i]);
	printf("\n");
}

static void one(struct judge *j, const char *what, uint64_t reg, unsigned int size)
{
	uint64_t expected;

	if (!j->t->port || size < 8)
		expected = judge_read(j, reg, size);
	else {
		expected = judge_read(j, reg, 4);
		expected |= judge_read(j, reg + 4, 4) << 32;
	}
	judge_equal(j, what, expected, trap_get(j->t, reg, size));
}

void judge_state(struct judge *j)
{
	uint64_t before = j->row_accesses;

	one(j, "TICKET", CHECK_TICKET, 4);
	one(j, "TICKET_SLOW", CHECK_TICKET_SLOW, 4);
	one(j, "CHANGES", CHECK_CHANGES, 8);
	one(j, "ORDER", CHECK_ORDER, 8);
	one(j, "FAST8", CHECK_FAST8, 8);
	one(j, "SLOW8", CHECK_SLOW8, 8);
	j->row_accesses = before;
}

void judge_begin(struct judge *j, const char *row)
{
	j->row = row;
	j->row_accesses = j->row_tries = 0;
	j->row_wrong = false;
}

void judge_tried(struct judge *j)
{
	j->row_tries++;
	j->tries++;
	judge_state(j);
}

void judge_end(struct judge *j)
{
	j->rows++;
	printf("%-34s %5llu tries %7llu accesses  %s\n", j->row, (unsigned long long)j->row_tries,
	       (unsigned long long)j->row_accesses, j->row_wrong ? "WRONG" : "ok");
	/* A device that went another way is no judge of the next row. */
	if (j->row_wrong) {
		struct judge now = *j;

		judge_open(&now, j->t, 1);
		j->r = now.r;
		j->accesses += now.accesses;
	}
}

int judge_conclude(const struct judge *j)
{
	printf("rows=%llu tries=%llu accesses=%llu wrong=%llu\n", (unsigned long long)j->rows,
	       (unsigned long long)j->tries, (unsigned long long)j->accesses,
	       (unsigned long long)j->wrong);
	return j->wrong != 0;
}
