// SPDX-License-Identifier: GPL-2.0-only
/* Memory of the kernel that existed, offered to the device "span". */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "selftest.h"
#include "span_layout.h"

#define CANARY	0xa5
#define TAG	7

struct talk {
	struct xen_aperture *ap;
	struct span_talk *shared;
	wait_queue_head_t wait;
	atomic_t interrupts;		/* of the subject */
};

static u8 image[3 * PAGE_SIZE];		/* of this module: not to be offered */

static void talked(struct xen_aperture *ap, void *data)
{
	wake_up_all(&((struct talk *)data)->wait);
}

static void rung(struct xen_aperture *ap, void *data)
{
	struct talk *t = data;

	atomic_inc(&t->interrupts);
	wake_up_all(&t->wait);
}

static int talk_open(struct talk *t, struct xen_aperture_dev *dev)
{
	struct xen_aperture_wish wish = {
		.wanted = PAGE_SIZE, .least = PAGE_SIZE, .tag = SPAN_TALK, .irq = talked, .data = t,
	};

	init_waitqueue_head(&t->wait);
	atomic_set(&t->interrupts, 0);
	t->ap = xen_aperture_create(dev, &wish, NULL);
	if (IS_ERR(t->ap))
		return PTR_ERR(t->ap);
	t->shared = xen_aperture_memory(t->ap);
	return t->shared ? 0 : -ENOMEM;
}

static int ask(struct talk *t, u32 command, u64 offset, u64 length, u32 octet)
{
	struct span_talk *s = t->shared;
	u32 sequence = s->sequence + 1;

	s->command = command;
	s->tag = TAG;
	s->octet = octet;
	s->offset = offset;
	s->length = length;
	smp_store_release(&s->sequence, sequence);
	xen_aperture_doorbell(t->ap);
	if (!wait_event_timeout(t->wait, smp_load_acquire(&s->answered) == sequence, 60 * HZ))
		return -ETIMEDOUT;
	return s->status == SPAN_OK ? 0 : -EREMOTEIO;
}

static bool wrong(struct run *r, const char *what)
{
	say(r, "wrong: %s\n", what);
	return true;
}

static bool parent_sees(struct talk *t, const u8 *data, u64 length)
{
	return !ask(t, SPAN_SUM, 0, length, 0) && t->shared->value == span_sum(data, length);
}

static bool both_ways(struct run *r, struct talk *t, struct xen_aperture *ap, u8 *data, u64 length)
{
	if (!parent_sees(t, data, length))
		return wrong(r, "the parent sees something else");
	if (ask(t, SPAN_SCRIBBLE, 0, 0, 0xee) || t->shared->value)
		return wrong(r, "the parent sees octets outside");
	memset(data, 0x11, length);
	xen_aperture_doorbell(ap);
	if (!parent_sees(t, data, length))
		return wrong(r, "what was written before a doorbell is not seen");
	if (ask(t, SPAN_FILL, 0, length, 0x22) || ask(t, SPAN_RING, 0, 0, 0))
		return wrong(r, "the parent's writing failed");
	wait_event_timeout(t->wait, atomic_read(&t->interrupts), 60 * HZ);
	if (data[0] != 0x22 || memcmp(data, data + 1, length - 1))
		return wrong(r, "what the parent wrote is not here after an interrupt");
	if (ask(t, SPAN_FILL, length - 1, 1, 0x33))
		return wrong(r, "the parent's writing failed");
	xen_aperture_sync(ap);
	return data[length - 1] != 0x33 && wrong(r, "not here after a sync");
}

static bool canary_is_there(const u8 *start, size_t size, const u8 *data, u64 length)
{
	size_t i;

	for (i = 0; i < size; i++)
		if ((start + i < data || start + i >= data + length) && start[i] != CANARY)
			return false;
	return true;
}

static int offered(struct run *r, struct talk *t, struct xen_aperture_dev *dev, u8 *start,
		   size_t size, u8 *data, u64 length)
{
	struct xen_aperture_wish wish = { .tag = TAG, .irq = rung, .data = t };
	struct xen_aperture *ap;
	u32 status;
	int err;

	memset(start, CANARY, size);
	memset(data, 0x77, length);
	ap = xen_aperture_offer(dev, &wish, data, length, &status);
	if (IS_ERR(ap)) {
		say(r, "status=%s errno=%ld\n", xen_aperture_status_name(status), -PTR_ERR(ap));
		return PTR_ERR(ap);
	}
	err = xen_aperture_memory(ap) != data || xen_aperture_size(ap) != length ||
	      both_ways(r, t, ap, data, length) ? -EILSEQ : 0;
	xen_aperture_free(ap);
	if (!err && !canary_is_there(start, size, data, length)) {
		say(r, "wrong: octets outside changed\n");
		err = -EILSEQ;
	}
	return err;
}

static void *get_memory(const char *kind, size_t size)
{
	if (!strcmp(kind, "kmalloc"))
		return kmalloc(size, GFP_KERNEL);
	if (!strcmp(kind, "vmalloc"))
		return vmalloc(size);
	return strcmp(kind, "pages") ? NULL : alloc_pages_exact(size, GFP_KERNEL);
}

static void put_memory(const char *kind, void *p, size_t size)
{
	if (!strcmp(kind, "pages"))
		free_pages_exact(p, size);
	else
		kvfree(p);
}

