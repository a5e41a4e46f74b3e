/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Barriers for the thread sanitizer, included before anything else in its builds.
 *
 * The sanitizer knows nothing of barriers between plain accesses. So a write barrier
 * publishes to it what was done before, and a read barrier takes that over; the
 * indices themselves are declared as benign by the test. What a barrier does not order
 * is then a reported race. A full barrier orders store before load: no race is
 * seen without it, but a lost wake-up; it tells the sanitizer nothing.
 *
 * WITHOUT_RMB, WITHOUT_WMB, WITHOUT_MB leave one out: barriers-matter.sh proves with them
 * that the tests notice.
 */
#ifndef TESTS_UNIT_TSAN_BARRIER_H
#define TESTS_UNIT_TSAN_BARRIER_H

#ifdef __SANITIZE_THREAD__
extern char xapt_order;
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define tell_acquire()	__tsan_acquire(&xapt_order)
#define tell_release()	__tsan_release(&xapt_order)
#else
#define tell_acquire()	((void)0)
#define tell_release()	((void)0)
#endif

/* A locked operation on the stack is a full barrier that the sanitizer does not take for more. */
#define full_barrier()						\
	do {							\
		int xapt_barrier = 0;				\
		__atomic_fetch_add(&xapt_barrier, 1, __ATOMIC_SEQ_CST);	\
		__asm__ volatile("" ::: "memory");		\
	} while (0)

#ifdef WITHOUT_MB
#define xen_mb()	__asm__ volatile("" ::: "memory")
#else
#define xen_mb()	full_barrier()
#endif

#ifdef WITHOUT_RMB
#define xen_rmb()	__asm__ volatile("" ::: "memory")
#else
#define xen_rmb()						\
	do {							\
		full_barrier();					\
		tell_acquire();					\
	} while (0)
#endif

#ifdef WITHOUT_WMB
#define xen_wmb()	__asm__ volatile("" ::: "memory")
#else
#define xen_wmb()						\
	do {							\
		tell_release();					\
		full_barrier();					\
	} while (0)
#endif

#endif
