// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nothing here is true before the commit: functions of the device run on the private slot,
 * answers wait in the caller's turn, vectors in raised. But for what touches no state: its
 * vectors are in stood.
 */
#include "operations.h"

#define REVOKE_DOUBLED	4u
#define POLL_NS		1000000ull	/* how often the first device looks for its state */

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int octet, size_t n);

static bool first_device(const struct xapt_operations *o)
{
	return o->record.me == XENAPT_OWNER_FAST;
}

/* ---- time ---- */

static uint64_t counter(const struct xapt_operations *o, uint64_t clock)
{
	return clock + o->offset;
}

/* From here on the counter is at least least. One that no record may hold any more starts again. */
static void counter_at_least(struct xapt_operations *o, uint64_t clock, uint64_t least)
{
	if (o->offset_known && !(counter(o, clock) >> 62) && counter(o, clock) >= least)
		return;
	o->offset = least - clock;
	o->offset_known = true;
}

/* ---- the state: having it ---- */

static struct xenaperture_run make_run(struct xapt_operations *o, uint64_t clock)
{
	return (struct xenaperture_run){
		.now = counter(o, clock),
		.state = o->record.slot.state,
		.device = o->device,
	};
}

static uint64_t all_vectors(const struct xapt_operations *o)
{
	return o->model->vectors == 64 ? ~0ull : (1ull << o->model->vectors) - 1;
}

/* Vectors that the device does not have are not raised: the signals of others are there. */
static void keep_raised(struct xapt_operations *o, const struct xenaperture_run *run)
{
	o->raised |= run->raised & all_vectors(o);
}

static void raise_pending(struct xapt_operations *o)
{
	uint64_t pending = ~0ull;

	if (o->model->pending)
		pending = o->model->pending(o->record.slot.state);
	o->raised |= pending & all_vectors(o);
}

/* The first state. What was answered stays known: an operation may be sent again after it. */
static void reset_state(struct xapt_operations *o, uint64_t clock)
{
	struct xenaperture_run run = make_run(o, clock);

	memset(o->record.slot.state, 0, sizeof(o->record.slot.state));
	if (o->model->reset)
		o->model->reset(&run);
	keep_raised(o, &run);
	o->usable = true;
	o->refused = XENAPT_OK;
	o->dirty = true;
	o->due_known = false;
}

/* What this turn read is as old as what it changed. */
static void lose(struct xapt_operations *o)
{
	o->spoilt |= o->dirty || o->shown;
	o->record.owner = false;
	o->usable = false;
	o->dirty = false;
	o->give = false;
	o->raised = 0;
	o->owed = false;
}

static void make_new(struct xapt_operations *o, uint64_t clock)
{
	counter_at_least(o, clock, 0);
	xapt_record_clear(&o->record);
	reset_state(o, clock);
	o->dirty = false;
	if (!xapt_record_commit(&o->record, counter(o, clock))) {
		lose(o);
		return;
	}
	o->count.commits++;
	o->shown = true;
}

static void load(struct xapt_operations *o, uint64_t clock)
{
	struct xapt_record *r = &o->record;
	uint64_t least = 0;
	uint32_t version;

	o->usable = false;
	o->dirty = false;
	o->due_known = false;
	o->refused_value = 0;
	o->refused = xapt_record_load(r, &version);
	if (!r->owner) {
		lose(o);
		return;
	}
	if (o->refused == XENAPT_E_RECORD_VERSION)
		o->refused_value = version;
	if (o->refused == XENAPT_OK &&
	    ((o->model->check && o->model->check(r->slot.state)) ||
	     !xapt_record_least(r, clock, &least)))
		o->refused = XENAPT_E_RECORD;
	if (o->refused != XENAPT_OK)
		return;
	counter_at_least(o, clock, least);
	o->usable = true;
	raise_pending(o);
}

/* First device: how long has the other one had it, without a sign of life? */
static void watch_other(struct xapt_operations *o, uint64_t clock)
{
	if (!o->waiting || o->foreign != o->record.head) {
		o->foreign = o->record.head;
		o->foreign_since = clock;
		o->waiting = true;
		return;
	}
	if (clock - o->foreign_since < o->revoke_ns << o->doubled || !xapt_record_seize(&o->record))
		return;
	o->count.revoked++;
	/* It may only be slow: what it does shall come to an end some day. */
	o->doubled += o->doubled < REVOKE_DOUBLED;
	o->waiting = false;
	load(o, clock);
}

