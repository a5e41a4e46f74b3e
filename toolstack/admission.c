/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>

#include "admission.h"
#include "config.h"
#include "device.h"
#include "measure.h"
#include "serving.h"
#include "statfile.h"
#include "stub.h"

#define PORTS_DEFAULT	1023u

/* Pages that a device has mapped now, as its parent counts them; of another domain's: 0. */
static uint64_t mapped_now(const struct statfiles *files, const struct device *device)
{
	unsigned int i;

	for (i = 0; i < files->count; i++)
		if (files->stats[i].devid == device->id)
			return files->stats[i].mapped_pages;
	return 0;
}

/* What devices that are there would still take for one largest aperture each. */
static int demand_of_devices(const struct device_list *list, unsigned int guest,
			     struct demand *demand, struct why *why)
{
	struct statfiles files;
	unsigned int i;

	if (statfiles_read(XENAPERTURE_RUN, (int)guest, STATFILE_ANY, &files, why))
		return -1;
	for (i = 0; i < list->count; i++) {
		uint64_t pages = list->devices[i].max_size / XENAPT_PAGE_SIZE;
		uint64_t mapped = mapped_now(&files, &list->devices[i]);

		demand->pages += pages > mapped ? pages - mapped : 0;
		if (list->devices[i].max_size > demand->largest)
			demand->largest = list->devices[i].max_size;
	}
	statfiles_free(&files);
	return 0;
}

static void new_guest(const struct config *config, struct facts *facts)
{
	facts->asked_frames = config->max_grant_frames ? config->max_grant_frames : NOT_KNOWN;
	facts->frames = config->max_grant_frames ? config->max_grant_frames : facts->boot_frames;
	facts->ports = config->max_event_channels ? config->max_event_channels : PORTS_DEFAULT;
	facts->memory = config->memory ? config->memory << 20 : NOT_KNOWN;
	facts->devices_used = 0;
	facts->trapped_used = 0;
	facts->vcpus = config->vcpus ? config->vcpus : 1;
	facts->guest_maptrack = config->max_maptrack_frames ? config->max_maptrack_frames :
				facts->boot_maptrack;
	facts->guest_entries_a_page = config->pvh ? 1 : 2;
}

/* Returns how many pages it may give. */
static uint64_t parent_rows(struct measure *measure, const struct store *store,
			    const struct facts *facts, struct demand *demand,
			    unsigned int backend, struct limits *limits)
{
	struct facts of_parent = *facts;

	measure_parent(measure, store, backend, &of_parent);
	demand_give(&of_parent, demand);
	limits_of_parent(&of_parent, demand, limits);
	return demand->given;
}

/* Each domain that serves once, with what it is to serve. */
static void parents(struct measure *measure, const struct store *store, const struct plan *plan,
		    const struct facts *facts, struct limits *limits)
{
	struct demand given = { 0 };
	unsigned int i, j;

	for (i = 0; i < plan->count; i++) {
		unsigned int backend = plan->backends[i].domid;
		struct demand demand = { 0 };
		bool first = true;

		for (j = 0; j < plan->count; j++) {
			if (plan->backends[j].domid != backend)
				continue;
			first &= j >= i;
			demand_add(&demand, &plan->specs[j]);
		}
		if (first)
			given.given += parent_rows(measure, store, facts, &demand, backend, limits);
	}
	limits_of_given(facts, &given, limits);
}

static int parents_of_devices(struct measure *measure, const struct store *store,
			      const struct facts *facts, struct limits *limits, struct why *why)
{
	struct device_list list = { 0 }, own;
	struct demand demand = { 0 };
	unsigned int i, kept = 0;

	if (facts->guest != NO_GUEST && device_find(store, (int)facts->guest, false, &list, why))
		return -1;
	if (list.count && demand_of_devices(&list, facts->guest, &demand, why)) {
		device_list_free(&list);
		return -1;
	}
	limits_of_guest(facts, &demand, limits);
	for (i = 0; i < list.count; i++)
		if (!list.devices[i].backend)
			list.devices[kept++] = list.devices[i];
	own = (struct device_list){ list.devices, kept };
	demand = (struct demand){ 0 };
	if (kept && demand_of_devices(&own, facts->guest, &demand, why)) {
		device_list_free(&list);
		return -1;
	}
	parent_rows(measure, store, facts, &demand, 0, limits);
	limits_of_given(facts, &demand, limits);
	device_list_free(&list);
	return 0;
}

static int measure_all(struct measure *measure, const struct store *store,
		       const struct plan *plan, struct limits *limits, struct why *why)
{
	struct demand demand = { 0 };
	struct facts facts;
	struct stub stub;
	unsigned int i;

	facts_clear(&facts);
	measure_host(measure, &facts);
	if (plan->guest != NO_GUEST) {
		measure_guest(measure, store, plan->guest, &facts);
		facts.stub_there = stub_find(store, plan->guest, &stub);
		if (facts.stub_there)
			measure_stub(measure, store, stub.domid, &facts);
	} else if (plan->config) {
		new_guest(plan->config, &facts);
	}
	if (!plan->count)
		return parents_of_devices(measure, store, &facts, limits, why);
	for (i = 0; i < plan->count; i++)
		demand_add(&demand, &plan->specs[i]);
	limits_of_guest(&facts, &demand, limits);
	parents(measure, store, plan, &facts, limits);
	return 0;
}

int admission_limits(const struct store *store, const struct plan *plan, struct limits *limits,
		     struct why *why)
{
	struct measure *measure = measure_open();
	int status;

	limits->count = 0;
	status = measure_all(measure, store, plan, limits, why);
	measure_close(measure);
	return status;
}

int admission_check(const struct store *store, const struct plan *plan, struct why *why)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	int status;

	if (!limits)
		return why_set(why, "out of memory");
	status = admission_limits(store, plan, limits, why);
	if (!status)
		status = limits_refuse(limits, why);
	free(limits);
	return status;
}
