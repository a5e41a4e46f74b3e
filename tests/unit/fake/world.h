/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the fake share. Tests include fake.h only. */
#ifndef TESTS_UNIT_FAKE_WORLD_H
#define TESTS_UNIT_FAKE_WORLD_H

#include "fake.h"

#define MOST_FRAMES	(1u << 18)	/* 1 GiB a domain, sparse */
#define MOST_GRANTS	(1u << 16)
#define MOST_PORTS	256u
#define MOST_WATCHES	64u
#define MOST_ACTORS	32u
#define MOST_FAULTS	16u

struct grant {
	uint32_t frame;
	uint32_t mapped;
	uint8_t peer;
	bool used, read_only;
	uint32_t next;		/* of the free list */
};

struct mapping {
	struct mapping *next;
	uint8_t *addr;
	uint32_t n;
	unsigned int mapper, owner;
	uint32_t *refs;
};

enum port_state { PORT_FREE, PORT_UNBOUND, PORT_BOUND };

struct port {
	enum port_state state;
	unsigned int remote;
	uint32_t remote_port;
	bool pending, masked;
	uint64_t sent;
};

struct domain {
	bool alive;
	int file;
	uint8_t *memory;
	uint8_t *frame_used;	/* a byte each */
	uint32_t frames;	/* first never used frame */
	uint64_t pages;
	struct grant *grant;
	uint32_t free_grant;	/* last freed first, as Linux does; 0: none */
	uint32_t top_grant;	/* first never used one */
	uint32_t grants;
	struct port port[MOST_PORTS];
};

struct node {
	struct node *next;
	char *path;
	char *value;
	unsigned int owner, reader;
};

struct watch {
	bool used, fired;
	unsigned int dom;
	char *path;
};

struct fault {
	bool used;
	enum fake_call call;
	uint64_t at;		/* number of the call */
	uint32_t element;
	void (*fn)(void *ctx);	/* a hook, else a failure */
	void *ctx;
};

struct fake {
	uint64_t seed, now;
	struct domain domain[FAKE_DOMAINS];
	struct mapping *mappings;
	struct node *nodes;
	struct watch watch[MOST_WATCHES];
	struct fault fault[MOST_FAULTS];
	uint64_t calls[FAKE_CALLS];
	struct {
		fake_actor step;
		void *ctx;
	} actor[MOST_ACTORS];
	uint64_t allocations, bytes, misuse;
};

/*
 * Count a call: hooks run, and true means that it shall fail, at *element (may be
 * NULL) of a batch.
 */
bool fake_entry(struct fake *f, enum fake_call call, uint32_t *element);

struct domain *fake_domain(struct fake *f, unsigned int dom);

/* Parts of a domain's death. */
void fake_ports_die(struct fake *f, unsigned int dom);
void fake_mappings_die(struct fake *f, unsigned int dom);
void fake_watches_die(struct fake *f, unsigned int dom);
void fake_fire(struct fake *f, const char *path);

#endif