/* Whose is it now? */
static void settle(struct xapt_operations *o, uint64_t clock)
{
	uint64_t before = o->record.head;

	switch (xapt_record_look(&o->record)) {
	case XAPT_RECORD_MINE:
		o->waiting = false;
		if (o->record.owner && o->record.head == before)
			return;
		xapt_record_tell(&o->record, clock);
		/* It went and came back. */
		if (o->record.owner)
			lose(o);
		o->count.received++;
		o->doubled = 0;
		load(o, clock);
		o->owed = !first_device(o);
		return;
	case XAPT_RECORD_NEW:
		if (o->record.owner)
			lose(o);
		make_new(o, clock);
		return;
	case XAPT_RECORD_OTHER:
		xapt_record_tell(&o->record, clock);
		if (o->record.owner)
			lose(o);
		if (!first_device(o) || o->leaving)
			return;
		/* Again: a TAKE that was under way when we came may have cleared it. */
		xapt_record_want(&o->record, true);
		watch_other(o, clock);
		return;
	}
}

void xapt_operations_init(struct xapt_operations *o, const struct xapt_operations_setup *setup)
{
	*o = (struct xapt_operations){
		.model = setup->model,
		.slow = setup->slow,
		.device = setup->device,
		.revoke_ns = setup->revoke_ns,
		/* The other one is told of us only when the child saw that we are connected. */
		.doubled = REVOKE_DOUBLED,
	};
	xapt_record_init(&o->record, setup->record, setup->me, setup->model->type,
			 setup->model->state_version, (uint16_t)setup->model->state_size);
	if (first_device(o))
		xapt_record_want(&o->record, true);
}

/* ---- a turn ---- */

static uint64_t due_at(struct xapt_operations *o)
{
	if (!o->due_known)
		o->due = o->model->due ? o->model->due(o->record.slot.state) : UINT64_MAX;
	o->due_known = true;
	return o->due;
}

static void expire(struct xapt_operations *o, uint64_t clock)
{
	struct xenaperture_run run;

	if (due_at(o) > counter(o, clock))
		return;
	run = make_run(o, clock);
	o->model->expire(&run);
	keep_raised(o, &run);
	o->dirty = true;
	o->due_known = false;
}

void xapt_operations_hear(struct xapt_operations *o)
{
	xapt_record_hear(&o->record);
}

void xapt_operations_begin(struct xapt_operations *o, uint64_t clock)
{
	o->raised = 0;
	o->give = false;
	o->shown = false;
	o->turn = 0;
	if (!first_device(o))
		xapt_record_tell(&o->record, clock);
	settle(o, clock);
	o->spoilt = false;
	if (o->usable)
		expire(o, clock);
}

static enum xapt_executed decline(struct xapt_operations *o, const struct xenapt_operation *op,
				  struct xenapt_response *r, bool give)
{
	r->status = XENAPT_E_DECLINED;
	o->count.declined++;
	o->resumes |= 1ull << op->submitter % 64;
	o->give |= give;
	return XAPT_EXECUTED;
}

static uint64_t mask_of(unsigned int octets)
{
	return octets == 8 ? ~0ull : (1ull << octets * 8) - 1;
}

/* What the whole register becomes: op changes size octets, shift octets up. */
static uint64_t changed(const struct xenapt_operation *op, const struct xapt_decoded *d,
			uint64_t whole)
{
	uint64_t mask = mask_of(op->size) << d->shift * 8;
	uint64_t value = (op->value & mask_of(op->size)) << d->shift * 8;

	switch (op->direction) {
	case XENAPT_OP_SET:
		return whole | value;
	case XENAPT_OP_CLEAR:
		return whole & ~value;
	default:
		return (whole & ~mask) | value;
	}
}

static bool needs_read(const struct xenapt_operation *op, const struct xapt_decoded *d)
{
	return op->direction != XENAPT_OP_WRITE ||
	       (op->size < d->width && (d->flags & XENAPERTURE_READ));
}

