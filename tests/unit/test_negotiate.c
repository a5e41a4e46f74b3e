/* SPDX-License-Identifier: GPL-2.0-only */
/* What both ends agree on: sizes, versions, the child's nodes, the policy. */
#include <stdio.h>
#include <string.h>

#include "negotiate.h"
#include "check.h"

#define PAGE	((uint64_t)XENAPT_PAGE_SIZE)
#define LARGEST	XENAPT_MAX_SIZE
#define PLENTY	UINT64_MAX

struct size_case {
	uint64_t wanted, least, policy, pages_left;
	enum xenapt_status status;
	uint64_t granted;
};

static const struct size_case size_cases[] = {
	/* the child's size is no size */
	{ 0, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ZERO, 0 },
	{ 0, 1, 0, 0, XENAPT_E_SIZE_ZERO, 0 },
	{ 1, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ALIGN, 0 },
	{ PAGE - 1, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ALIGN, 0 },
	{ PAGE + 1, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ALIGN, 0 },
	{ UINT64_MAX, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ALIGN, 0 },
	{ LARGEST + 1, 0, LARGEST, PLENTY, XENAPT_E_SIZE_ALIGN, 0 },
	{ LARGEST + PAGE, 0, LARGEST, PLENTY, XENAPT_E_SIZE_MAX, 0 },
	{ UINT64_MAX - PAGE + 1, 0, LARGEST, PLENTY, XENAPT_E_SIZE_MAX, 0 },
	{ LARGEST + PAGE, UINT64_MAX, PAGE, 1, XENAPT_E_SIZE_MAX, 0 },
	/* policy lower, equal, higher */
	{ 8 * PAGE, 0, 4 * PAGE, PLENTY, XENAPT_OK, 4 * PAGE },
	{ 8 * PAGE, 0, 8 * PAGE, PLENTY, XENAPT_OK, 8 * PAGE },
	{ 8 * PAGE, 0, 16 * PAGE, PLENTY, XENAPT_OK, 8 * PAGE },
	{ LARGEST, 0, LARGEST, PLENTY, XENAPT_OK, LARGEST },
	{ LARGEST, 0, PAGE, PLENTY, XENAPT_OK, PAGE },
	{ PAGE, PAGE, PAGE, 1, XENAPT_OK, PAGE },
	/* what Xen leaves: lower, equal, higher; products that overflow */
	{ 8 * PAGE, 0, LARGEST, 7, XENAPT_OK, 7 * PAGE },
	{ 8 * PAGE, 0, LARGEST, 8, XENAPT_OK, 8 * PAGE },
	{ 8 * PAGE, 0, LARGEST, 9, XENAPT_OK, 8 * PAGE },
	{ 8 * PAGE, 0, 4 * PAGE, 3, XENAPT_OK, 3 * PAGE },
	{ 8 * PAGE, 0, LARGEST, (uint64_t)1 << 52, XENAPT_OK, 8 * PAGE },
	{ 8 * PAGE, 0, LARGEST, ((uint64_t)1 << 52) + 1, XENAPT_OK, 8 * PAGE },
	{ LARGEST, 0, LARGEST, XENAPT_MAX_PAGES - 1, XENAPT_OK, LARGEST - PAGE },
	/* the least that is of use */
	{ 8 * PAGE, 8 * PAGE, 8 * PAGE, 8, XENAPT_OK, 8 * PAGE },
	{ 8 * PAGE, 4 * PAGE, 4 * PAGE, PLENTY, XENAPT_OK, 4 * PAGE },
	{ 8 * PAGE, 4 * PAGE + 1, 4 * PAGE, PLENTY, XENAPT_E_SIZE_LEAST, 4 * PAGE },
	{ 8 * PAGE, 8 * PAGE, 8 * PAGE, 7, XENAPT_E_SIZE_LEAST, 7 * PAGE },
	{ 8 * PAGE, UINT64_MAX, LARGEST, PLENTY, XENAPT_E_SIZE_LEAST, 8 * PAGE },
	{ 8 * PAGE, 8 * PAGE + 1, LARGEST, PLENTY, XENAPT_E_SIZE_LEAST, 8 * PAGE },
	{ 8 * PAGE, 1, LARGEST, 0, XENAPT_E_SIZE_LEAST, 0 },
};

