// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations: section 9 of the contract. The fast lane first, where there is one; what it
 * declines goes to the slow lane, in the order of its submitter; what was out on a lane
 * that died goes out again under the same id. Everything here is under ring_lock, but the
 * callbacks of what ended.
 *
 * An operation is in one of three places: on its submitter's list (waiting), in an entry
 * (out on a lane), or with its caller. The caller's structure is the shadow of the request.
 * An entry whose operation ended without an answer stays taken until the answer comes or the
 * lane dies: its id must not be used again before.
 */
#include <xen/events.h>

#include "compat.h"
#include "frontend.h"

#define ENTRY_BITS	5
#define NO_ENTRY	(-1)
#define SLOW_SPARE	4u	/* places of the slow ring left for control requests */
#define SLOW_MOST	24u	/* entries on the slow lane while there is a fast one */
#define TICK		(HZ / 10)	/* longest time that a timeout is late */

enum { WITH_CALLER, WAITING, OUT };		/* priv.state */
enum { TO_ANY, TO_FAST, TO_SLOW };		/* priv.to: where the other lane sent it */

static struct apf_operations *operations_of(struct xen_aperture_dev *dev)
{
	return &dev->operations;
}

static bool alive(struct apf_connection *c)
{
	return c && !apf_connection_dead(c);
}

/* ---- an operation ends ------------------------------------------------------------ */

static u64 octets(u64 value, unsigned int size)
{
	return size && size < 8 ? value & (BIT_ULL(8 * size) - 1) : value;
}

static void end_operation(struct apf_operations *o, struct xen_aperture_operation *op,
			  u32 status, u64 value, struct apf_done *done)
{
	op->status = status;
	op->result = octets(value, op->size);
	op->priv.state = WITH_CALLER;
	o->live--;
	op->priv.next = NULL;
	*done->end = op;
	done->end = &op->priv.next;
}

/* Without ring_lock: callbacks may submit. Interrupts are off. */
void apf_operations_done(struct apf_done *done)
{
	struct xen_aperture_operation *op, *next;
	struct xen_aperture *range;

	for (op = done->first; op; op = next) {
		next = op->priv.next;
		range = op->range;
		op->done(op);
		if (range)
			apf_aperture_put(range);
	}
}

static void call_done(struct apf_done *done)
{
	unsigned long flags;

	local_irq_save(flags);
	apf_operations_done(done);
	local_irq_restore(flags);
}

/* Takes it from where it is; its entry, if it is out, stays taken. */
static void end_unanswered(struct apf_operations *o, struct xen_aperture_operation *op,
			   u32 status, struct apf_done *done)
{
	struct xen_aperture_submitter *s = op->priv.submitter;

	if (op->priv.state == WAITING) {
		list_del(&op->priv.list);
		if (list_empty(&s->waiting))
			list_del_init(&s->turn);
		if (op->priv.entry != NO_ENTRY)
			o->free |= BIT(op->priv.entry);
	} else {
		o->entry[op->priv.entry].op = NULL;
	}
	o->count.unanswered++;
	end_operation(o, op, status, 0, done);
}

/* ---- where to --------------------------------------------------------------------- */

/* Sequence of the earliest operation that the user of s has out on a lane. */
static u64 earliest_out(const struct apf_operations *o, const struct xen_aperture_submitter *s,
			enum apf_which which)
{
	u64 earliest = U64_MAX;
	unsigned int i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		if (o->entry[i].out && o->entry[i].lane == which &&
		    o->entry[i].submitter == s->number && o->entry[i].sequence > s->since)
			earliest = min(earliest, o->entry[i].sequence);
	return earliest;
}

static bool goes_slow(const struct apf_operations *o, const struct xen_aperture_operation *op)
{
	const struct apf_connection *fast = o->lane[APF_FAST], *slow = o->lane[APF_SLOW];

	if (!fast || op->priv.to == TO_SLOW)
		return true;
	return op->priv.to == TO_ANY && slow && slow->tables.independents && !fast->route_all &&
	       apf_tables_independent(&slow->tables, op->reg, op->size);
}

/*
 * The lane to send it on now; NULL: not now. A dead fast lane that was not detached yet
 * holds everything up: what is out on it goes first.
 */
