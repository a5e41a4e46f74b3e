// SPDX-License-Identifier: GPL-2.0-only
/*
 * poison-parent DOMID DEVID slow|fast WALK [WORD]: walks over shared words as the parent. The guest makes
 * requests all the time. What happens is compared with the table of docs/protocol.md. A connection that
 * ended is made again. In the guest "aperture-poison names" tells what last_error says.
 *
 *	pages	ring, event and mask page; the guest runs "aperture-selftest requests"
 *	record	the state record. The other lane has a device of the tests', which must load it;
 *		the guest runs "aperture-selftest ask", as for the next two
 *	answers	the responses
 *	given	the directory of memory that the parent owns: "ask" with the flag 4
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "poison.h"
#include "poison_table.h"

struct parent parent;
uint8_t *record[XENAPT_RECORD_PAGES];

static const char *const poisons[POISON_VALUES] = { "ones", "zero", "plus", "minus" };
static const char *which;		/* NULL: every word */
static unsigned int total, wrong;
static long slowest_us = -1;

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

void poison_respond(const struct xenapt_request *q, uint32_t status)
{
	parent_respond(&parent, (struct xenapt_response){ .id = q->id, .type = q->type, .status = status });
}

static void forget_last_error(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/data/last_error", parent.domid);
	if (!xs_write(parent.xs, XBT_NULL, path, "", 0))
		die(path);
}

void poison_connect(void)
{
	parent_offer(&parent);
	parent_accept(&parent);
	parent_wait_front(&parent, 4);
	forget_last_error();
}

void poison_disconnect(void)
{
	unsigned int i;

	for (i = 0; i < XENAPT_RECORD_PAGES && record[i]; i++)
		xengnttab_unmap(parent.gnt, record[i], 1);
	parent_end(&parent);
}

/* ---- a word ---- */

void *poison_place(const struct poison_word *w)
{
	unsigned int at = w->offset;
	uint64_t head;

	switch (w->page) {
	case POISON_RING:
		return (uint8_t *)parent.sring + at;
	case POISON_EVENT:
		return (uint8_t *)parent.event + at;
	case POISON_SLOT:
		head = record[0] ? poison_load(record[0], 8) : 0;
		at += (unsigned int)(__builtin_offsetof(struct xenapt_record, slot) +
				     XENAPT_HEAD_SLOT(head) * sizeof(struct xenapt_slot));
		break;
	case POISON_RECORD:
		break;
	default:
		return NULL;
	}
	return record[at / XENAPT_PAGE_SIZE] ? record[at / XENAPT_PAGE_SIZE] + at % XENAPT_PAGE_SIZE : NULL;
}

uint64_t poison_load(const void *at, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

void poison_store(void *at, uint64_t value, unsigned int size)
{
	memcpy(at, &value, size);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint64_t poisoned(unsigned int value, uint64_t was)
{
	const uint64_t to[POISON_VALUES] = { ~0ull, 0, was + 1, was - 1 };

	return to[value];
}

/* ---- what the child says ---- */

static bool guest_closed(void)
{
	return parent_number(&parent, parent.front, "state") > 4;
}

bool poison_ended(int ms)
{
	long start = now_us();

	do {
		if (parent_child_status(&parent) || guest_closed())
			return true;
		usleep(300);
	} while (now_us() - start < ms * 1000l);
	return false;
}

/* The error node of what it found; last_error of what it was told. "": neither yet. */
static const char *name_of_end(void)
{
	static char text[220];
	char data[40];

	snprintf(text, sizeof(text), "%s", parent_get(&parent, parent.front, "error"));
	if (*text) {
		text[strcspn(text, ":")] = '\0';
		strcat(text, " child");
		return text;
	}
	snprintf(data, sizeof(data), "/local/domain/%u/data", parent.domid);
	snprintf(text, sizeof(text), "%s", parent_get(&parent, data, "last_error"));
	text[strcspn(text, ":")] = '\0';
	return text;
}

/* One that was told of the end closes with its parent; one that found it does so by itself. */
static bool closes(const char *name)
{
	int tries;

	if (strstr(name, " parent"))
		parent_put(&parent, "state", 5);
	for (tries = 0; tries < 300 && !guest_closed(); tries++)
		usleep(10000);
	return guest_closed();
}

/* As the rig's timeouts: on a busy machine the patience of it. */
static long patience(void)
{
	const char *text = getenv("RIG_PATIENCE");

	return text && atoi(text) > 0 ? atoi(text) : 1;
}

long poison_hang_us(void)
{
	return 1500000 * patience();
}

const char *poison_named(void)
{
	static char name[240];
	long start = now_us();
	const char *text;

	do {
		text = name_of_end();
		if (*text)
			break;
		usleep(300);
	} while (now_us() - start < 1000000 * patience());
	snprintf(name, sizeof(name), "%s", *text ? text : "no name");
	return name;
}

/* ---- the table ---- */

const char *poison_expected(const char *word, unsigned int value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(poison_table); i++)
		if (!strcmp(poison_table[i].word, word) &&
		    !strcmp(poison_table[i].writer, parent.fast ? "parent, fast lane" : "parent, slow lane"))
			return poison_table[i].outcome[value];
	return "no line in the table";
}

bool poison_is_wanted(const char *word)
{
	return !which || !strncmp(word, which, strlen(which));
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

void poison_say(const char *word, unsigned int value, long us, const char *outcome)
{
	const char *want = poison_expected(word, value);
	bool over = strstr(outcome, " child") || strstr(outcome, " parent");
	bool right = admitted(outcome, want) && (!over || closes(outcome));

	total++;
	wrong += !right;
	printf("%s lane=%s word=%s value=%s us=%ld outcome=\"%s\"%s%s%s\n", right ? "ok" : "not ok",
	       parent.fast ? "fast" : "slow", word, poisons[value], us, outcome,
	       right ? "" : over && admitted(outcome, want) ? ", but it does not close: \"" : " expected=\"",
	       right ? "" : want, right ? "" : "\"");
	if (us > slowest_us)
		slowest_us = us;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
		bool record, all;
	} walks[] = {
		{ "pages", poison_pages, true, false },
		{ "record", poison_record, true, false },
		{ "answers", poison_answers, false, false },
		{ "given", poison_given, false, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(walks); i++)
		if (argc > 4 && !strcmp(argv[4], walks[i].name))
			break;
	if (i == ARRAY_SIZE(walks)) {
		fprintf(stderr, "usage: poison-parent DOMID DEVID slow|fast pages|record|answers|given [WORD]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	which = argc > 5 ? argv[5] : NULL;
	parent_init(&parent, argv[1], argv[2], !strcmp(argv[3], "fast"));
	parent.operations = true;
	parent.all = walks[i].all;
	if (walks[i].record)
		parent.before_connected = map_record;
	poison_connect();
	walks[i].run();
	printf("poisons=%u wrong=%u slowest_us=%ld\n", total, wrong, slowest_us);
	/* As one that was killed: the next parent goes on from there. */
	return wrong || !total;
}
