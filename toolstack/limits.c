/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "serving.h"
#include "table.h"
#include "trapped.h"

#define ENTRIES_A_FRAME	512u		/* of version 1 */
#define MAPTRACK_A_FRAME	256u		/* 16 octets each */
#define DEVICE_REFS	20u		/* ring of order 4, event and mask page, state record */
#define DEVICE_NODES	36u		/* that the guest owns, both sides' longest lists */
#define FIRST_NODES	28u
#define PARENT_NODES	22u
#define WORKER_BYTES	(8u << 20)
#define STUB_BYTES	(6u << 20)	/* 4 MiB, and what Xen needs for a domain */

/* Begins a setting: it cannot be raised, and what can be done. */
#define NOTHING		"nothing: "

/* What other devices and the domain itself are left. The guest's own module keeps the same. */
#define GRANTS_KEPT	256u
#define PORTS_KEPT	16u
#define NODES_KEPT	100u
#define WATCHES_KEPT	8u
#define TRANSACTIONS_KEPT 4u
#define MEMORY_KEPT	(16u << 20)
#define GUEST_KEPT	(4u << 20)	/* and a sixteenth */
#define MAPTRACK_PART	16u		/* one of so many */
#define GIVEN_COST	(XENAPT_PAGE_SIZE + 128u)	/* bytes of a page, with what the kernel notes of it */
#define STUB_PORTS	63u		/* what a stub domain waits for is one word; 0 is no port */
#define STUB_LANES	16u
#define STUB_OWN_PORTS	3u		/* console, xenstore, watchdog */

void demand_add(struct demand *demand, const struct spec *spec)
{
	/* The stub domain's, not the guest's: its own memory, ports and nodes. */
	if (spec->door) {
		demand->trapped++;
		return;
	}
	demand->devices++;
	demand->firsts += spec->fast;
	demand->pages += spec->max_size / XENAPT_PAGE_SIZE;
	if (spec->max_size > demand->largest)
		demand->largest = spec->max_size;
}

