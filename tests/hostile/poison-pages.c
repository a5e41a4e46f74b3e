// SPDX-License-Identifier: GPL-2.0-only
/*
 * While a request is unanswered a word gets a poison and the guest an event; then the request is
 * answered, and the next one must come.
 */
#include <string.h>
#include <unistd.h>

#include "poison.h"

static void answer(const struct xenapt_request *q)
{
	poison_respond(q, q->type == XENAPT_REQ_OPERATION ? XENAPT_E_DECLINED : XENAPT_E_UNSUPPORTED);
}

/* With some requests behind it: no index is 0. */
static void begin(void)
{
	struct xenapt_request q;
	int n;

	for (n = 0; n < 3; n++) {
		q = parent_must_request(&parent);
		answer(&q);
	}
}

/* The request that waits is answered and the next one comes: the guest goes on. */
static bool goes_on(const struct xenapt_request *q, const char **outcome)
{
	struct xenapt_request next;
	long start = now_us();

	answer(q);
	while (!parent_request(&parent, &next, 20)) {
		if (poison_ended(0))
			return false;
		if (now_us() - start > poison_hang_us()) {
			*outcome = "hangs";
			return true;
		}
	}
	answer(&next);
	*outcome = "harmless";
	return true;
}

/* The words of a row but the last one: each has its event, too. */
static uint8_t *row(const struct poison_word *w, unsigned int value)
{
	uint8_t *at = poison_place(w);
	unsigned int i;

	for (i = 0; i + 1 < w->count; i++, at += w->size) {
		uint64_t was = poison_load(at, w->size);

		poison_store(at, poisoned(value, was), w->size);
		parent_notify(&parent);
		usleep(50);
		if (w->keeps)
			poison_store(at, was, w->size);
	}
	return at;
}

static void one(const struct poison_word *w, unsigned int value)
{
	struct xenapt_request q = parent_must_request(&parent);
	const char *outcome = NULL;
	void *at = row(w, value);
	uint64_t was = poison_load(at, w->size);
	long start = now_us(), us = -1;
	bool over;

	poison_store(at, poisoned(value, was), w->size);
	parent_notify(&parent);
	over = poison_ended(strncmp(poison_expected(w->name, value), "harmless", 8) ? 200 : 10);
	if (w->page == POISON_RING && !w->offset)
		poison_store(at, was, w->size);	/* or we would take a request that is none */
	over = over || !goes_on(&q, &outcome);
	if (over) {
		outcome = poison_named();
		us = now_us() - start;
	}
	poison_say(w->name, value, us, outcome);
	if (over) {
		poison_disconnect();
		poison_connect();
		begin();
	} else if (w->keeps) {
		poison_store(at, was, w->size);
	}
}

void poison_pages(void)
{
	unsigned int i, value;

	begin();
	for (i = 0; i < ARRAY_SIZE(poison_words); i++)
		for (value = 0; value < POISON_FOUR; value++)
			if (!poison_is_of_record(&poison_words[i]) && poison_place(&poison_words[i]) &&
			    poison_is_wanted(poison_words[i].name))
				one(&poison_words[i], value);
}
