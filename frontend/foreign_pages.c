// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's mapping of the parent's pages: one range of addresses from the first to the last day.
 * Under PVH, Xen puts them at guest frames where there is no memory (unpopulated pages), which are
 * mapped as any. A PV kernel may not write such page-table entries at all: Xen does, so what
 * it gets is the machine address of each entry, and no pages are needed.
 */
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/page.h>

#include "foreign_parts.h"

#define NAME "xen-aperture"

/* vmap() made it: always of small pages. */
static pte_t *entry_of(struct apf_foreign *f, unsigned int i)
{
	unsigned int level;

	return lookup_address((unsigned long)f->address + i * PAGE_SIZE, &level);
}

static u32 flags_of(struct apf_foreign *f)
{
	return GNTMAP_host_map | (foreign_pv() ? GNTMAP_contains_pte : 0) |
	       (f->read_only ? GNTMAP_readonly : 0);
}

static u64 place_of(struct apf_foreign *f, unsigned int i)
{
	if (foreign_pv())
		return arbitrary_virt_to_machine(entry_of(f, i)).maddr;
	return (unsigned long)pfn_to_kaddr(page_to_pfn(f->page[i]));
}

int foreign_map_chunk(struct gnttab_map_grant_ref *op, grant_handle_t *handle, unsigned int n,
		      unsigned int *bad)
{
	int status = GNTST_okay;
	unsigned int i;

	if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, op, n))
		status = GNTST_general_error;
	for (i = 0; i < n; i++) {
		handle[i] = op[i].status == GNTST_okay ? op[i].handle : INVALID_GRANT_HANDLE;
		if (op[i].status == GNTST_okay || status)
			continue;
		status = op[i].status;
		*bad = i;
	}
	return status;
}

void foreign_unmap_chunk(struct gnttab_unmap_grant_ref *op, unsigned int n)
{
	unsigned int i;

	if (!n)
		return;
	WARN_ON_ONCE(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, op, n));
	for (i = 0; i < n; i++)
		if (op[i].status != GNTST_okay)
			pr_warn_ratelimited(NAME ": grant handle %u was not unmapped: Xen says %d\n",
					    op[i].handle, op[i].status);
}

static int say_bad(struct apf_foreign *f, unsigned int i, int status)
{
	if (foreign_full(status)) {
		pr_warn_ratelimited(NAME ": page %u of %u cannot be mapped: " FOREIGN_FULL "\n",
				    i, f->pages);
		return -ENOSPC;
	}
	pr_warn_ratelimited(NAME ": domain %u: page %u of %u: reference %u cannot be mapped%s: Xen says %d\n",
			    f->parent, i, f->pages, f->gref[i],
			    f->read_only ? " read-only" : "", status);
	return -EIO;
}

static void unmap_all(struct apf_foreign *f)
{
	struct gnttab_unmap_grant_ref op[FOREIGN_CHUNK];
	unsigned int i, n = 0;

	for (i = 0; i < f->pages; i++) {
		if (f->handle[i] == INVALID_GRANT_HANDLE)
			continue;
		gnttab_set_unmap_op(&op[n++], place_of(f, i), flags_of(f), f->handle[i]);
		f->handle[i] = INVALID_GRANT_HANDLE;
		if (n < FOREIGN_CHUNK)
			continue;
		foreign_unmap_chunk(op, n);
		n = 0;
	}
	foreign_unmap_chunk(op, n);
}

/* All or none; also with all processors stopped. 0, or Xen's status of page *bad. */
static int map_all(struct apf_foreign *f, unsigned int *bad)
{
	struct gnttab_map_grant_ref op[FOREIGN_CHUNK];
	unsigned int at, i, n;
	int status = GNTST_okay;

	for (at = 0; at < f->pages && status == GNTST_okay; at += n) {
		n = min(f->pages - at, FOREIGN_CHUNK);
		for (i = 0; i < n; i++)
			gnttab_set_map_op(&op[i], place_of(f, at + i), flags_of(f),
					  f->gref[at + i], f->parent);
		*bad = 0;
		status = foreign_map_chunk(op, f->handle + at, n, bad);
		*bad += at;
	}
	if (status != GNTST_okay)
		unmap_all(f);
	return status;
}