/* Reads before it writes, so that a refusal changes nothing. */
static uint32_t on_register(const struct xenaperture_functions *f, struct xenaperture_run *run,
			    const struct xenapt_operation *op, const struct xapt_decoded *d,
			    uint64_t *answer)
{
	uint64_t whole = 0;
	uint32_t status = XENAPT_OK;

	if (needs_read(op, d))
		status = f->read(run, d->id, d->index, &whole);
	if (status == XENAPT_OK && op->direction != XENAPT_OP_READ)
		status = f->write(run, d->id, d->index, changed(op, d, whole));
	if (status == XENAPT_OK && op->direction != XENAPT_OP_WRITE)
		*answer = whole >> d->shift * 8 & mask_of(op->size);
	return status;
}

/* Is it a read that changes the state, and a write that may refuse? */
static bool has_two_effects(const struct xenapt_operation *op, const struct xapt_decoded *d)
{
	return (d->flags & XENAPERTURE_READ_CHANGES) && op->direction != XENAPT_OP_READ &&
	       needs_read(op, d);
}

/* What was read comes back when the write refuses, or declines. */
static uint32_t both_or_none(uint32_t size, const struct xenaperture_functions *f,
			     struct xenaperture_run *run, const struct xenapt_operation *op,
			     const struct xapt_decoded *d, uint64_t *answer)
{
	uint8_t before[XENAPT_STATE_MAX];
	uint32_t status;

	memcpy(before, run->state, size);
	status = on_register(f, run, op, d, answer);
	if (status != XENAPT_OK)
		memcpy(run->state, before, size);
	return status;
}

static bool changes(const struct xenapt_operation *op, const struct xapt_decoded *d)
{
	return op->direction != XENAPT_OP_READ || (d->flags & XENAPERTURE_READ_CHANGES);
}

/* Of the slow half a function may be missing that only what the fast one declines would need. */
static bool has_functions(const struct xenaperture_functions *f, const struct xenapt_operation *op,
			  const struct xapt_decoded *d)
{
	if (!f)
		return false;
	if (!op->size)
		return f->command;
	return (f->read || !needs_read(op, d)) && (f->write || op->direction == XENAPT_OP_READ);
}

/* What was raised is in run. */
static uint32_t run_it(const struct xapt_operations *o, const struct xenaperture_functions *f,
		       struct xenaperture_run *run, const struct xenapt_operation *op,
		       const struct xapt_decoded *d, uint64_t *answer)
{
	uint32_t status;

	if (!has_functions(f, op, d))
		return XENAPT_E_UNSUPPORTED;
	if (op->size && run->state && has_two_effects(op, d))
		status = both_or_none(o->model->state_size, f, run, op, d, answer);
	else if (op->size)
		status = on_register(f, run, op, d, answer);
	else
		status = f->command(run, d->id, op->value, answer);
	if (status != XENAPT_OK)
		run->raised = 0;
	/* A device's own number must be one that a counter and a name exist for. */
	return status <= XENAPT_E_RECORD_VERSION ? status : XENAPT_E_DEVICE;
}

static uint32_t by_halves(struct xapt_operations *o, struct xenaperture_run *run,
			  const struct xenapt_operation *op, const struct xapt_decoded *d,
			  uint64_t *answer)
{
	uint32_t status = XENAPT_E_DECLINED;

	if (d->flags & XENAPERTURE_FAST)
		status = run_it(o, &o->model->fast, run, op, d, answer);
	if (status == XENAPT_E_DECLINED && !first_device(o))
		status = run_it(o, o->slow, run, op, d, answer);
	return status;
}

/* The second device has nobody to decline to. */
static void put(struct xapt_operations *o, struct xenapt_response *r, uint32_t status,
		uint64_t value)
{
	r->status = status == XENAPT_E_DECLINED ? XENAPT_E_UNSUPPORTED : status;
	r->value = value;
	if (status == XENAPT_OK)
		o->count.executed++;
	else
		o->count.refused++;
}

static enum xapt_executed on_state(struct xapt_operations *o, const struct xenapt_request *q,
				   const struct xapt_decoded *d, struct xenaperture_run *run,
				   struct xenapt_response *r)
{
	const struct xenapt_operation *op = &q->u.operation;
	const struct xenapt_done *done = xapt_record_done(&o->record, q->id);
	uint64_t answer = 0;
	uint32_t status;

	if (done) {
		o->count.repeated++;
		r->status = done->status;
		r->value = done->value;
		return XAPT_EXECUTED;
	}
	status = by_halves(o, run, op, d, &answer);
	keep_raised(o, run);
	if (status == XENAPT_E_DECLINED && first_device(o))
		return decline(o, op, r, true);
	put(o, r, status, status == XENAPT_OK ? answer : 0);
	/* Answers of reads go along with the next commit: a read that is sent again sees nothing later. */
	xapt_record_remember(&o->record, q->id, r->status, r->value);
	if (status == XENAPT_OK && changes(op, d)) {
		o->dirty = true;
		o->due_known = false;
	}
	return XAPT_EXECUTED;
}

