/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host role asks of the hypervisor, as few calls: libxenctrl behind them, a fake in tests.
 */
#ifndef DAEMON_XEN_H
#define DAEMON_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xen;

/* NULL with xapt_error(): no power over domains. */
struct xen *xen_open(void);
void xen_close(struct xen *x);

enum xen_domain {
	XEN_GONE,		/* there is none, or it is dying */
	XEN_STOPPED,		/* shut down or crashed, and kept */
	XEN_PAUSED,		/* by somebody */
	XEN_RUNS,
	XEN_UNKNOWN,		/* could not ask */
};

enum xen_domain xen_domain(struct xen *x, uint32_t domid);

/*
 * Its only vCPU goes on at this address of its kernel; after a crash, too. 0, or -1 with xapt_error().
 */
int xen_restart(struct xen *x, uint32_t domid, uint64_t address);

/*
 * Does another domain answer for accesses of this guest? Then the guest hangs at its next one when
 * that domain is destroyed. Cannot be asked: yes.
 */
bool xen_is_served(struct xen *x, uint32_t guest);

/* Stop and go on; pauses add up. 0, or -1 with xapt_error(). */
int xen_pause(struct xen *x, uint32_t domid);
int xen_unpause(struct xen *x, uint32_t domid);

struct xen_info {
	uint32_t domid;
	uint8_t uuid[16];
	bool dying;
	bool shut;		/* it shut down, for reason: SHUTDOWN_* of <xen/sched.h> */
	uint32_t reason;
};

/* Domains from first on, ascending, at most room. How many, or -1. */
int xen_list(struct xen *x, uint32_t first, int room, struct xen_info *info);

/* Xen's own. 0, or -1. */
int xen_command_line(struct xen *x, char *text, size_t room);

/* Most entries that the grant table of this domain may have; UINT64_MAX: Xen does not say. */
uint64_t xen_own_grants(struct xen *x);

/* The end, whatever the toolstack keeps about it. */
void xen_destroy(struct xen *x, uint32_t domid);

#endif
