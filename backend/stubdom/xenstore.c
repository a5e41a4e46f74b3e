// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests go into the ring whole, and the index moves once; an answer leaves it whole, or is skipped. So
 * a restart at any instruction finds the byte streams in step, and knows an old answer by its
 * number.
 */
#include "xenstore.h"

#include <stdbool.h>
#include <stdint.h>
#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "console.h"
#include "events.h"
#include "loop.h"
#include "machine.h"
#include "persist.h"
#include "text.h"

_Static_assert(STORE_TEXT == XENSTORE_RING_SIZE - sizeof(struct xsd_sockmsg), "STORE_TEXT");

/* Of messages that are longer than the ring: skip up to this index. */
static uint32_t skip_to STUB_PERSIST;
static bool skipping STUB_PERSIST;
static uint32_t sequence STUB_PERSIST;

static struct xenstore_domain_interface *ring;
static void (*on_watch)(const char *path, const char *token);

static struct {
	uint32_t id;		/* of the request that waits; 0: none */
	bool done;
	int error;
	uint32_t length;
	char text[STORE_TEXT + 1];
} answer;
static char event_text[STORE_TEXT + 1];

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "ENOENT", XEN_ENOENT }, { "EAGAIN", XEN_EAGAIN }, { "EEXIST", XEN_EEXIST },
	{ "EACCES", XEN_EACCES }, { "ENOSPC", XEN_ENOSPC }, { "EINVAL", XEN_EINVAL },
};

uint32_t store_port(void)
{
	return stub_start->store_evtchn;
}

/* ---- from xenstored ---- */

static void copy_out(uint32_t at, void *to, uint32_t n)
{
	char *t = to;

	while (n--)
		*t++ = ring->rsp[MASK_XENSTORE_IDX(at++)];
}

static void consumed(uint32_t cons)
{
	__atomic_store_n(&ring->rsp_cons, cons, __ATOMIC_RELEASE);
	events_send(store_port());
}

static int error_number(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(name, errors[i].name))
			return -errors[i].error;
	return -XEN_EIO;
}

/* Path and token, each ended with 0. */
static void watch_event(uint32_t at, uint32_t n)
{
	size_t path;

	copy_out(at, event_text, n);
	event_text[n] = '\0';
	path = strlen(event_text);
	if (path < n && path + 1 + strlen(event_text + path + 1) < n)
		on_watch(event_text, event_text + path + 1);
}

static void take_answer(const struct xsd_sockmsg *head, uint32_t at)
{
	copy_out(at, answer.text, head->len);
	answer.text[head->len] = '\0';
	answer.length = head->len;
	answer.error = head->type == XS_ERROR ? error_number(answer.text) : 0;
	answer.done = true;
}

/* Longer than the ring: nothing that we can use. */
static void too_long(const struct xsd_sockmsg *head)
{
	if (head->type == XS_WATCH_EVENT || head->req_id != answer.id || !answer.id)
		return;
	answer.error = -XEN_E2BIG;
	answer.done = true;
}

/* The stream makes no sense any more: from its end on again. */
static void resynchronise(uint32_t prod)
{
	console_say(CONSOLE_ERROR, "xenstore: the ring's contents make no sense; what was in it is dropped");
	skipping = false;
	consumed(prod);
	if (answer.id && !answer.done) {
		answer.error = -XEN_EIO;
		answer.done = true;
	}
}

/* True: a message was taken, look again. */
static bool read_message(void)
{
	uint32_t prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
	uint32_t cons = ring->rsp_cons, there = prod - cons;
	struct xsd_sockmsg head;

	if (there > XENSTORE_RING_SIZE) {
		resynchronise(prod);
		return false;
	}
	if (skipping) {
		bool all = skip_to - cons <= there;

		consumed(all ? skip_to : prod);
		if (all)
			skipping = false;
		return all;
	}
	if (there < sizeof(head))
		return false;
	copy_out(cons, &head, sizeof(head));
	if (head.len > XENSTORE_PAYLOAD_MAX) {
		resynchronise(prod);
		return false;
	}
	if (head.len > STORE_TEXT) {
		too_long(&head);
		skip_to = cons + (uint32_t)sizeof(head) + head.len;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		skipping = true;
		return true;
	}
	if (there < sizeof(head) + head.len)
		return false;
	if (head.type == XS_WATCH_EVENT)
		watch_event(cons + (uint32_t)sizeof(head), head.len);
	else if (answer.id && head.req_id == answer.id)
		take_answer(&head, cons + (uint32_t)sizeof(head));
	consumed(cons + (uint32_t)sizeof(head) + head.len);
	return true;
}