static enum xapt_executed reset(struct xapt_operations *o, const struct xenapt_request *q,
				struct xenapt_response *r, uint64_t clock)
{
	const struct xenapt_done *done = xapt_record_done(&o->record, q->id);

	if (done && o->usable) {
		o->count.repeated++;
		return XAPT_EXECUTED;
	}
	/* Answers and times of a record that was refused are worth nothing either. */
	if (!o->usable) {
		xapt_record_clear(&o->record);
		xapt_record_forget_time(&o->record);
		counter_at_least(o, clock, 0);
	}
	o->raised = 0;
	reset_state(o, clock);
	xapt_record_remember(&o->record, q->id, XENAPT_OK, 0);
	put(o, r, XENAPT_OK, 0);
	return XAPT_EXECUTED;
}

/* The aperture was there when it was executed, and has not been mapped again yet. */
static bool was_executed(const struct xapt_operations *o, uint64_t id)
{
	return o->usable && xapt_record_done(&o->record, id);
}

/* It is ours to decide, and the state is ours. */
static enum xapt_executed with_state(struct xapt_operations *o, const struct xenapt_request *q,
				     const struct xapt_decoded *d, void *range,
				     struct xenapt_response *r, uint64_t clock)
{
	struct xenaperture_run run = make_run(o, clock);

	o->owed = false;
	if (q->u.operation.handle && !range && !was_executed(o, q->id)) {
		put(o, r, XENAPT_E_RANGE, 0);
		return XAPT_EXECUTED;
	}
	if (!q->u.operation.size && d->id == XENAPT_COMMAND_RESET)
		return reset(o, q, r, clock);
	if (!o->usable) {
		put(o, r, o->refused, o->refused_value);
		return XAPT_EXECUTED;
	}
	o->shown = true;
	run.id = q->id;
	run.range = range;
	run.range_length = range ? q->u.operation.length : 0;
	return on_state(o, q, d, &run, r);
}

static enum xapt_executed as_first(struct xapt_operations *o, const struct xenapt_request *q,
				   const struct xapt_decoded *d, struct xenapt_response *r,
				   uint64_t clock)
{
	const struct xenapt_operation *op = &q->u.operation;

	if (!(d->flags & XENAPERTURE_FAST) || op->handle)
		return decline(o, op, r, !(d->flags & XENAPERTURE_INDEPENDENT));
	if (!o->record.owner)
		return XAPT_HOLD;
	return with_state(o, q, d, NULL, r, clock);
}

static enum xapt_executed as_second(struct xapt_operations *o, const struct xenapt_request *q,
				    const struct xapt_decoded *d, void *range,
				    struct xenapt_response *r, uint64_t clock)
{
	const struct xenapt_operation *op = &q->u.operation;
	struct xenaperture_run run;
	uint64_t answer = 0;
	uint32_t status;

	if (!(d->flags & XENAPERTURE_INDEPENDENT)) {
		if (!o->record.owner)
			return decline(o, op, r, false);
		return with_state(o, q, d, range, r, clock);
	}
	if (op->handle && !range) {
		put(o, r, XENAPT_E_RANGE, 0);
		return XAPT_EXECUTED;
	}
	run = make_run(o, clock);
	run.state = NULL;
	run.id = q->id;
	run.range = range;
	run.range_length = range ? op->length : 0;
	status = run_it(o, o->slow, &run, op, d, &answer);
	o->stood |= run.raised & all_vectors(o);
	put(o, r, status, status == XENAPT_OK ? answer : 0);
	return XAPT_EXECUTED;
}

/* Is it not behind one of its submitter that was declined here? */
static bool may_come(struct xapt_operations *o, const struct xenapt_operation *op)
{
	if (op->flags & XENAPT_OP_RESUME)
		o->resumes &= ~(1ull << op->submitter);
	return !(o->resumes & 1ull << op->submitter);
}

