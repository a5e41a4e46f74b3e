/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "remember.h"
#include "removal.h"
#include "renew.h"
#include "trapped.h"

#define TAKE_UP_S	30u	/* for the new stub domain, as install has it */

struct renewal {
	struct store *store;
	struct guest guest;
	struct stub old;
	char file[STORE_PATH_MAX * 2];		/* "": the installed one */
	struct remembered *remembered;
	struct device_list first, slow;
};

/* Domain 0's own notes, not what the stub domain could have changed. */
static struct fast_options options_of(const struct renewal *r, unsigned int id)
{
	struct fast_options options = { 0 };
	unsigned int i;

	for (i = 0; i < r->remembered->count; i++)
		if (r->remembered->devices[i].spec.id == (int)id)
			options = r->remembered->devices[i].fast;
	options.stub = r->file[0] ? r->file : NULL;
	return options;
}

static const struct device *slow_of(const struct renewal *r, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < r->slow.count; i++)
		if (r->slow.devices[i].id == id)
			return &r->slow.devices[i];
	return NULL;
}

static bool has_trapped(const struct store *store, unsigned int guest)
{
	struct trapped_list list;

	trapped_find(store, guest, &list);
	return list.count;
}

static bool is_due(const struct store *store, unsigned int guest, struct stub *stub)
{
	return stub_find(store, guest, stub) && store_exists(store, STUB_LIST "/%u/target", stub->domid) &&
	       store_exists(store, "/local/domain/%u", stub->domid) &&
	       store_exists(store, "/local/domain/%u", guest) && !has_trapped(store, guest);
}

static int prepare(struct renewal *r, struct why *why)
{
	char domid[16], uuid[UUID_MAX];
	struct why ignored;

	snprintf(domid, sizeof(domid), "%u", r->old.guest);
	r->remembered = calloc(1, sizeof(*r->remembered));
	if (!r->remembered)
		return why_set(why, "out of memory");
	store_read(r->store, r->file, sizeof(r->file), STUB_LIST "/%u/file", r->old.domid);
	/* Without it they get what install gives them. */
	if (uuid_read(r->store, r->old.guest, uuid))
		remember_read(uuid, r->remembered, &ignored);
	return guest_find(r->store, domid, &r->guest, why) ||
	       device_find(r->store, (int)r->old.guest, true, &r->first, why) ||
	       device_find(r->store, (int)r->old.guest, false, &r->slow, why) ? -1 : 0;
}

static void release(struct renewal *r)
{
	free(r->remembered);
	device_list_free(&r->first);
	device_list_free(&r->slow);
}

static int put_back(const struct renewal *r, const struct device *slow, struct stub *stub)
{
	struct fast_options options = options_of(r, slow->id);
	struct fast *fast = calloc(1, sizeof(*fast));
	int status;

	if (!fast) {
		say("out of memory");
		return EXIT_FAILED;
	}
	*fast = (struct fast){ .store = r->store, .guest = &r->guest, .options = &options };
	status = fast_install(fast, slow, 1);
	if (status == EXIT_OK)
		status = fast_wait(fast, WAIT_READY, TAKE_UP_S);
	*stub = fast->stub;
	free(fast);
	return status;
}

/* Each that goes back counts: the others' second devices go on alone. */
static int put_all_back(const struct renewal *r)
{
	int status = EXIT_OK, one;
	const struct device *slow;
	struct stub stub = { 0 };
	unsigned int i;

	for (i = 0; i < r->first.count; i++) {
		slow = slow_of(r, r->first.devices[i].id);
		if (!slow)
			continue;
		one = put_back(r, slow, &stub);
		if (one == EXIT_OK)
			continue;
		say("device %u of guest %u goes on without a first device: xen-aperture install %u %u puts it "
		    "back", slow->id, r->old.guest, r->old.guest, slow->id);
		status = one;
	}
	if (stub.domid && stub.domid != r->old.domid)
		printf("stub domain %u, which had power over guest %u, is replaced by %u, which has none\n",
		       r->old.domid, r->old.guest, stub.domid);
	return status;
}

static int say_kept(const struct renewal *r)
{
	say("stub domain %u keeps its power over guest %u, which no device needs any more: xen-aperture "
	    "uninstall %u, then install %u, gives it another one", r->old.domid, r->old.guest, r->old.guest,
	    r->old.guest);
	return EXIT_FAILED;
}

static int renew(struct renewal *r, unsigned int seconds, bool force)
{
	struct why why;
	int status;

	status = removal_run(r->store, r->first.devices, r->first.count, seconds, force);
	if (status != EXIT_OK) {
		say_kept(r);
		return status;
	}
	/* Another xen-aperture gave it a trapped device meanwhile? It is used again as it is. */
	if (!stub_destroy(r->store, &r->old, &why) || has_trapped(r->store, r->old.guest))
		return put_all_back(r);
	say_why(EXIT_FAILED, &why);
	put_all_back(r);
	return say_kept(r);
}

int renew_stub(struct store *store, unsigned int guest, unsigned int seconds, bool force)
{
	struct renewal r = { .store = store };
	struct why why;
	int status;

	if (!is_due(store, guest, &r.old))
		return EXIT_OK;
	if (prepare(&r, &why)) {
		say_why(EXIT_FAILED, &why);
		status = say_kept(&r);
	} else {
		status = renew(&r, seconds, force);
	}
	release(&r);
	return status;
}
