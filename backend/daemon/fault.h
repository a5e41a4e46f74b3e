/* SPDX-License-Identifier: GPL-2.0-only */
/* The last words of a worker whose device stored where it may only read. */
#ifndef DAEMON_FAULT_H
#define DAEMON_FAULT_H

#include "guest.h"

/* Say by MESSAGE_FAULT on fd which aperture of g's devices it was; then die as without. */
void fault_watch(const struct xapt_guest *g, int fd);

#endif
