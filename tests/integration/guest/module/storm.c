// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring without an end: its producer is always a whole ring ahead of the consumer, for some time or until
 * somebody calms it.
 * The guest's own side does not look at the answers: it would end the connection at the first.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "selftest.h"

#define CALM_SECONDS	20u
#define RING_ENTRIES	32u	/* of a ring of one page */
#define REQ_PROD	0u	/* its words */
#define RSP_PROD	8u

static bool calmed;

struct storm {
	struct xen_aperture_dev *dev;
	enum xen_aperture_test_page page;
	u64 lane, turns, answers;
	u32 first, answered;		/* how far the parent was, and is */
};

/* The parent came on since the last look: one turn. */
static int look_on(struct storm *s)
{
	u32 before = s->answered;
	int err = xen_aperture_test_peek(s->dev, s->page, RSP_PROD, &s->answered, 4);

	s->turns += !err && s->answered != before;
	s->answers = s->answered - s->first;
	return err;
}

/* Requests that are none of ours: what has been in the ring all the time, again and again. */
static int storm(struct storm *s, u64 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	u32 produced;
	int err;

	err = xen_aperture_test_peek(s->dev, s->page, RSP_PROD, &s->first, 4);
	s->answered = s->first;
	while (!err && !READ_ONCE(calmed) && time_before(jiffies, end)) {
		produced = s->answered + RING_ENTRIES;
		err = xen_aperture_test_poke(s->dev, s->page, REQ_PROD, &produced, 4) ?:
		      xen_aperture_test_event(s->dev, s->lane) ?: look_on(s);
		cond_resched();
	}
	return err;
}

/* So that the module can go on with the ring. */
static int calm(struct storm *s)
{
	unsigned long end = jiffies + CALM_SECONDS * HZ;
	u32 produced;
	int err;

	do {
		err = xen_aperture_test_peek(s->dev, s->page, REQ_PROD, &produced, 4) ?:
		      xen_aperture_test_event(s->dev, s->lane) ?: look_on(s);
		if (!err && s->answered == produced)
			return 0;
		msleep(1);
	} while (!err && time_before(jiffies, end));
	return err ?: -ETIMEDOUT;
}

int cmd_storm(struct run *r)
{
	struct storm s = { 0 };
	int err, back;
	u64 ms;

	err = arg_u64(r, 2, &s.lane) ?: arg_u64(r, 3, &ms) ?: arg_dev(r, 1, &s.dev);
	if (err)
		return err;
	s.page = s.lane == XENAPT_OWNER_FAST ? XEN_APERTURE_TEST_RING_FAST :
					       XEN_APERTURE_TEST_RING_SLOW;
	err = xen_aperture_test_hold(s.dev, s.lane);
	WRITE_ONCE(calmed, false);
	if (!err) {
		err = storm(&s, ms) ?: calm(&s);
		back = xen_aperture_test_unhold(s.dev, s.lane);
		err = err ?: back;
	}
	say(r, "turns=%llu answers=%llu error=%d\n", s.turns, s.answers, err);
	xen_aperture_dev_put(s.dev);
	return err;
}

int cmd_calm(struct run *r)
{
	WRITE_ONCE(calmed, true);
	say(r, "calmed=1\n");
	return 0;
}
