/* SPDX-License-Identifier: GPL-2.0-only */
#include "removal.h"
#include "wait.h"

struct removal {
	struct store *store;
	long long end;		/* of wait_clock() */
	unsigned int seconds;
	bool force;
};

static int remove_now(const struct removal *removal, const struct device *device)
{
	struct why why;

	if (device_remove(removal->store, device, &why))
		return say_why(EXIT_FAILED, &why);
	return EXIT_OK;
}

static int force_or_say(const struct removal *removal, const struct device *device,
			enum wait_end end)
{
	struct why why;

	wait_explain(device, WAIT_CLOSED, end, removal->seconds, &why);
	if (removal->force && end == WAIT_TIMEOUT) {
		say("%s %u of guest %u is removed by force (backend %s, guest %s); pages that "
		    "are mapped stay shared until the domain that maps them lets go",
		    device_kind(device), device->id, device->guest, state_name(device->parent.state),
		    state_name(device->child.state));
		return remove_now(removal, device);
	}
	say("%s %u of guest %u is not removed: %s", device_kind(device), device->id,
	    device->guest, why.text);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

static int finish_one(const struct removal *removal, struct device *device)
{
	long long now = wait_clock();
	enum wait_end end;

	end = wait_for(removal->store, device, WAIT_CLOSED,
		       removal->end > now ? (unsigned int)(removal->end - now) : 0);
	if (end == WAIT_REACHED)
		return remove_now(removal, device);
	return force_or_say(removal, device, end);
}

static void keep_worst(int *status, int other)
{
	if (*status == EXIT_OK)
		*status = other;
}

int removal_run(struct store *store, struct device *devices, unsigned int count,
		unsigned int seconds, bool force)
{
	struct removal removal = { store, wait_clock() + seconds, seconds, force };
	bool removed[(SPEC_MAX_ID + 1) * 2] = { false };
	int status = EXIT_OK;
	struct why why;
	unsigned int i;

	if (count > sizeof(removed))
		count = sizeof(removed);
	/* All are asked before the first is waited for: they close at the same time. */
	for (i = 0; i < count; i++)
		if (device_close(store, &devices[i], &removed[i], &why))
			keep_worst(&status, say_why(EXIT_FAILED, &why));
	for (i = 0; i < count; i++)
		if (!removed[i])
			keep_worst(&status, finish_one(&removal, &devices[i]));
	return status;
}

void removal_undo(struct store *store, struct device *devices, unsigned int count)
{
	wait_forget_signal();
	if (removal_run(store, devices, count, REMOVAL_WAIT, false) == EXIT_OK)
		say("what was attached is taken away again");
	else
		say("a device is left behind: xen-aperture detach --force removes it");
}
