/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's moves in the handshake, on a xenstore in memory. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "tool_xenstore.h"
#include "xenbus.h"
#include "log.h"

#define BACK	"/local/domain/0/backend/aperture/5/0"
#define FRONT	"/local/domain/5/device/aperture/0"

static struct xapt_bus bus;
static struct xapt_node node;
static struct xapt_link seen;
static unsigned int connects, disconnects;
static bool answer_down;	/* disconnect is answered at once */
static bool introduced = true;
static int ask_error;		/* of xenstored, to who may not know */

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	(void)domid;
	if (!ask_error)
		return introduced;
	errno = ask_error;
	return false;
}

static void on_connect(struct xapt_node *n, const struct xapt_link *link)
{
	(void)n;
	seen = *link;
	connects++;
}

static void on_disconnect(struct xapt_node *n)
{
	disconnects++;
	if (answer_down)
		xapt_node_down(n);
}

static const struct xapt_node_ops ops = { .connect = on_connect, .disconnect = on_disconnect };

static void quiet(enum xenaperture_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void back_is(const char *name, const char *value)
{
	char path[100];
	const char *got;

	snprintf(path, sizeof(path), BACK "/%s", name);
	got = xs_fake_get(path);
	CHECK_STR(got ? got : "(none)", value ? value : "(none)");
}

static void front(const char *name, const char *value)
{
	char path[100];

	snprintf(path, sizeof(path), FRONT "/%s", name);
	xs_fake_put(path, value);
}

static void step(void)
{
	CHECK_EQ(xapt_node_step(&node, false), XAPT_STEP_STAYS);
}

/* What the toolstack writes. */
static void attach(void)
{
	xs_fake_reset();
	xapt_log_to(quiet);
	connects = disconnects = 0;
	answer_down = true;
	xs_fake_put(BACK "/frontend", FRONT);
	xs_fake_put(BACK "/online", "1");
	xs_fake_put(BACK "/type", "mem");
	xs_fake_put(BACK "/max-size", "65536");
	xs_fake_put(BACK "/max-apertures", "3");
	xs_fake_put(BACK "/state", "1");
	front("state", "1");
	CHECK_EQ(xapt_bus_open(&bus), 0);
	CHECK_EQ(xapt_node_open(&node, &bus, &ops, 5, 0, "apertured"), 0);
	step();
}

static void answer_offer(const char *epoch)
{
	front("version", "1");
	front("epoch", epoch);
	front("ring-ref0", "8");
	front("event-ref", "9");
	front("mask-ref", "10");
	front("event-channel", "17");
	front("state", "3");
	step();
}

static void bring_up(void)
{
	attach();
	answer_offer("1");
	xapt_node_up(&node, 42);
	front("state", "4");
	step();
	back_is("state", "4");
}

static void leave(void)
{
	xapt_node_close(&node);
	CHECK_EQ(xs_fake_open(), 0);
}

static void test_connect(void)
{
	attach();
	back_is("state", "2");
	back_is("epoch", "1");
	back_is("versions", "1");
	back_is("max-ring-page-order", "4");
	back_is("feature-operations", "1");
	back_is("version", NULL);
	front("max-size", "8192");
	answer_offer("1");
	CHECK_EQ(connects, 1);
	CHECK_EQ(seen.ring_ref[0], 8);
	CHECK_EQ(seen.port, 17);
	CHECK_EQ(seen.max_size, 8192);
	CHECK_EQ(seen.max_apertures, 3);
	CHECK_STR(seen.type, "mem");
	back_is("state", "2");
	step();
	CHECK_EQ(connects, 1);		/* once, however often it looks */
	xapt_node_up(&node, 42);
	back_is("state", "4");
	back_is("version", "1");
	leave();
}

/* What the log calls it. */
static void test_named(void)
{
	attach();
	CHECK_STR(node.who, "guest 5 device 0 (mem)");
	xapt_node_owner(&node, "stub domain 5 of guest 3");
	CHECK_STR(node.who, "stub domain 5 of guest 3 device 0 (mem)");
	leave();
	attach();
	xapt_node_owner(&node, "stub domain 5 of guest 3");
	answer_offer("1");
	xapt_node_up(&node, 42);
	front("state", "6");
	step();
	xapt_node_down(&node);
	front("state", "1");
	step();
	CHECK_STR(node.who, "stub domain 5 of guest 3 device 0 (mem)");
	leave();
}

/* What is offered; what is agreed on is what both want. */
static void test_features(void)
{
	static const struct {
		bool gives;
		const char *asked;
		uint32_t agreed;
	} cases[] = { { false, "1", 0 }, { true, "1", 1 }, { true, "0", 0 }, { true, NULL, 0 } };
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		attach();
		back_is("feature-unaligned", "1");
		back_is("feature-read-only", "1");
		back_is("feature-parent-memory", "0");
		bus.gives = cases[i].gives;
		node.restarted = true;
		step();
		back_is("feature-parent-memory", cases[i].gives ? "1" : "0");
		if (cases[i].asked) {
			front("feature-parent-memory", cases[i].asked);
			front("feature-read-only", cases[i].asked);
		}
		answer_offer("2");
		CHECK_CASE(seen.parent_memory == cases[i].agreed, i, seen.parent_memory);
		CHECK_CASE(seen.read_only == (cases[i].asked && *cases[i].asked == '1'), i,
			   seen.read_only);
		xapt_node_down(&node);
		leave();
	}
}

