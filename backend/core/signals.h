/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parent's view of the two signal pages: raises interrupts, takes doorbells,
 * counts. One writer thread per device.
 */
#ifndef XAPT_CORE_SIGNALS_H
#define XAPT_CORE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

struct xapt_signals {
	struct xenapt_event_page *event;	/* shared, read-write */
	const struct xenapt_mask_page *mask;	/* shared, the child's */
	uint64_t doorbell_mask[XENAPT_SIGNAL_WORDS];	/* our truth of event->doorbell_mask */
	struct xenapt_counters count;		/* our truth of event->parent */
	uint64_t vectors_notified;	/* of count.notified, those of signals 0..63 */
	uint64_t vectors_coalesced;	/* of count.coalesced, likewise */
};

void xapt_signals_init(struct xapt_signals *s, struct xenapt_event_page *event,
		       const struct xenapt_mask_page *mask);

/* True: the caller sends the event. n < XENAPT_SIGNAL_DEFINED. */
bool xapt_signals_interrupt(struct xapt_signals *s, unsigned int n);

/* Doorbells of one word (0 device, 1 apertures) that are not masked. */
uint64_t xapt_signals_take(struct xapt_signals *s, unsigned int word);

/* mask: the device will look by itself. unmask: true if it is pending now. */
void xapt_signals_mask(struct xapt_signals *s, unsigned int n);
bool xapt_signals_unmask(struct xapt_signals *s, unsigned int n);

/* Tell the child why the connection ended; before the last event. */
void xapt_signals_status(struct xapt_signals *s, enum xenapt_status status);

/* The child's status word of this lane: any number. */
uint32_t xapt_signals_child_status(const struct xapt_signals *s, bool fast);

/* Copy our counters into the shared page, for the child to read. */
void xapt_signals_publish(struct xapt_signals *s);

#endif
