// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handshake.h"

/* The device is wanted, and its child lives. */
static enum xapt_action while_online(const struct xapt_view *v)
{
	switch (v->own) {
	case XAPT_BUS_UNKNOWN:
	case XAPT_BUS_INITIALISING:
		return XAPT_OFFER;
	case XAPT_BUS_INIT_WAIT:
		return v->peer == XAPT_BUS_INITIALISED ? XAPT_CONNECT : XAPT_WAIT;
	case XAPT_BUS_INITIALISED:
	case XAPT_BUS_CONNECTED:
		/* Connected on paper only: who served it is gone. */
		if (!v->served)
			return XAPT_OFFER;
		if (v->peer == XAPT_BUS_CLOSING)
			return XAPT_CLOSE;
		if (v->peer == XAPT_BUS_CLOSED)
			return XAPT_FINISH;
		/* The child's driver was loaded anew without having closed. */
		return v->peer == XAPT_BUS_INITIALISING ? XAPT_OFFER : XAPT_WAIT;
	case XAPT_BUS_CLOSING:
		if (v->peer == XAPT_BUS_CLOSED)
			return XAPT_FINISH;
		/* Somebody else wrote our state: then let go of what it ends. */
		if (v->served)
			return XAPT_CLOSE;
		return v->peer == XAPT_BUS_INITIALISING ? XAPT_OFFER : XAPT_WAIT;
	case XAPT_BUS_CLOSED:
		return v->peer == XAPT_BUS_INITIALISING ? XAPT_OFFER : XAPT_WAIT;
	}
	return XAPT_OFFER;
}

/* The toolstack takes the device away; Closed is the end. */
static enum xapt_action while_offline(const struct xapt_view *v)
{
	bool child_done = v->peer == XAPT_BUS_CLOSED || v->peer == XAPT_BUS_UNKNOWN ||
			  v->peer == XAPT_BUS_INITIALISING;

	if (v->own == XAPT_BUS_CLOSED)
		return XAPT_WAIT;
	if (child_done)
		return XAPT_FINISH;
	return v->own == XAPT_BUS_CLOSING && !v->served ? XAPT_WAIT : XAPT_CLOSE;
}

enum xapt_action xapt_handshake(const struct xapt_view *view, bool child_dead)
{
	if (child_dead)
		return XAPT_REMOVE;
	if (!view->online)
		return while_offline(view);
	if (view->failed && view->own != XAPT_BUS_CLOSING && view->own != XAPT_BUS_CLOSED)
		return XAPT_CLOSE;
	/* An earlier process may have died anywhere in between. */
	if (view->restarted && view->own != XAPT_BUS_CLOSING && view->own != XAPT_BUS_CLOSED)
		return XAPT_OFFER;
	return while_online(view);
}