static void test_operations(void)
{
	attach();
	answer_offer("1");
	CHECK(!seen.operations);
	leave();
	attach();
	front("feature-operations", "1");
	front("record-ref0", "21");
	front("record-ref1", "22");
	answer_offer("1");
	CHECK(seen.operations);
	CHECK_EQ(seen.record_ref[0], 21);
	CHECK_EQ(seen.record_ref[1], 22);
	leave();
	attach();
	front("feature-operations", "1");
	front("record-ref0", "21");
	answer_offer("1");
	CHECK_EQ(connects, 0);
	CHECK(xs_fake_get(BACK "/error") && !strncmp(xs_fake_get(BACK "/error"), "E_NODE: ", 8));
	leave();
}

static void test_limit_of_the_bus(void)
{
	attach();
	xapt_node_close(&node);
	bus.max_size = 4096;
	xs_fake_put(BACK "/state", "1");
	CHECK_EQ(xapt_node_open(&node, &bus, &ops, 5, 0, "apertured"), 0);
	step();
	answer_offer("2");
	CHECK_EQ(seen.max_size, 4096);
	leave();
}

static void test_child_closes(void)
{
	bring_up();
	answer_down = false;
	front("state", "5");
	step();
	CHECK_EQ(disconnects, 1);
	back_is("state", "4");		/* not before nothing is mapped */
	step();
	CHECK_EQ(disconnects, 1);
	xapt_node_down(&node);
	step();
	back_is("state", "5");
	front("state", "6");
	step();
	back_is("state", "6");
	front("state", "1");
	step();
	back_is("state", "2");
	back_is("epoch", "2");
	leave();
}

static void test_child_starts_again(void)
{
	bring_up();
	front("state", "1");
	step();
	CHECK_EQ(disconnects, 1);
	back_is("state", "2");
	back_is("epoch", "2");
	answer_offer("1");		/* of the connection before */
	CHECK_EQ(connects, 1);
	back_is("state", "2");
	answer_offer("2");
	CHECK_EQ(connects, 2);
	leave();
}

static void test_worker_lost(void)
{
	bring_up();
	xapt_node_lost(&node, "worker died");
	step();
	back_is("state", "2");
	back_is("epoch", "2");
	answer_offer("2");
	xapt_node_lost(&node, "worker died");	/* while it connected */
	step();
	back_is("state", "2");
	back_is("epoch", "3");
	leave();
}

static void test_supervisor_starts_again(void)
{
	bring_up();
	xapt_node_close(&node);
	xs_fake_put(BACK "/epoch", "4294967295");
	CHECK_EQ(xapt_node_open(&node, &bus, &ops, 5, 0, "apertured"), 0);
	step();
	back_is("state", "2");
	back_is("epoch", "1");
	xapt_node_abandon(&node);
	back_is("state", "2");
	back_is("epoch", "2");
	leave();
}

