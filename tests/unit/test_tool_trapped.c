/* SPDX-License-Identifier: GPL-2.0-only */
/* Trapped devices as the tool makes and takes them. xl, Xen, the stub domain and apertured are played here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../toolstack/command.h"
#include "../../toolstack/fast.h"
#include "../../toolstack/intercept.h"
#include "../../toolstack/renew.h"
#include "../../toolstack/target.h"
#include "../../toolstack/wait.h"
#include "../../toolstack/xl.h"
#include "check.h"
#include "hush.h"
#include "tool_xenstore.h"

#define STUB	"/local/domain/9/aperture/trapped"
#define TOLD	"/local/domain/5/aperture"
#define BACK	"/local/domain/0/backend/aperture/9"
#define FRONT	"/local/domain/9/device/aperture"
#define FAST	"/local/domain/9/backend/aperture-fast/5"
#define LIST	"/local/domain/0/aperture-stub/9"
#define DEVICES	10u

static struct store store;
static struct guest web = { .domid = 5, .exists = true, .name = "web" };
static struct fast_options options;
static struct target_guest xen;		/* what it says of the guest */
static bool served, memory_there, target_fails, answers, stub_paused;
static unsigned int targets, creates, destroys, octets;
static bool create_fails;
static const char *refusal;
static char said[2000];

/* ---- Xen and xl ---- */

int target_look(unsigned int guest, struct target_guest *look, struct why *why)
{
	(void)why;
	CHECK(guest == 5 || guest == 9);
	*look = guest == 5 ? xen : (struct target_guest){ .pv = true, .paused = stub_paused };
	return 0;
}

int target_set(unsigned int stub, unsigned int guest, struct why *why)
{
	CHECK(stub == 9 && guest == 5);
	/* Before it looks for doors. */
	CHECK(!xs_fake_get(STUB));
	if (target_fails)
		return why_set(why, "Xen says no");
	targets++;
	return 0;
}

bool target_processors(unsigned int *processors, unsigned int *vcpus)
{
	*processors = *vcpus = 4;
	return true;
}

bool target_has_memory(unsigned int guest, uint64_t address, uint64_t size)
{
	(void)size;
	CHECK_EQ(guest, 5);
	return memory_there && address == 0xfc000000;
}

bool target_is_served(unsigned int guest)
{
	CHECK_EQ(guest, 5);
	return served;
}

int xl_run(const char *const *words)
{
	if (!strcmp(words[1], "create")) {
		if (create_fails)
			return 1;
		creates++;
		xs_fake_put("/local/domain/9/name", "web-aperture");
	} else if (!strcmp(words[1], "destroy")) {
		/* Not while the guest would hang. */
		CHECK(!served || !xs_fake_get("/local/domain/5"));
		destroys++;
		xs_fake_put("/local/domain/9", NULL);
	}
	return 0;
}

/* ---- the stub domain and apertured ---- */

static bool is(const char *folder, unsigned int id, const char *node, const char *value)
{
	char path[120];
	const char *has;

	snprintf(path, sizeof(path), "%s/%u/%s", folder, id, node);
	has = xs_fake_get(path);
	return has && !strcmp(has, value);
}

static void put(const char *folder, unsigned int id, const char *node, const char *value)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%u/%s", folder, id, node);
	xs_fake_put(path, value);
}

static void open_door(unsigned int id)
{
	char size[16];

	if (refusal) {
		put(STUB, id, "error", refusal);
		put(STUB, id, "state", "6");
		return;
	}
	snprintf(size, sizeof(size), "%u", octets);
	put(STUB, id, "size", size);
	put(STUB, id, "event-channel", "7");
	put(STUB, id, "state", "4");
	put(FRONT, id, "state", "4");
	put(BACK, id, "state", "4");
	served = true;
}

static void play(void)
{
	unsigned int id, open = 0;

	if (is(FAST, 0, "state", "1"))
		put(FAST, 0, "state", "2");
	for (id = 0; id < DEVICES && answers; id++) {
		if (is(STUB, id, "state", "1"))
			open_door(id);
		else if (is(STUB, id, "state", "5"))
			put(STUB, id, "state", "6");
		open += is(STUB, id, "state", "4");
		if (is(BACK, id, "online", "0") && is(BACK, id, "state", "5")) {
			/* Accesses end before the slow lane does. */
			CHECK(!is(STUB, id, "state", "4"));
			put(FRONT, id, "state", "6");
			put(BACK, id, "state", "6");
		}
	}
	if (answers)
		served = open;
}

