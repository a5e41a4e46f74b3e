// SPDX-License-Identifier: GPL-2.0-only
/*
 * poison-parent DOMID DEVID slow|fast [WORD]: walks over the words of the shared pages as the parent.
 * The guest makes requests all the time (aperture-selftest requests). While one is unanswered, a word
 * gets a poison and the guest an event; then the request is answered, and the next one must come.
 * What happens is compared with the table of docs/protocol.md. A connection that ended is made again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parent.h"
#include "poison_table.h"
#include "poison_words.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static const char *const poisons[POISON_VALUES] = { "ones", "zero", "plus", "minus" };

static struct parent parent;
static uint8_t *record[XENAPT_RECORD_PAGES];
static unsigned int total, wrong;
static long slowest_us;

static void map_record(struct parent *p)
{
	unsigned int i;
	char node[24];

	for (i = 0; i < XENAPT_RECORD_PAGES && p->operations; i++) {
		snprintf(node, sizeof(node), "record-ref%u", i);
		record[i] = xengnttab_map_grant_ref(p->gnt, p->domid, parent_number(p, p->front, node),
						    PROT_READ | PROT_WRITE);
		if (!record[i])
			die(node);
	}
}

static void answer(const struct xenapt_request *q)
{
	parent_respond(&parent, (struct xenapt_response){
		.id = q->id, .type = q->type,
		.status = q->type == XENAPT_REQ_OPERATION ? XENAPT_E_DECLINED : XENAPT_E_UNSUPPORTED });
}

/* With some requests behind it: no index is 0. */
static void connect_guest(void)
{
	struct xenapt_request q;
	int n;

	parent_offer(&parent);
	parent_accept(&parent);
	parent_wait_front(&parent, 4);
	for (n = 0; n < 3; n++) {
		q = parent_must_request(&parent);
		answer(&q);
	}
}

static void disconnect(void)
{
	unsigned int i;

	for (i = 0; i < XENAPT_RECORD_PAGES && record[i]; i++)
		xengnttab_unmap(parent.gnt, record[i], 1);
	parent_end(&parent);
}

/* NULL: a parent cannot write it, or it is not the parent's lane that has it. */
static void *place(const struct poison_word *w)
{
	unsigned int at = w->offset;

	switch (w->page) {
	case POISON_RING:
		return (uint8_t *)parent.sring + at;
	case POISON_EVENT:
		return (uint8_t *)parent.event + at;
	case POISON_SLOT:
		at += __builtin_offsetof(struct xenapt_record, slot);
		break;
	case POISON_RECORD:
		break;
	default:
		return NULL;
	}
	return record[at / XENAPT_PAGE_SIZE] ? record[at / XENAPT_PAGE_SIZE] + at % XENAPT_PAGE_SIZE : NULL;
}

static uint64_t load(const void *at, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static void store(void *at, uint64_t value, unsigned int size)
{
	memcpy(at, &value, size);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t poisoned(unsigned int value, uint64_t was)
{
	const uint64_t to[POISON_VALUES] = { ~0ull, 0, was + 1, was - 1 };

	return to[value];
}

static bool guest_closed(void)
{
	return parent_number(&parent, parent.front, "state") > 4;
}

/* The name that the child gave it. */
static const char *named(void)
{
	static char text[80];
	uint32_t status = parent_child_status(&parent);
	int tries;

	for (tries = 0; tries < 1000 && !guest_closed(); tries++)
		usleep(1000);
	if (status) {
		snprintf(text, sizeof(text), "%s", parent_get(&parent, parent.front, "error"));
		text[strcspn(text, ":")] = '\0';
		strcat(text, " child");
	} else {
		snprintf(text, sizeof(text), "closed by child");
	}
	return text;
}

/* Until the child says something or closes; an idle one has nothing to say. */
static bool ended(long *us, int ms)
{
	long start = now_us();
	bool said;

	do {
		said = parent_child_status(&parent);
		if (said || guest_closed()) {
			*us = now_us() - start;
			return true;
		}
		usleep(300);
	} while (now_us() - start < ms * 1000l);
	return false;
}

/* A guest that was told of the end makes no request, and closes with its parent. */
static const char *falls_silent(void)
{
	int tries;

	parent_put(&parent, "state", 5);
	for (tries = 0; tries < 300 && !guest_closed(); tries++)
		usleep(10000);
	return guest_closed() ? "closed by child" : "hangs";
}

/* The request that waits is answered and the next one comes: the guest goes on. */
static const char *goes_on(const struct xenapt_request *q)
{
	struct xenapt_request next;
	long start = now_us(), us;

	answer(q);
	while (!parent_request(&parent, &next, 20)) {
		if (ended(&us, 0))
			return named();
		if (now_us() - start > 1500000)
			return falls_silent();
	}
	answer(&next);
	return "harmless";
}

static const char *expected(const char *word, unsigned int value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(poison_table); i++)
		if (!strcmp(poison_table[i].word, word) &&
		    !strcmp(poison_table[i].writer, parent.fast ? "parent, fast lane" : "parent, slow lane"))
			return poison_table[i].outcome[value];
	return "no line in the table";
}

/* One of those that the table admits: "this or that". */
static bool admitted(const char *outcome, const char *want)
{
	size_t n = strlen(outcome);

	for (; want; want = strstr(want, " or ") ? strstr(want, " or ") + 4 : NULL)
		if (!strncmp(want, outcome, n) && (!want[n] || !strncmp(want + n, " or ", 4)))
			return 1;
	return 0;
}

static void one(const struct poison_word *w, unsigned int value)
{
	struct xenapt_request q = parent_must_request(&parent);
	const char *want = expected(w->name, value), *outcome;
	void *at = place(w);
	uint64_t was = load(at, w->size);
	bool right, over;
	long us = 0;

	store(at, poisoned(value, was), w->size);
	parent_notify(&parent);
	over = ended(&us, strncmp(want, "harmless", 8) ? 200 : 10);
	if (w->page == POISON_RING && !w->offset)
		store(at, was, w->size);	/* or we would take a request that is none */
	outcome = over ? named() : goes_on(&q);
	over = over || strstr(outcome, "child");
	right = admitted(outcome, want);
	total++;
	wrong += !right;
	printf("%s lane=%s word=%s value=%s us=%ld outcome=\"%s\"%s%s%s\n", right ? "ok" : "not ok",
	       parent.fast ? "fast" : "slow", w->name, poisons[value], us, outcome,
	       right ? "" : " expected=\"", right ? "" : want, right ? "" : "\"");
	if (us > slowest_us)
		slowest_us = us;
	if (over) {
		disconnect();
		connect_guest();
	} else if (w->keeps) {
		store(at, was, w->size);
	}
}

int main(int argc, char **argv)
{
	unsigned int i, value;

	if (argc < 4) {
		fprintf(stderr, "usage: poison-parent DOMID DEVID slow|fast [WORD]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	parent_init(&parent, argv[1], argv[2], !strcmp(argv[3], "fast"));
	parent.operations = true;
	parent.before_connected = map_record;
	connect_guest();
	for (i = 0; i < ARRAY_SIZE(poison_words); i++) {
		if (!place(&poison_words[i]) ||
		    (argc > 4 && strncmp(poison_words[i].name, argv[4], strlen(argv[4]))))
			continue;
		for (value = 0; value < POISON_VALUES; value++)
			one(&poison_words[i], value);
	}
	printf("poisons=%u wrong=%u slowest_us=%ld\n", total, wrong, slowest_us);
	/* As one that was killed: the next parent goes on from there. */
	return wrong || !total;
}
