/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's end of the request ring, against a front end that may do anything. */
#include <string.h>

#include "ring.h"
#include "check.h"
#include "fake/pair.h"

static _Alignas(4096) uint8_t pages[16 * 4096];
static struct xenapt_sring *const sring = (struct xenapt_sring *)pages;
static struct xenapt_front_ring front;
static struct xapt_ring ring;

static void start(uint32_t order)
{
	memset(pages, 0, sizeof(pages));
	XEN_FRONT_RING_INIT(&front, sring, (size_t)4096 << order);
	memset(&ring, 0xff, sizeof(ring));
	xapt_ring_attach(&ring, sring, order);
}

/* As after index requests and answers. */
static void start_at(uint32_t order, uint32_t index)
{
	start(order);
	sring->req_prod = sring->rsp_prod = index;
	sring->req_event = sring->rsp_event = index + 1;
	front.req_prod_pvt = front.rsp_cons = index;
	ring.back.req_cons = ring.back.rsp_prod_pvt = ring.pushed = index;
}

static void post(uint64_t id)
{
	struct xenapt_request *q = RING_GET_REQUEST(&front, front.req_prod_pvt);

	memset(q, (int)(id & 0x7f), sizeof(*q));
	q->id = id;
	front.req_prod_pvt++;
}

static bool push(void)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
	return notify;
}

static void take_is(uint64_t id)
{
	struct xenapt_request q;

	memset(&q, 0, sizeof(q));
	CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
	CHECK_EQ(q.id, id);
	CHECK_EQ(q.type, id & 0x7f);
	CHECK_EQ(q.u.body[47], id & 0x7f);
}

static void take_says(enum xapt_taken want)
{
	struct xenapt_request q = { .id = 7777 };

	CHECK_EQ(xapt_ring_take(&ring, &q), want);
	CHECK_EQ(q.id, 7777);
}

static void answer(uint64_t id)
{
	struct xenapt_response r = { .id = id, .value = ~id, .slot = 9 };

	xapt_ring_answer(&ring, &r);
}

static void collect_is(uint64_t id)
{
	struct xenapt_response r;

	CHECK(front.sring->rsp_prod - front.rsp_cons >= 1);
	RING_COPY_RESPONSE(&front, front.rsp_cons, &r);
	front.rsp_cons++;
	CHECK_EQ(r.id, id);
	CHECK_EQ(r.value, ~id);
	CHECK_EQ(r.slot, 9);
}

static void full_ring(uint32_t order)
{
	uint32_t n = 32u << order;

	start(order);
	CHECK_EQ(ring.back.nr_ents, n);
	take_says(XAPT_RING_EMPTY);
	for (uint32_t i = 0; i < n; i++)
		post(i);
	take_says(XAPT_RING_EMPTY);	/* not pushed yet */
	push();
	for (uint32_t i = 0; i < n; i++)
		take_is(i);
	take_says(XAPT_RING_EMPTY);
	for (uint32_t i = 0; i < n; i++)
		answer(i);
	CHECK_EQ(sring->rsp_prod, 0);	/* not pushed yet */
	xapt_ring_push(&ring);
	for (uint32_t i = 0; i < n; i++)
		collect_is(i);
}

static void full_rings(void)
{
	for (uint32_t order = 0; order <= XENAPT_MAX_RING_ORDER; order++)
		full_ring(order);
}

/* Random lengths of bursts across the wrap of the ring and of 2^32. */
static void wrap_around(void)
{
	uint64_t seed = 8, posted = 0, taken = 0, answered = 0, collected = 0;

	start_at(0, UINT32_MAX - 100);
	for (unsigned int i = 0; i < 60000; i++) {
		switch (check_random(&seed) % 5) {
		case 0:
			for (; posted - collected < 32 && check_random(&seed) % 8; posted++)
				post(posted);
			push();
			break;
		case 1:
			if (taken < posted)
				take_is(taken++);
			else
				take_says(XAPT_RING_EMPTY);
			break;
		case 2:
			while (answered < taken)
				answer(answered++);
			break;
		case 3:
			xapt_ring_push(&ring);
			break;
		default:
			while (sring->rsp_prod != front.rsp_cons)
				collect_is(collected++);
		}
	}
	CHECK(collected > 5000);
}

