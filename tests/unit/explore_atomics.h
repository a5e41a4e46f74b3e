/* SPDX-License-Identifier: GPL-2.0-only */
/* See explore.h. For 64-bit words; a 32-bit store is a step that does not reorder. */
#ifndef TESTS_UNIT_EXPLORE_ATOMICS_H
#define TESTS_UNIT_EXPLORE_ATOMICS_H

#include "explore.h"

#define __atomic_load_n(p, order)	explore_load((const uint64_t *)(p))
#define __atomic_fetch_or(p, v, order)	explore_or((p), (v), (order))
#define __atomic_fetch_and(p, v, order)	explore_and((p), (v), (order))
#define __atomic_store_n(p, v, order)                                               \
	do {                                                                        \
		explore_step();                                                     \
		*(p) = (v);                                                         \
	} while (0)

#endif
