/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what a trapped device takes of Xen itself, by number of domain.
 *
 * A stub domain with a target has power over that guest. It gets one when its guest gets the first
 * trapped device, once, and keeps it. A target is one guest for ever: Xen takes no second.
 */
#ifndef TOOL_TARGET_H
#define TOOL_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "say.h"

/* A domain, the guest or its stub domain, as Xen has it. */
struct target_guest {
	bool pv;			/* it has no instructions that could be trapped */
	bool hvm;			/* a platform is emulated for it: it is no PVH guest */
	unsigned int vcpus;		/* that it may have */
	uint64_t memory;		/* bytes that it may have */
	bool paused;			/* by its administrator */
};

/* -1 and the reason: no such domain, or no power to ask. */
int target_look(unsigned int guest, struct target_guest *look, struct why *why);

/*
 * Give the stub domain power over the guest; it has it already: done. The guest is paused for that
 * moment, and is as it was afterwards. -1 and the reason.
 */
int target_set(unsigned int stub, unsigned int guest, struct why *why);

/* Has the guest memory in this range now? Not known: no. */
bool target_has_memory(unsigned int guest, uint64_t address, uint64_t size);

/*
 * Does some other domain answer for accesses of this guest (an ioreq server)? Such a domain must not
 * be destroyed while the guest lives: the guest would wait for ever at its next access.
 */
bool target_is_served(unsigned int guest);

/* Processors of the machine, and vCPUs of all domains that are online. Not known: false. */
bool target_processors(unsigned int *processors, unsigned int *vcpus);

#endif /* TOOL_TARGET_H */
