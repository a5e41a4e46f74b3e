/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "stub.h"
#include "trapped.h"

#define NUMBER	24
#define DOMAIN	"/local/domain/%u"

/* ---- looking ---- */

bool trapped_is_stub(const struct store *store, unsigned int domid, unsigned int *guest)
{
	uint64_t whose;

	if (!store_number(store, &whose, DOMID_MAX, STUB_LIST "/%u/guest", domid))
		return false;
	*guest = (unsigned int)whose;
	return true;
}

/* Domain 0 wrote these. */
static void read_own(const struct store *store, struct trapped *trapped)
{
	char path[STORE_PATH_MAX], text[NUMBER];
	uint64_t stub;

	snprintf(path, sizeof(path), TRAPPED_LIST "/%u", trapped->guest, trapped->id);
	store_read(store, trapped->type, sizeof(trapped->type), "%s/type", path);
	store_read(store, text, sizeof(text), "%s/door", path);
	trapped->door = door_named(text);
	store_number(store, &trapped->address, UINT64_MAX, "%s/address", path);
	store_number(store, &stub, DOMID_MAX, "%s/event-domain", path);
	trapped->stub = (unsigned int)stub;
}

void trapped_read(const struct store *store, struct trapped *trapped)
{
	char path[STORE_PATH_MAX];
	uint64_t state;

	snprintf(path, sizeof(path), TRAPPED_NODE "/%u", trapped->stub, trapped->id);
	trapped->there = store_exists(store, "%s", path);
	store_number(store, &state, STATE_LAST, "%s/state", path);
	trapped->state = (enum device_state)state;
	store_number(store, &trapped->size, ADDRESS_MAX, "%s/size", path);
	store_read(store, trapped->error, sizeof(trapped->error), "%s/error", path);
	trapped->slow = (struct device){ .trapped = true, .guest = trapped->stub,
					 .id = trapped->id };
	device_read(store, &trapped->slow);
}

bool trapped_get(const struct store *store, unsigned int guest, unsigned int id,
		 struct trapped *trapped)
{
	if (!store_exists(store, TRAPPED_LIST "/%u/door", guest, id))
		return false;
	*trapped = (struct trapped){ .guest = guest, .id = id };
	read_own(store, trapped);
	trapped_read(store, trapped);
	return true;
}

void trapped_find(const struct store *store, unsigned int guest, struct trapped_list *list)
{
	unsigned int id;

	list->count = 0;
	if (!store_exists(store, TRAPPED_LIST, guest))
		return;
	for (id = 0; id <= SPEC_MAX_ID && list->count < TRAPPED_MAX; id++)
		list->count += trapped_get(store, guest, id, &list->devices[list->count]);
}

void trapped_place(const struct trapped *trapped, char text[TRAPPED_PLACE])
{
	int n = snprintf(text, TRAPPED_PLACE, "%s 0x%" PRIx64, door_name(trapped->door),
			 trapped->address);

	if (trapped->size)
		snprintf(text + n, TRAPPED_PLACE - (size_t)n, "-0x%" PRIx64,
			 trapped->address + trapped->size - 1);
}

/* ---- making ---- */

struct addition {
	const struct spec *spec;
	unsigned int guest, stub;
	const struct fast_options *options;
	struct trapped *trapped;
};

