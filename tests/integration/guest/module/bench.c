// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips timed by the processor's counter, from just before the request to the interrupt's
 * callback. Meanwhile the processor is given back to Xen at once, without Linux's way into idle,
 * which would be a third of the figure. In the rig's deterministic mode the counter counts the
 * instructions of the whole machine.
 */
#include <linux/interrupt.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <asm/msr.h>
#include <asm/xen/hypercall.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>

#include "selftest.h"

#define SAMPLES_MOST	100000u
#define WARM_UP		64u
#define WAKES_MOST	100000u

struct bench {
	u64 *sample;
	u64 begun;
	unsigned int count;
	bool back;			/* the answer is there */
	u32 failed;			/* status of an operation */
	int (*request)(struct bench *b);
	u64 ended;
	struct xen_aperture_submitter *submitter;
	struct xen_aperture_operation op;
	unsigned int irq;
};

/* In the callback, first thing. */
static void sampled(struct bench *b)
{
	b->ended = rdtsc_ordered();
	WRITE_ONCE(b->back, true);
}

/* Interrupts are off here; on while it waits. */
static int round_trip_once(struct bench *b)
{
	unsigned int wakes;
	int err;

	WRITE_ONCE(b->back, false);
	b->begun = rdtsc_ordered();
	err = b->request(b);
	for (wakes = 0; !err && !READ_ONCE(b->back); wakes++) {
		if (wakes > WAKES_MOST)
			return -ETIMEDOUT;
		safe_halt();
		local_irq_disable();
	}
	return err;
}

static int measure(struct bench *b)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < b->count + WARM_UP && !err && !b->failed; i++) {
		preempt_disable();
		local_irq_disable();
		err = round_trip_once(b);
		local_irq_enable();
		preempt_enable();
		if (i >= WARM_UP)
			b->sample[i - WARM_UP] = b->ended - b->begun;
		cond_resched();
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void tell(struct run *r, struct bench *b)
{
	sort(b->sample, b->count, sizeof(u64), compare, NULL);
	say(r, "median=%llu min=%llu max=%llu p95=%llu count=%u\n", b->sample[b->count / 2],
	    b->sample[0], b->sample[b->count - 1], b->sample[b->count * 95 / 100], b->count);
}

static int make(struct run *r, unsigned int arg, struct bench *b)
{
	u64 count;
	int err = arg_u64(r, arg, &count);

	if (err || !count || count > SAMPLES_MOST)
		return err ?: -EINVAL;
	b->count = count;
	b->sample = kvcalloc(count, sizeof(u64), GFP_KERNEL);
	return b->sample ? 0 : -ENOMEM;
}

/* ---- a bare event ---- */

static int send(struct bench *b)
{
	notify_remote_via_irq(b->irq);
	return 0;
}

static irqreturn_t echoed(int irq, void *data)
{
	struct bench *b = data;

	sampled(b);
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

static int bind_echo(u64 domain, u64 port, struct bench *b)
{
	struct evtchn_bind_interdomain bind = { .remote_dom = domain, .remote_port = port };
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

	if (err)
		return err;
	return bind_evtchn_to_irqhandler_lateeoi(bind.local_port, echoed, 0, "echo", b);
}

int cmd_bench_echo(struct run *r)
{
	struct bench b = { 0 };
	u64 domain, port;
	int err;

	err = arg_u64(r, 1, &domain) ?: arg_u64(r, 2, &port) ?: make(r, 3, &b);
	if (err)
		return err;
	err = bind_echo(domain, port, &b);
	if (err >= 0) {
		b.irq = err;
		b.request = send;
		err = measure(&b);
		if (!err)
			tell(r, &b);
		unbind_from_irqhandler(b.irq, &b);
	}
	kvfree(b.sample);
	return err;
}

/* ---- an operation ---- */

static int submit(struct bench *b)
{
	return xen_aperture_submit(b->submitter, &b->op, 1);
}

static void answered(struct xen_aperture_operation *op)
{
	struct bench *b = op->data;

	sampled(b);
	if (op->status)
		b->failed = op->status;
}

static int bench_operation(struct run *r, struct bench *b, struct xen_aperture_dev *dev)
{
	u64 reg, size, direction, value;
	int err;

	err = arg_u64(r, 3, &reg) ?: arg_u64(r, 4, &size) ?: arg_u64(r, 5, &direction) ?:
	      arg_u64_or(r, 6, &value, 0);
	if (err)
		return err;
	b->op = (struct xen_aperture_operation){
		.reg = reg,
		.size = size,
		.direction = direction,
		.value = value,
		.done = answered,
		.data = b,
	};
	b->submitter = xen_aperture_submitter_get(dev);
	if (IS_ERR(b->submitter))
		return PTR_ERR(b->submitter);
	b->request = submit;
	err = measure(b);
	say(r, "lane=%s status=%s\n", b->op.lane == XENAPT_OWNER_FAST ? "fast" : "slow",
	    xen_aperture_status_name(b->failed));
	if (err)
		xen_aperture_cancel(&b->op, 1);
	xen_aperture_submitter_put(b->submitter);
	return err ?: b->failed ? -EILSEQ : 0;
}

int cmd_bench_operation(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct bench *b;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	err = b ? make(r, 2, b) : -ENOMEM;
	if (!err) {
		err = bench_operation(r, b, dev);
		if (!err)
			tell(r, b);
		kvfree(b->sample);
	}
	kfree(b);
	xen_aperture_dev_put(dev);
	return err;
}