static void check_size(const struct size_case *c, uint64_t id)
{
	uint64_t granted = UINT64_MAX;
	enum xenapt_status status = xapt_negotiate_size(c->wanted, c->least, c->policy,
							c->pages_left, &granted);

	CHECK_CASE(status == c->status, id, status);
	if (c->status == XENAPT_OK || c->status == XENAPT_E_SIZE_LEAST)
		CHECK_CASE(granted == c->granted, id, granted);
}

static void sizes_table(void)
{
	for (size_t i = 0; i < sizeof(size_cases) / sizeof(*size_cases); i++)
		check_size(&size_cases[i], i);
}

/* The contract's paragraph on OPEN, line by line, in numbers that cannot overflow. */
static struct size_case reference(uint64_t wanted, uint64_t least, uint64_t policy, uint64_t pages)
{
	struct size_case c = { wanted, least, policy, pages, XENAPT_OK, 0 };
	unsigned __int128 result = wanted;

	if (!wanted)
		c.status = XENAPT_E_SIZE_ZERO;
	else if (wanted % PAGE)
		c.status = XENAPT_E_SIZE_ALIGN;
	else if (wanted > LARGEST)
		c.status = XENAPT_E_SIZE_MAX;
	if (result > policy)
		result = policy;
	if (result > (unsigned __int128)pages * PAGE)
		result = (unsigned __int128)pages * PAGE;
	if (c.status == XENAPT_OK && result < least)
		c.status = XENAPT_E_SIZE_LEAST;
	c.granted = (uint64_t)result;
	return c;
}

static uint64_t some_size(uint64_t *seed)
{
	uint64_t r = check_random(seed);

	switch (r % 4) {
	case 0:
		return (r >> 3) % 20 * PAGE;
	case 1:
		return (r >> 3) % 20 * PAGE + (r >> 40) % 3 - 1;
	case 2:
		return LARGEST + (r >> 3) % 3 * PAGE - PAGE;
	default:
		return r >> (r >> 10) % 64;
	}
}

static void sizes_random(void)
{
	uint64_t seed = 4;

	for (unsigned int i = 0; i < 50000; i++) {
		uint64_t wanted = some_size(&seed);
		uint64_t least = check_random(&seed) % 3 ? some_size(&seed) : 0;
		uint64_t policy = PAGE * (1 + check_random(&seed) % XENAPT_MAX_PAGES);
		uint64_t pages = check_random(&seed);
		struct size_case c;

		pages = 1 + (pages >> pages % 64);
		c = reference(wanted, least, policy, pages);

		check_size(&c, i);
	}
}

static void versions(void)
{
	static const uint16_t one[] = { 1 }, two[] = { 2 }, many[] = { 1, 2, 5, 9 }, far[] = { 5, 65535 };

	CHECK_EQ(xapt_choose_version(one, 1, one, 1), 1);
	CHECK_EQ(xapt_choose_version(one, 1, two, 1), 0);
	CHECK_EQ(xapt_choose_version(many, 4, one, 1), 1);
	CHECK_EQ(xapt_choose_version(one, 1, many, 4), 1);
	CHECK_EQ(xapt_choose_version(many, 4, two, 1), 2);
	CHECK_EQ(xapt_choose_version(many, 4, far, 2), 5);
	CHECK_EQ(xapt_choose_version(far, 2, many, 4), 5);
	CHECK_EQ(xapt_choose_version(many, 4, many, 4), 9);
	CHECK_EQ(xapt_choose_version(many, 0, one, 1), 0);
	CHECK_EQ(xapt_choose_version(one, 1, many, 0), 0);
}

