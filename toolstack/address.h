/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * address.h - where in a guest a trapped device can be: its range of ports or of memory addresses.
 *
 * Without effects and without Xen. What only Xen knows, whether there is memory, is target.h's.
 */
#ifndef TOOL_ADDRESS_H
#define TOOL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "say.h"

enum door {
	DOOR_RINGS,			/* no range: the guest's driver speaks to the device by rings */
	DOOR_IO,			/* ports */
	DOOR_MMIO,			/* memory addresses */
};

/*
 * mmio=auto: a window for each number. A PVH guest's memory ends below its local APIC and goes on
 * at 4 GiB, however much it has; Xen's own pages end at 0xff000000. Behind them nothing is. Linux
 * takes unused addresses for memory in whole sections of 128 MiB: this one has the local APIC in it.
 */
#define ADDRESS_AUTO		0xff000000u
#define ADDRESS_AUTO_STEP	0x10000u

#define ADDRESS_LOW_END		0xfee00000u	/* of memory below 4 GiB, at most */
#define ADDRESS_LOW_MIN		0xf0000000u	/* ... of a guest that has more, at least */
#define ADDRESS_HIGH		0x100000000ull	/* memory goes on here */
#define ADDRESS_PORT_MAX	0xffffu
#define ADDRESS_MAX		0xfffffffffull	/* 36 bits: every processor has these */

/* "io" or "mmio"; "" for rings. */
const char *door_name(enum door door);
/* What door_name() made. DOOR_RINGS: something else. */
enum door door_named(const char *name);

/* 0x and hexadecimal digits, or decimal digits. 0 and *address, or -1. */
int address_parse(const char *text, uint64_t *address);

/*
 * May a range of so many octets begin there? size 0: not known yet. -1 and the reason: it runs over
 * the end, is not aligned, or is somebody's whatever the guest is.
 */
int address_check(enum door door, uint64_t address, uint64_t size, struct why *why);

/* Has a guest of so many bytes memory in that range, or could it be given some there? */
bool address_is_memory(uint64_t address, uint64_t size, uint64_t bytes);

#endif /* TOOL_ADDRESS_H */
