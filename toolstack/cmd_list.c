/* SPDX-License-Identifier: GPL-2.0-only */
#include <json-c/json.h>

#include "command.h"
#include "device.h"
#include "json.h"
#include "listed.h"
#include "measure.h"
#include "table.h"

struct listing {
	struct device_list devices;
	struct device_list first;	/* their first devices */
	int guest;			/* or EVERY_GUEST */
	struct measure *measure;	/* NULL: who is paused is not known */
};

static const struct device *first_of(const struct listing *listing, const struct device *device)
{
	const struct device_list *list = &listing->first;
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->devices[i].guest == device->guest && list->devices[i].id == device->id)
			return &list->devices[i];
	return NULL;
}

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
		return device->fast ? "waits for the stub domain" :
		       device->by_program ? "waits for its program" : "waits for apertured";
	return child <= STATE_INITIALISING ? "waits for the guest's driver" : "connecting";
}

/* What there is to say of a first device beside its device; NULL: nothing. */
static const char *first_condition(const struct listing *listing, const struct device *first,
				   const struct guest *guest)
{
	if (!first)
		return NULL;
	if (first->backend && measure_paused(listing->measure, first->backend))
		return "its stub domain is paused";
	if (first->parent.state == STATE_CONNECTED && first->child.state == STATE_CONNECTED)
		return NULL;
	return condition(first, guest);
}

static void add_row(struct table *table, const struct listing *listing,
		    const struct device *device, const struct guest *guest)
{
	const struct device *first = first_of(listing, device);
	const char *beside = first_condition(listing, first, guest);
	char size[CELL_MAX], stub[CELL_MAX] = "-";

	/* A leftover of one that is gone is in none. */
	if (first && first->backend)
		snprintf(stub, sizeof(stub), "%u", first->backend);

	table_cell(table, "%s", guest->name[0] ? guest->name : "-");
	table_cell(table, "%u", device->guest);
	table_cell(table, "%u", device->id);
	table_cell(table, "%s", device->type[0] ? device->type : "-");
	table_cell(table, "-");
	table_cell(table, "%s", device->max_size ? human_size(device->max_size, size) : "-");
	table_cell(table, "%u", device->max_apertures);
	table_cell(table, "%s", device->by_program ? "program" : "apertured");
	table_cell(table, "%u", device->backend);
	table_cell(table, "%s", stub);
	if (beside)
		table_cell(table, "%s; first device: %s", condition(device, guest), beside);
	else
		table_cell(table, "%s", condition(device, guest));
}

static void print_table(const struct store *store, const struct listing *listing)
{
	const struct device_list *list = &listing->devices;
	static const char *const headings[] = {
		"GUEST", "DOMAIN", "ID", "TYPE", "DOOR", "MAX SIZE", "APERTURES", "SERVER", "BACKEND",
		"FAST", "STATE",
	};
	struct table *table = table_new("lrrllrrlrrl");
	const struct listed how = { .measure = listing->measure, .table = table };
	struct guest guest;
	unsigned int i;

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, "%s", headings[i]);
	for (i = 0; i < list->count; i++) {
		guest_of(store, list->devices[i].guest, &guest);
		add_row(table, listing, &list->devices[i], &guest);
	}
	listed_trapped(store, listing->guest, &how);
	table_print(table, stdout);
}

static struct json_object *first_json(const struct listing *listing, const struct device *first,
				      const struct guest *guest)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "stub_domain", json_object_new_int((int)first->backend));
	json_object_object_add(object, "condition",
			       json_object_new_string(condition(first, guest)));
	json_object_object_add(object, "stub_paused",
			       json_object_new_boolean(measure_paused(listing->measure,
								      first->backend)));
	json_object_object_add(object, "backend", listed_end(&first->parent));
	json_object_object_add(object, "frontend", listed_end(&first->child));
	return object;
}

static struct json_object *device_json(const struct listing *listing, const struct device *device,
				       const struct guest *guest)
{
	const struct device *first = first_of(listing, device);
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
	json_object_object_add(object, "backend", listed_end(&device->parent));
	json_object_object_add(object, "frontend", listed_end(&device->child));
	json_object_object_add(object, "fast", first ? first_json(listing, first, guest) : NULL);
	return object;
}

static void print_list_json(const struct store *store, const struct listing *listing)
{
	const struct device_list *list = &listing->devices;
	struct json_object *devices = json_object_new_array();
	const struct listed how = { .measure = listing->measure, .array = devices };
	struct guest guest;
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		guest_of(store, list->devices[i].guest, &guest);
		json_object_array_add(devices, device_json(listing, &list->devices[i],
							 &guest));
	}
	listed_trapped(store, listing->guest, &how);
	json_print("devices", devices);
}

static int find_both(const struct store *store, int guest, struct listing *listing, struct why *why)
{
	listing->guest = guest;
	if (device_find(store, guest, false, &listing->devices, why))
		return -1;
	listed_drop_slow(store, &listing->devices);
	if (!device_find(store, guest, true, &listing->first, why))
		return 0;
	device_list_free(&listing->devices);
	return -1;
}

static int list_guest(const struct store *store, const struct args *args)
{
	struct guest guest = { .exists = true };
	static const struct listed nowhere;
	unsigned int trapped;
	struct listing list;
	struct why why;

	if (args->count && guest_find(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (find_both(store, args->count ? (int)guest.domid : EVERY_GUEST, &list, &why))
		return say_why(EXIT_FAILED, &why);
	trapped = listed_trapped(store, list.guest, &nowhere);
	if (!guest.exists && !list.devices.count) {
		say("there is no domain %u: xl list shows those that run", guest.domid);
		return EXIT_NOT_FOUND;
	}
	list.measure = measure_open();
	if (args->options & OPTION_JSON)
		print_list_json(store, &list);
	else if (list.devices.count || trapped)
		print_table(store, &list);
	else
		puts("no aperture devices");
	measure_close(list.measure);
	device_list_free(&list.devices);
	device_list_free(&list.first);
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
