/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every interleaving of the two ends: of raise, take, mask and unmask at each atomic
 * operation, and of the ring at each barrier; of the very code that is shipped.
 * Nothing is lost, nobody sleeps beside work, and the counts add up.
 */
#include "explore_atomics.h"

#include <stdint.h>

/* What ring.h read since the last barrier is part of the state: it saw the ring as it is now. */
static uint64_t ring_digest(void);
#define ring_step()	(explore_saw(ring_digest()), explore_step())
#define xen_mb()	ring_step()
#define xen_rmb()	ring_step()
#define xen_wmb()	ring_step()

#include "ring.c"
#include "signals.c"

#include <string.h>

#include "check.h"

#define N	66u	/* the signal under test: word 1, bit 2 */

static struct {
	struct xenapt_event_page page;
	struct xenapt_mask_page mask;
	uint64_t produced[2];	/* by each raiser, before it raises */
	uint64_t handled[2];	/* what the receiver saw of it */
	uint64_t event, quit;
	uint64_t published, notified, suppressed, taken;
} w;

static unsigned int raises;	/* by each raiser */
static unsigned int spurious;	/* over all schedules: it happens, and is harmless */

static void reset(void)
{
	memset(&w, 0, sizeof(w));
}

static void raise_from(unsigned int raiser, unsigned int n, uint64_t *pending, const uint64_t *mask)
{
	for (unsigned int i = 0; i < raises; i++) {
		explore_step();
		w.produced[raiser]++;
		w.published++;
		if (xenapt_signal_raise(pending, mask, n) == XENAPT_NOTIFY) {
			w.notified++;
			explore_step();
			w.event = 1;
		} else {
			w.suppressed++;
		}
	}
}

static void raiser(void)
{
	raise_from(0, N, w.page.doorbell, w.page.doorbell_mask);
}

static void other_raiser(void)
{
	raise_from(1, N, w.page.doorbell, w.page.doorbell_mask);
}

static void neighbour(void)
{
	raise_from(1, N + 1, w.page.doorbell, w.page.doorbell_mask);
}

static bool event_came(void)
{
	return w.event;
}

static void handle(uint64_t bits)
{
	if (bits & (uint64_t)1 << (N % 64))
		w.handled[0] = explore_saw(w.produced[0]);
	if (bits)
		w.handled[1] = explore_saw(w.produced[1]);
	w.taken += (uint64_t)__builtin_popcountll(bits);
}

/* Sleeps until an event comes, and does nothing without one. */
static void sleeper(void)
{
	for (;;) {
		uint64_t bits;

		explore_wait(event_came);
		w.event = 0;
		bits = xenapt_signal_take(&w.page.doorbell[N / 64], 0);
		spurious += !bits;
		handle(bits);
	}
}

/* Masks while it works, looks once more, unmasks, and sleeps only if nothing is there. */
static void poller(void)
{
	for (;;) {
		explore_wait(event_came);
		w.event = 0;
		do {
			xenapt_signal_mask(w.page.doorbell_mask, N);
			handle(xenapt_signal_take(&w.page.doorbell[N / 64], 0));
			handle(xenapt_signal_take(&w.page.doorbell[N / 64], 0));
		} while (xenapt_signal_unmask(w.page.doorbell_mask, w.page.doorbell, N));
	}
}

static void check_end(unsigned int stuck)
{
	CHECK_EQ(stuck, 1);		/* the receiver sleeps */
	CHECK_EQ(w.handled[0], w.produced[0]);
	CHECK_EQ(w.handled[1], w.produced[1]);
	CHECK_EQ(w.page.doorbell[N / 64], 0);
	CHECK_EQ(w.published, w.notified + w.suppressed);
	CHECK(w.taken <= w.published);
}

