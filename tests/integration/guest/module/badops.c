// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no frontend does to a device with operations: requests that are none, garbage in shared
 * pages, a ring that never ends. Every case of badops has the answer that apertureif.h section 9
 * asks for.
 */
#include <linux/hash.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "check_registers.h"
#include "selftest.h"

#define FIRST_NUMBER	(1ull << 50)	/* far from what the module will ever number */

struct bad {
	const char *what;
	u64 reg;
	u32 size, direction, flags, submitter, reserved, range;
	u32 type;			/* 0: OPERATION */
	bool plain_id, slow_only;
	u32 status[3];			/* by lane */
};

#define BOTH(s)		{ 0, s, s }
#define OP(r, z, d)	.reg = r, .size = z, .direction = d

static const struct bad table[] = {
	{ "size 3", OP(0, 3, 0), .status = BOTH(XENAPT_E_MALFORMED) },
	{ "size 255", OP(0, 255, 0), .status = BOTH(XENAPT_E_MALFORMED) },
	{ "direction 5", OP(0, 8, 5), .status = BOTH(XENAPT_E_MALFORMED) },
	{ "direction 255", OP(0, 8, 255), .status = BOTH(XENAPT_E_MALFORMED) },
	{ "a command that reads", OP(CHECK_DO_FOLD, 0, 0), .status = BOTH(XENAPT_E_MALFORMED) },
	{ "unknown flag", OP(0, 8, 0), .flags = 2, .status = BOTH(XENAPT_E_MALFORMED) },
	{ "submitter 64", OP(0, 8, 0), .submitter = 64, .status = BOTH(XENAPT_E_MALFORMED) },
	{ "reserved octet", OP(0, 8, 0), .reserved = 1, .status = BOTH(XENAPT_E_MALFORMED) },
	{ "an id that is none", OP(0, 8, 0), .plain_id = true, .status = BOTH(XENAPT_E_MALFORMED) },
	{ "the first octet behind the last register", OP(CHECK_REGISTERS_END, 1, 0),
	  .status = BOTH(XENAPT_E_REGISTER) },
	{ "the hole before a row", OP(CHECK_ROW - 8, 8, 0), .status = BOTH(XENAPT_E_REGISTER) },
	{ "the hole in a row", OP(CHECK_ROW + 8, 8, 0), .status = BOTH(XENAPT_E_REGISTER) },
	{ "register 2^32", OP(1ull << 32, 8, 0), .status = BOTH(XENAPT_E_REGISTER) },
	{ "register 2^64 - 1", OP(~0ull, 8, 0), .status = BOTH(XENAPT_E_REGISTER) },
	{ "8 octets of a register of 4", OP(CHECK_FAST4, 8, 0), .status = BOTH(XENAPT_E_STRADDLE) },
	{ "across two registers", OP(CHECK_FAST2, 4, 0), .status = BOTH(XENAPT_E_STRADDLE) },
	{ "not aligned", OP(CHECK_FAST8 + 1, 2, 0), .status = BOTH(XENAPT_E_STRADDLE) },
	{ "a size that is not admitted", OP(CHECK_PICKY, 1, 0), .status = BOTH(XENAPT_E_WIDTH) },
	{ "a write to a register for reading", OP(CHECK_ORDER, 8, 1),
	  .status = BOTH(XENAPT_E_ACCESS) },
	{ "a read of a register for writing", OP(CHECK_SINK, 8, 0),
	  .status = BOTH(XENAPT_E_ACCESS) },
	{ "an exchange with a register for writing", OP(CHECK_SINK, 8, 4),
	  .status = BOTH(XENAPT_E_ACCESS) },
	{ "command 0", OP(0, 0, 1), .status = BOTH(XENAPT_E_COMMAND) },
	{ "command 99", OP(99, 0, 1), .status = BOTH(XENAPT_E_COMMAND) },
	{ "command 2^32 + 1", OP((1ull << 32) + 1, 0, 1), .status = BOTH(XENAPT_E_COMMAND) },
	{ "command 0xffffff00", OP(0xffffff00u, 0, 1), .status = BOTH(XENAPT_E_COMMAND) },
	{ "a range of no aperture", OP(CHECK_DO_SUM, 0, 1), .range = 1, .slow_only = true,
	  .status = BOTH(XENAPT_E_RANGE) },
	{ "request 0", .type = 256, .status = BOTH(XENAPT_E_UNSUPPORTED) },
	{ "request 18", .type = 18, .status = BOTH(XENAPT_E_UNSUPPORTED) },
	{ "request 255", .type = 255, .status = BOTH(XENAPT_E_UNSUPPORTED) },
	{ "OPEN on the fast lane", .type = XENAPT_REQ_OPEN,
	  .status = { 0, XENAPT_E_UNSUPPORTED, XENAPT_E_SIZE_ZERO } },
	{ "TAKE with a handle", .type = XENAPT_REQ_TAKE, .range = 1,
	  .status = { 0, XENAPT_E_UNSUPPORTED, XENAPT_E_MALFORMED } },
};

