// SPDX-License-Identifier: GPL-2.0-only
/*
 * child.h against the core's own parent (ring.h, signals.h) in one memory, with parents that come, go
 * and lie; child_handshake.h against handshake.h with both sides restarted anywhere.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "child_handshake.h"
#include "ring.h"
#include "signals.h"

#define NUMBERS	4096u	/* operations of a long test */

static _Alignas(4096) uint8_t pages[3][4096];	/* of the child; a new parent has the same ones */
static struct xapt_child child;
static struct xapt_ring parent;
static struct xapt_signals signals;

static struct xenapt_sring *shared(void)
{
	return (struct xenapt_sring *)pages[0];
}

static struct xenapt_mask_page *mask(void)
{
	return (struct xenapt_mask_page *)pages[2];
}

static uint64_t id_of(uint64_t number, unsigned int entry)
{
	return XENAPT_OP_ID | number << 5 | entry;
}

static bool send(uint64_t number, unsigned int entry)
{
	struct xenapt_request q = { .id = id_of(number, entry), .type = XENAPT_REQ_OPERATION };

	q.u.operation.reg = number;
	q.u.operation.size = 8;
	q.u.operation.flags = XENAPT_OP_RESUME;
	return xapt_child_send(&child, &q);
}

static void prepare(void)
{
	memset(pages, 0xaa, sizeof(pages));
	xapt_child_prepare(&child, pages[0], (void *)pages[1], (void *)pages[2]);
}

static bool connect(uint32_t vectors)
{
	bool notify;

	xapt_ring_attach(&parent, pages[0], 0);
	xapt_signals_init(&signals, (void *)pages[1], (void *)pages[2]);
	signals.event->vectors = vectors;
	CHECK_EQ(xapt_child_connect(&child, &notify), XENAPT_OK);
	return notify;
}

static void fresh(void)
{
	xapt_child_init(&child);
	prepare();
	connect(3);
}

/* The parent answers the next request. False: there is none. */
static bool answer_one(uint32_t status)
{
	struct xenapt_request q;
	struct xenapt_response r = { .status = status };

	if (xapt_ring_take(&parent, &q) != XAPT_RING_REQUEST)
		return false;
	r.id = q.id;
	r.type = q.type;
	r.value = q.u.operation.reg * 3;
	xapt_ring_answer(&parent, &r);
	return true;
}

static void test_one(void)
{
	struct xenapt_response r;

	fresh();
	CHECK(send(7, 4));
	CHECK_EQ(shared()->req_prod, 0);
	CHECK(xapt_child_push(&child));
	CHECK(!xapt_child_push(&child));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
	CHECK(answer_one(XENAPT_OK));
	CHECK(xapt_ring_push(&parent));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.id, id_of(7, 4));
	CHECK_EQ(r.value, 21);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
	CHECK(!xapt_child_rearm(&child));
	xapt_child_publish(&child);
	CHECK_EQ(mask()->child.requests, 1);
	CHECK_EQ(mask()->child.responses, 1);
	CHECK_EQ(mask()->child.errors, 0);
}

/* An answer that came between the look and the wish is not slept over. */
static void test_rearm(void)
{
	struct xenapt_response r;

	fresh();
	send(1, 0);
	send(2, 1);
	xapt_child_push(&child);
	answer_one(XENAPT_OK);
	CHECK(xapt_ring_push(&parent));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	answer_one(XENAPT_E_VALUE);
	CHECK(!xapt_ring_push(&parent));
	CHECK(xapt_child_rearm(&child));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.status, XENAPT_E_VALUE);
	CHECK(!xapt_child_rearm(&child));
	send(3, 2);
	xapt_child_push(&child);
	answer_one(XENAPT_OK);
	CHECK(xapt_ring_push(&parent));
}

static void test_entries(void)
{
	struct xenapt_request q = { .id = 5, .type = XENAPT_REQ_OPERATION };
	unsigned int i;

	fresh();
	CHECK(!xapt_child_send(&child, &q));
	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		CHECK_CASE(send(1, i), i, 0);
	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		CHECK_CASE(!send(2, i), i, 0);
	CHECK(xapt_child_push(&child));
	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		CHECK_CASE(answer_one(XENAPT_OK), i, 0);
	CHECK(!answer_one(XENAPT_OK));
}

