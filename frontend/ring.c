// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and responses. Each request has an entry of a private table; a response
 * must name one that is outstanding. A request whose waiter gave up keeps its entry
 * until the response comes: the parent may still act on it.
 */
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <xen/events.h>

#include "frontend.h"

#define ID_ENTRY_BITS 16	/* low bits of an id: its entry; the rest is a number */

/* c->lock is held. */
static struct apf_entry *claim_entry(struct apf_connection *c)
{
	unsigned int i;

	for (i = 0; i < c->ring.nr_ents; i++) {
		if (c->entry[i].state != APF_FREE)
			continue;
		c->entry[i].id = ++c->next_id << ID_ENTRY_BITS | i;
		return &c->entry[i];
	}
	return NULL;
}

/* c->lock is held. A free entry implies a free place in the ring. */
static void push(struct apf_connection *c, struct apf_entry *e, struct xenapt_request *req)
{
	int notify;

	e->state = APF_SENT;
	e->type = req->type;
	req->id = e->id;
	*RING_GET_REQUEST(&c->ring, c->ring.req_prod_pvt) = *req;
	c->ring.req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&c->ring, notify);
	apf_count(&c->mask->child.requests);
	if (notify)
		notify_remote_via_irq(c->irq);
}

/* True when the wait for a place is over: sent, or the connection is dead. */
static bool try_send(struct apf_connection *c, struct xenapt_request *req, struct apf_entry **e)
{
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&c->lock, flags);
	dead = apf_connection_dead(c);
	*e = dead ? NULL : claim_entry(c);
	if (*e)
		push(c, *e, req);
	spin_unlock_irqrestore(&c->lock, flags);
	return *e || dead;
}

/* An entry that was answered, with its waiter or without, is free again. */
static bool fetch(struct apf_connection *c, struct apf_entry *e, struct xenapt_response *rsp)
{
	bool answered;

	spin_lock_irq(&c->lock);
	answered = e->state == APF_ANSWERED;
	if (answered) {
		*rsp = e->rsp;
		e->state = APF_FREE;
	} else {
		e->state = APF_ABANDONED;
	}
	spin_unlock_irq(&c->lock);
	if (answered)
		wake_up_all(&c->wait);
	return answered;
}

static long time_left(unsigned long deadline)
{
	long left = deadline - jiffies;

	return left > 0 ? left : 0;
}

/*
 * Returns 0 with a response (of any status), -ENOTCONN, -ETIMEDOUT, or -EINTR for a
 * fatal signal.
 */
int apf_request(struct apf_connection *c, struct xenapt_request *req, struct xenapt_response *rsp)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(READ_ONCE(apf_request_timeout_ms));
	struct apf_entry *e = NULL;
	long left;

	left = wait_event_killable_timeout(c->wait, try_send(c, req, &e), time_left(deadline));
	if (!e)
		goto failed;
	left = wait_event_killable_timeout(c->wait, READ_ONCE(e->state) == APF_ANSWERED ||
					   apf_connection_dead(c), time_left(deadline));
	if (fetch(c, e, rsp))
		return 0;
failed:
	if (apf_connection_dead(c))
		return -ENOTCONN;
	if (left < 0)
		return -EINTR;
	pr_warn_ratelimited("%s: request %u was not answered within %u ms\n", c->dev->name,
			    req->type, READ_ONCE(apf_request_timeout_ms));
	return -ETIMEDOUT;
}

/* c->lock is held; rsp is a copy. False: it answers nothing that was asked. */
static bool accept(struct apf_connection *c, const struct xenapt_response *rsp)
{
	unsigned int i = rsp->id & ((1u << ID_ENTRY_BITS) - 1);
	struct apf_entry *e;

	if (i >= c->ring.nr_ents)
		return false;
	e = &c->entry[array_index_nospec(i, c->ring.nr_ents)];
	if (e->id != rsp->id || e->type != rsp->type)
		return false;
	if (e->state != APF_SENT && e->state != APF_ABANDONED)
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

/* c->lock is held. At most as many as are outstanding: prod was checked. */
static unsigned int take_up_to(struct apf_connection *c, RING_IDX prod)
{
	struct xenapt_response rsp;
	unsigned int taken = 0;

	virt_rmb();	/* the index before the entries that it announces */
	while (c->ring.rsp_cons != prod) {
		RING_COPY_RESPONSE(&c->ring, c->ring.rsp_cons, &rsp);
		c->ring.rsp_cons++;
		taken++;
		apf_count(&c->mask->child.responses);
		if (rsp.status != XENAPT_OK)
			apf_count(&c->mask->child.errors);
		if (!accept(c, &rsp)) {
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

/* Interrupt context. Returns how many responses were taken. */
unsigned int apf_ring_take(struct apf_connection *c)
{
	unsigned int taken = 0;
	unsigned long flags;
	RING_IDX prod;
	bool late;

	spin_lock_irqsave(&c->lock, flags);
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
			taken += take_up_to(c, prod);
	}
	late = c->late;
	spin_unlock_irqrestore(&c->lock, flags);
	if (taken)
		wake_up_all(&c->wait);
	if (late)
		apf_device_want_reap(c->dev, 0);
	return taken;
}

static bool next_late(struct apf_connection *c, u64 *handle)
{
	bool found = false;
	unsigned int i;

	spin_lock_irq(&c->lock);
	for (i = 0; i < c->ring.nr_ents && !found; i++) {
		if (c->entry[i].state != APF_LATE)
			continue;
		*handle = c->entry[i].rsp.handle;
		c->entry[i].state = APF_FREE;
		found = true;
	}
	c->late = found;
	spin_unlock_irq(&c->lock);
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
