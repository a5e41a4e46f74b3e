// SPDX-License-Identifier: GPL-2.0-only
/* Operations and vectors of an open file: include/linux/xen_aperture.h. */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "frontend.h"

/* The file is one submitter, from its first operation on. */
static struct xen_aperture_submitter *submitter(struct apf_file *f)
{
	struct xen_aperture_submitter *s = READ_ONCE(f->submitter), *first;

	if (s)
		return s;
	s = xen_aperture_submitter_get(f->dev);
	if (IS_ERR(s))
		return s;
	first = cmpxchg(&f->submitter, NULL, s);
	if (!first)
		return s;
	xen_aperture_submitter_put(s);
	return first;
}

/* The range's aperture is held in op. */
static int fill_operation(struct apf_file *f, const struct xenapt_ioc_operation *u,
			  struct xen_aperture_operation *op)
{
	op->reg = u->reg;
	op->value = u->value;
	op->offset = u->offset;
	op->length = u->length;
	op->size = u->size;
	op->direction = u->direction;
	if (!apf_operation_valid(op) || u->reserved0 || u->reserved ||
	    (!u->length && (u->slot || u->offset)))
		return -EINVAL;
	op->range = u->length ? apf_file_aperture(f, u->slot) : NULL;
	return u->length && !op->range ? -EBADF : 0;
}

static unsigned int show_answers(const struct xen_aperture_operation *ops,
				 struct xenapt_ioc_operation *u, unsigned int count)
{
	unsigned int i, answered = 0;

	for (i = 0; i < count; i++) {
		u[i].result = ops[i].result;
		u[i].lane = ops[i].lane;
		u[i].status = ops[i].status;
		answered += ops[i].status != XENAPT_E_TIMEOUT && ops[i].status != XENAPT_E_GONE;
	}
	return answered;
}

static int operate(struct apf_file *f, struct xenapt_ioc_operate *all,
		   struct xenapt_ioc_operation *u, struct xen_aperture_operation *ops)
{
	struct xen_aperture_submitter *s = submitter(f);
	unsigned int i;
	int err = 0;

	if (IS_ERR(s))
		return PTR_ERR(s);
	for (i = 0; i < all->count && !err; i++)
		err = fill_operation(f, &u[i], &ops[i]);
	all->index = err ? i - 1 : 0;
	if (!err)
		err = xen_aperture_operate(s, ops, all->count);
	if (!err || err == -EINTR)
		all->answered = show_answers(ops, u, all->count);
	for (i = 0; i < all->count; i++)
		if (ops[i].range)
			apf_aperture_put(ops[i].range);
	return err;
}

static int operate_copies(struct apf_file *f, struct xenapt_ioc_operate *all)
{
	size_t size = all->count * sizeof(struct xenapt_ioc_operation);
	void __user *user = u64_to_user_ptr(all->operations);
	struct xen_aperture_operation *ops;
	struct xenapt_ioc_operation *u;
	int err;

	u = vmemdup_user(user, size);
	if (IS_ERR(u))
		return PTR_ERR(u);
	ops = kvcalloc(all->count, sizeof(*ops), GFP_KERNEL_ACCOUNT);
	err = ops ? operate(f, all, u, ops) : -ENOMEM;
	if ((!err || err == -EINTR) && copy_to_user(user, u, size))
		err = -EFAULT;
	kvfree(ops);
	kvfree(u);
	return err;
}

long apf_file_operate(struct apf_file *f, struct xenapt_ioc_operate __user *user)
{
	struct xenapt_ioc_operate all;
	int err = -EINVAL;

	if (copy_from_user(&all, user, sizeof(all)))
		return -EFAULT;
	all.answered = 0;
	all.index = 0;
	if (all.count && all.count <= XENAPT_OPERATE_MAX && !all.flags && !all.reserved[0] &&
	    !all.reserved[1])
		err = operate_copies(f, &all);
	return copy_to_user(user, &all, sizeof(all)) ? -EFAULT : err;
}

static void raised(struct apf_file *f, unsigned int n)
{
	atomic64_inc(&f->raised[n]);
	wake_up_interruptible(&f->wait);
}

