// SPDX-License-Identifier: GPL-2.0-only
/*
 * One poisoned word: what was there is changed, every doorbell is rung, the lane's event is sent. When
 * both sides have had an event, a request is made. Says when the event was sent, and the request.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "poison_words.h"
#include "selftest.h"

u64 poisoned(const char *how, u64 was)
{
	if (!strcmp(how, "ones"))
		return ~0ull;
	if (!strcmp(how, "zero"))
		return 0;
	return !strcmp(how, "plus") ? was + 1 : was - 1;
}

static int page_of(const struct poison_word *w, u64 lane)
{
	switch (w->page) {
	case POISON_RING:
		return lane == XENAPT_OWNER_FAST ? XEN_APERTURE_TEST_RING_FAST : XEN_APERTURE_TEST_RING_SLOW;
	case POISON_EVENT:
		return lane == XENAPT_OWNER_FAST ? XEN_APERTURE_TEST_EVENT_FAST : XEN_APERTURE_TEST_EVENT_SLOW;
	case POISON_MASK:
		return XEN_APERTURE_TEST_MASK;
	default:
		return XEN_APERTURE_TEST_RECORD;
	}
}

/* Of the slot that head names. */
static int offset_of(struct xen_aperture_dev *dev, const struct poison_word *w, unsigned int *at)
{
	u64 head;
	int err;

	*at = w->offset;
	if (w->page != POISON_SLOT)
		return 0;
	err = xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, 0, &head, 8);
	*at += offsetof(struct xenapt_record, slot) +
	       XENAPT_HEAD_SLOT(head) * sizeof(struct xenapt_slot);
	return err;
}

struct events {
	u64 parent, child;
};

/* -ENOTCONN: the connection has ended. */
static int count(struct xen_aperture_dev *dev, u64 lane, struct events *e)
{
	const unsigned int of = offsetof(struct xenapt_counters, events);
	unsigned int mine = lane == XENAPT_OWNER_FAST ? offsetof(struct xenapt_mask_page, fast) :
							offsetof(struct xenapt_mask_page, child);

	return xen_aperture_test_peek(dev, XEN_APERTURE_TEST_MASK, mine + of, &e->child, 8) ?:
	       xen_aperture_test_peek(dev, lane == XENAPT_OWNER_FAST ? XEN_APERTURE_TEST_EVENT_FAST :
				      XEN_APERTURE_TEST_EVENT_SLOW,
				      offsetof(struct xenapt_event_page, parent) + of, &e->parent, 8);
}

/* Until both had an event after it, or it is over, or for so long that nothing more will come. */
static int settle(struct xen_aperture_dev *dev, u64 lane, const struct events *before)
{
	struct events now;
	int tries, err;

	for (tries = 0; tries < 100; tries++) {
		usleep_range(100, 200);
		err = count(dev, lane, &now);
		if (err)
			return err;
		if (now.parent != before->parent && now.child != before->child)
			return 0;
	}
	return 0;
}

/* All ones in head name slot 3: there is a record in it, too. */
static int fill_last_slot(struct xen_aperture_dev *dev)
{
	const unsigned int to = offsetof(struct xenapt_record, slot[XENAPT_SLOTS - 1]);
	unsigned int from, i;
	u64 head, word;
	int err;

	err = xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, 0, &head, 8);
	from = offsetof(struct xenapt_record, slot) +
	       XENAPT_HEAD_SLOT(head) * sizeof(struct xenapt_slot);
	for (i = 0; i < sizeof(struct xenapt_slot) && !err && from != to; i += 8)
		err = xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, from + i, &word, 8) ?:
		      xen_aperture_test_poke(dev, XEN_APERTURE_TEST_RECORD, to + i, &word, 8);
	return err;
}

/* As if the state had gone to the other device and come back: its owner must load it. */
static int go_and_come(struct xen_aperture_dev *dev)
{
	u64 head;
	int err;

	err = xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, 0, &head, 8);
	head = XENAPT_HEAD(XENAPT_HEAD_OWNER(head), XENAPT_HEAD_SLOT(head),
			   XENAPT_HEAD_GENERATION(head) + 1);
	return err ?: xen_aperture_test_poke(dev, XEN_APERTURE_TEST_RECORD, 0, &head, 8);
}

static int ring_all(struct xen_aperture_dev *dev)
{
	u64 all = ~0ull;

	return xen_aperture_test_poke(dev, XEN_APERTURE_TEST_EVENT_SLOW,
				      offsetof(struct xenapt_event_page, doorbell[1]), &all, 8);
}

