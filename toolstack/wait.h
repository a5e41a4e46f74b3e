/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wait.h - wait until a device is where it should be, with progress.
 *
 * Progress goes to standard error: one line that is overwritten on a terminal,
 * else a line for each change.
 */
#ifndef TOOL_WAIT_H
#define TOOL_WAIT_H

#include "device.h"

#define WAIT_MAX	86400u		/* seconds */

enum wait_goal {
	WAIT_READY,		/* the serving side took the device up */
	WAIT_CONNECTED,		/* both sides Connected */
	WAIT_CLOSED,		/* both sides let go */
};

enum wait_end {
	WAIT_REACHED,
	WAIT_REFUSED,		/* a side gave up: error node, or it closed */
	WAIT_GONE,		/* the guest ended */
	WAIT_TIMEOUT,
	WAIT_INTERRUPTED,	/* a signal asked the tool to stop */
};

/* From now on SIGINT, SIGTERM and SIGHUP end waits instead of the tool. */
void wait_catch_signals(void);
bool wait_interrupted(void);
void wait_forget_signal(void);		/* before undoing: only a further signal ends that */

/* Seconds of a clock that nobody sets. */
long long wait_clock(void);

/* Wait at most so many seconds. *device is what was read last. */
enum wait_end wait_for(struct store *store, struct device *device, enum wait_goal goal,
		       unsigned int seconds);

/* The same for whatever look knows of; it is asked again when something below path changed. */
enum wait_end wait_path(struct store *store, const char *path, unsigned int seconds,
			bool (*look)(void *data, enum wait_end *end), void *data);

/* The reason that a wait did not reach its goal, and what to do about it. */
void wait_explain(const struct device *device, enum wait_goal goal, enum wait_end end,
		  unsigned int seconds, struct why *why);

#endif /* TOOL_WAIT_H */
