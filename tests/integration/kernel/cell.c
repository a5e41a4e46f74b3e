// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consumer "cell": one cell of the matrix, parent in kernel mode. Touches the subject as the child
 * asks in talk (cell_layout.h), in a kernel thread, through kernel addresses.
 */
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <xen/aperture_parent.h>
#include <xen/page.h>

#include "cell_layout.h"

struct end {
	struct list_head list;
	struct xen_aperture_view *view;
	struct work_struct work;	/* of a talk */
	u32 sequence;
	u64 nonce;			/* that was given */
};

static LIST_HEAD(ends);
static DEFINE_MUTEX(lock);	/* ends; held while a subject is used */

static struct xen_aperture_view *subject_of(const struct xen_aperture_view *talk)
{
	struct end *e;

	list_for_each_entry(e, &ends, list)
		if (e->view->tag == CELL_SUBJECT && e->view->domid == talk->domid &&
		    e->view->devid == talk->devid)
			return e->view;
	return NULL;
}

/* Kernel address of an octet, between enter and leave; kunmap_local() it. */
static void *address(struct xen_aperture_view *view, u64 offset)
{
	u64 at = view->offset + offset;

	return kmap_local_page(xen_aperture_view_page(view, at >> PAGE_SHIFT)) + offset_in_page(at);
}

/* Between enter and leave: is it mapped by a grant? */
static bool foreign(struct xen_aperture_view *view)
{
	return PageForeign(xen_aperture_view_page(view, 0));
}

/* The store itself, not the call that would refuse it before. */
static u32 try_store(struct xen_aperture_view *view, u64 offset, u64 value)
{
	bool there;
	u64 *word;

	if (!xen_aperture_view_enter(view))
		return CELL_STORED;
	word = address(view, offset);
	__put_kernel_nofault(word, &value, u64, faulted);
	there = READ_ONCE(*word) == value;
	kunmap_local(word);
	xen_aperture_view_leave(view);
	return there ? CELL_STORED : CELL_DROPPED;
faulted:
	kunmap_local(word);
	xen_aperture_view_leave(view);
	return CELL_PAGE_FAULT;
}

static void describe(struct cell_who *w, struct xen_aperture_view *view)
{
	w->code = cell_here();
	w->cs = cell_cs();
	w->pid = task_pid_nr(current);
	w->thread = !!(current->flags & PF_KTHREAD) && !current->mm;
	get_task_comm(w->name, current);
	if (view && xen_aperture_view_enter(view)) {
		void *p = address(view, 0);

		w->pages = foreign(view) ? CELL_OTHERS : CELL_OWN;
		w->memory = (unsigned long)p;
		kunmap_local(p);
		xen_aperture_view_leave(view);
	}
	w->kernel = w->code >> 63 && w->memory >> 63;
}

static int give(struct end *talk, struct xen_aperture_view *s, u64 offset)
{
	int err;

	talk->nonce = get_random_u64();
	err = xen_aperture_view_write(s, offset, &talk->nonce, 8);
	xen_aperture_view_interrupt(s);
	return err;
}

/*
 * Pages of another domain are mapped read-only, and the store itself is tried. This domain's own pages
 * its kernel can always reach: there it is the call that holds.
 */
static void store(struct xen_aperture_view *s, const struct cell_child *c, struct cell_parent *p)
{
	int err = xen_aperture_view_write(s, c->offset, &c->value, 8);
	bool others = false;

	if (xen_aperture_view_enter(s)) {
		others = foreign(s);
		xen_aperture_view_leave(s);
	}
	p->fault_code = -err;
	if (err && others)
		p->fault = try_store(s, c->offset, c->value);
	else
		p->fault = err ? CELL_REFUSED : CELL_STORED;
}

static u32 execute(struct end *talk, struct xen_aperture_view *s, const struct cell_child *c,
		   struct cell_parent *p)
{
	u64 word = 0;
	int err = 0;

	if (!s)
		return CELL_E_SUBJECT;
	if (c->offset % 8 || c->offset >= s->length || s->length - c->offset < 8)
		return CELL_E_RANGE;
	switch (c->command) {
	case CELL_TAKE:
		err = xen_aperture_view_read(s, c->offset, &word, 8);
		p->value = cell_key(word, c->key);
		break;
	case CELL_GIVE:
		err = give(talk, s, c->offset);
		break;
	case CELL_JUDGE:
		return c->value == cell_key(talk->nonce, c->key) ? CELL_OK : CELL_WRONG;
	case CELL_STORE:
		store(s, c, p);
		break;
	case CELL_LOOK:
		err = xen_aperture_view_read(s, c->offset, &word, 8);
		p->value = word ^ c->key;
		break;
	default:
		return CELL_E_COMMAND;
	}
	if (err)
		p->value = -err;
	return err ? CELL_E_KERNEL : CELL_OK;
}

static void look(struct work_struct *work)
{
	struct end *talk = container_of(work, struct end, work);
	struct cell_parent p = { .sequence = 0 };
	struct xen_aperture_view *s;
	struct cell_child c;

	if (xen_aperture_view_read(talk->view, 0, &c, sizeof(c)) || c.sequence == talk->sequence)
		return;
	mutex_lock(&lock);
	s = subject_of(talk->view);
	p.sequence = talk->sequence;
	p.status = execute(talk, s, &c, &p);
	describe(&p.who, s);
	mutex_unlock(&lock);
	talk->sequence = c.sequence;
	xen_aperture_view_write(talk->view, CELL_HALF, &p, sizeof(p));
	smp_wmb();	/* who sees the sequence sees the rest */
	xen_aperture_view_write(talk->view, CELL_HALF, &c.sequence, sizeof(c.sequence));
	xen_aperture_view_interrupt(talk->view);
}

static int cell_attach(struct xen_aperture_view *view)
{
	struct end *e;

	if (view->tag != CELL_TALK && view->tag != CELL_SUBJECT)
		return -EINVAL;
	if (view->tag == CELL_TALK && view->length < PAGE_SIZE)
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->view = view;
	INIT_WORK(&e->work, look);
	view->data = e;
	mutex_lock(&lock);
	list_add(&e->list, &ends);
	mutex_unlock(&lock);
	return 0;
}

static int cell_detach(struct xen_aperture_view *view, bool force)
{
	struct end *e = view->data;

	mutex_lock(&lock);
	list_del(&e->list);
	mutex_unlock(&lock);
	cancel_work_sync(&e->work);
	kfree(e);
	return 0;
}

static void cell_doorbell(struct xen_aperture_view *view)
{
	struct end *e = view->data;

	if (view->tag == CELL_TALK)
		schedule_work(&e->work);
}

static struct xen_aperture_consumer consumer = {
	.name = "cell",
	.owner = THIS_MODULE,
	.attach = cell_attach,
	.detach = cell_detach,
	.doorbell = cell_doorbell,
};

static int __init cell_init(void)
{
	return xen_aperture_consumer_register(&consumer);
}

static void __exit cell_exit(void)
{
	xen_aperture_consumer_unregister(&consumer);
}

module_init(cell_init);
module_exit(cell_exit);

MODULE_DESCRIPTION("Cells of the matrix, parent in kernel mode");
MODULE_AUTHOR("The xen-aperture authors");
MODULE_LICENSE("GPL");