static uint64_t lists_of(uint64_t pages, unsigned int devices)
{
	return (pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES + 2 * devices;
}

/* Directory pages of all apertures together, at most. */
static uint64_t directory_pages(const struct demand *demand)
{
	return lists_of(demand->pages, demand->devices);
}

static uint64_t pages_left(uint64_t limit, uint64_t used)
{
	if (limit == NOT_KNOWN)
		return UINT64_MAX;
	if (used == NOT_KNOWN)
		used = 0;
	return limit > used ? (limit - used) / XENAPT_PAGE_SIZE : 0;
}

void demand_give(const struct facts *facts, struct demand *demand)
{
	uint64_t own = pages_left(facts->policy_given, facts->given_used);
	uint64_t all = pages_left(facts->policy_given_total, facts->given_total_used);
	uint64_t least = own < all ? own : all;

	demand->given = facts->policy_given == NOT_KNOWN ? 0 :
			demand->pages < least ? demand->pages : least;
}

static uint64_t lanes(const struct demand *demand)
{
	return demand->devices + demand->firsts;
}

static struct limit *add(struct limits *limits, const char *unit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static struct limit *add(struct limits *limits, const char *unit, const char *format, ...)
{
	struct limit *limit = &limits->rows[limits->count++];
	va_list args;

	*limit = (struct limit){ .used = NOT_KNOWN };
	va_start(args, format);
	vsnprintf(limit->name, sizeof(limit->name), format, args);
	va_end(args);
	snprintf(limit->unit, sizeof(limit->unit), "%s", unit);
	return limit;
}

static void set(struct limit *limit, uint64_t value, uint64_t used, uint64_t need, uint64_t kept)
{
	limit->value = value;
	limit->used = used;
	limit->need = need;
	limit->kept = kept;
}

static void raised_by(struct limit *limit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void raised_by(struct limit *limit, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(limit->setting, sizeof(limit->setting), format, args);
	va_end(args);
}

static uint64_t frames_for(uint64_t entries)
{
	return (entries + ENTRIES_A_FRAME - 1) / ENTRIES_A_FRAME;
}

/* An entry is free or not, whichever frame it is in: frames that are there count for nothing. */
static void grant_rows(const struct facts *facts, const struct demand *demand,
		       struct limits *limits)
{
	uint64_t entries = lanes(demand) * DEVICE_REFS + demand->pages + directory_pages(demand);
	uint64_t all = facts->frames == NOT_KNOWN ? NOT_KNOWN : facts->frames * ENTRIES_A_FRAME;
	struct limit *limit = add(limits, "grants", "grant entries of the guest");
	uint64_t asked = facts->asked_frames, frames;

	set(limit, all, facts->grants_used, entries, GRANTS_KEPT);
	frames = frames_for(entries + GRANTS_KEPT +
			    (facts->grants_used == NOT_KNOWN ? 0 : facts->grants_used));
	/* A value only where it is more than there is. */
	if (facts->frames != NOT_KNOWN && frames > facts->frames)
		raised_by(limit, "max_grant_frames=%" PRIu64 " in the guest's configuration%s", frames,
			  facts->boot_frames != NOT_KNOWN && frames > facts->boot_frames ?
			  ", after gnttab_max_frames= on Xen's command line" : "");
	else
		raised_by(limit, "max_grant_frames in the guest's configuration");
	limit = add(limits, "frames", "grant frames of the guest");
	set(limit, facts->frames, facts->frames_used, 0, 0);
	raised_by(limit, "max_grant_frames in the guest's configuration");
	limit = add(limits, "frames", "Xen's limit of grant frames");
	set(limit, facts->boot_frames, NOT_KNOWN, asked == NOT_KNOWN ? 0 : asked, 0);
	raised_by(limit, "gnttab_max_frames= on Xen's command line");
}

static void store_rows(const struct facts *facts, const struct demand *demand,
		       struct limits *limits)
{
	uint64_t nodes = demand->devices * DEVICE_NODES + demand->firsts * FIRST_NODES;
	struct limit *limit = add(limits, "nodes", "xenstore nodes of the guest");

	set(limit, facts->nodes, facts->nodes_used, nodes, NODES_KEPT);
	raised_by(limit, "quota-maxentity (oxenstored.conf), --entry-nb (xenstored)");
	limit = add(limits, "watches", "xenstore watches of the guest");
	set(limit, facts->watches, NOT_KNOWN, lanes(demand), WATCHES_KEPT);
	raised_by(limit, "quota-maxwatch (oxenstored.conf), --watch-nb (xenstored)");
	limit = add(limits, "transactions", "xenstore transactions of the guest");
	set(limit, facts->transactions, NOT_KNOWN, lanes(demand) ? 1 : 0, TRANSACTIONS_KEPT);
	raised_by(limit, "quota-transaction (oxenstored.conf), --transaction (xenstored)");
}

/* A lane's; those of a door, of which the first takes one a vCPU. */
static uint64_t stub_ports(const struct facts *facts, const struct demand *demand)
{
	bool first_door = demand->trapped && (!facts->trapped_used || facts->trapped_used == NOT_KNOWN);

	return demand->firsts + demand->trapped +
	       (first_door && facts->vcpus != NOT_KNOWN ? facts->vcpus : 0);
}

void limits_of_guest(const struct facts *facts, const struct demand *demand, struct limits *limits)
{
	uint64_t bytes = demand->pages * XENAPT_PAGE_SIZE;
	struct limit *limit;

	grant_rows(facts, demand, limits);
	limit = add(limits, "ports", "event channels of the guest");
	set(limit, facts->ports, facts->ports_used, lanes(demand) + demand->trapped, PORTS_KEPT);
	raised_by(limit, "max_event_channels in the guest's configuration");
	limit = add(limits, "bytes", "memory of the guest");
	set(limit, facts->memory, NOT_KNOWN, bytes,
	    facts->memory == NOT_KNOWN ? 0 : GUEST_KEPT + facts->memory / 16);
	raised_by(limit, "memory in the guest's configuration");
	store_rows(facts, demand, limits);
	limit = add(limits, "devices", "aperture devices of the guest");
	set(limit, SPEC_MAX_ID + 1, facts->devices_used, demand->devices + demand->trapped, 0);
	raised_by(limit, NOTHING "detach one");
	limit = add(limits, "devices", "trapped devices of the guest");
	set(limit, TRAPPED_MAX, facts->trapped_used, demand->trapped, 0);
	raised_by(limit, NOTHING "detach one");
	limit = add(limits, "lanes", "first devices in the stub domain");
	set(limit, STUB_LANES, facts->stub_lanes_used, demand->firsts, 0);
	raised_by(limit, NOTHING "uninstall one");
	limit = add(limits, "ports", "event channels of the stub domain");
	set(limit, STUB_PORTS, facts->stub_there ? facts->stub_ports_used : STUB_OWN_PORTS,
	    stub_ports(facts, demand), 0);
	raised_by(limit, NOTHING "uninstall one");
	limit = add(limits, "vcpus", "vCPUs of a guest with a trapped device");
	/* All of them or none are needed; without a demand, what the guest has. */
	set(limit, TRAPPED_VCPUS, demand->trapped ? 0 : facts->vcpus,
	    demand->trapped && facts->vcpus != NOT_KNOWN ? facts->vcpus : 0, 0);
	raised_by(limit, NOTHING "lower vcpus or maxvcpus of the guest");
}

static void mapping_rows(const struct facts *facts, const struct demand *demand,
			 struct limits *limits)
{
	uint64_t per_page = facts->entries_a_page;
	uint64_t pages = demand->pages + lanes(demand) * DEVICE_REFS + directory_pages(demand);
	uint64_t frames = facts->maptrack;
	uint64_t all = frames == NOT_KNOWN ? NOT_KNOWN : frames * MAPTRACK_A_FRAME;
	struct limit *limit = add(limits, "mappings", "maptrack entries of domain %u",
				  facts->backend);

	set(limit, all, facts->mapped == NOT_KNOWN ? NOT_KNOWN : facts->mapped * per_page,
	    pages * per_page, all == NOT_KNOWN ? 0 : all / MAPTRACK_PART);
	raised_by(limit, facts->backend ? "max_maptrack_frames in that domain's configuration" :
		  "gnttab_max_maptrack_frames= on Xen's command line");
}

/* Its own table, for memory that it gives; its event channels, one a device. */
static void table_rows(const struct facts *facts, const struct demand *demand,
		       struct limits *limits)
{
	struct limit *limit = add(limits, "grants", "grant entries of domain %u", facts->backend);

	set(limit, facts->parent_frames == NOT_KNOWN ? NOT_KNOWN :
	    facts->parent_frames * ENTRIES_A_FRAME, facts->parent_grants_used,
	    demand->given ? demand->given + lists_of(demand->given, demand->devices) : 0, GRANTS_KEPT);
	raised_by(limit, "%s, or lower max_given in apertured.conf", facts->backend ?
		  "max_grant_frames in that domain's configuration" :
		  "gnttab_max_frames= on Xen's command line");
	limit = add(limits, "ports", "event channels of domain %u", facts->backend);
	set(limit, facts->parent_ports, facts->parent_ports_used,
	    demand->devices + demand->trapped, PORTS_KEPT);
	raised_by(limit, facts->backend ? "max_event_channels in that domain's configuration" :
		  NOTHING "detach devices of other guests");
}

/* A driver domain's daemon says what its configuration file has. */
static void policy_rows(const struct facts *facts, const struct demand *demand,
			struct limits *limits)
{
	struct limit *limit = add(limits, "pages", "pages mapped of the guest (policy)");

	set(limit, facts->policy_pages, facts->policy_pages_used, demand->pages, 0);
	raised_by(limit, "max_pages_per_guest in apertured.conf");
	limit = add(limits, "pages", "pages mapped of all guests (policy)");
	set(limit, facts->policy_total, facts->policy_total_used, demand->pages, 0);
	raised_by(limit, "max_mapped_total in apertured.conf");
	limit = add(limits, "bytes", "largest aperture (policy)");
	set(limit, facts->policy_size, 0, demand->largest, 0);
	raised_by(limit, "max_size in apertured.conf");
	limit = add(limits, "bytes", "memory given to the guest (policy)");
	set(limit, facts->policy_given, facts->given_used, demand->given * XENAPT_PAGE_SIZE, 0);
	raised_by(limit, "max_given in apertured.conf");
	limit = add(limits, "bytes", "memory given to all guests (policy)");
	set(limit, facts->policy_given_total, facts->given_total_used,
	    demand->given * XENAPT_PAGE_SIZE, 0);
	raised_by(limit, "max_given_total in apertured.conf");
}

/* What is local to domain 0: of a driver domain nobody here can see it. */
static void module_rows(const struct facts *facts, const struct demand *demand,
			struct limits *limits)
{
	struct limit *limit = add(limits, "pages", "pages of one mapping (gntdev)");

	set(limit, facts->gntdev_limit, 0, demand->largest / XENAPT_PAGE_SIZE, 0);
	raised_by(limit, "parameter limit of the module xen-gntdev");
	limit = add(limits, "pages", "pages that domain 0 gives (gntalloc)");
	set(limit, facts->gntalloc_limit, NOT_KNOWN, 0, 0);
	raised_by(limit, "apertured raises it, within max_given_total");
}

static void memory_rows(const struct facts *facts, const struct demand *demand,
			struct limits *limits)
{
	bool worker = (demand->devices && !facts->serves_already) ||
		      (demand->trapped && !facts->trapped_used);
	bool stub = (demand->firsts || demand->trapped) && !facts->stub_there;
	uint64_t need = (worker ? WORKER_BYTES : 0) + demand->given * GIVEN_COST;
	struct limit *limit;

	if (facts->backend) {
		limit = add(limits, "bytes", "memory of domain %u", facts->backend);
		set(limit, facts->parent_memory, NOT_KNOWN, need,
		    facts->parent_memory == NOT_KNOWN ? 0 : GUEST_KEPT + facts->parent_memory / 16);
		raised_by(limit, "memory in that domain's configuration");
	} else {
		limit = add(limits, "bytes", "memory of domain 0, available");
		set(limit, facts->parent_memory, 0, need, MEMORY_KEPT);
		raised_by(limit, "dom0_mem= on Xen's command line, or lower max_given in apertured.conf");
	}
	limit = add(limits, "bytes", "memory of Xen, free");
	set(limit, facts->host_memory, 0, stub ? STUB_BYTES : 0, MEMORY_KEPT);
	raised_by(limit, NOTHING "give other domains less");
}

void limits_of_parent(const struct facts *facts, const struct demand *demand,
		      struct limits *limits)
{
	struct limit *limit;

	mapping_rows(facts, demand, limits);
	table_rows(facts, demand, limits);
	policy_rows(facts, demand, limits);
	if (!facts->backend)
		module_rows(facts, demand, limits);
	memory_rows(facts, demand, limits);
	if (!facts->backend)
		return;
	limit = add(limits, "nodes", "xenstore nodes of domain %u", facts->backend);
	set(limit, facts->nodes, facts->parent_nodes_used, demand->devices * PARENT_NODES,
	    NODES_KEPT);
	raised_by(limit, "quota-maxentity (oxenstored.conf), --entry-nb (xenstored)");
}

void limits_of_given(const struct facts *facts, const struct demand *demand,
		     struct limits *limits)
{
	uint64_t all = facts->guest_maptrack == NOT_KNOWN ? NOT_KNOWN :
		       facts->guest_maptrack * MAPTRACK_A_FRAME;
	struct limit *limit = add(limits, "mappings", "maptrack entries of the guest");

	set(limit, all, NOT_KNOWN, demand->given * facts->guest_entries_a_page,
	    all == NOT_KNOWN ? 0 : all / MAPTRACK_PART);
	raised_by(limit, "max_maptrack_frames in the guest's configuration, or lower max_given in apertured.conf");
}

bool limit_fits(const struct limit *limit)
{
	uint64_t used = limit->used == NOT_KNOWN ? 0 : limit->used;
	uint64_t whole;

	if (!limit->need || limit->value == NOT_KNOWN)
		return true;
	return !__builtin_add_overflow(used, limit->need, &whole) &&
	       !__builtin_add_overflow(whole, limit->kept, &whole) && whole <= limit->value;
}

static const char *amount(const struct limit *limit, uint64_t n, char text[CELL_MAX])
{
	if (n == NOT_KNOWN)
		return "?";
	if (!strcmp(limit->unit, "bytes"))
		return human_size(n, text);
	snprintf(text, CELL_MAX, "%" PRIu64, n);
	return text;
}

/* "raise gnttab_max_frames= ..." or "it cannot be raised: detach one". */
static const char *remedy(const struct limit *limit, const char **what)
{
	size_t length = strlen(NOTHING);
	bool fixed = !strncmp(limit->setting, NOTHING, length);

	*what = fixed ? limit->setting + length : limit->setting;
	return fixed ? "it cannot be raised:" : "raise";
}

int limits_refuse(const struct limits *limits, struct why *why)
{
	char value[CELL_MAX], used[CELL_MAX], need[CELL_MAX], kept[CELL_MAX];
	const char *verb, *what;
	unsigned int i;

	for (i = 0; i < limits->count; i++) {
		const struct limit *limit = &limits->rows[i];

		if (limit_fits(limit))
			continue;
		verb = remedy(limit, &what);
		return why_set(why, "%s: the limit is %s, %s are needed, %s are used, %s are kept for "
			       "other devices: %s %s, or ask for less (xen-aperture check shows "
			       "all limits)", limit->name, amount(limit, limit->value, value),
			       amount(limit, limit->need, need), amount(limit, limit->used, used),
			       amount(limit, limit->kept, kept), verb, what);
	}
	return 0;
}
