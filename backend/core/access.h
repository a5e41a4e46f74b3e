/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An access that Xen trapped, as operations: one for each element of REP. Pure: the guest's memory is
 * the host's to copy, the clock and the device are the caller's.
 *
 *      xapt_access_begin(&walk);
 *      while (xapt_access_next(&access, &walk, base, host_ops, host, &op))
 *              ... execute op ...
 *              xapt_access_done(&access, &walk, host_ops, host, status, value);
 *      answer = walk.value
 *
 * A walk may be left anywhere and gone on with: the same element again until it is done.
 */
#ifndef XAPT_CORE_ACCESS_H
#define XAPT_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

/* A private copy of what Xen said. */
struct xapt_access {
	uint64_t address;	/* first octet: a port, or guest-physical */
	uint64_t data;		/* to write; or pointer: guest-physical address of the memory */
	uint32_t count;		/* elements: 1, or those of REP */
	uint32_t size;		/* octets of each */
	bool write;
	bool pointer;		/* data is an address */
	bool down;		/* addresses go down from element to element */
	bool port;		/* every element at the same address */
};

struct xapt_walk {
	uint32_t done;		/* elements */
	bool fetched;		/* write from memory: value is the element's */
	bool bad;		/* ... but the guest has no such memory */
	uint64_t value;		/* of the last read; what a vCPU gets */
	uint32_t faults;	/* elements whose memory is not there */
};

/* Guest memory. n is at most 8, and may cross a page. 0, or -1: not there. */
struct xapt_access_ops {
	int (*fetch)(void *host, uint64_t at, void *to, uint32_t n);
	int (*store)(void *host, uint64_t at, const void *from, uint32_t n);
};

void xapt_access_begin(struct xapt_walk *w);

/*
 * The next element as an operation on a device whose range begins at base: handle, offset, length,
 * flags, submitter are 0. False: all are done. An element of a size that no operation has, or whose
 * memory is not there, is an operation that every device refuses (XENAPT_E_MALFORMED).
 */
bool xapt_access_next(const struct xapt_access *a, struct xapt_walk *w, uint64_t base,
		      const struct xapt_access_ops *ops, void *host, struct xenapt_operation *op);

/* It ended: with a status other than XENAPT_OK it was all ones, or nothing written. */
void xapt_access_done(const struct xapt_access *a, struct xapt_walk *w,
		      const struct xapt_access_ops *ops, void *host, uint32_t status, uint64_t value);

/* All ones in size octets. */
uint64_t xapt_access_ones(uint32_t size);

#endif
