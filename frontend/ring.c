// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and responses. Each control request has an entry of a private table; a response
 * must name one that is outstanding. A request whose waiter gave up keeps its entry
 * until the response comes: the parent may still act on it. Operations share the ring and
 * have entries of their own: operations.c.
 */
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <xen/events.h>

#include "frontend.h"

#define LOOK (HZ / 10)		/* a lost event costs a waiter no more than this */
#define ID_ENTRY_BITS 16	/* low bits of an id: its entry; the rest is a number */

/* ring_lock is held. raw: the id as it is. */
static struct apf_entry *claim_entry(struct apf_connection *c, const struct xenapt_request *req,
				     bool raw)
{
	unsigned int i;

	if (!apf_ring_room(c))
		return NULL;
	for (i = 0; i < c->ring.nr_ents; i++) {
		if (c->entry[i].state != APF_FREE)
			continue;
		c->entry[i].id = raw ? req->id : ++c->next_id << ID_ENTRY_BITS | i;
		c->entry[i].type = req->type;
		return &c->entry[i];
	}
	return NULL;
}

/* ring_lock is held, there is room: a place that the caller fills whole. */
struct xenapt_request *apf_ring_next(struct apf_connection *c)
{
	c->unpushed = true;
	apf_count(&c->count->requests);
	return RING_GET_REQUEST(&c->ring, c->ring.req_prod_pvt++);
}

/* ring_lock is held. Shows what was put, with one event if the peer asked for it. */
void apf_ring_push(struct apf_connection *c)
{
	int notify;

	if (!c->unpushed)
		return;
	c->unpushed = false;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&c->ring, notify);
	if (notify)
		notify_remote_via_evtchn(c->port);
}

static void put(struct apf_connection *c, struct apf_entry *e, const struct xenapt_request *req,
		u64 id, enum apf_entry_state state)
{
	struct xenapt_request *place = apf_ring_next(c);

	e->state = state;
	*place = *req;
	place->id = id;
}

/* ring_lock is held. A request without a body that nobody waits for. False: no room now. */
bool apf_ring_tell(struct apf_connection *c, u8 type)
{
	struct xenapt_request req = { .type = type };
	struct apf_entry *e = claim_entry(c, &req, false);

	if (e)
		put(c, e, &req, e->id, APF_ABANDONED);
	return e;
}

/*
 * True when the wait for a place is over: sent, or the connection is dead. raw: with the caller's id,
 * and raw stands in the ring; else NULL.
 */
static bool try_send(struct apf_connection *c, const struct xenapt_request *req,
		     const struct xenapt_request *raw, struct apf_entry **e)
{
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&c->dev->ring_lock, flags);
	dead = apf_connection_dead(c);
	*e = dead ? NULL : claim_entry(c, req, raw);
	if (*e) {
		put(c, *e, raw ?: req, raw ? raw->id : (*e)->id, APF_SENT);
		apf_ring_push(c);
	}
	spin_unlock_irqrestore(&c->dev->ring_lock, flags);
	return *e || dead;
}

/*
 * ring_lock is held. The indices that ask for events are shared: an event may be missing because
 * somebody changed them.
 */
void apf_ring_remind(struct apf_connection *c)
{
	if (!apf_connection_dead(c) && c->ring.req_prod_pvt != c->ring.rsp_cons)
		notify_remote_via_evtchn(c->port);
}

/* An entry that was answered, with its waiter or without, is free again. */
static bool fetch(struct apf_connection *c, struct apf_entry *e, struct xenapt_response *rsp)
{
	bool answered;

	spin_lock_irq(&c->dev->ring_lock);
	answered = e->state == APF_ANSWERED;
	if (answered) {
		*rsp = e->rsp;
		e->state = APF_FREE;
	} else {
		e->state = APF_ABANDONED;
	}
	spin_unlock_irq(&c->dev->ring_lock);
	if (answered)
		wake_up_all(&c->wait);
	return answered;
}