/* A producer index further ahead than the ring has entries, seen from any place. */
static void impossible(uint32_t at)
{
	static const uint32_t ahead[] = { 33, 34, 64, 0x7fffffff, 0x80000000u, 0xffffff00u, 0xfffffffeu,
					  0xffffffffu };

	for (size_t i = 0; i < sizeof(ahead) / sizeof(*ahead); i++) {
		start_at(0, at);
		sring->req_prod = at + ahead[i];
		take_says(XAPT_RING_BROKEN);
		take_says(XAPT_RING_BROKEN);
		CHECK_EQ(ring.back.req_cons, at);
		CHECK(xapt_ring_rearm(&ring));	/* do not sleep on it */
	}
	for (uint32_t n = 1; n <= 32; n++) {
		struct xenapt_request q;

		start_at(0, at);
		sring->req_prod = at + n;
		for (uint32_t k = 0; k < n; k++)
			CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
		take_says(XAPT_RING_EMPTY);
	}
}

static void impossible_indices(void)
{
	impossible(0);
	impossible(31);
	impossible(32);
	impossible(0x7fffffff);
	impossible(UINT32_MAX - 1);
	impossible(UINT32_MAX);
}

/* What was taken and not answered still fills the ring. */
static void unanswered_requests_count(void)
{
	for (uint32_t held = 1; held < 32; held++) {
		struct xenapt_request q;

		start(0);
		sring->req_prod = 32;
		for (uint32_t i = 0; i < held; i++)
			CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
		sring->req_prod = 33;
		take_says(XAPT_RING_BROKEN);
		answer(0);
		CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
	}
}

/* It goes back behind what was taken already, answered or not. */
static void producer_goes_back(void)
{
	start(0);
	for (unsigned int i = 0; i < 10; i++)
		post(i);
	push();
	for (unsigned int i = 0; i < 5; i++)
		take_is(i);
	sring->req_prod = 3;
	take_says(XAPT_RING_BROKEN);

	start(0);
	for (unsigned int i = 0; i < 10; i++)
		post(i);
	push();
	for (unsigned int i = 0; i < 5; i++) {
		take_is(i);
		answer(i);
	}
	xapt_ring_push(&ring);
	sring->req_prod = 4;
	take_says(XAPT_RING_BROKEN);
}

/* The child's page may say anything about our own indices. */
static void our_indices_are_private(void)
{
	start(0);
	memset(pages, 0xff, 64);
	xapt_ring_attach(&ring, sring, 0);
	sring->req_prod = 0;
	take_says(XAPT_RING_EMPTY);
	post(5);
	sring->req_prod = 1;
	sring->rsp_prod = 12345;
	take_is(5);
	answer(5);
	xapt_ring_push(&ring);
	CHECK_EQ(sring->rsp_prod, 1);
	sring->req_event = 999;
	CHECK(!xapt_ring_rearm(&ring));
	CHECK_EQ(sring->req_event, 2);
}

/* What was taken is a copy. */
static void taken_is_a_copy(void)
{
	struct xenapt_request q;

	start(0);
	post(3);
	push();
	CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
	memset(RING_GET_REQUEST(&front, 0), 0xee, sizeof(q));
	CHECK_EQ(q.id, 3);
	CHECK_EQ(q.u.body[0], 3);
}

/* ---- notifications --------------------------------------------------------- */

