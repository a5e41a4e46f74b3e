/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels. Ports are below EVENT_PORTS, so that all that is pending is one word: Xen gives out
 * the lowest free port, and a stub domain has few.
 */
#ifndef STUB_EVENTS_H
#define STUB_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_PORTS	64u
#define EVENT_BIT(port)	((uint64_t)1 << (port))

/* Mask everything: nothing is delivered, everything is looked at. Close what an earlier life had, but for what is kept. */
void events_init(void);

/* The xenstore's port: given by Xen, kept by a restart. */
void events_use(uint32_t port);

/* A local port for the guest's unbound one, or a negative error (Xen's errno). */
int events_bind(uint32_t domain, uint32_t port);
/* A port that domain may bind. */
int events_listen(uint32_t domain);
void events_close(uint32_t port);

/*
 * A port that domain may bind to be told things: nothing is heard from it. Kept by a restart in place.
 * events_kept(): bits of those.
 */
int events_keep(uint32_t domain);
uint64_t events_kept(void);

void events_send(uint32_t port);

/* Bits of the ports that fired since; each is seen once. */
uint64_t events_take(void);

/* Block until a port fires or the system time is reached; 0: no time. May end early. */
void events_wait(uint64_t until);

#endif
