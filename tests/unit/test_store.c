/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stub domain's xenstore client, ended at any step and begun again, again and again. xenstored
 * lives on: it works when an event comes, has ten transactions for a domain, and more to tell of watches
 * than the ring holds.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"

static uint64_t steps_left, steps_made;
static void step(void);

#define __atomic_load_n(p, order)	(step(), *(p))
#define __atomic_store_n(p, v, order)	do { step(); *(p) = (v); step(); } while (0)
#include "../../backend/stubdom/xenstore.c"

#define TRANSACTIONS	10u
#define EVENTS		20u	/* of watches, after each answer: more than the ring holds */
#define OUT		(1u << 17)
#define PORT		1u

static struct xenstore_domain_interface page;
static struct start_info info = { .store_evtchn = PORT };
const struct start_info *stub_start = &info;
struct loop_counters loop_count;

static jmp_buf ended;
enum { KILLED = 1, DEAF };

static void step(void)
{
	steps_made++;
	if (steps_left && !--steps_left)
		longjmp(ended, KILLED);
}

/* ---- xenstored ---- */

static char out[OUT];
static unsigned int out_from, out_to, transactions, named, watches, floods, wrong;
static bool told;		/* our port has fired */

static void say(uint32_t type, uint32_t id, const char *text, uint32_t n)
{
	struct xsd_sockmsg head = { .type = type, .req_id = id, .len = n };

	memcpy(out + out_to, &head, sizeof(head));
	memcpy(out + out_to + sizeof(head), text, n);
	out_to += (unsigned int)sizeof(head) + n;
}

static void hand_over(void)
{
	for (; out_from < out_to && page.rsp_prod - page.rsp_cons < XENSTORE_RING_SIZE; told = true)
		page.rsp[MASK_XENSTORE_IDX(page.rsp_prod++)] = out[out_from++];
}

static const char *error;

static const char *refuse(const char *name)
{
	error = name;
	return NULL;
}

/* Two, that differ in their first letter. */
static const char *watch(char first)
{
	unsigned int bit = first == 'f' ? 1 : 2;

	if (watches & bit)
		return refuse("EEXIST");
	watches |= bit;
	return "OK";
}

static const char *begin_transaction(void)
{
	if (transactions == TRANSACTIONS)
		return refuse("EQUOTA");
	transactions++;
	named = 100;
	return "100";
}

static const char *end_transaction(uint32_t t)
{
	if (!transactions || t != named)
		return refuse("ENOENT");
	transactions--;
	return "OK";
}

static const char *execute(const struct xsd_sockmsg *q, char first)
{
	switch (q->type) {
	case XS_READ:
		return "value";
	case XS_WRITE:
		return "OK";
	case XS_WATCH:
		return watch(first);
	case XS_TRANSACTION_START:
		return begin_transaction();
	case XS_TRANSACTION_END:
		return end_transaction(q->tx_id);
	case XS_RESET_WATCHES:
		watches = transactions = 0;
		return "OK";
	default:
		wrong++;
		return refuse("ENOSYS");
	}
}

static void answer_one(void)
{
	static const char event[] = "/local/domain/5/device/aperture-fast/0/state\0" "0";
	struct xsd_sockmsg q;
	char *to = (char *)&q;
	const char *text;
	unsigned int i;

	for (i = 0; i < sizeof(q); i++)
		to[i] = page.req[MASK_XENSTORE_IDX(page.req_cons + i)];
	text = execute(&q, page.req[MASK_XENSTORE_IDX(page.req_cons + sizeof(q))]);
	page.req_cons += (uint32_t)sizeof(q) + q.len;
	if (text)
		say(q.type, q.req_id, text, (uint32_t)strlen(text));
	else
		say(XS_ERROR, q.req_id, error, (uint32_t)strlen(error) + 1);
	for (i = 0; i < EVENTS && floods; i++)
		say(XS_WATCH_EVENT, 0, event, sizeof(event));
	floods -= floods > 0;
}

/* ---- Xen, and the rest of the stub domain ---- */

void *machine_page(uint64_t frame) { (void)frame; return &page; }
void events_use(uint32_t port) { CHECK(port == PORT); }
void console_say(enum console_level level, const char *format, ...) { (void)level, (void)format; }

void events_send(uint32_t port)
{
	CHECK(port == PORT);
	step();
	while (page.req_cons != page.req_prod)
		answer_one();
	hand_over();
	step();
}

bool loop_turn(void)
{
	bool fired = told;

	told = false;
	step();
	/* xenstored waits for us, and nothing more will come. */
	if (!fired)
		longjmp(ended, DEAF);
	store_read();
	return true;
}

/* ---- lives ---- */

static unsigned int events;

static void watched(const char *path, const char *token)
{
	events += !strcmp(path, "/local/domain/5/device/aperture-fast/0/state") && !strcmp(token, "0");
}

/* As a stub domain begins: false where xenstored refuses. */
static bool live(void)
{
	uint32_t t;

	store_init(watched);
	return store_get(0, "aperture/guest") && !store_watch("backend/aperture-fast", "backend") &&
	       !store_begin(&t) && !store_write(t, "state", "2") && !store_end(t, false) &&
	       !store_watch("front", "0") && !store_write(0, "aperture/state", "4");
}

static void begin_world(void)
{
	memset(&page, 0, sizeof(page));
	out_from = out_to = transactions = watches = wrong = events = 0;
	told = false;
	floods = 40;
	skipping = false;
	skip_to = sequence = 0;
}

/* What a restart does not keep. */
static void forget_life(void)
{
	memset(&answer, 0, sizeof(answer));
	ring = NULL;
	on_watch = NULL;
}

/* Lives that end at their step at, and one that does not. */
static void lives_with_deaths(uint64_t at, unsigned int deaths)
{
	volatile unsigned int left = deaths;
	volatile bool good = false;
	int how;

	begin_world();
	how = setjmp(ended);
	forget_life();
	steps_left = left ? at : 0;
	left -= left > 0;
	if (how != DEAF)
		good = live();
	CHECK_CASE(how != DEAF, at, deaths);
	CHECK_CASE(good && !wrong, at, deaths);
	CHECK_CASE(watches == 3 && !transactions, at, watches);
}

static void test_one_life(void)
{
	lives_with_deaths(0, 0);
	CHECK(events > EVENTS);
}

static void test_restarts(void)
{
	uint64_t at, all;

	steps_made = 0;
	lives_with_deaths(0, 0);
	all = steps_made;
	CHECK(all > 100);
	for (at = 1; at <= all; at++) {
		lives_with_deaths(at, 1);
		lives_with_deaths(at, 2 * TRANSACTIONS);
	}
}

static CU_TestInfo tests[] = {
	{ "one life", test_one_life },
	{ "restarts at each step", test_restarts },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
