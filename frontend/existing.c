// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a program or a driver had before. A program's pages are pinned for long: they stay
 * where they are, and stay the other side's, whatever becomes of the program, until nobody maps
 * them. They are counted in pinned_vm, against RLIMIT_MEMLOCK, of the address space that offered
 * them, which is held for it.
 */
#include <linux/capability.h>
#include <linux/hugetlb.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "frontend.h"

#define PIN_CHUNK	512u	/* pages that are pinned under one hold of mmap_lock */

struct apf_pins {
	struct mm_struct *mm;
	unsigned int pages;
	bool dirty;			/* the other side may have changed them */
};

static atomic_t pinned_pages = ATOMIC_INIT(0);

unsigned int apf_pinned_pages(void)
{
	return atomic_read(&pinned_pages);
}

/* ---- counting ---- */

static void say_limit(struct xen_aperture_dev *dev, unsigned long limit, u64 pinned,
		      unsigned int pages)
{
	pr_warn_ratelimited("%s: %s[%d] offered %u pages, %llu are pinned, limit is RLIMIT_MEMLOCK=%lu (%lu pages): raise it with ulimit -l, memlock in limits.conf, or LimitMEMLOCK= of the service\n",
			    dev->name, current->comm, current->pid, pages, pinned,
			    limit << PAGE_SHIFT, limit);
}

static struct apf_pins *pins_make(struct xen_aperture_dev *dev, unsigned int pages, bool dirty)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct apf_pins *pins = kzalloc(sizeof(*pins), GFP_KERNEL_ACCOUNT);
	u64 pinned;

	if (!pins)
		return ERR_PTR(-ENOMEM);
	pinned = atomic64_add_return(pages, &current->mm->pinned_vm);
	if (pinned > limit && !capable(CAP_IPC_LOCK)) {
		atomic64_sub(pages, &current->mm->pinned_vm);
		say_limit(dev, limit, pinned - pages, pages);
		kfree(pins);
		return ERR_PTR(-ENOMEM);
	}
	mmgrab(current->mm);
	pins->mm = current->mm;
	pins->pages = pages;
	pins->dirty = dirty;
	return pins;
}

void apf_pins_end(struct apf_pins *pins)
{
	if (!pins)
		return;
	atomic64_sub(pins->pages, &pins->mm->pinned_vm);
	mmdrop(pins->mm);
	kfree(pins);
}

void apf_pins_release(struct apf_pins *pins, struct page *page)
{
	unpin_user_pages_dirty_lock(&page, 1, pins->dirty);
	atomic_dec(&pinned_pages);
}

/* ---- pages of a program ---- */

static bool on_disk(struct vm_area_struct *vma)
{
	return vma->vm_file && !is_vm_hugetlb_page(vma) && !shmem_mapping(vma->vm_file->f_mapping);
}

/*
 * What may be granted, and how it is pinned. A shared page of a file on a disk may be written back
 * while the other side changes it; what a driver mapped has a life of its own. Memory that may
 * not be written here, but is a program's own, is made its own now: the page that is there may be
 * the file's, or the zero page.
 */
static int pin_flags(struct vm_area_struct *vma, bool read_only, unsigned int *flags)
{
	bool writable = vma->vm_flags & VM_WRITE;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return -EOPNOTSUPP;
	if (writable && vma->vm_flags & VM_SHARED && on_disk(vma))
		return -EOPNOTSUPP;
	if (!writable && (!read_only || !(vma->vm_flags & VM_READ)))
		return -EFAULT;
	*flags = FOLL_LONGTERM;
	if (writable)
		*flags |= FOLL_WRITE;
	else if (!(vma->vm_flags & VM_SHARED))
		*flags |= APF_FOLL_UNSHARE;
	return 0;
}

/* At most one mapping's, and a chunk. How many pages, or an error. */
static long pin_some(unsigned long address, unsigned long pages, bool read_only, struct page **page)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned int flags;
	long n = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, address);
	if (vma && address >= vma->vm_start)
		n = pin_flags(vma, read_only, &flags);
	if (!n) {
		pages = min(pages, (vma->vm_end - address) >> PAGE_SHIFT);
		n = apf_pin_user_pages(address, min(pages, (unsigned long)PIN_CHUNK), flags, page);
		n = n ?: -EFAULT;
	}
	mmap_read_unlock(mm);
	if (n > 0)
		atomic_add(n, &pinned_pages);
	return n;
}

static int pin_all(struct apf_memory *m, unsigned long address, bool read_only)
{
	unsigned int done = 0;
	long n = 0;

	while (done < m->pages && n >= 0) {
		n = pin_some(address + (unsigned long)done * PAGE_SIZE, m->pages - done, read_only,
			     m->page + done);
		if (n > 0)
			done += n;
		if (n > 0 && fatal_signal_pending(current))
			n = -EINTR;
		cond_resched();
	}
	return min(n, 0L);
}

/* ---- pages of the kernel ---- */

/* NULL: nothing that could be granted. The kernel's image is reserved memory. */
static struct page *kernel_page(const void *at)
{
	struct page *page = NULL;

	if (is_vmalloc_addr(at))
		page = vmalloc_to_page(at);
	else if ((unsigned long)at < (unsigned long)high_memory && virt_addr_valid(at))
		page = virt_to_page(at);
	if (!page || !pfn_valid(page_to_pfn(page)) || PageReserved(page) || PageForeign(page))
		return NULL;
	return page;
}

/*
 * A page that is granted is held: freed early it is lost, not reused. A slab's cannot be held so,
 * nor can one page of several that were allocated as one without being compound. What is copied need
 * not be, for its owner keeps it.
 */