static void world(void)
{
	xs_fake_reset();
	store = (struct store){ .xs = xs_open(0), .transaction = XBT_NULL };
	options = (struct fast_options){ 0 };
	xen = (struct target_guest){ .vcpus = 4, .memory = 256u << 20 };
	served = memory_there = target_fails = stub_paused = false;
	answers = true;
	refusal = NULL;
	targets = creates = destroys = 0;
	create_fails = false;
	octets = 768;
	xs_fake_put("/local/domain/0/backend", "");
	xs_fake_put("/local/domain/0/name", "Domain-0");
	xs_fake_put("/local/domain/5/name", "web");
	xs_fake_put("/local/domain/5/device", "");
	xs_fake_on_look(play);
}

static struct spec parse(const char *text)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse(text, &spec, &why), 0);
	return spec;
}

/* What was told the administrator since listen(). */
static void hear(FILE *file, int kept)
{
	size_t length;

	rewind(file);
	length = fread(said, 1, sizeof(said) - 1, file);
	said[length] = '\0';
	fclose(file);
	speak(kept);
}

static FILE *listen(int *kept)
{
	FILE *file = tmpfile();

	CHECK(file);
	*kept = hush();
	dup2(fileno(file), STDERR_FILENO);
	return file;
}

static int install(struct intercept *intercept, const struct spec *specs, unsigned int count)
{
	int kept, status;
	FILE *file = listen(&kept);

	*intercept = (struct intercept){ .store = &store, .guest = &web, .options = &options };
	status = intercept_install(intercept, specs, count);
	if (status == EXIT_OK)
		status = intercept_wait(intercept, 5);
	hear(file, kept);
	return status;
}

static int take_out(unsigned int seconds)
{
	struct trapped_list list;
	int kept, status;
	FILE *file = listen(&kept);

	trapped_find(&store, 5, &list);
	status = intercept_remove(&store, list.devices, list.count, seconds, true);
	hear(file, kept);
	return status;
}

static void unchanged(char *before)
{
	char *after = xs_fake_dump();

	CHECK_STR(after, before);
	CHECK_EQ(xs_fake_open(), 0);
	free(before);
	free(after);
}

static bool has(const char *dump, const char *line)
{
	return CHECK(strstr(dump, line));
}

/* ---- tests ---- */

static void test_nodes(void)
{
	struct spec spec = parse("type=timer,io=0x600,timeout=900,id=3");
	struct intercept intercept;
	char *before, *dump;

	world();
	before = xs_fake_dump();
	options.revoke_ms = 70;
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	CHECK_EQ(targets, 1);
	dump = xs_fake_dump();
	has(dump, "\n" LIST "/target=5 0\n");
	has(dump, "\n" STUB "= 9,0\n" STUB "/3= 9,0\n" STUB "/3/address=1536 9,0\n" STUB "/3/door=io 9,0\n");
	has(dump, "\n" STUB "/3/revoke-ms=70 9,0\n");
	has(dump, "\n" STUB "/3/timeout-ms=900 9,0\n" STUB "/3/type=timer 9,0\n");
	has(dump, "\n" TOLD "= 0,5\n" TOLD "/3= 0,5\n" TOLD "/3/address=1536 0,5\n" TOLD "/3/door=io 0,5\n"
	    TOLD "/3/event-channel=7 0,5\n" TOLD "/3/event-domain=9 0,5\n" TOLD "/3/size=768 0,5\n"
	    TOLD "/3/type=timer 0,5\n");
	has(dump, "\n" BACK "/3= 0,9\n" BACK "/3/frontend=" FRONT "/3 0,9\n" BACK "/3/frontend-id=9 0,9\n");
	has(dump, "\n" BACK "/3/server=apertured 0,9\n");
	has(dump, "\n" FRONT "= 0,9\n" FRONT "/3= 9,0\n" FRONT "/3/backend=" BACK "/3 9,0\n");
	free(dump);
	CHECK_EQ(take_out(5), EXIT_OK);
	CHECK_EQ(destroys, 1);
	unchanged(before);
}

/* One stub domain, one target, whatever comes when; numbers are the guest's. */
static void test_several(void)
{
	struct spec specs[] = {
		parse("type=timer,io=0x600"), parse("type=mem,size=4K"), parse("type=timer,mmio=auto"),
	};
	struct intercept intercept;
	struct device rings;
	struct why why;

	world();
	CHECK_EQ(device_add(&store, &specs[1], &web, 0, &rings, &why), 0);
	CHECK_EQ(install(&intercept, specs, 3), EXIT_OK);
	CHECK_EQ(intercept.count, 2);
	CHECK_EQ(intercept.devices[0].id, 1);
	CHECK_EQ(intercept.devices[1].id, 2);
	CHECK_EQ(intercept.devices[1].address, 0xff020000);
	CHECK(is(TOLD, 2, "address", "4278321152"));
	specs[0] = parse("type=timer,io=0x1000");
	xs_fake_put(STUB, NULL);	/* target_set() would notice a second one */
	CHECK_EQ(install(&intercept, specs, 1), EXIT_OK);
	CHECK_EQ(targets, 1);
	CHECK_EQ(intercept.devices[0].id, 3);
	specs[1].id = 3;
	CHECK_EQ(device_add(&store, &specs[1], &web, 0, &rings, &why), -1);
	CHECK(strstr(why.text, "has aperture device 3 already"));
}

