// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a view: pinned as long as the process has them mapped, not an instant longer.
 *
 * A PV domain's gntdev unmaps a grant just before the process's page-table entry goes, and
 * puts that off while somebody holds the page: then the entry is gone, and Xen keeps the
 * grant busy for ever. So the pins must be gone before gntdev looks. Both are told by an
 * interval notifier, in the order in which their intervals start: ours starts at 0. (gntdev's
 * starts where its mapping once did, which after a split is no area's beginning.)
 */
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/overflow.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <xen/io/apertureif.h>

#include "compat.h"
#include "parent.h"

static atomic_long_t pinned_pages;

unsigned long apk_pinned_pages(void)
{
	return atomic_long_read(&pinned_pages);
}

void apk_unpin(struct apk_view *v)
{
	mutex_lock(&v->pins);
	WRITE_ONCE(v->gone, true);
	if (v->pinned) {
		if (!refcount_dec_and_test(&v->users))
			wait_for_completion(&v->unused);
		unpin_user_pages(v->page, v->pub.pages);
		atomic_long_sub(v->pub.pages, &pinned_pages);
		v->pinned = false;
	}
	mutex_unlock(&v->pins);
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct apk_view *v = container_of(notifier, struct apk_view, notifier);

	if (range->end <= v->start || range->start >= v->end)
		return true;
	if (!mmu_notifier_range_blockable(range))
		return false;
	apk_unpin(v);
	queue_work(apk_work, &v->work);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = { .invalidate = invalidate };

/* Built-in drivers have no module: then it is the device's name. */
static bool is_grant_device(const struct file *file)
{
	const struct inode *inode = file_inode(file);
	const struct module *owner = file->f_op->owner;
	const char *name = (const char *)file->f_path.dentry->d_name.name;

	if (!S_ISCHR(inode->i_mode) || imajor(inode) != MISC_MAJOR)
		return false;
	if (owner)
		return !strcmp(owner->name, "xen_gntdev") || !strcmp(owner->name, "xen_gntalloc");
	return !strcmp(name, "gntdev") || !strcmp(name, "gntalloc");
}

static int check(const struct apk_view *v, const struct vm_area_struct *vma)
{
	if (!vma || vma->vm_start > v->start)
		return -EFAULT;
	if (!vma->vm_file || !is_grant_device(vma->vm_file) || !vma->vm_start)
		return -ENODEV;
	/* To write a private one is to get a copy, of which pinning would tell our own notifier. */
	if (!(vma->vm_flags & VM_SHARED))
		return -ENODEV;
	if (vma->vm_end < v->end)
		return -EFAULT;
	if (!v->pub.read_only && !(vma->vm_flags & VM_WRITE))
		return -EACCES;
	return 0;
}

static int pin(struct apk_view *v)
{
	unsigned int flags = FOLL_LONGTERM | (v->pub.read_only ? 0 : FOLL_WRITE);
	u32 done = 0;

	while (done < v->pub.pages) {
		long n = apk_pin_pages(v->start + ((unsigned long)done << PAGE_SHIFT),
				       v->pub.pages - done, flags, v->page + done);

		if (n <= 0) {
			unpin_user_pages(v->page, done);
			return n ? n : -EFAULT;
		}
		done += n;
	}
	return 0;
}

static int watch(struct apk_view *v, struct mm_struct *mm)
{
	int err;

	mmap_write_lock(mm);
	err = check(v, find_vma(mm, v->start));
	if (!err)
		err = mmu_interval_notifier_insert_locked(&v->notifier, mm, 0, v->end,
							  &notifier_ops);
	mmap_write_unlock(mm);
	return err;
}

/* Under the lock that unpinning takes: whoever unmaps it finds all pinned, or nothing. */
static int pin_and_publish(struct apk_view *v)
{
	int err;

	mutex_lock(&v->pins);
	err = v->gone ? -EFAULT : pin(v);
	if (!err) {
		atomic_long_add(v->pub.pages, &pinned_pages);
		refcount_set(&v->users, 1);
		v->pinned = true;
	}
	mutex_unlock(&v->pins);
	return err;
}

static int watch_and_pin(struct apk_view *v, struct mm_struct *mm)
{
	int err = watch(v, mm);

	if (err)
		return err;
	/* What was being unmapped meanwhile did not see the notifier: wait for its end. */
	mmu_interval_read_begin(&v->notifier);
	mmap_read_lock(mm);
	err = pin_and_publish(v);
	mmap_read_unlock(mm);
	if (err)
		mmu_interval_notifier_remove(&v->notifier);
	return err;
}

static int range(struct apk_view *v, const struct xenapt_parent_attach *a)
{
	u64 end;

	if (!a->length)
		return -EINVAL;
	if (check_add_overflow(a->address, a->length, &end) || end > TASK_SIZE_MAX)
		return -EOVERFLOW;
	v->pub.length = a->length;
	v->pub.offset = offset_in_page(a->address);
	v->start = a->address & PAGE_MASK;
	v->end = PAGE_ALIGN(end);
	if ((v->end - v->start) >> PAGE_SHIFT > XENAPT_MAX_PAGES)
		return -EOVERFLOW;
	v->pub.pages = (v->end - v->start) >> PAGE_SHIFT;
	return 0;
}

int apk_pin(struct apk_view *v, const struct xenapt_parent_attach *a)
{
	int err = range(v, a);

	if (err)
		return err;
	v->page = kvcalloc(v->pub.pages, sizeof(*v->page), GFP_KERNEL_ACCOUNT);
	if (!v->page)
		return -ENOMEM;
	err = watch_and_pin(v, current->mm);
	if (err) {
		kvfree(v->page);
		v->page = NULL;
	}
	return err;
}

void apk_pin_end(struct apk_view *v)
{
	mmu_interval_notifier_remove(&v->notifier);
	kvfree(v->page);
}