int cmd_offer(struct run *r)
{
	struct xen_aperture_dev *dev;
	u64 offset, length;
	struct talk t = {};
	size_t size;
	u8 *p;
	int err;

	err = arg_u64(r, 3, &offset) ?: arg_u64(r, 4, &length) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	size = offset + length + PAGE_SIZE;
	p = length < SZ_8M && offset < SZ_8M ? get_memory(r->argv[2], size) : NULL;
	err = p ? talk_open(&t, dev) : -ENOMEM;
	if (!err) {
		err = offered(r, &t, dev, p, size, p + offset, length);
		xen_aperture_free(t.ap);
	}
	if (p)
		put_memory(r->argv[2], p, size);
	xen_aperture_dev_put(dev);
	return err;
}

#define LATE_BYTES	2000u

static bool untouched(struct run *r, const u8 *p, const char *when)
{
	return (p[0] == 0x55 && !memcmp(p, p + 1, LATE_BYTES - 1)) ||
	       !wrong(r, when);
}

/* The parent does not let go, writes, and interrupts: all of it after the buffer's owner had it back. */
static int late(struct run *r, struct talk *t, struct xen_aperture_dev *dev, u8 *p)
{
	struct xen_aperture_wish wish = { .tag = TAG, .irq = rung, .data = t };
	struct xen_aperture *ap = xen_aperture_offer(dev, &wish, p, LATE_BYTES, NULL);
	unsigned int tries;
	int err;

	if (IS_ERR(ap))
		return PTR_ERR(ap);
	err = ask(t, SPAN_HOLD, 0, 0, 1);
	xen_aperture_free(ap);
	memset(p, 0x55, LATE_BYTES);
	err = err ?: ask(t, SPAN_FILL, 0, LATE_BYTES, 0xee) ?: ask(t, SPAN_RING, 0, 0, 0);
	msleep(50);
	if (!err && !untouched(r, p, "an interrupt wrote into a buffer that was freed"))
		err = -EILSEQ;
	if (!err && atomic_read(&t->interrupts))
		err = wrong(r, "a callback after the end") ? -EILSEQ : 0;
	err = ask(t, SPAN_HOLD, 0, 0, 0) ?: err;
	for (tries = 0; tries < 200 && !ask(t, SPAN_SUM, 0, 1, 0); tries++)
		msleep(100);
	if (!err && tries == 200)
		err = wrong(r, "the parent has it for ever") ? -EILSEQ : 0;
	if (!err && !untouched(r, p, "its end wrote into a buffer that was freed"))
		err = -EILSEQ;
	return err;
}

int cmd_late(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct talk t = {};
	u8 *p;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	p = kmalloc(LATE_BYTES, GFP_KERNEL);
	err = p ? talk_open(&t, dev) : -ENOMEM;
	if (!err) {
		err = late(r, &t, dev, p);
		xen_aperture_free(t.ap);
	}
	kfree(p);
	xen_aperture_dev_put(dev);
	return err;
}

static int refused(struct run *r, struct xen_aperture_dev *dev, const char *what, void *p,
		   size_t length, u32 flags)
{
	struct xen_aperture_wish wish = { .flags = flags };
	struct xen_aperture *ap = xen_aperture_offer(dev, &wish, p, length, NULL);

	say(r, "%s: errno=%ld\n", what, IS_ERR(ap) ? -PTR_ERR(ap) : 0);
	if (!IS_ERR(ap))
		xen_aperture_free(ap);
	return PTR_ERR_OR_ZERO(ap) == -EINVAL ? 0 : -EILSEQ;
}

/* Freed only when it was refused: otherwise somebody else did, or has it mapped. */
static int refused_pages(struct run *r, struct xen_aperture_dev *dev)
{
	unsigned long p = __get_free_pages(GFP_KERNEL, 2);
	unsigned int i;
	int err = p ? refused(r, dev, "pages of one allocation", (void *)p, 4 * PAGE_SIZE, 0) : -ENOMEM;

	for (i = 0; i < 4 && !err; i++)
		if (page_ref_count(virt_to_page(p) + i) != (i ? 0 : 1))
			err = wrong(r, "references of what was refused") ? -EILSEQ : 0;
	if (!err)
		free_pages(p, 2);
	return err;
}

static int refused_slab(struct run *r, struct xen_aperture_dev *dev)
{
	u8 *p = kmalloc(8192, GFP_KERNEL);
	int before = p ? page_ref_count(virt_to_head_page(p)) : 0;
	int err = p ? refused(r, dev, "whole pages of a slab", p, 8192, 0) ?:
		      refused(r, dev, "a whole page of a slab", p, 5000, 0) : -ENOMEM;

	if (!err && page_ref_count(virt_to_head_page(p)) != before)
		err = wrong(r, "references of a slab") ? -EILSEQ : 0;
	if (!err)
		kfree(p);
	return err;
}

/* What must not be granted, each with EINVAL. */
int cmd_refused(struct run *r)
{
	struct xen_aperture_dev *dev;
	u8 stack[64];
	int err = arg_dev(r, 1, &dev), slab, pages;

	if (err)
		return err;
	err = refused(r, dev, "stack", stack, sizeof(stack), 0) ?:
	      refused(r, dev, "module", image, sizeof(image), 0) ?:
	      refused(r, dev, "kernel", &init_task, 64, 0) ?:
	      refused(r, dev, "NULL", NULL, 64, 0) ?:
	      refused(r, dev, "a program's", (void *)0x400000, 64, 0) ?:
	      refused(r, dev, "nothing", image, 0, 0) ?:
	      refused(r, dev, "flags", image, 64, XENAPT_OPEN_PARENT_OWNED);
	slab = refused_slab(r, dev);
	pages = refused_pages(r, dev);
	xen_aperture_dev_put(dev);
	return err ?: slab ?: pages;
}