/* Whatever xenstore refuses: as before, and the stub domain goes only after its server. */
static void test_refused(void)
{
	struct spec specs[] = { parse("type=timer,io=0x600"), parse("type=timer,mmio=auto") };
	unsigned int n, start, failed = 0;
	struct intercept intercept;
	char *before;

	for (n = 1; n < 150; n++) {
		world();
		before = xs_fake_dump();
		start = xs_fake_changes();
		xs_fake_fail(n);
		if (install(&intercept, specs, 2) == EXIT_OK) {
			CHECK(n > xs_fake_changes() - start);
			free(before);
			break;
		}
		failed++;
		CHECK(!served);
		CHECK_EQ(destroys, 1);
		unchanged(before);
	}
	CHECK(failed > 60 && n < 150);
}

static void test_no_target(void)
{
	struct spec spec = parse("type=timer,io=0x600");
	struct intercept intercept;
	char *before;

	world();
	before = xs_fake_dump();
	target_fails = true;
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_FAILED);
	CHECK_EQ(destroys, 1);
	unchanged(before);
}

/* What the stub domain or its length says later. */
static void test_too_late(void)
{
	struct spec spec = parse("type=timer,io=0x600"), next = parse("type=timer,io=0x8ff");
	struct spec below = parse("type=timer,io=0x500"), last = parse("type=timer,io=0xff00");
	struct intercept intercept;
	char *before;

	world();
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	before = xs_fake_dump();
	CHECK_EQ(install(&intercept, &next, 1), EXIT_FAILED);
	CHECK_EQ(install(&intercept, &below, 1), EXIT_FAILED);
	CHECK_EQ(install(&intercept, &last, 1), EXIT_FAILED);
	refusal = "E_DEVICE: device type timer: this stub domain has no such device";
	next = parse("type=timer,io=0x1000");
	CHECK_EQ(install(&intercept, &next, 1), EXIT_FAILED);
	CHECK(strstr(said, "no such device: the installed one has") && strstr(said, "--stub=FILE"));
	refusal = "E_ADDRESS: taken";
	CHECK_EQ(install(&intercept, &next, 1), EXIT_FAILED);
	CHECK(strstr(said, "E_ADDRESS: taken\n"));
	CHECK_EQ(destroys, 0);
	CHECK(served);
	unchanged(before);
	refusal = NULL;
	octets = 769;
	next = parse("type=timer,io=0x900");
	CHECK_EQ(install(&intercept, &next, 1), EXIT_OK);
}

/* It does not answer, and the guest would hang: it stays, forced or not. */
static void test_hung(void)
{
	struct spec spec = parse("type=timer,io=0x600");
	struct intercept intercept;
	struct stub stub;
	struct why why;

	world();
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	answers = false;
	CHECK_EQ(take_out(0), EXIT_TIMEOUT);
	CHECK(strstr(said, "apertured restarts it") && !strstr(said, "paused"));
	stub_paused = true;
	CHECK_EQ(take_out(0), EXIT_TIMEOUT);
	CHECK(strstr(said, "it is paused; let it run (xl unpause 9) and detach again"));
	CHECK(stub_find(&store, 5, &stub));
	CHECK_EQ(stub_destroy(&store, &stub, &why), -1);
	CHECK(strstr(why.text, "still answers for accesses of guest 5"));
	CHECK_EQ(stub_drop_idle(&store, 5, &why), 0);
	CHECK_EQ(destroys, 0);
	CHECK(is(TOLD, 0, "door", "io"));
	/* The guest is gone: nobody can hang. */
	xs_fake_put("/local/domain/5", NULL);
	CHECK_EQ(stub_destroy(&store, &stub, &why), 0);
	CHECK_EQ(destroys, 1);
}

