/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenaperture_stat.h - what a parent tells about its devices while they run.
 *
 * Every device that is served in this domain has one file:
 *
 *     /run/xen-aperture/<domid>-<devid>.stat         for example 5-0.stat
 *
 * It holds one struct xenaperture_stat and nothing else. It is made before the
 * device is first offered to the guest and removed when the device is gone. The
 * values are live: read the file again to get newer ones. Reading never stops
 * or slows the traffic.
 *
 * How to read it
 * --------------
 *   1. open() read-only; pread() sizeof(struct xenaperture_stat) bytes at 0.
 *   2. A file that is shorter than its own size field, or has another magic or
 *      version, is not for this program: say so and go on with the next.
 *   3. A file may vanish at any time (ENOENT): the device is gone.
 * It may also be mapped, but then a reader must expect SIGBUS: the process that
 * writes the counters has no privileges and is not trusted. Take every field as
 * data: strings may lack their final 0, numbers may be out of range.
 *
 * Who writes
 * ----------
 * The supervisor writes the fields up to error; the worker of the guest those
 * from mapped_pages on. With server = "program" the program writes both. Each
 * number is written by one store: it is never torn, but two numbers may be some
 * milliseconds apart. The child's counters are copied from its mask page, each
 * word once, at the latest 200 ms after the last event; what the first device and
 * the child count of the fast lane, which makes no event here, within a second.
 *
 * All integers are little-endian and in the units named. Unused octets are 0.
 */
#ifndef XENAPERTURE_STAT_H
#define XENAPERTURE_STAT_H

#include <stdint.h>

#include <xen/io/apertureif.h>

#define XENAPERTURE_STAT_DIR		"/run/xen-aperture"
#define XENAPERTURE_STAT_SUFFIX		".stat"
#define XENAPERTURE_STAT_MAGIC		0x5441545354504158ull	/* "XAPTSTAT" */
#define XENAPERTURE_STAT_VERSION	4

#define XENAPERTURE_STAT_ERRORS		96	/* [95]: any other number */

struct xenaperture_stat_aperture {
	uint32_t state;		/* enum xenapt_aperture_state; NONE: all others are 0 */
	uint32_t tag;		/* as in OPEN */
	uint64_t granted;	/* bytes */
	uint64_t length;	/* bytes of the description, 0 before OFFER */
	uint32_t offset;	/* of the first byte in the first page */
	uint32_t pages;		/* payload pages of the description */
	uint32_t flags;		/* as in OPEN: who owns the memory, who may only read it */
	uint32_t reserved;
};

/* The second device since it connected. */
struct xenaperture_stat_operations {
	uint64_t executed;	/* operations executed here */
	uint64_t declined;	/* ... sent to the first device, which has the state */
	uint64_t repeated;	/* ... answered from the record */
	uint64_t refused;	/* ... answered with another error */
	uint64_t commits;
	uint64_t handed_over;	/* state given to the first device */
	uint64_t received;	/* state got from it, or taken */
	uint64_t lost;		/* commits that failed: the state was revoked */
	uint64_t injected;	/* events sent for vectors */
	uint64_t coalesced;	/* vectors raised while pending */
};

struct xenaperture_stat {
	uint64_t magic;		/* XENAPERTURE_STAT_MAGIC */
	uint32_t version;	/* XENAPERTURE_STAT_VERSION */
	uint32_t size;		/* bytes of this structure as the writer knows it */

	/* What the device is. */
	uint32_t domid;		/* the guest */
	uint32_t devid;
	char	 type[32];
	char	 server[16];	/* "apertured", "program" */
	uint64_t max_size;	/* bytes, policy */
	uint32_t max_apertures;
	uint32_t max_pages;	/* most pages the parent maps for this guest, all devices */

	/* How it is. */
	uint32_t state;		/* xenbus state of the parent, 1..6 */
	uint32_t peer_state;	/* of the child; 0: it has no node */
	uint32_t epoch;		/* connection attempt; 0: none yet */
	int32_t  worker;	/* process that serves it; 0: none */
	uint64_t connects;	/* times it entered Connected, under this supervisor */
	uint64_t deaths;	/* times its process died while it served the device */
	char	 error[128];	/* the last one: "NAME: text"; "": none since it connected */

	/* The connection. All 0 when there is none. */
	uint64_t mapped_pages;	/* payload pages mapped now, this device */
	uint64_t guest_pages;	/* payload pages mapped now, all devices of the guest */
	uint64_t given_pages;	/* payload pages of this side's that are given now, this device */
	uint64_t pool_pages;	/* pages of this side's set aside for the guest, all devices; they
				 * stay the guest's until it is gone, given at the moment or not */
	uint64_t pool_max;	/* ... at most (max_given) */
	uint64_t total_pages;	/* pages mapped of all guests, as far as reserved; 0: not known */
	uint64_t total_max;	/* ... at most (max_mapped_total) */
	struct xenapt_counters parent;
	struct xenapt_counters child;
	uint64_t errors[XENAPERTURE_STAT_ERRORS];	/* responses by enum xenapt_status */
	struct xenaperture_stat_aperture aperture[XENAPT_MAX_APERTURES];	/* by slot */

	/* Operations. All 0 when the device type has none. */
	struct xenaperture_stat_operations second;	/* by this process */
	uint64_t head;		/* of the state record: owner, slot, generation; as the guest shows it */
	struct xenapt_fast_counters first;	/* the stub domain's, as the guest shows them */
	struct xenapt_counters fast_child;	/* the child's of the fast lane, likewise */
};

#endif /* XENAPERTURE_STAT_H */
