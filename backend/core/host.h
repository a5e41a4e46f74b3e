/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The world around the core, as calls: on Linux libxengnttab and libxenevtchn, in
 * the stub domain hypercalls, in tests a fake Xen. The core makes no other call
 * than these (and memcpy, memset, which a freestanding compiler needs anyway).
 */
#ifndef XAPT_CORE_HOST_H
#define XAPT_CORE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct xapt_host_ops {
	/*
	 * Copy n whole pages that the child granted into dst, in one batch.
	 * 0, or -1 with *bad = index of the first reference that failed.
	 */
	int (*fetch)(void *host, const uint32_t *refs, uint32_t n, void *dst, uint32_t *bad);

	/*
	 * Map n pages that the child granted, contiguous and writable, in one
	 * batch; all or nothing. 0 with *addr, or -1 with *bad.
	 */
	int (*map)(void *host, const uint32_t *refs, uint32_t n, void **addr, uint32_t *bad);

	/* Undo map. Cannot be refused by the child. 0, or -1: it stays mapped. */
	int (*unmap)(void *host, void *addr, uint32_t n);

	/* Send the device's event. */
	void (*notify)(void *host);

	/* Scratch memory of the control path (OFFER). NULL: E_MEMORY. */
	void *(*alloc)(void *host, uint64_t bytes);
	void (*free)(void *host, void *memory, uint64_t bytes);

	/* Bits that a guest cannot guess, for handles. */
	uint64_t (*random)(void *host);
};

#endif
