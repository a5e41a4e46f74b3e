// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile-parent DOMID DEVID CASE: serves one connection of a device (server=program) of
 * a guest, and misbehaves in one way. Prints what the guest did about it: its status
 * word, after how many milliseconds, its state and error node.
 *
 * Cases, done when the first request comes (but for "unasked", "status", "signals"):
 *	index     response index 1000 ahead
 *	back      response index that goes back
 *	id        response with an id that is not outstanding
 *	entry     response with an id behind the end of the ring
 *	twice     the same response twice
 *	type      response of another type
 *	unasked   response before any request
 *	status    status word of the parent is set, no error otherwise
 *	granted   OPEN granted more than wanted
 *	slot      OPEN in slot 64
 *	signals   all signals at once, again and again, with a request left unanswered
 *	silent    nothing is answered
 *	good      OPEN is refused with E_APERTURES: the guest hears just that
 *
 * With feature-operations, when the first operation comes: those above with "op-" before them, and
 *	op-good      answered with a value that is wider than the register
 *	op-declined  everything is declined, for 2 seconds
 *	op-odd       answered with a status that nobody knows
 *	op-vectors   65 vectors in the event page
 *	op-spans     spans of independent registers that do not ascend
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

static struct parent parent;

static void vectors(struct parent *p)
{
	p->event->vectors = 65;
}

static void spans(struct parent *p)
{
	p->event->independents = 2;
	p->event->independent[0] = (struct xenapt_span){ 0x100, 0x1ff };
	p->event->independent[1] = (struct xenapt_span){ 0x80, 0x8f };
}

/* false: the guest refused the connection */
static bool connect_guest(const char *what)
{
	bool refused = !strcmp(what, "vectors") || !strcmp(what, "spans");

	if (refused)
		parent.before_connected = !strcmp(what, "vectors") ? vectors : spans;
	parent_offer(&parent);
	parent_accept(&parent);
	if (refused)
		return false;
	parent_wait_front(&parent, 4);
	printf("connected epoch=%u\n", parent.epoch);
	fflush(stdout);
	return true;
}

static void refuse(const struct xenapt_request *q)
{
	parent_respond(&parent, (struct xenapt_response){ .id = q->id, .type = q->type,
							  .status = XENAPT_E_APERTURES });
}

static void grant(const struct xenapt_request *q, uint64_t size, uint32_t slot)
{
	parent_respond(&parent, (struct xenapt_response){ .id = q->id, .type = q->type, .value = size,
							  .slot = slot, .handle = 0x1234 });
}

static void all_signals(void)
{
	unsigned int round, i;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < XENAPT_SIGNAL_WORDS; i++)
			__atomic_store_n(&parent.event->interrupt[i], ~0ull, __ATOMIC_SEQ_CST);
		parent_notify(&parent);
		usleep(1000);
	}
}

static void decline_all(struct xenapt_request q)
{
	struct xenapt_response r = { .status = XENAPT_E_DECLINED };
	long start = now_us() / 1000;
	unsigned int asked = 0, taken = 0;

	for (;;) {
		r.id = q.id;
		r.type = q.type;
		asked += q.type == XENAPT_REQ_OPERATION;
		taken += q.type == XENAPT_REQ_TAKE;
		parent_respond(&parent, r);
		while (!RING_HAS_UNCONSUMED_REQUESTS(&parent.ring)) {
			if (now_us() / 1000 - start > 2000) {
				printf("asked=%u taken=%u\n", asked, taken);
				return;
			}
			usleep(100);
		}
		q = parent_must_request(&parent);
	}
}

static bool misbehave_in_operation(const char *what)
{
	struct xenapt_request q = parent_must_request(&parent);
	struct xenapt_response r = { .id = q.id, .type = q.type, .value = 0x1122334455667788 };

	if (!strcmp(what, "declined")) {
		decline_all(q);
		return true;
	}
	if (!strcmp(what, "odd"))
		r.status = 12345;
	parent_respond(&parent, r);
	return !strcmp(what, "good") || !strcmp(what, "odd");
}

static bool misbehave(const char *what)
{
	struct xenapt_request q;
	struct xenapt_response r;

	if (!strcmp(what, "unasked")) {
		parent_respond(&parent, (struct xenapt_response){ .id = 1, .type = XENAPT_REQ_OPEN });
		return true;
	}
	if (!strcmp(what, "status")) {
		q = parent_must_request(&parent);
		__atomic_store_n(&parent.event->status, XENAPT_E_RING, __ATOMIC_SEQ_CST);
		parent_notify(&parent);
		return true;
	}
	q = parent_must_request(&parent);
	r = (struct xenapt_response){ .id = q.id, .type = q.type, .status = XENAPT_E_APERTURES };
	if (!strcmp(what, "index")) {
		parent.sring->rsp_prod += 1000;
		parent_notify(&parent);
	} else if (!strcmp(what, "back")) {
		parent.sring->rsp_prod--;
		parent_notify(&parent);
	} else if (!strcmp(what, "id")) {
		r.id += 1ull << 40;
		parent_respond(&parent, r);
	} else if (!strcmp(what, "entry")) {
		r.id |= 0xffff;
		parent_respond(&parent, r);
	} else if (!strcmp(what, "twice")) {
		*RING_GET_RESPONSE(&parent.ring, parent.ring.rsp_prod_pvt) = r;
		parent.ring.rsp_prod_pvt++;
		parent_respond(&parent, r);
	} else if (!strcmp(what, "type")) {
		r.type++;
		parent_respond(&parent, r);
	} else if (!strcmp(what, "granted")) {
		grant(&q, q.u.open.wanted + XENAPT_PAGE_SIZE, 0);
	} else if (!strcmp(what, "slot")) {
		grant(&q, q.u.open.wanted, XENAPT_MAX_APERTURES);
	} else if (!strcmp(what, "signals")) {
		all_signals();
	} else if (!strcmp(what, "good")) {
		refuse(&q);
	} else {
		return !strcmp(what, "silent");
	}
	return true;
}

/* What the guest makes of it, for at most as long. */
static void watch_guest(int ms)
{
	long start = now_us() / 1000, took = -1;
	uint32_t status = 0;

	while (now_us() / 1000 - start < ms) {
		if (!status) {
			status = __atomic_load_n(&parent.mask->status, __ATOMIC_ACQUIRE);
			took = now_us() / 1000 - start;
		}
		if (parent_number(&parent, parent.front, "state") > 4)
			break;
		usleep(1000);
	}
	printf("status=%u", status);
	if (status)
		printf(" after_ms=%ld", took);
	printf(" state=%s", parent_get(&parent, parent.front, "state"));
	printf(" error=%s\n", parent_get(&parent, parent.front, "error"));
	fflush(stdout);
}

static bool is_of_operations(const char *what)
{
	return !strcmp(what, "good") || !strcmp(what, "declined") || !strcmp(what, "odd");
}

int main(int argc, char **argv)
{
	const char *what;

	if (argc != 4) {
		fprintf(stderr, "usage: hostile-parent DOMID DEVID CASE\n");
		return 2;
	}
	parent_init(&parent, argv[1], argv[2], false);
	parent.operations = !strncmp(argv[3], "op-", 3);
	what = argv[3] + (parent.operations ? 3 : 0);
	if (connect_guest(what) && !(parent.operations && is_of_operations(what) ?
				     misbehave_in_operation(what) : misbehave(what))) {
		fprintf(stderr, "no case \"%s\"\n", argv[3]);
		return 2;
	}
	/* Where nothing shall happen, nothing is waited for long. */
	watch_guest(!strcmp(what, "good") ? 100 : 2000);
	return 0;
}
