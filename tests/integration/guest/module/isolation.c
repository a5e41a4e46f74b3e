// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a test needs to try things that are not its own: an aperture whose references are told, handles
 * told and used as numbers, a directory that is changed after it was read.
 */
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#include "selftest.h"

static struct xen_aperture *kept;
static struct xen_aperture_dev *kept_dev;

void *kept_memory(u64 *pages)
{
	*pages = kept ? xen_aperture_size(kept) / XENAPT_PAGE_SIZE : 0;
	return kept ? xen_aperture_memory(kept) : NULL;
}

void isolation_end(void)
{
	if (!kept)
		return;
	xen_aperture_free(kept);
	xen_aperture_dev_put(kept_dev);
	kept = NULL;
}

/* One at a time. The references of memory that the parent owns are not told: they are its. */
int cmd_keep(struct run *r)
{
	struct xen_aperture_wish wish = { .tag = 1 };
	struct xen_aperture_dev *dev;
	struct xen_aperture *ap;
	u64 pages, flags;
	u32 status = 0;
	unsigned int i;
	int err;

	err = arg_u64(r, 2, &pages) ?: arg_u64(r, 3, &flags) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	isolation_end();
	wish.wanted = wish.least = pages * XENAPT_PAGE_SIZE;
	wish.flags = flags;
	ap = xen_aperture_create(dev, &wish, &status);
	if (IS_ERR(ap)) {
		say(r, "status=%s\n", xen_aperture_status_name(status));
		xen_aperture_dev_put(dev);
		return PTR_ERR(ap);
	}
	kept = ap;
	kept_dev = dev;
	if (flags & XENAPT_OPEN_PARENT_OWNED)
		return 0;
	for (i = 0; i < pages; i++)
		say(r, "%u\n", xen_aperture_test_gref(ap, i));
	return 0;
}

int cmd_unkeep(struct run *r)
{
	isolation_end();
	return 0;
}

/*
 * Xen's own word, past every driver: 0: mapped, and unmapped again; negative: refused. Xen maps nothing
 * for a device of a PVH guest, whatever was granted: there it is a place for the page that decides.
 */
static int try_map(struct page *place, domid_t domid, u32 ref, bool writable)
{
	u32 flags = (place ? GNTMAP_host_map : GNTMAP_device_map) | (writable ? 0 : GNTMAP_readonly);
	struct gnttab_unmap_grant_ref unmap = { .host_addr = 0 };
	struct gnttab_map_grant_ref map = {
		.flags = flags, .ref = ref, .dom = domid,
	};
	unsigned long address = place ? (unsigned long)page_address(place) : 0;

	if (place)
		gnttab_set_map_op(&map, address, flags, ref, domid);
	if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &map, 1))
		return -EIO;
	if (map.status != GNTST_okay)
		return map.status;
	if (place)
		gnttab_set_unmap_op(&unmap, address, flags, map.handle);
	unmap.handle = map.handle;
	unmap.dev_bus_addr = place ? 0 : map.dev_bus_addr;
	if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1) || unmap.status)
		pr_err("reference %u was mapped and cannot be unmapped: %d\n", ref, unmap.status);
	return 0;
}

/* ro, rw, any: both; REFERENCE, or DOMAIN:REFERENCE for another one than the command's. */
static int try_argument(struct run *r, unsigned int i, struct page *place, u64 domid)
{
	const char *how = r->argv[2];
	char *colon = strchr(r->argv[i], ':');
	u64 ref;

	if (colon) {
		*colon = '\0';
		if (kstrtou64(r->argv[i], 0, &domid))
			return -EINVAL;
		r->argv[i] = colon + 1;
	}
	if (arg_u64(r, i, &ref))
		return -EINVAL;
	if (strcmp(how, "rw"))
		say(r, "domain=%llu reference=%llu status=%d\n", domid, ref,
		    try_map(place, domid, ref, false));
	if (strcmp(how, "ro"))
		say(r, "domain=%llu reference=%llu status=%d\n", domid, ref,
		    try_map(place, domid, ref, true));
	return 0;
}

/* DOMAIN ro|rw|any REFERENCE...; DOMAIN scan FIRST LAST: those that can be mapped read-only. */
int cmd_grantmap(struct run *r)
{
	bool scan = !strcmp(r->argv[2], "scan");
	u64 domid, first = 0, last = 0;
	struct page *place = NULL;
	unsigned int i;
	int err;

	err = arg_u64(r, 1, &domid);
	if (!err && scan)
		err = arg_u64(r, 3, &first) ?: arg_u64(r, 4, &last);
	if (!err && !xen_pv_domain())
		err = gnttab_alloc_pages(1, &place);
	for (i = 3; i < r->argc && !scan && !err; i++)
		err = try_argument(r, i, place, domid);
	for (; scan && !err && first <= last; first++)
		if (!try_map(place, domid, first, false))
			say(r, "%llu\n", first);
	if (place)
		gnttab_free_pages(1, &place);
	return err;
}

