/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences of the kernels that the module builds for: 6.1 and later. */
#ifndef COMPAT_H
#define COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

static inline void apf_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

#endif /* COMPAT_H */
