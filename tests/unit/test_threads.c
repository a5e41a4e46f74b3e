/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads that sleep only as the protocol lets them: the ring, and the signals.
 * Everything arrives, in order and intact; a sleep beside work is a lost wake-up.
 *
 * ITEMS in the environment sets the number of items; the default is the full count.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "ring.h"
#include "signals.h"

#include <xen/io/aperture_signal.h>

#define ITEMS	1000000u
#define SECONDS	5	/* longer asleep than this, with the other side idle: lost */

#ifdef __SANITIZE_THREAD__
char xapt_order;
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *address, size_t size,
			     const char *why);
#define benign(word)	AnnotateBenignRaceSized(__FILE__, __LINE__, &(word), sizeof(word), "index")
#else
#define benign(word)	((void)0)
#endif

static uint64_t items;

/*
 * An event channel to a thread: pending or not. A sleeper only looks at that. It spins and
 * yields instead of blocking, so that it wakes within the few nanoseconds in which
 * a missing barrier shows. Relaxed: the event itself orders nothing.
 */
struct event {
	int pending;
	uint64_t sent, lost;
};

static void event_send(struct event *e)
{
	e->sent++;
	__atomic_exchange_n(&e->pending, 1, __ATOMIC_RELAXED);
}

static uint64_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/* False after a sleep that nobody ended. */
static bool event_wait(struct event *e)
{
	uint64_t since = 0;

	for (unsigned int spins = 1;; spins++) {
		if (__atomic_load_n(&e->pending, __ATOMIC_RELAXED) &&
		    __atomic_exchange_n(&e->pending, 0, __ATOMIC_RELAXED))
			return true;
		if (spins % 1024)
			continue;
		sched_yield();
		if (!since)
			since = seconds();
		if (seconds() - since > SECONDS) {
			e->lost++;
			return false;
		}
	}
}

/* ---- the ring -------------------------------------------------------------- */

static _Alignas(4096) uint8_t ring_page[4096];
static struct xenapt_front_ring front;
static struct xapt_ring back;
static struct event to_back, to_front;
static uint64_t wrong_requests, wrong_responses, broken;

static void fill(struct xenapt_request *q, uint64_t id)
{
	q->id = id;
	q->type = (uint8_t)id;
	for (unsigned int i = 0; i < 6; i++)
		((uint64_t *)q->u.body)[i] = id * 31 + i;
}

static bool is(const struct xenapt_request *q, uint64_t id)
{
	bool good = q->id == id && q->type == (uint8_t)id;

	for (unsigned int i = 0; i < 6; i++)
		good &= ((const uint64_t *)q->u.body)[i] == id * 31 + i;
	return good;
}

static void *back_thread(void *unused)
{
	uint64_t taken = 0;

	(void)unused;
	while (taken < items) {
		struct xenapt_request q;
		enum xapt_taken how;
		bool any = false;

		while ((how = xapt_ring_take(&back, &q)) == XAPT_RING_REQUEST) {
			struct xenapt_response r = { .id = q.id, .value = ~q.id };

			wrong_requests += !is(&q, taken++);
			xapt_ring_answer(&back, &r);
			any = true;
		}
		broken += how == XAPT_RING_BROKEN;
		if (any && xapt_ring_push(&back))
			event_send(&to_front);
		if (!xapt_ring_rearm(&back) && taken < items && !event_wait(&to_back))
			break;
	}
	return NULL;
}

static uint64_t collect(uint64_t collected)
{
	while (*(volatile RING_IDX *)&front.sring->rsp_prod != front.rsp_cons) {
		struct xenapt_response r;

		xen_rmb();
		RING_COPY_RESPONSE(&front, front.rsp_cons, &r);
		front.rsp_cons++;
		wrong_responses += r.id != collected || r.value != ~collected;
		collected++;
	}
	return collected;
}

static void post_burst(uint64_t *posted, uint64_t burst)
{
	int notify;

	for (; burst && *posted < items && !RING_FULL(&front); burst--) {
		fill(RING_GET_REQUEST(&front, front.req_prod_pvt), (*posted)++);
		front.req_prod_pvt++;
	}
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
	if (notify)
		event_send(&to_back);
}

/* So that a push falls into each instant of the other side's way to bed. */
static void idle(uint64_t loops)
{
	while (loops--)
		__asm__ volatile("" ::: "memory");
}

/* Bursts of random length; after some of them the ring drains and both may fall asleep. */
static void front_side(void)
{
	uint64_t posted = 0, collected = 0, seed = 1;

	while (collected < items) {
		uint64_t goal;
		int more;

		idle(check_random(&seed) % 512);
		post_burst(&posted, check_random(&seed) % 2 ? 1 : check_random(&seed) % 40);
		collected = collect(collected);
		goal = check_random(&seed) % 4 && posted < items ? posted - 31 : posted;
		while ((int64_t)(goal - collected) > 0) {
			RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
			if (!more && !event_wait(&to_front)) {
				CHECK_EQ(collected, items);
				return;
			}
			collected = collect(collected);
		}
	}
	CHECK_EQ(collected, items);
}

