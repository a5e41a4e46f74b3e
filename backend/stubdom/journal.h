/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each vCPU's access has come to, kept by a restart in place: a trap may come at any instruction.
 * A new step is written beside the one that counts, and counts by one store.
 */
#ifndef STUB_JOURNAL_H
#define STUB_JOURNAL_H

#include <stdint.h>

#include "access.h"
#include "ioreq.h"

struct step {
	struct xapt_walk walk;
	uint64_t id;		/* of the element; 0: none yet */
};

enum journal_phase {
	JOURNAL_FREE,		/* taken or not, nothing was done for it */
	JOURNAL_TAKEN,		/* the rest is true */
	JOURNAL_ANSWERED,	/* with value; or about to be */
};

struct journal {
	struct xapt_access access;
	struct step step[2];
	uint8_t now;		/* the step that counts */
	uint8_t phase;
	uint64_t value;
	uint64_t since;		/* the element waits for others since then; 0: it does not */
	uint32_t tries;		/* of the element that a trap ended */
};

extern struct journal journals[IOREQ_VCPUS];

struct step journal_step(unsigned int v);
void journal_write(unsigned int v, const struct step *s);

/* A new access: its first element has no id yet. */
void journal_begin(unsigned int v, const struct xapt_access *access);

/* An id that was never used, with this entry. */
uint64_t journal_id(unsigned int entry);

#endif