static struct apf_connection *route(const struct apf_operations *o,
				    const struct xen_aperture_submitter *s,
				    const struct xen_aperture_operation *op)
{
	struct apf_connection *fast = o->lane[APF_FAST];
	struct apf_connection *c = fast;
	enum apf_which other = APF_SLOW;

	if (fast && apf_connection_dead(fast))
		return NULL;
	if (goes_slow(o, op)) {
		c = o->lane[APF_SLOW];
		other = APF_FAST;
		if (!alive(c))
			return NULL;
	}
	if (s->out[other] && earliest_out(o, s, other) < op->priv.sequence)
		return NULL;
	/* RESUME is for when all the declined ones came back. */
	if (s->resume[!other] && s->out[!other])
		return NULL;
	return c;
}

/* A place on the ring, and an entry. */
static bool claim(struct apf_operations *o, struct apf_connection *c,
		  struct xen_aperture_operation *op)
{
	bool slow = c->lane->which == APF_SLOW;

	if (apf_ring_room(c) <= (slow ? SLOW_SPARE : 0))
		return false;
	if (op->priv.entry != NO_ENTRY)
		return true;
	if (!o->free || (slow && o->lane[APF_FAST] && o->out[APF_SLOW] >= SLOW_MOST))
		return false;
	op->priv.entry = __ffs(o->free);
	o->free &= ~BIT(op->priv.entry);
	o->entry[op->priv.entry].id = XENAPT_OP_ID | ++o->number << ENTRY_BITS | op->priv.entry;
	return true;
}

/* ---- onto a lane ------------------------------------------------------------------ */

/* Of a range; valid on the slow lane's connection. Not mapped now: one that is refused. */
static u64 handle_of(struct apf_operations *o, struct xen_aperture *ap)
{
	u64 handle = U64_MAX;

	if (!ap)
		return 0;
	spin_lock(&ap->signal_lock);
	if (ap->link && ap->link == o->lane[APF_SLOW])
		handle = ap->handle;
	spin_unlock(&ap->signal_lock);
	return handle;
}

static void write_request(struct xenapt_request *q, const struct xen_aperture_operation *op,
			  u64 id, u64 handle, u16 flags)
{
	*q = (struct xenapt_request){
		.id = id,
		.type = XENAPT_REQ_OPERATION,
		.u.operation = {
			.handle = handle,
			.reg = op->reg,
			.value = op->value,
			.offset = op->offset,
			.length = op->length,
			.size = op->size,
			.direction = op->direction,
			.flags = flags,
			.submitter = op->priv.submitter->number,
		},
	};
}

static void put_on(struct apf_operations *o, struct apf_connection *c,
		   struct xen_aperture_submitter *s, struct xen_aperture_operation *op)
{
	struct apf_op_entry *e = &o->entry[op->priv.entry];
	enum apf_which which = c->lane->which;
	u16 flags = 0;

	if (s->resume[which]) {
		s->resume[which] = false;
		flags = XENAPT_OP_RESUME;
	}
	e->sequence = op->priv.sequence;
	e->op = op;
	e->submitter = s->number;
	e->lane = which;
	e->out = true;
	s->out[which]++;
	o->out[which]++;
	op->priv.state = OUT;
	op->priv.keep |= which == APF_SLOW;
	op->lane = apf_owner(which);
	write_request(apf_ring_next(c), op, e->id, handle_of(o, op->range), flags);
}

static bool try_send(struct apf_operations *o, struct xen_aperture_submitter *s,
		     struct xen_aperture_operation *op)
{
	struct apf_connection *c = route(o, s, op);

	if (!c || !claim(o, c, op))
		return false;
	put_on(o, c, s, op);
	return true;
}

/* In the order of submission; usually it is the last, or the first. */
static void wait_in_line(struct apf_operations *o, struct xen_aperture_operation *op)
{
	struct xen_aperture_submitter *s = op->priv.submitter;
	struct xen_aperture_operation *before;
	struct list_head *place = &s->waiting;

	if (list_empty(&s->waiting))
		list_add_tail(&s->turn, &o->turn);
	else if (list_last_entry(&s->waiting, typeof(*before), priv.list)->priv.sequence >
		 op->priv.sequence)
		list_for_each_entry(before, &s->waiting, priv.list) {
			place = &before->priv.list;
			if (before->priv.sequence > op->priv.sequence)
				break;
		}
	op->priv.state = WAITING;
	list_add_tail(&op->priv.list, place);
}