static void look(struct apf_connection *c)
{
	unsigned long flags;

	if (!READ_ONCE(apf_look_again))
		return;
	local_irq_save(flags);
	if (!apf_ring_take(c)) {
		spin_lock(&c->dev->ring_lock);
		apf_ring_remind(c);
		spin_unlock(&c->dev->ring_lock);
	}
	local_irq_restore(flags);
}

static long time_left(unsigned long deadline)
{
	long left = deadline - jiffies;

	return left > 0 ? left : 0;
}

/* Positive: answered or dead; 0: neither in time; negative: a fatal signal. */
static long wait_for(struct apf_connection *c, const struct apf_entry *e, unsigned long deadline)
{
	long left;

	do {
		left = wait_event_killable_timeout(c->wait,
						   READ_ONCE(e->state) == APF_ANSWERED ||
						   apf_connection_dead(c),
						   min_t(long, time_left(deadline), LOOK));
		if (left)
			return left;
		look(c);
	} while (time_left(deadline));
	return 0;
}

static int request(struct apf_connection *c, const struct xenapt_request *req,
		   const struct xenapt_request *raw, struct xenapt_response *rsp)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(READ_ONCE(apf_request_timeout_ms));
	struct apf_entry *e = NULL;
	long left;

	left = wait_event_killable_timeout(c->wait, try_send(c, req, raw, &e), time_left(deadline));
	if (!e)
		goto failed;
	left = wait_for(c, e, deadline);
	if (fetch(c, e, rsp))
		return 0;
failed:
	if (apf_connection_dead(c))
		return -ENOTCONN;
	if (left < 0)
		return -EINTR;
	pr_warn_ratelimited("%s: request %u was not answered within %u ms\n", c->lane->name,
			    req->type, READ_ONCE(apf_request_timeout_ms));
	return -ETIMEDOUT;
}

/*
 * Returns 0 with a response (of any status), -ENOTCONN, -ETIMEDOUT, or -EINTR for a
 * fatal signal.
 */
int apf_request(struct apf_connection *c, struct xenapt_request *req, struct xenapt_response *rsp)
{
	return request(c, req, NULL, rsp);
}

/* The same with the caller's id, and raw in the ring in the place of req: tests only. */
int apf_request_raw(struct apf_connection *c, const struct xenapt_request *req,
		    const struct xenapt_request *raw, struct xenapt_response *rsp)
{
	return request(c, req, raw, rsp);
}

static bool outstanding(const struct apf_entry *e, const struct xenapt_response *rsp)
{
	return (e->state == APF_SENT || e->state == APF_ABANDONED) && e->id == rsp->id &&
	       e->type == rsp->type;
}

/* The entry that a response names; with an id of a test's choice that is any. */
static struct apf_entry *named(struct apf_connection *c, const struct xenapt_response *rsp)
{
	unsigned int i = rsp->id & ((1u << ID_ENTRY_BITS) - 1);
	struct apf_entry *e;

	if (i < c->ring.nr_ents) {
		e = &c->entry[array_index_nospec(i, c->ring.nr_ents)];
		if (outstanding(e, rsp))
			return e;
	}
	for (i = 0; i < c->ring.nr_ents; i++)
		if (outstanding(&c->entry[i], rsp))
			return &c->entry[i];
	return NULL;
}

/* ring_lock is held; rsp is a copy. False: it answers nothing that was asked. */
static bool accept(struct apf_connection *c, const struct xenapt_response *rsp,
		   struct apf_done *done)
{
	struct apf_entry *e;

	if (rsp->id & XENAPT_OP_ID && apf_operation_answer(c, rsp, done))
		return true;
	e = named(c, rsp);
	if (!e)
		return false;
	e->rsp = *rsp;
	if (e->state == APF_SENT) {
		e->state = APF_ANSWERED;
	} else if (e->type == XENAPT_REQ_OPEN && rsp->status == XENAPT_OK) {
		e->state = APF_LATE;
		c->late = true;
	} else {
		e->state = APF_FREE;
	}
	return true;
}