static void fill(const struct bad *b, unsigned int n, struct xenapt_request *q)
{
	struct xenapt_operation *op = &q->u.operation;

	memset(q, 0, sizeof(*q));
	q->type = b->type ?: XENAPT_REQ_OPERATION;
	q->id = (b->plain_id || b->type ? 0 : XENAPT_OP_ID) | (FIRST_NUMBER + n) << 5 | 31;
	if (b->range)
		q->u.named.handle = 0x1234567;
	if (b->type)
		return;
	op->reg = b->reg;
	op->size = b->size;
	op->direction = b->direction;
	op->flags = b->flags;
	op->submitter = b->submitter;
	op->reserved[6] = b->reserved;
	if (b->range)
		op->length = 8;
}

static int judge(struct run *r, struct xen_aperture_dev *dev, u32 lane, unsigned int n,
		 unsigned int *wrong)
{
	const struct bad *b = &table[n];
	struct xenapt_response rsp;
	struct xenapt_request q;
	bool right;
	int err;

	fill(b, n, &q);
	err = xen_aperture_test_raw(dev, lane, &q, &rsp, true);
	if (err) {
		say(r, "not ok - %s: no answer, error %d\n", b->what, err);
		return err;
	}
	right = rsp.status == b->status[lane];
	*wrong += !right;
	say(r, "%s - %s: %s\n", right ? "ok" : "not ok", b->what,
	    xen_aperture_status_name(rsp.status));
	return 0;
}

static int arg_lane(struct run *r, unsigned int i, u64 *lane)
{
	int err = arg_u64(r, i, lane);

	return err ?: *lane != XENAPT_OWNER_FAST && *lane != XENAPT_OWNER_SLOW ? -EINVAL : 0;
}

int cmd_badops(struct run *r)
{
	struct xen_aperture_dev *dev;
	unsigned int n, cases = 0, wrong = 0;
	u64 lane;
	int err;

	err = arg_lane(r, 2, &lane) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	for (n = 0; n < ARRAY_SIZE(table) && !err; n++) {
		if (table[n].slow_only && lane == XENAPT_OWNER_FAST)
			continue;
		cases++;
		err = judge(r, dev, lane, n, &wrong);
	}
	say(r, "cases=%u wrong=%u\n", cases, wrong);
	xen_aperture_dev_put(dev);
	return err ?: wrong ? -EILSEQ : 0;
}

/* ---- shared pages ---- */

static int page_of(struct run *r, unsigned int i, enum xen_aperture_test_page *page)
{
	static const char *const names[] = {
		[XEN_APERTURE_TEST_RING_FAST] = "ring-fast",
		[XEN_APERTURE_TEST_RING_SLOW] = "ring-slow",
		[XEN_APERTURE_TEST_EVENT_FAST] = "event-fast",
		[XEN_APERTURE_TEST_EVENT_SLOW] = "event-slow",
		[XEN_APERTURE_TEST_MASK] = "mask",
		[XEN_APERTURE_TEST_RECORD] = "record",
	};
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(names); n++)
		if (!strcmp(r->argv[i], names[n])) {
			*page = n;
			return 0;
		}
	say(r, "no page %s\n", r->argv[i]);
	return -EINVAL;
}

