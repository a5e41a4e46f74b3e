// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xenbus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "log.h"
#include "parse.h"

static const uint16_t versions[] = { XENAPT_VERSION };

/* ---- xenstore, one value at a time ---- */

int xapt_bus_open(struct xapt_bus *b)
{
	char *text;

	*b = (struct xapt_bus){ .xs = xs_open(0) };
	if (!b->xs)
		return xapt_error_set(errno, "xenstore: %s; is this a Xen domain, and xenstored running?",
				      strerror(errno));
	/* Relative names are relative to our own domain; dom0 may lack this one. */
	text = xapt_bus_read(b, XBT_NULL, "domid", NULL);
	if (text && !xapt_parse_u32(text, 0, 0x7fef, &b->own))
		xapt_log(XENAPERTURE_WARNING, "xenstore", "domid is \"%s\", not a number below 32752; taken as 0",
			 text);
	free(text);
	snprintf(b->root, sizeof(b->root), "/local/domain/%u/backend/" XENAPT_DEVICE_KIND, b->own);
	return 0;
}

void xapt_bus_close(struct xapt_bus *b)
{
	if (b->xs)
		xs_close(b->xs);
	b->xs = NULL;
}

char *xapt_bus_read(struct xapt_bus *b, xs_transaction_t t, const char *path, const char *node)
{
	char full[160];
	unsigned int len;
	char *text;

	snprintf(full, sizeof(full), "%s%s%s", path, node ? "/" : "", node ? node : "");
	text = xs_read(b->xs, t, full, &len);
	if (text && strlen(text) != len) {
		free(text);
		text = NULL;
	}
	return text;
}

bool xapt_bus_domain(struct xapt_bus *b, uint32_t domid)
{
	errno = 0;
	if (xs_is_domain_introduced(b->xs, domid))
		return true;
	/* It says no as well when it could not ask; and xenstored tells domain 0 only. */
	return errno && errno != ENOENT && !xapt_domain_gone(domid);
}

static bool put(struct xapt_node *n, xs_transaction_t t, const char *node, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool put(struct xapt_node *n, xs_transaction_t t, const char *node, const char *format, ...)
{
	char path[160], text[192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", n->back, node);
	if (xs_write(n->bus->xs, t, path, text, (unsigned int)strlen(text)))
		return true;
	xapt_log_some(&n->said, XENAPERTURE_ERROR, n->who, "xenstore: cannot write %s: %s", path,
		      strerror(errno));
	return false;
}

static void erase(struct xapt_node *n, xs_transaction_t t, const char *node)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", n->back, node);
	xs_rm(n->bus->xs, t, path);
}

static enum xapt_bus_state read_state(struct xapt_bus *b, xs_transaction_t t, const char *path)
{
	char *text = xapt_bus_read(b, t, path, "state");
	uint32_t state = XAPT_BUS_UNKNOWN;

	xapt_parse_u32(text, XAPT_BUS_INITIALISING, XAPT_BUS_CLOSED, &state);
	free(text);
	return (enum xapt_bus_state)state;
}

static uint32_t read_epoch(struct xapt_node *n, xs_transaction_t t)
{
	char *text = xapt_bus_read(n->bus, t, n->back, XENAPT_NODE_EPOCH);
	uint32_t epoch = 0;

	xapt_parse_u32(text, 1, UINT32_MAX, &epoch);
	free(text);
	return epoch;
}

/*
 * Do write in a transaction, again while others are faster. False: the directory
 * is not there, or write said no, or xenstore is broken.
 */
static bool transact(struct xapt_node *n, bool (*write)(struct xapt_node *, xs_transaction_t))
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		xs_transaction_t t = xs_transaction_start(n->bus->xs);
		bool ok;

		if (t == XBT_NULL)
			break;
		ok = read_state(n->bus, t, n->back) != XAPT_BUS_UNKNOWN && write(n, t);
		if (xs_transaction_end(n->bus->xs, t, !ok) && ok)
			return true;
		if (!ok)
			return false;
		if (errno != EAGAIN)
			break;
	}
	xapt_log_some(&n->said, XENAPERTURE_ERROR, n->who, "xenstore: nothing written to %s: %s",
		      n->back, strerror(errno));
	return false;
}

