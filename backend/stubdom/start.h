/* SPDX-License-Identifier: GPL-2.0-only */
/* From boot or restart to the loop. */
#ifndef STUB_START_H
#define STUB_START_H

#include "machine.h"

void stub_boot(const struct start_info *start) __attribute__((noreturn));
void stub_begin(void) __attribute__((noreturn));

#endif
