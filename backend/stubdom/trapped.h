/* SPDX-License-Identifier: GPL-2.0-only */
/* Trapped devices on xenstore: apertureif.h section 11, and the child's side of their slow lanes. */
#ifndef STUB_TRAPPED_H
#define STUB_TRAPPED_H

#include <stdbool.h>
#include <stdint.h>

/* Look for the guest's trapped devices from now on. 0: no guest. */
void trapped_start(uint32_t guest);

/* A watch fired: xenstore.h. Whose are which is told by their tokens. */
bool trapped_token(const char *token);
void trapped_watched(const char *path, const char *token);

/* Do what watches asked for until now, once. False: there was nothing to do. */
bool trapped_step(void);

#endif