static void set_stat(struct xapt_node *n, enum xapt_bus_state state)
{
	n->stat.head.state = state;
	n->stat.head.epoch = n->epoch;
	xapt_stat_write(&n->stat);
}

/* ---- the moves ---- */

struct peer_reader {
	struct xapt_node *n;
	const char *path;
	char *last;
};

static const char *read_one(void *ctx, const char *node)
{
	struct peer_reader *r = ctx;

	free(r->last);
	r->last = xapt_bus_read(r->n->bus, XBT_NULL, r->path, node);
	return r->last;
}

static void problem_text(const struct xapt_problem *p, char *text, size_t room)
{
	char value[sizeof(p->value)];

	xapt_printable(value, sizeof(value), p->value);
	if (p->value[0])
		snprintf(text, room, "node %s is \"%s\"", p->node, value);
	else
		snprintf(text, room, "node %s is missing or empty", p->node);
}

static bool write_offer(struct xapt_node *n, xs_transaction_t t)
{
	uint32_t epoch = read_epoch(n, t);

	n->epoch = epoch == UINT32_MAX ? 1 : epoch + 1;
	erase(n, t, XENAPT_NODE_ERROR);
	erase(n, t, XENAPT_NODE_VERSION);
	return put(n, t, XENAPT_NODE_VERSIONS, "%u", versions[0]) &&
	       put(n, t, XENAPT_NODE_MAX_RING_ORDER, "%u", XENAPT_MAX_RING_ORDER) &&
	       put(n, t, XENAPT_NODE_FEATURE_UNALIGNED, "1") &&
	       put(n, t, XENAPT_NODE_FEATURE_OPERATIONS, "1") &&
	       put(n, t, XENAPT_NODE_FEATURE_READ_ONLY, "1") &&
	       put(n, t, XENAPT_NODE_FEATURE_PARENT_MEMORY, "%d", n->bus->gives) &&
	       put(n, t, XENAPT_NODE_EPOCH, "%u", n->epoch) &&
	       put(n, t, "state", "%u", XAPT_BUS_INIT_WAIT);
}

/* "guest 5 device 0 (mem)"; the type is not known from the beginning. */
static void name_node(struct xapt_node *n)
{
	const char *type = n->policy.type;

	snprintf(n->who, sizeof(n->who), "%s device %u%s%s%s", n->owner, n->devid, *type ? " (" : "",
		 type, *type ? ")" : "");
}

static void offer(struct xapt_node *n)
{
	struct peer_reader r = { .n = n, .path = n->back };
	struct xapt_problem problem;
	enum xenapt_status status = xapt_read_policy(read_one, &r, &n->policy, &problem);
	char text[96];

	free(r.last);
	if (status != XENAPT_OK) {
		problem_text(&problem, text, sizeof(text));
		xapt_node_failed(n, status, text);
		return;
	}
	n->failed = false;
	if (n->bus->max_size && n->policy.max_size > n->bus->max_size)
		n->policy.max_size = n->bus->max_size;
	if (!transact(n, write_offer))
		return;
	memcpy(n->stat.head.type, n->policy.type, sizeof(n->policy.type));
	n->stat.head.max_size = n->policy.max_size;
	n->stat.head.max_apertures = n->policy.max_apertures;
	name_node(n);
	set_stat(n, XAPT_BUS_INIT_WAIT);
	xapt_log(XENAPERTURE_DEBUG, n->who, "offered, epoch %u", n->epoch);
}

