// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors of the device "check", from both its halves: one interrupt for each edge, and none lost
 * while masked, in service or raised by both at once.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "check_registers.h"
#include "selftest.h"

#define VECTORS		4u
#define LOST_SECONDS	20u
#define QUIET_MS	100u	/* none came in so long: it was held back */

struct view {
	struct run *r;
	struct xen_aperture_dev *dev;
	struct xen_aperture_submitter *submitter;
	atomic_t seen[VECTORS];
	wait_queue_head_t wait;
	unsigned int claimed, cases, wrong;
};

static void interrupted(struct xen_aperture_dev *dev, unsigned int vector, void *data)
{
	struct view *v = data;

	atomic_inc(&v->seen[vector]);
	wake_up_all(&v->wait);
}

static int view_open(struct run *r, struct view *v, unsigned int flags)
{
	int err;

	memset(v, 0, sizeof(*v));
	v->r = r;
	init_waitqueue_head(&v->wait);
	err = arg_dev(r, 1, &v->dev);
	if (err)
		return err;
	v->submitter = xen_aperture_submitter_get(v->dev);
	err = PTR_ERR_OR_ZERO(v->submitter);
	for (; !err && v->claimed < VECTORS; v->claimed++) {
		err = xen_aperture_vector_claim(v->dev, v->claimed, interrupted, v, flags);
		if (err)
			break;
	}
	if (err)
		say(r, "vector %u: %d\n", v->claimed, err);
	return err;
}

static void view_close(struct view *v)
{
	while (v->claimed)
		xen_aperture_vector_release(v->dev, --v->claimed);
	if (!IS_ERR_OR_NULL(v->submitter))
		xen_aperture_submitter_put(v->submitter);
	if (v->dev)
		xen_aperture_dev_put(v->dev);
}

static int command(struct view *v, u32 number, u64 argument)
{
	struct xen_aperture_operation op = {
		.reg = number, .value = argument, .direction = XENAPT_OP_WRITE,
	};
	int err = xen_aperture_operate(v->submitter, &op, 1);

	if (!err && op.status)
		err = xen_aperture_errno(op.status);
	if (err)
		say(v->r, "command %u: error %d, %s\n", number, err,
		    xen_aperture_status_name(op.status));
	return err;
}

/* As the device sees it: nothing is to be seen any more. */
static int clear_pending(struct view *v)
{
	return xen_aperture_write(v->submitter, CHECK_PENDING, 8, ~0ull);
}

static bool came(struct view *v, unsigned int n, int before)
{
	return wait_event_timeout(v->wait, atomic_read(&v->seen[n]) != before, LOST_SECONDS * HZ);
}

static void expect(struct view *v, bool right, const char *what)
{
	v->cases++;
	v->wrong += !right;
	say(v->r, "%s - %s\n", right ? "ok" : "not ok", what);
}

/* ---- one interrupt for each edge ---- */

struct edges {
	u64 raised, lost, before, after, delivered, coalesced;
};

static int one_edge(struct view *v, u32 number, struct edges *e)
{
	int before = atomic_read(&v->seen[0]), err;

	err = command(v, number, 1);
	if (err)
		return err;
	e->raised++;
	if (!came(v, 0, before))
		e->lost++;
	return number == CHECK_DO_RAISE_APART ? 0 : clear_pending(v);
}

static int edges(struct view *v, u32 number, u64 count)
{
	struct xen_aperture_vector_state from, to;
	struct edges e = { 0 };
	int err = clear_pending(v);

	/* What claiming and connecting raised is over before the count begins. */
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 0, &from);
	e.before = atomic_read(&v->seen[0]);
	while (!err && e.raised < count && !e.lost)
		err = one_edge(v, number, &e);
	msleep(QUIET_MS);
	e.after = atomic_read(&v->seen[0]);
	xen_aperture_vector_state(v->dev, 0, &to);
	say(v->r, "raised=%llu callbacks=%llu delivered=%llu coalesced=%llu lost=%llu\n", e.raised,
	    e.after - e.before, to.delivered - from.delivered, to.coalesced - from.coalesced,
	    e.lost);
	return err ?: e.lost ? -EILSEQ : 0;
}

