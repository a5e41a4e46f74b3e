// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signals.h"

#include <stddef.h>

#include <xen/io/aperture_signal.h>

void xapt_signals_init(struct xapt_signals *s, struct xenapt_event_page *event,
		       const struct xenapt_mask_page *mask)
{
	unsigned int i;

	s->event = event;
	s->mask = mask;
	s->count = (struct xenapt_counters){ 0 };
	s->vectors_notified = 0;
	s->vectors_coalesced = 0;
	for (i = 0; i < XENAPT_SIGNAL_WORDS; i++) {
		s->doorbell_mask[i] = 0;
		__atomic_store_n(&event->doorbell_mask[i], 0, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&event->status, XENAPT_OK, __ATOMIC_SEQ_CST);
	xapt_signals_publish(s);
}

bool xapt_signals_interrupt(struct xapt_signals *s, unsigned int n)
{
	bool vector = n < XENAPT_SIGNAL_APERTURE;

	s->count.published++;
	switch (xenapt_signal_raise(s->event->interrupt, s->mask->interrupt_mask, n)) {
	case XENAPT_NOTIFY:
		s->count.notified++;
		s->vectors_notified += vector;
		return true;
	case XENAPT_COALESCED:
		s->count.coalesced++;
		s->vectors_coalesced += vector;
		break;
	case XENAPT_MASKED:
		break;
	}
	s->count.suppressed++;
	return false;
}

uint64_t xapt_signals_take(struct xapt_signals *s, unsigned int word)
{
	uint64_t bits = xenapt_signal_take(&s->event->doorbell[word], s->doorbell_mask[word]);
	uint64_t left;

	for (left = bits; left; left &= left - 1)
		s->count.taken++;
	return bits;
}

void xapt_signals_mask(struct xapt_signals *s, unsigned int n)
{
	s->doorbell_mask[n / 64] |= (uint64_t)1 << (n % 64);
	xenapt_signal_mask(s->event->doorbell_mask, n);
}

bool xapt_signals_unmask(struct xapt_signals *s, unsigned int n)
{
	s->doorbell_mask[n / 64] &= ~((uint64_t)1 << (n % 64));
	return xenapt_signal_unmask(s->event->doorbell_mask, s->event->doorbell, n);
}

void xapt_signals_status(struct xapt_signals *s, enum xenapt_status status)
{
	__atomic_store_n(&s->event->status, (uint32_t)status, __ATOMIC_SEQ_CST);
}

uint32_t xapt_signals_child_status(const struct xapt_signals *s, bool fast)
{
	return __atomic_load_n(fast ? &s->mask->fast_status : &s->mask->status, __ATOMIC_RELAXED);
}

void xapt_signals_publish(struct xapt_signals *s)
{
	const uint64_t *from = (const uint64_t *)&s->count;
	uint64_t *to = (uint64_t *)&s->event->parent;
	unsigned int i;

	/* What is reserved was made 0 by the child, and is nobody's. */
#pragma GCC unroll 16
	for (i = 0; i < offsetof(struct xenapt_counters, reserved) / sizeof(*from); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}
