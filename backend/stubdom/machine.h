/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen gave this domain: the start info, the shared info page, frames as addresses. Set up
 * once at boot; good for ever.
 */
#ifndef STUB_MACHINE_H
#define STUB_MACHINE_H

#include "hypercall.h"

extern struct shared_info stub_shared;		/* mapped over by machine_init() */
extern const struct start_info *stub_start;

void machine_init(const struct start_info *start);

/* One of the pages that start_info names by its machine frame. */
void *machine_page(uint64_t frame);
/* The machine frame of a page of ours. */
uint64_t machine_frame(const void *page);
/* A frame that Xen gave us by number, in a window; writable. 0 or Xen's errno. */
long machine_map_own(void *window, uint64_t frame);

enum machine_how {
	MACHINE_READ,		/* frame: guest-physical */
	MACHINE_WRITE,
	MACHINE_RESOURCE,	/* machine frame, of XENMEM_acquire_resource; writable */
};

/* Another domain's page in a window (persist.h), instead of what is there. 0 or Xen's errno: nothing is. */
long machine_map(void *window, uint32_t domain, uint64_t frame, enum machine_how how);
void machine_unmap(void *window);

/* This domain ends. SHUTDOWN_* of xen/sched.h. */
void machine_shutdown(unsigned int why) __attribute__((noreturn));

#endif
