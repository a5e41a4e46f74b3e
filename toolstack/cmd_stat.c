/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <json-c/json.h>

#include "command.h"
#include "device.h"
#include "json.h"
#include "negotiate.h"
#include "halves.h"
#include "parse.h"
#include "statfile.h"
#include "stub.h"
#include "table.h"
#include "trapped.h"

#define SLOTS	XENAPT_MAX_APERTURES

static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(name) { #name, offsetof(struct xenapt_counters, name) }
	COUNTER(published), COUNTER(notified), COUNTER(suppressed), COUNTER(coalesced),
	COUNTER(taken), COUNTER(events), COUNTER(spurious), COUNTER(requests),
	COUNTER(responses), COUNTER(errors), COUNTER(mapped_pages),
#undef COUNTER
};

enum { COUNTERS = sizeof(counters) / sizeof(counters[0]) };

static uint64_t counter_of(const struct xenapt_counters *all, unsigned int i)
{
	return *(const uint64_t *)((const char *)all + counters[i].offset);
}

static const char *aperture_state(uint32_t state)
{
	static const char *const names[] = { "none", "opened", "offered", "mapped", "withdrawn" };

	return state <= XENAPT_STATE_WITHDRAWN ? names[state] : "?";
}

static const char *state_of(uint32_t state)
{
	return state <= STATE_LAST ? state_name((enum device_state)state) : "?";
}

/* What was counted, and whose it is: a trapped device's slow lane is a device of the stub domain. */
struct counted {
	const struct xenaperture_stat *stat;
	struct guest guest;
	bool is_trapped;
	struct trapped trapped;
};

static void whose(const struct store *store, const struct xenaperture_stat *stat,
		  struct counted *counted)
{
	unsigned int guest = stat->domid;

	*counted = (struct counted){ .stat = stat };
	counted->is_trapped = trapped_is_stub(store, stat->domid, &guest) &&
			      trapped_get(store, guest, stat->devid, &counted->trapped);
	guest_of(store, counted->is_trapped ? guest : stat->domid, &counted->guest);
}

static void print_head(const struct counted *counted)
{
	const struct xenaperture_stat *stat = counted->stat;
	const struct guest *guest = &counted->guest;
	char size[CELL_MAX], place[TRAPPED_PLACE];

	printf("guest %s (%u), device %u: %s", guest->name[0] ? guest->name : "-", guest->domid,
	       stat->devid, stat->type);
	if (counted->is_trapped) {
		trapped_place(&counted->trapped, place);
		printf(", trapped at %s by stub domain %u\n", place, stat->domid);
	} else {
		printf(", up to %u apertures of %s\n", stat->max_apertures,
		       human_size(stat->max_size, size));
	}
	printf("  backend %s, %s %s, served by %s", state_of(stat->state),
	       counted->is_trapped ? "stub domain" : "guest", state_of(stat->peer_state), stat->server);
	if (stat->worker > 0)
		printf(" (process %d)", stat->worker);
	printf("\n  connection %u; connects: %" PRIu64 ", deaths of its process: %" PRIu64 "\n",
	       stat->epoch, stat->connects, stat->deaths);
	printf("  %" PRIu64 " pages mapped, %" PRIu64 " for the whole guest, limit %u\n",
	       stat->mapped_pages, stat->guest_pages, stat->max_pages);
	if (stat->error[0])
		printf("  last error: %s\n", stat->error);
}

static void print_counters(const struct xenaperture_stat *stat)
{
	struct table *table = table_new("llrrr");
	unsigned int i;

	table_cell(table, " ");
	table_cell(table, "COUNTER");
	table_cell(table, "BACKEND");
	table_cell(table, "GUEST");
	table_cell(table, "GUEST, FAST");
	for (i = 0; i < COUNTERS; i++) {
		table_cell(table, " ");
		table_cell(table, "%s", counters[i].name);
		table_cell(table, "%" PRIu64, counter_of(&stat->parent, i));
		table_cell(table, "%" PRIu64, counter_of(&stat->child, i));
		table_cell(table, "%" PRIu64, counter_of(&stat->fast_child, i));
	}
	table_print(table, stdout);
}

