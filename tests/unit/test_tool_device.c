/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tool's work in xenstore: what attach writes and who may read it, that a
 * failure leaves nothing, how it waits, and what detach takes away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../toolstack/removal.h"
#include "../../toolstack/wait.h"
#include "check.h"
#include "hush.h"
#include "tool_xenstore.h"

#define PARENT "/local/domain/0/backend/aperture/5/0"
#define CHILD "/local/domain/5/device/aperture/0"

static struct store store;
static const struct guest web = { .domid = 5, .exists = true, .name = "web" };

/* Two guests as xl leaves them. */
static void world(void)
{
	xs_fake_reset();
	store = (struct store){ .xs = xs_open(0), .transaction = XBT_NULL };
	xs_fake_put("/local/domain/0/name", "Domain-0");
	xs_fake_put("/local/domain/0/backend", "");
	xs_fake_put("/local/domain/5/name", "web");
	xs_fake_put("/local/domain/5/device", "");
	xs_fake_put("/local/domain/6/name", "mail");
	xs_fake_put("/local/domain/6/device", "");
}

static struct spec spec_of(const char *text)
{
	struct spec spec;
	struct why why;

	if (spec_parse(text, &spec, &why))
		CHECK_STR(why.text, "a specification that is right");
	return spec;
}

static int add(const char *text, struct device *device, struct why *why)
{
	struct spec spec = spec_of(text);

	return device_add(&store, &spec, &web, 0, device, why);
}

static struct device added(const char *text)
{
	struct device device;
	struct why why;

	CHECK_EQ(add(text, &device, &why), 0);
	return device;
}

/* The tree is as it was, and nothing is open. */
static void unchanged(char *before)
{
	char *after = xs_fake_dump();

	CHECK_STR(after, before);
	CHECK_EQ(xs_fake_open(), 0);
	free(before);
	free(after);
}

static int remove_quietly(struct device *device, unsigned int seconds, bool force)
{
	int kept = hush(), status = removal_run(&store, device, 1, seconds, force);

	speak(kept);
	return status;
}

static void states(const char *parent, const char *child)
{
	xs_fake_put(PARENT "/state", parent);
	xs_fake_put(CHILD "/state", child);
}

static void test_nodes(void)
{
	char *dump;

	world();
	xs_fake_put("/local/domain/6", NULL);
	added("type=mem,size=16M");
	dump = xs_fake_dump();
	CHECK_STR(dump,
		  "/local= 0\n/local/domain= 0\n/local/domain/0= 0\n/local/domain/0/backend= 0\n"
		  "/local/domain/0/backend/aperture= 0\n"
		  "/local/domain/0/backend/aperture/5= 0\n"
		  PARENT "= 0,5\n"
		  PARENT "/frontend=" CHILD " 0,5\n"
		  PARENT "/frontend-id=5 0,5\n"
		  PARENT "/max-apertures=8 0,5\n"
		  PARENT "/max-size=16777216 0,5\n"
		  PARENT "/online=1 0,5\n"
		  PARENT "/server=apertured 0,5\n"
		  PARENT "/state=1 0,5\n"
		  PARENT "/type=mem 0,5\n"
		  "/local/domain/0/name=Domain-0 0\n"
		  "/local/domain/5= 0\n/local/domain/5/device= 0\n"
		  "/local/domain/5/device/aperture= 0,5\n"
		  CHILD "= 5,0\n"
		  CHILD "/backend=" PARENT " 5,0\n"
		  CHILD "/backend-id=0 5,0\n"
		  CHILD "/state=1 5,0\n"
		  "/local/domain/5/name=web 0\n");
	free(dump);
}

