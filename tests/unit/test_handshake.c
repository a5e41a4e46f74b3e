/* SPDX-License-Identifier: GPL-2.0-only */
/* The xenbus handshake: the parent's decisions alone, and both ends on the fake. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake/bus.h"

/* ---- the decision alone ---------------------------------------------------- */

#define VIEWS	(7u * 7u * 16u)

static struct xapt_view nth_view(unsigned int n)
{
	return (struct xapt_view){
		.own = (enum xapt_bus_state)(n % 7), .peer = (enum xapt_bus_state)(n / 7 % 7),
		.online = n / 49 & 1, .served = n / 49 & 2, .failed = n / 49 & 4,
		.restarted = n / 49 & 8,
	};
}

/* What the action does to our side. A CONNECT may find that it is not meant (good: false). */
static bool apply(struct xapt_view *v, enum xapt_action action, bool good)
{
	switch (action) {
	case XAPT_WAIT:
	case XAPT_REMOVE:
		return false;
	case XAPT_OFFER:
		v->own = XAPT_BUS_INIT_WAIT;
		v->served = v->failed = v->restarted = false;
		return true;
	case XAPT_CONNECT:
		if (!good)
			return false;
		v->own = XAPT_BUS_CONNECTED;
		v->served = true;
		return true;
	case XAPT_CLOSE:
		v->own = XAPT_BUS_CLOSING;
		v->served = false;
		return true;
	case XAPT_FINISH:
		v->own = XAPT_BUS_CLOSED;
		v->served = false;
		return true;
	}
	CHECK_CASE(!"no such action", action, 0);
	return false;
}

/* With a peer that does not move, the parent comes to rest; where is what it must be. */
static void check_rest(const struct xapt_view *start, unsigned int n, bool good)
{
	struct xapt_view v = *start;
	unsigned int steps = 0;

	while (apply(&v, xapt_handshake(&v, false), good))
		if (!CHECK_CASE(steps++ < 5, n, v.own))
			return;
	/* a served connection is a wanted one with a live peer; a dead one is not served */
	if (v.served)
		CHECK_CASE(v.online && v.own != XAPT_BUS_CLOSED && v.peer != XAPT_BUS_CLOSING &&
			   v.peer != XAPT_BUS_CLOSED && v.peer != XAPT_BUS_INITIALISING, n, v.own);
	if (v.own == XAPT_BUS_CONNECTED)
		CHECK_CASE(v.served && !v.failed, n, 0);
	if (!v.online)
		CHECK_CASE(v.own == XAPT_BUS_CLOSED || v.own == XAPT_BUS_CLOSING, n, v.own);
	if (!v.online && (v.peer == XAPT_BUS_CLOSED || v.peer == XAPT_BUS_UNKNOWN))
		CHECK_CASE(v.own == XAPT_BUS_CLOSED, n, v.own);
	if (v.online && v.peer == XAPT_BUS_INITIALISING)
		CHECK_CASE(v.own == XAPT_BUS_INIT_WAIT || (v.own == XAPT_BUS_CONNECTED && v.served), n,
			   v.own);
}

/* The views that a parent can be in: it serves only in the states of a connection. */
static bool possible(const struct xapt_view *v)
{
	if (v->served)
		return !v->restarted && (v->own == XAPT_BUS_CONNECTED || v->own == XAPT_BUS_INITIALISED ||
					 v->own == XAPT_BUS_CLOSING);
	return !(v->restarted && v->failed);
}

static void every_view_comes_to_rest(void)
{
	for (unsigned int n = 0; n < VIEWS; n++) {
		struct xapt_view v = nth_view(n);

		CHECK_CASE(xapt_handshake(&v, true) == XAPT_REMOVE, n, 0);
		if (!possible(&v))
			continue;
		check_rest(&v, n, true);
		check_rest(&v, n, false);
	}
}

