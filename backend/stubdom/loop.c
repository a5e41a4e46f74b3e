// SPDX-License-Identifier: GPL-2.0-only
#include "loop.h"

#include <stdbool.h>

#include "clock.h"
#include "door.h"
#include "events.h"
#include "lane.h"
#include "slow.h"
#include "xenstore.h"

#define SPIN_LOOKS	64u	/* between two looks at the clock */

struct loop_counters loop_count;

static uint64_t spin_ns;
static uint64_t watchdog_bit;
static uint32_t watchdog;

void loop_spin(uint32_t us)
{
	spin_ns = (uint64_t)us * NS_PER_US;
}

void loop_watchdog(uint32_t port)
{
	watchdog = port;
	watchdog_bit = port ? EVENT_BIT(port) : 0;
}

/* Until something fired, the time is over, or a device is due. */
static uint64_t spin(uint64_t due)
{
	uint64_t until = clock_now() + spin_ns, ready;
	unsigned int i;

	if (until > due)
		until = due;
	do {
		for (i = 0; i < SPIN_LOOKS; i++) {
			ready = events_take();
			if (ready) {
				loop_count.spins++;
				return ready;
			}
			asm volatile("pause");
		}
	} while (clock_now() < until);
	return 0;
}

static bool over(uint64_t due)
{
	return due != UINT64_MAX && due <= clock_now();
}

static uint64_t rest(uint64_t due)
{
	if (over(due))
		return 0;
	if (spin_ns) {
		uint64_t ready = spin(due);

		if (ready || over(due))
			return ready;
	}
	loop_count.blocks++;
	events_wait(due == UINT64_MAX ? 0 : due);
	return events_take();
}

static uint64_t next_due(void)
{
	return door_due && door_due < lane_due ? door_due : lane_due;
}

/* What an operation on a ring need not pass by. */
static void serve_others(uint64_t ready)
{
	/* Answers of the second device first: they are the door's to give. */
	slow_serve(ready);
	door_serve(ready);
	if (ready & watchdog_bit)
		events_send(watchdog);
	if (ready & EVENT_BIT(store_port()))
		store_read();
}

bool loop_turn(void)
{
	uint64_t ready = events_take();

	if (!ready && !lane_more && !door_more)
		ready = rest(next_due());
	loop_count.wakes++;
	lane_serve(ready);
	if (!(ready & ~lane_ports) && !door_more && !door_due)
		return lane_failing;
	serve_others(ready);
	return true;
}
