// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each trapped device has two directories: aperture/trapped/D, which opens and closes its door, and
 * device/aperture/D, its slow lane, where this domain is the child. A step looks at both, and does
 * what is missing. What a restart in place has to find again is which door was whose.
 */
#include "trapped.h"

#include <stdbool.h>
#include <xen/errno.h>

#include "child_handshake.h"
#include "clock.h"
#include "console.h"
#include "door.h"
#include "granting.h"
#include "hypercall.h"
#include "models.h"
#include "negotiate.h"
#include "nodes.h"
#include "parse.h"
#include "persist.h"
#include "slow.h"
#include "text.h"
#include "trap.h"
#include "xenstore.h"

#define TRAPPED		"aperture/trapped"
#define FRONT		"device/" XENAPT_DEVICE_KIND
#define TOKEN		"trapped"	/* of the two directories; a device's: "trapped" and its number */
#define LISTED		64u		/* names that are looked at; more than there are doors */
#define TIMEOUT_MIN_MS	10u
#define TIMEOUT_MAX_MS	60000u
#define REVOKE_MS	50u
#define REVOKE_MAX_MS	60000u

struct trapped {
	bool used;
	bool look;		/* something changed */
	bool there;		/* seen in the last scan */
	bool earlier;		/* the door's state node is of an earlier life */
	bool open;		/* the door */
	bool restarted;		/* no connection in this life yet: the slow lane's nodes may be an earlier one's */
	bool told;		/* that the connection ended by itself */
	uint32_t devid;
	uint32_t answered, failed;	/* epochs, as child_handshake.h has them */
	uint32_t parent;		/* domain */
	const struct xenaperture_model *model;
	char own[32], front[32], back[96];
};

static struct trapped devices[DOORS];	/* by door */
static uint32_t guest;
static bool attention, scan, resumed;

/* Whose record is in which door's pages. */
static struct {
	bool used;
	uint32_t devid;
} kept[DOORS] STUB_PERSIST;

static unsigned int door_of(const struct trapped *d)
{
	return (unsigned int)(d - devices);
}

/* ---- the door ---- */

static bool write_open(void *device, uint32_t t)
{
	const struct trapped *d = device;

	/* The toolstack may have asked to let go meanwhile. */
	return nodes_state(t, d->own) != XAPT_BUS_CLOSING &&
	       nodes_put_number(t, d->own, "size", door_size(d->model)) &&
	       nodes_put_number(t, d->own, XENAPT_NODE_EVENT_CHANNEL, door_event(door_of(d))) &&
	       nodes_put_number(t, d->own, "state", XAPT_BUS_CONNECTED);
}

static bool write_let_go(void *device, uint32_t t)
{
	const struct trapped *d = device;

	return nodes_put_number(t, d->own, "state", XAPT_BUS_CLOSED);
}

static void refuse_door(struct trapped *d, enum xenapt_status status, const char *text)
{
	nodes_error(d->own, guest, d->devid, status, text);
	nodes_transact(d->own, write_let_go, d);
}

static void refuse_node(struct trapped *d, const char *node, const char *must)
{
	char text[120];

	text_make(text, sizeof(text), "node %s must be %s", node, must);
	refuse_door(d, XENAPT_E_NODE, text);
}

static bool read_model(struct trapped *d)
{
	const char *type = nodes_get(d->own, XENAPT_NODE_TYPE), *why;
	char text[120];

	if (!xapt_parse_type(type)) {
		refuse_node(d, XENAPT_NODE_TYPE, "a device type");
		return false;
	}
	d->model = models_find(type, &why);
	if (d->model)
		return true;
	text_make(text, sizeof(text), "device type %s: %s", type, why);
	refuse_door(d, XENAPT_E_DEVICE, text);
	return false;
}

static bool read_address(struct trapped *d, struct door_setup *setup)
{
	const char *door = nodes_get(d->own, "door");

	setup->port = door && !strcmp(door, "io");
	if (!setup->port && (!door || strcmp(door, "mmio"))) {
		refuse_node(d, "door", "io or mmio");
		return false;
	}
	if (xapt_parse_u64(nodes_get(d->own, "address"), 0, setup->port ? 0xffff : UINT64_MAX, &setup->address))
		return true;
	refuse_node(d, "address", "a decimal number, for ports up to 65535");
	return false;
}

