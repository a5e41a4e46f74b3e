/* SPDX-License-Identifier: GPL-2.0-only */
/* apertured's configuration, and the messages between supervisor and worker. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../backend/daemon/config.h"
#include "../../backend/daemon/maptrack.h"
#include "../../backend/daemon/means.h"
#include "../../backend/daemon/message.h"
#include "check.h"

static uint64_t xen_says;

uint64_t xen_own_grants(struct xen *x)
{
	(void)x;
	return xen_says;
}

/* Of the grant table: what the pools have and what is kept is not there; without Xen nothing is known. */
static void test_means(void)
{
	struct xapt_pool_total given = { .entries = 1000 };
	struct xapt_means now;
	struct means m;

	means_init(&m, NULL, &given);
	m.source.look(&m.source, &now);
	CHECK_EQ(now.entries, UINT64_MAX);
	means_init(&m, (struct xen *)&given, &given);
	xen_says = UINT64_MAX;
	m.source.look(&m.source, &now);
	CHECK_EQ(now.entries, UINT64_MAX);
	xen_says = 1000 + XAPT_ENTRIES_KEPT;
	m.source.look(&m.source, &now);
	CHECK_EQ(now.entries, 0);
	xen_says += 5;
	m.source.look(&m.source, &now);
	CHECK_EQ(now.entries, 5);
	xen_says = 8;
	m.source.look(&m.source, &now);
	CHECK_EQ(now.entries, 0);
	CHECK(now.memory && now.memory != UINT64_MAX);
}

static const char *parse(const char *text, struct config *c)
{
	static char error[256];

	config_defaults(c);
	error[0] = '\0';
	return config_parse(c, "f", text, error, sizeof(error)) ? error : "ok";
}

static void test_good(void)
{
	struct config c;

	CHECK_STR(parse("", &c), "ok");
	CHECK_EQ(c.max_pages_per_guest, 32768);
	CHECK_STR(c.user, "nobody");
	CHECK_EQ(c.stub_watchdog, 5000);
	CHECK_STR(c.files, "/var/log/xen-aperture");
	CHECK_STR(parse("files = /srv/guests", &c), "ok");
	CHECK_STR(c.files, "/srv/guests");
	CHECK(strcmp(parse("files = here", &c), "ok"));
	CHECK_STR(parse("stub_watchdog = 0", &c), "ok");
	CHECK_EQ(c.stub_watchdog, 0);
	CHECK_STR(parse("stub_watchdog = 300", &c), "ok");
	CHECK_EQ(c.stub_watchdog, 300);
	CHECK_STR(parse("# note\n\n  max_size =  16M \nuser=root\nlog = debug\n"
			"max_pages_per_guest = 1\ndevice_dir = /x\nmem.colour = light red\n"
			"mem.colour-2 = 7", &c), "ok");
	CHECK_EQ(c.max_size, 16 << 20);
	CHECK_EQ(c.max_given, 16 << 20);
	CHECK_EQ(c.max_given_total, 128 << 20);
	CHECK_STR(parse("max_given = 8K\nmax_given_total = 0", &c), "ok");
	CHECK_EQ(c.max_given, 8192);
	CHECK_EQ(c.max_given_total, 0);
	CHECK_EQ(c.max_mapped_total, 0);
	CHECK_STR(parse("max_mapped_total = 7", &c), "ok");
	CHECK_EQ(c.max_mapped_total, 7);
	CHECK_STR(parse("max_mapped_total = auto", &c), "ok");
	CHECK_STR(parse("max_size = 16M\nuser=root\nlog = debug\n"
			"max_pages_per_guest = 1\ndevice_dir = /x\nmem.colour = light red\n"
			"mem.colour-2 = 7", &c), "ok");
	CHECK_STR(c.user, "root");
	CHECK_EQ(c.log, XENAPERTURE_DEBUG);
	CHECK_EQ(c.max_pages_per_guest, 1);
	CHECK_EQ(c.nr_settings, 2);
	CHECK_STR(c.setting[0].name, "mem.colour");
	CHECK_STR(c.setting[0].value, "light red");
}

static void test_bad(void)
{
	static const char *const cases[][2] = {
		{ "x", "f:1: \"x\" is not \"key = value\"" },
		{ "\n\nx = 1", "f:3: unknown key \"x\"" },
		{ "= 1", "f:1: unknown key \"\"" },
		{ "X.y = 1", "f:1: unknown key \"X.y\"" },
		{ "mem.y =", "f:1: mem.y is \"\", must be a text, not empty and not longer" },
		{ "log = 1", "f:1: log is \"1\", must be error, warning, info or debug" },
		{ "max_pages_per_guest = 0",
		  "f:1: max_pages_per_guest is \"0\", must be a number of pages, 1 to 1040400" },
		{ "stub_watchdog = 299",
		  "f:1: stub_watchdog is \"299\", must be ms, 300 to 600000, or 0: off" },
		{ "stub_watchdog = 600001",
		  "f:1: stub_watchdog is \"600001\", must be ms, 300 to 600000, or 0: off" },
		{ "max_given = 4097",
		  "f:1: max_given is \"4097\", must be bytes, 0 or a multiple of 4096 up to 4261478400; K, M, G may follow" },
		{ "max_mapped_total = 0",
		  "f:1: max_mapped_total is \"0\", must be auto, or a number of pages, 1 to 268435456" },
		{ "device_dir = x", "f:1: device_dir is \"x\", must be an absolute path" },
	};
	static const char *const sizes[] = { "0", "1", "4097", "-4096", "4K K", "K", "5G", "4T",
					     "04096", "18446744073709551616", "4398046511104M" };
	struct config c;
	char line[80];
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_STR(parse(cases[i][0], &c), cases[i][1]);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(line, sizeof(line), "max_size = %s", sizes[i]);
		CHECK_CASE(!strncmp(parse(line, &c), "f:1: max_size is ", 17), i, 0);
	}
}

