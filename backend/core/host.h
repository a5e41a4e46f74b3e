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

#include <xen/io/apertureif.h>

/* Memory of this side, given to the child. */
struct xapt_gift {
	/* what is asked for */
	uint32_t slot;		/* of the aperture */
	uint32_t pages;
	bool child_read_only;
	bool parent_read_only;	/* addr is to be mapped so */
	uint32_t again;		/* directory reference of an earlier one; 0: new, zeroed memory */
	/* the answer */
	uint32_t directory;	/* reference of the directory's first page */
	void *addr;		/* contiguous here; NULL: nothing was given */
	void *cookie;		/* the host's */
};

struct xapt_host_ops {
	/*
	 * Copy n whole pages that the child granted into dst, in one batch.
	 * 0, or -1 with *bad = index of the first reference that failed; n: it is none of them, this
	 * side can map no more.
	 */
	int (*fetch)(void *host, const uint32_t *refs, uint32_t n, void *dst, uint32_t *bad);

	/*
	 * Before map: may so many more pages be mapped, beside what all other children have? After
	 * unmap: so many are not any more. And how many may be now. NULL, all three: there is no such bound.
	 */
	bool (*reserve)(void *host, uint32_t pages);
	void (*unreserve)(void *host, uint32_t pages);
	uint64_t (*mappable)(void *host);

	/*
	 * Map n pages that the child granted, contiguous, in one
	 * batch; all or nothing. 0 with *addr, or -1 with *bad as above.
	 */
	int (*map)(void *host, const uint32_t *refs, uint32_t n, bool writable, void **addr,
		   uint32_t *bad);

	/* Undo map. Cannot be refused by the child. 0, or -1: it stays mapped. */
	int (*unmap)(void *host, void *addr, uint32_t n);

	/*
	 * Give the child memory of this side, and a directory of it: apertureif.h, section 5.2.
	 * XENAPT_OK, E_MEMORY, E_GIVEN_PAGES or E_LOST; then addr is NULL. NULL: never.
	 */
	enum xenapt_status (*give)(void *host, struct xapt_gift *gift);

	/*
	 * The device does not use a gift any more. released: the child says that it has unmapped it;
	 * otherwise it stays granted, and may be asked for again.
	 */
	void (*take_back)(void *host, struct xapt_gift *gift, bool released);

	/* Pages that this child may still be given, to write or to read only. NULL: none. */
	uint64_t (*givable)(void *host, bool child_read_only);

	/* Send the device's event. */
	void (*notify)(void *host);

	/* Scratch memory of the control path (OFFER). NULL: E_MEMORY. */
	void *(*alloc)(void *host, uint64_t bytes);
	void (*free)(void *host, void *memory, uint64_t bytes);

	/* Bits that a guest cannot guess, for handles. */
	uint64_t (*random)(void *host);

	/* ns, monotonic: Xen's system time, or CLOCK_MONOTONIC_RAW. Devices with a model only. */
	uint64_t (*clock)(void *host);
};

#endif
