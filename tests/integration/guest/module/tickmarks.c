// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of the device "timer", each of another comparator, so that none waits for an
 * acknowledgement: from the moment when all are armed until all came no operation is out, and what
 * the parent sends is for a vector. Marks: one at that moment, one in each callback.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include <xenaperture_timer.h>

#include "marks.h"
#include "selftest.h"

#define NUMBER		XENAPERTURE_TIMER_NUMBER
#define LOST_SECONDS	20u
#define QUIET_MS	100u

struct ticks {
	struct run *r;
	struct xen_aperture_dev *dev;
	struct xen_aperture_submitter *submitter;
	wait_queue_head_t wait;
	atomic_t seen;
	bool quiet;			/* since this round's mark */
	unsigned int claimed, stray;	/* stray: before the mark */
	u64 rounds, spoilt, lost, spacing_ns;
	struct xen_aperture_operation ops[2 * NUMBER];
};

static void ticked(struct xen_aperture_dev *dev, unsigned int vector, void *data)
{
	struct ticks *t = data;

	if (t->quiet)
		mark();
	else
		t->stray++;
	atomic_inc(&t->seen);
	wake_up_all(&t->wait);
}

static int operate(struct ticks *t, struct xen_aperture_operation *ops, unsigned int n)
{
	int err = xen_aperture_operate(t->submitter, ops, n);

	while (n-- && !err)
		err = xen_aperture_errno(ops[n].status);
	return err;
}

static int arm(struct ticks *t)
{
	struct xen_aperture_operation *ops = t->ops;
	unsigned int n;
	u64 now;
	int err;

	err = xen_aperture_read(t->submitter, XENAPERTURE_TIMER_COUNTER, 8, &now);
	memset(ops, 0, sizeof(t->ops));
	for (n = 0; n < NUMBER; n++) {
		ops[2 * n].reg = XENAPERTURE_TIMER_DEADLINE(n);
		ops[2 * n].size = 8;
		ops[2 * n].direction = XENAPT_OP_WRITE;
		ops[2 * n].value = now + (n + 2) * t->spacing_ns;
		ops[2 * n + 1].reg = XENAPERTURE_TIMER_CONTROL(n);
		ops[2 * n + 1].size = 4;
		ops[2 * n + 1].direction = XENAPT_OP_WRITE;
		ops[2 * n + 1].value = XENAPERTURE_TIMER_ARMED;
	}
	return err ?: operate(t, ops, 2 * NUMBER);
}

static int acknowledge(struct ticks *t)
{
	struct xen_aperture_operation clear = {
		.reg = XENAPERTURE_TIMER_PENDING, .size = 8, .direction = XENAPT_OP_CLEAR,
		.value = BIT(NUMBER) - 1,
	};

	return operate(t, &clear, 1);
}

/* One whose first tick came before its mark is none. */
static int tick_round(struct ticks *t)
{
	unsigned int stray = t->stray;
	int err;

	atomic_set(&t->seen, 0);
	err = arm(t);
	if (err)
		return err;
	if (!atomic_read(&t->seen)) {
		mark_begin();
		WRITE_ONCE(t->quiet, true);
	}
	t->lost += !wait_event_timeout(t->wait, atomic_read(&t->seen) >= NUMBER,
				       LOST_SECONDS * HZ);
	t->spoilt += t->stray != stray || !t->quiet;
	t->rounds += t->stray == stray && t->quiet && !t->lost;
	WRITE_ONCE(t->quiet, false);
	return acknowledge(t);
}

static int ticks_open(struct ticks *t)
{
	struct xen_aperture_operation reset = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE,
	};
	int err;

	t->submitter = xen_aperture_submitter_get(t->dev);
	err = PTR_ERR_OR_ZERO(t->submitter) ?: operate(t, &reset, 1);
	for (; !err && t->claimed < NUMBER; t->claimed += !err)
		err = xen_aperture_vector_claim(t->dev, t->claimed, ticked, t, 0);
	msleep(QUIET_MS);
	t->stray = 0;
	return err;
}

static void ticks_close(struct ticks *t)
{
	while (t->claimed)
		xen_aperture_vector_release(t->dev, --t->claimed);
	if (!IS_ERR_OR_NULL(t->submitter))
		xen_aperture_submitter_put(t->submitter);
	xen_aperture_dev_put(t->dev);
}

static int ticks(struct ticks *t, u64 rounds)
{
	int err = ticks_open(t);

	while (!err && t->rounds < rounds && t->spoilt < rounds && !t->lost)
		err = tick_round(t);
	say(t->r, "rounds=%llu ticks=%llu spoilt=%llu lost=%llu\n", t->rounds, t->rounds * NUMBER,
	    t->spoilt, t->lost);
	ticks_close(t);
	return err ?: t->lost || t->rounds < rounds ? -EILSEQ : 0;
}

int cmd_tickmarks(struct run *r)
{
	struct ticks *t = kzalloc(sizeof(*t), GFP_KERNEL);
	u64 rounds, us;
	int err;

	if (!t)
		return -ENOMEM;
	t->r = r;
	init_waitqueue_head(&t->wait);
	err = arg_u64(r, 2, &rounds) ?: arg_u64(r, 3, &us) ?: arg_dev(r, 1, &t->dev);
	t->spacing_ns = us * NSEC_PER_USEC;
	err = err ?: ticks(t, rounds);
	kfree(t);
	return err;
}