static void test_driver_domain(void)
{
	struct spec spec = spec_of("type=mem,size=4K,server=program,apertures=3,id=7");
	struct device device;
	struct why why;
	char *dump;

	world();
	CHECK_EQ(device_add(&store, &spec, &web, 6, &device, &why), 0);
	CHECK_EQ(device.id, 7);
	CHECK_EQ(device.backend, 6);
	CHECK(device.by_program);
	dump = xs_fake_dump();
	CHECK(strstr(dump, "\n/local/domain/6/backend/aperture/5= 6\n"));
	CHECK(strstr(dump, "\n/local/domain/6/backend/aperture/5/7/server=program 6,5\n"));
	CHECK(strstr(dump, "\n/local/domain/5/device/aperture/7/backend-id=6 5,6\n"));
	free(dump);
}

static void test_numbers(void)
{
	struct device device;
	struct why why;
	unsigned int i;
	char *before;

	world();
	CHECK_EQ(added("type=mem,size=4K,id=1").id, 1);
	CHECK_EQ(added("type=mem,size=4K").id, 0);
	CHECK_EQ(added("type=mem,size=4K").id, 2);
	before = xs_fake_dump();
	CHECK_EQ(add("type=mem,size=4K,id=1", &device, &why), -1);
	CHECK(strstr(why.text, "device 1 already"));
	unchanged(before);
	for (i = 3; i < 64; i++)
		CHECK_EQ(added("type=mem,size=4K").id, i);
	before = xs_fake_dump();
	CHECK_EQ(add("type=mem,size=4K", &device, &why), -1);
	CHECK(strstr(why.text, "64"));
	unchanged(before);
}

/* A number counts as taken when either side still has it. */
static void test_leftover_number(void)
{
	world();
	xs_fake_put("/local/domain/0/backend/aperture/5/0", "");
	xs_fake_put("/local/domain/5/device/aperture/1", "");
	CHECK_EQ(added("type=mem,size=4K").id, 2);
}

static void test_domains(void)
{
	struct spec spec = spec_of("type=mem,size=4K");
	struct guest gone = { .domid = 9 };
	struct device device;
	struct why why;
	char *before;

	world();
	before = xs_fake_dump();
	CHECK_EQ(device_add(&store, &spec, &gone, 0, &device, &why), -1);
	CHECK(strstr(why.text, "no domain 9"));
	CHECK_EQ(device_add(&store, &spec, &web, 9, &device, &why), -1);
	CHECK(strstr(why.text, "backend=9"));
	CHECK_EQ(device_add(&store, &spec, &web, 5, &device, &why), -1);
	CHECK(strstr(why.text, "to itself"));
	unchanged(before);
}

/* Whichever change xenstore refuses: nothing is left. */
static void test_refused(void)
{
	unsigned int n, all;
	struct device device;
	struct why why;

	world();
	added("type=mem,size=4K");
	all = xs_fake_changes();
	CHECK(all > 20);
	for (n = 1; n <= all; n++) {
		char *before;

		world();
		before = xs_fake_dump();
		xs_fake_fail(n);
		CHECK_CASE(add("type=mem,size=4K", &device, &why) == -1, n, all);
		CHECK_CASE(strstr(why.text, "Permission denied"), n, all);
		unchanged(before);
	}
}

static unsigned int interference;

static void other_attaches(void)
{
	if (interference) {
		interference--;
		xs_fake_put(PARENT, "");
	}
}

static void test_interference(void)
{
	struct device device;
	struct why why;

	world();
	interference = 3;
	xs_fake_on_commit(other_attaches);
	CHECK_EQ(added("type=mem,size=4K").id, 1);
	interference = 1000;
	CHECK_EQ(add("type=mem,size=4K", &device, &why), -1);
	CHECK(strstr(why.text, "busy"));
	CHECK(interference > 900);
	CHECK_EQ(xs_fake_open(), 0);
}

