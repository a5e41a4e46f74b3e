/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap.h - a device behind ports or memory-mapped registers, as a program sees it that has no driver:
 * /dev/mem or the instructions IN and OUT, and /dev/xen/evtchn for its interrupt.
 *
 * A device is named as
 *   N                   device N of the guest: xenstore says where it is
 *   io:ADDRESS:SIZE     ports
 *   mmio:ADDRESS:SIZE   guest-physical address
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdbool.h>
#include <stdint.h>

#define TRAP_PAGE	4096u

struct trap {
	bool port;
	uint64_t address, size;
	uint8_t *at;			/* memory-mapped: the first octet, a page more before and behind */
	unsigned int event_domain, event_channel;	/* 0, 0: not known */
	int events;			/* /dev/xen/evtchn, or -1 */
	unsigned int bound;
};

/* These end the program when they fail. */
void trap_open(struct trap *t, const char *name);
void trap_bind(struct trap *t);

/* One access of 1, 2, 4 or 8 octets; by ports of 8: two, the low half first. */
uint64_t trap_get(const struct trap *t, uint64_t reg, unsigned int size);
void trap_put(const struct trap *t, uint64_t reg, unsigned int size, uint64_t value);

/* A register of 8 octets that somebody else changes meanwhile. */
uint64_t trap_get_moving(const struct trap *t, uint64_t reg);

/* Wait for an event: 1; 0: none in time. */
int trap_wait(struct trap *t, int timeout_ms);

uint64_t trap_ones(unsigned int size);

/* This thread on one processor. */
void trap_pin(unsigned int cpu);
unsigned int trap_cpus(void);

uint64_t trap_clock(void);		/* ns */

#endif