/* It never took the device up: nothing of the guest depends on it. */
static void test_never_up(void)
{
	struct spec spec = parse("type=timer,io=0x600");
	struct intercept intercept = { .store = &store, .guest = &web, .options = &options };
	char *before;
	int kept;

	world();
	before = xs_fake_dump();
	answers = false;
	kept = hush();
	CHECK_EQ(intercept_install(&intercept, &spec, 1), EXIT_OK);
	CHECK_EQ(intercept_wait(&intercept, 0), EXIT_TIMEOUT);
	speak(kept);
	CHECK_EQ(destroys, 1);
	unchanged(before);
}

static int check_one(const char *text, struct why *why)
{
	struct spec spec = parse(text);

	return intercept_check(&store, &web, &spec, 1, why);
}

static void test_guests(void)
{
	struct why why;

	world();
	CHECK_EQ(check_one("type=timer,io=0x600", &why), 0);
	CHECK_EQ(check_one("type=timer,mmio=0xfe000000", &why), 0);
	CHECK_EQ(check_one("type=timer,mmio=0xffff000", &why), -1);
	CHECK(strstr(why.text, "has memory there"));
	CHECK_EQ(check_one("type=timer,mmio=0x10000000", &why), 0);
	memory_there = true;
	CHECK_EQ(check_one("type=timer,mmio=0xfc000000", &why), -1);
	xen.memory = 5ull << 30;
	CHECK_EQ(check_one("type=timer,mmio=0xfe000000", &why), -1);
	CHECK_EQ(check_one("type=timer,mmio=0x120000000", &why), -1);
	CHECK_EQ(check_one("type=timer,mmio=0xff000000", &why), 0);
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), 0);
	xen.vcpus = 25;
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), -1);
	CHECK(strstr(why.text, "limit with a trapped device is 24"));
	CHECK_EQ(check_one("type=timer", &why), 0);
	xen.vcpus = 24;
	served = true;
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), -1);
	CHECK(strstr(why.text, "open ioreq server"));
	served = false;
	/* A QEMU that serves its disk makes no HVM guest of it. */
	xs_fake_put("/local/domain/0/device-model/5/state", "running");
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), 0);
	xen.hvm = true;
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), -1);
	CHECK(strstr(why.text, "guest 5 is an HVM guest"));
	xen.pv = true;
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), -1);
	CHECK(strstr(why.text, "PV guest"));
}

/* Seen before anything is made, from its first octet. */
static void test_taken(void)
{
	struct spec specs[] = { parse("type=timer,io=0x600"), parse("type=timer,mmio=auto,id=1") };
	struct intercept intercept;
	struct why why;

	world();
	CHECK_EQ(check_one("type=timer,io=0x8ff", &why), 0);
	CHECK_EQ(install(&intercept, specs, 2), EXIT_OK);
	CHECK_EQ(check_one("type=timer,io=0x8ff", &why), -1);
	CHECK(strstr(why.text, "io=0x8ff meets device 0 of guest 5 at io 0x600-0x8ff"));
	CHECK_EQ(check_one("type=timer,io=0x600,id=0", &why), -1);
	CHECK_EQ(check_one("type=timer,mmio=auto,id=1", &why), -1);
	CHECK_EQ(check_one("type=timer,mmio=0xff010000", &why), -1);
	CHECK_EQ(check_one("type=timer,mmio=auto", &why), 0);
	CHECK_EQ(check_one("type=timer,io=0x900", &why), 0);
}

/* A stub domain that is there for them goes with them. */
static void test_other_stub(void)
{
	struct spec spec = parse("type=timer,io=0x600");
	struct intercept intercept;
	struct why why;

	world();
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	CHECK_EQ(fast_check(&store, &web, 0, &options, &why), 0);
	CHECK_EQ(fast_check(&store, &web, OPTION_STUB, &options, &why), -1);
	CHECK(strstr(why.text, "detach its trapped devices"));
	xs_fake_put(TOLD, NULL);
	CHECK_EQ(fast_check(&store, &web, OPTION_SPIN, &options, &why), -1);
	CHECK(strstr(why.text, "; uninstall its first devices before"));
}

static void test_too_many(void)
{
	struct intercept intercept;
	struct spec spec;
	char text[40];
	unsigned int i;

	world();
	for (i = 0; i <= TRAPPED_MAX; i++) {
		snprintf(text, sizeof(text), "type=timer,io=%u", 0x1000 * (i + 1));
		spec = parse(text);
		/* The target is there: it is not asked again. */
		CHECK_EQ(install(&intercept, &spec, 1), i < TRAPPED_MAX ? EXIT_OK : EXIT_FAILED);
	}
	CHECK_EQ(targets, 1);
	CHECK_EQ(take_out(5), EXIT_OK);
	CHECK_EQ(destroys, 1);
}

static void another_attaches(void)
{
	xs_fake_put(TOLD "/1/door", "io");
}

