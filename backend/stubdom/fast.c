// SPDX-License-Identifier: GPL-2.0-only
/*
 * One step a device: look at both states, ask the handshake what comes next, do it. Nothing is
 * remembered that a restart would miss. While a call of the store waits, other devices are served.
 */
#include "fast.h"

#include <stdbool.h>
#include <xen/errno.h>

#include "clock.h"
#include "console.h"
#include "handshake.h"
#include "lane.h"
#include "models.h"
#include "negotiate.h"
#include "nodes.h"
#include "parse.h"
#include "text.h"
#include "xenstore.h"

#define BACKEND		"backend/" XENAPT_FAST_KIND
#define LISTED		64u	/* devices of the guest that are looked at; more than there are lanes */
#define REVOKE_MS	50u
#define REVOKE_MAX_MS	60000u

static const uint16_t versions[] = { XENAPT_VERSION };

struct fast_device {
	bool used;
	bool look;		/* something changed */
	bool there;		/* seen in the last scan */
	bool up;		/* the lane is connected */
	bool failed;
	bool restarted;		/* the state node is of an earlier life */
	enum xapt_bus_state failed_peer;
	uint32_t devid;
	uint32_t epoch;
	const struct xenaperture_model *model;
	char back[48], front[72];
};

static struct fast_device devices[LANES];
static uint32_t guest;
static bool attention;		/* some device's look, or scan */
static bool scan;

static unsigned int lane_of(const struct fast_device *d)
{
	return (unsigned int)(d - devices);
}

/* ---- nodes ---- */

static bool write_closing(void *device, uint32_t t)
{
	const struct fast_device *d = device;

	return nodes_put_number(t, d->back, "state", XAPT_BUS_CLOSING);
}

static bool write_closed(void *device, uint32_t t)
{
	const struct fast_device *d = device;

	return nodes_put_number(t, d->back, "state", XAPT_BUS_CLOSED);
}

static bool write_offer(void *device, uint32_t t)
{
	struct fast_device *d = device;
	uint32_t epoch = 0;

	xapt_parse_u32(store_get(t, nodes_join(d->back, XENAPT_NODE_EPOCH)), 1, UINT32_MAX, &epoch);
	d->epoch = epoch == UINT32_MAX ? 1 : epoch + 1;
	store_remove(t, nodes_join(d->back, XENAPT_NODE_ERROR));
	store_remove(t, nodes_join(d->back, XENAPT_NODE_VERSION));
	return nodes_put_number(t, d->back, XENAPT_NODE_VERSIONS, XENAPT_VERSION) &&
	       nodes_put_number(t, d->back, XENAPT_NODE_MAX_RING_ORDER, 0) &&
	       nodes_put_number(t, d->back, XENAPT_NODE_FEATURE_OPERATIONS, 1) &&
	       nodes_put_number(t, d->back, XENAPT_NODE_EPOCH, d->epoch) &&
	       nodes_put_number(t, d->back, "state", XAPT_BUS_INIT_WAIT);
}

static bool write_connected(void *device, uint32_t t)
{
	const struct fast_device *d = device;

	/* The toolstack may have asked to close meanwhile. */
	return nodes_state(t, d->back) == XAPT_BUS_INIT_WAIT &&
	       nodes_put_number(t, d->back, XENAPT_NODE_VERSION, XENAPT_VERSION) &&
	       nodes_put_number(t, d->back, "state", XAPT_BUS_CONNECTED);
}

/* ---- failing ---- */

static void fail(struct fast_device *d, enum xapt_bus_state peer, enum xenapt_status status,
		 const char *text)
{
	d->failed = true;
	d->failed_peer = peer;
	nodes_error(d->back, guest, d->devid, status, text);
	d->look = attention = true;
}

static void fail_node(struct fast_device *d, enum xapt_bus_state peer, const struct xapt_problem *p)
{
	char text[96];

	if (p->value[0])
		text_make(text, sizeof(text), "node %s is \"%s\"", p->node, p->value);
	else
		text_make(text, sizeof(text), "node %s is missing or empty", p->node);
	fail(d, peer, p->status, text);
}

/* ---- the moves ---- */

static void let_go(struct fast_device *d)
{
	if (d->up)
		lane_end(lane_of(d));
	d->up = false;
}

static bool find_model(struct fast_device *d, enum xapt_bus_state peer)
{
	const char *type = store_get(0, nodes_join(d->back, XENAPT_NODE_TYPE)), *why;
	char text[96];

	if (!xapt_parse_type(type)) {
		fail(d, peer, XENAPT_E_NODE, "node type is missing or is no device type");
		return false;
	}
	d->model = models_find(type, &why);
	if (d->model)
		return true;
	text_make(text, sizeof(text), "device type %s: %s", type, why);
	fail(d, peer, XENAPT_E_DEVICE, text);
	return false;
}

