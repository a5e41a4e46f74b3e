// SPDX-License-Identifier: GPL-2.0-only
/*
 * All requests of the guest are answered as a parent should, but for one word. The guest tells in its next
 * OPEN and its next operation what the answers before came to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"
#include "poison_fields.h"
#include "negotiate.h"

#define HANDLE	0x123456789abull
#define SLOT	5u
#define PAGES	4u
#define TRIES	128u
#define UNKNOWN	0xffffu		/* as ask.c of the self-test */
#define REFUSED	0xfffeu

static struct xenapt_directory *directory;	/* NULL: the guest owns the memory */
static uint32_t reference;
static struct xenapt_request q;			/* the one that waits */

static const uint8_t type_of[] = {
	[POISON_OPEN] = XENAPT_REQ_OPEN, [POISON_OFFER] = XENAPT_REQ_OFFER, [POISON_MAP] = XENAPT_REQ_MAP,
	[POISON_WITHDRAW] = XENAPT_REQ_WITHDRAW, [POISON_RELEASE] = XENAPT_REQ_RELEASE,
	[POISON_TAKE] = XENAPT_REQ_TAKE, [POISON_OPERATION] = XENAPT_REQ_OPERATION,
	[POISON_DIRECTORY] = XENAPT_REQ_OFFER,
};

static struct xenapt_response good_answer(void)
{
	struct xenapt_response r = { .id = q.id, .type = q.type };

	switch (q.type) {
	case XENAPT_REQ_OPEN:
		r.handle = HANDLE;
		r.value = q.u.open.wanted;
		r.slot = SLOT;
		break;
	case XENAPT_REQ_OFFER:
		r.handle = q.u.offer.handle;
		r.value = directory ? reference : 0;
		break;
	case XENAPT_REQ_MAP:
		r.value = PAGES;
		/* fall through */
	case XENAPT_REQ_WITHDRAW:
	case XENAPT_REQ_RELEASE:
		r.handle = q.u.named.handle;
		break;
	}
	return r;
}

static void answer(void)
{
	parent_respond(&parent, good_answer());
}

/* Answers until a request of that type waits. To be asked to TAKE, an operation must be declined. */
static void serve_until(uint8_t type)
{
	bool declined = false;

	for (q = parent_must_request(&parent); q.type != type; q = parent_must_request(&parent)) {
		if (type == XENAPT_REQ_TAKE && q.type == XENAPT_REQ_OPERATION && !declined) {
			poison_respond(&q, XENAPT_E_DECLINED);
			declined = true;
		} else {
			answer();
		}
	}
}

static const char *outcome_of(uint32_t status)
{
	static char text[40];

	snprintf(text, sizeof(text), "%s answer",
		 status == REFUSED ? "EPROTO" : xapt_status_name(status == UNKNOWN ? ~0u : status));
	return status ? text : "harmless";
}

/* The part of the report that is about this. */
static uint32_t status_of(enum poison_in in)
{
	uint32_t report = q.type == XENAPT_REQ_OPEN ? q.u.open.tag : (uint32_t)q.u.operation.value;

	return in == POISON_OPERATION || in == POISON_TAKE ? report & 0xffff : report >> 16;
}

static bool reports(void)
{
	return q.type == XENAPT_REQ_OPEN || (q.type == XENAPT_REQ_OPERATION && q.u.operation.size);
}

/* What the guest does next; "": it goes on with its report. */
static const char *what_next(enum poison_in in)
{
	long start = now_us();

	for (;;) {
		/* Shortly: the name of an end is timed here, too. */
		if (parent_request(&parent, &q, 1)) {
			if (in != POISON_TAKE && reports())
				return "";
			/* The operation that was declined, then. */
			if (in == POISON_TAKE && q.type == XENAPT_REQ_OPEN)
				return "";
			answer();
			start = now_us();
		} else if (poison_ended(0)) {
			return poison_named();
		} else if (now_us() - start > poison_hang_us()) {
			return "hangs";
		}
	}
}

