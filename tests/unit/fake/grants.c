/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables: grant, end, map, unmap, copy. A foreign mapping is mmap of the owner's file. */
#define _GNU_SOURCE
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint32_t fake_grant(struct fake *f, unsigned int owner, unsigned int peer, uint32_t frame,
		    bool read_only)
{
	struct domain *d = fake_domain(f, owner);
	uint32_t ref = d->free_grant ? d->free_grant : d->top_grant;

	if (fake_entry(f, FAKE_GRANT, NULL) || ref == MOST_GRANTS)
		return 0;
	if (frame >= MOST_FRAMES || !d->frame_used[frame])
		f->misuse++;
	if (ref == d->top_grant)
		d->top_grant++;
	else
		d->free_grant = d->grant[ref].next;
	d->grant[ref] = (struct grant){ .frame = frame, .peer = (uint8_t)peer, .used = true,
					.read_only = read_only };
	d->grants++;
	return ref;
}

static struct grant *grant_of(struct fake *f, unsigned int owner, uint32_t ref)
{
	struct domain *d = fake_domain(f, owner);

	return ref < MOST_GRANTS && d->grant[ref].used ? &d->grant[ref] : NULL;
}

bool fake_grant_mapped(const struct fake *f, unsigned int owner, uint32_t ref)
{
	return f->domain[owner].grant[ref].mapped != 0;
}

int fake_grant_end(struct fake *f, unsigned int owner, uint32_t ref)
{
	struct grant *g = grant_of(f, owner, ref);

	if (fake_entry(f, FAKE_GRANT_END, NULL))
		return -1;
	if (!g) {
		f->misuse++;
		return -1;
	}
	if (g->mapped)
		return -1;
	g->used = false;
	g->next = f->domain[owner].free_grant;
	f->domain[owner].free_grant = ref;
	f->domain[owner].grants--;
	return 0;
}

/* May this domain use that reference so? NULL: no. */
static struct grant *usable(struct fake *f, unsigned int user, unsigned int owner, uint32_t ref,
			    bool writable)
{
	struct grant *g = grant_of(f, owner, ref);

	if (!g || !f->domain[owner].alive || g->peer != user || (writable && g->read_only))
		return NULL;
	return g;
}

/* An element is bad, by fault or in truth, or the fault is none's: *bad is n then. */
static bool fails(struct fake *f, enum fake_call call, unsigned int user, unsigned int owner,
		  const uint32_t *refs, uint32_t n, bool writable, uint32_t *bad)
{
	uint32_t limit = n;

	*bad = n;
	if (fake_entry(f, call, &limit)) {
		if (limit == FAKE_NO_ELEMENT)
			return true;
		limit = limit < n ? limit : n - 1;
	}
	for (*bad = 0; *bad < limit; ++*bad)
		if (!usable(f, user, owner, refs[*bad], writable))
			break;
	return *bad < n;
}

static void *place(struct fake *f, unsigned int owner, const uint32_t *refs, uint32_t n,
		   bool writable)
{
	struct domain *d = &f->domain[owner];
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	uint8_t *addr = mmap(NULL, (size_t)n * FAKE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t i, run;

	if (addr == MAP_FAILED)
		abort();
	for (i = 0; i < n; i += run) {
		uint32_t frame = d->grant[refs[i]].frame;

		for (run = 1; i + run < n && d->grant[refs[i + run]].frame == frame + run; run++)
			;
		if (mmap(addr + (size_t)i * FAKE_PAGE, (size_t)run * FAKE_PAGE, prot,
			 MAP_SHARED | MAP_FIXED, d->file, (off_t)frame * FAKE_PAGE) == MAP_FAILED) {
			perror("fake_map");
			abort();
		}
	}
	return addr;
}

int fake_map(struct fake *f, unsigned int mapper, unsigned int owner, const uint32_t *refs,
	     uint32_t n, bool writable, void **addr, uint32_t *bad)
{
	struct mapping *m;
	uint32_t i;

	if (fails(f, FAKE_MAP, mapper, owner, refs, n, writable, bad))
		return -1;
	m = calloc(1, sizeof(*m));
	m->refs = malloc(n * sizeof(*refs));
	memcpy(m->refs, refs, n * sizeof(*refs));
	m->n = n;
	m->mapper = mapper;
	m->owner = owner;
	m->addr = place(f, owner, refs, n, writable);
	m->next = f->mappings;
	f->mappings = m;
	for (i = 0; i < n; i++)
		f->domain[owner].grant[refs[i]].mapped++;
	*addr = m->addr;
	return 0;
}

static void drop(struct fake *f, struct mapping **at)
{
	struct mapping *m = *at;

	*at = m->next;
	munmap(m->addr, (size_t)m->n * FAKE_PAGE);
	for (uint32_t i = 0; i < m->n; i++)
		f->domain[m->owner].grant[m->refs[i]].mapped--;
	free(m->refs);
	free(m);
}

int fake_unmap(struct fake *f, unsigned int mapper, void *addr, uint32_t n)
{
	struct mapping **at;

	if (fake_entry(f, FAKE_UNMAP, NULL))
		return -1;
	for (at = &f->mappings; *at; at = &(*at)->next) {
		if ((*at)->addr == addr && (*at)->n == n && (*at)->mapper == mapper) {
			drop(f, at);
			return 0;
		}
	}
	f->misuse++;
	return -1;
}

void fake_mappings_die(struct fake *f, unsigned int dom)
{
	struct mapping **at = &f->mappings;

	while (*at) {
		if ((*at)->mapper == dom)
			drop(f, at);
		else
			at = &(*at)->next;
	}
}

int fake_copy(struct fake *f, unsigned int reader, unsigned int owner, const uint32_t *refs,
	      uint32_t n, void *dst, uint32_t *bad)
{
	bool failed = fails(f, FAKE_COPY, reader, owner, refs, n, false, bad);
	uint32_t good = failed && *bad == n ? 0 : *bad;

	/* As Xen does: what comes before the bad element was copied. */
	for (uint32_t i = 0; i < good; i++)
		memcpy((uint8_t *)dst + (size_t)i * FAKE_PAGE,
		       fake_page(f, owner, f->domain[owner].grant[refs[i]].frame), FAKE_PAGE);
	return failed ? -1 : 0;
}
