/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fast.h"
#include "intercept.h"
#include "parse.h"
#include "remember.h"
#include "removal.h"
#include "renew.h"
#include "wait.h"

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

/* What is still there was not taken away. */
static void forget_removed(const struct store *store, const struct device_list *list)
{
	struct device now;
	char uuid[UUID_MAX];
	unsigned int i;
	struct why why;

	for (i = 0; i < list->count; i++) {
		now = list->devices[i];
		device_read(store, &now);
		if (!now.parent.there && !now.child.there && uuid_read(store, now.guest, uuid) &&
		    remember_drop(uuid, now.id, &why))
			say("device %u of guest %u will be attached again when the guest restarts: %s",
			    now.id, now.guest, why.text);
	}
}

static void choose_trapped(struct trapped_list *list, int id)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->count; i++)
		if (id == EVERY_ID || list->devices[i].id == (unsigned int)id)
			list->devices[kept++] = list->devices[i];
	list->count = kept;
}

static void forget_trapped(const struct store *store, const struct trapped_list *list)
{
	char uuid[UUID_MAX];
	unsigned int i;
	struct why why;

	for (i = 0; i < list->count; i++) {
		const struct trapped *trapped = &list->devices[i];

		if (!store_exists(store, TRAPPED_LIST "/%u", trapped->guest, trapped->id) &&
		    uuid_read(store, trapped->guest, uuid) &&
		    remember_drop(uuid, trapped->id, &why))
			say("device %u of guest %u will be attached again when the guest restarts: %s",
			    trapped->id, trapped->guest, why.text);
	}
}

/* First devices first: the second one then has the state, and all is in one place. */
static int remove_all(struct store *store, unsigned int guest, int id, struct device_list *list,
		      const struct args *args)
{
	bool force = args->options & OPTION_FORCE;
	struct device_list first;
	struct why why;
	int status;

	if (device_find(store, (int)guest, true, &first, &why))
		return say_why(EXIT_FAILED, &why);
	choose(&first, id);
	status = fast_remove(store, guest, first.devices, first.count, args->wait, force);
	device_list_free(&first);
	if (status != EXIT_OK)
		return status;
	return removal_run(store, list->devices, list->count, args->wait, force);
}

/* There is no such device; one may be remembered all the same, if it could not be attached again. */
static unsigned int forget_absent(const struct store *store, unsigned int guest, int id)
{
	struct remembered *remembered = calloc(1, sizeof(*remembered));
	unsigned int i, n, dropped = 0;
	char uuid[UUID_MAX];
	struct why why;

	if (remembered && uuid_read(store, guest, uuid) &&
	    !remember_read(uuid, remembered, &why)) {
		for (i = 0; i < remembered->count; i++) {
			n = remembered->devices[i].spec.id;
			if (id == EVERY_ID || n == (unsigned int)id)
				dropped += !remember_drop(uuid, n, &why);
		}
	}
	free(remembered);
	return dropped;
}

static int nothing_there(const struct store *store, unsigned int guest, int id,
			 const struct args *args)
{
	unsigned int forgotten = forget_absent(store, guest, id);
	bool all = id == EVERY_ID;

	if (forgotten) {
		printf("guest %s: nothing is attached; %u remembered device%s forgotten\n",
		       args->operand[0], forgotten, forgotten == 1 ? "" : "s");
		return EXIT_OK;
	}
	say("guest %.63s has no aperture device%s%s: xen-aperture list shows them",
	    args->operand[0], all ? "" : " ", all ? "" : args->operand[1]);
	return EXIT_NOT_FOUND;
}

static int detach_list(struct store *store, unsigned int guest, int id, struct device_list *list,
		       const struct args *args)
{
	struct trapped_list trapped;
	unsigned int count;
	int status;

	trapped_find(store, guest, &trapped);
	choose_trapped(&trapped, id);
	count = list->count + trapped.count;
	if (!count)
		return nothing_there(store, guest, id, args);
	wait_catch_signals();
	status = intercept_remove(store, trapped.devices, trapped.count, args->wait,
				  args->options & OPTION_FORCE);
	forget_trapped(store, &trapped);
	if (status == EXIT_OK && list->count)
		status = remove_all(store, guest, id, list, args);
	forget_removed(store, list);
	if (status == EXIT_OK && trapped.count)
		status = renew_stub(store, guest, args->wait, args->options & OPTION_FORCE);
	if (status == EXIT_OK)
		printf("%u device%s of guest %s detached\n", count, count == 1 ? "" : "s",
		       args->operand[0]);
	return status;
}

static int detach_from(struct store *store, int id, const struct args *args)
{
	struct device_list list;
	struct guest guest;
	unsigned int whose;
	struct why why;
	int status;

	if (guest_find(store, args->operand[0], &guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (trapped_is_stub(store, guest.domid, &whose)) {
		say("domain %u is the stub domain of guest %u: detach the device from that", guest.domid,
		    whose);
		return EXIT_NOT_FOUND;
	}
	if (device_find(store, (int)guest.domid, false, &list, &why))
		return say_why(EXIT_FAILED, &why);
	choose(&list, id);
	status = detach_list(store, guest.domid, id, &list, args);
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
