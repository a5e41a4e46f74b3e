/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both halves of the xenbus handshake on the fake, and the toolstack: apertureif.h
 * section 3 from the first node to the last. The parent is the core's functions
 * and the least around them; the guest is written from the contract alone.
 *
 * A guest that is connected opens one aperture of three pages, offers it, maps it, rings its
 * doorbell, and after that only waits.
 */
#ifndef TESTS_UNIT_FAKE_BUS_H
#define TESTS_UNIT_FAKE_BUS_H

#include "pair.h"

#include "handshake.h"
#include "negotiate.h"
#include "parse.h"

#define BACK_PATH	"/local/domain/1/backend/aperture/5/0"
#define FRONT_PATH	"/local/domain/5/device/aperture/0"

/* ---- toolstack, domain 0 --------------------------------------------------- */

void toolstack_attach(struct fake *f);
/* Ask for the end. The rest is toolstack_remove()'s, once both are Closed. */
void toolstack_detach(struct fake *f);
void toolstack_remove(struct fake *f);

unsigned int back_state(struct fake *f);
unsigned int front_state(struct fake *f);
/* NULL if there is none. */
const char *back_error(struct fake *f);

/* ---- parent, domain 1 ------------------------------------------------------ */

struct parent {
	struct fake *f;
	unsigned int actor, watch[3];
	bool restarted, served, failed, look;
	uint32_t epoch;
	uint32_t order;
	void *ring, *event, *mask;
	struct fake_host host;
	struct recorder type;
	struct xapt_device device;
	uint64_t pages_left;
	unsigned int actions, connects;
};

/* Start the process; it finds what an earlier one left. */
void parent_start(struct parent *p, struct fake *f);
/* It is killed: Xen takes mappings and port away, no node changes. */
void parent_kill(struct parent *p);

/* ---- guest, domain 5 ------------------------------------------------------- */

struct guest {
	struct fake *f;
	unsigned int actor, watch;
	unsigned int own;		/* state it wrote last */
	bool look, unloading;
	struct child child;
	bool up;
	struct buffer buffer;
	uint64_t handle;
	uint32_t slot;
	uint8_t next;			/* request to send, 0: none */
	uint32_t epoch;
	unsigned int connects, errors;
	uint32_t spoil_order;		/* written instead of the true order, if not 0 */
};

/* Load the module. */
void guest_load(struct guest *g, struct fake *f);
/* It closes first, and is gone when guest_gone() says so. */
void guest_unload(struct guest *g);
bool guest_gone(const struct guest *g);
/* Gone without a word, as by a kexec: its memory stays granted until it is collected. */
void guest_vanish(struct guest *g);
/* The aperture is mapped at both ends. */
bool guest_settled(const struct guest *g);
/* Collect what a vanished or dead guest left. False while it is still mapped. */
bool guest_collect(struct guest *g);

#endif
