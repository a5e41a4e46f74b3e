// SPDX-License-Identifier: LGPL-2.1-or-later
#include "child_handshake.h"

static enum xapt_child_action parent_waits(const struct xapt_child_view *v)
{
	if (!v->wanted || (v->failed && v->epoch == v->failed))
		return XAPT_CHILD_WAIT;
	/* An epoch that is none was refused already. */
	if (!v->epoch && v->own == XAPT_BUS_CLOSED)
		return XAPT_CHILD_WAIT;
	if (v->made && v->epoch == v->answered)
		return XAPT_CHILD_WAIT;
	return XAPT_CHILD_ANSWER_OFFER;
}

/*
 * It is connected to pages of an earlier life, or of an epoch before: it offers anew to one that begins. One
 * that closed, or gave up, is closed by the parent first.
 */
static enum xapt_child_action parent_connected(const struct xapt_child_view *v)
{
	if (v->made && v->epoch == v->answered)
		return v->up ? XAPT_CHILD_WAIT : XAPT_CHILD_GO_UP;
	if (v->own == XAPT_BUS_INITIALISED || v->own == XAPT_BUS_CONNECTED)
		return XAPT_CHILD_BEGIN;
	return XAPT_CHILD_WAIT;
}

static enum xapt_child_action parent_closed(const struct xapt_child_view *v)
{
	bool gone = v->peer == XAPT_BUS_CLOSED;

	/* Entering 1 before the parent is in 6 could hide our 6 from it. */
	if (gone && v->online && v->restarted && v->wanted && v->own != XAPT_BUS_INITIALISING)
		return XAPT_CHILD_BEGIN;
	/* It sees our 1, and offers. */
	if (v->own == XAPT_BUS_INITIALISING && !v->made && v->online)
		return XAPT_CHILD_WAIT;
	return v->own == XAPT_BUS_CLOSED && !v->made ? XAPT_CHILD_WAIT : XAPT_CHILD_END;
}

enum xapt_child_action xapt_child_handshake(const struct xapt_child_view *v)
{
	switch (v->peer) {
	case XAPT_BUS_INIT_WAIT:
		return parent_waits(v);
	case XAPT_BUS_CONNECTED:
		return parent_connected(v);
	case XAPT_BUS_CLOSING:
	case XAPT_BUS_CLOSED:
	case XAPT_BUS_UNKNOWN:
		return parent_closed(v);
	default:
		return XAPT_CHILD_WAIT;
	}
}