static void test_find(void)
{
	struct device_list list;
	struct why why;

	world();
	added("type=mem,size=16M");
	xs_fake_put("/local/domain/0/backend/aperture/77/3/state", "4");
	xs_fake_put("/local/domain/6/device/aperture/2/state", "1");
	xs_fake_put("/local/domain/0/backend/aperture/5/not-a-number", "");
	CHECK_EQ(device_find(&store, EVERY_GUEST, false, &list, &why), 0);
	CHECK_EQ(list.count, 3);
	CHECK_EQ(list.devices[0].guest, 5);
	CHECK_EQ(list.devices[0].max_size, 16 << 20);
	CHECK_EQ(list.devices[1].guest, 6);
	CHECK(!list.devices[1].parent.there && list.devices[1].child.there);
	CHECK_EQ(list.devices[2].guest, 77);
	CHECK(list.devices[2].parent.there && !list.devices[2].child.there);
	device_list_free(&list);
	CHECK_EQ(device_find(&store, 6, false, &list, &why), 0);
	CHECK_EQ(list.count, 1);
	device_list_free(&list);
}

/* What a guest writes is data: odd numbers, octets that a terminal obeys. */
static void test_hostile_nodes(void)
{
	static const char *const odd[] = {
		"", "-1", "9", "99999999999999999999", " 4", "4 ", "04", "0x4", "four", "4\n",
	};
	struct device device;
	unsigned int i;

	world();
	device = added("type=mem,size=4K");
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		xs_fake_put(CHILD "/state", odd[i]);
		device_read(&store, &device);
		CHECK_CASE(device.child.state == STATE_NONE, i, device.child.state);
	}
	xs_fake_put(CHILD "/error", "E_NODE: \033[2J\007 bell");
	device_read(&store, &device);
	CHECK_STR(device.child.error, "E_NODE: ?[2J? bell");
}

/* A guest that names somebody else's backend does not get that one removed. */
static void test_lying_guest(void)
{
	struct device device;
	struct why why;

	world();
	xs_fake_put("/local/domain/0/backend/aperture/6/0/state", "4");
	device = added("type=mem,size=4K");
	xs_fake_put(CHILD "/backend", "/local/domain/0/backend/aperture/6/0");
	xs_fake_put(CHILD "/backend-id", "6");
	CHECK_EQ(device_remove(&store, &device, &why), 0);
	CHECK(!xs_fake_get(PARENT));
	CHECK_STR(xs_fake_get("/local/domain/0/backend/aperture/6/0/state"), "4");
}

static void test_close_idle(void)
{
	struct device device;
	bool removed = false;
	struct why why;
	char *before;

	world();
	before = xs_fake_dump();
	device = added("type=mem,size=4K");
	CHECK_EQ(device_close(&store, &device, &removed, &why), 0);
	CHECK(removed);
	unchanged(before);
}

/* Who wrote an error will write a state too: not removed under its hands. */
static void test_close_refused(void)
{
	struct device device;
	bool removed = true;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	xs_fake_put(PARENT "/error", "E_DEVICE: no type mem");
	CHECK_EQ(device_close(&store, &device, &removed, &why), 0);
	CHECK(!removed);
	CHECK_STR(xs_fake_get(PARENT "/state"), "5");
}

static void test_close_used(void)
{
	struct device device;
	bool removed = true;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	states("4", "4");
	CHECK_EQ(device_close(&store, &device, &removed, &why), 0);
	CHECK(!removed);
	CHECK_STR(xs_fake_get(PARENT "/online"), "0");
	CHECK_STR(xs_fake_get(PARENT "/state"), "5");
	CHECK_STR(xs_fake_get(CHILD "/state"), "4");
}

/* A guest that writes its own nodes without end spoils each transaction. */
static void restless(void)
{
	xs_fake_put(CHILD "/state", "4");
}

static void test_restless_guest(void)
{
	struct device device;
	bool removed = true;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	states("4", "4");
	xs_fake_on_commit(restless);
	CHECK_EQ(device_close(&store, &device, &removed, &why), 0);
	CHECK(!removed);
	CHECK_STR(xs_fake_get(PARENT "/online"), "0");
	CHECK_STR(xs_fake_get(PARENT "/state"), "5");
	CHECK_EQ(device_remove(&store, &device, &why), 0);
	CHECK(!xs_fake_get(PARENT) && !xs_fake_get(CHILD));
	xs_fake_on_commit(NULL);
}

