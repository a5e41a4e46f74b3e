// SPDX-License-Identifier: GPL-2.0-only
/* The cells of the matrix with this kernel as the child. */
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "cell_run.h"
#include "selftest.h"

#define PAGES		3u
#define UNALIGNED	1000u	/* octets before the buffer in its first page */
#define ANSWER_SECONDS	10u

struct ends {
	struct xen_aperture *talk, *subject;
	void *memory;			/* of talk */
	void *buffer;			/* memory that existed; NULL: none */
	wait_queue_head_t wait;
	u32 sequence;
};

static void woken(struct xen_aperture *ap, void *data)
{
	wake_up_all(&((struct ends *)data)->wait);
}

static bool cell_answered(struct ends *e)
{
	struct cell_parent *from = e->memory + CELL_HALF;

	return smp_load_acquire(&from->sequence) == e->sequence;
}

static int cell_ask(struct cell *c, const struct cell_child *question, struct cell_parent *answer)
{
	struct ends *e = c->priv;
	struct cell_child *to = e->memory;
	int err;

	to->command = question->command;
	to->offset = question->offset;
	to->value = question->value;
	to->key = question->key;
	smp_store_release(&to->sequence, ++e->sequence);
	err = xen_aperture_doorbell(e->subject) ?: xen_aperture_doorbell(e->talk);
	if (err)
		return err;
	if (!wait_event_timeout(e->wait, cell_answered(e), ANSWER_SECONDS * HZ))
		return -ETIMEDOUT;
	memcpy(answer, e->memory + CELL_HALF, sizeof(*answer));
	return 0;
}

static void cell_sync(struct cell *c)
{
	struct ends *e = c->priv;

	if (e->buffer)
		xen_aperture_sync(e->subject);
}

static u64 cell_random(void)
{
	return get_random_u64();
}

static u32 cell_store(volatile u64 *word, u64 value, u32 *code)
{
	*code = 0;
	__put_kernel_nofault((void *)word, &value, u64, faulted);
	return CELL_STORED;
faulted:
	return CELL_PAGE_FAULT;
}

/*
 * In a PV guest a frame of another domain has no page here, or one that is none. In a PVH guest any page
 * can have one behind it: not known here, the parent's end tells.
 */
static u32 pages_of(const void *memory)
{
	struct page *page = is_vmalloc_addr(memory) ? vmalloc_to_page(memory) : virt_to_page(memory);

	if (!page || !pfn_valid(page_to_pfn(page)))
		return CELL_OTHERS;
	if (PageForeign(page))
		return CELL_OTHERS;
	return xen_pv_domain() ? CELL_OWN : CELL_UNKNOWN;
}

static void cell_measure(struct cell *c)
{
	c->me = (struct cell_who){
		.code = cell_here(), .memory = (unsigned long)c->subject, .cs = cell_cs(),
		.pid = task_pid_nr(current), .thread = !!(current->flags & PF_KTHREAD) && !current->mm,
	};
	c->me.pages = pages_of((void *)c->subject);
	c->me.kernel = c->me.code >> 63 && c->me.memory >> 63;
	get_task_comm(c->me.name, current);
}

static struct xen_aperture *open_one(struct xen_aperture_dev *dev, struct ends *e, u32 tag,
				     u32 flags, u32 *status)
{
	struct xen_aperture_wish wish = {
		.wanted = tag == CELL_TALK ? PAGE_SIZE : PAGES * PAGE_SIZE, .tag = tag,
		.flags = flags, .irq = woken, .data = e,
	};

	wish.least = wish.wanted;
	if (!e->buffer)
		return xen_aperture_create(dev, &wish, status);
	return xen_aperture_offer(dev, &wish, e->buffer + UNALIGNED, PAGES * PAGE_SIZE - 8, status);
}

static void one(struct run *r, struct xen_aperture_dev *dev, struct ends *e, bool parent_owned,
		u32 read_only, unsigned int *wrong)
{
	struct cell c = { .priv = e };
	u32 flags = read_only | (parent_owned ? XENAPT_OPEN_PARENT_OWNED : 0), status = 0;

	c.parent_owned = parent_owned;
	c.child_writes = read_only != XENAPT_OPEN_CHILD_READ_ONLY;
	c.parent_writes = read_only != XENAPT_OPEN_PARENT_READ_ONLY;
	e->subject = open_one(dev, e, CELL_SUBJECT, flags, &status);
	if (IS_ERR(e->subject)) {
		c.error = PTR_ERR(e->subject);
		cell_fail(&c, "open");
	} else {
		c.subject = xen_aperture_memory(e->subject);
		c.words = xen_aperture_size(e->subject) / 8;
		if (!c.subject)
			cell_fail(&c, "memory");
		else
			cell_run(&c);
		xen_aperture_free(e->subject);
	}
	*wrong += !!c.wrong;
	say(r, "cell child=kernel memory=%s owner=%s direction=%s status=%u " CELL_FORMAT,
	    e->buffer ? "existing" : "new", parent_owned ? "parent" : "child",
	    c.child_writes ? c.parent_writes ? "both" : "parent-reads" : "child-reads", status,
	    CELL_ARGS(&c));
}

static void all_cells(struct run *r, struct xen_aperture_dev *dev, struct ends *e,
		      unsigned int *wrong)
{
	static const u32 direction[] = { 0, XENAPT_OPEN_CHILD_READ_ONLY,
					 XENAPT_OPEN_PARENT_READ_ONLY };
	unsigned int i;

	for (i = 0; i < 6; i++)
		one(r, dev, e, i / 3, direction[i % 3], wrong);
	e->buffer = vmalloc((PAGES + 1) * PAGE_SIZE);
	if (!e->buffer)
		return;
	memset(e->buffer, 0x5a, (PAGES + 1) * PAGE_SIZE);
	one(r, dev, e, false, 0, wrong);
	one(r, dev, e, false, XENAPT_OPEN_PARENT_READ_ONLY, wrong);
	vfree(e->buffer);
}

int cmd_cell(struct run *r)
{
	struct ends e = { .sequence = 0 };
	struct xen_aperture_dev *dev;
	unsigned int wrong = 0;
	u32 status = 0;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	init_waitqueue_head(&e.wait);
	e.talk = open_one(dev, &e, CELL_TALK, 0, &status);
	if (IS_ERR(e.talk)) {
		err = PTR_ERR(e.talk);
		say(r, "talk: status=%s\n", xen_aperture_status_name(status));
	} else {
		e.memory = xen_aperture_memory(e.talk);
		if (e.memory)
			all_cells(r, dev, &e, &wrong);
		xen_aperture_free(e.talk);
	}
	xen_aperture_dev_put(dev);
	return err ?: wrong ? -EILSEQ : 0;
}
