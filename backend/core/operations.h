/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations of one device at one of its two parents: the device path. Decode, decide who
 * executes, execute on the private state, commit, answer; the state goes to and fro. The same
 * code is the first device's and the second's; they differ by record.me and slow.
 *
 * A turn: begin, execute for each request, end. What was executed in a turn counts when end
 * says so; otherwise the answers of the turn are XENAPT_E_DECLINED.
 */
#ifndef XAPT_CORE_OPERATIONS_H
#define XAPT_CORE_OPERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "record.h"

struct xapt_operation_counters {
	uint64_t executed;
	uint64_t declined;
	uint64_t repeated;
	uint64_t refused;
	uint64_t commits;
	uint64_t handed_over;
	uint64_t received;	/* handed back, or taken by TAKE */
	uint64_t revoked;
	uint64_t lost;
};

struct xapt_operations {
	const struct xenaperture_model *model;
	const struct xenaperture_functions *slow;	/* NULL: this is the first device */
	void *device;					/* given to the slow half */
	struct xapt_record record;
	uint64_t revoke_ns;		/* first device */
	uint32_t doubled;		/* ... so often: by each revocation in a row, and before the first hand-over */
	uint64_t offset;		/* counter = host clock + offset, wrapping; only raised */
	bool offset_known;
	bool usable;			/* owner, and the state is sound */
	enum xenapt_status refused;	/* owner, and it is not: why */
	uint64_t refused_value;		/* its version */
	bool dirty;			/* the state differs from the record's */
	bool spoilt;			/* the state was lost in the middle of the turn */
	bool shown;			/* something of the counter may be in an answer */
	bool give;			/* hand over at the end of the turn */
	bool owed;			/* second device: what it got the state for has not come yet */
	uint64_t due;			/* of the model; ... */
	bool due_known;			/* ... until the state changes */
	uint64_t raised;		/* vectors to raise when the turn ended well */
	uint64_t stood;			/* ... in any case: of what touches no state */
	uint64_t foreign;		/* first device: head when we first saw it at the other ... */
	uint64_t foreign_since;		/* ... and the clock then */
	bool waiting;			/* first device: it is not ours, and we want it */
	bool leaving;			/* first device: it wants the state no more */
	uint64_t resumes;		/* bit of each submitter that has to send RESUME first */
	uint64_t turn;			/* bit of each submitter of this turn's work on the state */
	bool apart;			/* second device: the last one executed touches no state, and its
					 * answer stands whatever becomes of the turn */
	struct xapt_operation_counters count;
};

struct xapt_operations_setup {
	const struct xenaperture_model *model;
	const struct xenaperture_functions *slow;
	void *device;
	struct xenapt_record *record;
	enum xenapt_owner me;
	uint64_t revoke_ns;
};

void xapt_operations_init(struct xapt_operations *o, const struct xapt_operations_setup *setup);

/* Before the host's clock is read for begin: how it differs from the other lane's is learnt so. */
void xapt_operations_hear(struct xapt_operations *o);

/* clock: ns of the host's clock, at every call. */
void xapt_operations_begin(struct xapt_operations *o, uint64_t clock);

enum xapt_executed {
	XAPT_EXECUTED,		/* status and value are filled in; they count when end says so */
	XAPT_HOLD,		/* first device: the state is not ours now: the same request later */
};

/* range: memory of the operation's range, NULL if it names none, or one that is not mapped. */
enum xapt_executed xapt_operations_execute(struct xapt_operations *o, const struct xenapt_request *q,
					   void *range, struct xenapt_response *r, uint64_t clock);

/*
 * Commit. idle: no request is left (second device: then the state may go back). False: the turn
 * did not happen. *raise: vectors to raise now, in both cases.
 */
bool xapt_operations_end(struct xapt_operations *o, bool idle, uint64_t clock, uint64_t *raise);

/* Second device: TAKE. */
void xapt_operations_take(struct xapt_operations *o, uint64_t clock);

/* First device: it goes. Second: nothing. The state is handed over if it is ours. */
void xapt_operations_leave(struct xapt_operations *o, uint64_t clock);

/*
 * Host clock at which a turn is due without an event; UINT64_MAX: never. clock: a recent one; what
 * was due before it is due then.
 */
uint64_t xapt_operations_due(struct xapt_operations *o, uint64_t clock);

#endif
