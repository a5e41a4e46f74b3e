/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parent's half of the xenbus handshake, apertureif.h section 3, as a
 * function of what can be seen. It keeps nothing: it may be asked again at any
 * time, and after a restart of the parent nothing needs to be remembered.
 */
#ifndef XAPT_CORE_HANDSHAKE_H
#define XAPT_CORE_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of xenbus states, as in Xen's io/xenbus.h. 0: no node. */
enum xapt_bus_state {
	XAPT_BUS_UNKNOWN = 0,
	XAPT_BUS_INITIALISING = 1,
	XAPT_BUS_INIT_WAIT = 2,
	XAPT_BUS_INITIALISED = 3,
	XAPT_BUS_CONNECTED = 4,
	XAPT_BUS_CLOSING = 5,
	XAPT_BUS_CLOSED = 6,
};

struct xapt_view {
	enum xapt_bus_state own;	/* our state node */
	enum xapt_bus_state peer;	/* the child's; UNKNOWN: its directory is gone */
	bool online;			/* the toolstack wants the device */
	bool served;			/* this process serves a live connection */
	bool failed;			/* the connection ended with an error */
	bool restarted;			/* own state was left by an earlier process */
};

enum xapt_action {
	XAPT_WAIT,	/* nothing to do until a node changes */
	XAPT_OFFER,	/* let go of everything, raise the epoch, write versions and limits, enter InitWait */
	XAPT_CONNECT,	/* read the child's nodes; if they answer our epoch, connect */
	XAPT_CLOSE,	/* let go of everything, enter Closing */
	XAPT_FINISH,	/* let go of everything, enter Closed */
	XAPT_REMOVE,	/* let go of everything, remove our directory: the child's domain died */
};

/* child_dead: the domain does not exist any more. */
enum xapt_action xapt_handshake(const struct xapt_view *view, bool child_dead);

#endif
