/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of trapped devices: apertureif.h section 11. Accesses come from ioreq.h, the first device
 * answers them here, the rest goes through slow.h and comes back by door_answer().
 *
 * What a vCPU waits for is kept by a restart in place, with its id: so the new life does it again, and
 * what was executed is answered from the record.
 */
#ifndef STUB_DOOR_H
#define STUB_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include <xenaperture_model.h>

#define DOORS		8u	/* trapped devices of a guest */

struct door_setup {
	const struct xenaperture_model *model;
	uint32_t devid;
	bool port;			/* else memory-mapped */
	uint64_t address;
	struct xenapt_record *record;	/* two pages of ours */
	uint64_t revoke_ns;
	uint64_t timeout_ns;
};

/*
 * After a restart in place, as soon as there are events: the doors of the life before serve again. Nothing
 * else is needed for it; their second devices come later.
 */
void door_again(uint32_t guest);

/* The guest; before any door is opened. */
void door_start(uint32_t guest);

/* Octets of the range that a model's registers reach. */
uint64_t door_size(const struct xenaperture_model *model);

/*
 * Accesses reach the first device from now on. If they do so since door_again() it goes on as it
 * was. XENAPT_OK, or why not with the reason for people in
 * *why, and Xen's number in *detail.
 */
enum xenapt_status door_open(unsigned int door, const struct door_setup *setup, const char **why,
			     int *detail);

/* Accesses in the range are nobody's from now on; outstanding ones end. The last: no server any more. */
void door_close(unsigned int door);

/* The guest's event channel: unbound until it binds it. */
uint32_t door_event(unsigned int door);

/* Once, when door_open() was called for all there are: what else the life before had is closed. */
void door_resume(void);

/* One turn; ready: ports that fired. */
void door_serve(uint64_t ready);
extern uint64_t door_due;	/* system time of the next turn without an event; 0: never */
extern bool door_more;		/* work is left */

/* From slow.c. The answer of what was forwarded with this id: any that is not waited for is dropped. */
void door_answer(unsigned int door, uint64_t id, uint32_t status, uint64_t value);
/* The second device raised these vectors. */
void door_interrupt(unsigned int door, uint64_t vectors);
/* The slow lane is connected, anew or again: what was given up may be sent on again. */
void door_connected(unsigned int door);

#endif
