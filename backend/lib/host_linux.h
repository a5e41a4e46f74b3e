/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The core's host on Linux: mapper.h and libxenevtchn, for one guest's pages. */
#ifndef XAPT_LIB_HOST_LINUX_H
#define XAPT_LIB_HOST_LINUX_H

#include <xenevtchn.h>

#include "give.h"
#include "host.h"
#include "log.h"
#include "mapper.h"

struct xapt_host {
	struct xapt_mapper *mapper;
	xenevtchn_handle *evtchn;
	uint32_t domid;
	evtchn_port_t port;
	uint32_t devid;
	struct xapt_giver *giver;	/* of memory of this side; NULL: none is given */
	const char *who;		/* for the log */
	struct xapt_log_limit *said;
};

extern const struct xapt_host_ops xapt_host_linux;

/*
 * n pages in one batch, all or nothing. NULL: *bad is the first that cannot be mapped, or n: each could,
 * this domain can map no more, or nobody does it. Then errno, and a line in the log that names the limit.
 */
void *xapt_host_map(struct xapt_host *h, const uint32_t *refs, uint32_t n, int prot,
		    uint32_t *bad);
int xapt_host_unmap(struct xapt_host *h, void *addr, uint32_t n);

#endif