static struct page **array_of(struct page *page, unsigned int pages)
{
	struct page **array = kvmalloc_array(pages, sizeof(*array), GFP_KERNEL | __GFP_NOWARN);
	unsigned int i;

	for (i = 0; array && i < pages; i++)
		array[i] = page;
	return array;
}

/* PV: addresses with page tables, whose entries Xen will fill. */
static int make_place_pv(struct apf_foreign *f)
{
	struct page **blank = array_of(ZERO_PAGE(0), f->pages);

	if (blank)
		f->address = vmap(blank, f->pages, VM_MAP, PAGE_KERNEL_RO);
	kvfree(blank);
	return f->address ? 0 : -ENOMEM;
}

static int make_place(struct apf_foreign *f)
{
	int err;

	if (foreign_pv())
		return make_place_pv(f);
	f->page = array_of(NULL, f->pages);
	if (!f->page)
		return -ENOMEM;
	err = gnttab_alloc_pages(f->pages, f->page);
	if (!err)
		return 0;
	kvfree(f->page);
	f->page = NULL;
	pr_warn_ratelimited(NAME ": no guest frames to map %u pages of another domain on (error %d): the kernel needs CONFIG_XEN_UNPOPULATED_ALLOC, or memory that it can balloon out\n",
			    f->pages, err);
	return err == -ENOMEM ? -ENOMEM : -EOPNOTSUPP;
}

static void free_frames(struct apf_foreign *f)
{
	if (!f->page)
		return;
	gnttab_free_pages(f->pages, f->page);
	kvfree(f->page);
	f->page = NULL;
}

static void free_place(struct apf_foreign *f)
{
	vunmap(f->address);
	f->address = NULL;
	free_frames(f);
}