void store_read(void)
{
	while (read_message())
		;
}

/* ---- to xenstored ---- */

static bool room_for(uint32_t n)
{
	uint32_t cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);

	return ring->req_prod - cons <= XENSTORE_RING_SIZE &&
	       XENSTORE_RING_SIZE - (ring->req_prod - cons) >= n;
}

static uint32_t copy_in(uint32_t at, const void *from, uint32_t n)
{
	const char *f = from;

	while (n--)
		ring->req[MASK_XENSTORE_IDX(at++)] = *f++;
	return at;
}

/*
 * One request of up to two parts, and its answer. zero: octets of 0 after the first and after the
 * second part.
 */
static int call(uint32_t type, uint32_t transaction, const char *a, const char *b, unsigned int zeroes)
{
	uint32_t na = (uint32_t)strlen(a) + (zeroes > 0), nb = b ? (uint32_t)strlen(b) + (zeroes > 1) : 0;
	struct xsd_sockmsg head = { .type = type, .tx_id = transaction, .len = na + nb };
	uint32_t at;

	if (na + nb > STORE_TEXT)
		return -XEN_E2BIG;
	while (!room_for((uint32_t)sizeof(head) + head.len))
		loop_turn();
	if (!++sequence)
		sequence = 1;
	head.req_id = sequence;
	answer.done = false;
	answer.id = sequence;
	at = copy_in(ring->req_prod, &head, sizeof(head));
	at = copy_in(at, a, na);
	at = copy_in(at, b, nb);
	__atomic_store_n(&ring->req_prod, at, __ATOMIC_RELEASE);
	events_send(store_port());
	while (!answer.done)
		loop_turn();
	answer.id = 0;
	return answer.error;
}

void store_init(void (*watched)(const char *path, const char *token))
{
	ring = machine_page(stub_start->store_mfn);
	on_watch = watched;
	events_use(stub_start->store_evtchn);
	/* The life before may have taken the event, and not what it told of. */
	store_read();
	/* Transactions whose maker was restarted, also one whose name it never read: there may be few. */
	if (sequence)
		call(XS_RESET_WATCHES, 0, "", NULL, 1);
}

int store_begin(uint32_t *transaction)
{
	int error = call(XS_TRANSACTION_START, 0, "", NULL, 1);
	uint32_t id = 0;
	const char *p;

	if (error)
		return error;
	for (p = answer.text; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(id, 10u, &id) || __builtin_add_overflow(id, *p - '0', &id))
			return -XEN_EIO;
	*transaction = id;
	return id && !*p ? 0 : -XEN_EIO;
}

int store_end(uint32_t transaction, int abort)
{
	return call(XS_TRANSACTION_END, transaction, abort ? "F" : "T", NULL, 1);
}

const char *store_get(uint32_t transaction, const char *path)
{
	if (call(XS_READ, transaction, path, NULL, 1) || strlen(answer.text) != answer.length)
		return NULL;
	return answer.text;
}

int store_write(uint32_t transaction, const char *path, const char *value)
{
	return call(XS_WRITE, transaction, path, value, 1);
}

int store_remove(uint32_t transaction, const char *path)
{
	return call(XS_RM, transaction, path, NULL, 1);
}

int store_watch(const char *path, const char *token)
{
	int error = call(XS_WATCH, 0, path, token, 2);

	/* It is there, whoever asked for it. */
	return error == -XEN_EEXIST ? 0 : error;
}

int store_unwatch(const char *path, const char *token)
{
	return call(XS_UNWATCH, 0, path, token, 2);
}

const char *store_list(const char *path, size_t *n)
{
	if (call(XS_DIRECTORY, 0, path, NULL, 1))
		return NULL;
	*n = answer.length && answer.text[answer.length - 1] ? 0 : answer.length;
	return answer.text;
}