static void print_apertures(const struct xenaperture_stat *stat)
{
	struct table *table = table_new("lrlrrrr");
	static const char *const headings[] = {
		" ", "SLOT", "APERTURE", "GRANTED", "LENGTH", "PAGES", "TAG",
	};
	char size[CELL_MAX];
	unsigned int i;

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, "%s", headings[i]);
	for (i = 0; i < SLOTS; i++) {
		const struct xenaperture_stat_aperture *aperture = &stat->aperture[i];

		if (aperture->state == XENAPT_STATE_NONE)
			continue;
		table_cell(table, " ");
		table_cell(table, "%u", i);
		table_cell(table, "%s", aperture_state(aperture->state));
		table_cell(table, "%s", human_size(aperture->granted, size));
		table_cell(table, "%" PRIu64, aperture->length);
		table_cell(table, "%u", aperture->pages);
		table_cell(table, "%u", aperture->tag);
	}
	table_print(table, stdout);
}

static bool any_aperture(const struct xenaperture_stat *stat)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (stat->aperture[i].state != XENAPT_STATE_NONE)
			return true;
	return false;
}

static void print_errors(const struct xenaperture_stat *stat)
{
	unsigned int i;

	for (i = 1; i < XENAPERTURE_STAT_ERRORS; i++) {
		if (!stat->errors[i])
			continue;
		printf("  answered %s: %" PRIu64 " times\n",
		       i == XENAPERTURE_STAT_ERRORS - 1 ? "another error" : xapt_status_name(i),
		       stat->errors[i]);
	}
}

static void print_text(const struct store *store, const struct statfiles *files)
{
	struct counted counted;
	unsigned int i;

	for (i = 0; i < files->count; i++) {
		const struct xenaperture_stat *stat = &files->stats[i];

		whose(store, stat, &counted);
		if (i)
			putchar('\n');
		print_head(&counted);
		print_counters(stat);
		halves_print(store, stat, counted.is_trapped);
		print_errors(stat);
		if (any_aperture(stat))
			print_apertures(stat);
	}
}

static void add_number(struct json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

static void add_string(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *counters_json(const struct xenapt_counters *all)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < COUNTERS; i++)
		add_number(object, counters[i].name, counter_of(all, i));
	return object;
}

static struct json_object *errors_json(const struct xenaperture_stat *stat)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 1; i < XENAPERTURE_STAT_ERRORS; i++)
		if (stat->errors[i])
			add_number(object, i == XENAPERTURE_STAT_ERRORS - 1 ?
				   "other" : xapt_status_name(i), stat->errors[i]);
	return object;
}

static struct json_object *apertures_json(const struct xenaperture_stat *stat)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		const struct xenaperture_stat_aperture *aperture = &stat->aperture[i];
		struct json_object *object;

		if (aperture->state == XENAPT_STATE_NONE)
			continue;
		object = json_object_new_object();
		add_number(object, "slot", i);
		add_string(object, "state", aperture_state(aperture->state));
		add_number(object, "tag", aperture->tag);
		add_number(object, "granted", aperture->granted);
		add_number(object, "length", aperture->length);
		add_number(object, "offset", aperture->offset);
		add_number(object, "pages", aperture->pages);
		json_object_array_add(array, object);
	}
	return array;
}

static void add_identity(struct json_object *object, const struct counted *counted)
{
	const struct xenaperture_stat *stat = counted->stat;

	add_string(object, "guest", counted->guest.name);
	add_number(object, "domain", counted->guest.domid);
	add_number(object, "id", stat->devid);
	add_string(object, "type", stat->type);
	add_string(object, "server", stat->server);
	add_number(object, "max_size", stat->max_size);
	add_number(object, "max_apertures", stat->max_apertures);
	add_number(object, "max_pages", stat->max_pages);
	if (!counted->is_trapped)
		return;
	add_string(object, "door", door_name(counted->trapped.door));
	add_number(object, "address", counted->trapped.address);
	add_number(object, "size", counted->trapped.size);
}

