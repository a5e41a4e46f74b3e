// SPDX-License-Identifier: GPL-2.0-only
/* Apertures made and ended, one after the other: new memory, memory that existed, the parent's. */
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "selftest.h"

#define CYCLE_BYTES	(2 * PAGE_SIZE)
#define CYCLE_OFFSET	72u	/* of the buffer in its first page */
#define CYCLE_KINDS	4u	/* new, existing, the parent's, new */

static struct xen_aperture *make_one(struct xen_aperture_dev *dev, unsigned int kind, void *buffer,
				     u32 *status)
{
	struct xen_aperture_wish wish = { .wanted = CYCLE_BYTES, .least = CYCLE_BYTES };

	if (kind == 1)
		return xen_aperture_offer(dev, &wish, buffer + CYCLE_OFFSET, CYCLE_BYTES - 100,
					  status);
	if (kind == 2)
		wish.flags = XENAPT_OPEN_PARENT_OWNED;
	return xen_aperture_create(dev, &wish, status);
}

/* Each page keeps what is written to it. */
static int use_one(struct xen_aperture *ap, u64 value)
{
	u64 size = xen_aperture_size(ap), at;
	char *memory = xen_aperture_memory(ap);

	if (!memory)
		return -ENOMEM;
	for (at = 0; at + 8 <= size; at += PAGE_SIZE)
		WRITE_ONCE(*(u64 *)(memory + at), value ^ at);
	for (at = 0; at + 8 <= size; at += PAGE_SIZE)
		if (READ_ONCE(*(u64 *)(memory + at)) != (value ^ at))
			return -EILSEQ;
	return xen_aperture_doorbell(ap);
}

static int one_cycle(struct run *r, struct xen_aperture_dev *dev, u64 number, void *buffer)
{
	struct xen_aperture *ap;
	u32 status = 0;
	int err;

	ap = make_one(dev, number % CYCLE_KINDS, buffer, &status);
	if (IS_ERR(ap)) {
		say(r, "cycle %llu: status=%s errno=%ld\n", number,
		    xen_aperture_status_name(status), -PTR_ERR(ap));
		return PTR_ERR(ap);
	}
	err = use_one(ap, number);
	xen_aperture_free(ap);
	if (err)
		say(r, "cycle %llu: its memory: errno=%d\n", number, -err);
	return err;
}

int cmd_cycles(struct run *r)
{
	void *buffer = vmalloc(CYCLE_BYTES + PAGE_SIZE);
	struct xen_aperture_dev *dev;
	u64 count, i;
	int err;

	err = buffer ? arg_u64(r, 2, &count) ?: arg_dev(r, 1, &dev) : -ENOMEM;
	if (!err) {
		memset(buffer, 0x5a, CYCLE_BYTES + PAGE_SIZE);
		for (i = 0; i < count && !err; i++)
			err = signal_pending(current) ? -EINTR : one_cycle(r, dev, i, buffer);
		say(r, "cycles=%llu\n", err ? i - 1 : i);
		xen_aperture_dev_put(dev);
	}
	vfree(buffer);
	return err;
}