/* A directory of nodes that counts how often each is read. */
struct nodes {
	struct node {
		const char *name;
		const char *value;
		unsigned int read;
	} node[48];
	size_t n;
	unsigned int unknown;	/* asked for, not there */
	char last[128];		/* the reader's copy lives until the next call only */
};

static const char *read_node(void *ctx, const char *name)
{
	struct nodes *t = ctx;

	memset(t->last, 'X', sizeof(t->last));
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->node[i].name, name))
			continue;
		t->node[i].read++;
		if (!t->node[i].value)
			return NULL;
		snprintf(t->last, sizeof(t->last), "%s", t->node[i].value);
		return t->last;
	}
	t->unknown++;
	return NULL;
}

static struct node *find(struct nodes *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->node[i].name, name))
			return &t->node[i];
	t->node[t->n] = (struct node){ .name = name };
	return &t->node[t->n++];
}

static void set(struct nodes *t, const char *name, const char *value)
{
	find(t, name)->value = value;
}

static const uint16_t one_version[] = { 1, 3 };
static const struct xapt_offerings offering = {
	.versions = one_version, .nr_versions = 2, .epoch = 7, .max_ring_order = 2,
};

static const char *const ref_names[] = { "ring-ref0", "ring-ref1", "ring-ref2", "ring-ref3" };
static const char *const ref_values[] = { "9", "4294967295", "11", "12" };

static void good_nodes(struct nodes *t)
{
	memset(t, 0, sizeof(*t));
	set(t, "version", "3");
	set(t, "epoch", "7");
	set(t, "ring-page-order", "2");
	for (unsigned int i = 0; i < 4; i++)
		set(t, ref_names[i], ref_values[i]);
	set(t, "event-ref", "20");
	set(t, "mask-ref", "21");
	set(t, "event-channel", "17");
	set(t, "max-size", "67108864");
	set(t, "feature-unaligned", "1");
}

static void frontend_good(void)
{
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct nodes t;

	good_nodes(&t);
	CHECK_EQ(xapt_read_frontend(read_node, &t, &offering, &fe, &problem), XENAPT_OK);
	CHECK_EQ(fe.version, 3);
	CHECK_EQ(fe.epoch, 7);
	CHECK_EQ(fe.ring_order, 2);
	CHECK_EQ(fe.ring_ref[0], 9);
	CHECK_EQ(fe.ring_ref[1], 4294967295u);
	CHECK_EQ(fe.ring_ref[3], 12);
	CHECK_EQ(fe.event_ref, 20);
	CHECK_EQ(fe.mask_ref, 21);
	CHECK_EQ(fe.port, 17);
	CHECK_EQ(fe.max_size, 67108864);
	CHECK(fe.unaligned);
	for (size_t i = 0; i < t.n; i++)
		CHECK_CASE(t.node[i].read == 1, i, t.node[i].read);
}

/* 16 ring pages: names with one digit and with two. */
static void frontend_largest_ring(void)
{
	static const struct xapt_offerings largest = {
		.versions = one_version, .nr_versions = 2, .epoch = 7, .max_ring_order = 4,
	};
	static char name[16][16], value[16][16];
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct nodes t;

	good_nodes(&t);
	set(&t, "ring-page-order", "4");
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(name[i], sizeof(name[i]), "ring-ref%u", i);
		snprintf(value[i], sizeof(value[i]), "%u", 100 + i);
		set(&t, name[i], value[i]);
	}
	CHECK_EQ(xapt_read_frontend(read_node, &t, &largest, &fe, &problem), XENAPT_OK);
	for (unsigned int i = 0; i < 16; i++)
		CHECK_EQ(fe.ring_ref[i], 100 + i);
	good_nodes(&t);
	set(&t, "ring-page-order", "4");
	CHECK_EQ(xapt_read_frontend(read_node, &t, &largest, &fe, &problem), XENAPT_E_NODE);
	CHECK_STR(problem.node, "ring-ref4");
}