int foreign_pages_map(struct apf_foreign *f)
{
	unsigned int bad;
	int err, status;

	f->spare = alloc_page(GFP_KERNEL | __GFP_ZERO);
	err = f->spare ? make_place(f) : -ENOMEM;
	if (err)
		return err;
	status = map_all(f, &bad);
	if (status != GNTST_okay) {
		free_place(f);
		return say_bad(f, bad, status);
	}
	if (!f->address)
		f->address = vmap(f->page, f->pages, VM_MAP,
				  f->read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
	if (f->address)
		return 0;
	unmap_all(f);
	free_place(f);
	return -ENOMEM;
}

static void free_copy(struct apf_foreign *f)
{
	unsigned int i;

	for (i = 0; f->copy && i < f->pages; i++) {
		if (!f->copy[i])
			continue;
		set_page_private(f->copy[i], 0);
		__free_page(f->copy[i]);
	}
	kvfree(f->copy);
	f->copy = NULL;
	if (f->lost)
		f->spare = f->lost;
	f->lost = NULL;
}

/* The addresses go first: whatever the frames were, nobody reaches them. */
void foreign_pages_unmap(struct apf_foreign *f)
{
	void *address = f->address;

	if (foreign_pv()) {
		unmap_all(f);
		vunmap(address);
	} else {
		vunmap(address);
		unmap_all(f);
		free_frames(f);
	}
	f->address = NULL;
	free_copy(f);
}

/*
 * Going away and coming back change every entry of the range while somebody may use it: all
 * processors stand still, and forget what they knew of it before they go on.
 */
struct swap {
	struct apf_foreign *f;
	int (*work)(struct apf_foreign *f);
	atomic_t arrived;
	bool done;
	int result;
};

static int on_each_processor(void *data)
{
	struct swap *s = data;

	if (atomic_inc_return(&s->arrived) == 1) {
		s->result = s->work(s->f);
		smp_store_release(&s->done, true);
	}
	while (!smp_load_acquire(&s->done))
		cpu_relax();
	__flush_tlb_all();
	return 0;
}

static int with_all_stopped(struct apf_foreign *f, int (*work)(struct apf_foreign *f))
{
	struct swap s = { .f = f, .work = work };
	int err = stop_machine(on_each_processor, &s, cpu_online_mask);

	return err ?: s.result;
}

static void show_frames(struct apf_foreign *f)
{
	pgprot_t prot = f->read_only ? PAGE_KERNEL_RO : PAGE_KERNEL;
	unsigned int i;

	for (i = 0; i < f->pages; i++)
		set_pte(entry_of(f, i), mk_pte(f->page[i], prot));
}

/* page_private() of a copy: the kernel's users wrote to it. Until then its entry is clean. */
static void show_copy(struct apf_foreign *f)
{
	unsigned int i;

	for (i = 0; i < f->pages; i++) {
		pte_t entry = mk_pte(f->copy ? f->copy[i] : f->lost, PAGE_KERNEL);

		if (f->copy && !page_private(f->copy[i]))
			entry = pte_mkclean(entry);
		set_pte(entry_of(f, i), entry);
	}
}

static void note_written(struct apf_foreign *f)
{
	unsigned int i;

	for (i = 0; f->copy && i < f->pages; i++)
		if (pte_dirty(*entry_of(f, i)))
			set_page_private(f->copy[i], 1);
}

static void *here(struct apf_foreign *f, unsigned int i)
{
	return f->address + i * PAGE_SIZE;
}

/* PV: Xen clears the entry of what it unmaps, and all processors' knowledge of it. */
static int swap_out(struct apf_foreign *f)
{
	unsigned int i;

	for (i = 0; f->copy && i < f->pages; i++)
		memcpy(page_address(f->copy[i]), here(f, i), PAGE_SIZE);
	if (foreign_pv())
		unmap_all(f);
	show_copy(f);
	return 0;
}

/* Without MAYFAIL a single page is tried for for ever: nothing may be killed or written meanwhile. */
#define GFP_COPY (GFP_NOIO | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

static int make_copy(struct apf_foreign *f)
{
	unsigned int i;

	f->copy = array_of(NULL, f->pages);
	if (!f->copy)
		return -ENOMEM;
	for (i = 0; i < f->pages; i++) {
		f->copy[i] = alloc_page(GFP_COPY);
		if (!f->copy[i]) {
			free_copy(f);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Without a copy all addresses show one page. */
static int make_lost(struct apf_foreign *f)
{
	f->lost = f->spare;
	clear_page(page_address(f->lost));
	f->spare = NULL;
	return -ENOMEM;
}

int foreign_pages_leave(struct apf_foreign *f, bool keep)
{
	int err = keep ? make_copy(f) : -ENOMEM;

	if (err)
		err = make_lost(f);
	with_all_stopped(f, swap_out);
	if (!foreign_pv()) {
		unmap_all(f);
		free_frames(f);
	}
	return err;
}

/*
 * What the kernel's users wrote meanwhile is in the copy. All else is in the memory itself, if it is the
 * same: newer, when the parent had not heard of the suspend yet and went on.
 */
static void fill_in(struct apf_foreign *f)
{
	unsigned int i;

	for (i = 0; f->copy && !f->read_only && i < f->pages; i++)
		if (!f->same || page_private(f->copy[i]))
			memcpy(here(f, i), page_address(f->copy[i]), PAGE_SIZE);
}

static int swap_in(struct apf_foreign *f)
{
	unsigned int bad;
	int status = GNTST_okay;

	note_written(f);
	if (foreign_pv())
		status = map_all(f, &bad);
	else
		show_frames(f);
	if (status != GNTST_okay) {
		show_copy(f);
		return say_bad(f, bad, status);
	}
	__flush_tlb_all();
	fill_in(f);
	return 0;
}

static int map_frames(struct apf_foreign *f)
{
	unsigned int bad;
	int err = make_place(f);
	int status;

	if (err)
		return err;
	status = map_all(f, &bad);
	if (status == GNTST_okay)
		return 0;
	free_frames(f);
	return say_bad(f, bad, status);
}

int foreign_pages_return(struct apf_foreign *f)
{
	int err = foreign_pv() ? 0 : map_frames(f);

	if (!err)
		err = with_all_stopped(f, swap_in);
	if (!err)
		free_copy(f);
	return err;
}
