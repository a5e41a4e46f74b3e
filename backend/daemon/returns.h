/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host role: guests that come back, in domain 0 only.
 *
 *   XENAPERTURE_STATE/guests/<uuid>                which devices a guest has; written by xen-aperture
 *   /local/domain/0/aperture-again/<domid>         "1": the domain is paused by us; written here
 *
 * A reboot or restore by plain xl makes a new domain with the old UUID and without our devices. It
 * is introduced long before xl lets it run: we pause it once more, have "xen-aperture attach
 * --again" attach what it had, and unpause it, whatever came of it. The node says what is to be
 * undone, should we die meanwhile.
 *
 * A guest that powered off or was destroyed will not come back: its file goes.
 */
#ifndef DAEMON_RETURNS_H
#define DAEMON_RETURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen.h"
#include "xenbus.h"

#ifndef XENAPERTURE_STATE
#define XENAPERTURE_STATE	"/var/lib/xen-aperture"
#endif

#define RETURNS_FOLDER	XENAPERTURE_STATE "/guests"
#define RETURNS_NODES	"/local/domain/0/aperture-again"
#define RETURNS_WAIT_S	20	/* that attaching may wait in all */
#define RETURNS_MS	30000	/* for attaching; then it is asked to end, and the guest runs without */
#define RETURNS_END_MS	10000	/* for ending, and what it started with it; then it is killed */
#define RETURNS_KEEP_MS	5000	/* what ended for good in our eyes may come back so long */

struct known_domain;

struct returns {
	struct xapt_bus *bus;
	struct xen *xen;		/* NULL: no power over domains, nothing is done */
	const char *folder;		/* set before open, or NULL: RETURNS_FOLDER */
	struct known_domain *list;
	bool look;			/* domains came or went */
};

/* 0, or -1 with xapt_error(): xenstore takes no watch. Domains that are there now did not just come. */
int returns_open(struct returns *r, struct xapt_bus *bus, struct xen *xen);
/* Whom we have paused runs again. */
void returns_close(struct returns *r);

/* "introduce" is ours, "release" everybody's. False: not ours. */
bool returns_watch(struct returns *r, const char *token);
/* A process ended. False: it is none of ours. */
bool returns_reap(struct returns *r, pid_t pid, int status);

void returns_work(struct returns *r, uint64_t now);
uint64_t returns_deadline(const struct returns *r);

/* destroy.c: start xen-aperture. Its process, or -1 with errno. */
pid_t attach_again(uint32_t domid);

#endif
