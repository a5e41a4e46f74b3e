/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * span_layout.h - what a guest asks the tests' device "span" to do with its other apertures.
 *
 * One aperture has the tag SPAN_TALK and holds struct span_talk. The child fills in what it
 * asks, stores sequence (release), rings; the parent answers, stores answered = sequence
 * (release), and raises the interrupt. Another aperture, the subject, is named by its tag.
 */
#ifndef SPAN_LAYOUT_H
#define SPAN_LAYOUT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define SPAN_TALK	0xffffffffu

enum span_command {
	SPAN_SUM	= 1,	/* value = span_sum() of offset .. offset + length - 1 */
	SPAN_FILL	= 2,	/* that range becomes octet */
	SPAN_OUTSIDE	= 3,	/* octets of its pages that are not its own: count; not zero: value */
	SPAN_SCRIBBLE	= 4,	/* those become octet; count */
	SPAN_RING	= 5,	/* the subject's interrupt; value = doorbells that came for it */
	SPAN_HOLD	= 6,	/* octet 1: its withdraw is refused; 0: no longer */
};

enum span_status {
	SPAN_OK		= 0,
	SPAN_E_TAG	= 1,	/* no such aperture */
	SPAN_E_RANGE	= 2,
	SPAN_E_COMMAND	= 3,
	SPAN_E_READ_ONLY = 4,	/* it may only be read here */
};

struct span_talk {
	uint32_t sequence;
	uint32_t command;
	uint32_t tag;
	uint32_t octet;
	uint64_t offset;
	uint64_t length;

	uint32_t answered;
	uint32_t status;
	uint64_t value;
	uint64_t count;
};

/* FNV-1a. */
static inline uint64_t span_sum(const volatile uint8_t *data, uint64_t length)
{
	uint64_t sum = 0xcbf29ce484222325ull, i;

	for (i = 0; i < length; i++)
		sum = (sum ^ data[i]) * 0x100000001b3ull;
	return sum;
}

#endif /* SPAN_LAYOUT_H */
