// SPDX-License-Identifier: GPL-2.0-only
/* An aperture of each owner and direction, and two of memory that existed, that stay: drop all ends them. */
#include <linux/mutex.h>
#include <linux/vmalloc.h>

#include "cell_layout.h"
#include "selftest.h"

#define PAGES		3u
#define UNALIGNED	1000u	/* octets before the buffer in its first page */
#define WORD		2048u	/* in each page: behind what the check device uses */
#define MAX_HELD	32u

static struct every {
	struct xen_aperture_dev *dev;
	struct xen_aperture *ap;
	void *buffer;			/* memory that existed; NULL: none */
} held[MAX_HELD];
static unsigned int count;
static DEFINE_MUTEX(lock);

static void touch(u8 *p, bool writes)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		u8 *octet = p + i * PAGE_SIZE + WORD;

		if (writes)
			WRITE_ONCE(*octet, 0x5a);
		else
			READ_ONCE(*octet);
	}
}

static int make(struct every *e, u32 flags, bool existing, u32 *status)
{
	struct xen_aperture_wish wish = { .flags = flags, .tag = CELL_SUBJECT };

	wish.wanted = PAGES * PAGE_SIZE;
	wish.least = wish.wanted;
	if (!existing) {
		e->ap = xen_aperture_create(e->dev, &wish, status);
		return PTR_ERR_OR_ZERO(e->ap);
	}
	e->buffer = vzalloc((PAGES + 1) * PAGE_SIZE);
	if (!e->buffer)
		return -ENOMEM;
	e->ap = xen_aperture_offer(e->dev, &wish, e->buffer + UNALIGNED, PAGES * PAGE_SIZE - 8,
				   status);
	return PTR_ERR_OR_ZERO(e->ap);
}

/* dev is taken over when this succeeds. */
static int hold(struct run *r, struct xen_aperture_dev *dev, u32 flags, bool existing)
{
	struct every *e = &held[count];
	u32 status = 0;
	void *memory;
	int err;

	if (count == MAX_HELD)
		return -EUSERS;
	*e = (struct every){ .dev = dev };
	err = make(e, flags, existing, &status);
	if (err) {
		say(r, "flags=%u existing=%d status=%s errno=%d\n", flags, existing,
		    xen_aperture_status_name(status), -err);
		vfree(e->buffer);
		return err;
	}
	count++;
	memory = existing ? e->buffer : xen_aperture_memory(e->ap);
	if (memory)
		touch(memory, !(flags & XENAPT_OPEN_CHILD_READ_ONLY));
	return memory ? 0 : -ENOMEM;
}

void every_end(void)
{
	struct every *e;

	mutex_lock(&lock);
	while (count) {
		e = &held[--count];
		xen_aperture_free(e->ap);
		vfree(e->buffer);
		xen_aperture_dev_put(e->dev);
	}
	mutex_unlock(&lock);
}

static int hold_all(struct run *r)
{
	static const u32 flags[] = {
		0, XENAPT_OPEN_CHILD_READ_ONLY, XENAPT_OPEN_PARENT_READ_ONLY,
		XENAPT_OPEN_PARENT_OWNED, XENAPT_OPEN_PARENT_OWNED | XENAPT_OPEN_CHILD_READ_ONLY,
		XENAPT_OPEN_PARENT_OWNED | XENAPT_OPEN_PARENT_READ_ONLY,
		0, XENAPT_OPEN_PARENT_READ_ONLY,
	};
	struct xen_aperture_dev *dev;
	unsigned int i, before = count;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(flags) && !err; i++) {
		err = arg_dev(r, 1, &dev);
		if (err)
			break;
		err = hold(r, dev, flags[i], i >= 6);
		if (count == before + i)
			xen_aperture_dev_put(dev);
	}
	return err;
}

int cmd_every(struct run *r)
{
	int err;

	mutex_lock(&lock);
	err = hold_all(r);
	say(r, "held=%u\n", count);
	mutex_unlock(&lock);
	return err;
}