static bool read_times(struct trapped *d, struct door_setup *setup)
{
	const char *text;
	uint32_t ms = REVOKE_MS;

	text = nodes_get(d->own, XENAPT_NODE_REVOKE_MS);
	if (text && !xapt_parse_u32(text, 1, REVOKE_MAX_MS, &ms)) {
		refuse_node(d, XENAPT_NODE_REVOKE_MS, "1 to 60000");
		return false;
	}
	setup->revoke_ns = (uint64_t)ms * NS_PER_MS;
	if (!xapt_parse_u32(nodes_get(d->own, "timeout-ms"), TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, &ms)) {
		refuse_node(d, "timeout-ms", "10 to 60000");
		return false;
	}
	setup->timeout_ns = (uint64_t)ms * NS_PER_MS;
	return true;
}

static void close_door(struct trapped *d)
{
	if (!d->open)
		return;
	d->open = false;
	door_close(door_of(d));
	console_say(CONSOLE_INFO, "guest %u device %u: no access reaches it any more", guest, d->devid);
}

static void opened(struct trapped *d, const struct door_setup *setup)
{
	d->open = true;
	/* Gone, or asked to let go: the watch tells. */
	if (!nodes_transact(d->own, write_open, d)) {
		close_door(d);
		return;
	}
	console_say(CONSOLE_INFO, "guest %u device %u (%s): accesses at %s 0x%lx reach it", guest, d->devid,
		    d->model->type, setup->port ? "port" : "address", setup->address);
}

/* anew: the record is to be made; else it is that of the life before. */
static void open_door(struct trapped *d, bool anew)
{
	unsigned int door = door_of(d);
	struct door_setup setup = { .devid = d->devid, .record = slow_record(door) };
	enum xenapt_status status;
	const char *why = "";
	char text[120];
	int detail = 0;

	if (!read_model(d) || !read_address(d, &setup) || !read_times(d, &setup))
		return;
	/* The life before may have come as far as opening it. */
	if (anew)
		door_close(door);
	if (anew && !slow_new(door)) {
		refuse_door(d, XENAPT_E_BUSY, "the parent of an earlier device still maps these pages");
		return;
	}
	kept[door].used = true;
	kept[door].devid = d->devid;
	setup.model = d->model;
	status = door_open(door, &setup, &why, &detail);
	if (status == XENAPT_OK) {
		opened(d, &setup);
		return;
	}
	text_make(text, sizeof(text), "%s, status -%u", why, (unsigned int)-detail);
	refuse_door(d, status, detail ? text : why);
}

static void step_door(struct trapped *d, enum xapt_bus_state state)
{
	bool earlier = d->earlier;

	d->earlier = false;
	switch (state) {
	case XAPT_BUS_INITIALISING:
		close_door(d);
		open_door(d, true);
		break;
	case XAPT_BUS_CONNECTED:
		if (!d->open && earlier)
			open_door(d, false);
		break;
	case XAPT_BUS_CLOSING:
		close_door(d);
		/* The life before may have opened it, and this one not have looked yet. */
		door_close(door_of(d));
		nodes_transact(d->own, write_let_go, d);
		break;
	default:
		close_door(d);
	}
}

/* ---- the slow lane ---- */

static bool write_closing(void *device, uint32_t t)
{
	const struct trapped *d = device;

	return nodes_put_number(t, d->front, "state", XAPT_BUS_CLOSING);
}

static bool write_closed(void *device, uint32_t t)
{
	const struct trapped *d = device;

	return nodes_put_number(t, d->front, "state", XAPT_BUS_CLOSED);
}

static bool write_initialising(void *device, uint32_t t)
{
	const struct trapped *d = device;

	return nodes_put_number(t, d->front, "state", XAPT_BUS_INITIALISING);
}

static bool write_connected(void *device, uint32_t t)
{
	const struct trapped *d = device;

	return nodes_put_number(t, d->front, "state", XAPT_BUS_CONNECTED);
}

static struct slow_nodes nodes;

/* State 3 also where it is 3 already: the parent waits for the event. */
static bool write_answer(void *device, uint32_t t)
{
	const struct trapped *d = device;

	store_remove(t, nodes_join(d->front, XENAPT_NODE_ERROR));
	return nodes_put_number(t, d->front, XENAPT_NODE_RING_REF "0", nodes.ring_ref) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_EVENT_REF, nodes.event_ref) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_MASK_REF, nodes.mask_ref) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_RECORD_REF "0", nodes.record_ref[0]) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_RECORD_REF "1", nodes.record_ref[1]) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_EVENT_CHANNEL, nodes.port) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_FEATURE_OPERATIONS, 1) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_RING_ORDER, 0) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_VERSION, XENAPT_VERSION) &&
	       nodes_put_number(t, d->front, XENAPT_NODE_EPOCH, d->answered) &&
	       nodes_put_number(t, d->front, "state", XAPT_BUS_INITIALISED);
}