static void ring(void)
{
	struct xenapt_sring *sring = (struct xenapt_sring *)ring_page;
	pthread_t thread;

	XEN_FRONT_RING_INIT(&front, sring, sizeof(ring_page));
	xapt_ring_attach(&back, sring, 0);
	benign(sring->req_prod);
	benign(sring->req_event);
	benign(sring->rsp_prod);
	benign(sring->rsp_event);
	pthread_create(&thread, NULL, back_thread, NULL);
	front_side();
	pthread_join(thread, NULL);
	CHECK_EQ(wrong_requests, 0);
	CHECK_EQ(wrong_responses, 0);
	CHECK_EQ(broken, 0);
	CHECK_EQ(to_back.lost + to_front.lost, 0);
	/* it did sleep: else the protocol was not tried */
	CHECK(to_back.sent > items / 1000 && to_front.sent > items / 1000);
}

/* ---- signals --------------------------------------------------------------- */

/*
 * Slot n is the child's until it raises doorbell n, then the parent's until it
 * raises interrupt n. The slots are plain memory: nothing but the signals orders them.
 */
#define SLOTS	64u

static struct xenapt_event_page page;
static struct xenapt_mask_page mask;
static struct xapt_signals parent;
static struct {
	uint64_t sequence, body[7];
} slot[SLOTS];
static struct event to_parent, to_child;
static uint64_t wrong_slots, wrong_answers, parent_notified;

static void parent_slot(unsigned int n, uint64_t *expected)
{
	wrong_slots += slot[n].sequence != expected[n] || slot[n].body[6] != ~expected[n];
	expected[n]++;
	slot[n].body[0] = slot[n].sequence + 1;
	if (xapt_signals_interrupt(&parent, n)) {
		parent_notified++;
		event_send(&to_child);
	}
}

static uint64_t parent_takes(uint64_t *expected)
{
	uint64_t bits = xapt_signals_take(&parent, 0), n = 0;

	for (; bits; bits &= bits - 1, n++)
		parent_slot((unsigned int)__builtin_ctzll(bits), expected);
	return n;
}

static void *parent_thread(void *unused)
{
	uint64_t expected[SLOTS] = { 0 }, done = 0;

	(void)unused;
	while (done < items) {
		uint64_t n = parent_takes(expected);

		done += n;
		if (n || done == items)
			continue;
		if (!event_wait(&to_parent))
			break;
	}
	return NULL;
}

static void child_fill(unsigned int n, uint64_t sequence)
{
	slot[n].sequence = sequence;
	slot[n].body[6] = ~sequence;
	if (xenapt_signal_raise(page.doorbell, page.doorbell_mask, n) == XENAPT_NOTIFY)
		event_send(&to_parent);
}

static bool child_unmask_all(void)
{
	bool pending = false;

	for (unsigned int n = 0; n < SLOTS; n++)
		pending |= xenapt_signal_unmask(mask.interrupt_mask, page.interrupt, n);
	return pending;
}

static void child_mask_all(void)
{
	for (unsigned int n = 0; n < SLOTS; n++)
		xenapt_signal_mask(mask.interrupt_mask, n);
}

/* Take back the slots that the parent is done with, and fill them again. */
static uint64_t child_takes(uint64_t *sequence, uint64_t *posted)
{
	uint64_t bits = xenapt_signal_take(&page.interrupt[0], 0), done = 0;

	for (; bits; bits &= bits - 1, done++) {
		unsigned int n = (unsigned int)__builtin_ctzll(bits);

		wrong_answers += slot[n].body[0] != ++sequence[n];
		if (*posted < items) {
			++*posted;
			child_fill(n, sequence[n]);
		}
	}
	return done;
}

/* For every other 512 items it masks everything for as long as there is work. */
static void child_side(void)
{
	uint64_t sequence[SLOTS] = { 0 }, posted = 0, done = 0, looks = 0;
	bool masks = false;

	for (unsigned int n = 0; n < SLOTS && posted < items; n++, posted++)
		child_fill(n, 0);
	while (done < items) {
		uint64_t n = child_takes(sequence, &posted);

		done += n;
		if (n && !masks && done / 512 % 2) {
			child_mask_all();
			masks = true;
		} else if (!n && masks && ++looks % 8) {
			sched_yield();
		} else if (!n && masks) {
			masks = false;
			if (!child_unmask_all() && done < items && !event_wait(&to_child))
				break;
		} else if (!n && done < items && !event_wait(&to_child)) {
			break;
		}
	}
	CHECK_EQ(done, items);
}

static void signals(void)
{
	const struct xenapt_counters *c = &parent.count;
	pthread_t thread;

	xapt_signals_init(&parent, &page, &mask);
	pthread_create(&thread, NULL, parent_thread, NULL);
	child_side();
	pthread_join(thread, NULL);
	CHECK_EQ(wrong_slots, 0);
	CHECK_EQ(wrong_answers, 0);
	CHECK_EQ(to_parent.lost + to_child.lost, 0);
	CHECK_EQ(c->taken, items);
	CHECK_EQ(c->published, items);
	CHECK_EQ(c->published, c->notified + c->suppressed);
	CHECK_EQ(c->notified, parent_notified);
	CHECK_EQ(c->coalesced, 0);
	CHECK(c->suppressed > 0);	/* it did mask */
	CHECK_EQ(page.interrupt[0] | page.doorbell[0], 0);
}

static CU_TestInfo tests[] = {
	{ "the ring", ring },
	{ "signals", signals },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	const char *n = getenv("ITEMS");

	(void)argc;
	items = n ? strtoull(n, NULL, 10) : ITEMS;
	return check_main(argv[0], tests);
}
