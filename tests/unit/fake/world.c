/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains, pages, faults, counts, and who acts when. */
#define _GNU_SOURCE
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	abort();
}

struct fake *fake_new(uint64_t seed)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		die("fake_new");
	f->seed = seed;
	return f;
}

struct domain *fake_domain(struct fake *f, unsigned int dom)
{
	if (dom >= FAKE_DOMAINS || !f->domain[dom].memory) {
		fprintf(stderr, "fake: domain %u was never created\n", dom);
		abort();
	}
	return &f->domain[dom];
}

void fake_domain_create(struct fake *f, unsigned int dom)
{
	struct domain *d = &f->domain[dom];

	d->alive = true;
	d->file = memfd_create("fake-domain", MFD_CLOEXEC);
	if (d->file < 0 || ftruncate(d->file, (off_t)MOST_FRAMES * FAKE_PAGE))
		die("fake: memory of a domain");
	d->memory = mmap(NULL, (size_t)MOST_FRAMES * FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 d->file, 0);
	d->frame_used = calloc(MOST_FRAMES, 1);
	d->grant = calloc(MOST_GRANTS, sizeof(*d->grant));
	if (d->memory == MAP_FAILED || !d->frame_used || !d->grant)
		die("fake: memory of a domain");
	d->top_grant = 8;	/* the ones below are Xen's own */
}

bool fake_domain_alive(const struct fake *f, unsigned int dom)
{
	return f->domain[dom].alive;
}

void fake_domain_die(struct fake *f, unsigned int dom)
{
	struct domain *d = fake_domain(f, dom);

	if (!d->alive)
		return;
	d->alive = false;
	fake_ports_die(f, dom);
	fake_mappings_die(f, dom);
	fake_watches_die(f, dom);
	fake_fire(f, "@releaseDomain");
}

bool fake_domain_reap(struct fake *f, unsigned int dom)
{
	struct domain *d = &f->domain[dom];

	if (!d->memory)
		return true;
	for (uint32_t ref = 0; ref < d->top_grant; ref++)
		if (d->grant[ref].mapped)
			return false;
	munmap(d->memory, (size_t)MOST_FRAMES * FAKE_PAGE);
	close(d->file);
	free(d->frame_used);
	free(d->grant);
	memset(d, 0, sizeof(*d));
	return true;
}

void fake_delete(struct fake *f)
{
	for (unsigned int dom = 0; dom < FAKE_DOMAINS; dom++)
		if (f->domain[dom].alive)
			fake_domain_die(f, dom);
	for (unsigned int dom = 0; dom < FAKE_DOMAINS; dom++)
		fake_domain_reap(f, dom);
	while (f->nodes)
		fake_remove(f, 0, f->nodes->path);
	free(f);
}

