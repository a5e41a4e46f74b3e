/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bounds.h - every limit that devices of a guest could hit, as rows of one table.
 *
 * What there is (struct facts, from measure.h) and what is asked for (struct demand, from specs)
 * become rows. A row fits when used + need + kept is not above value, or nothing is needed. What
 * could not be measured is NOT_KNOWN: it is shown, and refuses nothing. No effects, no Xen.
 *
 * Need of a device: its ring, pages and ports, and one aperture of its largest size. More apertures
 * at once, up to its number, share what there is: each OPEN is checked by the guest and the parent.
 * Whose memory an aperture will be no spec says: both must fit, the parent's as far as its policy goes
 * (max_given makes an aperture smaller, it refuses no device).
 */
#ifndef TOOL_BOUNDS_H
#define TOOL_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "say.h"
#include "spec.h"

#define NOT_KNOWN	UINT64_MAX

struct facts {
	/* The guest; of one that does not exist yet what its configuration says. */
	unsigned int guest;		/* domain, or NO_GUEST */
	uint64_t boot_frames;		/* gnttab_max_frames of Xen */
	uint64_t asked_frames;		/* max_grant_frames of a new guest's file; NOT_KNOWN: none */
	uint64_t frames;		/* grant frames it may have */
	uint64_t frames_used;		/* ... that it has now */
	uint64_t grants_used;		/* entries that grant something */
	uint64_t ports, ports_used;	/* event channels */
	uint64_t memory;		/* bytes */
	uint64_t nodes, nodes_used;	/* of xenstore, owned by it */
	uint64_t watches, transactions;	/* it may have; used: cannot be seen */
	uint64_t devices_used;		/* of both kinds */
	uint64_t trapped_used;
	uint64_t vcpus;			/* that it may have */
	uint64_t boot_maptrack;		/* gnttab_max_maptrack_frames of Xen: who is not told other has so many */
	uint64_t guest_maptrack;	/* frames that it may have; used: cannot be seen */
	uint64_t guest_entries_a_page;	/* of a parent's page: 2 where a program of a PV guest maps it, too */

	/* The domain that serves. */
	unsigned int backend;
	bool serves_already;		/* this guest: its worker runs */
	uint64_t maptrack;		/* frames that it may have */
	uint64_t mapped;		/* pages that its parents have mapped now, of all guests */
	uint64_t entries_a_page;	/* of maptrack: 2 where a PV kernel maps for a process */
	uint64_t parent_nodes_used;	/* driver domain: nodes it owns; domain 0 has no quota */
	uint64_t parent_memory;		/* bytes available in domain 0; all that a driver domain has */
	uint64_t parent_frames;		/* grant frames that it may have */
	uint64_t parent_grants_used;	/* domain 0: what its pools hold; driver domain: entries in use */
	uint64_t parent_ports, parent_ports_used;
	uint64_t host_memory;		/* bytes that Xen has free */
	bool stub_there;
	uint64_t stub_ports_used, stub_lanes_used;	/* of the guest's stub domain */
	uint64_t policy_pages, policy_pages_used;	/* max_pages_per_guest */
	uint64_t policy_total, policy_total_used;	/* max_mapped_total, of all guests */
	uint64_t policy_size;		/* max_size, bytes */
	uint64_t policy_given, given_used;	/* max_given; bytes that are set aside for the guest */
	uint64_t policy_given_total, given_total_used;	/* max_given_total; for all guests */
	uint64_t gntdev_limit;		/* pages that one mapping may have */
	uint64_t gntalloc_limit;	/* pages that this kernel gives */
};

struct demand {
	unsigned int devices, firsts;	/* new ones */
	unsigned int trapped;		/* not among these: their rings, pages and ports are the stub domain's */
	uint64_t pages;			/* an aperture of each */
	uint64_t largest;		/* bytes, of one */
	uint64_t given;			/* pages of them that may be the parent's: demand_give() */
};

/* Nothing, or one device more. */
void demand_add(struct demand *demand, const struct spec *spec);

struct limit {
	char name[64];
	char unit[12];			/* "bytes": shown as a size */
	uint64_t value, used, need, kept;
	char setting[128];		/* what raises it */
};

#define LIMITS_MAX	1024u	/* of a guest, of domain 0, of 64 driver domains */

struct limits {
	unsigned int count;
	struct limit rows[LIMITS_MAX];
};

/* How much of the pages the domain that serves may give, of its own memory. */
void demand_give(const struct facts *facts, struct demand *demand);

/*
 * Those of the guest, those of a domain that serves, and those of the guest that depend on how much is
 * given to it, by all who serve it.
 */
void limits_of_guest(const struct facts *facts, const struct demand *demand, struct limits *limits);
void limits_of_parent(const struct facts *facts, const struct demand *demand,
		      struct limits *limits);

void limits_of_given(const struct facts *facts, const struct demand *demand,
		     struct limits *limits);

bool limit_fits(const struct limit *limit);

/* The first row that does not fit, as a sentence; -1. 0: all fit. */
int limits_refuse(const struct limits *limits, struct why *why);

#endif /* TOOL_BOUNDS_H */
