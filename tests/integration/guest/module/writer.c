// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread of the kernel that nothing freezes, and that writes to memory of the parent's all the time:
 * each word is the one that was written there last, also when the memory goes and comes back.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "selftest.h"

#define WORD	2048u		/* in each page: behind what the check device uses */

static struct writer {
	struct xen_aperture_dev *dev;
	struct xen_aperture *ap;
	struct task_struct *thread;
	u32 *last;
	unsigned int pages;
	u64 rounds, lost;
} writer;

static int write_all(void *data)
{
	struct writer *w = data;
	u8 *memory = xen_aperture_memory(w->ap);
	unsigned int i;
	u32 *word;

	while (!kthread_should_stop()) {
		for (i = 0; i < w->pages; i++) {
			word = (u32 *)(memory + i * XENAPT_PAGE_SIZE + WORD);
			w->lost += READ_ONCE(*word) != w->last[i];
			WRITE_ONCE(*word, ++w->last[i]);
		}
		w->rounds++;
		cond_resched();
		if (!(w->rounds & 63))
			schedule_timeout_uninterruptible(1);
	}
	return 0;
}

static void end(struct writer *w)
{
	if (!IS_ERR_OR_NULL(w->ap))
		xen_aperture_free(w->ap);
	xen_aperture_dev_put(w->dev);
	kfree(w->last);
	*w = (struct writer){ };
}

static int start(struct run *r, struct writer *w)
{
	struct xen_aperture_wish wish = { .flags = XENAPT_OPEN_PARENT_OWNED };
	u32 status = 0;
	u64 pages;
	int err = arg_u64(r, 3, &pages) ?: arg_dev(r, 2, &w->dev);

	if (err)
		return err;
	w->pages = pages;
	wish.wanted = pages * XENAPT_PAGE_SIZE;
	wish.least = wish.wanted;
	w->last = kcalloc(pages, sizeof(*w->last), GFP_KERNEL);
	w->ap = w->last ? xen_aperture_create(w->dev, &wish, &status) : ERR_PTR(-ENOMEM);
	err = PTR_ERR_OR_ZERO(w->ap);
	if (!err) {
		w->thread = kthread_run(write_all, w, "aperture-writer");
		err = PTR_ERR_OR_ZERO(w->thread);
		w->thread = err ? NULL : w->thread;
	}
	if (!err)
		return 0;
	say(r, "status=%s\n", xen_aperture_status_name(status));
	end(w);
	return err;
}

void writer_end(void)
{
	if (!writer.thread)
		return;
	kthread_stop(writer.thread);
	end(&writer);
}

/* start DEV PAGES; stop */
int cmd_writer(struct run *r)
{
	struct writer *w = &writer;

	if (!strcmp(r->argv[1], "start"))
		return w->thread ? -EBUSY : r->argc < 4 ? -EINVAL : start(r, w);
	if (!w->thread)
		return -ENOENT;
	kthread_stop(w->thread);
	w->thread = NULL;
	say(r, "rounds=%llu lost=%llu\n", w->rounds, w->lost);
	end(w);
	return 0;
}
