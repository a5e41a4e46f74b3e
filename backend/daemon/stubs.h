/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host role: the life of stub domains, in domain 0 only.
 *
 *   /local/domain/0/aperture-stub/<S>/guest     which there are; written by xen-aperture
 *                            .../watchdog-restarts                    written here
 *                            .../restarting                           it is paused by us, for a moment
 *   /local/domain/<S>/aperture/watchdog-port, restart-entry           written by the stub domain
 *
 *   guest ends         its stub domain is destroyed, and what names it removed
 *   stub domain ends   the guest's directories of first devices go: it works on without
 *   stub hangs         the watchdog restarts it in place; in the end it is destroyed
 *   with a trapped     it is not destroyed while the guest lives, which would hang: restarted again
 *   device             and again, after a crash as well, with pauses that grow
 *
 * Nothing is kept that could not be read from xenstore and Xen again.
 */
#ifndef DAEMON_STUBS_H
#define DAEMON_STUBS_H

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>

#include "log.h"
#include "xen.h"
#include "xenbus.h"

#define STUBS_LIST	"/local/domain/0/aperture-stub"

struct watchdog {
	evtchn_port_t port;		/* ours; 0: not bound */
	bool masked;			/* it answered; no further event before the next look */
	uint64_t bind_after;		/* ms: it may write a port as often as it likes */
	uint64_t next;			/* ms: the next look; 0: none */
	unsigned int unanswered;	/* events sent and not answered */
	unsigned int in_vain;		/* restarts in a row after which it did not answer */
	uint64_t not_before;		/* ms: the next restart, of one that must stay */
	uint32_t restarts;		/* all */
};

struct stub {
	struct stub *next;
	uint32_t domid, guest;
	char who[48];			/* for the log */
	struct xapt_log_limit said, insisted;
	bool listed;			/* by the last scan */
	bool rebind;			/* it wrote a watchdog port */
	bool ending;
	bool crashed;			/* and must stay */
	uint64_t retry;			/* ms; ending: destroy it again; crashed: look again */
	unsigned int tries;
	struct watchdog dog;
};

struct stubs {
	struct xapt_bus *bus;
	struct xen *xen;		/* NULL: no power; then only nodes are looked after */
	xenevtchn_handle *evtchn;	/* NULL: no watchdog */
	unsigned int watchdog_ms;	/* 0: off */
	struct stub *list;
	bool scan;			/* the list may have changed */
	bool deaths;			/* some domain ended */
};

/* 0, or -1 with xapt_error(): xenstore takes no watch. What else is missing is said in the log. */
int stubs_open(struct stubs *s, struct xapt_bus *bus, unsigned int watchdog_ms);
void stubs_close(struct stubs *s);

/* A watch fired. False: it is none of ours. "release" is everybody's. */
bool stubs_watch(struct stubs *s, const char *path, const char *token);

/* Descriptor of events, or -1; and what to do when it is readable. */
int stubs_fd(const struct stubs *s);
void stubs_ready(struct stubs *s);

/* Do what is due; when is the next? ms of now_ms(), UINT64_MAX: nothing. */
void stubs_work(struct stubs *s, uint64_t now);
uint64_t stubs_deadline(const struct stubs *s);

/* watchdog.c. hopeless: restarts do not help. */
void watchdog_read(struct stubs *s, struct stub *stub);
void watchdog_bind(struct stubs *s, struct stub *stub, uint64_t now);
void watchdog_unbind(struct stubs *s, struct stub *stub);
void watchdog_answered(struct stubs *s, evtchn_port_t port);
void watchdog_work(struct stubs *s, struct stub *stub, uint64_t now, bool *hopeless);
/* Restart it all the same, and the next time later; ms until then. */
unsigned int watchdog_insist(struct stubs *s, struct stub *stub, uint64_t now, const char *what);

/* destroy.c: have xl destroy the domain; returns at once. */
void destroy_by_xl(uint32_t domid);

#endif
