/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connected device at the parent: its ring, its apertures and their life, its
 * signals. No OS, no allocation but the scratch of an OFFER, no waiting.
 *
 * The caller owns the memory of struct xapt_device, maps ring, event and mask
 * page, and calls xapt_device_service() whenever the event channel fired. One
 * thread at a time.
 */
#ifndef XAPT_CORE_DEVICE_H
#define XAPT_CORE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"
#include "operations.h"
#include "ring.h"
#include "signals.h"

#include <xen/io/apertureif.h>

struct xapt_aperture {
	enum xenapt_aperture_state state;
	uint64_t handle;	/* 0: none */
	uint64_t granted;	/* bytes */
	uint64_t length;	/* bytes, of the description */
	uint32_t offset;
	uint32_t pages;
	uint32_t tag;
	uint32_t flags;		/* XENAPT_OPEN_* */
	uint32_t *refs;		/* private copy, host->alloc; NULL unless offered, or parent-owned */
	void *map;		/* first mapped page */
	struct xapt_gift gift;	/* parent-owned: addr is NULL, or the memory; map is NULL then */
};

/* What the device type does with an aperture. Called from service and close only. */
struct xapt_device_ops {
	/*
	 * Mapped: data = first byte (offset applied), read-only if flags say so (XENAPT_OPEN_*).
	 * Non-zero: refused, undone (E_DEVICE).
	 */
	int (*mapped)(void *opaque, unsigned int slot, void *data, uint64_t length, uint32_t tag,
		      uint32_t flags);
	/* About to be unmapped. Non-zero: busy, keep it (ignored when force). */
	int (*withdraw)(void *opaque, unsigned int slot, bool force);
	/* Doorbell of a mapped aperture. */
	void (*doorbell)(void *opaque, unsigned int slot);
	/* Doorbell 0..63 of the device type. */
	void (*signal)(void *opaque, unsigned int n);
};

/*
 * What the parent allows. pages_left is shared by all devices of one guest: the
 * core takes from it when it maps, gives back when it unmaps. offered_left likewise, of pages
 * that were described and are not mapped: their references are kept. NULL: no bound.
 */
struct xapt_limits {
	uint64_t max_size;		/* bytes, one aperture */
	uint32_t max_apertures;
	bool unaligned;			/* feature-unaligned was agreed */
	bool read_only;			/* feature-read-only */
	bool parent_memory;		/* feature-parent-memory */
	uint64_t *pages_left;
	uint64_t *offered_left;
};

/* Most requests of one turn: a budget above this is this. */
#define XAPT_TURN	32

/* Statuses of apertureif.h are below this. */
#define XAPT_ERRORS	96

struct xapt_device {
	const struct xapt_host_ops *host_ops;
	void *host;
	const struct xapt_device_ops *ops;
	void *opaque;
	struct xapt_limits limits;

	struct xapt_ring ring;
	struct xapt_signals signals;
	struct xapt_aperture aperture[XENAPT_MAX_APERTURES];
	uint64_t sequence;		/* of handles */
	uint64_t secret;
	uint64_t errors[XAPT_ERRORS];	/* responses by status */
	uint64_t short_of;		/* bytes: what was needed when a limit refused it last */
	bool short_given;		/* ... of this side's memory */
	bool more;			/* the last service left work */

	struct xapt_operations *operations;	/* the caller's; NULL: the device type has none */
	bool fast;			/* fast lane: operations only */
	bool due;			/* this turn is for time, not for an event */
	uint64_t clock;			/* of this turn */
	bool holding;			/* held waits for the state */
	struct xenapt_request held;
	uint32_t answers;		/* of the turn, below */
	uint32_t stands;		/* bits: those that count whatever becomes of the turn */
	struct xenapt_response answer[XAPT_TURN];
	enum xenapt_status status;	/* why it failed; XENAPT_OK: alive */
	bool ended_by_child;		/* status is what the child said */
};

/* ring, event, mask: mapped pages of the child; ring has 2^order of them. */
void xapt_device_init(struct xapt_device *d, const struct xapt_host_ops *host_ops, void *host,
		      const struct xapt_device_ops *ops, void *opaque,
		      const struct xapt_limits *limits);
void xapt_device_connect(struct xapt_device *d, void *ring, uint32_t order,
			 struct xenapt_event_page *event, const struct xenapt_mask_page *mask);

/*
 * An event came: handle what is there, at most budget requests, each doorbell once. A request that
 * fetches, maps or unmaps ends the turn: its cost is the aperture's size. True: there is more,
 * call again. On an impossible ring index status is set, the child
 * was told, and every later call does nothing.
 */
bool xapt_device_service(struct xapt_device *d, unsigned int budget);

/*
 * With operations: give them before connect. connect writes the tables of the event page and
 * takes up the state; a turn is also due at xapt_device_due() (host clock, ns; UINT64_MAX: never),
 * whether or not an event came.
 */
void xapt_device_operations(struct xapt_device *d, struct xapt_operations *o, bool fast);
uint64_t xapt_device_due(struct xapt_device *d);
/* service, for a turn that is due: no event is counted. */
bool xapt_device_tick(struct xapt_device *d, unsigned int budget);

/* Fast lane, before an orderly close: the state goes to the second device. */
void xapt_device_leave(struct xapt_device *d);

/* Raise interrupt 64 + slot, or 0..63; sends the event if it is due. */
void xapt_device_interrupt(struct xapt_device *d, unsigned int n);

/* The device cannot go on: tell the child by name. */
void xapt_device_fail(struct xapt_device *d, enum xenapt_status status);

/* Unmap everything, whatever the device type says. Idempotent. */
void xapt_device_close(struct xapt_device *d);

#endif