static void offer(struct fast_device *d, enum xapt_bus_state peer)
{
	if (!find_model(d, peer)) {
		nodes_transact(d->back, write_closed, d);
		return;
	}
	d->failed = false;
	if (nodes_transact(d->back, write_offer, d))
		console_say(CONSOLE_DEBUG, "guest %u device %u (%s): offered, epoch %u", guest, d->devid,
			    d->model->type, d->epoch);
}

static const char *read_front(void *ctx, const char *node)
{
	const struct fast_device *d = ctx;

	return store_get(0, nodes_join(d->front, node));
}

static bool read_revoke(struct fast_device *d, enum xapt_bus_state peer, uint64_t *ns)
{
	const char *text = store_get(0, nodes_join(d->back, XENAPT_NODE_REVOKE_MS));
	uint32_t ms = REVOKE_MS;

	if (text && !xapt_parse_u32(text, 1, REVOKE_MAX_MS, &ms)) {
		fail(d, peer, XENAPT_E_NODE, "node revoke-ms must be 1 to 60000");
		return false;
	}
	*ns = (uint64_t)ms * NS_PER_MS;
	return true;
}

static void open_lane(struct fast_device *d, const struct xapt_frontend *fe, uint64_t revoke_ns)
{
	const struct lane_setup setup = {
		.model = d->model,
		.domain = guest,
		.devid = d->devid,
		.refs = { fe->ring_ref[0], fe->event_ref, fe->mask_ref, fe->record_ref[0],
			  fe->record_ref[1] },
		.port = fe->port,
		.revoke_ns = revoke_ns,
	};
	const char *node = "";
	char text[96];
	int detail = 0;
	enum xenapt_status status = lane_connect(lane_of(d), &setup, &node, &detail);

	if (status != XENAPT_OK) {
		text_make(text, sizeof(text), "node %s: Xen refuses it, status -%u", node,
			  (unsigned int)-detail);
		fail(d, XAPT_BUS_INITIALISED, status, text);
		return;
	}
	d->up = true;
	if (!nodes_transact(d->back, write_connected, d)) {
		let_go(d);
		d->restarted = d->look = attention = true;
		return;
	}
	console_say(CONSOLE_INFO, "guest %u device %u (%s): connected, epoch %u", guest, d->devid,
		    d->model->type, d->epoch);
}

static void connect(struct fast_device *d)
{
	const struct xapt_offerings offered = { versions, 1, d->epoch, 0 };
	struct xapt_frontend fe = { 0 };
	struct xapt_problem problem;
	enum xenapt_status status;
	uint64_t revoke_ns;

	if (d->up)
		return;
	status = xapt_read_frontend(read_front, d, &offered, &fe, &problem);
	if (status == XENAPT_E_GONE)
		return;
	if (status != XENAPT_OK)
		fail_node(d, XAPT_BUS_INITIALISED, &problem);
	else if (!fe.operations)
		fail(d, XAPT_BUS_INITIALISED, XENAPT_E_NODE,
		     "node feature-operations: a fast lane needs it");
	else if (read_revoke(d, XAPT_BUS_INITIALISED, &revoke_ns))
		open_lane(d, &fe, revoke_ns);
}

static void act(struct fast_device *d, enum xapt_action action, const struct xapt_view *v)
{
	switch (action) {
	case XAPT_WAIT:
		break;
	case XAPT_CONNECT:
		connect(d);
		break;
	case XAPT_OFFER:
		let_go(d);
		d->restarted = false;
		offer(d, v->peer);
		break;
	case XAPT_CLOSE:
		let_go(d);
		nodes_transact(d->back, write_closing, d);
		break;
	case XAPT_FINISH:
	case XAPT_REMOVE:
		let_go(d);
		nodes_transact(d->back, write_closed, d);
		console_say(CONSOLE_INFO, "guest %u device %u: closed", guest, d->devid);
		break;
	}
}

/* ---- a step ---- */

static void forget(struct fast_device *d)
{
	char token[12];

	let_go(d);
	text_make(token, sizeof(token), "%u", d->devid);
	store_unwatch(nodes_join(d->front, "state"), token);
	d->used = false;
	console_say(CONSOLE_INFO, "guest %u device %u: removed", guest, d->devid);
}

static void check_lane(struct fast_device *d, enum xapt_bus_state peer)
{
	enum xenapt_status status = d->up ? lane_status(lane_of(d)) : XENAPT_OK;
	bool told;

	if (status == XENAPT_OK || d->failed)
		return;
	told = lane_ended_by_child(lane_of(d));
	let_go(d);
	fail(d, peer, status, told ? "the guest ended the connection with it" :
				     "the guest broke the ring's rules");
}

