/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child's half of the xenbus handshake, apertureif.h section 3, as a function of what can be
 * seen: the other one of handshake.h. It may be asked again at any time.
 */
#ifndef XAPT_CORE_CHILD_HANDSHAKE_H
#define XAPT_CORE_CHILD_HANDSHAKE_H

#include "handshake.h"

struct xapt_child_view {
	enum xapt_bus_state own;	/* our state node */
	enum xapt_bus_state peer;	/* the parent's; UNKNOWN: its directory is gone */
	bool online;			/* the parent's node: the toolstack wants the device */
	bool wanted;			/* we want a connection */
	bool restarted;			/* what own says is of an earlier life */
	bool made;			/* this life has pages and a port for answered */
	bool up;			/* ... and requests flow */
	uint32_t epoch;			/* the parent's; 0: none */
	uint32_t answered;		/* the one that pages and port are for */
	uint32_t failed;		/* the one that we gave up; 0: none */
};

enum xapt_child_action {
	XAPT_CHILD_WAIT,	/* nothing to do until a node changes */
	XAPT_CHILD_BEGIN,	/* let go of the old connection, enter Initialising */
	XAPT_CHILD_ANSWER_OFFER,/* let go of the old one, make a new one, write its nodes and Initialised */
	XAPT_CHILD_GO_UP,	/* check what the parent agreed to, enter Connected */
	XAPT_CHILD_END,		/* enter Closing, let go, enter Closed */
};

enum xapt_child_action xapt_child_handshake(const struct xapt_child_view *view);

#endif
