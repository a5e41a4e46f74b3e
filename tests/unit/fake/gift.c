/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the parent gives: pages of its own, granted to the child with a directory. */
#include "pair.h"

#include <string.h>

static bool grant_range(struct fake_host *h, uint32_t frame, uint32_t n, bool read_only,
			uint32_t *refs)
{
	for (uint32_t i = 0; i < n; i++) {
		refs[i] = fake_grant(h->f, h->dom, h->child, frame + i, read_only);
		if (!refs[i])
			return false;
	}
	return true;
}

/* Of one list page: the fake gives no more. */
static void describe(struct fake_host *h, struct fake_gift *g)
{
	struct xenapt_directory *page = fake_page(h->f, h->dom, g->frame + g->pages);

	page->magic = XENAPT_DIR_MAGIC;
	page->level = XENAPT_DIR_LIST;
	page->count = (uint16_t)g->pages;
	memcpy(page->gref, g->refs, g->pages * sizeof(uint32_t));
}

static enum xenapt_status new_gift(struct fake_host *h, struct fake_gift *g,
				   const struct xapt_gift *asked)
{
	if (asked->pages > FAKE_GIFT_PAGES || asked->pages > h->givable)
		return XENAPT_E_GIVEN_PAGES;
	*g = (struct fake_gift){ .pages = asked->pages, .read_only = asked->child_read_only };
	g->frame = fake_pages(h->f, h->dom, g->pages + 1);
	if (!grant_range(h, g->frame, g->pages, g->read_only, g->refs) ||
	    !grant_range(h, g->frame + g->pages, 1, true, &g->directory))
		return XENAPT_E_MEMORY;
	describe(h, g);
	h->givable -= g->pages;
	return XENAPT_OK;
}

static struct fake_gift *find(struct fake_host *h, uint32_t directory)
{
	for (unsigned int i = 0; i < FAKE_GIFTS; i++)
		if (h->gift[i].directory == directory)
			return &h->gift[i];
	return NULL;
}

enum xenapt_status fake_give(void *host, struct xapt_gift *asked)
{
	struct fake_host *h = host;
	struct fake_gift *g = find(h, asked->again);
	enum xenapt_status status = XENAPT_OK;

	if (!g)
		return asked->again ? XENAPT_E_LOST : XENAPT_E_MEMORY;
	if (!asked->again)
		status = new_gift(h, g, asked);
	else if (g->used || g->pages != asked->pages || g->read_only != asked->child_read_only)
		status = XENAPT_E_LOST;
	if (status != XENAPT_OK)
		return status;
	g->used = true;
	asked->directory = g->directory;
	asked->addr = fake_page(h->f, h->dom, g->frame);
	asked->cookie = g;
	return XENAPT_OK;
}

/* A child that still maps it keeps it: then the pages are left, and counted. */
void fake_take_back(void *host, struct xapt_gift *gift, bool released)
{
	struct fake_host *h = host;
	struct fake_gift *g = gift->cookie;
	bool kept = false;

	gift->addr = NULL;
	g->used = false;
	if (!released)
		return;
	for (uint32_t i = 0; i < g->pages; i++)
		kept |= fake_grant_end(h->f, h->dom, g->refs[i]) != 0;
	kept |= fake_grant_end(h->f, h->dom, g->directory) != 0;
	if (!kept)
		fake_pages_free(h->f, h->dom, g->frame, g->pages + 1);
	h->givable += g->pages;
	*g = (struct fake_gift){ 0 };
}

uint64_t fake_givable(void *host, bool child_read_only)
{
	(void)child_read_only;
	return ((struct fake_host *)host)->givable;
}
