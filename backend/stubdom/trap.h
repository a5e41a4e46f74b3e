/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Restart in place. A trap, or the host role's hand on the instruction pointer, begins a new life
 * of this domain: windows unmapped, ports closed, memory cleared, start as at boot. The devices'
 * state and answers are in the guests' records, what vCPUs wait for is in door.c's journal.
 */
#ifndef STUB_TRAP_H
#define STUB_TRAP_H

#include <stdint.h>

/*
 * More restarts than this in TRAP_STORM_S seconds: the domain ends itself as crashed. But with an ioreq
 * server, whose end would hang the guest, it waits before each new life, longer each time, to
 * TRAP_PAUSE_MS. Not before one that came from outside: whoever did that has its own pace.
 */
#define TRAP_STORM	10u
#define TRAP_STORM_S	10u
#define TRAP_PAUSE_MS	1000u

/* Install the table. Before it a trap is the domain's end. */
void trap_init(void);

uint64_t trap_restarts(void);
uint64_t trap_started(void);	/* system time, ns, of this life's begin */

/* Whose work is being done, for the message: guest << 32 | device, 0: nobody's. */
extern uint64_t trap_serves;

#define TRAP_SERVES(domain, devid)	((uint64_t)(domain) << 32 | (devid))

/* This life cannot go on: another one, as after a trap. */
void trap_again(void) __attribute__((noreturn));

/* Where the host role sets the instruction pointer to. */
void restart_entry(void);

#endif
