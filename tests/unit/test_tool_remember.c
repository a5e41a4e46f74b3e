/* SPDX-License-Identifier: GPL-2.0-only */
/* What is remembered of a guest: the file, line by line; and which domain serves. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "remember.h"
#include "serving.h"
#include "tool_xenstore.h"
#include "wait.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static char folder[64], path[128];
static struct remembered all;

static void begin(void)
{
	char above[] = "/tmp/remember.XXXXXX";

	CHECK(mkdtemp(above));
	snprintf(folder, sizeof(folder), "%s/guests", above);
	snprintf(path, sizeof(path), "%s/" UUID, folder);
	remember_in(folder);
}

static void end(void)
{
	unlink(path);
	CHECK(!rmdir(folder) || access(folder, F_OK));	/* nothing else was left there */
	*strrchr(folder, '/') = '\0';
	CHECK_EQ(rmdir(folder), 0);
	remember_in(NULL);
}

static struct spec spec_of(const char *text)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse(text, &spec, &why), 0);
	return spec;
}

static void add(const char *text, const struct fast_options *fast)
{
	struct spec spec = spec_of(text);
	struct why why;

	CHECK_EQ(remember_add(UUID, &spec, fast, &why), 0);
}

static void file_is(const char *expected)
{
	char text[4096] = "";
	FILE *file = fopen(path, "r");

	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	CHECK_STR(text, expected);
}

static void put_file(const char *text, mode_t mode)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	if (!CHECK(file))
		return;
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

static void test_lines(void)
{
	struct fast_options fast = { .stub = "/etc/../etc/hostname", .spin_us = 50, .route_all = true,
				     .revoke_ms = 70 };
	struct stat file;
	struct why why;

	begin();
	add("type=mem,size=16M,id=3,backend=disks,server=program", NULL);
	add("type=timer,fast=yes,id=0", &fast);
	file_is("id=0,type=timer,size=4096,apertures=8,fast=yes --spin=50 --route=all --revoke=70 "
		"--stub=/etc/hostname\n"
		"id=3,type=mem,size=16777216,apertures=8,server=program,backend=disks\n");
	CHECK_EQ(stat(path, &file), 0);
	CHECK_EQ(file.st_mode & 0777, 0600);
	CHECK_EQ(stat(folder, &file), 0);
	CHECK_EQ(file.st_mode & 0777, 0700);
	CHECK_EQ(remember_read(UUID, &all, &why), 0);
	CHECK_EQ(all.count, 2);
	CHECK(all.devices[0].spec.fast && all.devices[0].fast.route_all);
	CHECK_EQ(all.devices[0].fast.spin_us, 50);
	CHECK_EQ(all.devices[0].fast.revoke_ms, 70);
	CHECK_STR(all.devices[0].fast.stub, "/etc/hostname");
	CHECK_EQ(all.devices[1].spec.id, 3);
	CHECK(all.devices[1].spec.by_program && !all.devices[1].fast.stub);
	CHECK_STR(all.devices[1].spec.backend, "disks");
	end();
}

static void test_changes(void)
{
	struct fast_options fast = { .revoke_ms = 9 };
	struct why why;

	begin();
	add("type=mem,size=4K,id=0", NULL);
	add("type=timer,id=1", NULL);
	add("type=mem,size=8K,id=0", NULL);	/* again: in its place */
	CHECK_EQ(remember_first(UUID, 1, &fast, &why), 0);
	CHECK_EQ(remember_first(UUID, 7, &fast, &why), 0);
	file_is("id=0,type=mem,size=8192,apertures=8\n"
		"id=1,type=timer,size=4096,apertures=8,fast=yes --revoke=9\n");
	CHECK_EQ(remember_first(UUID, 1, NULL, &why), 0);
	CHECK_EQ(remember_drop(UUID, 0, &why), 0);
	CHECK_EQ(remember_drop(UUID, 9, &why), 0);
	file_is("id=1,type=timer,size=4096,apertures=8\n");
	CHECK_EQ(remember_drop(UUID, 1, &why), 0);
	CHECK(access(path, F_OK));
	CHECK_EQ(remember_read(UUID, &all, &why), 0);
	CHECK_EQ(all.count, 0);
	CHECK_EQ(remember_lock(UUID), -1);
	end();
}

static void refused(const char *text, const char *reason)
{
	struct why why;

	put_file(text, 0600);
	CHECK_EQ(remember_read(UUID, &all, &why), -1);
	CHECK_EQ(all.count, 0);
	if (!CHECK(strstr(why.text, reason)))
		printf("# said \"%s\"\n", why.text);
}