/* Another xen-aperture gives the stub domain a device while this one takes it away: one of them gives in. */
static void test_two_tools(void)
{
	struct spec spec = parse("type=timer,io=0x600");
	struct intercept intercept;
	struct trapped trapped;
	struct why why;

	world();
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	xs_fake_put(TOLD "/0", NULL);
	served = false;
	xs_fake_on_look(NULL);
	xs_fake_on_commit(another_attaches);
	CHECK_EQ(stub_drop_idle(&store, 5, &why), 0);
	xs_fake_on_commit(NULL);
	CHECK_EQ(destroys, 0);
	CHECK(!xs_fake_get(LIST "/ending"));
	xs_fake_put(TOLD "/1", NULL);
	xs_fake_put(LIST "/ending", "1");
	CHECK_EQ(trapped_add(&store, &spec, 5, 9, &options, &trapped, &why), -1);
	CHECK(strstr(why.text, "about to be"));
	CHECK_EQ(stub_drop_idle(&store, 5, &why), 0);
	CHECK_EQ(destroys, 1);
	CHECK(!xs_fake_get(LIST));
}

/* A device with rings and a first device, one that is trapped; then the trapped one goes. */
static int with_rings(struct trapped *trapped)
{
	struct spec spec = parse("type=timer,io=0x600"), rings = parse("type=timer,size=4K,fast=yes");
	struct fast fast = { .store = &store, .guest = &web, .options = &options };
	struct intercept intercept;
	struct device device;
	struct why why;

	options.stub = "/tmp/own-stub";
	CHECK_EQ(device_add(&store, &rings, &web, 0, &device, &why), 0);
	CHECK_EQ(fast_install(&fast, &device, 1), EXIT_OK);
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	CHECK(is("/local/domain/0/aperture-stub", 9, "target", "5"));
	*trapped = intercept.devices[0];
	CHECK_EQ(creates, 1);
	return take_out(5);
}

static int renew(void)
{
	int kept, status;
	FILE *file = listen(&kept);

	status = renew_stub(&store, 5, 0, true);
	hear(file, kept);
	return status;
}

/* Xen takes no target back: what was trapped is gone, and with it whoever had power over the guest. */
static void test_target_ends(void)
{
	struct trapped trapped;
	struct stub stub;

	world();
	CHECK_EQ(with_rings(&trapped), EXIT_OK);
	CHECK_EQ(destroys, 0);
	CHECK_EQ(renew(), EXIT_OK);
	CHECK_EQ(destroys, 1);
	CHECK_EQ(creates, 2);
	CHECK_EQ(targets, 1);
	CHECK(stub_find(&store, 5, &stub));
	CHECK(!xs_fake_get(LIST "/target"));
	CHECK(is("/local/domain/0/aperture-stub", 9, "file", "/tmp/own-stub"));
	CHECK(is(FAST, 0, "state", "2"));
	/* It has none now. */
	CHECK_EQ(renew(), EXIT_OK);
	CHECK_EQ(destroys, 1);
}

/* One that needs it keeps it; what cannot be done is said. */
static void test_target_stays(void)
{
	struct spec spec = parse("type=timer,io=0x1000");
	struct intercept intercept;
	struct trapped trapped;

	world();
	CHECK_EQ(with_rings(&trapped), EXIT_OK);
	CHECK_EQ(install(&intercept, &spec, 1), EXIT_OK);
	CHECK_EQ(renew(), EXIT_OK);
	CHECK_EQ(destroys, 0);
	CHECK_EQ(take_out(5), EXIT_OK);
	served = true;
	answers = false;
	CHECK_EQ(renew(), EXIT_FAILED);
	CHECK_EQ(destroys, 0);
	CHECK(strstr(said, "stub domain 9 keeps its power over guest 5"));
	answers = true;
	served = false;
	create_fails = true;
	CHECK_EQ(renew(), EXIT_FAILED);
	CHECK_EQ(destroys, 1);
	CHECK(strstr(said, "device 0 of guest 5 goes on without a first device: xen-aperture install 5 0"));
}

static CU_TestInfo tests[] = {
	{ "nodes and permissions", test_nodes },
	{ "several", test_several },
	{ "each change refused", test_refused },
	{ "no target", test_no_target },
	{ "refused when its length is known", test_too_late },
	{ "a stub domain that hangs", test_hung },
	{ "one that never came up", test_never_up },
	{ "guests", test_guests },
	{ "places that are taken", test_taken },
	{ "another stub domain", test_other_stub },
	{ "too many", test_too_many },
	{ "two tools", test_two_tools },
	{ "a target ends", test_target_ends },
	{ "a target stays", test_target_stays },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
