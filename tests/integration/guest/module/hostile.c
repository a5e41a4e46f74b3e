// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and descriptions that no frontend makes. Each case says what was
 * expected and what came; one that differs fails the command, and the rest run on.
 */
#include <linux/random.h>
#include <linux/string.h>

#include "selftest.h"

/* Cases of one command. */
struct cases {
	struct run *r;
	struct xen_aperture_dev *dev;
	unsigned int total, wrong;
	int err;			/* no answer at all: the command ends */
	struct xenapt_response last;
};

static void request(struct cases *c, struct xenapt_request *q)
{
	if (!c->err)
		c->err = xen_aperture_test_request(c->dev, q, &c->last);
}

#define ANY_VALUE (~0ull)

static bool expect(struct cases *c, const char *what, u32 status, u64 value)
{
	bool right = !c->err && c->last.status == status &&
		     (value == ANY_VALUE || c->last.value == value);

	c->total++;
	c->wrong += !right;
	say(c->r, "%s - %s: status=%s value=%llu", right ? "ok" : "not ok", what,
	    xen_aperture_status_name(c->last.status), c->last.value);
	if (!right)
		say(c->r, " expected %s value %llu error %d", xen_aperture_status_name(status),
		    value, c->err);
	say(c->r, "\n");
	return right;
}

static int conclude(struct cases *c)
{
	say(c->r, "cases=%u wrong=%u\n", c->total, c->wrong);
	xen_aperture_dev_put(c->dev);
	if (c->err)
		return c->err;
	return c->wrong ? -EILSEQ : 0;
}

static u64 raw_open(struct cases *c, u64 pages)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = pages * XENAPT_PAGE_SIZE;
	q.u.open.least = q.u.open.wanted;
	request(c, &q);
	if (c->err || c->last.status != XENAPT_OK) {
		expect(c, "open", XENAPT_OK, ANY_VALUE);
		return 0;
	}
	return c->last.handle;
}

static void raw_offer(struct cases *c, u64 handle, u64 length, u32 directory)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OFFER };

	q.u.offer.handle = handle;
	q.u.offer.length = length;
	q.u.offer.directory = directory;
	request(c, &q);
}

static void raw_named(struct cases *c, u8 type, u64 handle)
{
	struct xenapt_request q = { .type = type };

	q.u.named.handle = handle;
	request(c, &q);
}

/* After a case: whatever state it is in, the handle goes. */
static void raw_end(struct cases *c, u64 handle)
{
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
}

static struct xen_aperture_test_memory *memory(struct cases *c, unsigned int pages)
{
	struct xen_aperture_test_memory *m = xen_aperture_test_alloc(c->dev, pages);

	if (!IS_ERR(m))
		return m;
	c->err = PTR_ERR(m);
	say(c->r, "no memory of %u pages: error %d\n", pages, c->err);
	return NULL;
}

/* Nothing of it may be mapped any more. */
static void memory_end(struct cases *c, struct xen_aperture_test_memory *m)
{
	unsigned int left = m ? xen_aperture_test_free(m) : 0;

	if (!left)
		return;
	c->wrong++;
	say(c->r, "not ok - %u pages are still mapped\n", left);
}

static void wrong_order(struct cases *c, struct xen_aperture_test_memory *m)
{
	u64 length = m->pages * XENAPT_PAGE_SIZE;
	u64 handle = raw_open(c, m->pages);

	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map before offer", XENAPT_E_STATE, XENAPT_STATE_OPENED);
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	expect(c, "withdraw before offer", XENAPT_E_STATE, XENAPT_STATE_OPENED);
	raw_offer(c, handle, length, m->reference);
	expect(c, "offer", XENAPT_OK, ANY_VALUE);
	raw_offer(c, handle, length, m->reference);
	expect(c, "second offer", XENAPT_E_STATE, XENAPT_STATE_OFFERED);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, "release of an offered one", XENAPT_E_STATE, XENAPT_STATE_OFFERED);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map", XENAPT_OK, m->pages);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "second map", XENAPT_E_STATE, XENAPT_STATE_MAPPED);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, "release of a mapped one", XENAPT_E_STATE, XENAPT_STATE_MAPPED);
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	expect(c, "withdraw", XENAPT_OK, ANY_VALUE);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map of a withdrawn one", XENAPT_E_STATE, XENAPT_STATE_WITHDRAWN);
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	expect(c, "second withdraw", XENAPT_E_STATE, XENAPT_STATE_WITHDRAWN);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, "release", XENAPT_OK, ANY_VALUE);
}

