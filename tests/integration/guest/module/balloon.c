// SPDX-License-Identifier: GPL-2.0-only
/*
 * REP INSB and OUTSB at a page that another processor gives back to Xen and gets again all the while: what
 * the stub domain finds there when it copies is there or not.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <xen/mem-reservation.h>

#include "selftest.h"

#define ELEMENTS	256u

struct balloon {
	xen_pfn_t frame;
	u64 rounds;
	u32 failed;
};

/* Gone for a moment, there for a moment. At the end it is there. */
static int give_and_take(void *data)
{
	struct balloon *b = data;

	while (!kthread_should_stop()) {
		xen_pfn_t frame = b->frame;

		if (xenmem_reservation_decrease(1, &frame) != 1)
			b->failed++;
		usleep_range(50, 200);
		frame = b->frame;
		while (xenmem_reservation_increase(1, &frame) != 1)
			usleep_range(100, 200);
		b->rounds++;
		usleep_range(50, 200);
	}
	return 0;
}

static u64 copy_for(unsigned long ms, u16 port, void *memory)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	u64 copies = 0;

	do {
		outsb(port, memory, ELEMENTS);
		insb(port, memory, ELEMENTS);
		copies += 2;
		cond_resched();
	} while (time_before(jiffies, end));
	return copies;
}

int cmd_balloon(struct run *r)
{
	struct balloon b = { 0 };
	struct task_struct *other;
	u64 port, ms, copies;
	struct page *page;

	if (arg_u64(r, 1, &port) || arg_u64(r, 2, &ms))
		return -EINVAL;
	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	b.frame = page_to_pfn(page);
	other = kthread_create(give_and_take, &b, "give-and-take");
	if (IS_ERR(other)) {
		__free_page(page);
		return PTR_ERR(other);
	}
	kthread_bind(other, num_online_cpus() - 1);
	wake_up_process(other);
	copies = copy_for(ms, (u16)port, page_address(page));
	kthread_stop(other);
	__free_page(page);
	say(r, "copies=%llu rounds=%llu failed=%u\n", copies, b.rounds, b.failed);
	return b.failed || !b.rounds ? -EIO : 0;
}