enum xapt_executed xapt_operations_execute(struct xapt_operations *o, const struct xenapt_request *q,
					   void *range, struct xenapt_response *r, uint64_t clock)
{
	const struct xenapt_operation *op = &q->u.operation;
	struct xapt_decoded d = { 0 };
	enum xenapt_status status = xapt_model_decode(o->model, op, &d);

	if (!(q->id & XENAPT_OP_ID))
		status = XENAPT_E_MALFORMED;
	/* What has an error, too, is told that it may come, or has to wait. */
	if (status != XENAPT_E_MALFORMED && !may_come(o, op))
		return decline(o, op, r, false);
	if (status != XENAPT_OK) {
		put(o, r, status, 0);
		return XAPT_EXECUTED;
	}
	if (first_device(o)) {
		o->turn |= 1ull << op->submitter;
		return as_first(o, q, &d, r, clock);
	}
	o->apart = d.flags & XENAPERTURE_INDEPENDENT;
	if (!o->apart)
		o->turn |= 1ull << op->submitter;
	return as_second(o, q, &d, range, r, clock);
}

static void hand_over(struct xapt_operations *o)
{
	if (xapt_record_hand_over(&o->record))
		o->count.handed_over++;
	o->usable = false;
	o->waiting = false;
}

static bool commit(struct xapt_operations *o, uint64_t clock)
{
	o->dirty = false;
	o->shown = true;
	if (xapt_record_commit(&o->record, counter(o, clock))) {
		o->count.commits++;
		return true;
	}
	o->count.lost++;
	lose(o);
	return false;
}

/* Was the state ours until now? What is handed over carries the time of now. */
static bool confirm(struct xapt_operations *o, uint64_t clock)
{
	if (o->dirty || (o->give && o->usable))
		return commit(o, clock);
	if (!o->shown || xapt_record_kept(&o->record))
		return true;
	o->count.lost++;
	lose(o);
	return false;
}

static uint64_t take_raised(struct xapt_operations *o)
{
	uint64_t vectors = o->raised | o->stood;

	o->raised = 0;
	o->stood = 0;
	return vectors;
}

/*
 * All answers become declined ones: later operations of their submitters must not overtake them.
 * What was loaded since the state was lost has not been raised yet, and may have changed.
 */
static bool undo(struct xapt_operations *o, uint64_t clock, uint64_t *raise)
{
	o->resumes |= o->turn;
	if (o->record.owner) {
		lose(o);
		settle(o, clock);
	}
	*raise = take_raised(o);
	return false;
}

bool xapt_operations_end(struct xapt_operations *o, bool idle, uint64_t clock, uint64_t *raise)
{
	*raise = 0;
	if (o->spoilt)
		return undo(o, clock, raise);
	/* Not before the operation came: others would send the state to and fro over its head. */
	if (!first_device(o))
		o->give = idle && o->record.owner && !o->owed && xapt_record_wanted(&o->record);
	if (!confirm(o, clock))
		return undo(o, clock, raise);
	if (o->shown && o->usable)
		xapt_record_stamp(&o->record, clock, counter(o, clock));
	*raise = take_raised(o);
	if (o->give && o->record.owner)
		hand_over(o);
	o->give = false;
	return true;
}

void xapt_operations_take(struct xapt_operations *o, uint64_t clock)
{
	int tries;

	xapt_record_want(&o->record, false);
	settle(o, clock);
	o->owed = false;
	/* The other one may commit meanwhile, but each time only once more. */
	for (tries = 0; tries < 8 && !o->record.owner; tries++) {
		if (xapt_record_seize(&o->record)) {
			o->count.received++;
			load(o, clock);
			return;
		}
		settle(o, clock);
	}
}

void xapt_operations_leave(struct xapt_operations *o, uint64_t clock)
{
	uint64_t raise;

	if (!first_device(o) || o->leaving)
		return;
	o->leaving = true;
	xapt_record_want(&o->record, false);
	xapt_operations_begin(o, clock);
	o->give = true;
	xapt_operations_end(o, true, clock, &raise);
}

uint64_t xapt_operations_due(struct xapt_operations *o, uint64_t clock)
{
	uint64_t due;

	if (first_device(o) && !o->record.owner && !o->leaving)
		return clock + POLL_NS;
	if (!o->usable)
		return UINT64_MAX;
	due = due_at(o);
	if (due == UINT64_MAX || due <= counter(o, clock))
		return due == UINT64_MAX ? due : clock;
	due -= counter(o, clock);
	return clock > UINT64_MAX - due ? UINT64_MAX : clock + due;
}
