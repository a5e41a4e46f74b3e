// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state goes to the other lane's device right after the poison, as if this one handed it over: that
 * one must load what is there. The guest tells what its operation came to in the next request: its
 * OPENs come here where we are the slow lane, its operations where we are the fast one. We execute
 * nothing: declined, refused.
 */
#include <stdio.h>
#include <string.h>

#include "poison.h"

static struct xenapt_request q;		/* the one that waits */

static bool reports(void)
{
	return q.type == (parent.fast ? XENAPT_REQ_OPERATION : XENAPT_REQ_OPEN) &&
	       (!parent.fast || q.u.operation.size);
}

static uint32_t reported(void)
{
	return (uint32_t)(parent.fast ? q.u.operation.value : q.u.open.tag) & 0xffff;
}

static void give(enum xenapt_owner owner)
{
	uint64_t head = poison_load(record[0], 8);

	poison_store(record[0], XENAPT_HEAD(owner, XENAPT_HEAD_SLOT(head), XENAPT_HEAD_GENERATION(head) + 1), 8);
}

static enum xenapt_owner other(void)
{
	return parent.fast ? XENAPT_OWNER_SLOW : XENAPT_OWNER_FAST;
}

/*
 * An operation that comes while the state is not over there was declined there. A fast lane takes it then,
 * and wants it no more: else the other one would hand it back for ever.
 */
static bool comes_back(void)
{
	if (!parent.fast || XENAPT_HEAD_OWNER(poison_load(record[0], 8)) == XENAPT_OWNER_SLOW)
		return false;
	poison_store(record[0] + __builtin_offsetof(struct xenapt_record, wanted), 0, 4);
	give(XENAPT_OWNER_SLOW);
	return true;
}

/* The next request that reports: of the operation until then, or the first of several that went wrong. */
static uint32_t go_on(void)
{
	uint32_t status = XENAPT_OK;
	bool again;

	do {
		poison_respond(&q, q.type == XENAPT_REQ_OPERATION ? XENAPT_E_DECLINED : XENAPT_E_APERTURES);
		q = parent_must_request(&parent);
		again = comes_back();
		if (reports() && !status)
			status = reported();
	} while (!reports() || again);
	return status;
}

/* All ones in head name slot 3: there is a record in it, too. It and slot 2 lie in the second page. */
static void fill_last_slot(void)
{
	struct xenapt_slot slot;
	unsigned int from = XENAPT_HEAD_SLOT(poison_load(record[0], 8)), i;

	for (i = 0; i < sizeof(slot); i++) {
		unsigned int at = (unsigned int)(__builtin_offsetof(struct xenapt_record, slot) +
						 from * sizeof(slot)) + i;

		((uint8_t *)&slot)[i] = record[at / XENAPT_PAGE_SIZE][at % XENAPT_PAGE_SIZE];
	}
	memcpy(record[1] + __builtin_offsetof(struct xenapt_record, slot[3]) - XENAPT_PAGE_SIZE, &slot,
	       sizeof(slot));
}

static const char *outcome_of(uint32_t status)
{
	static char text[24];

	snprintf(text, sizeof(text), "status %u", status);
	return status == XENAPT_OK ? "harmless" : status == XENAPT_E_RECORD ? "E_RECORD" :
	       status == XENAPT_E_RECORD_VERSION ? "E_RECORD_VERSION" : text;
}

/* False: the poison is what was there. */
static bool strike(const struct poison_word *w, unsigned int value, uint64_t *was)
{
	uint8_t *at = poison_place(w);
	uint64_t is;
	unsigned int i;

	for (i = 0; i + 1 < w->count; i++, at += w->size)
		poison_store(at, poisoned(value, poison_load(at, w->size)), w->size);
	*was = poison_load(at, w->size);
	poison_store(at, poisoned(value, *was), w->size);
	is = poison_load(at, w->size);
	if (strcmp(w->name, "record.head"))
		give(other());
	parent_notify(&parent);
	return is != *was;
}

static void one(const struct poison_word *w, unsigned int value)
{
	bool moves = strcmp(poison_expected(w->name, value), "harmless"), struck;
	uint64_t was;
	uint32_t status;
	int tries = 0;

	do {
		go_on();	/* two operations after a new state nothing in the slot is 0 */
		go_on();
		if (!strcmp(w->name, "record.head"))
			fill_last_slot();
		struck = strike(w, value, &was);
		status = go_on();
	} while (moves && !struck && ++tries < 8);
	poison_say(w->name, value, -1, outcome_of(status));
	if (status == XENAPT_OK && w->page == POISON_RECORD && w->count == 1 && strcmp(w->name, "record.head"))
		poison_store(poison_place(w), was, w->size);
}

void poison_record(void)
{
	unsigned int i, value;

	do
		q = parent_must_request(&parent);
	while (!reports());
	for (i = 0; i < ARRAY_SIZE(poison_words); i++)
		for (value = 0; value < POISON_FOUR; value++)
			if (poison_is_of_record(&poison_words[i]) && poison_is_wanted(poison_words[i].name))
				one(&poison_words[i], value);
}