static void step(struct fast_device *d)
{
	struct xapt_view v = { .own = nodes_state(0, d->back) };
	enum xapt_action action;
	const char *online;

	if (v.own == XAPT_BUS_UNKNOWN) {
		forget(d);
		return;
	}
	v.peer = nodes_state(0, d->front);
	check_lane(d, v.peer);
	online = store_get(0, nodes_join(d->back, XENAPT_NODE_ONLINE));
	v.online = online && !strcmp(online, "1");
	v.served = d->up;
	v.failed = d->failed;
	v.restarted = d->restarted;
	/* The frontend's directory went: the domain died, or the device is taken away by force. */
	action = v.peer == XAPT_BUS_UNKNOWN && d->up ? XAPT_FINISH : xapt_handshake(&v, false);
	if (action == XAPT_OFFER && d->failed && v.peer == d->failed_peer)
		return;
	act(d, action, &v);
}

/* ---- which devices there are ---- */

static struct fast_device *find(uint32_t devid)
{
	unsigned int i;

	for (i = 0; i < LANES; i++)
		if (devices[i].used && devices[i].devid == devid)
			return &devices[i];
	return NULL;
}

static void name(struct fast_device *d, uint32_t devid)
{
	*d = (struct fast_device){ .look = true, .there = true, .restarted = true, .devid = devid };
	text_make(d->back, sizeof(d->back), BACKEND "/%u/%u", guest, devid);
	text_make(d->front, sizeof(d->front), "/local/domain/%u/device/" XENAPT_FAST_KIND "/%u", guest,
		  devid);
}

/* One more than there are lanes: said once, on its own nodes. */
static void refuse(uint32_t devid)
{
	struct fast_device d;
	char text[64];

	name(&d, devid);
	if (nodes_state(0, d.back) == XAPT_BUS_CLOSED)
		return;
	text_make(text, sizeof(text), "a stub domain serves %u devices, this is one more", LANES);
	fail(&d, XAPT_BUS_UNKNOWN, XENAPT_E_DEVICE, text);
	nodes_transact(d.back, write_closed, &d);
}

static void add(uint32_t devid)
{
	struct fast_device *d = devices;
	char token[12];

	while (d < devices + LANES && d->used)
		d++;
	if (d == devices + LANES) {
		refuse(devid);
		return;
	}
	name(d, devid);
	d->used = true;
	text_make(token, sizeof(token), "%u", devid);
	if (store_watch(nodes_join(d->front, "state"), token))
		console_say(CONSOLE_ERROR, "guest %u device %u: cannot watch the frontend", guest, devid);
}

/* The names are copied: add() asks the store itself. */
static unsigned int list(uint32_t *ids)
{
	char path[48];
	const char *names;
	size_t n = 0, at;
	unsigned int count = 0;

	text_make(path, sizeof(path), BACKEND "/%u", guest);
	names = store_list(path, &n);
	for (at = 0; names && at < n; at += strlen(names + at) + 1)
		if (count < LISTED && xapt_parse_u32(names + at, 0, UINT32_MAX, &ids[count]))
			count++;
	return count;
}

static void look_for_devices(void)
{
	uint32_t ids[LISTED];
	unsigned int n = list(ids), i;

	for (i = 0; i < LANES; i++)
		devices[i].there = false;
	for (i = 0; i < n; i++) {
		struct fast_device *d = find(ids[i]);

		if (d)
			d->there = true;
		else
			add(ids[i]);
	}
	for (i = 0; i < LANES; i++)
		if (devices[i].used && !devices[i].there)
			devices[i].look = true;
}

/* backend/aperture-fast/GUEST/DEVICE/NODE: only two nodes are somebody else's to write. */
static bool is_ours(const char *path)
{
	unsigned int slashes = 0;
	const char *name = path;

	for (; *path; path++) {
		if (*path == '/') {
			slashes++;
			name = path + 1;
		}
	}
	return slashes == 4 && strcmp(name, "state") && strcmp(name, XENAPT_NODE_ONLINE);
}

void fast_watched(const char *path, const char *token)
{
	struct fast_device *d;
	uint32_t devid;
	unsigned int i;

	if (xapt_parse_u32(token, 0, UINT32_MAX, &devid)) {
		d = find(devid);
		if (d)
			d->look = attention = true;
		return;
	}
	if (is_ours(path))
		return;
	for (i = 0; i < LANES; i++)
		devices[i].look = devices[i].used;
	scan = attention = true;
}

void fast_start(uint32_t domain)
{
	guest = domain;
	if (!guest)
		return;
	if (store_watch(BACKEND, "backend"))
		console_say(CONSOLE_ERROR, "cannot watch " BACKEND ": no device will be found");
	scan = attention = true;
}

bool fast_step(void)
{
	unsigned int i;

	if (lane_failed()) {
		for (i = 0; i < LANES; i++)
			devices[i].look |= devices[i].up;
		attention = true;
	}
	if (!attention)
		return false;
	/* Once: a guest may give reasons for more without end. */
	attention = false;
	if (scan) {
		scan = false;
		look_for_devices();
	}
	for (i = 0; i < LANES; i++) {
		if (!devices[i].used || !devices[i].look)
			continue;
		devices[i].look = false;
		step(&devices[i]);
	}
	return true;
}
