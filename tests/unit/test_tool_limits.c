/* SPDX-License-Identifier: GPL-2.0-only */
/* Which limits admit which devices: each one at its edge, and what is said. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "bounds.h"
#include "serving.h"

#define MIB	((uint64_t)1 << 20)

static struct facts facts;
static struct limits limits;

/* Everything known, and as Xen's defaults have it. */
static void begin(void)
{
	memset(&facts, 0, sizeof(facts));
	memset(&limits, 0, sizeof(limits));
	facts.guest = 5;
	facts.boot_frames = 64;
	facts.asked_frames = NOT_KNOWN;
	facts.frames = 64;
	facts.grants_used = 300;
	facts.ports = 1023;
	facts.memory = 512 * MIB;
	facts.nodes = 1000;
	facts.watches = 128;
	facts.transactions = 10;
	facts.maptrack = 1024;
	facts.entries_a_page = 2;
	facts.parent_memory = 256 * MIB;
	facts.host_memory = 64 * MIB;
	facts.policy_pages = 32768;
	facts.policy_total = 98304;
	facts.policy_size = XENAPT_MAX_SIZE;
	facts.policy_given = 16 * MIB;
	facts.gntdev_limit = 65536;
	facts.gntalloc_limit = 1024;
}

static struct demand demand_of(const char *text)
{
	struct demand demand = { 0 };
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse(text, &spec, &why), 0);
	demand_add(&demand, &spec);
	return demand;
}

static void make(const struct demand *demand)
{
	limits.count = 0;
	limits_of_guest(&facts, demand, &limits);
	limits_of_parent(&facts, demand, &limits);
}

static struct limit *row(const char *name)
{
	static struct limit none;
	unsigned int i;

	for (i = 0; i < limits.count; i++)
		if (!strcmp(limits.rows[i].name, name))
			return &limits.rows[i];
	printf("# no row \"%s\"\n", name);
	CHECK(false);
	return &none;
}

/* The plan is refused, by this limit, and all other rows fit. */
static void only(const char *name, const char *setting)
{
	char text[128];
	unsigned int i;
	struct why why = { "" };

	for (i = 0; i < limits.count; i++)
		if (limit_fits(&limits.rows[i]) != (strcmp(limits.rows[i].name, name) != 0)) {
			printf("# \"%s\" while \"%s\" was short\n", limits.rows[i].name, name);
			CHECK(false);
		}
	CHECK_EQ(limits_refuse(&limits, &why), -1);
	snprintf(text, sizeof(text), ": raise %s", setting);
	if (!strncmp(setting, "nothing: ", 9))
		snprintf(text, sizeof(text), ": it cannot be raised: %s, or ask for less", setting + 9);
	if (!CHECK(!strncmp(why.text, name, strlen(name)) && strstr(why.text, text)))
		printf("# said \"%s\"\n", why.text);
}

/*
 * Each limit on its own: exactly what is used, needed and kept together is enough, one less is
 * refused.
 */
static void test_edges(void)
{
	static const struct {
		const char *name, *setting;
		uint64_t *fact;
		uint64_t times;		/* entries of one unit of the fact */
	} edges[] = {
		{ "grant entries of the guest", "max_grant_frames=", &facts.frames, 512 },
		{ "event channels of the guest", "max_event_channels", &facts.ports, 1 },
		{ "xenstore nodes of the guest", "quota-maxentity", &facts.nodes, 1 },
		{ "xenstore watches of the guest", "quota-maxwatch", &facts.watches, 1 },
		{ "xenstore transactions of the guest", "quota-transaction", &facts.transactions, 1 },
		{ "pages mapped of the guest (policy)", "max_pages_per_guest", &facts.policy_pages, 1 },
		{ "pages mapped of all guests (policy)", "max_mapped_total", &facts.policy_total, 1 },
		{ "largest aperture (policy)", "max_size", &facts.policy_size, 1 },
		{ "pages of one mapping (gntdev)", "parameter limit", &facts.gntdev_limit, 1 },
		{ "memory of domain 0, available", "dom0_mem=", &facts.parent_memory, 1 },
		{ "memory of Xen, free", "nothing: give other domains less", &facts.host_memory, 1 },
	};
	struct demand demand = demand_of("type=timer,size=16M,fast=yes");
	unsigned int i;

	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		struct limit *limit;
		uint64_t whole;

		begin();
		facts.ports_used = 7;
		facts.nodes_used = 50;
		facts.policy_pages_used = 9;
		make(&demand);
		CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
		limit = row(edges[i].name);
		CHECK(limit->need);
		whole = limit->need + limit->kept + (limit->used == NOT_KNOWN ? 0 : limit->used);
		*edges[i].fact = (whole + edges[i].times - 1) / edges[i].times;
		make(&demand);
		CHECK_CASE(limit_fits(row(edges[i].name)), i, whole);
		--*edges[i].fact;
		make(&demand);
		only(edges[i].name, edges[i].setting);
	}
}