static void bad_handle(struct cases *c, const char *what, u64 handle,
		       struct xen_aperture_test_memory *m)
{
	raw_offer(c, handle, m->pages * XENAPT_PAGE_SIZE, m->reference);
	expect(c, what, XENAPT_E_HANDLE, 0);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, what, XENAPT_E_HANDLE, 0);
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	expect(c, what, XENAPT_E_HANDLE, 0);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, what, XENAPT_E_HANDLE, 0);
}

static void stale(struct cases *c, struct xen_aperture_test_memory *m)
{
	u64 first = raw_open(c, m->pages), second;

	raw_named(c, XENAPT_REQ_RELEASE, first);
	expect(c, "release of an opened one", XENAPT_OK, ANY_VALUE);
	bad_handle(c, "stale handle", first, m);
	second = raw_open(c, m->pages);	/* the slot is used again, the handle is not */
	if (second == first) {
		say(c->r, "not ok - a handle was used twice\n");
		c->wrong++;
	}
	bad_handle(c, "stale handle of a slot in use", first, m);
	bad_handle(c, "handle 0", 0, m);
	bad_handle(c, "next handle", second + 1, m);
	bad_handle(c, "random handle", get_random_u64(), m);
	raw_named(c, XENAPT_REQ_RELEASE, second);
}

/* A handle of one device at another, of the same guest. */
static void foreign(struct cases *c, struct xen_aperture_test_memory *m, unsigned int other)
{
	struct xen_aperture_dev *mine = c->dev;
	u64 handle;

	c->dev = xen_aperture_dev_get(other);
	if (!c->dev || xen_aperture_dev_wait(c->dev, 20000)) {
		xen_aperture_dev_put(c->dev);
		c->dev = mine;
		c->err = -ENODEV;
		return;
	}
	handle = raw_open(c, m->pages);
	swap(c->dev, mine);
	bad_handle(c, "handle of another device", handle, m);
	swap(c->dev, mine);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, "release at its own device", XENAPT_OK, ANY_VALUE);
	swap(c->dev, mine);
	xen_aperture_dev_put(mine);
}

int cmd_handles(struct run *r)
{
	struct cases c = { .r = r };
	struct xen_aperture_test_memory *m;
	u64 other;
	int err;

	err = arg_u64_or(r, 2, &other, U64_MAX) ?: arg_dev(r, 1, &c.dev);
	if (err)
		return err;
	m = memory(&c, 3);
	if (m) {
		wrong_order(&c, m);
		stale(&c, m);
		if (other != U64_MAX)
			foreign(&c, m, other);
	}
	memory_end(&c, m);
	return conclude(&c);
}

int cmd_larger(struct run *r)
{
	struct cases c = { .r = r };
	struct xen_aperture_test_memory *m;
	u64 handle, asked;
	int err = arg_dev(r, 1, &c.dev);

	if (err)
		return err;
	m = memory(&c, 5);
	handle = m ? raw_open(&c, 4) : 0;
	asked = 4 * XENAPT_PAGE_SIZE;
	if (m) {
		raw_offer(&c, handle, 5 * XENAPT_PAGE_SIZE, m->reference);
		expect(&c, "a page larger than asked for", XENAPT_E_SIZE, asked);
		raw_offer(&c, handle, asked + 1, m->reference);
		expect(&c, "a byte larger than asked for", XENAPT_E_SIZE, asked);
		raw_offer(&c, handle, U64_MAX, m->reference);
		expect(&c, "length 2^64-1", XENAPT_E_SIZE, asked);
		raw_offer(&c, handle, 0, m->reference);
		expect(&c, "length 0", XENAPT_E_SIZE_ZERO, 0);
		raw_named(&c, XENAPT_REQ_MAP, handle);
		expect(&c, "map after refused offers", XENAPT_E_STATE, XENAPT_STATE_OPENED);
		raw_named(&c, XENAPT_REQ_RELEASE, handle);
		expect(&c, "release", XENAPT_OK, ANY_VALUE);
	}
	memory_end(&c, m);
	return conclude(&c);
}

static void reserved_open(struct cases *c)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = XENAPT_PAGE_SIZE;
	q.u.open.reserved[1] = 1;
	request(c, &q);
	expect(c, "open, reserved field", XENAPT_E_MALFORMED, 0);
	q.u.open.reserved[1] = 0;
	q.zero[6] = 1;
	request(c, &q);
	expect(c, "open, head not zero", XENAPT_E_MALFORMED, 0);
	q.zero[6] = 0;
	q.u.open.flags = 1u << 31;
	request(c, &q);
	expect(c, "open, unknown flag", XENAPT_E_MALFORMED, 0);
	q.u.open.flags = XENAPT_OPEN_CHILD_READ_ONLY | XENAPT_OPEN_PARENT_READ_ONLY;
	request(c, &q);
	expect(c, "open, neither side may write", XENAPT_E_MALFORMED, 0);
}

