/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Barriers that Xen's ring.h asks for. Shared memory is ordinary write-back memory
 * of two CPUs. A build may replace this header (the thread sanitizer's does).
 */
#ifndef XAPT_CORE_BARRIER_H
#define XAPT_CORE_BARRIER_H

/* ring.h names its barriers xen_*() from this interface on. */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040d00
#endif

#ifndef xen_mb
#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#endif

#endif
