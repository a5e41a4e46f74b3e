/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parent.h - one connection of a device, served by a program of dom0 that does what it likes: the
 * handshake and the ring, without the library's care.
 */
#ifndef PARENT_H
#define PARENT_H

#include <stdbool.h>
#include <stdint.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

/* What ring.h asks its user for. */
#define mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>

struct parent {
	struct xs_handle *xs;
	xengnttab_handle *gnt;
	xenevtchn_handle *xce;
	xenevtchn_port_or_error_t port;
	unsigned int domid, devid, epoch;
	bool fast;			/* of kind aperture-fast */
	bool operations;		/* feature-operations is offered */
	bool all;			/* every feature is offered */
	char back[80], front[80];
	struct xenapt_back_ring ring;
	struct xenapt_sring *sring;
	struct xenapt_event_page *event;
	const struct xenapt_mask_page *mask;
	void (*before_connected)(struct parent *p);	/* the pages are mapped; may be NULL */
};

/* All of these end the program with status 2 when the surroundings fail. */
void die(const char *what);
void parent_init(struct parent *p, const char *domid, const char *devid, bool fast);
void parent_put(struct parent *p, const char *node, unsigned int value);
const char *parent_get(struct parent *p, const char *folder, const char *node);	/* "": missing */
unsigned int parent_number(struct parent *p, const char *folder, const char *node);
void parent_offer(struct parent *p);		/* InitWait, a new epoch */
void parent_accept(struct parent *p);		/* maps, binds, Connected */
void parent_wait_front(struct parent *p, unsigned int state);
void parent_end(struct parent *p);		/* unmaps, closes the port */
void parent_notify(struct parent *p);
/* false: no request came in so many ms */
bool parent_request(struct parent *p, struct xenapt_request *q, int ms);
struct xenapt_request parent_must_request(struct parent *p);
void parent_respond(struct parent *p, struct xenapt_response r);
/* The child's status word of this lane. */
uint32_t parent_child_status(const struct parent *p);
long now_us(void);

#endif /* PARENT_H */
