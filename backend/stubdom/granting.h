/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of this domain for others to map: eight for each door, each with its own entry of the grant
 * table (version 1) for ever. Contents and grants are kept by a restart in place.
 */
#ifndef STUB_GRANTING_H
#define STUB_GRANTING_H

#include <stdbool.h>
#include <stdint.h>

#define GRANTING_PAGES	8u

/* The table is there. 0, or a negative number of Xen's. */
int granting_init(void);

void *granting_page(unsigned int door, unsigned int page);
uint32_t granting_ref(unsigned int door, unsigned int page);

/* domain may map it, if it could not already. False: another domain may, and has it mapped. */
bool granting_give(unsigned int door, unsigned int page, uint32_t domain, bool read_only);
/* Nobody may map it any more. False: somebody has; then it is as before, and not to be used again. */
bool granting_end(unsigned int door, unsigned int page);
/* Is it mapped by somebody now? */
bool granting_mapped(unsigned int door, unsigned int page);

#endif
