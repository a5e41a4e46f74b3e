/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device as xenstore shows it, and the parent's moves in the handshake. The
 * decisions are the core's (handshake.h); here they are carried out.
 *
 * The owner (apertured's supervisor, or a program) calls xapt_node_step() when a
 * watch fired, and is asked by two functions to connect and disconnect; it answers
 * by the xapt_node_*() calls, at once or later. The process that serves the device
 * needs no xenstore.
 *
 * Everything that is written goes through a transaction that first looks whether
 * the toolstack's directory is still there: a device that is being removed never
 * comes back as a half.
 */
#ifndef XAPT_LIB_XENBUS_H
#define XAPT_LIB_XENBUS_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "connection.h"
#include "handshake.h"
#include "negotiate.h"
#include "stat.h"

struct xapt_bus {
	struct xs_handle *xs;
	uint32_t own;		/* our domain */
	char root[64];		/* /local/domain/<own>/backend/aperture */
	uint64_t max_size;	/* the parent's own limit of one aperture; 0: none */
	bool gives;		/* feature-parent-memory is offered */
};

/* 0, or -1 with errno and text. */
int xapt_bus_open(struct xapt_bus *b);
void xapt_bus_close(struct xapt_bus *b);

/* Text of path/node, or NULL. The caller frees it. Texts with octets 0 are NULL. */
char *xapt_bus_read(struct xapt_bus *b, xs_transaction_t t, const char *path, const char *node);

/* Does the domain exist? On doubt true. */
bool xapt_bus_domain(struct xapt_bus *b, uint32_t domid);

enum xapt_link_state {
	XAPT_LINK_NONE,		/* nothing is mapped */
	XAPT_LINK_MAKING,	/* connect() was called */
	XAPT_LINK_UP,
	XAPT_LINK_ENDING,	/* disconnect() was called */
};

struct xapt_node;

struct xapt_node_ops {
	/* Connect as link says; answer by xapt_node_up() or _failed(). */
	void (*connect)(struct xapt_node *n, const struct xapt_link *link);
	/* Let go of everything; answer by xapt_node_down(). */
	void (*disconnect)(struct xapt_node *n);
};

struct xapt_node {
	struct xapt_bus *bus;
	const struct xapt_node_ops *ops;
	uint32_t domid, devid;
	char back[80], front[80];
	char owner[48];			/* "guest 5" */
	char who[104];			/* for the log: owner, device and its type once that is known */
	struct xapt_log_limit said;
	char watch[96], token[32];	/* on the child's state */

	enum xapt_link_state link;
	enum xapt_action after;		/* what is done when the link is down; WAIT: nothing */
	uint32_t epoch;			/* of the connection attempt */
	bool failed;
	uint32_t failed_peer;		/* the child's state then: a new attempt needs another */
	bool restarted;			/* our state is an earlier process's, or not what is true */
	struct xapt_policy policy;
	struct xapt_stat_file stat;
};

enum xapt_server { XAPT_SERVER_APERTURED, XAPT_SERVER_PROGRAM, XAPT_SERVER_NONE };

/* Whose is the device? NONE: its directory is gone or not complete. */
enum xapt_server xapt_node_server(struct xapt_bus *b, uint32_t domid, uint32_t devid);

/*
 * Take the device over: set the watch on the child's state. 0, or -1 with errno and
 * text. The owner may then make the stat file: xapt_stat_create(&n->stat).
 */
int xapt_node_open(struct xapt_node *n, struct xapt_bus *b, const struct xapt_node_ops *ops,
		   uint32_t domid, uint32_t devid, const char *server);

/* For the log: whose it is, where more is known than "guest 5". */
void xapt_node_owner(struct xapt_node *n, const char *owner);

/* Forget it. Must be down. Writes nothing to xenstore. */
void xapt_node_close(struct xapt_node *n);

enum xapt_step {
	XAPT_STEP_STAYS,
	XAPT_STEP_GONE,		/* the device is gone, and down: close it */
};

/* Look, decide, act. dead: the guest does not exist any more. */
enum xapt_step xapt_node_step(struct xapt_node *n, bool dead);

/* Answers. Each is followed by a step. */
void xapt_node_up(struct xapt_node *n, int worker);
void xapt_node_down(struct xapt_node *n);
void xapt_node_failed(struct xapt_node *n, enum xenapt_status status, const char *text);
/* The process that served it died. text: how, for the stat file. */
void xapt_node_lost(struct xapt_node *n, const char *text);

/* Say something of a device that goes on: error node and stat file. Gone when it connects. */
void xapt_node_note(struct xapt_node *n, const char *text);

/* This process ends, the device does not: enter InitWait, so that the child lets go. */
void xapt_node_abandon(struct xapt_node *n);

#endif
