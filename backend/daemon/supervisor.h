/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor: knows all devices that name this domain as their backend, speaks
 * xenstore for them, and keeps one worker per guest.
 *
 *   supervisor.c   the loop: watches, signals, time; start and end
 *   nodes.c        which guests and devices there are; steps of the handshake
 *   workers.c      processes: start, messages, death, starting again
 *   stubs.c        stub domains, in domain 0: their life; watchdog.c
 *   returns.c      guests that come back, in domain 0: their devices
 *
 * It keeps nothing that it could not read from xenstore again, but for memory that it
 * gave (keeper.h): kill -9 at any time leaves what the next start mends. Its workers end with it.
 */
#ifndef DAEMON_SUPERVISOR_H
#define DAEMON_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "keeper.h"
#include "maps.h"
#include "means.h"
#include "pool.h"
#include "returns.h"
#include "stubs.h"
#include "xenbus.h"

#define DEVICES_PER_GUEST	64

struct guest;

struct device {
	struct xapt_node node;
	struct guest *guest;
	struct device *next;
	bool dirty;			/* a step is due */
	bool waiting;			/* link is to be sent when there is a worker */
	struct xapt_link connect;
	uint64_t deadline;		/* ms; the worker must have answered by then; 0: nothing asked */
};

struct guest {
	struct guest *next;
	uint32_t domid;
	char who[48];			/* "guest 5", "stub domain 9 of guest 5" */
	struct xapt_log_limit said;
	bool dead;			/* the domain does not exist any more */
	struct device *devices;
	unsigned int nr_devices;

	/* A guest can make us look as often as it writes its nodes: up to so often. */
	uint64_t window;		/* ms, start of it */
	unsigned int steps;		/* in it */

	pid_t pid;			/* worker; 0: none */
	int fd;				/* its control channel; -1 */
	struct maps_area maps;		/* what it wants to map */
	bool ending;			/* it was told to end */
	uint64_t deadline;		/* ms; it is killed then; 0: never */
	uint64_t started;		/* ms, the last start */
	uint64_t serving;		/* ms, when its first device connected; 0: not yet */
	uint64_t not_before;		/* ms, the next start */
	unsigned int quick;		/* deaths in a row without having served */
	bool report;			/* of which the administrator is to be told */
	char fault[96];			/* what the worker said of its death; "": nothing */
	struct xapt_pool pool;		/* memory of this side for it */
	uint64_t reserved;		/* pages of it that its worker may have mapped */
	struct xapt_pool_total *mapped;	/* ... of all guests */
};

struct supervisor {
	struct config config;
	struct xapt_bus bus;
	struct guest *guests;
	struct xapt_pool_total given;	/* to all guests */
	struct means means;		/* of this domain, for it */
	struct keeper keeper;		/* of it, over an end of this process */
	struct xapt_pool_total mapped;	/* of all guests, reserved by their workers */
	bool host;			/* domain 0: stubs and returns are in use */
	struct stubs stubs;
	struct returns returns;
	int epoll;
	int signals;
	int config_fd;			/* memory file: the configuration, for the workers */
	bool foreground;
	bool scan;			/* look for new devices */
	uint64_t next_scan;		/* ms; not before */
	bool deaths;			/* look which guests exist */
	uint64_t look;			/* ms; ... and at this time; 0: never */
	bool stop;
};

uint64_t now_ms(void);

/*
 * supervisor.c: 0 after it was asked to end, -1 with xapt_error(). text: of the
 * configuration, as read. ready is called once, when it serves.
 */
int supervisor_main(const struct config *config, const char *text, bool foreground,
		    void (*ready)(void));

/* nodes.c */
void nodes_watch(struct supervisor *s, const char *path, const char *token);
void nodes_work(struct supervisor *s);
uint64_t nodes_deadline(const struct supervisor *s);
void nodes_end(struct supervisor *s);
/* Guests whose memory an earlier process gave. */
void nodes_restore(struct supervisor *s);

/* workers.c */
void workers_connect(struct supervisor *s, struct device *d);
void workers_disconnect(struct supervisor *s, struct device *d);
void workers_ready(struct supervisor *s, struct guest *g);
void workers_reap(struct supervisor *s);
void workers_work(struct supervisor *s);
uint64_t workers_deadline(const struct supervisor *s);
/* Ask it to end; it is killed if it does not. */
void workers_stop(struct supervisor *s, struct guest *g);

#endif
