/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One device of one guest in this process: from what the handshake agreed on to a
 * live core device, and back. struct xenaperture is the handle that device authors
 * hold.
 */
#ifndef XAPT_LIB_CONNECTION_H
#define XAPT_LIB_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <xenaperture.h>

#include "device.h"
#include "guest.h"
#include "host_linux.h"
#include "stat.h"

#define XAPT_LISTEN_MAX	64

/*
 * A connection as numbers: what the supervisor sends to a worker. Checked by the
 * handshake; a fixed size, no pointers.
 */
struct xapt_link {
	uint32_t devid;
	uint32_t epoch;
	uint32_t ring_order;
	uint32_t ring_ref[1u << XENAPT_MAX_RING_ORDER];
	uint32_t event_ref;
	uint32_t mask_ref;
	uint32_t port;
	uint32_t max_apertures;
	uint64_t max_size;
	uint32_t unaligned;
	uint32_t read_only;
	uint32_t parent_memory;
	uint32_t operations;		/* feature-operations: record_ref is valid */
	uint32_t record_ref[XENAPT_RECORD_PAGES];
	char type[XENAPT_TYPE_MAX + 1];
};

struct xapt_kernel;

/* A device's own descriptor. */
struct xapt_listener {
	struct xapt_source source;	/* fd -1: free */
	struct xenaperture *x;
};

struct xenaperture {
	struct xenaperture *next;	/* of the same guest */
	struct xapt_guest *guest;
	struct xenaperture_table table;	/* a copy, 0 where the author's is older */
	void *opaque;
	const char *(*setting)(const char *type, const char *key);
	int (*file)(const struct xenaperture *x, unsigned int which);	/* NULL: none are given */
	char who[64];			/* for the log */
	bool program;			/* made by xenaperture_open() */

	/* From here on of one connection. */
	bool live;
	struct xapt_link link;
	struct xapt_host host;
	struct xapt_device core;
	void *device;			/* of table->create */
	void *ring;
	struct xenapt_event_page *event;
	struct xenapt_mask_page *mask;
	struct xenapt_record *record;	/* NULL: no operations on this connection */
	struct xapt_operations operations;
	struct xapt_source timer;	/* fd -1: none. What the model is due at */
	uint64_t armed;			/* host clock, ns: the timer is set to; UINT64_MAX: not set */
	struct xapt_stat *stat;		/* may be NULL */
	uint64_t stat_requests;		/* the aperture table in stat is of then */
	struct xapt_listener listener[XAPT_LISTEN_MAX];
	struct xapt_kernel *kernel;	/* NULL: no aperture was given to the kernel */
	uint64_t refusals;		/* by limits, that were said */
	uint64_t timeouts;		/* of trapped accesses, likewise */
	bool turn;			/* has work */
	bool due;			/* ... that no event announced */
	bool masked;			/* its event waits for unmask */
	char reason[96];		/* of xenaperture_fail() */
};

/*
 * Prepare x for devid of g's guest. 0, or -1 with errno EINVAL and text: the table is
 * none that this library can call.
 */
int xapt_connection_init(struct xenaperture *x, struct xapt_guest *g,
			 const struct xenaperture_table *table, void *opaque, uint32_t devid);

/*
 * Map, bind, create the device, join the guest's loop. XENAPT_OK, or an error with
 * text (xapt_error()) and nothing left behind. stat: the caller's, may be NULL.
 */
enum xenapt_status xapt_connection_open(struct xenaperture *x, const struct xapt_link *link,
					struct xapt_stat *stat);

/* Exact reverse. Idempotent. */
void xapt_connection_close(struct xenaperture *x);

/* One bounded turn. */
void xapt_connection_service(struct xenaperture *x);

/* Copy the counters out. True: something changed since the last time. */
bool xapt_connection_publish(struct xenaperture *x);

#endif