/* The contract's transitions, one by one. */
static void named_decisions(void)
{
	enum { U, INI, WAI, INT, CON, CLG, CLD };	/* states 0..6 */
	static const struct {
		uint8_t own, peer;
		bool online, served;
		enum xapt_action want;
	} row[] = {
		/* coming up, either side first */
		{ INI, U, true, false, XAPT_OFFER }, { INI, INI, true, false, XAPT_OFFER },
		{ WAI, INI, true, false, XAPT_WAIT }, { WAI, INT, true, false, XAPT_CONNECT },
		{ WAI, CON, true, false, XAPT_WAIT }, { WAI, CLG, true, false, XAPT_WAIT },
		{ WAI, CLD, true, false, XAPT_WAIT },
		/* connected */
		{ CON, INT, true, true, XAPT_WAIT }, { CON, CON, true, true, XAPT_WAIT },
		{ CON, CLG, true, true, XAPT_CLOSE }, { CON, CLD, true, true, XAPT_FINISH },
		{ CON, INI, true, true, XAPT_OFFER }, { CON, CON, true, false, XAPT_OFFER },
		/* closing: the child is waited for */
		{ CLG, INT, true, false, XAPT_WAIT }, { CLG, CON, true, false, XAPT_WAIT },
		{ CLG, CLG, true, false, XAPT_WAIT }, { CLG, CLD, true, false, XAPT_FINISH },
		{ CLG, INI, true, false, XAPT_OFFER }, { CLG, CON, true, true, XAPT_CLOSE },
		{ CLD, CLD, true, false, XAPT_WAIT }, { CLD, CON, true, false, XAPT_WAIT },
		{ CLD, INI, true, false, XAPT_OFFER },
		/* the toolstack takes it away */
		{ CON, CON, false, true, XAPT_CLOSE }, { CLG, CON, false, true, XAPT_CLOSE },
		{ CLG, CON, false, false, XAPT_WAIT }, { CLG, CLG, false, false, XAPT_WAIT },
		{ CLG, CLD, false, false, XAPT_FINISH }, { CLG, INI, false, false, XAPT_FINISH },
		{ CON, U, false, true, XAPT_FINISH }, { INI, INI, false, false, XAPT_FINISH },
		{ WAI, INT, false, false, XAPT_CLOSE }, { CLD, INI, false, false, XAPT_WAIT },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct xapt_view v = { .own = row[i].own, .peer = row[i].peer,
				       .online = row[i].online, .served = row[i].served };

		CHECK_CASE(xapt_handshake(&v, false) == row[i].want, row[i].own * 10 + row[i].peer, i);
	}
}

/* Numbers that no state has, from a node that the child wrote. */
static void states_out_of_range(void)
{
	for (unsigned int peer = 7; peer < 300; peer += 7) {
		struct xapt_view v = { .own = XAPT_BUS_CONNECTED, .peer = (enum xapt_bus_state)peer,
				       .online = true, .served = true };

		CHECK_EQ(xapt_handshake(&v, false), XAPT_WAIT);
		v.own = XAPT_BUS_INIT_WAIT;
		v.served = false;
		CHECK_EQ(xapt_handshake(&v, false), XAPT_WAIT);
	}
}

/* ---- both ends ------------------------------------------------------------- */

#define PATIENCE	3000u	/* steps; a connection takes about 40 */

static struct fake *f;
static struct parent parent;
static struct guest guest;
static struct fake_counts before;

static void start(uint64_t seed)
{
	f = fake_new(seed);
	fake_domain_create(f, PAIR_PARENT);
	fake_domain_create(f, PAIR_CHILD);
	fake_count(f, &before);
	memset(&guest, 0, sizeof(guest));
	memset(&parent, 0, sizeof(parent));
}

static void settled(uint64_t seed)
{
	CHECK_CASE(fake_run(f, PATIENCE), seed, 1);
	CHECK_CASE(back_state(f) == 4 && front_state(f) == 4, seed, back_state(f) * 10 + front_state(f));
	CHECK_CASE(parent.served && guest_settled(&guest), seed, 2);
	CHECK_CASE(guest.errors == 0, seed, guest.errors);
	if (!parent.served || !guest_settled(&guest))
		return;
	CHECK_CASE(parent.type.doorbell[0] >= 1, seed, 3);
	*child_octet(&guest.child, &guest.buffer, 2 * FAKE_PAGE) = (uint8_t)(seed + 7);
	CHECK_CASE(parent.type.data[0][2 * FAKE_PAGE] == (uint8_t)(seed + 7), seed, 4);
}

static void finish(uint64_t seed, bool guest_lives)
{
	struct fake_counts after;

	toolstack_detach(f);
	CHECK_CASE(fake_run(f, PATIENCE), seed, 5);
	CHECK_CASE(back_state(f) == 6, seed, back_state(f));
	if (guest_lives) {
		/* one that had not begun has nothing to close */
		CHECK_CASE(guest_gone(&guest) || (guest.own == 1 && !guest.up), seed, guest.own);
		guest_vanish(&guest);
	}
	parent_kill(&parent);
	CHECK_CASE(guest_collect(&guest), seed, 6);
	toolstack_remove(f);
	fake_count(f, &after);
	CHECK_CASE(fake_same(&before, &after), seed, 7);
	fake_delete(f);
}

/* The three come in any order, with any number of steps in between. */
static void either_side_first(void)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		unsigned int order = (unsigned int)(seed % 6);
		static const char turn[6][3] = { "tpg", "tgp", "ptg", "pgt", "gtp", "gpt" };

		start(seed);
		for (unsigned int i = 0; i < 3; i++) {
			if (turn[order][i] == 't')
				toolstack_attach(f);
			else if (turn[order][i] == 'p')
				parent_start(&parent, f);
			else if (!fake_read(f, 0, FRONT_PATH "/backend"))
				continue;	/* xenbus shows the guest no device yet */
			else
				guest_load(&guest, f);
			fake_run(f, (unsigned int)(fake_random(f) % 30));
		}
		if (!guest.f)
			guest_load(&guest, f);
		settled(seed);
		finish(seed, true);
	}
}