static void test_long(void)
{
	static char text[70000];
	struct config c;
	unsigned int i, n = 0;

	memset(text, 'x', 512);
	CHECK_STR(parse(text, &c), "f:1: longer than 511 octets");
	for (i = 0; i <= CONFIG_SETTINGS; i++)
		n += (unsigned int)snprintf(text + n, sizeof(text) - n, "mem.k%u = 1\n", i);
	CHECK_STR(parse(text, &c), "f:65: more than 64 device settings");
}

/* Whatever it is, it ends with a word, and inside its memory. */
static void test_noise(void)
{
	static const char letters[] = "max_size=16M \n#.logdebuguserroot,device_dir/0123456789K\t=";
	uint64_t seed = 1;
	struct config c;
	char text[200];
	unsigned int round, i;

	for (round = 0; round < 20000; round++) {
		unsigned int n = (unsigned int)(check_random(&seed) % (sizeof(text) - 1));

		for (i = 0; i < n; i++)
			text[i] = letters[check_random(&seed) % (sizeof(letters) - 1)];
		text[n] = '\0';
		parse(text, &c);
		CHECK_CASE(c.nr_settings <= CONFIG_SETTINGS, round, c.nr_settings);
	}
}

int xen_command_line(struct xen *x, char *text, size_t room)
{
	(void)x;
	(void)text;
	(void)room;
	return -1;
}

/* What Xen admits, as far as it can be known. */
static void test_maptrack(void)
{
	static const struct {
		const char *line;
		uint64_t frames;
	} cases[] = {
		{ "", 1024 },
		{ "console=com1 gnttab_max_frames=64", 1024 },
		{ "gnttab_max_maptrack_frames=2048", 2048 },
		{ "a gnttab_max_maptrack_frames=0x100 b", 256 },
		{ "gnttab_max_maptrack_frames=1 gnttab_max_maptrack_frames=7", 7 },
		{ "gnttab_max_maptrack_frames=0", 1024 },
		{ "gnttab_max_maptrack_frames=", 1024 },
		{ "gnttab_max_maptrack_frames=12x", 1024 },
		{ "x-gnttab_max_maptrack_frames=12", 1024 },
		{ "gnttab_max_maptrack_frames=99999999999", 1024 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_CASE(maptrack_frames(cases[i].line) == cases[i].frames, i,
			   maptrack_frames(cases[i].line));
	CHECK_EQ(maptrack_pages(1024, true), 98304);	/* 384 MiB */
	CHECK_EQ(maptrack_pages(1024, false), 196608);
}

static void test_messages(void)
{
	struct message out = { .type = MESSAGE_CONNECT, .devid = 3 }, in;
	int pair[2], extra, ends[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(message_receive(pair[1], &in, &extra), -1);
	CHECK_EQ(errno, EAGAIN);
	memset(out.text, 'x', sizeof(out.text));
	CHECK_EQ(message_send(pair[0], &out, ends[1]), 0);
	CHECK_EQ(message_receive(pair[1], &in, &extra), 1);
	CHECK_EQ(in.devid, 3);
	CHECK_EQ(strlen(in.text), sizeof(in.text) - 1);
	CHECK(extra >= 0 && write(extra, "a", 1) == 1);
	close(extra);
	CHECK_EQ(message_send(pair[0], &out, -1), 0);
	CHECK_EQ(message_receive(pair[1], &in, &extra), 1);
	CHECK_EQ(extra, -1);
	close(pair[0]);
	CHECK_EQ(message_receive(pair[1], &in, &extra), 0);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
}

/* From a worker that lost its mind. */
static void test_wrong_messages(void)
{
	struct message m = { .version = MESSAGE_VERSION + 1 }, in;
	char large[sizeof(m) + 8] = { MESSAGE_VERSION };
	int pair[2], extra;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CHECK_EQ(send(pair[0], &m, sizeof(m), 0), sizeof(m));
	CHECK_EQ(message_receive(pair[1], &in, &extra), -1);
	CHECK_EQ(errno, EPROTO);
	m.version = MESSAGE_VERSION;
	CHECK_EQ(send(pair[0], &m, sizeof(m) - 1, 0), sizeof(m) - 1);
	CHECK_EQ(message_receive(pair[1], &in, &extra), -1);
	CHECK_EQ(errno, EPROTO);
	CHECK_EQ(send(pair[0], large, sizeof(large), 0), sizeof(large));
	CHECK_EQ(message_receive(pair[1], &in, &extra), -1);
	CHECK_EQ(errno, EPROTO);
	CHECK_EQ(send(pair[0], &m, sizeof(m), 0), sizeof(m));
	CHECK_EQ(message_receive(pair[1], &in, &extra), 1);
	close(pair[0]);
	close(pair[1]);
}

static CU_TestInfo tests[] = {
	{ "good configuration", test_good },
	{ "bad configuration", test_bad },
	{ "long configuration", test_long },
	{ "noise", test_noise },
	{ "maptrack", test_maptrack },
	{ "means of this domain", test_means },
	{ "messages", test_messages },
	{ "wrong messages", test_wrong_messages },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