/* Closing, everything let go, Closed. */
static void end_lane(struct trapped *d)
{
	enum xapt_bus_state own = nodes_state(0, d->front);

	if (own != XAPT_BUS_CLOSING && own != XAPT_BUS_CLOSED)
		nodes_transact(d->front, write_closing, d);
	slow_end(door_of(d));
	d->answered = 0;
	if (own != XAPT_BUS_CLOSED)
		nodes_transact(d->front, write_closed, d);
	console_say(CONSOLE_INFO, "guest %u device %u: the slow lane is closed", guest, d->devid);
}

/* This side gives up on the parent's epoch. */
static void fail_lane(struct trapped *d, uint32_t epoch, enum xenapt_status status, const char *text)
{
	d->failed = epoch;
	nodes_error(d->front, guest, d->devid, status, text);
	end_lane(d);
}

static void begin_lane(struct trapped *d)
{
	slow_end(door_of(d));
	d->answered = 0;
	d->restarted = false;
	nodes_transact(d->front, write_initialising, d);
}

/* What the parent offers. False: this side gave up. */
static bool check_offer(struct trapped *d, uint32_t epoch)
{
	uint16_t theirs[XENAPT_MAX_VERSIONS], ours = XENAPT_VERSION;
	const char *feature = nodes_get(d->back, XENAPT_NODE_FEATURE_OPERATIONS);
	size_t n;

	if (!epoch)
		fail_lane(d, epoch, XENAPT_E_NODE, "the parent's node epoch must be 1 to 4294967295");
	else if (!feature || strcmp(feature, "1"))
		fail_lane(d, epoch, XENAPT_E_NODE,
			  "the parent's node feature-operations: a trapped device needs it");
	else if (!(n = xapt_parse_versions(nodes_get(d->back, "versions"), theirs)))
		fail_lane(d, epoch, XENAPT_E_NODE, "the parent's node versions must be like 1,2");
	else if (!xapt_choose_version(&ours, 1, theirs, n))
		fail_lane(d, epoch, XENAPT_E_VERSION, "the parent does not speak version 1");
	else
		return true;
	return false;
}

static void answer(struct trapped *d, uint32_t epoch)
{
	const char *why = "";
	enum xenapt_status status;

	if (!check_offer(d, epoch))
		return;
	d->told = false;
	/* The parent may be about to read the earlier life's answer to this epoch, and to give up on it. */
	status = slow_make(door_of(d), d->parent, TRAP_SERVES(guest, d->devid), &nodes, &why);
	if (status != XENAPT_OK) {
		fail_lane(d, epoch, status, why);
		return;
	}
	d->answered = epoch;
	if (nodes_transact(d->front, write_answer, d)) {
		console_say(CONSOLE_DEBUG, "guest %u device %u: answers epoch %u", guest, d->devid, epoch);
		return;
	}
	slow_end(door_of(d));
	d->answered = 0;
	d->failed = epoch;
}

static void go_up(struct trapped *d)
{
	uint32_t version = 0;
	enum xenapt_status status;

	xapt_parse_u32(nodes_get(d->back, XENAPT_NODE_VERSION), 1, UINT16_MAX, &version);
	if (version != XENAPT_VERSION) {
		fail_lane(d, d->answered, XENAPT_E_VERSION, "the parent agreed to another version than 1");
		return;
	}
	status = slow_go_up(door_of(d));
	if (status == XENAPT_E_GONE) {
		begin_lane(d);
	} else if (status != XENAPT_OK) {
		fail_lane(d, d->answered, status, "the parent's tables in the event page are impossible");
	} else {
		d->restarted = false;
		nodes_transact(d->front, write_connected, d);
		console_say(CONSOLE_INFO, "guest %u device %u (%s): the second device is connected, epoch %u",
			    guest, d->devid, d->model->type, d->answered);
	}
}