static void make_link(const struct xapt_node *n, const struct xapt_frontend *fe,
		      struct xapt_link *link)
{
	*link = (struct xapt_link){
		.devid = n->devid,
		.epoch = fe->epoch,
		.ring_order = fe->ring_order,
		.event_ref = fe->event_ref,
		.mask_ref = fe->mask_ref,
		.port = fe->port,
		.max_apertures = n->policy.max_apertures,
		.max_size = fe->max_size < n->policy.max_size ? fe->max_size : n->policy.max_size,
		.unaligned = fe->unaligned,
		.read_only = fe->read_only,
		.parent_memory = fe->parent_memory && n->bus->gives,
		.operations = fe->operations,
	};
	memcpy(link->ring_ref, fe->ring_ref, sizeof(link->ring_ref));
	memcpy(link->record_ref, fe->record_ref, sizeof(link->record_ref));
	memcpy(link->type, n->policy.type, sizeof(link->type));
}

static void connect_child(struct xapt_node *n)
{
	struct peer_reader r = { .n = n, .path = n->front };
	struct xapt_offerings offered = { versions, 1, n->epoch, XENAPT_MAX_RING_ORDER };
	struct xapt_frontend fe = { 0 };
	struct xapt_problem problem;
	struct xapt_link link;
	enum xenapt_status status;
	char text[96];

	if (n->link != XAPT_LINK_NONE)
		return;
	status = xapt_read_frontend(read_one, &r, &offered, &fe, &problem);
	free(r.last);
	if (status == XENAPT_E_GONE)
		return;
	if (status != XENAPT_OK) {
		problem_text(&problem, text, sizeof(text));
		xapt_node_failed(n, status, text);
		return;
	}
	make_link(n, &fe, &link);
	n->link = XAPT_LINK_MAKING;
	n->ops->connect(n, &link);
}

static bool write_closing(struct xapt_node *n, xs_transaction_t t)
{
	return put(n, t, "state", "%u", XAPT_BUS_CLOSING);
}

static bool write_closed(struct xapt_node *n, xs_transaction_t t)
{
	return put(n, t, "state", "%u", XAPT_BUS_CLOSED);
}

static bool write_connected(struct xapt_node *n, xs_transaction_t t)
{
	/* The toolstack may have asked to close meanwhile. */
	if (read_state(n->bus, t, n->back) != XAPT_BUS_INIT_WAIT)
		return false;
	erase(n, t, XENAPT_NODE_ERROR);
	return put(n, t, XENAPT_NODE_VERSION, "%u", versions[0]) &&
	       put(n, t, "state", "%u", XAPT_BUS_CONNECTED);
}

/* Our directory, and the guest's above it if it was the last. False: it is still there. */
static bool remove_node(struct xapt_node *n)
{
	char guest[96];
	unsigned int count = 0;
	char **left;

	if (!xs_rm(n->bus->xs, XBT_NULL, n->back) && errno != ENOENT) {
		xapt_log_some(&n->said, XENAPERTURE_ERROR, n->who, "cannot remove %s: %s", n->back,
			      strerror(errno));
		return false;
	}
	snprintf(guest, sizeof(guest), "%s/%u", n->bus->root, n->domid);
	left = xs_directory(n->bus->xs, XBT_NULL, guest, &count);
	if (left && !count)
		xs_rm(n->bus->xs, XBT_NULL, guest);
	free(left);
	return true;
}

/* ---- a step ---- */

/* False: the directory is not there. */
static bool look(struct xapt_node *n, struct xapt_view *v)
{
	char *online = xapt_bus_read(n->bus, XBT_NULL, n->back, XENAPT_NODE_ONLINE);

	*v = (struct xapt_view){
		.own = read_state(n->bus, XBT_NULL, n->back),
		.peer = read_state(n->bus, XBT_NULL, n->front),
		.online = online && !strcmp(online, "1"),
		.served = n->link != XAPT_LINK_NONE,
		.failed = n->failed,
		.restarted = n->restarted,
	};
	free(online);
	if (n->stat.head.peer_state != v->peer) {
		n->stat.head.peer_state = v->peer;
		xapt_stat_write(&n->stat);
	}
	return v->own != XAPT_BUS_UNKNOWN;
}

