/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * removal.h - take devices away in order: ask, wait, remove.
 */
#ifndef TOOL_REMOVAL_H
#define TOOL_REMOVAL_H

#include "device.h"

#define REMOVAL_WAIT	10u	/* seconds that a command gives what it undoes itself */

/*
 * Ask all devices to close, wait at most so many seconds for all of them, and
 * remove those that closed; with force the others too. Says what did not work.
 * EXIT_OK: all are removed. EXIT_TIMEOUT: one did not close, and was not
 * forced. EXIT_FAILED: xenstore refused, or a signal came.
 */
int removal_run(struct store *store, struct device *devices, unsigned int count,
		unsigned int seconds, bool force);

/* The same for what a command made itself before it failed. */
void removal_undo(struct store *store, struct device *devices, unsigned int count);

#endif /* TOOL_REMOVAL_H */
