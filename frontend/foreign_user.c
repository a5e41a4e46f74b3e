// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs' mappings of the parent's pages. Entries are special ones: nothing in the kernel takes
 * such a page from them (direct I/O, pinning), so that they can go at any time. A fault puts
 * them back, or waits while the memory is away. All belong to a file of their own: what the
 * device's file is used for otherwise does not matter for finding them.
 */
#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "foreign_view.h"

#define FILL_PAGES	64u	/* by one fault */

int foreign_user_init(struct apf_foreign *f)
{
	f->file = shmem_file_setup("xen-aperture", (loff_t)f->pages * PAGE_SIZE, VM_NORESERVE);
	if (!IS_ERR(f->file))
		return 0;
	f->file = NULL;
	return -ENOMEM;
}

/* The state is not THERE any more: no fault puts back what goes here. */
void foreign_user_revoke(struct apf_foreign *f)
{
	if (foreign_pv())
		foreign_pv_revoke(f);
	else
		unmap_mapping_range(f->file->f_mapping, 0, 0, 1);
}

static int make_table(pte_t *pte, unsigned long addr, void *data)
{
	return 0;
}

static int put_page_in(pte_t *pte, unsigned long addr, void *data)
{
	struct vm_area_struct *vma = data;
	struct foreign_view *v = vma->vm_private_data;
	unsigned long i = linear_page_index(vma, addr);

	if (pte_none(*pte))
		set_pte_at(vma->vm_mm, addr, pte,
			   pte_mkspecial(pfn_pte(page_to_pfn(v->f->page[i]), vma->vm_page_prot)));
	return 0;
}

/* PVH. The tables are made before the lock is taken: then nothing is allocated under it. */
static int fill_frames(struct vm_area_struct *vma, unsigned long start, unsigned long size)
{
	struct foreign_view *v = vma->vm_private_data;
	struct apf_foreign *f = v->f;
	int err = apply_to_page_range(vma->vm_mm, start, size, make_table, NULL);

	if (err)
		return err;
	mutex_lock(&f->lock);
	err = foreign_view_state(f);
	if (!err)
		err = apply_to_page_range(vma->vm_mm, start, size, put_page_in, vma);
	mutex_unlock(&f->lock);
	return err;
}

static int fill(struct vm_area_struct *vma, unsigned long start, unsigned long size)
{
	return foreign_pv() ? foreign_pv_fill(vma, start, size) : fill_frames(vma, start, size);
}

/*
 * Without the mmap_lock, or others of the program would stand in line uninterruptibly. Also what
 * freezes programs goes on. A system call waits a bounded time, whatever it holds, and then fails: the
 * lock is not held any more here, so what says so is its next try.
 */
static vm_fault_t wait_until_there(struct apf_foreign *f, struct vm_fault *vmf)
{
	bool call = !(vmf->flags & FAULT_FLAG_USER);

	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) || (call && vmf->flags & FAULT_FLAG_TRIED))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	foreign_get(f);
	mmap_read_unlock(vmf->vma->vm_mm);
	if (call)
		apf_wait_freezable_timeout(f->wait, !apf_foreign_away(f),
					   msecs_to_jiffies(READ_ONCE(apf_request_timeout_ms)));
	else
		wait_event_state(f->wait, !apf_foreign_away(f), APF_KILLABLE_FREEZABLE);
	foreign_put(f);
	return VM_FAULT_RETRY;
}

static vm_fault_t view_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct foreign_view *v = vma->vm_private_data;
	unsigned long start = vmf->address & ~(FILL_PAGES * PAGE_SIZE - 1);
	unsigned long end = min(start + FILL_PAGES * PAGE_SIZE, vma->vm_end);
	int err;

	start = max(start, vma->vm_start);
	err = fill(vma, start, end - start);
	if (err == -EAGAIN)
		return wait_until_there(v->f, vmf);
	if (err == -ENOMEM)
		return VM_FAULT_OOM;
	return err ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

static void free_view(struct foreign_view *v)
{
	fput(v->file);
	foreign_put(v->f);
	kfree(v);
}

static void view_open(struct vm_area_struct *vma)
{
	struct foreign_view *v = vma->vm_private_data;

	refcount_inc(&v->areas);
}

static void view_close(struct vm_area_struct *vma)
{
	struct foreign_view *v = vma->vm_private_data;

	if (!refcount_dec_and_test(&v->areas))
		return;
	if (foreign_pv())
		foreign_pv_view_end(v);
	free_view(v);
}

/* PV: what maps an entry is bound to its place. */
static int view_mremap(struct vm_area_struct *vma)
{
	return foreign_pv() ? -EINVAL : 0;
}

static const struct vm_operations_struct view_ops = {
	.open = view_open,
	.close = view_close,
	.mremap = view_mremap,
	.fault = view_fault,
};

static struct foreign_view *make_view(struct apf_foreign *f, struct vm_area_struct *vma)
{
	struct foreign_view *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);
	int err;

	if (!v)
		return ERR_PTR(-ENOMEM);
	refcount_set(&v->areas, 1);
	INIT_LIST_HEAD(&v->list);
	foreign_get(f);
	v->f = f;
	v->file = get_file(vma->vm_file);
	v->start = vma->vm_start;
	v->pages = vma_pages(vma);
	err = foreign_pv() ? foreign_pv_view_begin(v, vma->vm_mm) : 0;
	if (!err)
		return v;
	free_view(v);
	return ERR_PTR(err);
}

static void unmake_view(struct foreign_view *v)
{
	if (foreign_pv())
		foreign_pv_view_end(v);
	free_view(v);
}

static int check(struct apf_foreign *f, struct vm_area_struct *vma, unsigned long first)
{
	if (!(vma->vm_flags & VM_SHARED) || first >= f->pages || vma_pages(vma) > f->pages - first)
		return -EINVAL;
	return f->read_only && vma->vm_flags & VM_WRITE ? -EACCES : 0;
}

static void set_up(struct apf_foreign *f, struct vm_area_struct *vma, unsigned long first)
{
	apf_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	if (f->read_only)
		apf_vm_flags_clear(vma, VM_MAYWRITE);
	vma->vm_pgoff = first;
	vma->vm_ops = &view_ops;
}

/*
 * While it is away, the first touch waits. PVH: the first touch does it all: the file's list of
 * mappings, by which they are revoked, has this one only after mmap().
 */
static int fill_now(struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	int err = 0;

	if (foreign_pv() && vma->vm_flags & (VM_READ | VM_WRITE))
		err = foreign_pv_fill(vma, vma->vm_start, size);
	return err == -EAGAIN ? 0 : err;
}

int apf_foreign_mmap(struct apf_foreign *f, struct vm_area_struct *vma, unsigned long first)
{
	struct foreign_view *v;
	int err = check(f, vma, first);

	if (err)
		return err;
	v = make_view(f, vma);
	if (IS_ERR(v))
		return PTR_ERR(v);
	set_up(f, vma, first);
	vma->vm_private_data = v;
	err = fill_now(vma);
	if (!err) {
		vma_set_file(vma, f->file);
		return 0;
	}
	vma->vm_ops = NULL;
	vma->vm_private_data = NULL;
	unmake_view(v);
	return err;
}