/* Before there is a connection, and over one that ended: the same ids. */
static void test_again(void)
{
	struct xenapt_response r;
	unsigned int i;

	xapt_child_init(&child);
	CHECK(send(1, 3));
	CHECK(!xapt_child_push(&child));
	prepare();
	CHECK(connect(0));
	CHECK(send(2, 5));
	xapt_child_push(&child);
	CHECK(answer_one(XENAPT_OK));
	xapt_child_disconnect(&child);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
	prepare();
	CHECK(connect(0));
	CHECK(!xapt_child_push(&child));
	for (i = 0; i < 2; i++)
		CHECK(answer_one(XENAPT_OK));
	CHECK(!answer_one(XENAPT_OK));
	xapt_ring_push(&parent);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.id, id_of(1, 3));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.id, id_of(2, 5));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
}

static void test_forget(void)
{
	struct xenapt_response r;

	xapt_child_init(&child);
	/* Not sent yet: as if it never was. */
	send(1, 0);
	CHECK(!xapt_child_forget(&child, id_of(9, 0)));
	CHECK(!send(2, 0));
	CHECK(!xapt_child_forget(&child, id_of(1, 0)));
	CHECK(send(2, 0));
	prepare();
	connect(0);
	/* Sent: its entry stays taken until it is answered. */
	CHECK(xapt_child_forget(&child, id_of(2, 0)));
	CHECK(!send(3, 0));
	send(3, 1);
	xapt_child_push(&child);
	CHECK(answer_one(XENAPT_OK) && answer_one(XENAPT_OK));
	xapt_ring_push(&parent);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.id, id_of(2, 0));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(r.id, id_of(3, 1));
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
	CHECK(send(4, 0));
	/* A new connection forgets it. */
	xapt_child_push(&child);
	CHECK(xapt_child_forget(&child, id_of(4, 0)));
	prepare();
	CHECK(!connect(0));
	CHECK(!answer_one(XENAPT_OK));
	CHECK(send(5, 0));
}

static void test_vectors(void)
{
	fresh();
	CHECK(xapt_signals_interrupt(&signals, 1));
	CHECK(!xapt_signals_interrupt(&signals, 1));
	CHECK(xapt_signals_interrupt(&signals, 2));
	CHECK_EQ(xapt_child_vectors(&child), 6);
	CHECK_EQ(xapt_child_vectors(&child), 0);
	CHECK(xapt_signals_interrupt(&signals, 1));
	/* One that the device type does not have. */
	CHECK(xapt_signals_interrupt(&signals, 3));
	CHECK_EQ(xapt_child_vectors(&child), 2);
	xapt_child_publish(&child);
	CHECK_EQ(mask()->child.taken, 3);
	xapt_child_disconnect(&child);
	xapt_signals_interrupt(&signals, 0);
	CHECK_EQ(xapt_child_vectors(&child), 0);
	prepare();
	connect(64);
	xapt_signals_interrupt(&signals, 63);
	CHECK_EQ(xapt_child_vectors(&child), 1ull << 63);
}

static void test_parents_word(void)
{
	fresh();
	CHECK_EQ(xapt_child_parent_status(&child), XENAPT_OK);
	xapt_signals_status(&signals, XENAPT_E_DEVICE);
	CHECK_EQ(xapt_child_parent_status(&child), XENAPT_E_DEVICE);
	xapt_child_disconnect(&child);
	CHECK_EQ(xapt_child_parent_status(&child), XENAPT_OK);
}

/* ---- a parent that lies ---- */

static void is_over(enum xenapt_status status)
{
	struct xenapt_response r;

	CHECK_EQ(child.status, status);
	CHECK_EQ(mask()->status, status);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_EMPTY);
	CHECK(!xapt_child_rearm(&child));
	CHECK(!xapt_child_push(&child));
	CHECK_EQ(xapt_child_vectors(&child), 0);
	/* What nobody answered is not lost. */
	prepare();
	CHECK_EQ(child.status, XENAPT_OK);
	CHECK(connect(0));
	CHECK(answer_one(XENAPT_OK));
	CHECK_EQ(parent.back.rsp_prod_pvt, parent.back.req_cons);
}

static void test_index(void)
{
	static const uint32_t lies[] = { 2, 33, 0x80000000u, 0xffffffffu };
	struct xenapt_response r;
	unsigned int i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fresh();
		send(1, 0);
		xapt_child_push(&child);
		/* On the ring, and not shown: not to be answered yet. */
		send(2, 1);
		shared()->rsp_prod = lies[i];
		CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_BROKEN);
		is_over(XENAPT_E_RING);
	}
}

