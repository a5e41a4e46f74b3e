/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core takes beside a guest's own bound on pages: that of all guests, and of what is offered. */
#include "check.h"
#include "pair.h"

#define PAGE	4096u

static struct xapt_host_ops ops;
static uint64_t left;		/* of all guests */
static uint64_t offered;
static unsigned int refusals;

static bool reserve(void *host, uint32_t pages)
{
	(void)host;
	if (pages > left) {
		refusals++;
		return false;
	}
	left -= pages;
	return true;
}

static void unreserve(void *host, uint32_t pages)
{
	(void)host;
	left += pages;
}

static uint64_t mappable(void *host)
{
	(void)host;
	return left;
}

static struct pair *begin(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .pages = 64 });

	ops = fake_host_ops;
	ops.reserve = reserve;
	ops.unreserve = unreserve;
	ops.mappable = mappable;
	left = 20;
	offered = 64;
	refusals = 0;
	p->device.host_ops = &ops;
	p->device.limits.offered_left = &offered;
	return p;
}

static uint64_t open_and_offer(struct pair *p, const struct buffer *b, uint32_t status)
{
	struct xenapt_response r;

	CHECK_EQ(pair_open(p, b->pages * PAGE, 0, &r), XENAPT_OK);
	CHECK_EQ(pair_offer(p, r.handle, b->length, b->offset, b->directory, &r), status);
	return r.handle;
}

/* Refused before anything is mapped, with what is left; what fails or ends is given back. */
static void test_all_guests(void)
{
	struct pair *p = begin();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK_EQ(pair_open(p, 30 * PAGE, 0, &r), XENAPT_OK);
	CHECK_EQ(r.value, 20 * PAGE);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, r.handle, &r), XENAPT_OK);
	CHECK_EQ(pair_open(p, 30 * PAGE, 21 * PAGE, &r), XENAPT_E_SIZE_LEAST);
	CHECK(child_describe(&p->child, &b, 12 * PAGE, 0, false));
	h = open_and_offer(p, &b, XENAPT_OK);
	left = 11;		/* another guest was faster */
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(r.value, 11);
	CHECK_EQ(refusals, 1);
	CHECK_EQ(p->own_pages, 64);
	left = 12;
	fake_fail(p->f, FAKE_MAP, 1, 3);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	CHECK_EQ(left, 12);
	fake_fail(p->f, FAKE_MAP, 1, FAKE_NO_ELEMENT);	/* this side's table is full */
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(left, 12);
	p->type.refuse = true;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_DEVICE);
	CHECK_EQ(left, 12);
	p->type.refuse = false;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	CHECK_EQ(left, 0);
	xapt_device_close(&p->device);
	CHECK_EQ(left, 12);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* Its own bound comes first: of that nobody else need be asked. */
static void test_own_first(void)
{
	struct pair *p = begin();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 12 * PAGE, 0, false));
	h = open_and_offer(p, &b, XENAPT_OK);
	p->own_pages = 5;
	left = 3;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(r.value, 3);
	CHECK_EQ(refusals, 0);
	p->own_pages = 64;
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* What is described and not mapped is kept here: not without end. */
static void test_offered(void)
{
	struct pair *p = begin();
	struct xenapt_response r;
	struct buffer b[3];
	uint64_t h[3];
	unsigned int i;

	offered = 10;
	left = 64;
	for (i = 0; i < 3; i++)
		CHECK(child_describe(&p->child, &b[i], 5 * PAGE, 0, false));
	h[0] = open_and_offer(p, &b[0], XENAPT_OK);
	h[1] = open_and_offer(p, &b[1], XENAPT_OK);
	CHECK_EQ(offered, 0);
	h[2] = open_and_offer(p, &b[2], XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h[0], &r), XENAPT_OK);
	CHECK_EQ(offered, 5);
	CHECK_EQ(pair_offer(p, h[2], 5 * PAGE, 0, b[2].directory, &r), XENAPT_OK);
	CHECK_EQ(offered, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h[1], &r), XENAPT_OK);
	CHECK_EQ(offered, 5);
	xapt_device_close(&p->device);
	CHECK_EQ(offered, 10);
	for (i = 0; i < 3; i++)
		CHECK(child_forget(&p->child, &b[i]));
	CHECK(pair_end(p));
}

/* A description that is refused takes nothing. Whose fault it is, is said. */
static void test_bad_offer(void)
{
	struct pair *p = begin();
	struct buffer b, large;
	unsigned int i;

	CHECK(child_describe(&p->child, &b, 12 * PAGE, 0, false));
	fake_fail(p->f, FAKE_COPY, 1, 0);
	open_and_offer(p, &b, XENAPT_E_DIRECTORY);
	CHECK_EQ(offered, 64);
	fake_fail(p->f, FAKE_ALLOC, 2, 0);
	open_and_offer(p, &b, XENAPT_E_MEMORY);
	CHECK_EQ(offered, 64);
	fake_fail(p->f, FAKE_COPY, 1, FAKE_NO_ELEMENT);
	open_and_offer(p, &b, XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(offered, 64);
	xapt_device_close(&p->device);
	CHECK_EQ(offered, 64);
	/* Of an index, and of the pages behind it. */
	offered = left = p->own_pages = 2000;
	CHECK(child_describe(&p->child, &large, 1021 * PAGE, 0, false));
	for (i = 1; i <= 2; i++) {
		fake_fail(p->f, FAKE_COPY, i, FAKE_NO_ELEMENT);
		open_and_offer(p, &large, XENAPT_E_MAPPED_PAGES);
	}
	CHECK_EQ(offered, 2000);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &large));
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static CU_TestInfo tests[] = {
	{ "all guests", test_all_guests },
	{ "the guest's own first", test_own_first },
	{ "offered", test_offered },
	{ "bad offers", test_bad_offer },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