static void bad_response(struct apf_connection *c, u64 id)
{
	apf_connection_kill(c, XENAPT_E_RING, true,
			   "response with id %llu, which is not outstanding", id);
}

/* ring_lock is held. At most as many as are outstanding: prod was checked. */
static unsigned int take_up_to(struct apf_connection *c, RING_IDX prod, struct apf_done *done)
{
	struct xenapt_response rsp;
	unsigned int taken = 0;

	virt_rmb();	/* the index before the entries that it announces */
	while (c->ring.rsp_cons != prod) {
		RING_COPY_RESPONSE(&c->ring, c->ring.rsp_cons, &rsp);
		c->ring.rsp_cons++;
		taken++;
		apf_count(&c->count->responses);
		if (rsp.status != XENAPT_OK)
			apf_count(&c->count->errors);
		if (!accept(c, &rsp, done)) {
			bad_response(c, rsp.id);
			break;
		}
	}
	return taken;
}

static bool index_ok(struct apf_connection *c, RING_IDX prod)
{
	unsigned int outstanding = c->ring.req_prod_pvt - c->ring.rsp_cons;

	if (prod - c->ring.rsp_cons <= outstanding)
		return true;
	apf_connection_kill(c, XENAPT_E_RING, true,
			   "response index %u, at most %u is possible", prod,
			   c->ring.req_prod_pvt);
	return false;
}

/* ring_lock is held. Inline: an operation's way back leads through here. */
static __always_inline unsigned int take_locked(struct apf_connection *c, struct apf_done *done)
{
	unsigned int taken = 0;
	RING_IDX prod;

	while (!apf_connection_dead(c)) {
		prod = READ_ONCE(c->ring.sring->rsp_prod);
		if (prod == c->ring.rsp_cons) {
			c->ring.sring->rsp_event = c->ring.rsp_cons + 1;
			virt_mb();	/* ask for the event, then look again */
			prod = READ_ONCE(c->ring.sring->rsp_prod);
			if (prod == c->ring.rsp_cons)
				break;
		}
		if (index_ok(c, prod))
			taken += take_up_to(c, prod, done);
	}
	if (taken && apf_operations_wait(&c->dev->operations))
		apf_operations_go_on(c->dev);
	return taken;
}

/* ring_lock is held. What was taken goes on in done, and is the caller's to call. */
unsigned int apf_ring_take_locked(struct apf_connection *c, struct apf_done *done)
{
	return take_locked(c, done);
}

/*
 * Interrupt context. Returns how many responses were taken: as many as were outstanding at
 * most. What goes on in their place is sent afterwards, and its answer is another event's.
 */
unsigned int apf_ring_take(struct apf_connection *c)
{
	struct apf_done done = { .end = &done.first };
	unsigned int taken;
	bool late;

	spin_lock(&c->dev->ring_lock);
	taken = take_locked(c, &done);
	late = c->late;
	spin_unlock(&c->dev->ring_lock);
	if (taken && wq_has_sleeper(&c->wait))
		wake_up_all(&c->wait);
	if (late)
		apf_device_want_reap(c->dev, 0);
	if (done.first)
		apf_operations_done(&done);
	return taken;
}

static bool next_late(struct apf_connection *c, u64 *handle)
{
	bool found = false;
	unsigned int i;

	spin_lock_irq(&c->dev->ring_lock);
	for (i = 0; i < c->ring.nr_ents && !found; i++) {
		if (c->entry[i].state != APF_LATE)
			continue;
		*handle = c->entry[i].rsp.handle;
		c->entry[i].state = APF_FREE;
		found = true;
	}
	c->late = found;
	spin_unlock_irq(&c->dev->ring_lock);
	return found;
}

/* Handles that came when nobody waited for them any more. */
void apf_ring_release_late(struct apf_connection *c)
{
	struct xenapt_response rsp;
	u64 handle;

	while (next_late(c, &handle)) {
		struct xenapt_request req = { .type = XENAPT_REQ_RELEASE };

		req.u.named.handle = handle;
		if (apf_request(c, &req, &rsp))
			return;
	}
}
