/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state record, apertureif.h section 10: who owns the device's state, and
 * moving it. Every word of the shared record is the guest's; a slot is copied once,
 * checked, and only the copy is used.
 */
#ifndef XAPT_CORE_RECORD_H
#define XAPT_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

struct xapt_record {
	struct xenapt_record *shared;
	enum xenapt_owner me;		/* FAST or SLOW */
	bool owner;			/* as far as we know: a commit tells */
	uint64_t head;			/* the shared one when we last made or saw it */
	uint32_t type;			/* what a slot must say */
	uint32_t state_version;
	uint16_t state_size;
	uint64_t heard;			/* slow lane: the last beat, and ... */
	uint64_t reckoned;		/* ... the one that skew was last reckoned with */
	uint64_t skew;			/* slow lane: our truth of the shared one */
	struct xenapt_slot slot;	/* private copy: the state, and the answers */

	/* So that a commit costs what changed: of the answers in slot.done, */
	uint32_t changed;		/* bits of those that are not in sums yet */
	uint32_t unwritten[2];		/* ... that our shared slots do not have yet, by slot */
	uint64_t sums[XENAPT_OP_ENTRIES];	/* each one's part of the checksum */
	uint64_t sum;			/* of sums */
};

/* type: name of the device type. */
void xapt_record_init(struct xapt_record *r, struct xenapt_record *shared, enum xenapt_owner me,
		      const char *type, uint32_t state_version, uint16_t state_size);

enum xapt_record_look {
	XAPT_RECORD_MINE,	/* head says that it is ours */
	XAPT_RECORD_OTHER,
	XAPT_RECORD_NEW,	/* nobody had it yet */
};

/* Read head (into r->head). */
enum xapt_record_look xapt_record_look(struct xapt_record *r);

/*
 * Head says it is ours: copy the current slot and check it. XENAPT_OK: owner, with the state. Else
 * XENAPT_E_RECORD or _E_RECORD_VERSION: owner, without a state. XENAPT_E_STATE: not the owner any
 * more. (The device's own check is the caller's.) Version found in *version.
 */
enum xenapt_status xapt_record_load(struct xapt_record *r, uint32_t *version);

/*
 * Write the private copy as a slot and make it the current one. now: the counter. False: somebody
 * took the state; we are not its owner any more. From NEW this makes us the owner.
 */
bool xapt_record_commit(struct xapt_record *r, uint64_t now);

/* Owner: are we still? What was read of the state, and not committed, was true then. */
bool xapt_record_kept(struct xapt_record *r);

/* Owner: give it to the other one. False: it was taken already. */
bool xapt_record_hand_over(struct xapt_record *r);

/* Not owner: make ourselves it, if head is still as we saw it. True: load it now. */
bool xapt_record_seize(struct xapt_record *r);

/* The answer of id if the record knows it, else NULL. */
const struct xenapt_done *xapt_record_done(const struct xapt_record *r, uint64_t id);
void xapt_record_remember(struct xapt_record *r, uint64_t id, uint32_t status, uint64_t value);

/* What we show of the counter; before the answers that show it. */
void xapt_record_stamp(struct xapt_record *r, uint64_t clock, uint64_t now);

/*
 * How the clocks of the lanes differ. hear: before the clock of a turn is read. tell: with that
 * clock, in the turn.
 */
void xapt_record_hear(struct xapt_record *r);
void xapt_record_tell(struct xapt_record *r, uint64_t clock);

/*
 * After a load: the least that the counter may be at clock, ns of our own clock. False: the
 * stamps are impossible (XENAPT_E_RECORD).
 */
bool xapt_record_least(const struct xapt_record *r, uint64_t clock, uint64_t *least);

/* Owner: both stamps become 0, for a state that is as new as a first one. */
void xapt_record_forget_time(struct xapt_record *r);

/* The private copy becomes all 0, for a new state. */
void xapt_record_clear(struct xapt_record *r);

/* Does the fast lane want the state? */
bool xapt_record_wanted(const struct xapt_record *r);
void xapt_record_want(struct xapt_record *r, bool want);

/* Of n octets, a slot's or a name's, as apertureif.h has it at struct xenapt_slot. */
uint64_t xapt_record_checksum(const void *octets, uint32_t n);

#endif
