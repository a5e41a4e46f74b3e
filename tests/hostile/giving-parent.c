// SPDX-License-Identifier: GPL-2.0-only
/*
 * giving-parent DOMID DEVID CASE: serves one connection of a device (server=program), and gives the
 * guest memory of its own, but breaks the contract in one way:
 *	good       it does not
 *	magic, level, count, index, zero: that field of the directory is wrong
 *	list       the same of the second page of references; only with more than 1020 pages
 *	reference  one reference grants nothing
 *	foreign    one reference is the directory's own, which may only be read
 *	read-only  all pages are granted read-only
 *	nowhere    the directory's reference grants nothing
 *	wide       the directory's reference has more than 32 bits
 *	change     the directory is overwritten after it was answered
 *	end        the grants end while the guest has them mapped
 *	silent     OFFER is not answered
 * Prints each request of the guest, until RELEASE or 15 seconds of silence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

#define PAGES_MAX	1300u

static struct parent parent;
static const char *what;

struct gift {
	xengntshr_handle *share;
	void *memory;
	struct xenapt_directory *directory;	/* index page, if there is one, then lists */
	uint32_t ref[PAGES_MAX], directory_ref[3];
	unsigned int pages, lists;
};

static bool is(const char *name)
{
	return !strcmp(what, name);
}

static void fill(const struct gift *g, struct xenapt_directory *d, unsigned int index)
{
	unsigned int at = index * XENAPT_DIR_ENTRIES;

	d->magic = XENAPT_DIR_MAGIC;
	d->level = XENAPT_DIR_LIST;
	d->index = index;
	d->count = (uint16_t)(g->pages - at < XENAPT_DIR_ENTRIES ? g->pages - at : XENAPT_DIR_ENTRIES);
	memcpy(d->gref, g->ref + at, d->count * sizeof(d->gref[0]));
}

static void spoil(struct gift *g)
{
	struct xenapt_directory *first = g->directory, *list = g->lists > 1 ? first + 1 : first;

	if (is("magic"))
		first->magic++;
	else if (is("level"))
		first->level ^= 3;
	else if (is("count"))
		first->count++;
	else if (is("index"))
		first->index = 1;
	else if (is("zero"))
		first->zero = 1;
	else if (is("list"))
		(first + 2)->index = 0;
	else if (is("reference"))
		list->gref[g->pages / 2] = 0xfffff;
	else if (is("foreign"))
		list->gref[g->pages / 2] = g->directory_ref[0];
}

static void make(struct gift *g, uint64_t length)
{
	unsigned int i, extra;

	g->pages = (unsigned int)(length / XENAPT_PAGE_SIZE);
	g->lists = (g->pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES;
	extra = g->lists > 1;
	g->share = xengntshr_open(NULL, 0);
	if (!g->share || !g->pages || g->pages > PAGES_MAX)
		die("gntalloc");
	g->memory = xengntshr_share_pages(g->share, parent.domid, (int)g->pages, g->ref, !is("read-only"));
	g->directory = xengntshr_share_pages(g->share, parent.domid, (int)(g->lists + extra),
					     g->directory_ref, 0);
	if (!g->memory || !g->directory)
		die("xengntshr_share_pages");
	memset(g->memory, 0, length);
	for (i = 0; i < g->lists; i++)
		fill(g, g->directory + extra + i, i);
	if (extra) {
		*g->directory = (struct xenapt_directory){ .magic = XENAPT_DIR_MAGIC, .level = XENAPT_DIR_INDEX,
							   .count = (uint16_t)g->lists };
		memcpy(g->directory->gref, g->directory_ref + 1, g->lists * sizeof(uint32_t));
	}
	spoil(g);
}

static void answer_offer(struct gift *g, const struct xenapt_request *q, struct xenapt_response *r)
{
	make(g, q->u.offer.length);
	r->value = is("nowhere") ? 0xfffff : g->directory_ref[0];
	if (is("wide"))
		r->value |= 1ull << 32;
	if (is("silent"))
		return;
	parent_respond(&parent, *r);
}

/* The guest has read the directory, and mapped what stands there. */
static void mapped(struct gift *g)
{
	if (is("change"))
		memset(g->directory, 0xff, XENAPT_PAGE_SIZE);
	if (is("end"))
		xengntshr_unshare(g->share, g->memory, g->pages);
}

static bool answer(struct gift *g, const struct xenapt_request *q)
{
	struct xenapt_response r = { .id = q->id, .type = q->type, .handle = 0x1234 };

	printf("request %u\n", q->type);
	fflush(stdout);
	if (q->type == XENAPT_REQ_OPEN)
		r.value = q->u.open.wanted;
	if (q->type == XENAPT_REQ_OFFER) {
		answer_offer(g, q, &r);
		return true;
	}
	if (q->type == XENAPT_REQ_MAP)
		mapped(g);
	parent_respond(&parent, r);
	return q->type != XENAPT_REQ_RELEASE;
}

int main(int argc, char **argv)
{
	static struct gift gift;
	struct xenapt_request q;

	if (argc != 4) {
		fprintf(stderr, "usage: giving-parent DOMID DEVID CASE\n");
		return 2;
	}
	what = argv[3];
	parent_init(&parent, argv[1], argv[2], false);
	parent.all = true;
	parent_offer(&parent);
	parent_accept(&parent);
	parent_wait_front(&parent, 4);
	printf("connected epoch=%u\n", parent.epoch);
	fflush(stdout);
	while (parent_request(&parent, &q, 15000) && answer(&gift, &q))
		;
	return 0;
}