static void vector_interrupt(struct xen_aperture_dev *dev, unsigned int n, void *data)
{
	raised(data, n);
}

/* f->lock is held. */
static int claim_vector(struct apf_file *f, unsigned int n, u32 flags)
{
	int err;

	if (f->vectors & BIT_ULL(n))
		return -EBUSY;
	f->made[XENAPT_INTERRUPT_VECTOR + n]++;
	f->seen[XENAPT_INTERRUPT_VECTOR + n] = atomic64_read(&f->raised[n]);
	err = xen_aperture_vector_claim(f->dev, n, vector_interrupt, f,
					flags ? XEN_APERTURE_VECTOR_ACKED : 0);
	if (!err)
		f->vectors |= BIT_ULL(n);
	return err;
}

/* f->lock is held; the file has claimed n. */
static int change_vector(struct apf_file *f, unsigned int n, u32 action)
{
	switch (action) {
	case XENAPT_VECTOR_RELEASE:
		xen_aperture_vector_release(f->dev, n);
		f->vectors &= ~BIT_ULL(n);
		return 0;
	case XENAPT_VECTOR_MASK:
		xen_aperture_vector_mask(f->dev, n);
		return 0;
	case XENAPT_VECTOR_UNMASK:
		if (xen_aperture_vector_unmask(f->dev, n))
			raised(f, n);
		return 0;
	case XENAPT_VECTOR_ACK:
		if (!f->dev->vectors.vector[n].acked)
			return -EINVAL;
		if (xen_aperture_vector_ack(f->dev, n))
			raised(f, n);
		return 0;
	default:
		return -EINVAL;
	}
}

static int act_on_vector(struct apf_file *f, unsigned int n, u32 action, u32 flags)
{
	int err = 0;

	spin_lock(&f->lock);
	if (action == XENAPT_VECTOR_CLAIM)
		err = claim_vector(f, n, flags);
	else if (action != XENAPT_VECTOR_STATE && !(f->vectors & BIT_ULL(n)))
		err = action <= XENAPT_VECTOR_ACK ? -EPERM : -EINVAL;
	else if (action != XENAPT_VECTOR_STATE)
		err = change_vector(f, n, action);
	spin_unlock(&f->lock);
	return err;
}

static void show_vector(struct apf_file *f, struct xenapt_ioc_vector *v)
{
	struct xen_aperture_vector_state s;

	xen_aperture_vector_state(f->dev, v->vector, &s);
	v->state = (s.claimed ? XENAPT_VECTOR_IS_CLAIMED : 0) |
		   (s.masked ? XENAPT_VECTOR_IS_MASKED : 0) |
		   (s.in_service ? XENAPT_VECTOR_IS_IN_SERVICE : 0) |
		   (s.pending_fast ? XENAPT_VECTOR_IS_PENDING_FAST : 0) |
		   (s.pending_slow ? XENAPT_VECTOR_IS_PENDING_SLOW : 0) |
		   (s.owed ? XENAPT_VECTOR_IS_OWED : 0);
	v->delivered = s.delivered;
	v->coalesced = s.coalesced;
	v->held = s.held;
}

long apf_file_vector(struct apf_file *f, struct xenapt_ioc_vector __user *user)
{
	struct xenapt_ioc_vector v;
	u32 flags_known = 0;
	int err;

	if (copy_from_user(&v, user, sizeof(v)))
		return -EFAULT;
	if (v.action == XENAPT_VECTOR_CLAIM)
		flags_known = XENAPT_VECTOR_ACKED;
	if (v.vector >= 64 || v.flags & ~flags_known || v.reserved[0] || v.reserved[1])
		return -EINVAL;
	v.vector = array_index_nospec(v.vector, 64);
	err = act_on_vector(f, v.vector, v.action, v.flags);
	show_vector(f, &v);
	return copy_to_user(user, &v, sizeof(v)) ? -EFAULT : err;
}

void apf_file_end(struct apf_file *f)
{
	for (; f->vectors; f->vectors &= f->vectors - 1)
		xen_aperture_vector_release(f->dev, __ffs64(f->vectors));
	xen_aperture_submitter_put(f->submitter);
}