static void spoil(const struct poison_field *f, unsigned int value, unsigned int number, void *start)
{
	uint8_t *at = (uint8_t *)start + f->offset + number * f->size;

	poison_store(at, poisoned(value, poison_load(at, f->size)), f->size);
}

/* Its end is not a report: the next aperture is. */
static void settle(bool over)
{
	if (over) {
		poison_disconnect();
		poison_connect();
		return;
	}
	answer();
}

static void one(const struct poison_field *f, unsigned int value, unsigned int number)
{
	struct xenapt_directory good;
	struct xenapt_response r;
	const char *outcome;
	bool over;
	long start;

	serve_until(type_of[f->in]);
	r = good_answer();
	if (f->in == POISON_DIRECTORY) {
		good = *directory;
		spoil(f, value, number, directory);
	} else {
		spoil(f, value, number, &r);
	}
	start = now_us();
	parent_respond(&parent, r);
	outcome = what_next(f->in);
	over = *outcome;
	if (!over)
		outcome = outcome_of(status_of(f->in));
	if (f->in == POISON_DIRECTORY)
		*directory = good;
	poison_say(f->name, value, strcmp(outcome, "harmless") ? now_us() - start : -1, outcome);
	settle(over);
}

static void walk(const struct poison_field *fields, unsigned int count)
{
	unsigned int i, value, n;

	for (i = 0; i < count; i++)
		for (value = 0; value < POISON_FOUR; value++)
			for (n = 0; n < fields[i].count; n++)
				if ((!parent.fast || poison_is_of_fast(&fields[i])) &&
				    poison_is_wanted(fields[i].name))
					one(&fields[i], value, n);
}

void poison_answers(void)
{
	walk(poison_responses, ARRAY_SIZE(poison_responses));
}

/* ---- memory of this side ---- */

/* A reference in the middle of others of ours; PAGES: there is none. */
static unsigned int amidst(const uint32_t *gref)
{
	unsigned int i, k, beside;

	for (i = 0; i < PAGES; i++) {
		for (beside = 0, k = 0; k < PAGES; k++)
			beside += gref[k] == gref[i] + 1 || gref[k] == gref[i] - 1;
		if (beside == 2)
			break;
	}
	return i;
}

/* References that domain 0 used before lie about; what is taken of them stays taken, and those behind are in order. */
static unsigned int share(xengntshr_handle *shr, uint32_t *gref)
{
	unsigned int tries, i;

	for (tries = 0; tries < TRIES; tries++) {
		if (!xengntshr_share_pages(shr, parent.domid, PAGES, gref, 1))
			die("gntalloc");
		i = amidst(gref);
		if (i < PAGES)
			return i;
	}
	fprintf(stderr, "no reference of ours has two neighbours of ours\n");
	exit(2);
}

void poison_given(void)
{
	struct poison_field gifts[ARRAY_SIZE(poison_gifts)];
	xengntshr_handle *shr = xengntshr_open(NULL, 0);
	uint32_t gref[PAGES];
	unsigned int i, middle;

	if (!shr)
		die("gntalloc");
	middle = share(shr, gref);
	directory = xengntshr_share_pages(shr, parent.domid, 1, &reference, 0);
	if (!directory)
		die("gntalloc");
	*directory = (struct xenapt_directory){ .magic = XENAPT_DIR_MAGIC, .level = XENAPT_DIR_LIST,
						.count = PAGES };
	memcpy(directory->gref, gref, sizeof(gref));
	memcpy(gifts, poison_gifts, sizeof(gifts));
	for (i = 0; i < ARRAY_SIZE(gifts); i++)
		if (!strcmp(gifts[i].name, "directory.gref"))
			gifts[i].offset += middle * gifts[i].size;
	walk(gifts, ARRAY_SIZE(gifts));
}
