/* SPDX-License-Identifier: GPL-2.0-only */
/* The backend of "aperture-fast" on xenbus, apertureif.h section 9: for one guest. */
#ifndef STUB_FAST_H
#define STUB_FAST_H

#include <stdbool.h>
#include <stdint.h>

/* Look for the guest's devices from now on. 0: no guest; nothing is served. */
void fast_start(uint32_t guest);

/* A watch fired: xenstore.h. */
void fast_watched(const char *path, const char *token);

/* Do what watches and failed lanes asked for until now, once. False: there was nothing to do. */
bool fast_step(void);

#endif
