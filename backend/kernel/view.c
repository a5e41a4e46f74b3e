// SPDX-License-Identifier: GPL-2.0-only
/* A view's life: given to its consumer, told of doorbells, taken back. */
#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "parent.h"

/*
 * The process's mapping ended, and with it the pages. The consumer hears of it here, not in
 * the notifier: there it could neither wait nor allocate.
 */
static void mapping_ended(struct work_struct *work)
{
	apk_view_end(container_of(work, struct apk_view, work), true);
}

static struct apk_view *alloc_view(const struct xenapt_parent_attach *a, u16 domid)
{
	struct apk_view *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	mutex_init(&v->call);
	mutex_init(&v->pins);
	init_completion(&v->unused);
	INIT_WORK(&v->work, mapping_ended);
	v->pub.read_only = a->flags & XENAPT_ATTACH_READ_ONLY;
	v->pub.domid = domid;
	v->pub.devid = a->devid;
	v->pub.slot = a->slot;
	v->pub.tag = a->tag;
	return v;
}

static int get_interrupt(struct apk_view *v, int fd)
{
	struct eventfd_ctx *ctx;

	if (fd < 0)
		return 0;
	ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx))
		return -EBADF;
	v->interrupt = ctx;
	return 0;
}

static void put_interrupt(struct apk_view *v)
{
	if (v->interrupt)
		eventfd_ctx_put(v->interrupt);
}

static int attach(struct apk_view *v)
{
	int err;

	mutex_lock(&v->call);
	err = v->consumer->attach(&v->pub);
	v->attached = !err;
	mutex_unlock(&v->call);
	/* Its mapping ended before the consumer had it: what was queued then found nothing to take back. */
	if (!err && READ_ONCE(v->gone))
		queue_work(apk_work, &v->work);
	return err;
}

/* All or nothing; consumer is held already. */
static int start(struct apk_view *v, const struct xenapt_parent_attach *a)
{
	int err = get_interrupt(v, a->interrupt);

	if (!err)
		err = apk_pin(v, a);
	if (err)
		return err;
	err = attach(v);
	if (err) {
		apk_unpin(v);
		apk_pin_end(v);
	}
	return err;
}

struct apk_view *apk_view_create(const struct xenapt_parent_attach *a, u16 domid)
{
	struct apk_view *v = alloc_view(a, domid);
	int err;

	if (!v)
		return ERR_PTR(-ENOMEM);
	v->consumer = apk_consumer_get(a->consumer);
	err = v->consumer ? start(v, a) : -ENOENT;
	if (!err)
		return v;
	flush_work(&v->work);
	put_interrupt(v);
	if (v->consumer)
		apk_consumer_put(v->consumer);
	kfree(v);
	return ERR_PTR(err);
}

/* False: it stays. */
static bool detach(struct apk_view *v, bool force)
{
	bool busy;

	mutex_lock(&v->call);
	busy = v->attached && v->consumer->detach && v->consumer->detach(&v->pub, force) && !force;
	v->attached &= busy;
	mutex_unlock(&v->call);
	return !busy;
}

int apk_view_end(struct apk_view *v, bool force)
{
	if (!detach(v, force))
		return -EBUSY;
	apk_unpin(v);
	return 0;
}

void apk_view_free(struct apk_view *v)
{
	apk_pin_end(v);
	flush_work(&v->work);
	put_interrupt(v);
	apk_consumer_put(v->consumer);
	kfree(v);
}

int apk_view_doorbell(struct apk_view *v)
{
	int err = 0;

	mutex_lock(&v->call);
	if (!v->attached)
		err = -ESHUTDOWN;
	else if (v->consumer->doorbell)
		v->consumer->doorbell(&v->pub);
	mutex_unlock(&v->call);
	return err;
}

void xen_aperture_view_interrupt(struct xen_aperture_view *view)
{
	struct eventfd_ctx *interrupt = apk_view(view)->interrupt;

	if (interrupt)
		apk_eventfd_signal(interrupt);
}
EXPORT_SYMBOL_GPL(xen_aperture_view_interrupt);
