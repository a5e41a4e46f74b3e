// SPDX-License-Identifier: GPL-2.0-only
/* Submitters, and submitting operations: for drivers in the kernel and for open files. */
#include <linux/completion.h>

#include "frontend.h"

struct waiter {
	atomic_t left;
	struct completion all;
};

/* ring_lock is held. One whose last user left nothing on the lanes, if there is one. */
static struct xen_aperture_submitter *unused(struct apf_operations *o)
{
	struct xen_aperture_submitter *s, *found = NULL;
	unsigned int i;

	for (i = 0; i < XENAPT_OP_SUBMITTERS; i++) {
		s = &o->submitter[i];
		if (s->used)
			continue;
		if (!s->out[APF_FAST] && !s->out[APF_SLOW])
			return s;
		found = found ?: s;
	}
	return found;
}

struct xen_aperture_submitter *xen_aperture_submitter_get(struct xen_aperture_dev *dev)
{
	struct apf_operations *o = &dev->operations;
	struct xen_aperture_submitter *s;
	unsigned long flags;

	spin_lock_irqsave(&dev->ring_lock, flags);
	s = unused(o);
	if (o->gone) {
		s = ERR_PTR(-ENODEV);
	} else if (!s) {
		s = ERR_PTR(-EUSERS);
	} else {
		s->used = true;
		s->since = o->sequence;
		s->dev = dev;
		apf_device_hold(dev);
	}
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	return s;
}
EXPORT_SYMBOL_GPL(xen_aperture_submitter_get);

void xen_aperture_submitter_put(struct xen_aperture_submitter *s)
{
	struct xen_aperture_dev *dev;
	unsigned long flags;

	if (!s)
		return;
	dev = s->dev;
	spin_lock_irqsave(&dev->ring_lock, flags);
	s->used = false;
	spin_unlock_irqrestore(&dev->ring_lock, flags);
	xen_aperture_dev_put(dev);
}
EXPORT_SYMBOL_GPL(xen_aperture_submitter_put);

bool apf_operation_valid(const struct xen_aperture_operation *op)
{
	if (op->size > 8 || (op->size & (op->size - 1)))
		return false;
	return op->size ? op->direction < XENAPT_OP_DIRECTIONS : op->direction == XENAPT_OP_WRITE;
}

int xen_aperture_submit(struct xen_aperture_submitter *s, struct xen_aperture_operation *ops,
			unsigned int count)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(READ_ONCE(apf_operation_timeout_ms));
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!apf_operation_valid(&ops[i]) || !ops[i].done)
			return -EINVAL;
	return apf_operations_submit(s, ops, count, deadline);
}
EXPORT_SYMBOL_GPL(xen_aperture_submit);

void xen_aperture_cancel(struct xen_aperture_operation *ops, unsigned int count)
{
	if (count)
		apf_operations_cancel(ops, count);
}
EXPORT_SYMBOL_GPL(xen_aperture_cancel);

static void one_done(struct xen_aperture_operation *op)
{
	struct waiter *w = op->priv.waiter;

	if (atomic_dec_and_test(&w->left))
		complete(&w->all);
}

int xen_aperture_operate(struct xen_aperture_submitter *s, struct xen_aperture_operation *ops,
			 unsigned int count)
{
	struct waiter w = { .left = ATOMIC_INIT(count) };
	unsigned int i;
	int err;

	if (!count)
		return 0;
	init_completion(&w.all);
	for (i = 0; i < count; i++) {
		ops[i].done = one_done;
		ops[i].priv.waiter = &w;
	}
	err = xen_aperture_submit(s, ops, count);
	/* Freezable: a suspend is no signal, the operations go on after it. */
	if (err || !wait_for_completion_state(&w.all, TASK_INTERRUPTIBLE | TASK_FREEZABLE))
		return err;
	err = apf_operations_cancel(ops, count) ? -EINTR : 0;
	wait_for_completion(&w.all);	/* callbacks that are on their way elsewhere */
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_operate);

static int operate_one(struct xen_aperture_submitter *s, struct xen_aperture_operation *op)
{
	int err = xen_aperture_operate(s, op, 1);

	return err ?: xen_aperture_errno(op->status);
}

int xen_aperture_read(struct xen_aperture_submitter *s, u64 reg, unsigned int size, u64 *value)
{
	struct xen_aperture_operation op = {
		.reg = reg, .size = size, .direction = XENAPT_OP_READ,
	};
	int err = size && size <= 8 ? operate_one(s, &op) : -EINVAL;

	if (!err)
		*value = op.result;
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_read);

int xen_aperture_write(struct xen_aperture_submitter *s, u64 reg, unsigned int size, u64 value)
{
	struct xen_aperture_operation op = {
		.reg = reg, .size = size, .direction = XENAPT_OP_WRITE, .value = value,
	};

	return size && size <= 8 ? operate_one(s, &op) : -EINVAL;
}
EXPORT_SYMBOL_GPL(xen_aperture_write);