/* Killed after any number of steps, again and again: it always connects, with the same memory. */
static void parent_restarts(void)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		uint32_t epoch;

		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		for (unsigned int i = 0; i < 8; i++) {
			fake_run(f, (unsigned int)(fake_random(f) % 60));
			epoch = parent.epoch;
			parent_kill(&parent);
			fake_run(f, (unsigned int)(fake_random(f) % 10));
			parent_start(&parent, f);
			CHECK_CASE(!epoch || parent.restarted, seed, epoch);
		}
		settled(seed);
		CHECK_CASE(parent.epoch > 8 / 2, seed, parent.epoch);
		finish(seed, true);
	}
}

static void guest_reloads(void)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		for (unsigned int i = 0; i < 5; i++) {
			fake_run(f, (unsigned int)(fake_random(f) % 80));
			guest_unload(&guest);
			CHECK_CASE(fake_run(f, PATIENCE), seed, i);
			CHECK_CASE(guest_gone(&guest), seed, guest.own);
			guest_vanish(&guest);
			guest_load(&guest, f);
		}
		settled(seed);
		finish(seed, true);
	}
}

/* A driver that starts anew without having closed: the old connection ends, the old memory is let go. */
static void guest_vanishes(void)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct guest old;

		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		fake_run(f, (unsigned int)(fake_random(f) % 80));
		guest_vanish(&guest);
		old = guest;
		memset(&guest, 0, sizeof(guest));
		guest_load(&guest, f);
		CHECK_CASE(fake_run(f, PATIENCE), seed, 0);
		if (old.own == 4)
			settled(seed);
		CHECK_CASE(guest_collect(&old), seed, old.own);
		finish(seed, true);
	}
}

static void both_at_random(void)
{
	for (uint64_t seed = 0; seed < 150; seed++) {
		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		for (unsigned int i = 0; i < 12; i++) {
			fake_run(f, (unsigned int)(fake_random(f) % 40));
			if (fake_random(f) % 2) {
				parent_kill(&parent);
				fake_run(f, (unsigned int)(fake_random(f) % 20));
				parent_start(&parent, f);
			} else if (!guest.unloading) {
				guest_unload(&guest);
			} else if (guest_gone(&guest)) {
				guest_vanish(&guest);
				guest_load(&guest, f);
			}
		}
		CHECK_CASE(fake_run(f, PATIENCE), seed, 0);
		if (guest_gone(&guest)) {
			guest_vanish(&guest);
			guest_load(&guest, f);
		}
		settled(seed);
		finish(seed, true);
	}
}

/* Detached after any number of steps, also in the middle of it all. */
static void detach_at_any_time(void)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		fake_run(f, (unsigned int)(seed % 60));
		if (seed % 3 == 0) {
			parent_kill(&parent);
			parent_start(&parent, f);
		}
		finish(seed, true);
	}
}

static void guest_dies_at_any_time(void)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct fake_counts after;

		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		fake_run(f, (unsigned int)(seed % 60));
		fake_leave(f, guest.actor);
		fake_domain_die(f, PAIR_CHILD);
		if (seed % 2)
			fake_remove(f, 0, FRONT_PATH);
		guest.child.port = 0;
		CHECK_CASE(fake_run(f, PATIENCE), seed, 1);
		CHECK_CASE(!parent.served && !back_state(f), seed, back_state(f));
		parent_kill(&parent);
		fake_remove(f, 0, FRONT_PATH);
		CHECK_CASE(guest_collect(&guest), seed, 2);
		fake_count(f, &after);
		CHECK_CASE(fake_same(&before, &after), seed, 3);
		fake_delete(f);
	}
}

/* ---- a bad guest ----------------------------------------------------------- */

