/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that devices write and read: xenaperture_file(). Only the supervisor can open them, and it
 * gives a worker those of its own guest: workers of different guests are one user, so what that user could
 * open would be no guest's own.
 */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

#include <stdint.h>

#include "xenbus.h"

/*
 * Of device devid, of type, of guest: which as in xenaperture.h. folder is made if it is not there. A
 * descriptor, the caller's, or -1 with xapt_error().
 */
int files_open(struct xapt_bus *bus, const char *folder, uint32_t guest, const char *type,
	       uint32_t devid, uint32_t which);

#endif
