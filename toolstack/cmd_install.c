/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "fast.h"
#include "parse.h"
#include "remember.h"
#include "removal.h"
#include "trapped.h"

#define STALE_S	2	/* for the guest to let go of what is away */

/* The devices that a command line names behind the guest; none: all. */
struct chosen {
	uint64_t ids;			/* bit of each */
	bool all;
};

static int parse_ids(const struct args *args, struct chosen *chosen, struct why *why)
{
	unsigned int i;
	uint64_t id;

	*chosen = (struct chosen){ .all = args->count == 1 };
	for (i = 1; i < args->count; i++) {
		if (!xapt_parse_u64(args->operand[i], 0, SPEC_MAX_ID, &id))
			return why_set(why, "\"%.40s\" is not a device number from 0 to %d: "
				       "xen-aperture list shows the numbers", args->operand[i],
				       SPEC_MAX_ID);
		if (chosen->ids & (uint64_t)1 << id)
			return why_set(why, "device %s is there twice: name it once",
				       args->operand[i]);
		chosen->ids |= (uint64_t)1 << id;
	}
	return 0;
}

static bool wanted(const struct chosen *chosen, const struct device *device)
{
	return chosen->all || chosen->ids >> device->id & 1;
}

static const struct device *find_id(const struct device_list *list, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->devices[i].id == id)
			return &list->devices[i];
	return NULL;
}

static int explain_absent(const struct store *store, const struct guest *guest, const char *what,
			  unsigned int id, struct why *why)
{
	struct trapped trapped;

	if (trapped_get(store, guest->domid, id, &trapped))
		return why_set(why, "device %u of guest %u is a trapped one: its first device stays as "
			       "long as it does; detach it", id, guest->domid);
	return why_set(why, "guest %u has no %s %u: xen-aperture list shows them", guest->domid, what, id);
}

static int explain_none(const struct store *store, const struct guest *guest, const char *what,
			struct why *why)
{
	struct trapped_list list;

	trapped_find(store, guest->domid, &list);
	if (list.count)
		return why_set(why, "guest %u has no %s but trapped ones: these stay until they are detached",
			       guest->domid, what);
	return why_set(why, "guest %u has no %s: xen-aperture list shows them", guest->domid, what);
}

/* Keep those that were named; each that was named must be there. */
static int choose(const struct store *store, struct device_list *list, const struct chosen *chosen,
		  const struct guest *guest, const char *what, struct why *why)
{
	unsigned int i, kept = 0;

	for (i = 0; i <= SPEC_MAX_ID; i++)
		if (chosen->ids >> i & 1 && !find_id(list, i))
			return explain_absent(store, guest, what, i, why);
	for (i = 0; i < list->count; i++)
		if (wanted(chosen, &list->devices[i]))
			list->devices[kept++] = list->devices[i];
	list->count = kept;
	if (kept)
		return 0;
	return explain_none(store, guest, what, why);
}

/* ---- install ---- */

/* Can this one have a first device? why says why not. */
static int check_device(const struct device *device, const struct device_list *first,
			struct why *why)
{
	if (!device->parent.there || !device->child.there)
		return why_set(why, "device %u of guest %u is left over: detach it", device->id,
			       device->guest);
	if (device->by_program)
		return why_set(why, "device %u of guest %u is served by a program: a first device goes "
			       "with server=apertured only", device->id, device->guest);
	if (find_id(first, device->id))
		return why_set(why, "device %u of guest %u has a first device already", device->id,
			       device->guest);
	return 0;
}

static int keep_able(struct device_list *list, const struct device_list *first, bool all,
		     struct why *why)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->count; i++) {
		if (!check_device(&list->devices[i], first, why))
			list->devices[kept++] = list->devices[i];
		else if (!all)
			return -1;
	}
	list->count = kept;
	return kept ? 0 : -1;
}

static int find_able(const struct store *store, const struct guest *guest,
		     const struct chosen *chosen, struct device_list *list, struct why *why)
{
	struct device_list first;
	int status;

	if (device_find(store, (int)guest->domid, false, list, why))
		return -1;
	if (choose(store, list, chosen, guest, "aperture device", why) ||
	    device_find(store, (int)guest->domid, true, &first, why)) {
		device_list_free(list);
		return -1;
	}
	status = keep_able(list, &first, chosen->all, why);
	device_list_free(&first);
	if (status)
		device_list_free(list);
	return status;
}