uint64_t fake_random(struct fake *f)
{
	uint64_t z = f->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t fake_now(const struct fake *f)
{
	return f->now;
}

uint32_t fake_pages(struct fake *f, unsigned int dom, uint32_t n)
{
	struct domain *d = fake_domain(f, dom);
	uint32_t first = d->frames;

	if (n > MOST_FRAMES - first) {
		fprintf(stderr, "fake: domain %u is out of memory\n", dom);
		abort();
	}
	d->frames += n;
	d->pages += n;
	memset(d->frame_used + first, 1, n);
	return first;
}

/* Frames are not used twice: a late access to a freed one is seen as what it is. */
void fake_pages_free(struct fake *f, unsigned int dom, uint32_t frame, uint32_t n)
{
	struct domain *d = fake_domain(f, dom);

	for (uint32_t ref = 0; ref < d->top_grant; ref++)
		if (d->grant[ref].used && d->grant[ref].frame - frame < n)
			f->misuse++;
	for (uint32_t i = frame; i < frame + n; i++) {
		if (!d->frame_used[i])
			f->misuse++;
		d->frame_used[i] = 0;
	}
	d->pages -= n;
}

void *fake_page(struct fake *f, unsigned int dom, uint32_t frame)
{
	return fake_domain(f, dom)->memory + (size_t)frame * FAKE_PAGE;
}

void *fake_alloc(struct fake *f, uint64_t bytes)
{
	void *memory;

	if (fake_entry(f, FAKE_ALLOC, NULL))
		return NULL;
	memory = malloc(bytes);
	if (!memory)
		die("fake_alloc");
	memset(memory, 0xa5, bytes);
	f->allocations++;
	f->bytes += bytes;
	return memory;
}

void fake_free(struct fake *f, void *memory, uint64_t bytes)
{
	if (!memory || bytes > f->bytes)
		f->misuse++;
	f->allocations--;
	f->bytes -= bytes;
	free(memory);
}

/* ---- faults ---------------------------------------------------------------- */

static void add_fault(struct fake *f, const struct fault *fault)
{
	for (unsigned int i = 0; i < MOST_FAULTS; i++) {
		if (!f->fault[i].used) {
			f->fault[i] = *fault;
			return;
		}
	}
	fprintf(stderr, "fake: more than %u faults at once\n", MOST_FAULTS);
	abort();
}

void fake_fail(struct fake *f, enum fake_call call, unsigned int n, uint32_t element)
{
	add_fault(f, &(struct fault){ .used = true, .call = call, .at = f->calls[call] + n,
				      .element = element });
}

void fake_hook(struct fake *f, enum fake_call call, unsigned int n, void (*fn)(void *), void *ctx)
{
	add_fault(f, &(struct fault){ .used = true, .call = call, .at = f->calls[call] + n,
				      .fn = fn, .ctx = ctx });
}

bool fake_calm(struct fake *f)
{
	bool calm = true;

	for (unsigned int i = 0; i < MOST_FAULTS; i++) {
		if (f->fault[i].used)
			calm = false;
		f->fault[i].used = false;
	}
	return calm;
}

uint64_t fake_calls(const struct fake *f, enum fake_call call)
{
	return f->calls[call];
}

bool fake_entry(struct fake *f, enum fake_call call, uint32_t *element)
{
	uint64_t number = ++f->calls[call];
	bool fails = false;

	for (unsigned int i = 0; i < MOST_FAULTS; i++) {
		struct fault fault = f->fault[i];

		if (!fault.used || fault.call != call || fault.at != number)
			continue;
		f->fault[i].used = false;
		if (fault.fn) {
			fault.fn(fault.ctx);
			continue;
		}
		fails = true;
		if (element)
			*element = fault.element;
	}
	return fails;
}

/* ---- counts ---------------------------------------------------------------- */

void fake_count(const struct fake *f, struct fake_counts *c)
{
	*c = (struct fake_counts){ .allocations = f->allocations, .bytes = f->bytes,
				   .misuse = f->misuse };
	for (unsigned int dom = 0; dom < FAKE_DOMAINS; dom++) {
		const struct domain *d = &f->domain[dom];

		c->pages += d->pages;
		c->grants += d->grants;
		for (uint32_t port = 1; port < MOST_PORTS; port++)
			c->ports += d->port[port].state != PORT_FREE;
	}
	for (const struct mapping *m = f->mappings; m; m = m->next) {
		c->mappings++;
		c->mapped += m->n;
	}
	for (const struct node *n = f->nodes; n; n = n->next)
		c->nodes++;
	for (unsigned int i = 0; i < MOST_WATCHES; i++)
		c->watches += f->watch[i].used;
}

bool fake_same(const struct fake_counts *before, const struct fake_counts *after)
{
	static const char *const name[] = { "pages", "grants", "mapped", "mappings", "ports", "nodes",
					    "watches", "allocations", "bytes", "misuse" };
	const uint64_t *a = (const uint64_t *)before, *b = (const uint64_t *)after;
	bool same = true;

	for (size_t i = 0; i < sizeof(*before) / sizeof(*a); i++) {
		if (a[i] == b[i])
			continue;
		printf("# leak: %s: %llu before, %llu after\n", name[i], (unsigned long long)a[i],
		       (unsigned long long)b[i]);
		same = false;
	}
	return same;
}

/* ---- who acts when --------------------------------------------------------- */

unsigned int fake_enter(struct fake *f, fake_actor step, void *ctx)
{
	for (unsigned int i = 0; i < MOST_ACTORS; i++) {
		if (f->actor[i].step)
			continue;
		f->actor[i].step = step;
		f->actor[i].ctx = ctx;
		return i;
	}
	fprintf(stderr, "fake: more than %u actors\n", MOST_ACTORS);
	abort();
}

void fake_leave(struct fake *f, unsigned int actor)
{
	f->actor[actor].step = NULL;
}

bool fake_step(struct fake *f)
{
	unsigned int first = (unsigned int)(fake_random(f) % MOST_ACTORS);

	f->now += 1000;
	for (unsigned int i = 0; i < MOST_ACTORS; i++) {
		unsigned int k = (first + i) % MOST_ACTORS;

		if (f->actor[k].step && f->actor[k].step(f->actor[k].ctx))
			return true;
	}
	return false;
}

bool fake_run(struct fake *f, unsigned int most)
{
	while (most--)
		if (!fake_step(f))
			return true;
	return false;
}