/* What comes next needs that nothing is mapped: true when it is so, else it is under way. */
static bool let_go(struct xapt_node *n, enum xapt_action next)
{
	if (n->link == XAPT_LINK_NONE)
		return true;
	if (n->link != XAPT_LINK_ENDING) {
		n->link = XAPT_LINK_ENDING;
		n->after = next == XAPT_REMOVE ? XAPT_WAIT : next;
		n->ops->disconnect(n);
	}
	return n->link == XAPT_LINK_NONE;
}

static enum xapt_step act(struct xapt_node *n, enum xapt_action action)
{
	n->restarted = false;
	n->after = XAPT_WAIT;
	switch (action) {
	case XAPT_OFFER:
		offer(n);
		break;
	case XAPT_CLOSE:
		transact(n, write_closing);
		set_stat(n, XAPT_BUS_CLOSING);
		break;
	case XAPT_FINISH:
		transact(n, write_closed);
		set_stat(n, XAPT_BUS_CLOSED);
		xapt_log_some(&n->said, XENAPERTURE_INFO, n->who, "closed");
		break;
	case XAPT_REMOVE:
		if (!remove_node(n))
			return XAPT_STEP_STAYS;
		xapt_log(XENAPERTURE_INFO, n->who, "removed: the guest is gone");
		return XAPT_STEP_GONE;
	case XAPT_WAIT:
	case XAPT_CONNECT:
		break;
	}
	return XAPT_STEP_STAYS;
}

static enum xapt_step step_once(struct xapt_node *n, bool dead)
{
	enum xapt_action action;
	struct xapt_view view;

	if (!look(n, &view) && !dead)
		return let_go(n, XAPT_WAIT) ? XAPT_STEP_GONE : XAPT_STEP_STAYS;
	/* Begun while there was a link; now that it is down the view shows no reason for it. */
	if (n->after != XAPT_WAIT && n->link == XAPT_LINK_NONE && !dead)
		return act(n, n->after);
	action = xapt_handshake(&view, dead);
	/* What failed is not tried again before the child has seen it and moved. */
	if (action == XAPT_WAIT ||
	    (action == XAPT_OFFER && n->failed && view.peer == n->failed_peer))
		return XAPT_STEP_STAYS;
	if (action == XAPT_CONNECT) {
		connect_child(n);
		return XAPT_STEP_STAYS;
	}
	return let_go(n, action) ? act(n, action) : XAPT_STEP_STAYS;
}

enum xapt_step xapt_node_step(struct xapt_node *n, bool dead)
{
	bool failed = n->failed, late = n->after != XAPT_WAIT && n->link == XAPT_LINK_NONE;
	enum xapt_step step = step_once(n, dead);

	/* What failed just now closes, and what was put off has its sequel: no watch tells. */
	if (step == XAPT_STEP_STAYS && (late || (n->failed && !failed)))
		step = step_once(n, dead);
	return step;
}

/* ---- answers ---- */

void xapt_node_up(struct xapt_node *n, int worker)
{
	if (n->link != XAPT_LINK_MAKING)
		return;
	n->link = XAPT_LINK_UP;
	n->stat.head.worker = worker;
	n->stat.head.error[0] = '\0';
	n->stat.head.connects++;
	if (!transact(n, write_connected)) {
		n->restarted = true;
		return;
	}
	set_stat(n, XAPT_BUS_CONNECTED);
	xapt_log_some(&n->said, XENAPERTURE_INFO, n->who, "connected, epoch %u", n->epoch);
}

void xapt_node_down(struct xapt_node *n)
{
	n->link = XAPT_LINK_NONE;
	n->stat.head.worker = 0;
	xapt_stat_clear(&n->stat);
	xapt_stat_write(&n->stat);
}

static bool write_error(struct xapt_node *n, xs_transaction_t t)
{
	return put(n, t, XENAPT_NODE_ERROR, "%s", n->stat.head.error);
}

