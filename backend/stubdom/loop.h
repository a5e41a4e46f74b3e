/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one wait point. A turn serves whatever is ready, each device at most LANE_BUDGET requests, each
 * vCPU one trapped access;
 * if nothing is, it spins for the configured time and then blocks.
 */
#ifndef STUB_LOOP_H
#define STUB_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop_counters {
	uint64_t wakes;		/* turns that began with something to do */
	uint64_t spins;		/* ... that came while spinning */
	uint64_t blocks;	/* times it blocked */
};
extern struct loop_counters loop_count;

/* us: look this long for more after work, before blocking. 0: never. */
void loop_spin(uint32_t us);

/* The host role's watchdog: each event on this port is answered by one. 0: none. */
void loop_watchdog(uint32_t port);

/* True: something of xenstore's may be to be done (fast.h, trapped.h). */
bool loop_turn(void);

#endif
