/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judge.h - a trapped device "check" beside the reference: what each access must answer, and rows of a
 * table of what was tried.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "check_reference.h"
#include "trap.h"

struct judge {
	struct trap *t;
	struct check_reference r;
	uint64_t random;
	const char *row;		/* the form that is tried */
	uint64_t row_accesses, row_tries;
	uint64_t rows, accesses, tries, wrong;
	uint64_t told;
	bool row_wrong;			/* the row has a wrong one */
};

/* The reference becomes what the device is. Nobody else uses it from now on. */
void judge_open(struct judge *j, struct trap *t, uint64_t seed);

uint64_t judge_draw(struct judge *j);

/* One access as the device must see it: the value that it must answer; all ones when it is refused. */
uint64_t judge_read(struct judge *j, uint64_t reg, unsigned int size);
void judge_write(struct judge *j, uint64_t reg, unsigned int size, uint64_t value);

void judge_equal(struct judge *j, const char *what, uint64_t expected, uint64_t got);
void judge_octets(struct judge *j, const char *what, const void *expected, const void *got, uint64_t n);

/* Everything that counts or keeps an order is as the reference says: each was executed once. */
void judge_state(struct judge *j);

void judge_begin(struct judge *j, const char *row);
/* One more try of the row ended: the state is looked at. */
void judge_tried(struct judge *j);
void judge_end(struct judge *j);

/* The last line. Status of the program. */
int judge_conclude(const struct judge *j);

#endif
