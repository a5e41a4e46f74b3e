// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consumer "nonce": reads a nonce in an aperture, and answers with its complement and with
 * who answered. A kernel thread does it, so that no process's mapping can have helped.
 */
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/aperture_parent.h>
#include <xen/xen.h>

#include "nonce.h"

struct nonce {
	struct xen_aperture_view *view;
	struct work_struct work;
	u32 sequence;
};

static unsigned long long last_nonce;
module_param(last_nonce, ullong, 0444);
static unsigned int answered, refused, views;
module_param(answered, uint, 0444);
module_param(refused, uint, 0444);
module_param(views, uint, 0444);
static bool busy;
module_param(busy, bool, 0644);
MODULE_PARM_DESC(busy, "does not let go unless it is forced to");

static noinline u64 here(void)
{
	return _THIS_IP_;
}

static u16 code_segment(void)
{
	u16 cs;

	asm volatile("mov %%cs, %0" : "=r" (cs));
	return cs;
}

static u64 data_address(struct xen_aperture_view *view)
{
	void *page;
	u64 at;

	if (!xen_aperture_view_enter(view))
		return 0;
	page = kmap_local_page(xen_aperture_view_page(view, 0));
	at = (u64)(uintptr_t)page + view->offset;
	kunmap_local(page);
	xen_aperture_view_leave(view);
	return at;
}

static void describe(struct nonce_report *r, struct xen_aperture_view *view)
{
	r->ip = here();
	r->data = data_address(view);
	r->cs = code_segment();
	r->ring = r->cs & 3;
	r->pid = task_pid_nr(current);
	get_task_comm(r->comm, current);
	r->flags = (r->ip > TASK_SIZE_MAX ? NONCE_KERNEL_CODE : 0) |
		   (r->data > TASK_SIZE_MAX ? NONCE_KERNEL_DATA : 0) |
		   (current->mm ? 0 : NONCE_NO_PROCESS) | (xen_pv_domain() ? NONCE_PV : 0);
}

static int write_report(struct nonce *n, struct nonce_report *r)
{
	const size_t at = offsetof(struct nonce_report, sequence);
	int err = xen_aperture_view_write(n->view, NONCE_REPORT_AT, r, at);

	if (err)
		return err;
	r->sequence = ++n->sequence;
	smp_wmb();	/* who sees the sequence sees the rest */
	return xen_aperture_view_write(n->view, NONCE_REPORT_AT + at, &r->sequence,
				       sizeof(r->sequence));
}

static void answer(struct work_struct *work)
{
	struct nonce *n = container_of(work, struct nonce, work);
	struct nonce_report r = { 0 };
	u64 nonce;

	if (xen_aperture_view_read(n->view, NONCE_AT, &nonce, sizeof(nonce)))
		return;
	last_nonce = nonce;
	r.answer = ~nonce;
	describe(&r, n->view);
	if (write_report(n, &r))
		refused++;
	answered++;
	xen_aperture_view_interrupt(n->view);
}

static int nonce_attach(struct xen_aperture_view *view)
{
	struct nonce *n;

	if (view->length < NONCE_LEAST)
		return -EINVAL;
	n = kzalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	n->view = view;
	INIT_WORK(&n->work, answer);
	view->data = n;
	views++;
	return 0;
}

static int nonce_detach(struct xen_aperture_view *view, bool force)
{
	struct nonce *n = view->data;

	if (busy && !force)
		return -EBUSY;
	cancel_work_sync(&n->work);
	kfree(n);
	views--;
	return 0;
}

static void nonce_doorbell(struct xen_aperture_view *view)
{
	struct nonce *n = view->data;

	schedule_work(&n->work);
}

static struct xen_aperture_consumer consumer = {
	.name = "nonce",
	.owner = THIS_MODULE,
	.attach = nonce_attach,
	.detach = nonce_detach,
	.doorbell = nonce_doorbell,
};

static int __init nonce_init(void)
{
	return xen_aperture_consumer_register(&consumer);
}

static void __exit nonce_exit(void)
{
	xen_aperture_consumer_unregister(&consumer);
}

module_init(nonce_init);
module_exit(nonce_exit);

MODULE_DESCRIPTION("Answers nonces in apertures");
MODULE_AUTHOR("The xen-aperture authors");
MODULE_LICENSE("GPL");