static void send_waiting(struct apf_operations *o, struct xen_aperture_submitter *s)
{
	struct xen_aperture_operation *op;

	while (!list_empty(&s->waiting)) {
		op = list_first_entry(&s->waiting, struct xen_aperture_operation, priv.list);
		list_del(&op->priv.list);
		if (!try_send(o, s, op)) {
			list_add(&op->priv.list, &s->waiting);
			return;
		}
	}
	list_del_init(&s->turn);
}

/* Before anything that follows it on the ring. */
static void tell_taken(struct apf_operations *o)
{
	struct apf_connection *slow = o->lane[APF_SLOW];

	if (!o->take_due || o->lane[APF_FAST] || !alive(slow))
		return;
	o->take_due = !apf_ring_tell(slow, XENAPT_REQ_TAKE);
	o->count.taken += !o->take_due;
}

static void show(struct apf_operations *o)
{
	struct apf_connection *fast = o->lane[APF_FAST], *slow = o->lane[APF_SLOW];

	if (alive(slow))
		apf_ring_push(slow);
	if (!alive(fast))
		return;
	apf_ring_push(fast);
	if (o->kick) {
		o->kick = false;
		notify_remote_via_evtchn(fast->port);
	}
}

/* Something changed: an answer, a lane, a timeout. Another submitter is first each time. */
void apf_operations_go_on(struct xen_aperture_dev *dev)
{
	struct apf_operations *o = operations_of(dev);
	struct xen_aperture_submitter *s, *next;

	if (o->take_due)
		tell_taken(o);
	if (!list_empty(&o->turn) && !o->take_due) {
		list_for_each_entry_safe(s, next, &o->turn, turn)
			send_waiting(o, s);
		list_rotate_left(&o->turn);
	}
	show(o);
}

/* ---- answers ---------------------------------------------------------------------- */

/*
 * It goes out again, with the same id: it may have been executed on a lane that died, and what
 * the second device did outside of the record knows it by its id. What was on a fast lane only,
 * and came back from there, nobody knows: its entry is free for others while it waits for
 * a slow lane that may be stopped.
 */
static void declined(struct apf_operations *o, enum apf_which which,
		     struct xen_aperture_submitter *s, struct xen_aperture_operation *op)
{
	s->resume[which] = true;
	if (which == APF_FAST) {
		o->count.declined_fast++;
	} else {
		o->take_due |= !o->lane[APF_FAST];
		o->count.declined_slow++;
	}
	if (!op)
		return;
	op->priv.to = which == APF_FAST ? TO_SLOW : TO_FAST;
	if (op->priv.keep)
		o->free &= ~BIT(op->priv.entry);
	else
		op->priv.entry = NO_ENTRY;
	wait_in_line(o, op);
}

/*
 * The response, a copy, must name what is out on this lane. False: it does not. With the device
 * gone the lane may live a moment longer, and answer what was ended already.
 */
bool apf_operation_answer(struct apf_connection *c, const struct xenapt_response *rsp,
			  struct apf_done *done)
{
	struct apf_operations *o = operations_of(c->dev);
	unsigned int i = rsp->id & (XENAPT_OP_ENTRIES - 1);
	struct apf_op_entry *e = &o->entry[i];
	enum apf_which which = c->lane->which;
	struct xen_aperture_submitter *s;
	struct xen_aperture_operation *op = e->op;

	if (!e->out || e->id != rsp->id || e->lane != which ||
	    rsp->type != XENAPT_REQ_OPERATION || (o->lane[which] != c && !o->gone))
		return false;
	s = &o->submitter[e->submitter];
	s->out[which]--;
	o->out[which]--;
	e->out = false;
	e->op = NULL;
	o->kick |= which == APF_SLOW && o->lane[APF_FAST];
	o->free |= BIT(i);
	if (o->gone)
		return true;
	if (rsp->status == XENAPT_E_DECLINED) {
		declined(o, which, s, op);
		return true;
	}
	if (which == APF_FAST)
		o->count.fast++;
	else
		o->count.slow++;
	if (op)
		end_operation(o, op, rsp->status, rsp->value, done);
	return true;
}

/* ---- lanes come and go ------------------------------------------------------------ */

/* All that is out on it: with the same ids, whether or not it was executed there. */
static void fetch_back(struct apf_operations *o, enum apf_which which)
{
	struct apf_op_entry *e;
	unsigned int i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++) {
		e = &o->entry[i];
		if (!e->out || e->lane != which)
			continue;
		e->out = false;
		o->submitter[e->submitter].out[which]--;
		o->out[which]--;
		if (e->op) {
			o->count.replayed++;
			e->op->priv.keep = true;
			wait_in_line(o, e->op);
		} else {
			o->free |= BIT(i);
		}
	}
}

