/* SPDX-License-Identifier: MIT */
/*
 * aperture_signal.h - the signals of apertureif.h section 6, as code.
 *
 * What ring.h is to rings, this is to doorbells and interrupts: the one copy
 * of the protocol that the guest's kernel, the backend and the tests compile.
 *
 * Every word here is shared with a domain that may write anything at any time.
 * The functions only ever turn such a word into bits; they trust none of it.
 *
 * Compiler builtins are used for all accesses, not the kernel's bit operations:
 * the other side may run on another CPU even if this domain has one, so the lock
 * prefix must never be patched away.
 */
#ifndef XEN_PUBLIC_IO_APERTURE_SIGNAL_H
#define XEN_PUBLIC_IO_APERTURE_SIGNAL_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

enum xenapt_raised {
	XENAPT_NOTIFY,		/* 0 -> 1, not masked: the caller sends the event */
	XENAPT_MASKED,		/* 0 -> 1, masked: the receiver looks by itself */
	XENAPT_COALESCED,	/* was pending: an event or a look is on its way */
};

/*
 * Raise signal n. The data that it announces must have been written before: the
 * atomic or is a full barrier between it and both the data and the mask read.
 */
static inline enum xenapt_raised xenapt_signal_raise(uint64_t *pending, const uint64_t *mask,
						     unsigned int n)
{
	uint64_t bit = (uint64_t)1 << (n % 64);

	if (__atomic_fetch_or(&pending[n / 64], bit, __ATOMIC_SEQ_CST) & bit)
		return XENAPT_COALESCED;
	if (__atomic_load_n(&mask[n / 64], __ATOMIC_SEQ_CST) & bit)
		return XENAPT_MASKED;
	return XENAPT_NOTIFY;
}

/*
 * Take the pending, unmasked signals of one word of 64. Bits that are masked
 * stay pending. What was written before the signals were raised is visible after
 * this. mask is the receiver's own page: its private truth may be passed.
 */
static inline uint64_t xenapt_signal_take(uint64_t *pending, uint64_t mask)
{
	if (!(__atomic_load_n(pending, __ATOMIC_RELAXED) & ~mask))
		return 0;
	return __atomic_fetch_and(pending, mask, __ATOMIC_SEQ_CST) & ~mask;
}

/* From here on no event comes for n. One may still be on its way: spurious. */
static inline void xenapt_signal_mask(uint64_t *mask, unsigned int n)
{
	__atomic_fetch_or(&mask[n / 64], (uint64_t)1 << (n % 64), __ATOMIC_SEQ_CST);
}

/*
 * Let events come for n again. True: it is pending, perhaps since before, and no
 * event will come for it: the caller takes it now. The atomic and is the full
 * barrier between clearing the mask and reading pending; the raiser has the
 * opposite order, so at least one of the two sees the other.
 */
static inline bool xenapt_signal_unmask(uint64_t *mask, uint64_t *pending, unsigned int n)
{
	uint64_t bit = (uint64_t)1 << (n % 64);

	__atomic_fetch_and(&mask[n / 64], ~bit, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&pending[n / 64], __ATOMIC_SEQ_CST) & bit;
}

#endif /* XEN_PUBLIC_IO_APERTURE_SIGNAL_H */