static void frontend_optional(void)
{
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct nodes t;

	good_nodes(&t);
	set(&t, "ring-page-order", NULL);
	set(&t, "max-size", NULL);
	set(&t, "feature-unaligned", NULL);
	CHECK_EQ(xapt_read_frontend(read_node, &t, &offering, &fe, &problem), XENAPT_OK);
	CHECK_EQ(fe.ring_order, 0);
	CHECK_EQ(fe.max_size, XENAPT_MAX_SIZE);
	CHECK(!fe.unaligned);
	CHECK_EQ(find(&t, "ring-ref0")->read, 1);
	CHECK_EQ(find(&t, "ring-ref1")->read, 0);
	set(&t, "feature-unaligned", "0");
	CHECK_EQ(xapt_read_frontend(read_node, &t, &offering, &fe, &problem), XENAPT_OK);
	CHECK(!fe.unaligned);
}

struct bad_node {
	const char *name, *value;
	enum xenapt_status status;
};

static const struct bad_node bad_nodes[] = {
	{ "version", NULL, XENAPT_E_NODE },
	{ "version", "", XENAPT_E_NODE },
	{ "version", "one", XENAPT_E_NODE },
	{ "version", "03", XENAPT_E_NODE },
	{ "version", "65539", XENAPT_E_NODE },		/* 3, cut to 16 bits */
	{ "version", "2", XENAPT_E_VERSION },
	{ "version", "4", XENAPT_E_VERSION },
	{ "version", "65535", XENAPT_E_VERSION },
	{ "epoch", NULL, XENAPT_E_NODE },
	{ "epoch", "7 ", XENAPT_E_NODE },
	{ "epoch", "0", XENAPT_E_NODE },
	{ "epoch", "4294967303", XENAPT_E_NODE },	/* 7, cut to 32 bits */
	{ "epoch", "6", XENAPT_E_GONE },
	{ "epoch", "8", XENAPT_E_GONE },
	{ "ring-page-order", "3", XENAPT_E_NODE },
	{ "ring-page-order", "", XENAPT_E_NODE },
	{ "ring-page-order", "-1", XENAPT_E_NODE },
	{ "ring-page-order", "4294967298", XENAPT_E_NODE },
	{ "ring-ref0", NULL, XENAPT_E_NODE },
	{ "ring-ref3", NULL, XENAPT_E_NODE },
	{ "ring-ref2", "4294967296", XENAPT_E_NODE },
	{ "ring-ref1", "x", XENAPT_E_NODE },
	{ "event-ref", NULL, XENAPT_E_NODE },
	{ "event-ref", "-20", XENAPT_E_NODE },
	{ "mask-ref", NULL, XENAPT_E_NODE },
	{ "mask-ref", "18446744073709551637", XENAPT_E_NODE },
	{ "event-channel", NULL, XENAPT_E_NODE },
	{ "event-channel", "4294967313", XENAPT_E_NODE },
	{ "event-channel", "0x11", XENAPT_E_NODE },
	{ "max-size", "", XENAPT_E_NODE },
	{ "max-size", "64M", XENAPT_E_NODE },
	{ "max-size", "18446744073709551616", XENAPT_E_NODE },
	{ "feature-unaligned", "2", XENAPT_E_NODE },
	{ "feature-unaligned", "yes", XENAPT_E_NODE },
	{ "feature-unaligned", "", XENAPT_E_NODE },
};

static void frontend_bad(void)
{
	for (size_t i = 0; i < sizeof(bad_nodes) / sizeof(*bad_nodes); i++) {
		const struct bad_node *b = &bad_nodes[i];
		struct xapt_problem problem = { .status = 99 };
		struct xapt_frontend fe;
		struct nodes t;

		good_nodes(&t);
		set(&t, b->name, b->value);
		CHECK_CASE(xapt_read_frontend(read_node, &t, &offering, &fe, &problem) == b->status,
			   i, b->status);
		for (size_t k = 0; k < t.n; k++)
			CHECK_CASE(t.node[k].read <= 1, i, k);
		if (b->status == XENAPT_E_GONE)
			continue;
		CHECK_EQ(problem.status, b->status);
		CHECK_STR(problem.node, b->name);
		CHECK_STR(problem.value, b->value ? b->value : "");
	}
}

