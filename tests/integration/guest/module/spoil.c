// SPDX-License-Identifier: GPL-2.0-only
/*
 * One poisoned word of a request, or of the directory that an OFFER names. The request before and the
 * ones after it are good, as a driver would make them. What is sent is the poisoned one; what the
 * module expects is the answer to the good one.
 */
#include <linux/ktime.h>
#include <linux/string.h>

#include "check_registers.h"
#include "poison_fields.h"
#include "selftest.h"

#define PAGES		8u
#define NUMBER		(3ull << 50)	/* far from what the module, or another test, will ever number */
#define SUBMITTER	(XENAPT_OP_SUBMITTERS - 1)
#define RANGE_OFFSET	2048u
#define RANGE_LENGTH	16u

struct spoiling {
	struct xen_aperture_dev *dev;
	u64 lane;
	const struct poison_field *field;
	unsigned int number;		/* of those of a kind */
	const char *how;
	struct xen_aperture_test_memory *memory;
	u64 handle;
	struct xenapt_request good;
	struct xenapt_response answer;
	ktime_t sent;
};

static u64 next_number(void)
{
	static atomic64_t number = ATOMIC64_INIT(NUMBER);

	return atomic64_inc_return(&number);
}

/* A good request before or after it. */
static int ask(struct spoiling *s, const struct xenapt_request *q)
{
	int err = xen_aperture_test_raw(s->dev, s->lane, q, &s->answer, false);

	return err ?: s->answer.status ? -EPROTO : 0;
}

static struct xenapt_request open_request(void)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = PAGES * XENAPT_PAGE_SIZE;
	q.u.open.least = XENAPT_PAGE_SIZE;
	return q;
}

static struct xenapt_request offer_request(const struct spoiling *s)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OFFER };

	q.u.offer.handle = s->handle;
	q.u.offer.length = PAGES * XENAPT_PAGE_SIZE;
	q.u.offer.directory = s->memory->reference;
	return q;
}

static struct xenapt_request named_request(u8 type, u64 handle)
{
	struct xenapt_request q = { .type = type };

	q.u.named.handle = handle;
	return q;
}

static int ask_named(struct spoiling *s, u8 type)
{
	struct xenapt_request q = named_request(type, s->handle);

	return ask(s, &q);
}

static struct xenapt_request operation_request(void)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPERATION };

	q.u.operation.reg = CHECK_FAST8;
	q.u.operation.value = 1;
	q.u.operation.size = 8;
	q.u.operation.direction = XENAPT_OP_EXCHANGE;
	q.u.operation.flags = XENAPT_OP_RESUME;
	q.u.operation.submitter = SUBMITTER;
	return q;
}

static struct xenapt_request range_request(const struct spoiling *s)
{
	struct xenapt_request q = operation_request();

	q.u.operation.handle = s->handle;
	q.u.operation.reg = CHECK_DO_SUM;
	q.u.operation.size = 0;
	q.u.operation.direction = XENAPT_OP_WRITE;
	q.u.operation.offset = RANGE_OFFSET;
	q.u.operation.length = RANGE_LENGTH;
	return q;
}

static int open(struct spoiling *s)
{
	struct xenapt_request q = open_request();
	int err = ask(s, &q);

	s->handle = err ? 0 : s->answer.handle;
	return err;
}

static int offered(struct spoiling *s)
{
	struct xenapt_request q;
	int err = open(s);

	if (err)
		return err;
	q = offer_request(s);
	return ask(s, &q);
}

static int mapped(struct spoiling *s)
{
	return offered(s) ?: ask_named(s, XENAPT_REQ_MAP);
}

/* What comes before it, and the good request itself. */
static int prepare(struct spoiling *s)
{
	int err = 0;

	switch (s->field->in) {
	case POISON_OPEN:
		s->good = open_request();
		break;
	case POISON_OFFER:
	case POISON_DIRECTORY:
		err = open(s);
		s->good = offer_request(s);
		break;
	case POISON_MAP:
		err = offered(s);
		s->good = named_request(XENAPT_REQ_MAP, s->handle);
		break;
	case POISON_WITHDRAW:
		err = mapped(s);
		s->good = named_request(XENAPT_REQ_WITHDRAW, s->handle);
		break;
	case POISON_RELEASE:
		err = open(s);
		s->good = named_request(XENAPT_REQ_RELEASE, s->handle);
		break;
	case POISON_TAKE:
		s->good = named_request(XENAPT_REQ_TAKE, 0);
		break;
	case POISON_OPERATION:
		s->good = operation_request();
		break;
	case POISON_RANGE:
		err = mapped(s);
		s->good = range_request(s);
		break;
	}
	s->good.id = s->good.type == XENAPT_REQ_OPERATION ? XENAPT_OP_ID | next_number() << 5 | 31 :
							    next_number() << 5;
	return err;
}

