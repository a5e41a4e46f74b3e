// SPDX-License-Identifier: GPL-2.0-only
/* An aperture with the check device behind it: the commands of check_layout.h. */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "selftest.h"

#define ANSWER_SECONDS 120u	/* of a slow machine: 64 MiB hashed twice */

static void interrupt(struct xen_aperture *ap, void *data)
{
	struct session *s = data;

	atomic_inc(&s->interrupts);
	wake_up_all(&s->wait);
}

int session_open(struct session *s, struct xen_aperture_dev *dev, u64 wanted, u64 least)
{
	struct xen_aperture_wish wish = { .wanted = wanted, .least = least };

	return session_make(s, dev, &wish);
}

/* The caller holds dev for as long as the session is open. */
int session_make(struct session *s, struct xen_aperture_dev *dev,
		 const struct xen_aperture_wish *wanted)
{
	struct xen_aperture_wish wish = *wanted;

	wish.irq = interrupt;
	wish.data = s;
	memset(s, 0, sizeof(*s));
	init_waitqueue_head(&s->wait);
	s->dev = dev;
	s->ap = xen_aperture_create(dev, &wish, &s->status);
	if (IS_ERR(s->ap))
		return PTR_ERR(s->ap);
	s->memory = xen_aperture_memory(s->ap);
	if (!s->memory) {
		xen_aperture_free(s->ap);
		return -ENOMEM;
	}
	s->size = xen_aperture_size(s->ap) - CHECK_DATA;
	child_block(s)->magic = CHECK_MAGIC;
	return 0;
}

void session_close(struct session *s)
{
	xen_aperture_free(s->ap);
	s->ap = NULL;
}

static bool answered(struct session *s)
{
	return smp_load_acquire(&parent_block(s)->sequence) == s->sequence;
}

static void put_question(struct session *s, const struct question *q)
{
	struct check_child *c = child_block(s);

	c->command = q->command;
	c->flags = q->flags;
	c->offset = q->offset;
	c->length = q->length;
	c->argument = q->argument;
	c->count = q->count;
	c->grefs = q->grefs;
	smp_store_release(&c->sequence, ++s->sequence);
}

/* Peer data: copied once. */
static int take_answer(struct session *s, struct check_parent *answer)
{
	memcpy(answer, parent_block(s), sizeof(*answer));
	barrier();
	if (answer->magic != CHECK_MAGIC)
		return -EPROTO;
	return answer->status == CHECK_OK ? 0 : -EREMOTEIO;
}

/* Returns 0, -ETIMEDOUT, -EINTR, -EPROTO, or -EREMOTEIO: answer->status says why. */
int session_ask(struct session *s, const struct question *q, struct check_parent *answer)
{
	int before = atomic_read(&s->interrupts);
	long left;
	int err;

	put_question(s, q);
	err = xen_aperture_doorbell(s->ap);
	if (err)
		return err;
	left = wait_event_interruptible_timeout(s->wait, answered(s),
						ANSWER_SECONDS * HZ);
	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	if (left == 1 && atomic_read(&s->interrupts) == before)
		s->lost++;
	return take_answer(s, answer);
}
