/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connected device: the core on the guest's pages. Connecting and ending need no xenstore, serving
 * neither.
 */
#ifndef STUB_LANE_H
#define STUB_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "grants.h"

#include <xenaperture_model.h>

#define LANES		GRANT_LANES
#define LANE_BUDGET	32u	/* requests of one device in one turn */

struct lane_setup {
	const struct xenaperture_model *model;
	uint32_t domain;
	uint32_t devid;
	uint32_t refs[GRANT_WINDOWS];
	uint32_t port;			/* the guest's, unbound */
	uint64_t revoke_ns;
};

/* Bits by local port: devices with work left. And the time when the first one is due. */
extern uint64_t lane_more;
extern uint64_t lane_due;
extern uint64_t lane_ports;	/* bits of the connected ones */

void lane_init(void);

/*
 * Map, bind, connect; the device is served from now on. XENAPT_OK, or why not with *what = the node
 * that named it and *detail Xen's number.
 */
enum xenapt_status lane_connect(unsigned int lane, const struct lane_setup *setup, const char **what,
				int *detail);

/* Orderly: the state is handed over, everything is let go. Idempotent. */
void lane_end(unsigned int lane);

/* XENAPT_OK, or why this lane serves no more. */
enum xenapt_status lane_status(unsigned int lane);
bool lane_ended_by_child(unsigned int lane);

/* One turn for every device whose port is in ready, that has more, or is due. */
void lane_serve(uint64_t ready);

/* A lane failed since this was asked last. */
bool lane_failed(void);
extern bool lane_failing;	/* the same, and stays so until it is asked */

#endif
