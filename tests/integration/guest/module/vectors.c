// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors of the device "check", from both its halves: one interrupt for each edge, and none lost
 * while masked, in service or raised by both at once: by one submitter and by two.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched/task.h>
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
	atomic_t met;			/* vector 0 came while the other half had it pending */
	wait_queue_head_t wait;
	unsigned int claimed, cases, wrong;
};

static void interrupted(struct xen_aperture_dev *dev, unsigned int vector, void *data)
{
	struct xen_aperture_vector_state s;
	struct view *v = data;

	xen_aperture_vector_state(dev, vector, &s);
	if (!vector && (s.pending_fast || s.pending_slow))
		atomic_inc(&v->met);
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

/* ---- both halves, in one batch ---- */

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

/* ---- both halves at once ---- */

#define MASKED_EACH	4u	/* rounds: in one of them the shared vector is masked */
#define SHARED		0u	/* vector of both; 1 is the first device's alone, 2 the second's */

/* One source: a thread with a submitter of its own, that raises when it is told. */
struct source {
	struct task_struct *task;
	struct xen_aperture_submitter *submitter;
	struct xen_aperture_operation op;
	struct completion go, done;
	struct source *follower;	/* goes when this one begins */
	u64 begun, ended;		/* ns */
	u64 wait_ns;			/* before it raises */
	bool stop;
	int err;
};

struct race {
	struct view *v;
	struct source fast, slow;
	struct xen_aperture_vector_state from[3];
	u64 rounds, overlapped;		/* both operations were under way at once */
	u64 together;			/* both halves had the vector pending */
	u64 unmasked;			/* ... and unmasking delivered it, without a callback */
	u64 lost;
};

static int source_main(void *data)
{
	struct source *c = data;

	for (;;) {
		wait_for_completion(&c->go);
		if (c->stop)
			return 0;
		if (c->wait_ns >= NSEC_PER_USEC)
			fsleep(div_u64(c->wait_ns, NSEC_PER_USEC));
		c->begun = ktime_get_ns();
		if (c->follower)
			complete(&c->follower->go);
		c->err = xen_aperture_operate(c->submitter, &c->op, 1) ?:
			 xen_aperture_errno(c->op.status);
		c->ended = ktime_get_ns();
		complete(&c->done);
	}
}

static int source_start(struct source *c, struct view *v, u32 number, u64 vectors, unsigned int cpu)
{
	c->op.reg = number;
	c->op.value = vectors;
	c->op.direction = XENAPT_OP_WRITE;
	init_completion(&c->go);
	init_completion(&c->done);
	c->submitter = xen_aperture_submitter_get(v->dev);
	if (IS_ERR(c->submitter))
		return PTR_ERR(c->submitter);
	c->task = kthread_create(source_main, c, "aperture-source");
	if (IS_ERR(c->task))
		return PTR_ERR(c->task);
	get_task_struct(c->task);
	kthread_bind(c->task, cpu);
	wake_up_process(c->task);
	return 0;
}

static void source_end(struct source *c)
{
	if (!IS_ERR_OR_NULL(c->task)) {
		c->stop = true;
		complete(&c->go);
		kthread_stop(c->task);
		put_task_struct(c->task);
	}
	if (!IS_ERR_OR_NULL(c->submitter))
		xen_aperture_submitter_put(c->submitter);
}

/* Raised so often, as far as the controller knows: delivered, or merged into one that was. */
static u64 arrived(struct race *x, unsigned int n)
{
	struct xen_aperture_vector_state s;

	xen_aperture_vector_state(x->v->dev, n, &s);
	return s.delivered - x->from[n].delivered + s.coalesced - x->from[n].coalesced;
}

static bool all_arrived(struct race *x)
{
	return arrived(x, SHARED) >= 2 * x->rounds && arrived(x, 1) >= x->rounds &&
	       arrived(x, 2) >= x->rounds;
}

static bool pending_at_both(struct race *x)
{
	struct xen_aperture_vector_state s;

	xen_aperture_vector_state(x->v->dev, SHARED, &s);
	return s.pending_fast && s.pending_slow;
}

/* What both raised is pending at both, soon after the answers; unmasking delivers it once. */
static void unmask_shared(struct race *x)
{
	unsigned int ms;

	for (ms = 0; ms < LOST_SECONDS * MSEC_PER_SEC && !pending_at_both(x); ms++)
		msleep(1);
	x->together += pending_at_both(x);
	x->unmasked += xen_aperture_vector_unmask(x->v->dev, SHARED);
}

static int race_round(struct race *x)
{
	bool masked = x->rounds++ % MASKED_EACH == 0;
	struct source *f = &x->fast, *s = &x->slow;
	int err;

	if (masked)
		xen_aperture_vector_mask(x->v->dev, SHARED);
	complete(&s->go);
	wait_for_completion(&f->done);
	wait_for_completion(&s->done);
	err = f->err ?: s->err;
	x->overlapped += f->begun < s->ended && s->begun < f->ended;
	/* The first device is the faster: it begins somewhere in the time that the other takes. */
	f->wait_ns = div_u64((s->ended - s->begun) * (x->rounds % 8), 8);
	if (masked)
		unmask_shared(x);
	if (!err && !wait_event_timeout(x->v->wait, all_arrived(x), LOST_SECONDS * HZ))
		x->lost++;
	return err;
}

/* Exactly: two for each round of the vector that both raise, one of each other. */
static bool race_exact(struct race *x)
{
	return arrived(x, SHARED) == 2 * x->rounds && arrived(x, 1) == x->rounds &&
	       arrived(x, 2) == x->rounds;
}

static void race_said(struct race *x)
{
	const struct view *v = x->v;

	say(v->r, "rounds=%llu lost=%llu overlapped=%llu together=%llu met=%d unmasked=%llu "
	    "shared=%llu fast=%llu slow=%llu callbacks=%d\n", x->rounds, x->lost, x->overlapped,
	    x->together, atomic_read(&v->met), x->unmasked, arrived(x, SHARED), arrived(x, 1),
	    arrived(x, 2), atomic_read(&v->seen[SHARED]));
}

static int race(struct race *x, u64 rounds)
{
	int err = clear_pending(x->v);
	unsigned int n;

	msleep(QUIET_MS);
	for (n = 0; n < ARRAY_SIZE(x->from); n++)
		xen_aperture_vector_state(x->v->dev, n, &x->from[n]);
	atomic_set(&x->v->seen[SHARED], 0);
	atomic_set(&x->v->met, 0);
	while (!err && x->rounds < rounds && !x->lost)
		err = race_round(x);
	msleep(QUIET_MS);
	race_said(x);
	return err ?: x->lost || !race_exact(x) ? -EILSEQ : 0;
}

int cmd_race(struct run *r)
{
	struct race *x = kzalloc(sizeof(*x), GFP_KERNEL);
	struct view v = { 0 };
	u64 rounds;
	int err;

	if (!x)
		return -ENOMEM;
	x->v = &v;
	err = arg_u64(r, 2, &rounds) ?: view_open(r, &v, 0) ?:
	      source_start(&x->fast, &v, CHECK_DO_RAISE, BIT(SHARED) | BIT(1), 0) ?:
	      source_start(&x->slow, &v, CHECK_DO_RAISE_APART, BIT(SHARED) | BIT(2),
			   num_online_cpus() - 1);
	x->slow.follower = &x->fast;
	if (!err)
		err = race(x, rounds);
	source_end(&x->fast);
	source_end(&x->slow);
	view_close(&v);
	kfree(x);
	return err;
}

/* ---- held back, never lost ---- */

/* Twice: the half merges the second into the first. */
static void held_by_mask(struct view *v, u32 number, bool fast)
{
	struct xen_aperture_vector_state from, s;
	int before;

	clear_pending(v);
	msleep(QUIET_MS);
	xen_aperture_vector_mask(v->dev, 1);
	xen_aperture_vector_state(v->dev, 1, &from);
	before = atomic_read(&v->seen[1]);
	command(v, number, 2);
	command(v, number, 2);
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, atomic_read(&v->seen[1]) == before && s.delivered == from.delivered,
	       "no interrupt while masked");
	expect(v, s.masked && s.owed == from.owed &&
	       (fast ? s.pending_fast && !s.pending_slow : s.pending_slow && !s.pending_fast),
	       "it is pending at its half");
	expect(v, xen_aperture_vector_unmask(v->dev, 1), "unmask says that it was pending");
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, !s.masked && s.held == from.held + 1 && s.delivered == from.delivered + 1,
	       "and the controller counted it, once");
	expect(v, s.coalesced == from.coalesced && atomic_read(&v->seen[1]) == before,
	       "and merged nothing itself, nor called");
}

/* Once each: the controller merges the two. */
static void held_of_both(struct view *v)
{
	struct xen_aperture_vector_state from, s;

	clear_pending(v);
	msleep(QUIET_MS);
	xen_aperture_vector_mask(v->dev, 1);
	xen_aperture_vector_state(v->dev, 1, &from);
	command(v, CHECK_DO_RAISE, 2);
	command(v, CHECK_DO_RAISE_APART, 2);
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, s.pending_fast && s.pending_slow, "masked, it is pending at both halves");
	expect(v, xen_aperture_vector_unmask(v->dev, 1), "unmask says that it was pending");
	msleep(QUIET_MS);
	xen_aperture_vector_state(v->dev, 1, &s);
	expect(v, s.delivered == from.delivered + 1 && s.coalesced == from.coalesced + 1,
	       "one was delivered, one coalesced");
	expect(v, !s.pending_fast && !s.pending_slow && s.held == from.held + 1, "none is left");
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
		held_of_both(&v);
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
