/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * admission.h - would these devices fit? Asked before anything is written.
 */
#ifndef TOOL_ADMISSION_H
#define TOOL_ADMISSION_H

#include "bounds.h"
#include "store.h"

struct config;

struct plan {
	unsigned int guest;		/* domain, or NO_GUEST: config says what it will be */
	const struct config *config;
	unsigned int count;		/* new devices; 0: those that it has, as they can grow */
	const struct spec *specs;
	const struct guest *backends;	/* of each */
};

/* All limits, with what the plan needs of each. -1 and the reason: they cannot be measured. */
int admission_limits(const struct store *store, const struct plan *plan, struct limits *limits,
		     struct why *why);

/* 0: it fits. -1 and the reason: the limit, its value, the need, and what raises it. */
int admission_check(const struct store *store, const struct plan *plan, struct why *why);

#endif /* TOOL_ADMISSION_H */
