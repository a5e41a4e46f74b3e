/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences of the kernels that the module builds for: 6.1 and later. */
#ifndef COMPAT_H
#define COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <linux/wait.h>

static inline void apf_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void apf_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/*
 * Pins of memory that may only be read: since 6.2 they get a page of the program's own by
 * themselves; before, a forced write does it.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define APF_FOLL_UNSHARE 0
#else
#define APF_FOLL_UNSHARE (FOLL_WRITE | FOLL_FORCE)
#endif

/* mmap_lock is held. */
static inline long apf_pin_user_pages(unsigned long start, unsigned long pages, unsigned int flags,
				      struct page **page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return pin_user_pages(start, pages, flags, page);
#else
	return pin_user_pages(start, pages, flags, page, NULL);
#endif
}

static inline void apf_timer_delete_sync(struct timer_list *timer)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	timer_delete_sync(timer);
#else
	del_timer_sync(timer);
#endif
}

/* Who waits so, with no lock, does not hold up a suspend. */
#define APF_KILLABLE_FREEZABLE	(TASK_KILLABLE | TASK_FREEZABLE)

#define apf_wait_freezable_timeout(wq, condition, timeout)				\
({											\
	long __ret = timeout;								\
											\
	if (!___wait_cond_timeout(condition))						\
		__ret = ___wait_event(wq, ___wait_cond_timeout(condition),		\
				      APF_KILLABLE_FREEZABLE, 0, timeout,		\
				      __ret = schedule_timeout(__ret));			\
	__ret;										\
})

#endif /* COMPAT_H */
