// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of a first and last page that hold octets of somebody else's: the copy is granted, the page
 * is not. Both change at any time. The octets as they were when both were last the same tell which
 * side changed one; only such are stored, so that what a program stores beside them is never undone.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include "frontend.h"

struct apf_edge {
	struct page *page;		/* held or pinned by us */
	struct page *copy;		/* the granted memory's */
	u8 *before;			/* a page: both, when they were last the same */
	unsigned int from, to;		/* octets of the aperture */
};

struct apf_partial {
	spinlock_t lock;
	bool ended;
	bool to_parent;			/* the other side only reads */
	struct apf_pins *pins;		/* NULL: pages are held, not pinned */
	unsigned int edges;
	struct apf_edge edge[2];
};

static void sync_octet(u8 *mine, u8 *theirs, u8 *before, bool to_parent, bool parent_wins)
{
	u8 m = READ_ONCE(*mine), t = READ_ONCE(*theirs);

	if (t != *before && !to_parent && (parent_wins || m == *before)) {
		if (m != t)
			WRITE_ONCE(*mine, t);
		*before = t;
	} else if (m != t) {
		WRITE_ONCE(*theirs, m);
		*before = m;
	} else {
		*before = m;
	}
}

static bool same_word(const u8 *mine, const u8 *theirs, const u8 *before)
{
	u64 b = *(const u64 *)before;

	return READ_ONCE(*(const u64 *)mine) == b && READ_ONCE(*(const u64 *)theirs) == b;
}

static void sync_edge(const struct apf_partial *p, struct apf_edge *e, bool parent_wins)
{
	u8 *mine = kmap_local_page(e->page);
	u8 *theirs = kmap_local_page(e->copy);
	unsigned int i;

	for (i = e->from; i < e->to; i++) {
		if (i % 8 == 0 && i + 8 <= e->to && same_word(mine + i, theirs + i, e->before + i))
			i += 7;
		else
			sync_octet(mine + i, theirs + i, e->before + i, p->to_parent, parent_wins);
	}
	kunmap_local(theirs);
	kunmap_local(mine);
}

/* Any context. An octet that both changed is the parent's, or this side's. */
void apf_partial_sync(struct apf_partial *p, bool parent_wins)
{
	unsigned long flags;
	unsigned int i;

	if (!p)
		return;
	spin_lock_irqsave(&p->lock, flags);
	for (i = 0; i < p->edges && !p->ended; i++)
		sync_edge(p, &p->edge[i], parent_wins);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void release_edge(struct apf_partial *p, struct apf_edge *e)
{
	if (!e->page)
		return;
	if (p->pins)
		apf_pins_release(p->pins, e->page);
	else
		apf_page_let_go(e->page);
	e->page = NULL;
	kfree(e->before);
	e->before = NULL;
}

/*
 * Nobody but the copies' owner uses p from here on: it lets go of the pages. To be called before the
 * memory that p was made for is released.
 */
void apf_partial_end(struct apf_partial *p)
{
	unsigned int i;

	if (!p)
		return;
	spin_lock_irq(&p->lock);
	p->ended = true;
	spin_unlock_irq(&p->lock);
	for (i = 0; i < p->edges; i++)
		release_edge(p, &p->edge[i]);
}

void apf_partial_free(struct apf_partial *p)
{
	kfree(p);
}

/* A copy takes the place of page i of m. */
static int add_edge(struct apf_partial *p, struct apf_memory *m, unsigned int i, unsigned int from,
		    unsigned int to)
{
	struct apf_edge *e = &p->edge[p->edges];

	e->before = kzalloc(XENAPT_PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	e->copy = e->before ? apf_page_alloc() : NULL;
	if (!e->copy) {
		kfree(e->before);
		return -ENOMEM;
	}
	e->page = m->page[i];
	e->from = from;
	e->to = to;
	m->page[i] = e->copy;
	m->first_copied |= i == 0;
	m->last_copied |= i == m->pages - 1;
	p->edges++;
	return 0;
}

/* A copy starts as zeros, and so as the parent's last word: all differences are this side's. */
struct apf_partial *apf_partial_make(struct apf_memory *m, u32 offset, u64 length, bool to_parent)
{
	unsigned int end = (offset + length - 1) % XENAPT_PAGE_SIZE + 1;	/* in the last page */
	bool alone = m->pages == 1;
	struct apf_partial *p;
	int err = 0;

	if (!offset && end == XENAPT_PAGE_SIZE)
		return NULL;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&p->lock);
	p->to_parent = to_parent;
	p->pins = m->pins;
	if (offset || alone)
		err = add_edge(p, m, 0, offset, alone ? end : XENAPT_PAGE_SIZE);
	if (!err && !alone && end != XENAPT_PAGE_SIZE)
		err = add_edge(p, m, m->pages - 1, 0, end);
	if (!err) {
		apf_partial_sync(p, false);
		return p;
	}
	apf_partial_end(p);
	apf_partial_free(p);
	return ERR_PTR(err);
}