/* The requests of a device with a model, which the tests' device is. */
static void reserved_model(struct cases *c)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPERATION };

	q.u.operation.size = 8;
	request(c, &q);
	expect(c, "operation, id of another request", XENAPT_E_MALFORMED, 0);
	q.u.operation.reserved[6] = 1;
	q.id = XENAPT_OP_ID | 1ull << 55 | 31;	/* as badops.c numbers its own */
	if (!c->err)
		c->err = xen_aperture_test_raw(c->dev, XENAPT_OWNER_SLOW, &q, &c->last, true);
	expect(c, "operation, reserved field", XENAPT_E_MALFORMED, 0);
	q = (struct xenapt_request){ .type = XENAPT_REQ_TAKE };
	request(c, &q);
	expect(c, "take", XENAPT_OK, 0);
	q.u.named.handle = 1;
	request(c, &q);
	expect(c, "take, a handle", XENAPT_E_MALFORMED, 0);
	q.u.named.handle = 0;
	q.u.named.reserved[4] = 1;
	request(c, &q);
	expect(c, "take, reserved field", XENAPT_E_MALFORMED, 0);
}

int cmd_reserved(struct run *r)
{
	static const u8 unknown[] = { 0, 6, 15, 18, 255 };
	struct cases c = { .r = r };
	struct xenapt_request q;
	unsigned int i;
	int err = arg_dev(r, 1, &c.dev);

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		q = (struct xenapt_request){ .type = unknown[i] };
		request(&c, &q);
		say(r, "type %u: ", unknown[i]);
		expect(&c, "unknown request", XENAPT_E_UNSUPPORTED, 0);
	}
	reserved_open(&c);
	reserved_model(&c);
	q = (struct xenapt_request){ .type = XENAPT_REQ_MAP };
	q.u.named.reserved[4] = 1;
	request(&c, &q);
	expect(&c, "map, reserved field", XENAPT_E_MALFORMED, 0);
	q = (struct xenapt_request){ .type = XENAPT_REQ_OFFER };
	q.u.offer.reserved[2] = 1;
	request(&c, &q);
	expect(&c, "offer, reserved field", XENAPT_E_MALFORMED, 0);
	return conclude(&c);
}

static u32 *entry(struct xen_aperture_test_memory *m, u64 index)
{
	if (m->directories == 1)
		return &m->directory[0]->gref[index];
	return &m->directory[1 + index / XENAPT_DIR_ENTRIES]->gref[index % XENAPT_DIR_ENTRIES];
}

/* All pages but one are good; the whole is undone, twice, and then works repaired. */
static void one_bad(struct cases *c, struct xen_aperture_test_memory *m, u64 index, u32 ref)
{
	u64 length = (u64)m->pages * XENAPT_PAGE_SIZE;
	u32 good = *entry(m, index);
	u64 handle = raw_open(c, m->pages);

	*entry(m, index) = ref;
	raw_offer(c, handle, length, m->reference);
	expect(c, "offer with a bad reference", XENAPT_OK, ANY_VALUE);
	*entry(m, index) = good;	/* the parent has its copy: no effect */
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map", XENAPT_E_GRANT, index);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map again", XENAPT_E_GRANT, index);
	raw_named(c, XENAPT_REQ_WITHDRAW, handle);
	expect(c, "withdraw", XENAPT_OK, ANY_VALUE);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	expect(c, "release", XENAPT_OK, ANY_VALUE);
	handle = raw_open(c, m->pages);
	raw_offer(c, handle, length, m->reference);
	expect(c, "offer of the same pages, repaired", XENAPT_OK, ANY_VALUE);
	raw_named(c, XENAPT_REQ_MAP, handle);
	expect(c, "map", XENAPT_OK, m->pages);
	raw_end(c, handle);
}

int cmd_badref(struct run *r)
{
	struct cases c = { .r = r };
	struct xen_aperture_test_memory *m;
	u64 pages, index, ref;
	int err;

	err = arg_u64(r, 2, &pages) ?: arg_u64(r, 3, &index) ?:
	      arg_u64_or(r, 4, &ref, 0x7ffffff0);
	if (err)
		return err;
	if (!pages || pages > XENAPT_MAX_PAGES || index >= pages) {
		say(r, "pages is %llu, must be 1..%u; index must be less\n", pages,
		    XENAPT_MAX_PAGES);
		return -EINVAL;
	}
	err = arg_dev(r, 1, &c.dev);
	if (err)
		return err;
	m = memory(&c, pages);
	if (m)
		one_bad(&c, m, index, ref);
	memory_end(&c, m);
	return conclude(&c);
}