/* The connection is dead; afterwards nobody is on its ring. */
void apf_operations_detach(struct apf_connection *c)
{
	struct apf_operations *o = operations_of(c->dev);
	enum apf_which which = c->lane->which;
	unsigned int i;

	spin_lock_irq(&c->dev->ring_lock);
	if (!o->lane[which] || o->lane[which] == c) {
		o->lane[which] = NULL;
		fetch_back(o, which);
		o->take_due |= which == APF_FAST;
		for (i = 0; i < XENAPT_OP_SUBMITTERS; i++)
			o->submitter[i].resume[which] = false;
		apf_operations_go_on(c->dev);
	}
	spin_unlock_irq(&c->dev->ring_lock);
}

static void end_all(struct apf_operations *o, u32 status, struct apf_done *done)
{
	struct xen_aperture_submitter *s, *next;
	struct xen_aperture_operation *op, *later;
	unsigned int i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		if (o->entry[i].out && o->entry[i].op)
			end_unanswered(o, o->entry[i].op, status, done);
	list_for_each_entry_safe(s, next, &o->turn, turn)
		list_for_each_entry_safe(op, later, &s->waiting, priv.list)
			end_unanswered(o, op, status, done);
}

static void attach_slow(struct apf_operations *o, struct apf_connection *c,
			struct apf_done *done)
{
	o->refused = !c->operations;
	if (o->refused) {
		end_all(o, XENAPT_E_UNSUPPORTED, done);
		return;
	}
	apf_vectors_count(c->dev, c->tables.vectors);
	o->take_due = READ_ONCE(o->fast_seen) && !o->lane[APF_FAST];
	o->lane[APF_SLOW] = c;
}

static void attach_fast(struct apf_operations *o, struct apf_connection *c)
{
	o->take_due = false;
	o->lane[APF_FAST] = c;
	if (alive(o->lane[APF_SLOW]))
		notify_remote_via_evtchn(o->lane[APF_SLOW]->port);
}

void apf_operations_attach(struct apf_connection *c)
{
	struct apf_operations *o = operations_of(c->dev);
	struct apf_done done = { .end = &done.first };

	spin_lock_irq(&c->dev->ring_lock);
	if (!o->gone && !apf_connection_dead(c)) {
		if (c->lane->which == APF_FAST)
			attach_fast(o, c);
		else
			attach_slow(o, c, &done);
		apf_operations_go_on(c->dev);
	}
	spin_unlock_irq(&c->dev->ring_lock);
	call_done(&done);
}

/* The device is gone: no lane any more, no operation. */
void apf_operations_end(struct xen_aperture_dev *dev)
{
	struct apf_operations *o = operations_of(dev);
	struct apf_done done = { .end = &done.first };

	spin_lock_irq(&dev->ring_lock);
	o->gone = true;
	o->lane[APF_FAST] = NULL;
	o->lane[APF_SLOW] = NULL;
	end_all(o, XENAPT_E_GONE, &done);
	spin_unlock_irq(&dev->ring_lock);
	call_done(&done);
	apf_timer_delete_sync(&o->timer);
}

/* ---- timeouts --------------------------------------------------------------------- */

static bool overdue(const struct xen_aperture_operation *op)
{
	return time_after_eq(jiffies, op->priv.deadline);
}

/* Each line is in the order of its deadlines, but for a parameter that was changed. */
static void expire(struct apf_operations *o, struct apf_done *done)
{
	u32 status = alive(o->lane[APF_FAST]) || alive(o->lane[APF_SLOW]) ? XENAPT_E_TIMEOUT :
									   XENAPT_E_GONE;
	struct xen_aperture_submitter *s, *next;
	struct xen_aperture_operation *op, *later;
	unsigned int i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		if (o->entry[i].out && o->entry[i].op && overdue(o->entry[i].op))
			end_unanswered(o, o->entry[i].op, status, done);
	list_for_each_entry_safe(s, next, &o->turn, turn)
		list_for_each_entry_safe(op, later, &s->waiting, priv.list) {
			if (!overdue(op))
				break;
			end_unanswered(o, op, status, done);
		}
}

