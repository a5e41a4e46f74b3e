/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences of the kernels that the module builds for: 6.1 and later. */
#ifndef COMPAT_H
#define COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/version.h>

static inline long apk_pin_pages(unsigned long start, unsigned long n, unsigned int flags,
				 struct page **pages)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return pin_user_pages(start, n, flags, pages);
#else
	return pin_user_pages(start, n, flags, pages, NULL);
#endif
}

static inline void apk_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#endif /* COMPAT_H */
