/* SPDX-License-Identifier: GPL-2.0-only */
#include <json-c/json.h>

#include "command.h"
#include "device.h"
#include "json.h"
#include "table.h"

/* Both ends in a few words. */
static const char *condition(const struct device *device, const struct guest *guest)
{
	enum device_state parent = device->parent.state, child = device->child.state;

	if (!guest->exists)
		return "left over, the guest is gone";
	if (!device->parent.there)
		return "left over, nobody serves it";
	if (!device->child.there)
		return "left over, the guest lost it";
	if (parent == STATE_CONNECTED && child == STATE_CONNECTED)
		return "connected";
	if (device->parent.error[0])
		return device->parent.error;
	if (device->child.error[0])
		return device->child.error;
	if (parent >= STATE_CLOSING || child >= STATE_CLOSING)
		return parent == STATE_CLOSED && child == STATE_CLOSED ? "closed" : "closing";
	if (parent <= STATE_INITIALISING)
		return device->by_program ? "waits for its program" : "waits for apertured";
	return child <= STATE_INITIALISING ? "waits for the guest's driver" : "connecting";
}

static void add_row(struct table *table, const struct device *device, const struct guest *guest)
{
	char size[CELL_MAX];

	table_cell(table, "%s", guest->name[0] ? guest->name : "-");
	table_cell(table, "%u", device->guest);
	table_cell(table, "%u", device->id);
	table_cell(table, "%s", device->type[0] ? device->type : "-");
	table_cell(table, "%s", device->max_size ? human_size(device->max_size, size) : "-");
	table_cell(table, "%u", device->max_apertures);
	table_cell(table, "%s", device->by_program ? "program" : "apertured");
	table_cell(table, "%u", device->backend);
	table_cell(table, "%s", condition(device, guest));
}

static void print_table(const struct store *store, const struct device_list *list)
{
	static const char *const headings[] = {
		"GUEST", "DOMAIN", "ID", "TYPE", "MAX SIZE", "APERTURES", "SERVER", "BACKEND",
		"STATE",
	};
	struct table *table = table_new("lrrlrrlrl");
	struct guest guest;
	unsigned int i;

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, "%s", headings[i]);
	for (i = 0; i < list->count; i++) {
		guest_of(store, list->devices[i].guest, &guest);
		add_row(table, &list->devices[i], &guest);
	}
	table_print(table, stdout);
}

static struct json_object *end_json(const struct device_end *end)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "state", json_object_new_int((int)end->state));
	json_object_object_add(object, "state_name",
			       json_object_new_string(state_name(end->state)));
	json_object_object_add(object, "error", json_object_new_string(end->error));
	return object;
}

static struct json_object *device_json(const struct device *device, const struct guest *guest)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "guest", json_object_new_string(guest->name));
	json_object_object_add(object, "domain", json_object_new_int((int)device->guest));
	json_object_object_add(object, "id", json_object_new_int((int)device->id));
	json_object_object_add(object, "type", json_object_new_string(device->type));
	json_object_object_add(object, "max_size",
			       json_object_new_int64((int64_t)device->max_size));
	json_object_object_add(object, "max_apertures",
			       json_object_new_int((int)device->max_apertures));
	json_object_object_add(object, "server",
			       json_object_new_string(device->by_program ? "program"
									 : "apertured"));
	json_object_object_add(object, "backend_domain",
			       json_object_new_int((int)device->backend));
	json_object_object_add(object, "condition",
			       json_object_new_string(condition(device, guest)));
	json_object_object_add(object, "backend", end_json(&device->parent));
	json_object_object_add(object, "frontend", end_json(&device->child));
	return object;
}

static void print_list_json(const struct store *store, const struct device_list *list)
{
	struct json_object *devices = json_object_new_array();
	struct guest guest;
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		guest_of(store, list->devices[i].guest, &guest);
		json_object_array_add(devices, device_json(&list->devices[i], &guest));
	}
	json_print("devices", devices);
}

static int list_guest(const struct store *store, const struct args *args)
{
	struct guest guest = { .exists = true };
	struct device_list list;
	struct why why;

	if (args->count && guest_find(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (device_find(store, args->count ? (int)guest.domid : EVERY_GUEST, &list, &why))
		return say_why(EXIT_FAILED, &why);
	if (!guest.exists && !list.count) {
		say("there is no domain %u: xl list shows those that run", guest.domid);
		return EXIT_NOT_FOUND;
	}
	if (args->options & OPTION_JSON)
		print_list_json(store, &list);
	else if (list.count)
		print_table(store, &list);
	else
		puts("no aperture devices");
	device_list_free(&list);
	return EXIT_OK;
}

int run_list(const struct args *args)
{
	struct store store;
	int status = store_open(&store);

	if (status != EXIT_OK)
		return status;
	status = list_guest(&store, args);
	store_close(&store);
	return status;
}
