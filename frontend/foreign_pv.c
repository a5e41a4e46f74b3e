// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs' mappings in a PV guest: Xen writes each page-table entry, and each must be given back by
 * a call before the kernel clears it; Xen destroys a domain that just clears one. The kernel
 * says beforehand, through the notifier, which addresses it will change: munmap, mprotect, mremap,
 * madvise, exit.
 */
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <asm/xen/page.h>
#include <xen/page.h>

#include "foreign_view.h"

#define VIEWS_MAX	16u	/* mappings of one aperture by programs */

#if IS_ENABLED(CONFIG_XEN_PV) && IS_ENABLED(CONFIG_MMU_NOTIFIER)

#define USER_FLAGS	(GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte | \
			 (1u << _GNTMAP_guest_avail0))	/* that is a special entry */

static_assert(_PAGE_BIT_SPECIAL == _PAGE_BIT_SOFTW1);

/* lock is held. Pages first .. last - 1 of the view. */
static void unmap_entries(struct foreign_view *v, unsigned long first, unsigned long last)
{
	struct gnttab_unmap_grant_ref op[FOREIGN_CHUNK];
	unsigned int n = 0;

	for (; first < last; first++) {
		if (v->handle[first] == INVALID_GRANT_HANDLE)
			continue;
		gnttab_set_unmap_op(&op[n++], v->entry[first], USER_FLAGS, v->handle[first]);
		v->handle[first] = INVALID_GRANT_HANDLE;
		if (n < FOREIGN_CHUNK)
			continue;
		foreign_unmap_chunk(op, n);
		n = 0;
	}
	foreign_unmap_chunk(op, n);
}

static bool invalidate(struct mmu_interval_notifier *mni, const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct foreign_view *v = container_of(mni, struct foreign_view, notifier);
	unsigned long end = v->start + v->pages * PAGE_SIZE;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&v->f->lock);
	else if (!mutex_trylock(&v->f->lock))
		return false;
	mmu_interval_set_seq(mni, seq);
	if (range->end > v->start && range->start < end)
		unmap_entries(v, (max(range->start, v->start) - v->start) >> PAGE_SHIFT,
			      DIV_ROUND_UP(min(range->end, end) - v->start, PAGE_SIZE));
	mutex_unlock(&v->f->lock);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = invalidate,
};

void foreign_pv_revoke(struct apf_foreign *f)
{
	struct foreign_view *v;

	mutex_lock(&f->lock);
	list_for_each_entry(v, &f->views, list)
		unmap_entries(v, 0, v->pages);
	mutex_unlock(&f->lock);
}

/* Each takes entries of the guest's maptrack table: a program has no use for many. */
static bool one_more(struct apf_foreign *f)
{
	unsigned int count = 0;
	struct foreign_view *v;

	mutex_lock(&f->lock);
	list_for_each_entry(v, &f->views, list)
		count++;
	mutex_unlock(&f->lock);
	return count < VIEWS_MAX;
}

int foreign_pv_view_begin(struct foreign_view *v, struct mm_struct *mm)
{
	unsigned long i;
	int err = -ENOMEM;

	if (!one_more(v->f))
		return -ENOSPC;
	v->entry = kvmalloc_array(v->pages, sizeof(*v->entry), GFP_KERNEL_ACCOUNT);
	v->handle = kvmalloc_array(v->pages, sizeof(*v->handle), GFP_KERNEL_ACCOUNT);
	if (v->entry && v->handle)
		err = mmu_interval_notifier_insert_locked(&v->notifier, mm, v->start,
							  v->pages * PAGE_SIZE, &notifier_ops);
	if (err) {
		kvfree(v->entry);
		kvfree(v->handle);
		return err;
	}
	for (i = 0; i < v->pages; i++)
		v->handle[i] = INVALID_GRANT_HANDLE;
	mutex_lock(&v->f->lock);
	list_add_tail(&v->list, &v->f->views);
	mutex_unlock(&v->f->lock);
	return 0;
}

void foreign_pv_view_end(struct foreign_view *v)
{
	mmu_interval_notifier_remove(&v->notifier);
	mutex_lock(&v->f->lock);
	list_del(&v->list);
	unmap_entries(v, 0, v->pages);
	mutex_unlock(&v->f->lock);
	kvfree(v->entry);
	kvfree(v->handle);
}

/* The tables stay where they are while the caller has the mmap_lock. */
static int note_entry(pte_t *pte, unsigned long addr, void *data)
{
	struct foreign_view *v = data;

	v->entry[(addr - v->start) >> PAGE_SHIFT] = arbitrary_virt_to_machine(pte).maddr;
	return 0;
}

static int map_some(struct foreign_view *v, const unsigned long *at, const grant_ref_t *ref,
		    unsigned int n, bool writable)
{
	u32 flags = USER_FLAGS | (writable ? 0 : GNTMAP_readonly);
	struct gnttab_map_grant_ref op[FOREIGN_CHUNK];
	grant_handle_t handle[FOREIGN_CHUNK];
	unsigned int i, bad = 0;
	int status;

	for (i = 0; i < n; i++)
		gnttab_set_map_op(&op[i], v->entry[at[i]], flags, ref[i], v->f->parent);
	status = foreign_map_chunk(op, handle, n, &bad);
	for (i = 0; i < n; i++)
		v->handle[at[i]] = handle[i];
	if (status == GNTST_okay)
		return 0;
	if (foreign_full(status)) {
		pr_warn_ratelimited("xen-aperture: %s[%d]: %lu pages cannot be mapped for a program, which takes an entry a page beside the kernel's: " FOREIGN_FULL "\n",
				    current->comm, task_pid_nr(current), v->pages);
		return -ENOSPC;
	}
	pr_warn_ratelimited("xen-aperture: reference %u of domain %u cannot be mapped for a program: Xen says %d\n",
			    ref[bad], v->f->parent, status);
	return -EIO;
}

/* lock is held. What is mapped stays as it is. */
static int map_entries(struct foreign_view *v, unsigned long first, unsigned long last,
		       unsigned long page, bool writable)
{
	unsigned long at[FOREIGN_CHUNK];
	grant_ref_t ref[FOREIGN_CHUNK];
	unsigned int n = 0;
	int err = 0;

	for (; first < last && !err; first++, page++) {
		if (v->handle[first] != INVALID_GRANT_HANDLE)
			continue;
		at[n] = first;
		ref[n++] = v->f->gref[page];
		if (n < FOREIGN_CHUNK)
			continue;
		err = map_some(v, at, ref, n, writable);
		n = 0;
	}
	return err || !n ? err : map_some(v, at, ref, n, writable);
}

/* The kernel does not change these addresses from here until the lock is let go. */
static void lock_entries(struct foreign_view *v)
{
	unsigned long seq;

	for (;;) {
		seq = mmu_interval_read_begin(&v->notifier);
		mutex_lock(&v->f->lock);
		if (!mmu_interval_read_retry(&v->notifier, seq))
			return;
		mutex_unlock(&v->f->lock);
	}
}

int foreign_pv_fill(struct vm_area_struct *vma, unsigned long start, unsigned long size)
{
	struct foreign_view *v = vma->vm_private_data;
	unsigned long first = (start - v->start) >> PAGE_SHIFT;
	int err = apply_to_page_range(vma->vm_mm, start, size, note_entry, v);

	if (err)
		return err;
	lock_entries(v);
	err = foreign_view_state(v->f);
	if (!err)
		err = map_entries(v, first, first + (size >> PAGE_SHIFT),
				  linear_page_index(vma, start), vma->vm_flags & VM_WRITE);
	mutex_unlock(&v->f->lock);
	return err;
}

#endif