static bool hold(struct page *page, bool whole)
{
	if (PageSlab(page))
		return !whole;
	return get_page_unless_zero(compound_head(page));
}

static int hold_all(struct apf_memory *m, const struct apf_existing *e)
{
	const void *start = PTR_ALIGN_DOWN(e->buffer, PAGE_SIZE);
	struct page *page;
	unsigned int i;
	u64 at;

	if (object_is_on_stack(e->buffer))
		return -EINVAL;
	for (i = 0; i < m->pages; i++) {
		at = (u64)i * PAGE_SIZE;
		page = kernel_page(start + at);
		if (!page || !hold(page, at >= e->offset && at + PAGE_SIZE <= e->offset + e->length))
			return -EINVAL;
		m->page[i] = page;
	}
	return 0;
}

/* Of what was held. A slab's page is one as long as there is something in it. */
void apf_page_let_go(struct page *page)
{
	if (!PageSlab(page))
		put_page(page);
}

/* ---- offers ---- */

static u32 check_range(struct xen_aperture_dev *dev, const struct xen_aperture_wish *wish,
		       u64 address, u64 length, int *err)
{
	*err = -EINVAL;
	if (wish->flags & ~XENAPT_OPEN_PARENT_READ_ONLY)
		return XENAPT_E_MALFORMED;
	if (!length)
		return XENAPT_E_SIZE_ZERO;
	*err = -EFBIG;
	if (length > XENAPT_MAX_SIZE)
		return XENAPT_E_SIZE_MAX;
	*err = -EFAULT;
	if (address + length < address)
		return XENAPT_E_MALFORMED;
	*err = apf_admit_length(dev, round_up(length, XENAPT_PAGE_SIZE));
	return *err ? XENAPT_E_SIZE_LEAST : XENAPT_OK;
}

/* Everything that could be short is asked for before a page is touched. */
static int admit(struct xen_aperture_dev *dev, struct apf_existing *e)
{
	unsigned int pages = DIV_ROUND_UP(e->offset + e->length, XENAPT_PAGE_SIZE);
	unsigned int lists = apf_directory_pages(pages);
	int err;

	err = apf_admit_quarantine(dev) ?: apf_admit_refs(pages + lists) ?:
	      apf_admit_memory(lists + 2);
	if (err)
		return err;
	e->memory = apf_memory_new(pages);
	e->directory = apf_memory_new(lists);
	if (!e->memory || !e->directory)
		return -ENOMEM;
	err = apf_memory_claim(e->memory, e->directory);
	return err ?: apf_memory_fill(e->directory);
}

static void undo(struct apf_existing *e)
{
	apf_partial_end(e->partial);
	apf_partial_free(e->partial);
	apf_memory_release(e->directory);
	apf_memory_release(e->memory);
}

static int copy_edges(struct apf_existing *e, const struct xen_aperture_wish *wish)
{
	struct apf_partial *p = apf_partial_make(e->memory, e->offset, e->length,
						 wish->flags & XENAPT_OPEN_PARENT_READ_ONLY);

	if (IS_ERR(p))
		return PTR_ERR(p);
	e->partial = p;
	return 0;
}

static int gather_user(struct xen_aperture_dev *dev, const struct xen_aperture_wish *wish,
		       u64 address, struct apf_existing *e)
{
	bool read_only = wish->flags & XENAPT_OPEN_PARENT_READ_ONLY;
	struct apf_pins *pins;
	int err;

	if (!access_ok(u64_to_user_ptr(address), e->length))
		return -EFAULT;
	err = admit(dev, e);
	if (err)
		return err;
	pins = pins_make(dev, e->memory->pages, !read_only);
	if (IS_ERR(pins))
		return PTR_ERR(pins);
	e->memory->pins = pins;
	return pin_all(e->memory, address & PAGE_MASK, read_only) ?: copy_edges(e, wish);
}

static int gather_kernel(struct xen_aperture_dev *dev, const struct xen_aperture_wish *wish,
			 struct apf_existing *e)
{
	return admit(dev, e) ?: hold_all(e->memory, e) ?: copy_edges(e, wish);
}

/* Why it is not the other side that refused. */
static u32 status_of(int err)
{
	return err == -EOPNOTSUPP ? XENAPT_E_UNSUPPORTED :
	       err == -EFAULT || err == -EINVAL ? XENAPT_E_MALFORMED : XENAPT_E_MEMORY;
}

struct xen_aperture *apf_offer_user(struct xen_aperture_dev *dev,
				    const struct xen_aperture_wish *wish, u64 address, u64 length,
				    u32 *status)
{
	struct apf_existing e = { .length = length, .offset = offset_in_page(address) };
	int err;

	*status = check_range(dev, wish, address, length, &err);
	if (*status)
		return ERR_PTR(err);
	err = gather_user(dev, wish, address, &e);
	if (!err)
		return apf_aperture_make(dev, wish, &e, status);
	undo(&e);
	*status = status_of(err);
	return ERR_PTR(err);
}

struct xen_aperture *xen_aperture_offer(struct xen_aperture_dev *dev,
					const struct xen_aperture_wish *wish, void *buffer,
					size_t length, u32 *status)
{
	struct apf_existing e = {
		.length = length, .offset = offset_in_page(buffer), .buffer = buffer,
	};
	u32 unused;
	int err;

	status = status ?: &unused;
	*status = check_range(dev, wish, (unsigned long)buffer, length, &err);
	if (*status)
		return ERR_PTR(err);
	err = gather_kernel(dev, wish, &e);
	if (!err)
		return apf_aperture_make(dev, wish, &e, status);
	undo(&e);
	*status = status_of(err);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(xen_aperture_offer);
