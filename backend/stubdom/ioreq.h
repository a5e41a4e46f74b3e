/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioreq server of the guest: Xen's side of the door. One page with a slot for each vCPU, one
 * event channel each. It outlives a restart in place. Needs a target (the toolstack's).
 *
 * If this domain is destroyed while the server is enabled, the guest's vCPUs hang at their next
 * access: close it first.
 */
#ifndef STUB_IOREQ_H
#define STUB_IOREQ_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"

#define IOREQ_VCPUS	24u	/* most that a guest may have: ports are few (events.h) */
#define IOREQ_RANGES	256u	/* Xen's limit of each kind */

/*
 * Make it, or find the one of an earlier life; enabled. 0 or a negative errno of Xen's, and *what. Then
 * what there is stays, with those that wait on it: ioreq_close() is the caller's to call, or another life's.
 */
int ioreq_open(uint32_t guest, const char **what);
/* Answer what waits with all ones, disable and destroy. Idempotent. */
void ioreq_close(void);
/* Also in a life that did not open it yet. */
bool ioreq_is_open(void);

/* Both ends belong to it. 0 or Xen's errno. */
int ioreq_map(bool port, uint64_t first, uint64_t last);
int ioreq_unmap(bool port, uint64_t first, uint64_t last);

unsigned int ioreq_vcpus(void);
uint64_t ioreq_ports(void);			/* bits */
unsigned int ioreq_vcpu_of(unsigned int port);

enum ioreq_kind {
	IOREQ_NONE,		/* nothing to do */
	IOREQ_ACCESS,
	IOREQ_OTHER,		/* to be answered with anything: INVALIDATE */
};

/*
 * What does this vCPU wait for? Copied once; from now on it is in process. again: in the life before
 * it was in process already.
 */
enum ioreq_kind ioreq_take(unsigned int vcpu, struct xapt_access *access, bool *again);

/* It was taken, and not answered. */
bool ioreq_is_taken(unsigned int vcpu);

/* Let it go on. */
void ioreq_answer(unsigned int vcpu, uint64_t value);

#endif
