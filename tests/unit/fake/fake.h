/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake.h - a small Xen in one process, for tests.
 *
 * Domains have memory, a grant table, event channels; there is one xenstore and one
 * clock. Memory is real: a domain's pages are a file, a foreign mapping is mmap of
 * that file page by page, so a store by one side is seen by the other, a store
 * through a read-only grant faults, and so does any access after unmap.
 *
 * Everything is deterministic. Random choices come from the seed; nothing happens
 * but by a call, or by fake_run() which steps actors in an order drawn from the seed.
 *
 * Faults: the n-th call of a kind fails (for calls on batches: at element k), or
 * something else happens right before it (a hook), such as the peer's death or a
 * node that changes while it is read.
 *
 * Misuse that real Xen would answer with a crash or a leak much later (a page freed
 * while granted, an unmap of what is not mapped) is counted in fake_counts.misuse.
 */
#ifndef TESTS_UNIT_FAKE_H
#define TESTS_UNIT_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_DOMAINS	8u	/* domain ids 0..7 */
#define FAKE_PAGE	4096u

struct fake;

struct fake *fake_new(uint64_t seed);
void fake_delete(struct fake *f);

uint64_t fake_random(struct fake *f);
/* Nanoseconds; each step of fake_run() is one microsecond. */
uint64_t fake_now(const struct fake *f);

/* What there is. Two of them that are equal: nothing leaked in between. */
struct fake_counts {
	uint64_t pages;		/* allocated by domains */
	uint64_t grants;	/* entries in use */
	uint64_t mapped;	/* pages mapped by a foreign domain */
	uint64_t mappings;	/* batches of them */
	uint64_t ports;
	uint64_t nodes;
	uint64_t watches;
	uint64_t allocations;	/* host memory */
	uint64_t bytes;
	uint64_t misuse;
};

void fake_count(const struct fake *f, struct fake_counts *counts);
/* True if equal; else each difference is a line on standard output. */
bool fake_same(const struct fake_counts *before, const struct fake_counts *after);

/* ---- faults ---------------------------------------------------------------- */

enum fake_call {
	FAKE_GRANT, FAKE_GRANT_END, FAKE_MAP, FAKE_UNMAP, FAKE_COPY, FAKE_ALLOC, FAKE_BIND, FAKE_SEND,
	FAKE_READ, FAKE_WRITE, FAKE_CALLS,
};

/*
 * The n-th call of this kind from now (1: the next) fails, a batch at element; FAKE_NO_ELEMENT: none of
 * them is to blame.
 */
#define FAKE_NO_ELEMENT UINT32_MAX
void fake_fail(struct fake *f, enum fake_call call, unsigned int n, uint32_t element);
/* fn runs right before the n-th call of this kind from now. */
void fake_hook(struct fake *f, enum fake_call call, unsigned int n, void (*fn)(void *), void *ctx);
/* Forget faults and hooks that did not come to pass. True if there were none. */
bool fake_calm(struct fake *f);
/* Calls of this kind up to now. */
uint64_t fake_calls(const struct fake *f, enum fake_call call);

/* ---- domains and memory ---------------------------------------------------- */

void fake_domain_create(struct fake *f, unsigned int dom);
/*
 * Its ports close, its mappings and watches go. Its pages and grants stay as long as
 * somebody maps them; fake_domain_reap() frees the rest. Watchers of @releaseDomain
 * are told.
 */
void fake_domain_die(struct fake *f, unsigned int dom);
bool fake_domain_alive(const struct fake *f, unsigned int dom);
/* False if a foreign domain still maps a page of it: it stays a zombie. */
bool fake_domain_reap(struct fake *f, unsigned int dom);

/* Zeroed pages with consecutive frame numbers; the first frame. */
uint32_t fake_pages(struct fake *f, unsigned int dom, uint32_t n);
void fake_pages_free(struct fake *f, unsigned int dom, uint32_t frame, uint32_t n);
/* The owner's address of a frame. */
void *fake_page(struct fake *f, unsigned int dom, uint32_t frame);

/* Host memory of the domain under test, counted. */
void *fake_alloc(struct fake *f, uint64_t bytes);
void fake_free(struct fake *f, void *memory, uint64_t bytes);

/* ---- grants ---------------------------------------------------------------- */

/* A reference (1...), 0 if the table is full or by fault. */
uint32_t fake_grant(struct fake *f, unsigned int owner, unsigned int peer, uint32_t frame,
		    bool read_only);
/* 0, or -1 while it is mapped. */
int fake_grant_end(struct fake *f, unsigned int owner, uint32_t ref);
bool fake_grant_mapped(const struct fake *f, unsigned int owner, uint32_t ref);

/* All or nothing; -1 with *bad = the first bad element. */
int fake_map(struct fake *f, unsigned int mapper, unsigned int owner, const uint32_t *refs,
	     uint32_t n, bool writable, void **addr, uint32_t *bad);
int fake_unmap(struct fake *f, unsigned int mapper, void *addr, uint32_t n);
int fake_copy(struct fake *f, unsigned int reader, unsigned int owner, const uint32_t *refs,
	      uint32_t n, void *dst, uint32_t *bad);

/* ---- event channels -------------------------------------------------------- */

/* Ports are 1...; 0 is a failure. */
uint32_t fake_port_unbound(struct fake *f, unsigned int dom, unsigned int remote);
uint32_t fake_port_bind(struct fake *f, unsigned int dom, unsigned int remote,
			uint32_t remote_port);
int fake_port_send(struct fake *f, unsigned int dom, uint32_t port);
/* Was it pending and not masked? Clears it. */
bool fake_port_take(struct fake *f, unsigned int dom, uint32_t port);
void fake_port_mask(struct fake *f, unsigned int dom, uint32_t port, bool masked);
int fake_port_close(struct fake *f, unsigned int dom, uint32_t port);
/* Events that reached the other end's pending bit, and those that found it set. */
uint64_t fake_port_sent(const struct fake *f, unsigned int dom, uint32_t port);

/* ---- xenstore -------------------------------------------------------------- */

/*
 * Domain 0 may do anything, a domain what owner and reader say. A new node takes
 * owner and reader from its nearest ancestor. -1: no permission or by fault.
 */
int fake_write(struct fake *f, unsigned int dom, const char *path, const char *value);
/* NULL: missing, no permission, or by fault. Valid until the node changes. */
const char *fake_read(struct fake *f, unsigned int dom, const char *path);
/* A path and all below it. */
int fake_remove(struct fake *f, unsigned int dom, const char *path);
void fake_permit(struct fake *f, const char *path, unsigned int owner, unsigned int reader);

/* Fires once at once, then on each change at or below path. */
unsigned int fake_watch(struct fake *f, unsigned int dom, const char *path);
bool fake_watch_fired(struct fake *f, unsigned int watch);	/* and clears */
void fake_watch_poke(struct fake *f, unsigned int watch);	/* as if it had fired */
void fake_unwatch(struct fake *f, unsigned int watch);

/* ---- time ------------------------------------------------------------------ */

/* Does one thing and returns true, or has nothing to do. */
typedef bool (*fake_actor)(void *ctx);

unsigned int fake_enter(struct fake *f, fake_actor step, void *ctx);
void fake_leave(struct fake *f, unsigned int actor);
/* One actor, drawn from the seed, makes a step. False: none has anything to do. */
bool fake_step(struct fake *f);
/* Until nobody has anything to do. False: not within that many steps. */
bool fake_run(struct fake *f, unsigned int most);

#endif
