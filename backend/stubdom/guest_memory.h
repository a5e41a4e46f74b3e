/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's memory by guest-physical address, a page at a time, for REP. Needs a target. */
#ifndef STUB_GUEST_MEMORY_H
#define STUB_GUEST_MEMORY_H

#include "access.h"

/* host is not used. The last page stays mapped until guest_memory_drop(). */
extern const struct xapt_access_ops guest_memory;

void guest_memory_use(uint32_t guest);
/* At the end of each turn: a page that is mapped cannot be the guest's to give away. */
void guest_memory_drop(void);

#endif
