/* SPDX-License-Identifier: GPL-2.0-only */
/* foreign_view.h - a program's mapping: between foreign_user.c and foreign_pv.c. */
#ifndef FOREIGN_VIEW_H
#define FOREIGN_VIEW_H

#include <linux/mmu_notifier.h>
#include <linux/refcount.h>

#include "foreign_parts.h"

struct foreign_view {
	refcount_t areas;		/* a mapping that was split has several */
	struct apf_foreign *f;
	struct file *file;		/* that was mapped */
	unsigned long start;		/* as it was made */
	unsigned long pages;

	/* PV */
	struct list_head list;		/* apf_foreign.views */
	struct mmu_interval_notifier notifier;
	u64 *entry;			/* machine address of each page-table entry */
	grant_handle_t *handle;		/* apf_foreign.lock; INVALID_GRANT_HANDLE: not mapped */
};

/* apf_foreign.lock is held. -EAGAIN: away. */
static inline int foreign_view_state(const struct apf_foreign *f)
{
	if (f->state == FOREIGN_THERE)
		return 0;
	return f->state == FOREIGN_AWAY ? -EAGAIN : -ESHUTDOWN;
}

#if IS_ENABLED(CONFIG_XEN_PV) && IS_ENABLED(CONFIG_MMU_NOTIFIER)
int foreign_pv_view_begin(struct foreign_view *v, struct mm_struct *mm);
void foreign_pv_view_end(struct foreign_view *v);
int foreign_pv_fill(struct vm_area_struct *vma, unsigned long start, unsigned long size);
void foreign_pv_revoke(struct apf_foreign *f);
#else
static inline int foreign_pv_view_begin(struct foreign_view *v, struct mm_struct *mm)
{
	return -EOPNOTSUPP;
}

static inline void foreign_pv_view_end(struct foreign_view *v)
{
}

static inline int foreign_pv_fill(struct vm_area_struct *vma, unsigned long start,
				  unsigned long size)
{
	return -EOPNOTSUPP;
}

static inline void foreign_pv_revoke(struct apf_foreign *f)
{
}
#endif

#endif /* FOREIGN_VIEW_H */