/* Answers that no event told of; and those who owe one are reminded. */
static void look_again(struct apf_operations *o, struct apf_done *done)
{
	unsigned int i, taken;

	if (!READ_ONCE(apf_look_again))
		return;
	for (i = 0; i < APF_LANES; i++) {
		struct apf_connection *c = o->lane[i];

		if (!c || apf_connection_dead(c))
			continue;
		taken = apf_ring_take_locked(c, done);
		o->count.found += taken;
		if (taken) {
			wake_up_all(&c->wait);
		} else if (o->out[i]) {
			o->count.reminded++;
			apf_ring_remind(c);
		}
	}
}

static void tick(struct timer_list *timer)
{
	struct apf_operations *o = container_of(timer, struct apf_operations, timer);
	struct xen_aperture_dev *dev = container_of(o, struct xen_aperture_dev, operations);
	unsigned long flags;
	struct apf_done done = { .end = &done.first };
	struct xen_aperture_operation **was;
	bool late;

	spin_lock_irqsave(&dev->ring_lock, flags);
	look_again(o, &done);
	was = done.end;
	expire(o, &done);
	late = *was;
	if (late)
		apf_operations_go_on(dev);
	o->ticking = o->live;
	if (o->ticking)
		mod_timer(&o->timer, jiffies + TICK);
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	if (late)
		pr_warn_ratelimited("%s: an operation was not answered within %u ms\n", dev->name,
				    READ_ONCE(apf_operation_timeout_ms));
	call_done(&done);
}

static void start_ticking(struct apf_operations *o)
{
	if (o->ticking)
		return;
	o->ticking = true;
	mod_timer(&o->timer, jiffies + TICK);
}

/* ---- submitting ------------------------------------------------------------------- */

void apf_operations_init(struct xen_aperture_dev *dev)
{
	struct apf_operations *o = operations_of(dev);
	unsigned int i;

	INIT_LIST_HEAD(&o->turn);
	timer_setup(&o->timer, tick, 0);
	o->free = U32_MAX;
	for (i = 0; i < XENAPT_OP_SUBMITTERS; i++) {
		o->submitter[i].number = i;
		INIT_LIST_HEAD(&o->submitter[i].waiting);
		INIT_LIST_HEAD(&o->submitter[i].turn);
	}
}

static void submit_one(struct apf_operations *o, struct xen_aperture_submitter *s,
		       struct xen_aperture_operation *op, unsigned long deadline)
{
	op->lane = XENAPT_OWNER_NONE;
	op->priv.submitter = s;
	op->priv.sequence = ++o->sequence;
	op->priv.deadline = deadline;
	op->priv.to = TO_ANY;
	op->priv.keep = false;
	op->priv.entry = NO_ENTRY;
	if (op->range)
		kref_get(&op->range->ref);
	o->live++;
	o->count.submitted++;
	if (!list_empty(&s->waiting) || o->take_due || !try_send(o, s, op))
		wait_in_line(o, op);
}

/* -ENODEV, -EOPNOTSUPP: none was. */
int apf_operations_submit(struct xen_aperture_submitter *s, struct xen_aperture_operation *ops,
			  unsigned int count, unsigned long deadline)
{
	struct apf_operations *o = operations_of(s->dev);
	unsigned long flags;
	unsigned int i;
	int err = 0;

	spin_lock_irqsave(&s->dev->ring_lock, flags);
	if (o->gone)
		err = -ENODEV;
	else if (o->refused)
		err = -EOPNOTSUPP;
	for (i = 0; !err && i < count; i++)
		submit_one(o, s, &ops[i], deadline);
	if (!err) {
		start_ticking(o);
		show(o);
	}
	spin_unlock_irqrestore(&s->dev->ring_lock, flags);
	return err;
}

/* Returns how many it ended. */
unsigned int apf_operations_cancel(struct xen_aperture_operation *ops, unsigned int count)
{
	struct xen_aperture_dev *dev = ops->priv.submitter->dev;
	unsigned int i, ended = 0;
	unsigned long flags;
	struct apf_done done = { .end = &done.first };

	spin_lock_irqsave(&dev->ring_lock, flags);
	for (i = 0; i < count; i++) {
		if (ops[i].priv.state == WITH_CALLER)
			continue;
		end_unanswered(operations_of(dev), &ops[i], XENAPT_E_TIMEOUT, &done);
		ended++;
	}
	if (ended)
		apf_operations_go_on(dev);
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	call_done(&done);
	return ended;
}
