/* SPDX-License-Identifier: GPL-2.0-only */
/* First devices and their stub domain, as the tool makes them. xl is played here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../toolstack/command.h"
#include "../../toolstack/fast.h"
#include "../../toolstack/removal.h"
#include "../../toolstack/target.h"
#include "../../toolstack/xl.h"
#include "check.h"
#include "hush.h"
#include "tool_xenstore.h"

#define SLOW	"/local/domain/0/backend/aperture/5/"
#define BACK	"/local/domain/9/backend/aperture-fast/5/"
#define FRONT	"/local/domain/5/device/aperture-fast/"
#define LIST	"/local/domain/0/aperture-stub/9"

static struct store store;
static struct guest web = { .domid = 5, .exists = true, .name = "web" };
static struct fast_options options;
static struct device devices[2];
static bool running, create_fails, unpause_fails, destroy_fails;
static const char *left_over;	/* by a create that fails: "ours", "another's" */
static unsigned int creates, destroys, asked_for_processors;
static char words_seen[1000];

/* Under the name that was asked for. */
static void put_name(const char *words)
{
	const char *name = strstr(words, "name=\"") + strlen("name=\"");
	char text[200];

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(name, "\""), name);
	xs_fake_put("/local/domain/9/name", text);
}

/* uuid="..." is the last word. */
static void put_vm(const char *word)
{
	char vm[64];

	CHECK_EQ(strlen(word), strlen("uuid=\"\"") + 36);
	snprintf(vm, sizeof(vm), "/vm/%.36s", word + strlen("uuid=\""));
	if (strcmp(left_over, "ours"))
		vm[6] = vm[6] == '0' ? '1' : '0';
	xs_fake_put("/local/domain/9/vm", vm);
}

int xl_run(const char *const *words)
{
	char number[16];
	unsigned int i;

	if (!strcmp(words[1], "create")) {
		creates++;
		words_seen[0] = '\0';
		for (i = 0; words[i]; i++) {
			strcat(words_seen, words[i]);
			strcat(words_seen, " ");
		}
		if (!create_fails || left_over)
			put_name(words_seen);
		if (left_over)
			put_vm(words[i - 1]);
		return create_fails;
	}
	snprintf(number, sizeof(number), "%d", 9);
	CHECK_STR(words[2], number);
	if (!strcmp(words[1], "unpause")) {
		running = !unpause_fails;
		return unpause_fails;
	}
	CHECK_STR(words[1], "destroy");
	destroys++;
	if (destroy_fails)
		return 1;
	running = false;
	xs_fake_put("/local/domain/9", NULL);
	return 0;
}

/* ---- Xen ---- */

bool target_is_served(unsigned int guest)
{
	CHECK_EQ(guest, 5);
	return false;
}

int target_look(unsigned int guest, struct target_guest *look, struct why *why)
{
	(void)guest;
	(void)look;
	return why_set(why, "nothing is trapped here");
}

int target_set(unsigned int stub, unsigned int guest, struct why *why)
{
	CHECK(!stub && !guest);		/* nobody gets a target without a trapped device */
	return why_set(why, "nothing is trapped here");
}

bool target_processors(unsigned int *processors, unsigned int *vcpus)
{
	asked_for_processors++;
	*processors = *vcpus = 4;
	return true;
}

bool target_has_memory(unsigned int guest, uint64_t address, uint64_t size)
{
	(void)guest;
	(void)address;
	return size;
}

static void world(void)
{
	struct why why;
	struct spec spec;
	unsigned int i;

	xs_fake_reset();
	store = (struct store){ .xs = xs_open(0), .transaction = XBT_NULL };
	options = (struct fast_options){ 0 };
	running = create_fails = unpause_fails = destroy_fails = false;
	creates = destroys = asked_for_processors = 0;
	left_over = NULL;
	xs_fake_put("/local/domain/0/name", "Domain-0");
	xs_fake_put("/local/domain/5/name", "web");
	xs_fake_put("/local/domain/5/device", "");
	CHECK_EQ(spec_parse("type=timer,size=4K,fast=yes", &spec, &why), 0);
	CHECK(spec.fast);
	for (i = 0; i < 2; i++)
		CHECK_EQ(device_add(&store, &spec, &web, 0, &devices[i], &why), 0);
}

static struct fast begin(void)
{
	return (struct fast){ .store = &store, .guest = &web, .options = &options };
}