static void set_error(struct xapt_node *n, enum xenapt_status status, const char *text)
{
	char error[sizeof(n->stat.head.error)];

	snprintf(error, sizeof(error), "%s: %s", xapt_status_name(status), text);
	xapt_printable(n->stat.head.error, sizeof(n->stat.head.error), error);
}

void xapt_node_failed(struct xapt_node *n, enum xenapt_status status, const char *text)
{
	set_error(n, status, text);
	xapt_log_some(&n->said, XENAPERTURE_ERROR, n->who, "%s", n->stat.head.error);
	n->failed = true;
	n->failed_peer = n->stat.head.peer_state;
	xapt_node_down(n);
	transact(n, write_error);
}

void xapt_node_note(struct xapt_node *n, const char *text)
{
	set_error(n, XENAPT_E_DEVICE, text);
	xapt_stat_write(&n->stat);
	transact(n, write_error);
}

void xapt_node_lost(struct xapt_node *n, const char *text)
{
	set_error(n, XENAPT_E_DEVICE, text);
	n->stat.head.deaths++;
	/* Whatever it had begun: a new attempt, with a new epoch. */
	n->restarted = true;
	xapt_node_down(n);
}

void xapt_node_abandon(struct xapt_node *n)
{
	enum xapt_bus_state state = read_state(n->bus, XBT_NULL, n->back);

	if (state == XAPT_BUS_CONNECTED || state == XAPT_BUS_INIT_WAIT)
		transact(n, write_offer);
}

/* ---- coming and going ---- */

enum xapt_server xapt_node_server(struct xapt_bus *b, uint32_t domid, uint32_t devid)
{
	enum xapt_server server = XAPT_SERVER_NONE;
	char path[96];
	char *text;

	snprintf(path, sizeof(path), "%s/%u/%u", b->root, domid, devid);
	if (read_state(b, XBT_NULL, path) == XAPT_BUS_UNKNOWN)
		return XAPT_SERVER_NONE;
	text = xapt_bus_read(b, XBT_NULL, path, XENAPT_NODE_SERVER);
	if (!text || !strcmp(text, "apertured"))
		server = XAPT_SERVER_APERTURED;
	else if (!strcmp(text, "program"))
		server = XAPT_SERVER_PROGRAM;
	free(text);
	return server;
}

int xapt_node_open(struct xapt_node *n, struct xapt_bus *b, const struct xapt_node_ops *ops,
		   uint32_t domid, uint32_t devid, const char *server)
{
	*n = (struct xapt_node){
		.bus = b,
		.ops = ops,
		.domid = domid,
		.devid = devid,
		.restarted = true,
		.stat.fd = -1,
		.stat.head.domid = domid,
		.stat.head.devid = devid,
	};
	snprintf(n->stat.head.server, sizeof(n->stat.head.server), "%s", server);
	snprintf(n->back, sizeof(n->back), "%s/%u/%u", b->root, domid, devid);
	/* Never the path that a node names: that one must be this. */
	snprintf(n->front, sizeof(n->front), "/local/domain/%u/device/" XENAPT_DEVICE_KIND "/%u",
		 domid, devid);
	snprintf(n->owner, sizeof(n->owner), "guest %u", domid);
	name_node(n);
	snprintf(n->watch, sizeof(n->watch), "%s/state", n->front);
	snprintf(n->token, sizeof(n->token), "%u/%u", domid, devid);
	if (!xs_watch(b->xs, n->watch, n->token))
		return xapt_error_set(errno, "xenstore: cannot watch %s: %s", n->watch,
				      strerror(errno));
	return 0;
}

void xapt_node_owner(struct xapt_node *n, const char *owner)
{
	snprintf(n->owner, sizeof(n->owner), "%s", owner);
	name_node(n);
}

void xapt_node_close(struct xapt_node *n)
{
	xs_unwatch(n->bus->xs, n->watch, n->token);
	xapt_stat_remove(&n->stat);
}