/* The words of a row but the last one: each has its event, too. */
static int strike_row(struct xen_aperture_dev *dev, u64 lane, const struct poison_word *w, int page,
		      unsigned int at, const char *how)
{
	unsigned int i;
	int err = 0;
	u64 was, is;

	for (i = 0; i + 1 < w->count && !err; i++, at += w->size) {
		was = 0;
		err = xen_aperture_test_peek(dev, page, at, &was, w->size);
		is = poisoned(how, was);
		err = err ?: xen_aperture_test_poke(dev, page, at, &is, w->size) ?:
		      xen_aperture_test_event(dev, lane);
		if (err)
			return err;
		usleep_range(50, 100);
		if (w->keeps)
			err = xen_aperture_test_poke(dev, page, at, &was, w->size);
	}
	return err;
}

static int strike(struct run *r, struct xen_aperture_dev *dev, u64 lane,
		  const struct poison_word *w, const char *how)
{
	struct xenapt_request q = { .type = 255 };
	struct xenapt_response rsp;
	int page = page_of(w, lane), err, answer;
	u64 was = 0, is, start, event;
	bool heals = !strncmp(how, "0x", 2), head = !strcmp(w->name, "record.head");
	struct events before;
	unsigned int at;

	err = offset_of(dev, w, &at);
	if (!err && !heals)
		err = strike_row(dev, lane, w, page, at, how);
	at += (w->count - 1) * w->size;
	err = err ?: count(dev, lane, &before) ?: xen_aperture_test_peek(dev, page, at, &was, w->size);
	if (!err && head)
		err = fill_last_slot(dev);
	if (err)
		return err;
	is = heals ? simple_strtoull(how, NULL, 16) : poisoned(how, was);
	event = start = ktime_get_ns();
	if (lane == XENAPT_OWNER_SLOW && strcmp(w->name, "event.doorbell[1]"))
		ring_all(dev);
	err = xen_aperture_test_poke(dev, page, at, &is, w->size);
	if (!err && poison_is_of_record(w) && !head)
		err = go_and_come(dev);
	err = err ?: xen_aperture_test_event(dev, lane);
	if (err)
		return err;
	answer = settle(dev, lane, &before);
	if (!answer) {
		start = ktime_get_ns();
		answer = xen_aperture_test_raw(dev, lane, &q, &rsp, false);
	}
	is &= ~0ull >> (64 - 8 * w->size);
	say(r, "was=%#llx is=%#llx answer=%d event_us=%llu request_us=%llu\n", was, is, -answer,
	    event / 1000, start / 1000);
	return 0;
}

/* One request after another, on whatever connection there is: somebody always waits. */
int cmd_requests(struct run *r)
{
	unsigned int answered = 0, ended = 0, timeouts = 0;
	struct xenapt_request q = { .type = 255 };
	struct xen_aperture_dev *dev;
	struct xenapt_response rsp;
	unsigned long end;
	u64 lane, ms, nr;
	int err;

	err = arg_u64(r, 1, &nr) ?: arg_u64(r, 2, &lane) ?: arg_u64(r, 3, &ms);
	if (err)
		return err;
	dev = xen_aperture_dev_get(nr);
	if (!dev)
		return -ENODEV;
	end = jiffies + msecs_to_jiffies(ms);
	while (time_before(jiffies, end) && !signal_pending(current)) {
		err = xen_aperture_test_raw(dev, lane, &q, &rsp, false);
		answered += !err;
		timeouts += err == -ETIMEDOUT;
		ended += err == -ENOTCONN;
		if (err == -ENOTCONN)
			usleep_range(500, 1000);
	}
	say(r, "answered=%u ended=%u timeouts=%u\n", answered, ended, timeouts);
	xen_aperture_dev_put(dev);
	return 0;
}

int cmd_strike(struct run *r)
{
	struct xen_aperture_dev *dev;
	unsigned int i;
	u64 lane;
	int err = arg_u64(r, 2, &lane);

	for (i = 0; i < ARRAY_SIZE(poison_words); i++)
		if (!strcmp(poison_words[i].name, r->argv[3]))
			break;
	if (i == ARRAY_SIZE(poison_words))
		return -EINVAL;
	err = err ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	err = strike(r, dev, lane, &poison_words[i], r->argv[4]);
	xen_aperture_dev_put(dev);
	return err;
}