/* False: it is over, by our word. By the parent's, the parent goes on. */
static bool check_lane(struct trapped *d)
{
	enum xenapt_status status = slow_status(door_of(d));

	if (status == XENAPT_OK || d->told)
		return true;
	d->told = true;
	if (slow_ended_by_parent(door_of(d))) {
		console_say(CONSOLE_ERROR, "guest %u device %u: the parent ended the connection: %s", guest,
			    d->devid, xapt_status_name(status));
		return true;
	}
	fail_lane(d, d->answered, status, "the parent broke the ring's rules");
	return false;
}

/* Who the parent is: the toolstack's word. */
static bool read_parent(struct trapped *d)
{
	const char *path;
	char token[20];

	if (d->back[0])
		return true;
	if (!xapt_parse_u32(nodes_get(d->front, "backend-id"), 0, DOMID_FIRST_RESERVED - 1, &d->parent))
		return false;
	path = nodes_get(d->front, "backend");
	if (!path || path[0] != '/' || strlen(path) >= sizeof(d->back))
		return false;
	text_make(d->back, sizeof(d->back), "%s", path);
	text_make(token, sizeof(token), TOKEN "%u", d->devid);
	if (store_watch(nodes_join(d->back, "state"), token))
		console_say(CONSOLE_ERROR, "guest %u device %u: cannot watch the parent", guest, d->devid);
	return true;
}

static void leave_parent(struct trapped *d)
{
	char token[20];

	if (!d->back[0])
		return;
	text_make(token, sizeof(token), TOKEN "%u", d->devid);
	store_unwatch(nodes_join(d->back, "state"), token);
	d->back[0] = '\0';
}

static void look_at_parent(struct trapped *d, struct xapt_child_view *v)
{
	const char *online;

	v->peer = nodes_state(0, d->back);
	online = nodes_get(d->back, XENAPT_NODE_ONLINE);
	v->online = online && !strcmp(online, "1");
	xapt_parse_u32(nodes_get(d->back, XENAPT_NODE_EPOCH), 1, UINT32_MAX, &v->epoch);
	v->wanted = d->open;
	v->restarted = d->restarted;
	v->made = d->answered;
	v->up = slow_connected(door_of(d)) || slow_status(door_of(d)) != XENAPT_OK;
	v->answered = d->answered;
	v->failed = d->failed;
}

static void step_lane(struct trapped *d, enum xapt_bus_state own)
{
	struct xapt_child_view v = { .own = own };

	if (!check_lane(d))
		return;
	if (own == XAPT_BUS_UNKNOWN || !read_parent(d)) {
		slow_end(door_of(d));
		d->answered = 0;
		leave_parent(d);
		return;
	}
	look_at_parent(d, &v);
	switch (xapt_child_handshake(&v)) {
	case XAPT_CHILD_WAIT:
		break;
	case XAPT_CHILD_BEGIN:
		begin_lane(d);
		break;
	case XAPT_CHILD_ANSWER_OFFER:
		answer(d, v.epoch);
		break;
	case XAPT_CHILD_GO_UP:
		go_up(d);
		break;
	case XAPT_CHILD_END:
		end_lane(d);
		break;
	}
}

/* ---- which devices there are ---- */

static void forget(struct trapped *d)
{
	close_door(d);
	slow_forget(door_of(d));
	leave_parent(d);
	kept[door_of(d)].used = false;
	d->used = false;
	console_say(CONSOLE_INFO, "guest %u device %u: removed", guest, d->devid);
}

static void step(struct trapped *d)
{
	enum xapt_bus_state state = nodes_state(0, d->own), front;

	front = nodes_state(0, d->front);
	if (state == XAPT_BUS_UNKNOWN && front == XAPT_BUS_UNKNOWN) {
		forget(d);
		return;
	}
	step_door(d, state);
	step_lane(d, front);
}

static struct trapped *find(uint32_t devid)
{
	unsigned int i;

	for (i = 0; i < DOORS; i++)
		if (devices[i].used && devices[i].devid == devid)
			return &devices[i];
	return NULL;
}

static void name(struct trapped *d, uint32_t devid)
{
	*d = (struct trapped){ .look = true, .there = true, .earlier = true, .restarted = true,
			       .devid = devid };
	text_make(d->own, sizeof(d->own), TRAPPED "/%u", devid);
	text_make(d->front, sizeof(d->front), FRONT "/%u", devid);
}

/* The door that it had in the life before, or one that nobody had. */
static struct trapped *find_place(uint32_t devid)
{
	unsigned int i;