static uint64_t digest(void)
{
	const uint64_t word[] = {
		w.page.doorbell[N / 64], w.page.doorbell_mask[N / 64], w.page.interrupt[N / 64],
		w.mask.interrupt_mask[N / 64], w.produced[0], w.produced[1], w.event, w.handled[0],
		w.handled[1], w.notified, w.taken, w.suppressed,
	};
	uint64_t h = 1;

	for (size_t i = 0; i < sizeof(word) / sizeof(*word); i++)
		h = explore_mix(h, word[i]);
	return h;
}

static void search(unsigned int times, void (*a)(void), void (*b)(void), void (*c)(void))
{
	struct explore_plan plan = { .reset = reset, .actor = { a, b, c }, .finish = check_end,
				     .digest = digest };
	struct explore_result r;

	raises = times;
	r = explore(&plan);

	CHECK(r.runs >= 3);
	CHECK(r.states > 30);
}

static void one_raiser(void)
{
	search(3, raiser, sleeper, NULL);
}

static void two_raisers(void)
{
	search(2, raiser, sleeper, other_raiser);
}

static void two_signals(void)
{
	search(2, raiser, sleeper, neighbour);
}

static void masking(void)
{
	spurious = 0;
	search(3, raiser, poller, NULL);
	search(1, raiser, poller, other_raiser);
}

/* ---- the parent's end, backend/core/signals.c ------------------------------ */

static struct xapt_signals s;

static void reset_core(void)
{
	reset();
	memset(&s, 0, sizeof(s));
	s.event = &w.page;
	s.mask = &w.mask;
}

/* The parent raises interrupts; the child masks, polls and unmasks. */
static void core_raises(void)
{
	for (unsigned int i = 0; i < raises; i++) {
		explore_step();
		w.produced[0]++;
		if (xapt_signals_interrupt(&s, N)) {
			explore_step();
			w.event = 1;
		}
	}
}

static void child_polls(void)
{
	for (;;) {
		explore_wait(event_came);
		w.event = 0;
		do {
			xenapt_signal_mask(w.mask.interrupt_mask, N);
			handle(xenapt_signal_take(&w.page.interrupt[N / 64], 0));
		} while (xenapt_signal_unmask(w.mask.interrupt_mask, w.page.interrupt, N));
	}
}

static void check_core_raises(unsigned int stuck)
{
	CHECK_EQ(stuck, 1);
	CHECK_EQ(w.handled[0], raises);
	CHECK_EQ(w.page.interrupt[N / 64], 0);
	CHECK_EQ(s.count.published, raises);
	CHECK_EQ(s.count.published, s.count.notified + s.count.suppressed);
	CHECK(s.count.coalesced <= s.count.suppressed);
}

/* The child raises doorbells; the parent masks with its private truth and looks by itself. */
static void core_polls(void)
{
	for (;;) {
		explore_wait(event_came);
		w.event = 0;
		xapt_signals_mask(&s, N);
		handle(xapt_signals_take(&s, N / 64));	/* masked: not ours */
		while (xapt_signals_unmask(&s, N)) {
			handle(xapt_signals_take(&s, N / 64));
			xapt_signals_mask(&s, N);
		}
	}
}

static void check_core_polls(unsigned int stuck)
{
	check_end(stuck);
	CHECK_EQ(s.count.taken, w.taken);
	CHECK_EQ(w.page.doorbell_mask[N / 64], 0);
	CHECK_EQ(s.doorbell_mask[N / 64], 0);
}

static void core_interleaved(void)
{
	struct explore_plan upwards = { .reset = reset_core, .actor = { core_raises, child_polls },
				       .finish = check_core_raises, .digest = digest };
	struct explore_plan polls = { .reset = reset_core, .actor = { raiser, core_polls, other_raiser },
				      .finish = check_core_polls, .digest = digest };

	raises = 3;
	CHECK(explore(&upwards).runs >= 3);
	raises = 1;
	CHECK(explore(&polls).runs >= 3);
}

/* ---- the ring, backend/core/ring.c ----------------------------------------- */

#define REQUESTS 2u