/* The neighbours of a device that goes stay. */
static void test_remove_one(void)
{
	struct device first, second;
	struct why why;
	char *before;

	world();
	before = xs_fake_dump();
	first = added("type=mem,size=4K");
	second = added("type=mem,size=4K");
	CHECK_EQ(device_remove(&store, &first, &why), 0);
	CHECK(!xs_fake_get(PARENT) && !xs_fake_get(CHILD));
	CHECK_STR(xs_fake_get("/local/domain/0/backend/aperture/5/1/state"), "1");
	CHECK_STR(xs_fake_get("/local/domain/5/device/aperture/1/state"), "1");
	CHECK_EQ(device_remove(&store, &second, &why), 0);
	CHECK_EQ(device_remove(&store, &second, &why), 0);
	unchanged(before);
}

/* ---- waiting: the peer makes one step each time the tool looks ---------------- */

static const struct step {
	const char *path, *value;
} *script;

static void next_step(void)
{
	if (script->path) {
		xs_fake_put(script->path, script->value);
		script++;
	}
}

static enum wait_end wait_with(const struct step *steps, struct device *device,
			       enum wait_goal goal, unsigned int seconds, struct why *why)
{
	enum wait_end end;
	int kept;

	script = steps;
	xs_fake_on_look(next_step);
	kept = hush();
	end = wait_for(&store, device, goal, seconds);
	speak(kept);
	wait_explain(device, goal, end, seconds, why);
	CHECK_EQ(xs_fake_open(), 0);
	return end;
}

static const struct step nothing[] = { { NULL, NULL } };

static void test_wait_connected(void)
{
	static const struct step steps[] = {
		{ PARENT "/state", "2" }, { CHILD "/state", "3" }, { PARENT "/state", "4" },
		{ CHILD "/state", "4" }, { NULL, NULL },
	};
	struct device device;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(steps, &device, WAIT_CONNECTED, 5, &why), WAIT_REACHED);
	CHECK(!script->path);
	CHECK_EQ(wait_with(nothing, &device, WAIT_READY, 0, &why), WAIT_REACHED);
}

static void test_wait_refused(void)
{
	static const struct step parent[] = {
		{ PARENT "/error", "E_DEVICE: no type mem" }, { PARENT "/state", "5" }, { NULL, NULL },
	};
	static const struct step child[] = {
		{ PARENT "/state", "2" }, { CHILD "/error", "E_VERSION: 2 is too new" }, { NULL, NULL },
	};
	static const struct step silent[] = { { CHILD "/state", "6" }, { NULL, NULL } };
	struct device device;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(parent, &device, WAIT_CONNECTED, 5, &why), WAIT_REFUSED);
	CHECK(strstr(why.text, "E_DEVICE: no type mem"));
	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(child, &device, WAIT_CONNECTED, 5, &why), WAIT_REFUSED);
	CHECK(strstr(why.text, "the guest gave up: E_VERSION"));
	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(silent, &device, WAIT_CONNECTED, 5, &why), WAIT_REFUSED);
	CHECK(strstr(why.text, "without a reason"));
}

static void test_wait_gone(void)
{
	static const struct step steps[] = { { "/local/domain/5", NULL }, { NULL, NULL } };
	struct device device;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(steps, &device, WAIT_CONNECTED, 5, &why), WAIT_GONE);
	CHECK(strstr(why.text, "the guest ended"));
}