int cmd_edges(struct run *r)
{
	struct view v = { 0 };
	u64 number, count;
	int err;

	err = arg_u64(r, 2, &number) ?: arg_u64(r, 3, &count) ?: view_open(r, &v, 0);
	if (!err)
		err = edges(&v, number, count);
	view_close(&v);
	return err;
}

/* ---- both halves at once ---- */

static int round_of_both(struct view *v, u64 *lost)
{
	struct xen_aperture_operation ops[3] = {
		{ .reg = CHECK_DO_RAISE, .value = 3, .direction = XENAPT_OP_WRITE },
		{ .reg = CHECK_DO_RAISE_APART, .value = 5, .direction = XENAPT_OP_WRITE },
		{ .reg = CHECK_DO_RAISE_SLOW, .value = 9, .direction = XENAPT_OP_WRITE },
	};
	int before[VECTORS], err;
	unsigned int n;

	for (n = 0; n < VECTORS; n++)
		before[n] = atomic_read(&v->seen[n]);
	err = xen_aperture_operate(v->submitter, ops, 3);
	for (n = 0; n < 3 && !err; n++)
		err = xen_aperture_errno(ops[n].status);
	for (n = 0; n < VECTORS && !err; n++)
		*lost += !came(v, n, before[n]);
	return err ?: clear_pending(v);
}

int cmd_both(struct run *r)
{
	u64 rounds, i, lost = 0;
	struct view v = { 0 };
	int err;

	err = arg_u64(r, 2, &rounds) ?: view_open(r, &v, 0);
	for (i = 0; i < rounds && !err && !lost; i++)
		err = round_of_both(&v, &lost);
	say(r, "rounds=%llu lost=%llu vector0=%d vector1=%d vector2=%d vector3=%d\n", i, lost,
	    atomic_read(&v.seen[0]), atomic_read(&v.seen[1]), atomic_read(&v.seen[2]),
	    atomic_read(&v.seen[3]));
	view_close(&v);
	return err ?: lost ? -EILSEQ : 0;
}

/* ---- held back, never lost ---- */

static void held_by_mask(struct view *v, u32 number, bool fast)
{
	struct xen_aperture_vector_state s;
	int before;

	clear_pending(v);
	msleep(QUIET_MS);
	xen_aperture_vector_mask(v->dev, 1);
	before = atomic_read(&v->seen[1]);
	command(v, number, 2);
	command(v, number, 2);
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, atomic_read(&v->seen[1]) == before, "no interrupt while masked");
	expect(v, s.masked && (s.owed || (fast ? s.pending_fast : s.pending_slow)),
	       "it is pending at its half");
	if (!xen_aperture_vector_unmask(v->dev, 1))
		expect(v, came(v, 1, before), "it comes when unmasked");
	else
		expect(v, true, "unmask says that it was pending");
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, !s.masked && s.held, "and the controller counted it");
}

static void held_in_service(struct view *v, u32 number)
{
	struct xen_aperture_vector_state s;
	int before;

	clear_pending(v);
	msleep(QUIET_MS);
	while (xen_aperture_vector_ack(v->dev, 2))
		;
	before = atomic_read(&v->seen[2]);
	command(v, number, 4);
	expect(v, came(v, 2, before), "an interrupt comes");
	before = atomic_read(&v->seen[2]);
	clear_pending(v);
	command(v, number, 4);
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 2, &s);
	expect(v, s.in_service && atomic_read(&v->seen[2]) == before,
	       "no second one before the acknowledgement");
	expect(v, xen_aperture_vector_ack(v->dev, 2),
	       "the acknowledgement says that there is one more");
	expect(v, !xen_aperture_vector_ack(v->dev, 2), "and then none");
}

int cmd_held(struct run *r)
{
	struct view v = { 0 };
	int err = view_open(r, &v, 0);

	if (!err) {
		held_by_mask(&v, CHECK_DO_RAISE, true);
		held_by_mask(&v, CHECK_DO_RAISE_APART, false);
		view_close(&v);
		err = view_open(r, &v, XEN_APERTURE_VECTOR_ACKED);
	}
	if (!err) {
		held_in_service(&v, CHECK_DO_RAISE);
		held_in_service(&v, CHECK_DO_RAISE_APART);
	}
	view_close(&v);
	say(r, "cases=%u wrong=%u\n", v.cases, v.wrong);
	return err ?: v.wrong ? -EILSEQ : 0;
}