static struct json_object *stat_json(const struct store *store, const struct counted *counted)
{
	struct json_object *object = json_object_new_object();
	const struct xenaperture_stat *stat = counted->stat;

	add_identity(object, counted);
	add_number(object, "backend_state", stat->state);
	add_number(object, "frontend_state", stat->peer_state);
	add_number(object, "epoch", stat->epoch);
	json_object_object_add(object, "process", json_object_new_int(stat->worker));
	add_number(object, "connects", stat->connects);
	add_number(object, "deaths", stat->deaths);
	add_string(object, "error", stat->error);
	add_number(object, "mapped_pages", stat->mapped_pages);
	add_number(object, "guest_pages", stat->guest_pages);
	json_object_object_add(object, "parent", counters_json(&stat->parent));
	json_object_object_add(object, "child", counters_json(&stat->child));
	json_object_object_add(object, "fast_child", counters_json(&stat->fast_child));
	json_object_object_add(object, "operations", halves_json(store, stat, counted->is_trapped));
	json_object_object_add(object, "errors", errors_json(stat));
	json_object_object_add(object, "apertures", apertures_json(stat));
	return object;
}

static void print_stats_json(const struct store *store, const struct statfiles *files)
{
	struct json_object *devices = json_object_new_array();
	struct counted counted;
	unsigned int i;

	for (i = 0; i < files->count; i++) {
		whose(store, &files->stats[i], &counted);
		json_object_array_add(devices, stat_json(store, &counted));
	}
	json_print("devices", devices);
}

/* Nothing was found: an error only for who asked for something in particular. */
static int none_found(const struct args *args, const struct statfiles *files)
{
	if (files->refused)
		return EXIT_FAILED;
	if (!args->count)
		return EXIT_OK;
	say("guest %s has no device%s%s that is served in this domain: xen-aperture list in domain 0 "
	    "shows its devices and who serves them; xen-aperture stat there, in the domain that does, "
	    "shows the counters", args->operand[0], args->count > 1 ? " " : "",
	    args->count > 1 ? args->operand[1] : "");
	return EXIT_NOT_FOUND;
}

/* Those of a guest's stub domain are the guest's as well. */
static int read_all(const struct store *store, int guest, int device, struct statfiles *files,
		    struct why *why)
{
	struct stub stub;

	if (statfiles_read(XENAPERTURE_RUN, guest, device, files, why))
		return -1;
	if (guest == STATFILE_ANY || !stub_find(store, (unsigned int)guest, &stub))
		return 0;
	return statfiles_add(XENAPERTURE_RUN, (int)stub.domid, device, files, why);
}

static int show_stats(const struct store *store, const struct args *args, int guest, int device)
{
	struct statfiles files;
	struct why why;
	int status;

	if (read_all(store, guest, device, &files, &why))
		return say_why(EXIT_FAILED, &why);
	status = files.count && !files.refused ? EXIT_OK : none_found(args, &files);
	if (args->options & OPTION_JSON)
		print_stats_json(store, &files);
	else if (files.count)
		print_text(store, &files);
	else if (status == EXIT_OK)
		puts("no aperture devices are served in this domain");
	statfiles_free(&files);
	return status;
}

static int stat_of(const struct store *store, const struct args *args, int device)
{
	struct guest guest;
	struct why why;

	if (!args->count)
		return show_stats(store, args, STATFILE_ANY, STATFILE_ANY);
	if (guest_find(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	return show_stats(store, args, (int)guest.domid, device);
}

int run_stat(const struct args *args)
{
	struct store store;
	uint64_t device;
	int status;

	if (args->count > 1 && !xapt_parse_u64(args->operand[1], 0, SPEC_MAX_ID, &device)) {
		say("\"%.40s\" is not a device number from 0 to %d: xen-aperture list shows them",
		    args->operand[1], SPEC_MAX_ID);
		return EXIT_USAGE;
	}
	status = store_open_here(&store);
	if (status != EXIT_OK)
		return status;
	status = stat_of(&store, args, args->count > 1 ? (int)device : STATFILE_ANY);
	store_close(&store);
	return status;
}