/* In the guest's next life they are as they are now. how: NULL: without. */
static void remember_firsts(const struct store *store, const struct guest *guest,
			    const struct device *devices, unsigned int count,
			    const struct fast_options *how)
{
	char uuid[UUID_MAX];
	unsigned int i;
	struct why why;

	for (i = 0; i < count; i++)
		if (uuid_read(store, guest->domid, uuid) &&
		    remember_first(uuid, devices[i].id, how, &why))
			say("after the guest's restart device %u is as it was: %s", devices[i].id,
			    why.text);
}

static int install_once(struct fast *fast, const struct device_list *list, unsigned int wait)
{
	int status = fast_install(fast, list->devices, list->count);

	return status == EXIT_OK && wait ? fast_wait(fast, WAIT_CONNECTED, wait) : status;
}

/*
 * A guest that has not let go of an earlier first device yet, of a stub domain that died a moment ago, takes
 * the new one for the old, and closes it. Once it is away it lets go; then it takes a new one.
 */
static int install_list(struct store *store, const struct guest *guest,
			const struct device_list *list, const struct args *args, bool all)
{
	struct fast fast = { .store = store, .guest = guest, .options = &args->fast };
	int status;

	wait_catch_signals();
	status = install_once(&fast, list, args->wait);
	if (status == EXIT_FAILED && fast.stale && !wait_interrupted()) {
		say("the guest was still closing an earlier first device: once more");
		sleep(STALE_S);
		fast = (struct fast){ .store = store, .guest = guest, .options = &args->fast };
		status = install_once(&fast, list, args->wait);
	}
	if (status != EXIT_OK)
		return status;
	remember_firsts(store, guest, fast.devices, fast.count, &args->fast);
	if (fast.count)
		printf("%u first device%s of guest %s in stub domain %u %s\n", fast.count,
		       fast.count == 1 ? "" : "s", args->operand[0], fast.stub.domid,
		       args->wait ? "connected" : "installed, not waited for");
	return fast.refused && (!all || !fast.count) ? EXIT_FAILED : EXIT_OK;
}

static int install_into(struct store *store, const struct chosen *chosen, const struct args *args)
{
	struct device_list list;
	struct guest guest;
	struct why why;
	int status;

	if (guest_find_running(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (find_able(store, &guest, chosen, &list, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (fast_check(store, &guest, args->options, &args->fast, &why))
		status = say_why(EXIT_USAGE, &why);
	else
		status = install_list(store, &guest, &list, args, chosen->all);
	device_list_free(&list);
	return status;
}

/* ---- uninstall ---- */

static int uninstall_from(struct store *store, const struct chosen *chosen, const struct args *args)
{
	struct device_list list;
	struct guest guest;
	struct why why;
	int status;

	if (guest_find(store, args->operand[0], &guest, &why) ||
	    device_find(store, (int)guest.domid, true, &list, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (choose(store, &list, chosen, &guest, "first device", &why)) {
		device_list_free(&list);
		return say_why(EXIT_NOT_FOUND, &why);
	}
	wait_catch_signals();
	status = fast_remove(store, guest.domid, list.devices, list.count, args->wait,
			     args->options & OPTION_FORCE);
	if (status == EXIT_OK) {
		remember_firsts(store, &guest, list.devices, list.count, NULL);
		printf("%u first device%s of guest %s uninstalled\n", list.count,
		       list.count == 1 ? "" : "s", args->operand[0]);
	}
	device_list_free(&list);
	return status;
}

static int run(const struct args *args, int (*body)(struct store *store,
	       const struct chosen *chosen, const struct args *args))
{
	struct chosen chosen;
	struct store store;
	struct why why;
	int status;

	if (parse_ids(args, &chosen, &why))
		return say_why(EXIT_USAGE, &why);
	status = store_open(&store);
	if (status != EXIT_OK)
		return status;
	status = body(&store, &chosen, args);
	store_close(&store);
	return status;
}

int run_install(const struct args *args)
{
	struct why why;

	if (check_fast_options(args, true, &why))
		return say_why(EXIT_USAGE, &why);
	return run(args, install_into);
}

int run_uninstall(const struct args *args)
{
	return run(args, uninstall_from);
}
