/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all devices of one guest share in a process: who maps its pages, the event channel
 * handle, the cap on mapped pages, and the event loop (one epoll descriptor).
 *
 * One step of the loop takes one ready descriptor, then gives every device that
 * still has work one bounded turn: a guest that floods one device does not keep the
 * others waiting, and never holds the thread for longer than one turn each.
 */
#ifndef XAPT_LIB_GUEST_H
#define XAPT_LIB_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>

#include "give.h"
#include "log.h"
#include "mapper.h"

struct xenaperture;

/* A descriptor in the loop, inside of whatever owns it. */
struct xapt_source {
	void (*ready)(struct xapt_source *source, uint32_t events);
	int fd;
};

struct xapt_guest {
	uint32_t domid;
	struct xapt_mapper *mapper;
	struct xapt_own_mapper own;	/* mapper, unless the owner has one */
	xenevtchn_handle *evtchn;
	int kernel;			/* /dev/xen/aperture-parent; -1: not there */
	uint64_t max_pages;
	uint64_t pages_left;
	uint64_t offered_left;
	struct xapt_giver *giver;	/* the owner's; NULL: no memory of this side is given */
	struct xenaperture *connections;

	int epoll;
	struct xapt_source events;	/* the event channel descriptor */
	struct xapt_source again;	/* readable while a device has work left */
	struct xapt_source refresh;	/* timer: statistics of a device that went quiet */
	bool refresh_armed, refresh_soon;
	struct xapt_log_limit said;	/* by the devices */
};

/* Opens the handles. mapper: the owner's; NULL: this process maps itself. 0, or -1 with errno and text. */
int xapt_guest_open(struct xapt_guest *g, uint32_t domid, uint64_t max_pages, struct xapt_mapper *mapper);

/* All connections must have ended. */
void xapt_guest_close(struct xapt_guest *g);

/* source->fd joins the loop, changes its events, or leaves it (0). 0, or -1 with errno. */
int xapt_guest_listen(struct xapt_guest *g, struct xapt_source *source, uint32_t events);

/* Soon give x a turn, without an event. */
void xapt_guest_again(struct xapt_guest *g, struct xenaperture *x);

/*
 * Statistics: look again in a moment if they changed just now, else in a second if some device
 * has a first device, whose work makes no event here.
 */
void xapt_guest_refresh(struct xapt_guest *g, bool changed);

/* One step; waits up to timeout ms (-1: for ever) for something to do. 1 if something was done. */
int xapt_guest_step(struct xapt_guest *g, int timeout);

#endif
