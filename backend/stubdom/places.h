/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The doors' ranges and event channels, as claimed of Xen: kept by a restart in place, with all that it
 * takes to serve them at once again, and what was counted.
 */
#ifndef STUB_PLACES_H
#define STUB_PLACES_H

#include "door.h"

struct place {
	bool used;
	uint32_t event;		/* the guest's; 0: not yet */
	uint32_t tries;		/* of a turn's beginning that a trap ended */
	struct { uint64_t trapped, forwarded, timeouts, faults, interrupts; } count;	/* since places_note() */
	uint64_t last;
	struct door_setup setup;
};

extern struct place places[DOORS];

/* NULL, or why this range cannot be p's. */
const char *places_wrong(const struct place *p, const struct door_setup *s, uint64_t size);

/* Before Xen is asked: the next life knows what to undo. */
void places_note(struct place *p, const struct door_setup *s, uint64_t size);

/* The range and the event channel; what the life before had already is fine. 0 or Xen's errno. */
int places_claim(struct place *p, uint32_t guest, const char **why);

/* Idempotent. */
void places_forget(struct place *p);

bool places_any(void);

/* Ports that a trap left without a place. */
void places_close_kept(void);

#endif