/* The nodes of an earlier connection are no error, whatever else they hold. */
static void frontend_of_another_epoch(void)
{
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct nodes t;

	good_nodes(&t);
	set(&t, "epoch", "6");
	set(&t, "ring-ref3", NULL);
	set(&t, "event-channel", NULL);
	CHECK_EQ(xapt_read_frontend(read_node, &t, &offering, &fe, &problem), XENAPT_E_GONE);
}

/* A long value is cut in the report, and the report is a string. */
static void problem_is_bounded(void)
{
	static const char text[] = "0123456789012345678901234567890123456789012345678901234567890";
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct nodes t;

	memset(&problem, 0xff, sizeof(problem));
	good_nodes(&t);
	set(&t, "event-ref", text);
	CHECK_EQ(xapt_read_frontend(read_node, &t, &offering, &fe, &problem), XENAPT_E_NODE);
	CHECK(memchr(problem.value, 0, sizeof(problem.value)) != NULL);
	CHECK(memchr(problem.node, 0, sizeof(problem.node)) != NULL);
	CHECK(!strncmp(problem.value, text, 20));
}

/* Random nodes: OK only for what the grammar allows, and then what was written. */
static void frontend_random(void)
{
	static const char *const value[] = { "0", "1", "3", "7", "4095", "4096", "4294967295", "x",
					     "4294967296", "", "01", "67108864", NULL };
	uint64_t seed = 5;
	unsigned int good = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		struct xapt_problem problem = { 0 };
		struct xapt_frontend fe = { 0 };
		enum xenapt_status status;
		struct nodes t;

		good_nodes(&t);
		for (unsigned int k = 0; k < 2; k++)
			t.node[check_random(&seed) % t.n].value =
				value[check_random(&seed) % (sizeof(value) / sizeof(*value))];
		status = xapt_read_frontend(read_node, &t, &offering, &fe, &problem);
		if (status == XENAPT_OK) {
			good++;
			CHECK(fe.epoch == 7 && fe.ring_order <= 2);
			CHECK(fe.version == 1 || fe.version == 3);
		} else {
			CHECK(status == XENAPT_E_NODE || status == XENAPT_E_VERSION ||
			      status == XENAPT_E_GONE);
		}
	}
	CHECK(good > 100);
}

static void good_policy(struct nodes *t)
{
	memset(t, 0, sizeof(*t));
	set(t, "type", "mem");
	set(t, "max-size", "16777216");
	set(t, "max-apertures", "8");
}

static void policy_good(void)
{
	struct xapt_problem problem;
	struct xapt_policy policy;
	struct nodes t;

	good_policy(&t);
	CHECK_EQ(xapt_read_policy(read_node, &t, &policy, &problem), XENAPT_OK);
	CHECK_STR(policy.type, "mem");
	CHECK_EQ(policy.max_size, 16777216);
	CHECK_EQ(policy.max_apertures, 8);
	set(&t, "type", "abcdefghijklmnopqrstuvwxyz01234");
	set(&t, "max-size", "4261478400");
	set(&t, "max-apertures", "64");
	CHECK_EQ(xapt_read_policy(read_node, &t, &policy, &problem), XENAPT_OK);
	CHECK_STR(policy.type, "abcdefghijklmnopqrstuvwxyz01234");
	CHECK_EQ(policy.max_size, XENAPT_MAX_SIZE);
	set(&t, "max-size", "4096");
	set(&t, "max-apertures", "1");
	CHECK_EQ(xapt_read_policy(read_node, &t, &policy, &problem), XENAPT_OK);
}