static void lie(uint64_t id, uint8_t type)
{
	struct xenapt_response r = { .id = id, .type = type };

	fresh();
	send(1, 0);
	xapt_child_push(&child);
	shared()->ring[0].rsp = r;
	shared()->rsp_prod = 1;
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_BROKEN);
	is_over(XENAPT_E_RING);
}

static void test_unknown(void)
{
	lie(id_of(1, 1), XENAPT_REQ_OPERATION);
	lie(id_of(2, 0), XENAPT_REQ_OPERATION);
	lie(0, XENAPT_REQ_OPERATION);
	lie(~0ull, XENAPT_REQ_OPERATION);
	lie(id_of(1, 0), XENAPT_REQ_TAKE);
	lie(id_of(1, 0), 0);
}

static void test_twice(void)
{
	struct xenapt_response r = { .id = id_of(1, 0), .type = XENAPT_REQ_OPERATION };

	fresh();
	send(1, 0);
	send(2, 1);
	xapt_child_push(&child);
	shared()->ring[0].rsp = r;
	shared()->ring[1].rsp = r;
	shared()->rsp_prod = 2;
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_ANSWER);
	CHECK_EQ(xapt_child_take(&child, &r), XAPT_CHILD_BROKEN);
	is_over(XENAPT_E_RING);
}

static void test_tables(void)
{
	bool notify;

	xapt_child_init(&child);
	send(1, 0);
	prepare();
	((struct xenapt_event_page *)pages[1])->vectors = 65;
	CHECK_EQ(xapt_child_connect(&child, &notify), XENAPT_E_MALFORMED);
	CHECK(!notify);
	is_over(XENAPT_E_MALFORMED);
}

/* What it writes over is its own loss: no turn is endless, nothing is answered twice, nothing lost. */
static void test_garbage(void)
{
	static uint32_t answered[NUMBERS];
	uint64_t seed = 11, number = 0;
	unsigned int round, i, turns, lies = 0;

	memset(answered, 0, sizeof(answered));
	xapt_child_init(&child);
	for (round = 0; round < 3000; round++) {
		struct xenapt_response r;

		prepare();
		connect(0);
		for (i = 0; i < 4 && number + 1 < NUMBERS; i++)
			number += send(number, (unsigned int)(check_random(&seed) % 32));
		xapt_child_push(&child);
		while (check_random(&seed) % 4 && answer_one(XENAPT_OK))
			;
		xapt_ring_push(&parent);
		for (i = 0; i < check_random(&seed) % 8; i++)
			pages[0][check_random(&seed) % (check_random(&seed) % 2 ? 64 : 4096)] ^=
				(uint8_t)check_random(&seed);
		for (turns = 0; xapt_child_take(&child, &r) == XAPT_CHILD_ANSWER; turns++) {
			uint64_t n = (r.id & ~XENAPT_OP_ID) >> 5;

			CHECK(n < number);
			answered[n % NUMBERS]++;
		}
		CHECK_CASE(turns <= XENAPT_OP_ENTRIES, turns, round);
		lies += child.status != XENAPT_OK;
	}
	prepare();
	connect(0);
	while (answer_one(XENAPT_OK))
		;
	xapt_ring_push(&parent);
	for (turns = 0; turns < 33; turns++) {
		struct xenapt_response r;

		if (xapt_child_take(&child, &r) == XAPT_CHILD_ANSWER)
			answered[(r.id & ~XENAPT_OP_ID) >> 5]++;
	}
	for (i = 0; i < number; i++)
		CHECK_CASE(answered[i] == 1, i, answered[i]);
	/* It was about both kinds of round. */
	CHECK(lies > 100 && lies < 2900);
}

/* ---- faults ---- */

/*
 * The parent dies anywhere, with requests taken, executed and not answered: each is answered to the
 * child once, whatever was executed is executed for one id, and what is answered was.
 */