static int write_stub(const struct store *store, const struct addition *add, struct why *why)
{
	const struct trapped *trapped = add->trapped;
	struct store_access access = { .owner = trapped->stub, .reader = 0 };
	char path[STORE_PATH_MAX], address[NUMBER], timeout[NUMBER], revoke[NUMBER];
	const struct store_node nodes[] = {
		{ XENAPT_NODE_TYPE, trapped->type },
		{ "door", door_name(trapped->door) },
		{ "address", address },
		{ "timeout-ms", timeout },
		{ "state", "1" },
		{ XENAPT_NODE_REVOKE_MS, revoke },
	};
	unsigned int count = sizeof(nodes) / sizeof(nodes[0]);

	snprintf(address, sizeof(address), "%" PRIu64, trapped->address);
	snprintf(timeout, sizeof(timeout), "%u", add->spec->timeout_ms);
	snprintf(revoke, sizeof(revoke), "%u", add->options->revoke_ms);
	snprintf(path, sizeof(path), TRAPPED_NODE, trapped->stub);
	if (store_write_nodes(store, access, path, NULL, 0, why))
		return -1;
	snprintf(path, sizeof(path), TRAPPED_NODE "/%u", trapped->stub, trapped->id);
	return store_write_nodes(store, access, path, nodes, add->options->revoke_ms ? count : count - 1,
			   why);
}

static int write_guest(const struct store *store, const struct trapped *trapped, struct why *why)
{
	struct store_access access = { .owner = 0, .reader = trapped->guest };
	char path[STORE_PATH_MAX], address[NUMBER], stub[NUMBER];
	const struct store_node nodes[] = {
		{ XENAPT_NODE_TYPE, trapped->type },
		{ "door", door_name(trapped->door) },
		{ "address", address },
		{ "event-domain", stub },
	};

	snprintf(address, sizeof(address), "%" PRIu64, trapped->address);
	snprintf(stub, sizeof(stub), "%u", trapped->stub);
	snprintf(path, sizeof(path), TRAPPED_LIST, trapped->guest);
	if (store_write_nodes(store, access, path, NULL, 0, why))
		return -1;
	snprintf(path, sizeof(path), TRAPPED_LIST "/%u", trapped->guest, trapped->id);
	return store_write_nodes(store, access, path, nodes, sizeof(nodes) / sizeof(nodes[0]), why);
}

int trapped_check_overlap(const struct store *store, const struct trapped *trapped, struct why *why)
{
	uint64_t last = trapped->address + (trapped->size ? trapped->size - 1 : 0);
	struct trapped_list list;
	char place[TRAPPED_PLACE];
	unsigned int i;

	trapped_find(store, trapped->guest, &list);
	for (i = 0; i < list.count; i++) {
		const struct trapped *other = &list.devices[i];
		uint64_t end = other->address + (other->size ? other->size - 1 : 0);

		if (other->id == trapped->id || other->door != trapped->door ||
		    trapped->address > end || last < other->address)
			continue;
		trapped_place(other, place);
		return why_set(why, "%s=0x%" PRIx64 " meets device %u of guest %u at %s: choose another "
			       "address", door_name(trapped->door), trapped->address, other->id,
			       trapped->guest, place);
	}
	return 0;
}

static int check_room(const struct store *store, const struct addition *add, struct why *why)
{
	struct trapped_list list;

	if (!store_exists(store, DOMAIN, add->guest))
		return why_set(why, "there is no domain %u: xl list shows those that run", add->guest);
	if (!store_exists(store, DOMAIN, add->stub) ||
	    store_exists(store, STUB_LIST "/%u/ending", add->stub))
		return why_set(why, "the stub domain %u is gone, or about to be: try again", add->stub);
	trapped_find(store, add->guest, &list);
	if (list.count < TRAPPED_MAX)
		return 0;
	return why_set(why, "guest %u has %u trapped devices already, the most it can have: detach one "
		       "first", add->guest, TRAPPED_MAX);
}

static int add_body(struct store *store, void *data, struct why *why)
{
	const struct addition *add = data;
	struct trapped *trapped = add->trapped;

	*trapped = (struct trapped){ .guest = add->guest, .stub = add->stub,
				     .door = add->spec->door };
	strcpy(trapped->type, add->spec->type);
	if (check_room(store, add, why) ||
	    device_write_slow(store, add->spec, add->guest, add->stub, &trapped->slow, why))
		return -1;
	trapped->id = trapped->slow.id;
	trapped->address = spec_address(add->spec, trapped->id);
	if (trapped_check_overlap(store, trapped, why) ||
	    write_stub(store, add, why) || write_guest(store, trapped, why))
		return -1;
	trapped_read(store, trapped);
	return 0;
}