static const struct bad_node bad_policies[] = {
	{ "type", NULL, 0 }, { "type", "", 0 }, { "type", "../mem", 0 }, { "type", "Mem", 0 },
	{ "max-size", NULL, 0 }, { "max-size", "0", 0 }, { "max-size", "1", 0 },
	{ "max-size", "4095", 0 }, { "max-size", "4097", 0 }, { "max-size", "4261478401", 0 },
	{ "max-size", "4261482496", 0 }, { "max-size", "18446744073709551615", 0 },
	{ "max-size", "16M", 0 }, { "max-apertures", NULL, 0 }, { "max-apertures", "0", 0 },
	{ "max-apertures", "65", 0 }, { "max-apertures", "4294967297", 0 },
};

static void policy_bad(void)
{
	for (size_t i = 0; i < sizeof(bad_policies) / sizeof(*bad_policies); i++) {
		struct xapt_problem problem = { 0 };
		struct xapt_policy policy;
		struct nodes t;

		good_policy(&t);
		set(&t, bad_policies[i].name, bad_policies[i].value);
		CHECK_CASE(xapt_read_policy(read_node, &t, &policy, &problem) == XENAPT_E_NODE, i, 0);
		CHECK_STR(problem.node, bad_policies[i].name);
	}
}

static void names(void)
{
	CHECK_STR(xapt_status_name(XENAPT_OK), "OK");
	CHECK_STR(xapt_status_name(XENAPT_E_MALFORMED), "E_MALFORMED");
	CHECK_STR(xapt_status_name(XENAPT_E_STATE), "E_STATE");
	CHECK_STR(xapt_status_name(XENAPT_E_SIZE_ZERO), "E_SIZE_ZERO");
	CHECK_STR(xapt_status_name(XENAPT_E_SIZE), "E_SIZE");
	CHECK_STR(xapt_status_name(XENAPT_E_APERTURES), "E_APERTURES");
	CHECK_STR(xapt_status_name(XENAPT_E_MAPPED_PAGES), "E_MAPPED_PAGES");
	CHECK_STR(xapt_status_name(XENAPT_E_MEMORY), "E_MEMORY");
	CHECK_STR(xapt_status_name(XENAPT_E_DIRECTORY), "E_DIRECTORY");
	CHECK_STR(xapt_status_name(XENAPT_E_BUSY), "E_BUSY");
	CHECK_STR(xapt_status_name(XENAPT_E_RING), "E_RING");
	CHECK_STR(xapt_status_name(XENAPT_E_GONE), "E_GONE");
	CHECK_STR(xapt_status_name(XENAPT_E_DECLINED), "E_DECLINED");
	CHECK_STR(xapt_status_name(XENAPT_E_STRADDLE), "E_STRADDLE");
	CHECK_STR(xapt_status_name(XENAPT_E_RECORD_VERSION), "E_RECORD_VERSION");
	for (unsigned int i = 6; i < 16; i++)
		CHECK_STR(xapt_status_name(i), "E_?");
	CHECK_STR(xapt_status_name(70), "E_?");
	CHECK_STR(xapt_status_name(XENAPT_E_ADDRESS), "E_ADDRESS");
	CHECK_STR(xapt_status_name(90), "E_?");
	CHECK_STR(xapt_status_name(0x80000001u), "E_?");
	CHECK_STR(xapt_status_name(UINT32_MAX), "E_?");
}

static CU_TestInfo tests[] = {
	{ "sizes, table", sizes_table },
	{ "sizes against the reference", sizes_random },
	{ "versions", versions },
	{ "frontend nodes, each read once", frontend_good },
	{ "frontend nodes of the largest ring", frontend_largest_ring },
	{ "frontend nodes that may be missing", frontend_optional },
	{ "frontend nodes, each one bad", frontend_bad },
	{ "frontend nodes of another epoch", frontend_of_another_epoch },
	{ "the report of a bad node is bounded", problem_is_bounded },
	{ "frontend nodes, random", frontend_random },
	{ "policy nodes", policy_good },
	{ "policy nodes, each one bad", policy_bad },
	{ "names of errors", names },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