/* Push of n answers with rsp_event standing `ahead` of the first: is an event due? */
static void push_notifies(uint32_t at, uint32_t n, uint32_t ahead, bool want)
{
	struct xenapt_request q;

	start_at(0, at);
	sring->req_prod = at + n;
	for (uint32_t i = 0; i < n; i++) {
		CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
		answer(i);
	}
	sring->rsp_event = at + ahead;
	CHECK_CASE(xapt_ring_push(&ring) == want, n, ahead);
	CHECK_EQ(sring->rsp_prod, at + n);
	CHECK_CASE(!xapt_ring_push(&ring), n, ahead);	/* nothing new */
}

/* Whether to notify follows from the device's own index, whatever stands in the child's page. */
static void poisoned_response_index(void)
{
	static const uint32_t poison[] = { 0xffffffffu, 0, 6, 4 };
	struct xenapt_request q;

	for (size_t i = 0; i < sizeof(poison) / sizeof(*poison); i++) {
		start_at(0, 5);
		sring->req_prod = 6;
		CHECK_EQ(xapt_ring_take(&ring, &q), XAPT_RING_REQUEST);
		answer(0);
		sring->rsp_event = 6;
		sring->rsp_prod = poison[i];
		CHECK_CASE(xapt_ring_push(&ring), i, 0);
		CHECK_EQ(sring->rsp_prod, 6);
	}
}

static void response_events(void)
{
	static const uint32_t at[] = { 0, 20, 0x7ffffff0, UINT32_MAX - 5 };

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		for (uint32_t n = 1; n <= 32; n++)
			for (uint32_t ahead = 0; ahead < 40; ahead++)
				push_notifies(at[i], n, ahead, ahead >= 1 && ahead <= n);
		push_notifies(at[i], 5, UINT32_MAX, false);
		push_notifies(at[i], 5, 0x80000000u, false);
	}
}

/* After rearm the next request, and only that, is announced by an event. */
static void request_events(void)
{
	start(0);
	CHECK(!xapt_ring_rearm(&ring));
	post(0);
	CHECK(push());
	post(1);
	CHECK(!push());
	take_is(0);
	CHECK(xapt_ring_rearm(&ring));	/* one came meanwhile */
	take_is(1);
	CHECK(!xapt_ring_rearm(&ring));
	CHECK_EQ(sring->req_event, 3);
	post(2);
	post(3);
	CHECK(push());
}

/* ---- a request that changes while it is executed --------------------------- */

static void scribble(void *ctx)
{
	struct pair *p = ctx;

	memset(RING_GET_REQUEST(&p->child.front, p->child.front.req_prod_pvt - 1), 0xee,
	       sizeof(struct xenapt_request));
}

static void changed_while_executed(void)
{
	struct pair *p = pair_new(&(struct pair_options){ 0 });
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 2 * 4096, 0, false));
	CHECK_EQ(pair_open(p, 4 * 4096, 0, &r), XENAPT_OK);
	h = r.handle;
	fake_hook(p->f, FAKE_COPY, 1, scribble, p);
	CHECK_EQ(pair_offer(p, h, b.length, 0, b.directory, &r), XENAPT_OK);
	CHECK_EQ(r.handle, h);
	CHECK_EQ(p->device.aperture[0].length, b.length);
	fake_hook(p->f, FAKE_MAP, 1, scribble, p);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	fake_hook(p->f, FAKE_UNMAP, 1, scribble, p);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK_EQ(r.handle, h);
	CHECK(fake_calm(p->f));
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static CU_TestInfo tests[] = {
	{ "a full ring of every order", full_rings },
	{ "wrap-around", wrap_around },
	{ "impossible indices", impossible_indices },
	{ "unanswered requests count", unanswered_requests_count },
	{ "a producer that goes back", producer_goes_back },
	{ "our indices are private", our_indices_are_private },
	{ "what was taken is a copy", taken_is_a_copy },
	{ "rsp_event", response_events },
	{ "a response index that somebody changed", poisoned_response_index },
	{ "req_event", request_events },
	{ "a request that changes while it is executed", changed_while_executed },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