int trapped_add(struct store *store, const struct spec *spec, unsigned int guest,
		unsigned int stub, const struct fast_options *options, struct trapped *trapped,
		struct why *why)
{
	struct addition add = { spec, guest, stub, options, trapped };

	return store_transact(store, add_body, &add, why);
}

/* ---- telling the guest ---- */

static int announce_body(struct store *store, void *data, struct why *why)
{
	const struct trapped *trapped = data;
	struct store_access access = { .owner = 0, .reader = trapped->guest };
	char path[STORE_PATH_MAX], size[NUMBER], channel[NUMBER];
	const struct store_node nodes[] = {
		{ "size", size },
		{ XENAPT_NODE_EVENT_CHANNEL, channel },
	};
	uint64_t port;

	/* The stub domain's words: numbers, or nothing. */
	if (!store_number(store, &port, UINT32_MAX, TRAPPED_NODE "/%u/" XENAPT_NODE_EVENT_CHANNEL,
			  trapped->stub, trapped->id) || !port || !trapped->size)
		return why_set(why, "the stub domain %u wrote no size and event-channel for device %u: "
			       "look at its console (xl console %u)", trapped->stub, trapped->id,
			       trapped->stub);
	snprintf(path, sizeof(path), TRAPPED_LIST "/%u", trapped->guest, trapped->id);
	if (!store_exists(store, "%s/door", path))
		return why_set(why, "the guest ended, or somebody detached the device");
	snprintf(size, sizeof(size), "%" PRIu64, trapped->size);
	snprintf(channel, sizeof(channel), "%" PRIu64, port);
	return store_write_nodes(store, access, path, nodes, 2, why);
}

int trapped_announce(struct store *store, const struct trapped *trapped, struct why *why)
{
	struct trapped copy = *trapped;

	return store_transact(store, announce_body, &copy, why);
}

/* ---- taking away ---- */

static int close_body(struct store *store, void *data, struct why *why)
{
	struct trapped *trapped = data;

	trapped_read(store, trapped);
	if (!trapped->there || trapped->state == STATE_CLOSED || trapped->state == STATE_CLOSING ||
	    store_change(store, "5", TRAPPED_NODE "/%u/state", trapped->stub, trapped->id))
		return 0;
	return why_set(why, "cannot write the state of device %u of stub domain %u in xenstore: %s",
		       trapped->id, trapped->stub, strerror(errno));
}

int trapped_close(struct store *store, const struct trapped *trapped, struct why *why)
{
	struct trapped copy = *trapped;

	return store_transact(store, close_body, &copy, why);
}

/* The directory, and the one above if nothing is left in it. */
static bool remove_both(const struct store *store, const char *above, unsigned int id)
{
	char path[STORE_PATH_MAX];
	unsigned int count;
	bool removed;

	snprintf(path, sizeof(path), "%s/%u", above, id);
	removed = store_remove(store, path);
	free(store_directory(store, &count, "%s", above));
	return removed && (count || store_remove(store, above));
}

static int remove_body(struct store *store, void *data, struct why *why)
{
	const struct trapped *trapped = data;
	char guest[STORE_PATH_MAX], stub[STORE_PATH_MAX];

	snprintf(guest, sizeof(guest), TRAPPED_LIST, trapped->guest);
	snprintf(stub, sizeof(stub), TRAPPED_NODE, trapped->stub);
	if (remove_both(store, guest, trapped->id) && remove_both(store, stub, trapped->id))
		return 0;
	return why_set(why, "cannot remove trapped device %u of guest %u from xenstore: %s",
		       trapped->id, trapped->guest, strerror(errno));
}

int trapped_remove(struct store *store, const struct trapped *trapped, struct why *why)
{
	struct trapped copy = *trapped;

	return store_transact(store, remove_body, &copy, why);
}