static void test_faults(void)
{
	static uint8_t executed[NUMBERS], answered[NUMBERS];
	uint64_t seed = 3, number = 0, lives = 0;
	struct xenapt_response r;
	unsigned int step;

	memset(executed, 0, sizeof(executed));
	memset(answered, 0, sizeof(answered));
	fresh();
	for (step = 0; step < 200000 && number < NUMBERS - 1; step++) {
		switch (check_random(&seed) % 8) {
		case 0:
		case 1:
			number += send(number, (unsigned int)(check_random(&seed) % 32));
			break;
		case 2:
			xapt_child_push(&child);
			break;
		case 3:
		case 4: {
			struct xenapt_request q;

			if (xapt_ring_take(&parent, &q) != XAPT_RING_REQUEST)
				break;
			CHECK_EQ(q.u.operation.reg, (q.id & ~XENAPT_OP_ID) >> 5);
			executed[q.u.operation.reg] = 1;
			r = (struct xenapt_response){ .id = q.id, .type = q.type };
			xapt_ring_answer(&parent, &r);
			break;
		}
		case 5:
			xapt_ring_push(&parent);
			break;
		case 6:
			while (xapt_child_take(&child, &r) == XAPT_CHILD_ANSWER) {
				uint64_t n = (r.id & ~XENAPT_OP_ID) >> 5;

				CHECK(executed[n]);
				answered[n]++;
			}
			CHECK_EQ(child.status, XENAPT_OK);
			break;
		default:
			if (check_random(&seed) % 16)
				break;
			lives++;
			if (check_random(&seed) % 2)
				xapt_child_disconnect(&child);
			prepare();
			connect(0);
		}
	}
	CHECK_EQ(number, NUMBERS - 1);
	CHECK(lives > 100);
	xapt_child_push(&child);
	while (answer_one(XENAPT_OK))
		;
	xapt_ring_push(&parent);
	while (xapt_child_take(&child, &r) == XAPT_CHILD_ANSWER)
		answered[(r.id & ~XENAPT_OP_ID) >> 5]++;
	for (step = 0; step < number; step++)
		CHECK_CASE(answered[step] == 1, step, answered[step]);
}

/* ---- the handshake ---- */

/* Nodes, and what each side knows of this life. pages: which life and epoch they are of. */
static struct {
	enum xapt_bus_state back, front;
	uint32_t epoch, answer_epoch, answer_pages;
	bool online;
	struct {
		bool served, restarted, failed;
		uint32_t pages;
	} parent;
	struct {
		bool made, up, restarted, wanted;
		uint32_t answered, failed, pages, next;
	} child;
} bus;

static void parent_step(void)
{
	struct xapt_view v = {
		.own = bus.back, .peer = bus.front, .online = bus.online, .served = bus.parent.served,
		.failed = bus.parent.failed, .restarted = bus.parent.restarted,
	};
	enum xapt_action action = xapt_handshake(&v, false);

	if (action == XAPT_WAIT)
		return;
	if (action == XAPT_CONNECT) {
		if (bus.answer_epoch != bus.epoch)
			return;
		bus.parent.served = true;
		bus.parent.pages = bus.answer_pages;
		bus.back = XAPT_BUS_CONNECTED;
		return;
	}
	bus.parent.served = false;
	bus.parent.restarted = false;
	bus.parent.pages = 0;
	switch (action) {
	case XAPT_OFFER:
		bus.parent.failed = false;
		bus.epoch++;
		bus.back = XAPT_BUS_INIT_WAIT;
		break;
	case XAPT_CLOSE:
		bus.back = XAPT_BUS_CLOSING;
		break;
	default:
		bus.back = XAPT_BUS_CLOSED;
	}
}

static void child_let_go(void)
{
	bus.child.made = bus.child.up = false;
	bus.child.answered = 0;
}

static void child_step(void)
{
	struct xapt_child_view v = {
		.own = bus.front, .peer = bus.back, .online = bus.online, .wanted = bus.child.wanted,
		.restarted = bus.child.restarted, .made = bus.child.made, .up = bus.child.up,
		.epoch = bus.epoch, .answered = bus.child.answered, .failed = bus.child.failed,
	};

	switch (xapt_child_handshake(&v)) {
	case XAPT_CHILD_WAIT:
		return;
	case XAPT_CHILD_GO_UP:
		CHECK(!bus.child.up);
		/* The parent may have taken the pages of another life. */
		if (bus.parent.pages == bus.child.pages) {
			bus.child.up = true;
			bus.child.restarted = false;
			bus.front = XAPT_BUS_CONNECTED;
			return;
		}
		/* fall through */
	case XAPT_CHILD_BEGIN:
		child_let_go();
		bus.child.restarted = false;
		bus.front = XAPT_BUS_INITIALISING;
		return;
	case XAPT_CHILD_ANSWER_OFFER:
		child_let_go();
		bus.child.made = true;
		bus.child.answered = bus.answer_epoch = bus.epoch;
		bus.child.pages = bus.answer_pages = ++bus.child.next;
		bus.front = XAPT_BUS_INITIALISED;
		return;
	case XAPT_CHILD_END:
		child_let_go();
		bus.front = XAPT_BUS_CLOSED;
	}
}

static void settle(uint64_t *seed)
{
	unsigned int i;

	for (i = 0; i < 60; i++) {
		if (check_random(seed) % 2)
			parent_step();
		else
			child_step();
	}
}

