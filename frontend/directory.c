// SPDX-License-Identifier: GPL-2.0-only
/* The page directory of an aperture: section 5.1 of the contract. */
#include <linux/mm.h>

#include "frontend.h"

static void fill_page(struct page *page, u16 level, u32 index, const grant_ref_t *gref,
		      unsigned int count)
{
	struct xenapt_directory *d = page_address(page);

	d->magic = XENAPT_DIR_MAGIC;
	d->level = level;
	d->count = count;
	d->index = index;
	memcpy(d->gref, gref, count * sizeof(*gref));
}

/* lists: number of list pages, the first of them at page number first. */
static void fill_lists(struct apf_memory *d, unsigned int first, unsigned int lists,
		       const struct apf_memory *m)
{
	unsigned int i, at, count;

	for (i = 0; i < lists; i++) {
		at = i * XENAPT_DIR_ENTRIES;
		count = min(m->pages - at, XENAPT_DIR_ENTRIES);
		fill_page(d->page[first + i], XENAPT_DIR_LIST, i, m->gref + at, count);
	}
}

unsigned int apf_directory_pages(unsigned int pages)
{
	unsigned int lists = DIV_ROUND_UP(pages, XENAPT_DIR_ENTRIES);

	return lists == 1 ? 1 : lists + 1;
}

/* Page 0 is the one to name in OFFER. The memory's references, and d's pages, must exist. */
int apf_directory_fill(struct apf_memory *d, const struct apf_memory *m, domid_t peer)
{
	int err = apf_memory_grant(d, peer, true);

	if (err)
		return err;
	if (d->pages == 1) {
		fill_lists(d, 0, 1, m);
		return 0;
	}
	fill_lists(d, 1, d->pages - 1, m);
	fill_page(d->page[0], XENAPT_DIR_INDEX, 0, d->gref + 1, d->pages - 1);
	return 0;
}

struct apf_memory *apf_directory_make(const struct apf_memory *m, domid_t peer)
{
	struct apf_memory *d = apf_memory_alloc(apf_directory_pages(m->pages));
	int err;

	if (IS_ERR(d))
		return d;
	err = apf_directory_fill(d, m, peer);
	if (!err)
		return d;
	apf_memory_release(d);
	return ERR_PTR(err);
}
