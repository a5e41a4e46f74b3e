/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "serving.h"

int serving_find(const struct store *store, const struct spec *spec, unsigned int guest,
		 struct guest *backend, struct why *why)
{
	struct why what;

	if (guest_find(store, spec->backend, backend, &what))
		return why_set(why, "backend=%s: %s", spec->backend, what.text);
	if (!backend->exists)
		return why_set(why, "backend=%s: there is no such domain: xl list shows those that "
			       "run", spec->backend);
	if (backend->domid == guest)
		return why_set(why, "backend=%s: domain %u cannot serve a device to itself: choose "
			       "another backend", spec->backend, guest);
	if (backend->domid && !spec->by_program && !store_exists(store, SERVING_SIGN, backend->domid))
		return why_set(why, "backend=%s: no apertured runs in domain %u ("SERVING_SIGN
			       " is missing): start it there, or serve the device by a program "
			       "(server=program)", spec->backend, backend->domid, backend->domid);
	return 0;
}

void serving_remember(const struct spec *spec, unsigned int id, const struct guest *backend,
		      struct spec *remembered)
{
	*remembered = *spec;
	remembered->id = (int)id;
	if (!backend->domid)
		strcpy(remembered->backend, "0");
	else if (backend->name[0] && !strpbrk(backend->name, " ,"))
		strcpy(remembered->backend, backend->name);
	else
		snprintf(remembered->backend, sizeof(remembered->backend), "%u", backend->domid);
}