	for (i = 0; i < DOORS; i++)
		if (kept[i].used && kept[i].devid == devid)
			return &devices[i];
	for (i = 0; i < DOORS; i++)
		if (!kept[i].used && !devices[i].used)
			return &devices[i];
	return NULL;
}

/* One more than there are doors: said once, on its own nodes. */
static void refuse(uint32_t devid)
{
	struct trapped d;
	char text[64];

	name(&d, devid);
	if (nodes_state(0, d.own) != XAPT_BUS_INITIALISING)
		return;
	text_make(text, sizeof(text), "a stub domain has %u doors, this is one more", DOORS);
	refuse_door(&d, XENAPT_E_DEVICE, text);
}

static void add(uint32_t devid)
{
	struct trapped *d = find_place(devid);

	if (!d) {
		refuse(devid);
		return;
	}
	name(d, devid);
	d->used = true;
}

/* Doors that are nobody's: what the parent still had mapped when its device went is ended now, or later. */
static void sweep(void)
{
	unsigned int i;

	for (i = 0; i < DOORS; i++) {
		if (devices[i].used)
			continue;
		kept[i].used = false;
		slow_forget(i);
	}
}

/* The names are copied: add() asks the store itself. */
static unsigned int list(uint32_t *ids, bool *there)
{
	const char *names;
	size_t n = 0, at;
	unsigned int count = 0;

	names = store_list(TRAPPED, &n);
	*there = names;
	for (at = 0; names && at < n; at += strlen(names + at) + 1)
		if (count < LISTED && xapt_parse_u32(names + at, 0, UINT32_MAX, &ids[count]))
			count++;
	return count;
}

static void look_for_devices(void)
{
	uint32_t ids[LISTED];
	bool there;
	unsigned int n = list(ids, &there), i;

	for (i = 0; i < DOORS; i++)
		devices[i].there = false;
	for (i = 0; i < n; i++) {
		struct trapped *d = find(ids[i]);

		if (d)
			d->there = true;
		else
			add(ids[i]);
	}
	for (i = 0; i < DOORS; i++)
		if (devices[i].used && !devices[i].there)
			devices[i].look = true;
	/* A list that could not be had says nothing of those that the life before had. */
	if (there || resumed)
		sweep();
}

/* A directory, or its state: all else is written by this side, or before the state. */
static bool of_interest(const char *path)
{
	unsigned int slashes = 0;
	const char *name = path;

	for (; *path; path++) {
		if (*path == '/') {
			slashes++;
			name = path + 1;
		}
	}
	return slashes < 3 || !strcmp(name, "state");
}

void trapped_watched(const char *path, const char *token)
{
	struct trapped *d;
	uint32_t devid;
	unsigned int i;

	if (xapt_parse_u32(token + strlen(TOKEN), 0, UINT32_MAX, &devid)) {
		d = find(devid);
		if (d)
			d->look = attention = true;
		return;
	}
	if (!of_interest(path))
		return;
	for (i = 0; i < DOORS; i++)
		devices[i].look = devices[i].used;
	scan = attention = true;
}

bool trapped_token(const char *token)
{
	const char *own = TOKEN;

	while (*own && *own == *token)
		own++, token++;
	return !*own;
}

void trapped_start(uint32_t domain)
{
	int error;

	guest = domain;
	if (!guest)
		return;
	error = granting_init();
	if (error)
		console_say(CONSOLE_ERROR, "no grant table, error %u: no trapped device gets a second device",
			    (unsigned int)-error);
	if (store_watch(TRAPPED, TOKEN) || store_watch(FRONT, TOKEN))
		console_say(CONSOLE_ERROR, "cannot watch " TRAPPED ": no trapped device will be found");
	scan = attention = true;
}

/* What the life before had is open again, or nobody's. */
static void resume(void)
{
	if (resumed)
		return;
	resumed = true;
	door_resume();
}

bool trapped_step(void)
{
	unsigned int i;

	if (slow_failed()) {
		for (i = 0; i < DOORS; i++)
			devices[i].look |= devices[i].used;
		attention = true;
	}
	if (!attention)
		return false;
	attention = false;
	if (scan) {
		scan = false;
		look_for_devices();
	}
	for (i = 0; i < DOORS; i++) {
		if (!devices[i].used || !devices[i].look)
			continue;
		devices[i].look = false;
		step(&devices[i]);
	}
	if (!attention)
		resume();
	return true;
}