static bool connected(void)
{
	return bus.back == XAPT_BUS_CONNECTED && bus.front == XAPT_BUS_CONNECTED && bus.parent.served &&
	       bus.child.up && bus.parent.pages == bus.child.pages;
}

static void start_bus(void)
{
	memset(&bus, 0, sizeof(bus));
	bus.back = bus.front = XAPT_BUS_INITIALISING;
	bus.online = true;
	bus.parent.restarted = true;
	bus.child.restarted = bus.child.wanted = true;
}

static void child_dies(void)
{
	child_let_go();
	bus.child.failed = 0;
	bus.child.restarted = true;
}

static void parent_dies(void)
{
	bus.parent.served = bus.parent.failed = false;
	bus.parent.pages = 0;
	bus.parent.restarted = true;
}

/* Whoever dies, in whatever state: both are connected, to the same pages, in the end. */
static void test_meets(void)
{
	uint64_t seed = 5;
	unsigned int round, i, n;

	for (round = 0; round < 20000; round++) {
		start_bus();
		n = (unsigned int)(check_random(&seed) % 60);
		for (i = 0; i < n; i++) {
			switch (check_random(&seed) % 12) {
			case 0:
				child_dies();
				break;
			case 1:
				parent_dies();
				break;
			case 2:
			case 3:
			case 4:
			case 5:
			case 6:
				parent_step();
				break;
			default:
				child_step();
			}
		}
		settle(&seed);
		CHECK_CASE(connected(), round, bus.back * 16 + bus.front);
	}
}

/* Taken away at any time: both closed, everything let go, whoever died before. */
static void test_parts(void)
{
	uint64_t seed = 6;
	unsigned int round, i, n;

	for (round = 0; round < 20000; round++) {
		start_bus();
		n = (unsigned int)(check_random(&seed) % 30);
		for (i = 0; i < n; i++) {
			if (!(check_random(&seed) % 10))
				child_dies();
			else if (check_random(&seed) % 2)
				parent_step();
			else
				child_step();
		}
		bus.online = false;
		bus.back = XAPT_BUS_CLOSING;
		settle(&seed);
		CHECK_CASE(bus.back == XAPT_BUS_CLOSED, round, bus.back);
		CHECK_CASE(bus.front == XAPT_BUS_CLOSED, round, bus.front);
		CHECK_CASE(!bus.child.made && !bus.parent.served, round, 0);
	}
}

/* A side that gave up is not connected again by itself; by a restart of either it is. */
static void test_gives_up(void)
{
	uint64_t seed = 7;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		start_bus();
		settle(&seed);
		CHECK(connected());
		child_let_go();
		bus.child.failed = bus.epoch;
		bus.front = XAPT_BUS_CLOSED;
		settle(&seed);
		CHECK_EQ(bus.front, XAPT_BUS_CLOSED);
		CHECK_EQ(bus.back, XAPT_BUS_CLOSED);
		child_dies();
		settle(&seed);
		CHECK(connected());
		bus.parent.failed = true;
		settle(&seed);
		CHECK_EQ(bus.front, XAPT_BUS_CLOSED);
		CHECK_EQ(bus.back, XAPT_BUS_CLOSED);
		child_dies();
		settle(&seed);
		CHECK(connected());
	}
}

static void test_unwanted(void)
{
	uint64_t seed = 8;

	start_bus();
	bus.child.wanted = false;
	settle(&seed);
	CHECK_EQ(bus.back, XAPT_BUS_INIT_WAIT);
	CHECK_EQ(bus.front, XAPT_BUS_INITIALISING);
	bus.child.wanted = true;
	settle(&seed);
	CHECK(connected());
}

static CU_TestInfo tests[] = {
	{ "one request", test_one },
	{ "an answer between look and wish", test_rearm },
	{ "entries", test_entries },
	{ "the same again on a new connection", test_again },
	{ "nobody waits any more", test_forget },
	{ "vectors", test_vectors },
	{ "the parent's last word", test_parents_word },
	{ "impossible indices", test_index },
	{ "unknown id or type", test_unknown },
	{ "answered twice", test_twice },
	{ "impossible tables", test_tables },
	{ "garbage in the ring", test_garbage },
	{ "a parent that dies anywhere", test_faults },
	{ "handshake: both meet", test_meets },
	{ "handshake: both part", test_parts },
	{ "handshake: who gave up", test_gives_up },
	{ "handshake: not wanted yet", test_unwanted },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