static int install(struct fast *fast, unsigned int first, unsigned int count)
{
	int kept = hush(), status = fast_install(fast, &devices[first], count);

	speak(kept);
	return status;
}

static int wait_quietly(struct fast *fast)
{
	int kept = hush(), status = fast_wait(fast, WAIT_READY, 0);

	speak(kept);
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

static void test_nodes(void)
{
	struct fast fast = begin();
	char *before, *dump;

	world();
	before = xs_fake_dump();
	options = (struct fast_options){ .spin_us = 30, .route_all = true, .revoke_ms = 70, .stub = "/a/stub" };
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK(running && fast.made && fast.count == 1 && fast.stub.domid == 9);
	CHECK_EQ(asked_for_processors, 1);
	has(words_seen, "xl create -p ");
	has(words_seen, " /dev/null type=\"pv\" memory=4 vcpus=1 ");
	has(words_seen, " name=\"web-aperture\" kernel=\"/a/stub\" ");
	has(words_seen, " on_crash=\"preserve\" ");
	dump = xs_fake_dump();
	has(dump, "\n/local/domain/0/aperture-stub= 0\n" LIST "= 0\n" LIST "/file=/a/stub 0\n" LIST "/guest=5 0\n"
	    LIST "/name=web-aperture 0\n");
	has(dump, "\n/local/domain/9/aperture= 9,0\n/local/domain/9/aperture/guest=5 9,0\n"
	    "/local/domain/9/aperture/log=info 9,0\n/local/domain/9/aperture/spin-us=30 9,0\n");
	has(dump, "\n/local/domain/9/backend/aperture-fast= 9\n/local/domain/9/backend/aperture-fast/5= 9\n"
	    BACK "0= 9,5\n" BACK "0/frontend=" FRONT "0 9,5\n" BACK "0/frontend-id=5 9,5\n"
	    BACK "0/online=1 9,5\n" BACK "0/revoke-ms=70 9,5\n" BACK "0/route=all 9,5\n"
	    BACK "0/state=1 9,5\n" BACK "0/type=timer 9,5\n");
	has(dump, "\n/local/domain/5/device/aperture-fast= 0,5\n" FRONT "0= 5,9\n"
	    FRONT "0/backend=" BACK "0 5,9\n" FRONT "0/backend-id=9 5,9\n" FRONT "0/state=1 5,9\n");
	free(dump);
	/* The last one takes the stub domain with it. */
	CHECK_EQ(fast_remove(&store, 5, fast.devices, 1, 0, false), EXIT_OK);
	CHECK_EQ(destroys, 1);
	unchanged(before);
}

static void test_defaults(void)
{
	struct fast fast = begin();

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK_STR(xs_fake_get(BACK "0/route"), "declared");
	CHECK(!xs_fake_get(BACK "0/revoke-ms"));
	CHECK_STR(xs_fake_get("/local/domain/9/aperture/spin-us"), "0");
}

/* One stub domain for all devices of a guest. */
static void test_second(void)
{
	struct fast fast = begin(), more = begin();
	struct why why;

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK_EQ(install(&more, 1, 1), EXIT_OK);
	CHECK_EQ(creates, 1);
	CHECK(!more.made);
	CHECK(xs_fake_get(BACK "1/state"));
	CHECK_EQ(asked_for_processors, 0);	/* nobody spins */
	CHECK_EQ(fast_check(&store, &web, OPTION_SPIN, &options, &why), -1);
	CHECK(strstr(why.text, "has the stub domain 9 already"));
	CHECK_EQ(fast_check(&store, &web, OPTION_ROUTE, &options, &why), 0);
	CHECK_EQ(fast_remove(&store, 5, fast.devices, 1, 0, false), EXIT_OK);
	CHECK_EQ(destroys, 0);
	/* Once more the same: it has one. */
	more = begin();
	CHECK_EQ(install(&more, 1, 1), EXIT_FAILED);
	CHECK(xs_fake_get(BACK "1/state"));
	CHECK(running);
}

static unsigned int found(int guest)
{
	struct device_list list;
	struct why why;
	unsigned int count;

	CHECK_EQ(device_find(&store, guest, true, &list, &why), 0);
	count = list.count;
	device_list_free(&list);
	return count;
}

/* What a stub domain says of guests that are not its own stands in nobody's way. */
static void test_false_claims(void)
{
	struct fast fast = begin();

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	xs_fake_put("/local/domain/6/device", "");
	xs_fake_put("/local/domain/9/backend/aperture-fast/6/0/state", "4");
	xs_fake_put("/local/domain/7/backend/aperture-fast/5/1/state", "4");
	CHECK_EQ(found(6), 0);
	CHECK_EQ(found(5), 1);
	CHECK_EQ(found(EVERY_GUEST), 1);
	CHECK_EQ(fast_remove(&store, 5, fast.devices, 1, 0, false), EXIT_OK);
	CHECK_EQ(destroys, 1);
}

/* Whatever xl or xenstore refuses: as before. */
static void test_refused(void)
{
	unsigned int n, failed = 0;
	char *before;

	for (n = 1; n < 80; n++) {
		struct fast fast = begin();
		unsigned int start;

		world();
		before = xs_fake_dump();
		start = xs_fake_changes();
		xs_fake_fail(n);
		if (install(&fast, 0, 2) == EXIT_OK) {
			CHECK(n > xs_fake_changes() - start);
			free(before);
			break;
		}
		failed++;
		CHECK(!running);
		unchanged(before);
	}
	CHECK(failed > 30 && n < 80);
}

static void test_xl_fails(void)
{
	struct fast fast = begin();
	char *before;

	world();
	before = xs_fake_dump();
	create_fails = true;
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	unchanged(before);
	fast = begin();
	before = xs_fake_dump();
	create_fails = false;
	unpause_fails = true;
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	CHECK_EQ(destroys, 1);
	unchanged(before);
}

/* Two that install at once: xl refuses the second one, which must not end the first one's. */
static void test_at_once(void)
{
	struct fast fast = begin();

	world();
	create_fails = true;
	left_over = "another's";
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	CHECK_EQ(destroys, 0);
	CHECK(xs_fake_get("/local/domain/9/name"));
	world();
	create_fails = true;
	left_over = "ours";
	fast = begin();
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	CHECK_EQ(destroys, 1);
}

/* One that gives up after another joined it: the stub domain stays for the other. */
static void test_joined(void)
{
	struct fast fast = begin(), more = begin();
	struct why why;

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK_EQ(install(&more, 1, 1), EXIT_OK);
	CHECK(fast.made && !more.made);
	CHECK_EQ(wait_quietly(&fast), EXIT_TIMEOUT);
	CHECK_EQ(destroys, 0);
	CHECK(!xs_fake_get(BACK "0/state"));
	CHECK(xs_fake_get(BACK "1/state") && running);
	CHECK_EQ(stub_destroy(&store, &more.stub, &why), -1);
	CHECK_STR(why.text, "the stub domain 9 has 0 trapped and 1 first devices of guest 5: it stays");
	CHECK(!xs_fake_get(LIST "/ending"));
}

/* Nobody joins one that is about to go. */
static void test_ending(void)
{
	struct fast fast = begin();
	struct device device;
	struct why why;

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	xs_fake_put(LIST "/ending", "1");
	CHECK_EQ(device_add_fast(&store, &devices[1], 9, &options, &device, &why), -1);
	CHECK(strstr(why.text, "being destroyed"));
	CHECK(!xs_fake_get(BACK "1/state"));
}

/* Its maker was killed before it let it run: whoever comes next does. */
static void test_half_made(void)
{
	struct fast fast = begin(), more = begin(), last = begin();

	world();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK(!xs_fake_get(LIST "/making"));
	running = false;
	xs_fake_put(LIST "/making", "1");
	CHECK_EQ(install(&more, 1, 1), EXIT_OK);
	CHECK(!running);		/* it lives: it will */
	CHECK_EQ(fast_remove(&store, 5, more.devices, 1, 0, false), EXIT_OK);
	xs_fake_put(LIST "/making", "2147483646");
	CHECK_EQ(install(&last, 1, 1), EXIT_OK);
	CHECK(running);
	CHECK(!xs_fake_get(LIST "/making"));
}

/* Longer than what is shown of it, and not ASCII. */
static void test_long_name(void)
{
	struct fast fast = begin();
	struct guest made;
	struct why why;

	world();
	memset(web.name, 'w', 60);
	web.name[60] = '\0';
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK_EQ(fast.stub.domid, 9);
	strcpy(web.name, "web");
	xs_fake_put("/local/domain/7/name", "b\303\274ro");
	CHECK_EQ(guest_named(&store, "b\303\274ro", &made, &why), 0);
	CHECK_EQ(made.domid, 7);
}

/* A domain of that name that is nobody's stub domain is not touched. */
static void test_name_taken(void)
{
	struct fast fast = begin();

	world();
	xs_fake_put("/local/domain/8/name", "web-aperture");
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	CHECK_EQ(creates, 0);
	CHECK_EQ(destroys, 0);
}

static void test_odd_names(void)
{
	struct fast fast = begin();
	struct guest odd = { .domid = 5, .exists = true, .name = "a\"b\\c'd" };

	world();
	fast.guest = &odd;
	install(&fast, 0, 1);
	has(words_seen, " name=\"a_b_c_d-aperture\" ");
	odd.name[0] = '\0';
	fast = begin();
	fast.guest = &odd;
	world();
	install(&fast, 0, 1);
	has(words_seen, " name=\"domain-5-aperture\" ");
}

/* Its domain ended while no daemon ran. */
static void test_leftover(void)
{
	struct fast fast = begin();

	world();
	xs_fake_put("/local/domain/0/aperture-stub/7/guest", "5");
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	CHECK(!xs_fake_get("/local/domain/0/aperture-stub/7"));
	CHECK_EQ(fast.stub.domid, 9);
	CHECK_EQ(destroys, 0);
}

/* The stub domain knows one of two types. */
static void test_unknown_type(void)
{
	struct fast fast = begin();
	char *before;

	world();
	before = xs_fake_dump();
	CHECK_EQ(install(&fast, 0, 2), EXIT_OK);
	xs_fake_put(BACK "0/error", "E_DEVICE: no first device of type timer");
	xs_fake_put(BACK "0/state", "6");
	xs_fake_put(BACK "1/state", "2");
	CHECK_EQ(wait_quietly(&fast), EXIT_OK);
	CHECK_EQ(fast.refused, 1);
	CHECK_EQ(fast.count, 1);
	CHECK_EQ(fast.devices[0].id, 1);
	CHECK(!xs_fake_get(BACK "0") && !xs_fake_get(FRONT "0"));
	CHECK(xs_fake_get(SLOW "0/state") && running);
	fast_undo(&fast);
	unchanged(before);
	/* Both: then it is of no use. */
	before = xs_fake_dump();
	fast = begin();
	CHECK_EQ(install(&fast, 0, 1), EXIT_OK);
	xs_fake_put(BACK "0/error", "E_DEVICE: no first device of type timer");
	xs_fake_put(BACK "0/state", "6");
	CHECK_EQ(wait_quietly(&fast), EXIT_OK);
	CHECK_EQ(fast.refused, 1);
	CHECK(!running);
	unchanged(before);
}

static void test_timeout(void)
{
	struct fast fast = begin();
	char *before;

	world();
	before = xs_fake_dump();
	CHECK_EQ(install(&fast, 0, 2), EXIT_OK);
	CHECK_EQ(wait_quietly(&fast), EXIT_TIMEOUT);
	CHECK(!running);
	unchanged(before);
}

/* The guest ended meanwhile: no list entry for a guest that is gone. */
static void test_guest_gone(void)
{
	struct fast fast = begin();

	world();
	xs_fake_put("/local/domain/5", NULL);
	CHECK_EQ(install(&fast, 0, 1), EXIT_FAILED);
	CHECK(!xs_fake_get(LIST));
	CHECK_EQ(destroys, 1);
}

static CU_TestInfo tests[] = {
	{ "nodes and permissions", test_nodes },
	{ "defaults", test_defaults },
	{ "a second one", test_second },
	{ "false claims", test_false_claims },
	{ "each change refused", test_refused },
	{ "xl fails", test_xl_fails },
	{ "two at once", test_at_once },
	{ "one gives up, another joined", test_joined },
	{ "none joins what is going", test_ending },
	{ "one that was left paused", test_half_made },
	{ "long names", test_long_name },
	{ "the name is taken", test_name_taken },
	{ "odd names", test_odd_names },
	{ "a leftover", test_leftover },
	{ "types that the stub domain does not know", test_unknown_type },
	{ "a stub domain that does not come up", test_timeout },
	{ "the guest ended", test_guest_gone },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