/* A directory page as it is, but for one header field. */
enum field { MAGIC, LEVEL, COUNT, INDEX, ZERO };

static const struct lie {
	const char *what;
	enum field field;
	u32 value;
} lies[] = {
	{ "magic", MAGIC, 0x52444159 },
	{ "level index for list or list for index", LEVEL, 3 },
	{ "level 0", LEVEL, 0 },
	{ "count 0", COUNT, 0 },
	{ "count 1021", COUNT, XENAPT_DIR_ENTRIES + 1 },
	{ "count 65535", COUNT, 65535 },
	{ "index", INDEX, 7 },
	{ "index 2^32-1", INDEX, ~0u },
	{ "zero field", ZERO, 1 },
};

static void spoil(struct xenapt_directory *d, const struct lie *lie)
{
	switch (lie->field) {
	case MAGIC:
		d->magic = lie->value;
		break;
	case LEVEL:
		d->level = lie->value == 3 ? 3 - d->level : lie->value;
		break;
	case COUNT:
		d->count = lie->value;
		break;
	case INDEX:
		d->index = lie->value;
		break;
	case ZERO:
		d->zero = lie->value;
		break;
	}
}

static void offer_spoilt(struct cases *c, struct xen_aperture_test_memory *m, const char *what,
			 unsigned int page)
{
	u64 handle = raw_open(c, m->pages);

	raw_offer(c, handle, (u64)m->pages * XENAPT_PAGE_SIZE, m->reference);
	say(c->r, "%u pages, directory page %u: ", m->pages, page);
	expect(c, what, XENAPT_E_DIRECTORY, page);
	raw_named(c, XENAPT_REQ_MAP, handle);
	if (c->last.status != XENAPT_E_STATE)
		expect(c, "map after a refused offer", XENAPT_E_STATE, XENAPT_STATE_OPENED);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
}

static void all_lies(struct cases *c, struct xen_aperture_test_memory *m, unsigned int page)
{
	struct xenapt_directory *d = m->directory[page];
	u16 count = d->count;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lies) && !c->err; i++) {
		u32 header[4];

		memcpy(header, d, sizeof(header));
		spoil(d, &lies[i]);
		offer_spoilt(c, m, lies[i].what, page);
		memcpy(d, header, sizeof(header));
	}
	d->count = count - 1;
	offer_spoilt(c, m, "one reference too few", page);
	d->count = count + 1;
	offer_spoilt(c, m, "one reference too many", page);
	d->count = count;
}

/* References of the directory's own pages. */
static void unreadable(struct cases *c, struct xen_aperture_test_memory *m)
{
	u64 handle = raw_open(c, m->pages);
	u32 good;

	raw_offer(c, handle, (u64)m->pages * XENAPT_PAGE_SIZE, 0x7ffffff0);
	expect(c, "directory that cannot be read", XENAPT_E_DIRECTORY, 0);
	raw_named(c, XENAPT_REQ_RELEASE, handle);
	if (m->directories == 1)
		return;
	good = m->directory[0]->gref[1];
	m->directory[0]->gref[1] = 0x7ffffff0;
	offer_spoilt(c, m, "list page that cannot be read", 2);
	m->directory[0]->gref[1] = m->directory[0]->gref[0];
	offer_spoilt(c, m, "the same list page twice", 2);
	m->directory[0]->gref[1] = good;
}

static void lies_of(struct cases *c, unsigned int pages)
{
	struct xen_aperture_test_memory *m = memory(c, pages);
	unsigned int i;
	u64 handle;

	for (i = 0; m && i < m->directories && !c->err; i++)
		all_lies(c, m, i);
	if (m) {
		unreadable(c, m);
		handle = raw_open(c, pages);
		raw_offer(c, handle, (u64)pages * XENAPT_PAGE_SIZE, m->reference);
		expect(c, "the truth", XENAPT_OK, ANY_VALUE);
		raw_end(c, handle);
	}
	memory_end(c, m);
}

int cmd_lies(struct run *r)
{
	struct cases c = { .r = r };
	int err = arg_dev(r, 1, &c.dev);

	if (err)
		return err;
	lies_of(&c, 1);
	lies_of(&c, XENAPT_DIR_ENTRIES);
	lies_of(&c, XENAPT_DIR_ENTRIES + 1);
	lies_of(&c, 2 * XENAPT_DIR_ENTRIES + 5);
	return conclude(&c);
}
