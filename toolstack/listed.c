/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "listed.h"
#include "parse.h"

#define CONDITION	(DEVICE_ERROR_MAX + 32)

struct json_object *listed_end(const struct device_end *end)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "state", json_object_new_int((int)end->state));
	json_object_object_add(object, "state_name",
			       json_object_new_string(state_name(end->state)));
	json_object_object_add(object, "error", json_object_new_string(end->error));
	return object;
}

/* In the device's place stands its slow lane, a device of the stub domain: not shown by itself. */
static const char *condition(struct measure *measure, const struct trapped *trapped,
			     char text[CONDITION])
{
	const struct device *slow = &trapped->slow;

	if (!trapped->there)
		return "its stub domain is gone: the guest hangs at its next access";
	if (trapped->error[0])
		return trapped->error;
	if (measure_paused(measure, trapped->stub))
		return "its stub domain is paused";
	if (trapped->state >= STATE_CLOSING)
		return trapped->state == STATE_CLOSED ? "closed" : "closing";
	if (trapped->state != STATE_CONNECTED)
		return "waits for the stub domain";
	if (slow->parent.state == STATE_CONNECTED && slow->child.state == STATE_CONNECTED)
		return "connected";
	snprintf(text, CONDITION, "connected; second device: %s", slow->parent.error[0] ?
		 slow->parent.error : slow->parent.state <= STATE_INITIALISING ?
		 "waits for apertured" : "connecting");
	return text;
}

static void add_row(struct table *table, struct measure *measure, const struct trapped *trapped,
		    const struct guest *guest)
{
	char place[TRAPPED_PLACE], text[CONDITION];

	trapped_place(trapped, place);
	table_cell(table, "%s", guest->name[0] ? guest->name : "-");
	table_cell(table, "%u", trapped->guest);
	table_cell(table, "%u", trapped->id);
	table_cell(table, "%s", trapped->type[0] ? trapped->type : "-");
	table_cell(table, "%s", place);
	table_cell(table, "-");
	table_cell(table, "-");
	table_cell(table, "apertured");
	table_cell(table, "0");
	table_cell(table, "%u", trapped->stub);
	table_cell(table, "%s", condition(measure, trapped, text));
}

static struct json_object *to_json(struct measure *measure, const struct trapped *trapped,
				   const struct guest *guest)
{
	struct json_object *object = json_object_new_object();
	char text[CONDITION];

	json_object_object_add(object, "guest", json_object_new_string(guest->name));
	json_object_object_add(object, "domain", json_object_new_int((int)trapped->guest));
	json_object_object_add(object, "id", json_object_new_int((int)trapped->id));
	json_object_object_add(object, "type", json_object_new_string(trapped->type));
	json_object_object_add(object, "door", json_object_new_string(door_name(trapped->door)));
	json_object_object_add(object, "address", json_object_new_uint64(trapped->address));
	json_object_object_add(object, "size", json_object_new_uint64(trapped->size));
	json_object_object_add(object, "stub_domain", json_object_new_int((int)trapped->stub));
	json_object_object_add(object, "server", json_object_new_string("apertured"));
	json_object_object_add(object, "backend_domain", json_object_new_int(0));
	json_object_object_add(object, "condition", json_object_new_string(
			       condition(measure, trapped, text)));
	json_object_object_add(object, "state", json_object_new_int((int)trapped->state));
	json_object_object_add(object, "error", json_object_new_string(trapped->error));
	json_object_object_add(object, "backend", listed_end(&trapped->slow.parent));
	json_object_object_add(object, "frontend", listed_end(&trapped->slow.child));
	return object;
}

static unsigned int show(const struct store *store, unsigned int domid, const struct listed *how)
{
	struct trapped_list list;
	struct guest guest;
	unsigned int i;

	trapped_find(store, domid, &list);
	guest_of(store, domid, &guest);
	for (i = 0; i < list.count; i++) {
		if (how->table)
			add_row(how->table, how->measure, &list.devices[i], &guest);
		if (how->array)
			json_object_array_add(how->array, to_json(how->measure, &list.devices[i], &guest));
	}
	return list.count;
}

unsigned int listed_trapped(const struct store *store, int guest, const struct listed *how)
{
	unsigned int count, i, shown = 0;
	char **domains = store_directory(store, &count, "/local/domain");
	uint64_t domid;

	for (i = 0; i < count; i++)
		if (xapt_parse_u64(domains[i], 1, DOMID_MAX, &domid) &&
		    (guest == EVERY_GUEST || (uint64_t)guest == domid))
			shown += show(store, (unsigned int)domid, how);
	free(domains);
	return shown;
}

/* Slow lanes of stub domains that are listed: shown as their guests' trapped devices. */
void listed_drop_slow(const struct store *store, struct device_list *list)
{
	unsigned int i, guest, kept = 0;
	struct trapped trapped;

	for (i = 0; i < list->count; i++)
		if (!trapped_is_stub(store, list->devices[i].guest, &guest) ||
		    !trapped_get(store, guest, list->devices[i].id, &trapped))
			list->devices[kept++] = list->devices[i];
	list->count = kept;
}
