// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of the timer device to a kernel callback, which acknowledges each by an operation of its own.
 * Which ticks there must be follows from the counter and what was armed.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <xenaperture_timer.h>

#include "selftest.h"

#define LOST_SECONDS	20u
#define FIRST_NS	1000000u

struct ticking {
	struct run *r;
	struct xen_aperture_dev *dev;
	struct xen_aperture_submitter *submitter, *callback;
	struct xen_aperture_operation acknowledge[2];	/* the counter, and PENDING */
	wait_queue_head_t wait;
	u64 first, period;
	bool out, again;		/* an acknowledgement is; one more interrupt came meanwhile */
	u64 ticks, early, spurious, failed;
	bool claimed;
};

static void acknowledge(struct ticking *t);

/* Of both operations: the second one ends last. Not at the same time as interrupted(). */
static void acknowledged(struct xen_aperture_operation *op)
{
	struct ticking *t = op->data;

	if (op == &t->acknowledge[0])
		return;
	t->failed += t->acknowledge[0].status || op->status;
	if (op->result & 1) {
		t->early += t->acknowledge[0].result < t->first + t->ticks * t->period;
		t->ticks++;
	} else {
		t->spurious++;
	}
	t->out = false;
	if (t->again)
		acknowledge(t);
	wake_up_all(&t->wait);
}

static void acknowledge(struct ticking *t)
{
	t->again = false;
	t->out = true;
	t->acknowledge[0] = (struct xen_aperture_operation){
		.reg = XENAPERTURE_TIMER_COUNTER, .size = 8, .direction = XENAPT_OP_READ,
		.done = acknowledged, .data = t,
	};
	t->acknowledge[1] = (struct xen_aperture_operation){
		.reg = XENAPERTURE_TIMER_PENDING, .size = 8, .direction = XENAPT_OP_CLEAR,
		.value = 1, .done = acknowledged, .data = t,
	};
	if (xen_aperture_submit(t->callback, t->acknowledge, 2)) {
		t->out = false;
		t->failed++;
	}
}

static void interrupted(struct xen_aperture_dev *dev, unsigned int vector, void *data)
{
	struct ticking *t = data;

	if (t->out)
		t->again = true;
	else
		acknowledge(t);
}

static u64 get(struct ticking *t, u64 reg)
{
	u64 value = 0;

	t->failed += xen_aperture_read(t->submitter, reg, 8, &value) != 0;
	return value;
}

static void set(struct ticking *t, u64 reg, unsigned int size, u64 value)
{
	t->failed += xen_aperture_write(t->submitter, reg, size, value) != 0;
}

static int begin(struct ticking *t)
{
	struct xen_aperture_operation reset = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE,
	};
	int err;

	t->submitter = xen_aperture_submitter_get(t->dev);
	t->callback = xen_aperture_submitter_get(t->dev);
	err = PTR_ERR_OR_ZERO(t->submitter) ?: PTR_ERR_OR_ZERO(t->callback) ?:
	      xen_aperture_operate(t->submitter, &reset, 1) ?: xen_aperture_errno(reset.status) ?:
	      xen_aperture_vector_claim(t->dev, 0, interrupted, t, 0);
	t->claimed = !err;
	return err;
}

static void end(struct ticking *t)
{
	if (t->claimed)
		xen_aperture_vector_release(t->dev, 0);
	wait_event(t->wait, !READ_ONCE(t->out));
	if (!IS_ERR_OR_NULL(t->callback))
		xen_aperture_submitter_put(t->callback);
	if (!IS_ERR_OR_NULL(t->submitter))
		xen_aperture_submitter_put(t->submitter);
}

/* Each point of the grid up to the moment of disarming is a tick, and comes. */
static int judge(struct ticking *t)
{
	u64 before = get(t, XENAPERTURE_TIMER_COUNTER), after, least, most, expired;
	bool all;

	set(t, XENAPERTURE_TIMER_CONTROL(0), 4, 0);
	after = get(t, XENAPERTURE_TIMER_COUNTER);
	expired = get(t, XENAPERTURE_TIMER_EXPIRED(0));
	least = before < t->first ? 0 : div64_u64(before - t->first, t->period) + 1;
	most = after < t->first ? 0 : div64_u64(after - t->first, t->period) + 1;
	all = wait_event_timeout(t->wait, READ_ONCE(t->ticks) >= expired, LOST_SECONDS * HZ);
	say(t->r, "ticks=%llu expired=%llu least=%llu most=%llu early=%llu spurious=%llu failed=%llu\n",
	    t->ticks, expired, least, most, t->early, t->spurious, t->failed);
	return all && t->ticks == expired && expired >= least && expired <= most && !t->early &&
	       !t->failed ? 0 : -EILSEQ;
}

static int ticks(struct ticking *t, u64 count)
{
	t->first = get(t, XENAPERTURE_TIMER_COUNTER) + FIRST_NS;
	set(t, XENAPERTURE_TIMER_PERIOD(0), 8, t->period);
	set(t, XENAPERTURE_TIMER_DEADLINE(0), 8, t->first);
	set(t, XENAPERTURE_TIMER_CONTROL(0), 4, XENAPERTURE_TIMER_ARMED | XENAPERTURE_TIMER_PERIODIC |
	    XENAPERTURE_TIMER_DELIVER_ALL);
	if (!wait_event_timeout(t->wait, READ_ONCE(t->ticks) >= count || READ_ONCE(t->failed),
				(LOST_SECONDS + div64_u64(count * t->period, NSEC_PER_SEC)) * HZ))
		say(t->r, "only %llu of %llu ticks came\n", t->ticks, count);
	return judge(t);
}

int cmd_ticks(struct run *r)
{
	struct ticking *t = kzalloc(sizeof(*t), GFP_KERNEL);
	u64 count, us;
	int err;

	if (!t)
		return -ENOMEM;
	t->r = r;
	init_waitqueue_head(&t->wait);
	err = arg_u64(r, 2, &count) ?: arg_u64(r, 3, &us) ?: arg_dev(r, 1, &t->dev);
	if (!err) {
		t->period = us * 1000;
		err = begin(t) ?: ticks(t, count);
		end(t);
		xen_aperture_dev_put(t->dev);
	}
	kfree(t);
	return err;
}
