// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child that lies about memory of the parent's: it says RELEASE and keeps all of it mapped, the
 * directory too. What is in such memory, and in that of keep, is looked at and written here.
 */
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "selftest.h"

#define PAGES_MAX	64u
#define WORDS		(XENAPT_PAGE_SIZE / 8)

/* [0]: the directory. One at a time. */
static struct page *page[1 + PAGES_MAX];
static grant_handle_t handle[1 + PAGES_MAX];
static u32 flags[1 + PAGES_MAX];
static unsigned int mapped;		/* of them */

static int map(domid_t parent, u32 ref, u32 how)
{
	struct gnttab_map_grant_ref op;
	int err = gnttab_alloc_pages(1, &page[mapped]);

	if (err)
		return err;
	gnttab_set_map_op(&op, (unsigned long)page_address(page[mapped]), GNTMAP_host_map | how, ref,
			  parent);
	err = gnttab_map_refs(&op, NULL, &page[mapped], 1);
	if (err || op.status != GNTST_okay) {
		gnttab_free_pages(1, &page[mapped]);
		return -EIO;
	}
	handle[mapped] = op.handle;
	flags[mapped++] = op.flags;
	return 0;
}

void overstay_end(void)
{
	struct gnttab_unmap_grant_ref op;

	while (mapped) {
		mapped--;
		gnttab_set_unmap_op(&op, (unsigned long)page_address(page[mapped]), flags[mapped],
				    handle[mapped]);
		if (gnttab_unmap_refs(&op, NULL, &page[mapped], 1) || op.status != GNTST_okay)
			pr_err("page %u stays mapped: %d\n", mapped, op.status);
		else
			gnttab_free_pages(1, &page[mapped]);
	}
}

/* Nothing of it is checked: the parent is the tests' own. */
static int map_all(domid_t parent, u32 reference, unsigned int pages)
{
	const struct xenapt_directory *d;
	unsigned int i;
	int err = map(parent, reference, GNTMAP_readonly);

	if (err)
		return err;
	d = page_address(page[0]);
	for (i = 0; i < pages && !err; i++)
		err = map(parent, d->gref[i], 0);
	if (err)
		overstay_end();
	return err;
}

static int good(struct run *r, struct xen_aperture_dev *dev, const struct xenapt_request *q,
		struct xenapt_response *rsp)
{
	int err = ask_raw(r, dev, q, rsp);

	return err ?: rsp->status == XENAPT_OK ? 0 : -EPROTO;
}

static int say_all(struct run *r, struct xen_aperture_dev *dev, u64 pages)
{
	static const u8 rest[] = { XENAPT_REQ_MAP, XENAPT_REQ_WITHDRAW, XENAPT_REQ_RELEASE };
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response rsp = { .id = 0 };
	unsigned int i;
	u64 named;
	int err;

	q.u.open.wanted = q.u.open.least = pages * XENAPT_PAGE_SIZE;
	q.u.open.flags = XENAPT_OPEN_PARENT_OWNED;
	err = good(r, dev, &q, &rsp);
	named = rsp.handle;
	q = (struct xenapt_request){ .type = XENAPT_REQ_OFFER };
	q.u.offer.handle = named;
	q.u.offer.length = pages * XENAPT_PAGE_SIZE;
	err = err ?: good(r, dev, &q, &rsp) ?: map_all(0, rsp.value, pages);
	for (i = 0; i < ARRAY_SIZE(rest) && !err; i++) {
		q = (struct xenapt_request){ .type = rest[i] };
		q.u.named.handle = named;
		err = good(r, dev, &q, &rsp);
	}
	return err;
}

/* Of a parent in domain 0. */
int cmd_overstay(struct run *r)
{
	struct xen_aperture_dev *dev;
	u64 pages;
	int err;

	err = arg_u64(r, 2, &pages) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	overstay_end();
	err = pages && pages <= PAGES_MAX ? say_all(r, dev, pages) : -EINVAL;
	say(r, "mapped=%u\n", mapped);
	xen_aperture_dev_put(dev);
	return err;
}

struct seen {
	u64 zero, so, other;
};

static void look(u64 *words, bool fill, u64 value, struct seen *seen)
{
	unsigned int i;
	u64 word;

	for (i = 0; i < WORDS; i++) {
		if (fill)
			WRITE_ONCE(words[i], value);
		word = READ_ONCE(words[i]);
		seen->so += word == value;
		seen->zero += word != value && !word;
		seen->other += word != value && word;
	}
}

/* Of overstay without its directory. */
int cmd_memory(struct run *r)
{
	bool stayed = !strcmp(r->argv[1], "stayed"), fill = !strcmp(r->argv[2], "fill");
	struct seen seen = { 0 };
	u64 pages, value, i;
	u64 *memory = kept_memory(&pages);
	int err = arg_u64(r, 3, &value);

	if (stayed)
		pages = mapped ? mapped - 1 : 0;
	if (!err && !pages)
		err = -ENOENT;
	for (i = 0; i < pages && !err; i++)
		look(stayed ? page_address(page[1 + i]) : memory + i * WORDS, fill, value, &seen);
	say(r, "so=%llu zero=%llu other=%llu\n", seen.so, seen.zero, seen.other);
	return err;
}