/* It writes whatever it likes into its directory; the parent takes bounded steps and keeps nothing. */
static void fuzzed_peer(void)
{
	static const char *const node[] = { "state", "state", "state", "epoch", "version", "ring-ref0",
					    "event-ref", "mask-ref", "event-channel", "max-size",
					    "ring-page-order", "feature-unaligned" };
	static const char *const value[] = { "0", "1", "2", "3", "3", "4", "5", "6", "7", "8", "9", "",
					     "x", "4294967295", "10", "11", "12" };

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct fake_counts after;

		start(seed);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		fake_run(f, (unsigned int)(fake_random(f) % 80));
		fake_leave(f, guest.actor);	/* its nodes now have a life of their own */
		for (unsigned int i = 0; i < 100; i++) {
			unsigned int actions = parent.actions;
			char path[128];

			snprintf(path, sizeof(path), FRONT_PATH "/%s", node[fake_random(f) % 12]);
			if (fake_random(f) % 16)
				fake_write(f, PAIR_CHILD, path, value[fake_random(f) % 17]);
			else
				fake_remove(f, PAIR_CHILD, path);
			CHECK_CASE(fake_run(f, 100), seed, i);
			CHECK_CASE(parent.actions - actions < 8, seed, parent.actions - actions);
		}
		fake_domain_die(f, PAIR_CHILD);
		CHECK_CASE(fake_run(f, PATIENCE), seed, 1000);
		parent_kill(&parent);
		fake_remove(f, 0, FRONT_PATH);
		guest.child.port = 0;
		CHECK_CASE(guest_collect(&guest), seed, 1001);
		fake_count(f, &after);
		CHECK_CASE(fake_same(&before, &after), seed, 1002);
		fake_delete(f);
	}
}

static void change_ref(void *ctx)
{
	(void)ctx;
	fake_write(f, PAIR_CHILD, FRONT_PATH "/event-ref", "4294967295");
}

/* Each node is read once: what changes behind the reader is not seen, what changes before is checked. */
static void nodes_change_while_read(void)
{
	for (unsigned int n = 1; n < 24; n++) {
		start(n);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		for (unsigned int i = 0; i < 200 && front_state(f) != 3; i++)
			fake_step(f);
		CHECK_EQ(front_state(f), 3);
		fake_hook(f, FAKE_READ, n, change_ref, NULL);
		CHECK(fake_run(f, PATIENCE));
		if (parent.served)
			CHECK_CASE(guest_settled(&guest), n, 0);
		else
			CHECK_CASE(back_error(f) && !strncmp(back_error(f), "E_GRANT", 7), n, 1);
		fake_calm(f);
		finish(n, true);
	}
}

static void bad_node_is_named(void)
{
	start(1);
	toolstack_attach(f);
	parent_start(&parent, f);
	guest_load(&guest, f);
	guest.spoil_order = 3;
	CHECK(fake_run(f, PATIENCE));
	CHECK_STR(back_error(f), "E_NODE: test");
	CHECK_EQ(back_state(f), 6);
	CHECK(guest_gone(&guest));
	/* and the next connection works */
	guest_vanish(&guest);
	guest_load(&guest, f);
	settled(1);
	CHECK(!back_error(f));
	finish(1, true);
}

/* Every call that connecting needs fails once. */
static void calls_fail(enum fake_call call, unsigned int most)
{
	for (unsigned int n = 1; n <= most; n++) {
		start(n);
		toolstack_attach(f);
		parent_start(&parent, f);
		guest_load(&guest, f);
		fake_fail(f, call, n, 0);
		CHECK_CASE(fake_run(f, PATIENCE), call, n);
		if (!parent.served) {
			CHECK_CASE(back_error(f) != NULL, call, n);
			CHECK_CASE(back_state(f) == 6 && guest_gone(&guest), call, n);
			guest_vanish(&guest);
			guest_load(&guest, f);
			fake_calm(f);
			settled(n);
		}
		fake_calm(f);
		finish(n, true);
	}
}

static void connecting_fails(void)
{
	calls_fail(FAKE_MAP, 3);
	calls_fail(FAKE_BIND, 1);
}

/* The guest breaks its ring: an error node, an end that both see, and a next connection that works. */
static void poisoned_ring(void)
{
	start(9);
	toolstack_attach(f);
	parent_start(&parent, f);
	guest_load(&guest, f);
	settled(9);
	guest.child.front.sring->req_prod += 1000;
	fake_port_send(f, PAIR_CHILD, guest.child.port);
	CHECK(fake_run(f, PATIENCE));
	CHECK_STR(back_error(f), "E_RING: test");
	CHECK_EQ(back_state(f), 6);
	CHECK(guest_gone(&guest));
	guest_vanish(&guest);
	guest_load(&guest, f);
	settled(10);
	finish(9, true);
}

static CU_TestInfo tests[] = {
	{ "every view comes to rest", every_view_comes_to_rest },
	{ "the contract's transitions", named_decisions },
	{ "states out of range", states_out_of_range },
	{ "either side first", either_side_first },
	{ "the parent restarts", parent_restarts },
	{ "the guest's driver reloads", guest_reloads },
	{ "the guest's driver starts anew without a word", guest_vanishes },
	{ "both at random", both_at_random },
	{ "detached at any time", detach_at_any_time },
	{ "the guest dies at any time", guest_dies_at_any_time },
	{ "a guest that writes anything", fuzzed_peer },
	{ "nodes change while they are read", nodes_change_while_read },
	{ "a bad node is named", bad_node_is_named },
	{ "connecting fails half way", connecting_fails },
	{ "a poisoned ring", poisoned_ring },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