static void test_bad_node(void)
{
	attach();
	front("event-ref", "x");
	front("version", "1");
	front("epoch", "1");
	front("ring-ref0", "8");
	front("state", "3");
	step();
	back_is("error", "E_NODE: node event-ref is \"x\"");
	back_is("state", "5");
	CHECK_EQ(connects, 0);
	step();
	back_is("state", "5");
	front("state", "6");
	step();
	back_is("state", "6");
	front("event-ref", "9");
	front("state", "1");
	step();
	back_is("state", "2");
	back_is("error", NULL);
	leave();
}

static void test_bad_policy(void)
{
	unsigned int changes;

	attach();
	xapt_node_close(&node);
	xs_fake_put(BACK "/type", "../x\001");
	xs_fake_put(BACK "/state", "1");
	CHECK_EQ(xapt_node_open(&node, &bus, &ops, 5, 0, "apertured"), 0);
	step();
	back_is("error", "E_NODE: node type is \"../x?\"");
	back_is("state", "5");
	/* The child has not moved: nothing is tried again, however often it looks. */
	changes = xs_fake_changes();
	step();
	step();
	CHECK_EQ(xs_fake_changes(), changes);
	leave();
}

static void test_connection_fails(void)
{
	bring_up();
	xapt_node_failed(&node, XENAPT_E_RING, "the guest's ring index is impossible");
	step();
	back_is("state", "5");
	back_is("error", "E_RING: the guest's ring index is impossible");
	leave();
}

static void test_detach(void)
{
	bring_up();
	answer_down = false;
	xs_fake_put(BACK "/online", "0");
	xs_fake_put(BACK "/state", "5");
	front("state", "5");
	step();
	CHECK_EQ(disconnects, 1);
	xapt_node_down(&node);
	front("state", "6");
	step();
	back_is("state", "6");
	xs_fake_put(BACK, NULL);
	CHECK_EQ(xapt_node_step(&node, false), XAPT_STEP_GONE);
	CHECK(!xs_fake_get(BACK));
	leave();
}

static void removed_meanwhile(void)
{
	xs_fake_on_commit(NULL);
	xs_fake_put(BACK, NULL);
}

/* The child closed and started again before the worker had let go. */
static void test_restart_while_closing(void)
{
	bring_up();
	answer_down = false;
	front("state", "5");
	step();
	front("state", "6");
	front("state", "1");
	xapt_node_down(&node);
	step();
	step();
	back_is("state", "2");
	back_is("epoch", "2");
	CHECK_EQ(disconnects, 1);
	leave();
}

/* The toolstack removes the directory while we write: it does not come back. */
static void test_removed_while_writing(void)
{
	bring_up();
	front("state", "1");
	xs_fake_on_commit(removed_meanwhile);
	step();
	CHECK(!xs_fake_get(BACK));
	CHECK(!xs_fake_get(BACK "/state"));
	CHECK_EQ(xapt_node_step(&node, false), XAPT_STEP_GONE);
	leave();
}

static void closing_meanwhile(void)
{
	xs_fake_on_commit(NULL);
	xs_fake_put(BACK "/state", "5");
	xs_fake_put(BACK "/online", "0");
}

/* The toolstack detaches while we enter Connected: its 5 is not written over. */
static void test_detached_while_connecting(void)
{
	attach();
	answer_offer("1");
	xs_fake_on_commit(closing_meanwhile);
	xapt_node_up(&node, 42);
	back_is("state", "5");
	front("state", "6");
	step();
	back_is("state", "6");
	CHECK_EQ(disconnects, 1);
	leave();
}

static void test_guest_dies(void)
{
	bring_up();
	xs_fake_put("/local/domain/0/backend/aperture/6/0/state", "4");
	xs_fake_fail(1);
	CHECK_EQ(xapt_node_step(&node, true), XAPT_STEP_STAYS);
	xs_fake_fail(0);
	CHECK_EQ(xapt_node_step(&node, true), XAPT_STEP_GONE);
	CHECK_EQ(disconnects, 1);
	CHECK(!xs_fake_get("/local/domain/0/backend/aperture/5"));
	CHECK(xs_fake_get("/local/domain/0/backend/aperture/6/0/state"));
	leave();
}