int cmd_poke(struct run *r)
{
	enum xen_aperture_test_page page;
	struct xen_aperture_dev *dev;
	u64 offset, size, value;
	int err;

	err = page_of(r, 2, &page) ?: arg_u64(r, 3, &offset) ?: arg_u64(r, 4, &size) ?:
	      arg_u64(r, 5, &value) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	err = size > 8 ? -EINVAL : xen_aperture_test_poke(dev, page, offset, &value, size);
	xen_aperture_dev_put(dev);
	return err;
}

int cmd_peek(struct run *r)
{
	enum xen_aperture_test_page page;
	struct xen_aperture_dev *dev;
	u64 offset, size, value = 0;
	int err;

	err = page_of(r, 2, &page) ?: arg_u64(r, 3, &offset) ?: arg_u64(r, 4, &size) ?:
	      arg_dev(r, 1, &dev);
	if (err)
		return err;
	err = size > 8 ? -EINVAL : xen_aperture_test_peek(dev, page, offset, &value, size);
	say(r, "value=0x%llx\n", value);
	xen_aperture_dev_put(dev);
	return err;
}

int cmd_event(struct run *r)
{
	struct xen_aperture_dev *dev;
	u64 lane, count, i;
	int err;

	err = arg_lane(r, 2, &lane) ?: arg_u64_or(r, 3, &count, 1) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = xen_aperture_test_event(dev, lane);
	xen_aperture_dev_put(dev);
	return err;
}

/* One more turn of a ring that is full: its producer a whole ring ahead of the parent's. */
static int refill(struct xen_aperture_dev *dev, enum xen_aperture_test_page page, u32 lane,
		  u32 *consumed)
{
	/* rsp_prod is how far the parent is; the ring has 32 entries. */
	int err = xen_aperture_test_peek(dev, page, 8, consumed, 4);
	u32 produced = *consumed + 32;

	return err ?: xen_aperture_test_poke(dev, page, 0, &produced, 4) ?:
	       xen_aperture_test_event(dev, lane);
}

#define MANY_ANSWERS 1024u	/* rings full of them: nobody asked */

/*
 * For some time. deaf: this processor takes no interrupt meanwhile, or the driver ends the connection at
 * the first answer that it did not ask for; until there were many, and some time is the most it may take.
 */
int cmd_endless(struct run *r)
{
	bool deaf = r->argc > 4 && !strcmp(r->argv[4], "deaf");
	u32 first = 0, consumed = 0, enough = deaf ? MANY_ANSWERS : U32_MAX;
	enum xen_aperture_test_page page;
	struct xen_aperture_dev *dev;
	unsigned long irq = 0;
	u64 lane, ms, end, turns = 0;
	int err;

	err = arg_lane(r, 2, &lane) ?: arg_u64(r, 3, &ms) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	page = lane == XENAPT_OWNER_FAST ? XEN_APERTURE_TEST_RING_FAST :
					   XEN_APERTURE_TEST_RING_SLOW;
	end = ktime_get_ns() + ms * NSEC_PER_MSEC;
	if (deaf)
		local_irq_save(irq);
	err = xen_aperture_test_peek(dev, page, 8, &first, 4);
	for (consumed = first; !err && consumed - first < enough && ktime_get_ns() < end; turns++) {
		err = refill(dev, page, lane, &consumed);
		if (!deaf)
			cond_resched();
	}
	if (deaf)
		local_irq_restore(irq);
	say(r, "turns=%llu answered=%u error=%d\n", turns, consumed - first, err);
	xen_aperture_dev_put(dev);
	return deaf && consumed - first < enough ? -ETIME : 0;
}

/* Every octet of the page another one. */
int cmd_garbage(struct run *r)
{
	enum xen_aperture_test_page page;
	struct xen_aperture_dev *dev;
	u64 seed, at, end;
	u32 word;
	int err;

	err = page_of(r, 2, &page) ?: arg_u64_or(r, 3, &seed, 1) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	end = page == XEN_APERTURE_TEST_RECORD ? 8192 : 4096;
	for (at = 0; at < end && !err; at += 4) {
		word = hash_64(seed * 8192 + at, 32);
		err = xen_aperture_test_poke(dev, page, at, &word, 4);
	}
	xen_aperture_dev_put(dev);
	return err;
}