/* What is kept grows with the limit: the least that is enough, and one below. */
static void test_parts(void)
{
	struct demand demand = demand_of("type=mem,size=16M");

	begin();
	facts.maptrack = 35;
	make(&demand);
	CHECK(limit_fits(row("maptrack entries of domain 0")));
	facts.maptrack = 34;
	make(&demand);
	only("maptrack entries of domain 0", "gnttab_max_maptrack_frames=");
	/* Where a kernel takes one entry a page, half is enough. */
	facts.entries_a_page = 1;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	begin();
	facts.memory = 24 * MIB;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.memory = 21 * MIB;
	make(&demand);
	only("memory of the guest", "memory in the guest's configuration");
}

static void test_said(void)
{
	struct demand demand = demand_of("type=mem,size=128M");
	struct why why;

	begin();
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &why), -1);
	/* 32,768 pages, 33 + 2 directory pages, 20 of the device. */
	CHECK_STR(why.text, "grant entries of the guest: the limit is 32768, 32823 are needed, 300 are "
		  "used, 256 are kept for other devices: raise max_grant_frames=66 in the guest's "
		  "configuration, after gnttab_max_frames= on Xen's command line, or ask for less (xen-aperture check shows all limits)");
}

static void test_unknown(void)
{
	struct demand demand = demand_of("type=mem,size=1G,fast=yes");
	unsigned int i;
	struct why why;

	begin();
	facts.frames = facts.grants_used = facts.ports = facts.ports_used = NOT_KNOWN;
	facts.memory = facts.nodes = facts.watches = facts.transactions = NOT_KNOWN;
	facts.maptrack = facts.mapped = facts.parent_memory = facts.host_memory = NOT_KNOWN;
	facts.policy_pages = facts.policy_total = facts.policy_size = facts.gntdev_limit = NOT_KNOWN;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &why), 0);
	for (i = 0; i < limits.count; i++)
		CHECK_CASE(limits.rows[i].setting[0], i, 0);
}

/* More was asked for in the guest's file than Xen was booted with. */
static void test_boot_limit(void)
{
	struct demand demand = demand_of("type=mem,size=4K");

	begin();
	facts.guest = NO_GUEST;
	facts.asked_frames = facts.frames = 64;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.asked_frames = facts.frames = 65;
	make(&demand);
	only("Xen's limit of grant frames", "gnttab_max_frames= on Xen's command line");
}

/* Of a driver domain: no policy of ours, its own quota. */
static void test_driver(void)
{
	struct demand demand = demand_of("type=mem,size=4K");

	begin();
	facts.backend = 6;
	facts.policy_pages = 0;
	facts.parent_nodes_used = 1000 - 100 - 22;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.parent_nodes_used++;
	make(&demand);
	only("xenstore nodes of domain 6", "quota-maxentity");
}

/* Nothing is asked for: nothing is refused, whatever is used. */
static void test_nothing(void)
{
	const struct limit wraps = { .value = 100, .used = UINT64_MAX - 1, .need = 10 };
	struct demand demand = { 0 };

	CHECK(!limit_fits(&wraps));
	begin();
	facts.frames = 1;
	facts.grants_used = 512;
	facts.watches = 0;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	/* Sums that do not fit 64 bits are no way in. */
	demand.pages = UINT64_MAX / 4096;
	demand.devices = 1;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), -1);
}

/* Its rings and pages are the stub domain's; its vCPUs and its number are the guest's. */
static void test_trapped(void)
{
	struct demand demand = demand_of("type=timer,mmio=auto");
	struct why why;

	begin();
	facts.vcpus = 24;
	facts.trapped_used = 7;
	facts.grants_used = 64 * 512;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &why), 0);
	CHECK_EQ(row("event channels of the guest")->need, 1);
	facts.vcpus = 25;
	make(&demand);
	only("vCPUs of a guest with a trapped device", "nothing: lower vcpus or maxvcpus of the guest");
	CHECK_EQ(row("vCPUs of a guest with a trapped device")->need, 25);
	demand = demand_of("type=timer,fast=yes");
	facts.grants_used = 300;
	make(&demand);
	CHECK_EQ(row("vCPUs of a guest with a trapped device")->used, 25);
	CHECK_EQ(limits_refuse(&limits, &why), 0);
	demand = demand_of("type=timer,io=1");
	facts.vcpus = NOT_KNOWN;
	facts.trapped_used = 8;
	make(&demand);
	only("trapped devices of the guest", "nothing: detach one");
}

static CU_TestInfo tests[] = {
	{ "trapped devices", test_trapped },
	{ "edges", test_edges },
	{ "limits that keep a part", test_parts },
	{ "what is said", test_said },
	{ "what is not known", test_unknown },
	{ "the limit of Xen's boot", test_boot_limit },
	{ "driver domains", test_driver },
	{ "nothing, and too much", test_nothing },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
