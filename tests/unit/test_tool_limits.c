/* SPDX-License-Identifier: GPL-2.0-only */
/* Which limits admit which devices: each one at its edge, and what is said. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "bounds.h"
#include "measure.h"
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
	facts.policy_given_total = 128 * MIB;
	facts.boot_maptrack = facts.guest_maptrack = 1024;
	facts.guest_entries_a_page = 2;
	facts.parent_frames = 64;
	facts.parent_ports = 131071;
	facts.parent_ports_used = 90;
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
	struct demand given = *demand;

	limits.count = 0;
	limits_of_guest(&facts, demand, &limits);
	demand_give(&facts, &given);
	limits_of_parent(&facts, &given, &limits);
	limits_of_given(&facts, &given, &limits);
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
		{ "grant entries of domain 0", "gnttab_max_frames=", &facts.parent_frames, 512 },
		{ "event channels of domain 0", "nothing: detach devices of other guests", &facts.parent_ports, 1 },
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
		facts.parent_grants_used = 77;
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
	facts.guest_maptrack = 35;
	make(&demand);
	CHECK(limit_fits(row("maptrack entries of the guest")));
	CHECK_EQ(row("maptrack entries of the guest")->need, 8192);
	facts.guest_maptrack = 34;
	make(&demand);
	only("maptrack entries of the guest", "max_maptrack_frames in the guest's configuration");
	/* A PVH guest's programs take none. */
	facts.guest_entries_a_page = 1;
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

/* What the parent's memory needs of both, is what the parent would give at most. */
static void test_given(void)
{
	struct demand demand = demand_of("type=mem,size=64M");

	begin();
	facts.given_used = 4 * MIB;
	make(&demand);
	CHECK_EQ(row("memory given to the guest (policy)")->need, 12 * MIB);
	CHECK_EQ(row("grant entries of domain 0")->need, 3072 + 6);
	CHECK_EQ(row("maptrack entries of the guest")->need, 6144);
	CHECK_EQ(row("memory of domain 0, available")->need, 3072 * (4096 + 128) + 8 * MIB);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.given_total_used = 127 * MIB;
	make(&demand);
	CHECK_EQ(row("maptrack entries of the guest")->need, 512);
	facts.given_total_used = 129 * MIB;
	make(&demand);
	CHECK_EQ(row("grant entries of domain 0")->need, 0);
	facts.policy_given = NOT_KNOWN;
	facts.given_total_used = 0;
	make(&demand);
	CHECK_EQ(row("grant entries of domain 0")->need, 0);
	/* Nothing is given: then nothing of it is short. */
	facts.policy_given = facts.guest_maptrack = facts.parent_frames = 0;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
}

/* First devices wait in one word, in sixteen lanes. */
static void test_stub(void)
{
	struct demand demand = demand_of("type=timer,fast=yes");

	begin();
	facts.stub_there = true;
	facts.stub_lanes_used = 15;
	facts.stub_ports_used = 62;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.stub_lanes_used = 16;
	make(&demand);
	only("first devices in the stub domain", "nothing: uninstall one");
	facts.stub_lanes_used = 15;
	facts.stub_ports_used = 63;
	make(&demand);
	only("event channels of the stub domain", "nothing: uninstall one");
	/* With the first door come the vCPUs, with another one no more of them. */
	demand = demand_of("type=timer,io=1");
	facts.vcpus = 20;
	facts.stub_ports_used = 42;
	make(&demand);
	CHECK_EQ(row("event channels of the stub domain")->need, 21);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.trapped_used = 1;
	make(&demand);
	CHECK_EQ(row("event channels of the stub domain")->need, 1);
}

/* What a daemon elsewhere says of its policy: all of it, or nothing. */
static void test_policy(void)
{
	static const char good[] = "max_pages_per_guest=1 max_mapped_total=2 max_size=3 max_given=4 max_given_total=5";
	static const char *const bad[] = {
		"", "1", "max_pages_per_guest=1 max_mapped_total=2 max_size=3 max_given=4",
		"max_pages_per_guest=1 max_mapped_total=2 max_size=3 max_given=4 max_given_total=5 more=6",
		"max_pages_per_guest=1 max_mapped_total=2 max_size=3 max_given=-4 max_given_total=5",
		"max_pages_per_guest=1 max_mapped_total=2 max_size=x max_given=4 max_given_total=5",
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		policy_parse(bad[i], &facts);
		CHECK_CASE(facts.policy_pages == 32768 && facts.policy_given == 16 * MIB &&
			   facts.policy_given_total == 128 * MIB, i, facts.policy_pages);
	}
	policy_parse(good, &facts);
	CHECK(facts.policy_pages == 1 && facts.policy_total == 2 && facts.policy_size == 3 &&
	      facts.policy_given == 4 && facts.policy_given_total == 5);
}

/* Of a driver domain: its policy, its own quota, tables and memory. */
static void test_driver(void)
{
	static const struct {
		const char *name, *setting;
		uint64_t *fact;
		uint64_t times;
	} edges[] = {
		{ "grant entries of domain 6", "max_grant_frames in that domain's configuration", &facts.parent_frames, 512 },
		{ "event channels of domain 6", "max_event_channels in that domain's configuration", &facts.parent_ports, 1 },
		{ "pages mapped of the guest (policy)", "max_pages_per_guest", &facts.policy_pages, 1 },
		{ "largest aperture (policy)", "max_size", &facts.policy_size, 1 },
	};
	struct demand demand = demand_of("type=mem,size=4K");
	unsigned int i;

	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		struct limit *limit;

		begin();
		facts.backend = 6;
		facts.parent_grants_used = 77;
		make(&demand);
		limit = row(edges[i].name);
		CHECK(limit->need);
		*edges[i].fact = (limit->need + limit->kept + limit->used + edges[i].times - 1) / edges[i].times;
		make(&demand);
		CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
		--*edges[i].fact;
		make(&demand);
		only(edges[i].name, edges[i].setting);
	}
	begin();
	facts.backend = 6;
	facts.parent_memory = 14 * MIB;
	make(&demand);
	CHECK_EQ(limits_refuse(&limits, &(struct why){ "" }), 0);
	facts.parent_memory = 12 * MIB;
	make(&demand);
	only("memory of domain 6", "memory in that domain's configuration");
	begin();
	facts.backend = 6;
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
	{ "memory of the parent's", test_given },
	{ "the stub domain", test_stub },
	{ "policy of another domain", test_policy },
	{ "driver domains", test_driver },
	{ "nothing, and too much", test_nothing },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
