// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of the device "check" with completion callbacks: a number of them are out at any time,
 * each is submitted again from its own callback, and each answer is compared with the reference,
 * which does them in the order of submission.
 */
#include <linux/completion.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "check_reference.h"
#include "marks.h"
#include "selftest.h"

#define DEPTH_MOST	64u

struct flow;

struct out {
	struct xen_aperture_operation op;
	struct check_answer expected;
	struct flow *flow;
	struct list_head list;
};

struct flow {
	struct xen_aperture_submitter *submitter;
	struct check_reference reference;
	spinlock_t lock;		/* all that follows */
	struct list_head idle;
	bool pumping;
	u64 count, begun, ended, wrong, lane[3], random;
	u32 first_wrong, first_expected;
	bool mixed, stop;
	unsigned int depth;
	struct completion finished;
	struct out out[DEPTH_MOST];
};

static u64 draw(struct flow *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random * 0x2545f4914f6cdd1dull >> 16;
}

static u32 choose(struct flow *f)
{
	static const u32 fast[] = { CHECK_HASH, CHECK_FAST8, CHECK_HASH, CHECK_TICKET };
	static const u32 others[] = { CHECK_HASH_SLOW, CHECK_PICKY, CHECK_SLOW8, CHECK_APART8 };

	if (f->mixed && draw(f) % 8 == 0)
		return others[draw(f) % ARRAY_SIZE(others)];
	return fast[draw(f) % ARRAY_SIZE(fast)];
}

/* Under the lock. */
static void fill(struct flow *f, struct out *o)
{
	struct xen_aperture_operation *op = &o->op;

	op->reg = choose(f);
	op->size = 8;
	op->direction = op->reg == CHECK_TICKET ? XENAPT_OP_READ : XENAPT_OP_EXCHANGE;
	op->value = draw(f);
	o->expected = check_reference_access(&f->reference, op->reg, 8, op->direction, op->value);
	f->begun++;
}

static void judge(struct flow *f, const struct out *o)
{
	f->ended++;
	f->lane[o->op.lane < 3 ? o->op.lane : 0]++;
	if (o->op.status == o->expected.status && o->op.result == o->expected.value)
		return;
	if (!f->wrong++) {
		f->first_wrong = o->op.status;
		f->first_expected = o->expected.status;
	}
	f->stop |= f->wrong > 10;
}

static bool more(const struct flow *f)
{
	return f->begun < f->count && !f->stop && !list_empty(&f->idle);
}

/*
 * One at a time submits, so that the reference has the order of submission. Without the lock: an
 * operation may end before its submission returns.
 */
static void pump(struct flow *f, unsigned long *flags)
{
	if (f->pumping)
		return;
	f->pumping = true;
	while (more(f)) {
		struct out *o = list_first_entry(&f->idle, struct out, list);
		int err;

		list_del(&o->list);
		fill(f, o);
		spin_unlock_irqrestore(&f->lock, *flags);
		err = xen_aperture_submit(f->submitter, &o->op, 1);
		spin_lock_irqsave(&f->lock, *flags);
		if (err) {
			f->begun--;
			f->stop = true;
		}
	}
	f->pumping = false;
	if (f->ended == f->begun && (f->begun == f->count || f->stop))
		complete(&f->finished);
}

static void done(struct xen_aperture_operation *op)
{
	struct out *o = op->data;
	struct flow *f = o->flow;
	unsigned long flags;

	spin_lock_irqsave(&f->lock, flags);
	judge(f, o);
	list_add_tail(&o->list, &f->idle);
	pump(f, &flags);
	spin_unlock_irqrestore(&f->lock, flags);
}

static void start(struct flow *f)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&f->lock, flags);
	for (i = 0; i < f->depth; i++) {
		f->out[i].flow = f;
		f->out[i].op.done = done;
		f->out[i].op.data = &f->out[i];
		list_add_tail(&f->out[i].list, &f->idle);
	}
	pump(f, &flags);
	spin_unlock_irqrestore(&f->lock, flags);
}

static int many(struct flow *f)
{
	start(f);
	if (!wait_for_completion_interruptible(&f->finished))
		return 0;
	f->stop = true;
	wait_for_completion(&f->finished);
	return -EINTR;
}

/*
 * Not from the callback: that is in the interrupt of the last answer, whose port is masked. An answer that comes
 * before it is over costs one more hypercall, of Linux, and what counts them could not tell it from an event.
 */
static int one_by_one(struct flow *f)
{
	struct out *o = &f->out[0];
	int err = 0;

	while (!err && f->begun < f->count && !f->stop) {
		fill(f, o);
		err = xen_aperture_operate(f->submitter, &o->op, 1);
		if (!err)
			judge(f, o);
	}
	return err;
}

/* The device as the reference begins. */
static int agree(struct flow *f)
{
	struct xen_aperture_operation reset = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE,
	};
	int err;

	check_reference_reset(&f->reference);
	err = xen_aperture_operate(f->submitter, &reset, 1);
	if (!err)
		err = xen_aperture_errno(reset.status);
	if (!err && f->mixed)
		err = xen_aperture_write(f->submitter, CHECK_APART8, 8, 0);
	return err;
}

static int flow(struct run *r, struct flow *f)
{
	int err = agree(f);

	if (err) {
		say(r, "cannot begin: %d\n", err);
		return err;
	}
	mark_begin();
	err = f->depth == 1 ? one_by_one(f) : many(f);
	mark();
	say(r, "operations=%llu wrong=%llu by_first=%llu by_second=%llu none=%llu\n", f->ended,
	    f->wrong, f->lane[XENAPT_OWNER_FAST], f->lane[XENAPT_OWNER_SLOW], f->lane[0]);
	if (f->wrong)
		say(r, "the first wrong one: status %s, expected %s\n",
		    xen_aperture_status_name(f->first_wrong),
		    xen_aperture_status_name(f->first_expected));
	return err ?: f->wrong || f->ended != f->count ? -EILSEQ : 0;
}

/* The last callback completed under the lock. */
static void settle(struct flow *f)
{
	spin_lock_irq(&f->lock);
	spin_unlock_irq(&f->lock);
}

static int operate(struct run *r, bool mixed)
{
	struct xen_aperture_dev *dev;
	struct flow *f;
	u64 depth, count;
	int err;

	err = arg_u64(r, 2, &count) ?: arg_u64_or(r, 3, &depth, 16) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	f = kvzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	spin_lock_init(&f->lock);
	INIT_LIST_HEAD(&f->idle);
	init_completion(&f->finished);
	f->count = count;
	f->depth = clamp_t(u64, depth, 1, DEPTH_MOST);
	f->mixed = mixed;
	f->random = 0x9e3779b97f4a7c15ull;
	f->submitter = xen_aperture_submitter_get(dev);
	err = PTR_ERR_OR_ZERO(f->submitter);
	if (!err) {
		err = flow(r, f);
		settle(f);
		xen_aperture_submitter_put(f->submitter);
	}
	kvfree(f);
	xen_aperture_dev_put(dev);
	return err;
}

int cmd_operate(struct run *r)
{
	return operate(r, true);
}

int cmd_fast(struct run *r)
{
	return operate(r, false);
}