static uint64_t ring_page[XENAPT_PAGE_SIZE / 8];
static struct xenapt_front_ring front;
static struct xapt_ring back;
static uint64_t answered, to_back, to_front;

static void reset_ring(void)
{
	struct xenapt_sring *sring = (struct xenapt_sring *)ring_page;

	memset(ring_page, 0, sizeof(ring_page));
	XEN_FRONT_RING_INIT(&front, sring, sizeof(ring_page));
	xapt_ring_attach(&back, sring, 0);
	answered = to_back = to_front = 0;
}

static bool back_woken(void)
{
	return to_back;
}

static bool front_woken(void)
{
	return to_front;
}

static void front_posts(void)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		int notify;

		explore_forget(i);
		RING_GET_REQUEST(&front, front.req_prod_pvt)->id = 100 + i;
		front.req_prod_pvt++;
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
		explore_saw((uint64_t)notify);
		if (notify) {
			explore_step();
			to_back = 1;
		}
	}
}

/* A thread of its own, as responses are taken in the guest. */
static void front_collects(void)
{
	for (;;) {
		int more;

		explore_forget(0);
		explore_wait(front_woken);
		to_front = 0;
		do {
			explore_forget(1);
			while (explore_saw(XEN_RING_NR_UNCONSUMED_RESPONSES(&front))) {
				explore_step();
				CHECK_EQ(RING_GET_RESPONSE(&front, front.rsp_cons)->id, 100 + front.rsp_cons);
				front.rsp_cons++;
				answered++;
				explore_forget(1);
			}
			explore_forget(2);
			explore_step();
			RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
			explore_saw((uint64_t)more);
		} while (more);
	}
}

static bool back_drains(void)
{
	struct xenapt_request q;
	bool any = false;

	while (explore_saw(xapt_ring_take(&back, &q)) == XAPT_RING_REQUEST) {
		struct xenapt_response r = { .id = explore_saw(q.id) };

		xapt_ring_answer(&back, &r);
		any = true;
		explore_forget(1);
	}
	return any;
}

static void back_serves(void)
{
	for (;;) {
		explore_forget(0);
		explore_wait(back_woken);
		to_back = 0;
		do {
			explore_forget(2);
			if (back_drains() && explore_saw(xapt_ring_push(&back))) {
				explore_forget(3);
				explore_step();
				to_front = 1;
			}
			explore_forget(4);
			explore_step();
		} while (explore_saw(xapt_ring_rearm(&back)));
	}
}

static uint64_t ring_digest(void)
{
	const struct xenapt_sring *s = front.sring;
	uint64_t h = 1;

	for (unsigned int i = 0; i < REQUESTS; i++)
		h = explore_mix(h, s->ring[i].req.id);
	h = explore_mix(h, (uint64_t)s->req_prod << 32 | s->req_event);
	h = explore_mix(h, (uint64_t)s->rsp_prod << 32 | s->rsp_event);
	h = explore_mix(h, (uint64_t)back.back.req_cons << 32 | back.back.rsp_prod_pvt);
	h = explore_mix(h, (uint64_t)front.req_prod_pvt << 32 | front.rsp_cons);
	return explore_mix(h, to_back << 1 | to_front);
}

static void check_ring_end(unsigned int stuck)
{
	CHECK_EQ(stuck, 2);		/* both consumers sleep */
	CHECK_EQ(answered, REQUESTS);
}

static void ring_interleaved(void)
{
	struct explore_plan plan = { .reset = reset_ring,
				     .actor = { front_posts, back_serves, front_collects },
				     .finish = check_ring_end, .digest = ring_digest };
	struct explore_result r = explore(&plan);

	CHECK(r.runs >= 3);
	CHECK(r.states > 1000);
}

static CU_TestInfo tests[] = {
	{ "one raiser, one sleeper", one_raiser },
	{ "two raisers of one signal", two_raisers },
	{ "two signals of one word", two_signals },
	{ "mask, look, unmask", masking },
	{ "the parent's end", core_interleaved },
	{ "the ring", ring_interleaved },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
