/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "command.h"
#include "parse.h"
#include "removal.h"
#include "wait.h"

static int find_running(const struct store *store, const char *text, struct guest *guest,
			struct why *why)
{
	if (guest_find(store, text, guest, why))
		return -1;
	if (!guest->exists)
		return why_set(why, "there is no domain %u: xl list shows those that run",
			       guest->domid);
	return 0;
}

static int connect_device(struct store *store, struct device *device, unsigned int seconds)
{
	enum wait_end end = wait_for(store, device, WAIT_CONNECTED, seconds);
	struct why why;

	if (end == WAIT_REACHED)
		return EXIT_OK;
	wait_explain(device, WAIT_CONNECTED, end, seconds, &why);
	say("device %u of guest %u: %s", device->id, device->guest, why.text);
	removal_undo(store, device, 1);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

static int attach_to(struct store *store, const struct spec *spec, const char *name,
		     unsigned int seconds)
{
	struct guest guest, backend;
	struct device device;
	struct why why;
	int status = EXIT_OK;

	if (find_running(store, name, &guest, &why) ||
	    find_running(store, spec->backend, &backend, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	wait_catch_signals();
	if (device_add(store, spec, &guest, backend.domid, &device, &why))
		return say_why(EXIT_FAILED, &why);
	if (seconds)
		status = connect_device(store, &device, seconds);
	if (status == EXIT_OK)
		printf("device %u of guest %s (%u) is %s\n", device.id, guest.name, guest.domid,
		       seconds ? "connected" : "attached, not waited for");
	return status;
}

int run_attach(const struct args *args)
{
	struct store store;
	struct spec spec;
	struct why why;
	int status;

	if (spec_parse(args->operand[1], &spec, &why))
		return say_why(EXIT_USAGE, &why);
	status = store_open(&store);
	if (status != EXIT_OK)
		return status;
	status = attach_to(&store, &spec, args->operand[0], args->wait);
	store_close(&store);
	return status;
}

#define EVERY_ID (-1)

static int parse_id(const char *text, int *id, struct why *why)
{
	uint64_t n;

	if (!strcmp(text, "all")) {
		*id = EVERY_ID;
		return 0;
	}
	if (!xapt_parse_u64(text, 0, SPEC_MAX_ID, &n))
		return why_set(why, "\"%.40s\" is not a device number from 0 to %d, nor all: "
			       "xen-aperture list shows the numbers", text, SPEC_MAX_ID);
	*id = (int)n;
	return 0;
}

/* Keep the devices that were named. */
static void choose(struct device_list *list, int id)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->count; i++)
		if (id == EVERY_ID || list->devices[i].id == (unsigned int)id)
			list->devices[kept++] = list->devices[i];
	list->count = kept;
}

static int detach_list(struct store *store, struct device_list *list, const struct args *args)
{
	int status;

	if (!list->count) {
		say("guest %.63s has no aperture device%s%s: xen-aperture list shows them",
		    args->operand[0], strcmp(args->operand[1], "all") ? " " : "",
		    strcmp(args->operand[1], "all") ? args->operand[1] : "");
		return EXIT_NOT_FOUND;
	}
	wait_catch_signals();
	status = removal_run(store, list->devices, list->count, args->wait,
			     args->options & OPTION_FORCE);
	if (status == EXIT_OK)
		printf("%u device%s of guest %s detached\n", list->count,
		       list->count == 1 ? "" : "s", args->operand[0]);
	return status;
}

static int detach_from(struct store *store, int id, const struct args *args)
{
	struct device_list list;
	struct guest guest;
	struct why why;
	int status;

	if (guest_find(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (device_find(store, (int)guest.domid, &list, &why))
		return say_why(EXIT_FAILED, &why);
	choose(&list, id);
	status = detach_list(store, &list, args);
	device_list_free(&list);
	return status;
}

int run_detach(const struct args *args)
{
	struct store store;
	struct why why;
	int status, id = EVERY_ID;

	if (parse_id(args->operand[1], &id, &why))
		return say_why(EXIT_USAGE, &why);
	status = store_open(&store);
	if (status != EXIT_OK)
		return status;
	status = detach_from(&store, id, args);
	store_close(&store);
	return status;
}
