/* SPDX-License-Identifier: GPL-2.0-only */
/* apertured's configuration, and the messages between supervisor and worker. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../backend/daemon/config.h"
#include "../../backend/daemon/message.h"
#include "check.h"

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
	CHECK_STR(parse("# note\n\n  max_size =  16M \nuser=root\nlog = debug\n"
			"max_pages_per_guest = 1\ndevice_dir = /x\nmem.colour = light red\n"
			"mem.colour-2 = 7", &c), "ok");
	CHECK_EQ(c.max_size, 16 << 20);
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
	{ "messages", test_messages },
	{ "wrong messages", test_wrong_messages },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