/* Every page of it is written and read. */
int cmd_touch(struct run *r)
{
	u64 *memory = kept ? xen_aperture_memory(kept) : NULL;
	u64 words, i;

	if (!memory)
		return -ENOENT;
	words = xen_aperture_size(kept) / 8;
	for (i = 0; i < words; i += XENAPT_PAGE_SIZE / 8)
		WRITE_ONCE(memory[i], i ^ 0x5a5a);
	for (i = 0; i < words; i += XENAPT_PAGE_SIZE / 8)
		if (READ_ONCE(memory[i]) != (i ^ 0x5a5a))
			return -EIO;
	return 0;
}

int ask_raw(struct run *r, struct xen_aperture_dev *dev, const struct xenapt_request *q,
	    struct xenapt_response *rsp)
{
	int err = xen_aperture_test_request(dev, q, rsp);

	say(r, "errno=%d status=%s handle=%#llx value=%llu\n", -err,
	    err ? "-" : xen_aperture_status_name(rsp->status), rsp->handle, rsp->value);
	return err;
}

/* OPEN, and nothing more: the handle. */
int cmd_rawopen(struct run *r)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response rsp = { .id = 0 };
	struct xen_aperture_dev *dev;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	q.u.open.wanted = XENAPT_PAGE_SIZE;
	err = ask_raw(r, dev, &q, &rsp);
	xen_aperture_dev_put(dev);
	return err;
}

/* A request that names any handle. */
int cmd_named(struct run *r)
{
	struct xenapt_response rsp = { .id = 0 };
	struct xenapt_request q = { .id = 0 };
	struct xen_aperture_dev *dev;
	u64 type, handle;
	int err;

	err = arg_u64(r, 2, &type) ?: arg_u64(r, 3, &handle) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	q.type = type;
	q.u.named.handle = handle;
	if (type == XENAPT_REQ_OFFER)
		q.u.offer.length = XENAPT_PAGE_SIZE;
	err = ask_raw(r, dev, &q, &rsp);
	xen_aperture_dev_put(dev);
	return err;
}

/* The parent has its copy: what becomes of the directory's pages after the OFFER is nothing to it. */
static int changed(struct run *r, struct xen_aperture_dev *dev, struct xen_aperture_test_memory *m)
{
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response rsp = { .id = 0 };
	u64 handle, length = (u64)m->pages * XENAPT_PAGE_SIZE;
	unsigned int i;
	int err;

	q.u.open.wanted = length;
	err = ask_raw(r, dev, &q, &rsp);
	handle = rsp.handle;
	q = (struct xenapt_request){ .type = XENAPT_REQ_OFFER };
	q.u.offer.handle = handle;
	q.u.offer.length = length;
	q.u.offer.directory = m->reference;
	err = err ?: ask_raw(r, dev, &q, &rsp);
	for (i = 0; i < m->directories; i++)
		memset(m->directory[i], 0xff, XENAPT_PAGE_SIZE);
	q = (struct xenapt_request){ .type = XENAPT_REQ_MAP };
	q.u.named.handle = handle;
	err = err ?: ask_raw(r, dev, &q, &rsp);
	if (!err && (rsp.status != XENAPT_OK || rsp.value != m->pages))
		err = -EILSEQ;
	q.type = XENAPT_REQ_WITHDRAW;
	err = ask_raw(r, dev, &q, &rsp) ?: err;
	q.type = XENAPT_REQ_RELEASE;
	return ask_raw(r, dev, &q, &rsp) ?: err;
}

int cmd_changed(struct run *r)
{
	struct xen_aperture_test_memory *m;
	struct xen_aperture_dev *dev;
	unsigned int left;
	u64 pages;
	int err;

	err = arg_u64(r, 2, &pages) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	m = xen_aperture_test_alloc(dev, pages);
	err = PTR_ERR_OR_ZERO(m);
	if (!err) {
		err = changed(r, dev, m);
		left = xen_aperture_test_free(m);
		say(r, "left=%u\n", left);
		err = err ?: left ? -EBUSY : 0;
	}
	xen_aperture_dev_put(dev);
	return err;
}