static void test_second_device_of_a_dead_guest(void)
{
	bring_up();
	xs_fake_put("/local/domain/0/backend/aperture/5/1/state", "4");
	CHECK_EQ(xapt_node_step(&node, true), XAPT_STEP_GONE);
	CHECK(xs_fake_get("/local/domain/0/backend/aperture/5/1/state"));
	leave();
}

/* Any one write that fails leaves a state from which the next steps come to the same end. */
static void test_failing_writes(void)
{
	unsigned int n;

	for (n = 1; n < 12; n++) {
		attach();
		answer_offer("1");
		xs_fake_fail(n);
		xapt_node_up(&node, 42);
		step();
		front("state", "1");
		step();
		xs_fake_fail(0);
		step();
		step();
		back_is("state", "2");
		CHECK_CASE(node.link == XAPT_LINK_NONE, n, node.link);
		CHECK_CASE(xs_fake_get(BACK "/epoch")[0] > '1', n, 0);
		leave();
	}
}

static unsigned int lines;
static char first_line[128];

static void count_lines(enum xenaperture_level level, const char *line)
{
	(void)level;
	if (!lines++)
		snprintf(first_line, sizeof(first_line), "%s", line);
}

/* A guest that connects wrongly, closes and begins again, as fast as it can. */
static void fail_often(unsigned int times)
{
	char epoch[12];
	unsigned int i;

	for (i = 0; i < times; i++) {
		snprintf(epoch, sizeof(epoch), "%u", node.epoch);
		front("ring-ref0", "x");
		front("version", "1");
		front("epoch", epoch);
		front("state", "3");
		step();
		front("state", "6");
		step();
		front("state", "1");
		step();
		back_is("state", "2");
	}
}

static void test_flood(void)
{
	attach();
	xapt_log_to(count_lines);
	lines = 0;
	fail_often(500);
	CHECK_EQ(lines, XAPT_LOG_LINES);
	/* A minute later it may say so again, and what it did not. */
	node.said.start -= 60000;
	lines = 0;
	fail_often(1);
	CHECK_STR(first_line, "guest 5 device 0 (mem): 470 lines left out, there were more than 30 in a minute");
	CHECK_EQ(lines, 2);
	/* Whoever wants to see everything does. */
	xapt_log_level(XENAPERTURE_DEBUG);
	lines = 0;
	fail_often(40);
	CHECK(lines > 40);
	xapt_log_level(XENAPERTURE_WARNING);
	leave();
}

static void test_domain(void)
{
	introduced = false;
	errno = 0;
	CHECK(!xapt_bus_domain(&bus, 5));
	introduced = true;
	CHECK(xapt_bus_domain(&bus, 5));
	/* A driver domain asks Xen. */
	ask_error = EACCES;
	CHECK(xapt_bus_domain(&bus, 5));
	xs_fake_domain_gone = true;
	CHECK(!xapt_bus_domain(&bus, 5));
	xs_fake_domain_gone = false;
	ask_error = 0;
}

static CU_TestInfo tests[] = {
	{ "connect", test_connect },
	{ "what the log calls it", test_named },
	{ "the parent's own limit", test_limit_of_the_bus },
	{ "features", test_features },
	{ "operations", test_operations },
	{ "the child closes", test_child_closes },
	{ "the child starts again", test_child_starts_again },
	{ "the worker is lost", test_worker_lost },
	{ "the supervisor starts again", test_supervisor_starts_again },
	{ "a bad node", test_bad_node },
	{ "a bad policy", test_bad_policy },
	{ "a connection fails", test_connection_fails },
	{ "detach", test_detach },
	{ "started again while closing", test_restart_while_closing },
	{ "removed while writing", test_removed_while_writing },
	{ "detached while connecting", test_detached_while_connecting },
	{ "the guest dies", test_guest_dies },
	{ "another device of a dead guest", test_second_device_of_a_dead_guest },
	{ "failing writes", test_failing_writes },
	{ "a flood of errors", test_flood },
	{ "does the domain exist", test_domain },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