/* Each state in which it may stop has its own reason. */
static void test_wait_timeout(void)
{
	struct device device;
	struct why why;

	world();
	device = added("type=mem,size=4K");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CONNECTED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "nobody serves it") && strstr(why.text, "apertured"));
	states("2", "1");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CONNECTED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "no driver") && strstr(why.text, "modprobe"));
	states("2", "3");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CONNECTED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "backend InitWait, guest Initialised"));
	states("5", "4");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CLOSED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "the guest has not let go") && strstr(why.text, "--force"));
	states("5", "6");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CLOSED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "domain 0 has not let go"));
	xs_fake_put(PARENT "/server", "program");
	CHECK_EQ(wait_with(nothing, &device, WAIT_CLOSED, 0, &why), WAIT_TIMEOUT);
	CHECK(strstr(why.text, "program that serves it"));
}

static void test_removal(void)
{
	static const struct step closes[] = {
		{ CHILD "/state", "5" }, { CHILD "/state", "6" }, { PARENT "/state", "6" }, { NULL, NULL },
	};
	struct device device;
	char *before;

	world();
	before = xs_fake_dump();
	device = added("type=mem,size=4K");
	states("4", "4");
	script = closes;
	xs_fake_on_look(next_step);
	CHECK_EQ(remove_quietly(&device, 5, false), EXIT_OK);
	CHECK(!script->path);
	unchanged(before);
}

static void test_removal_hung(void)
{
	struct device device;
	char *before;

	world();
	before = xs_fake_dump();
	device = added("type=mem,size=4K");
	states("4", "4");
	CHECK_EQ(remove_quietly(&device, 0, false), EXIT_TIMEOUT);
	CHECK_STR(xs_fake_get(CHILD "/state"), "4");
	CHECK_EQ(remove_quietly(&device, 0, true), EXIT_OK);
	unchanged(before);
}

static void test_guests(void)
{
	struct guest guest;
	struct why why;

	world();
	CHECK_EQ(guest_find(&store, "web", &guest, &why), 0);
	CHECK_EQ(guest.domid, 5);
	CHECK_EQ(guest_find(&store, "6", &guest, &why), 0);
	CHECK_STR(guest.name, "mail");
	CHECK(guest.exists);
	CHECK_EQ(guest_find(&store, "77", &guest, &why), 0);
	CHECK(!guest.exists);
	CHECK_EQ(guest_find(&store, "we", &guest, &why), -1);
	CHECK_EQ(guest_find(&store, "", &guest, &why), -1);
	/* A name of digits is a number here, and a name to who asks for one. */
	xs_fake_put("/local/domain/6/name", "5");
	CHECK_EQ(guest_find(&store, "5", &guest, &why), 0);
	CHECK_EQ(guest.domid, 5);
	CHECK_EQ(guest_named(&store, "5", &guest, &why), 0);
	CHECK_EQ(guest.domid, 6);
	xs_fake_put("/local/domain/6/name", "web");
	CHECK_EQ(guest_find(&store, "web", &guest, &why), -1);
	CHECK(strstr(why.text, "2 domains"));
}

static CU_TestInfo tests[] = {
	{ "nodes and permissions", test_nodes },
	{ "a driver domain", test_driver_domain },
	{ "numbers", test_numbers },
	{ "numbers of leftovers", test_leftover_number },
	{ "domains", test_domains },
	{ "each change refused", test_refused },
	{ "interference", test_interference },
	{ "finding", test_find },
	{ "hostile nodes", test_hostile_nodes },
	{ "a lying guest", test_lying_guest },
	{ "closing an idle device", test_close_idle },
	{ "closing a refused device", test_close_refused },
	{ "closing a used device", test_close_used },
	{ "a guest that writes without end", test_restless_guest },
	{ "removing one of two", test_remove_one },
	{ "waiting: connected", test_wait_connected },
	{ "waiting: refused", test_wait_refused },
	{ "waiting: gone", test_wait_gone },
	{ "waiting: too long", test_wait_timeout },
	{ "removal", test_removal },
	{ "removal of a hung guest's", test_removal_hung },
	{ "guests", test_guests },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
