/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world around the stub domain's code on the host: hypercalls (xen.c) and xenstored (store.c).
 * The guest's pages are a file, mapped twice: for the guest, and where the stub domain maps a grant; a
 * window without a grant cannot be touched.
 */
#ifndef TESTS_FUZZ_STUB_WORLD_H
#define TESTS_FUZZ_STUB_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define WORLD_GUEST	5u
#define WORLD_DEVICES	20u	/* more than a stub domain serves */
#define WORLD_PAGES	5u	/* ring, event, mask, record */
#define WORLD_DOORS	10u	/* trapped devices: more than there are doors */
#define WORLD_VCPUS	4u
#define WORLD_VCPU_PORT	50u	/* Xen's end of vCPU 0's */
#define WORLD_MEMORY	8u	/* pages of the guest's memory */
#define WORLD_REF	100u	/* the reference of device 0's first page */

#define WORLD_MUST(condition)								\
	do {										\
		if (!(condition))							\
			world_broken(__FILE__, __LINE__, #condition);			\
	} while (0)
void world_broken(const char *file, int line, const char *condition);

/* ---- the driver's ---- */

/* Nothing is pending: the stub domain would block. True: something was done, or time passed. */
bool world_blocked(uint64_t until);
/* A number below n: the world's own mood. */
unsigned int world_mood(unsigned int n);

/* ---- xen.c ---- */

void xen_start(void);
void *xen_page(unsigned int device, unsigned int page);	/* the guest's view */
void xen_notify(unsigned int device);			/* the guest sends its event */
void xen_fire(uint32_t port);
void xen_pass(uint64_t ns);
uint64_t xen_now(void);
void xen_fire_remote(uint32_t remote);			/* the port that is bound to it */
bool xen_bound(uint32_t port, bool bound);		/* by domain 0; false: there is none */
extern uint32_t xen_watchdog;				/* events on it are pongs */
extern unsigned int xen_mapped, xen_ports, xen_sent, xen_pongs;
extern bool xen_hostile;				/* calls may fail */

/* ---- trapped.c ---- */

struct ioreq;
uint64_t fuzz_value(void);				/* the driver's */
bool guest_access(unsigned int vcpu, const struct ioreq *access);
unsigned int guest_goes_on(void);
bool guest_waits(void);
void guest_scribble(unsigned int at, uint8_t value);
unsigned int guest_ranges(void);
bool guest_served(void);
extern unsigned int world_windows;			/* guest memory that is mapped */
void parent_offer(unsigned int d);
void parent_connect(unsigned int d);
void parent_let_go(unsigned int d, bool properly);
void parents_release(void);
bool parent_answer(unsigned int d, unsigned int n, bool lies);
void parent_raise(unsigned int d, uint64_t vectors);
void parent_scribble(unsigned int d, unsigned int at, uint8_t value);
bool parent_works(unsigned int d);
unsigned int parents_up(void);
extern unsigned int parents_answered;			/* turns with an answer */
unsigned int grants_open(void);

/* ---- store.c ---- */

void store_start(void *ring);
/* As the toolstack and the guest do it: watches fire. */
void store_put(const char *path, const char *value);
void store_drop(const char *path);
const char *store_look(const char *path);		/* NULL: no node */
/* A watch event out of nowhere. */
void store_false_event(const char *path, const char *token);
/* Execute what was asked; hand over at most octets of what there is to say. True: something moved. */
bool store_work(unsigned int octets);
void store_garbage(void);				/* a header that makes no sense, then nothing more */
extern unsigned int store_watches, store_transactions;
extern bool store_hostile;

#endif