static void poison(struct spoiling *s, void *start)
{
	u8 *at = start + s->field->offset + s->number * s->field->size;
	u64 was = 0, is;

	memcpy(&was, at, s->field->size);
	is = poisoned(s->how, was);
	memcpy(at, &is, s->field->size);
}

/* A page whose reference has neighbours that are its own, too; 0: there is none. */
static unsigned int amidst(const struct xen_aperture_test_memory *m)
{
	unsigned int i, k, beside;

	for (i = 1; i < m->pages; i++) {
		for (beside = 0, k = 0; k < m->pages; k++)
			beside += m->gref[k] == m->gref[i] + 1 || m->gref[k] == m->gref[i] - 1;
		if (beside == 2)
			return i;
	}
	return 0;
}

/* OFFER of a poisoned directory, then MAP: whichever notices. */
static int send_directory(struct spoiling *s)
{
	struct xenapt_directory *d = s->memory->directory[0];
	struct xenapt_request map = named_request(XENAPT_REQ_MAP, s->handle);
	int err;

	if (!strcmp(s->field->name, "directory.gref")) {
		s->number = amidst(s->memory);
		if (!s->number)
			return -ENODATA;
	}
	poison(s, d);
	err = xen_aperture_test_raw(s->dev, s->lane, &s->good, &s->answer, false);
	if (err || s->answer.status)
		return err;
	s->sent = ktime_get();
	return xen_aperture_test_raw(s->dev, s->lane, &map, &s->answer, false);
}

static int send(struct spoiling *s)
{
	struct xenapt_request spoilt = s->good;

	s->sent = ktime_get();
	if (s->field->in == POISON_DIRECTORY)
		return send_directory(s);
	poison(s, &spoilt);
	return xen_aperture_test_spoilt(s->dev, s->lane, &s->good, &spoilt, &s->answer);
}

/* Whatever state it is in, it goes. */
static void end(struct spoiling *s)
{
	struct xenapt_response answer = s->answer;

	if (s->field->in == POISON_OPEN && !answer.status)
		s->handle = answer.handle;
	if (s->handle) {
		ask_named(s, XENAPT_REQ_WITHDRAW);
		ask_named(s, XENAPT_REQ_RELEASE);
	}
	s->answer = answer;
}

static bool needs_memory(enum poison_in in)
{
	return in != POISON_OPEN && in != POISON_RELEASE && in != POISON_TAKE && in != POISON_OPERATION;
}

static int spoil(struct run *r, struct spoiling *s)
{
	s64 us;
	int err;

	if (needs_memory(s->field->in))
		s->memory = xen_aperture_test_alloc(s->dev, PAGES);
	if (IS_ERR(s->memory))
		return PTR_ERR(s->memory);
	err = prepare(s);
	if (!err) {
		err = send(s);
		us = ktime_us_delta(ktime_get(), s->sent);
		say(r, "answer=%d status=%s us=%lld request_us=%lld\n", -err,
		    err ? "-" : xen_aperture_status_name(s->answer.status), us, ktime_to_us(s->sent));
		if (err != -ENOTCONN)
			end(s);
		err = 0;
	} else if (err != -ENOTCONN) {
		end(s);
	}
	if (s->memory && xen_aperture_test_free(s->memory) && !err)
		err = -EBUSY;
	return err;
}

int cmd_spoil(struct run *r)
{
	struct spoiling s = { .how = r->argv[4] };
	unsigned int i;
	u64 number;
	int err;

	for (i = 0; i < ARRAY_SIZE(poison_requests); i++)
		if (!strcmp(poison_requests[i].name, r->argv[3]))
			s.field = &poison_requests[i];
	if (!s.field)
		return -EINVAL;
	err = arg_u64(r, 2, &s.lane) ?: arg_u64_or(r, 5, &number, 0) ?: arg_dev(r, 1, &s.dev);
	if (err)
		return err;
	s.number = number;
	err = number < s.field->count ? spoil(r, &s) : -EINVAL;
	xen_aperture_dev_put(s.dev);
	return err;
}