/* What is not what this program writes is not done, and not written over. */
static void test_refused(void)
{
	struct spec spec = spec_of("type=mem,size=4K,id=5");
	char many[8192] = "";
	unsigned int i;
	struct why why;

	begin();
	add("type=mem,size=4K,id=0", NULL);
	refused("id=0,type=mem,size=0\n", "line 1: size=0");
	refused("id=0,type=mem,size=4K\nid=0,type=mem,size=4K\n", "line 2: a device with this id");
	refused("type=mem,size=4K\n", "line 1: the device has no id");
	refused("id=0,type=mem,size=4K", "line 1: too long, or cut");
	refused("id=0,type=mem,size=4K --rm=/\n", "line 1: what follows");
	refused("id=0,type=mem,size=4K --spin=-1\n", "line 1: what follows");
	for (i = 0; i < 65; i++)
		sprintf(many + strlen(many), "id=%u,type=mem,size=4K\n", i);
	refused(many, "line 6");
	put_file("id=0,type=mem,size=0\n", 0600);
	CHECK_EQ(remember_add(UUID, &spec, NULL, &why), -1);
	file_is("id=0,type=mem,size=0\n");
	put_file("id=0,type=mem,size=4K\n", 0622);
	CHECK_EQ(remember_read(UUID, &all, &why), -1);
	CHECK(strstr(why.text, "can be written by others"));
	unlink(path);
	CHECK_EQ(symlink("/etc/passwd", path), 0);
	CHECK_EQ(remember_read(UUID, &all, &why), -1);
	CHECK(strstr(why.text, "cannot open"));
	end();
}

static void test_lock(void)
{
	struct why why;
	int lock;

	begin();
	add("type=mem,size=4K,id=0", NULL);
	lock = remember_lock(UUID);
	CHECK(lock >= 0);
	/* It holds up who attaches again, not who remembers. */
	add("type=mem,size=4K,id=1", NULL);
	CHECK_EQ(remember_read(UUID, &all, &why), 0);
	CHECK_EQ(all.count, 2);
	close(lock);
	lock = remember_lock(UUID);
	CHECK(lock >= 0);
	close(lock);
	end();
}

static struct store store;

static void world(void)
{
	xs_fake_reset();
	store = (struct store){ .xs = xs_open(0), .transaction = XBT_NULL };
	xs_fake_put("/local/domain/0/name", "Domain-0");
	xs_fake_put("/local/domain/5/name", "web");
	xs_fake_put("/local/domain/5/vm", "/vm/" UUID);
	xs_fake_put("/local/domain/6/name", "disks");
	xs_fake_put("/local/domain/6/data/aperture-backend", "1");
	xs_fake_put("/local/domain/7/name", "a b");
	xs_fake_put("/local/domain/7/vm", "/vm/../../etc/passwd");
}

static void test_uuid(void)
{
	char uuid[UUID_MAX];

	world();
	CHECK(uuid_read(&store, 5, uuid));
	CHECK_STR(uuid, UUID);
	CHECK(!uuid_read(&store, 6, uuid));
	CHECK(!uuid_read(&store, 7, uuid));
}

static void serves(const char *text, unsigned int guest, const char *reason)
{
	struct spec spec = spec_of(text);
	struct guest backend;
	struct why why = { "" };
	int status = serving_find(&store, &spec, guest, &backend, &why);

	CHECK_EQ(status, reason ? -1 : 0);
	if (reason && !CHECK(strstr(why.text, reason)))
		printf("# said \"%s\"\n", why.text);
}

static void test_serving(void)
{
	world();
	serves("type=mem,size=4K", 5, NULL);
	serves("type=mem,size=4K,backend=disks", 5, NULL);
	serves("type=mem,size=4K,backend=6", 5, NULL);
	serves("type=mem,size=4K,backend=6", NO_GUEST, NULL);
	serves("type=mem,size=4K,backend=nobody", 5, "backend=nobody: there is no domain \"nobody\"");
	serves("type=mem,size=4K,backend=99", 5, "backend=99: there is no such domain");
	serves("type=mem,size=4K,backend=web", 5, "cannot serve a device to itself");
	serves("type=mem,size=4K,backend=7", 5, "no apertured runs in domain 7");
	serves("type=mem,size=4K,backend=7,server=program", 5, NULL);
}

/* A name outlives its domain's number. */
static void test_remembered_backend(void)
{
	static const struct { const char *given, *kept; } cases[] = {
		{ "0", "0" }, { "Domain-0", "0" }, { "disks", "disks" }, { "6", "disks" }, { "7", "7" },
	};
	struct spec spec = spec_of("type=mem,size=4K"), kept;
	struct guest backend;
	unsigned int i;
	struct why why;

	world();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(spec.backend, cases[i].given);
		CHECK_EQ(guest_find(&store, spec.backend, &backend, &why), 0);
		serving_remember(&spec, 4, &backend, &kept);
		CHECK_STR(kept.backend, cases[i].kept);
		CHECK_EQ(kept.id, 4);
	}
}

static CU_TestInfo tests[] = {
	{ "lines", test_lines },
	{ "changes", test_changes },
	{ "files of others", test_refused },
	{ "lock", test_lock },
	{ "uuid", test_uuid },
	{ "who serves", test_serving },
	{ "the backend as it is remembered", test_remembered_backend },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
