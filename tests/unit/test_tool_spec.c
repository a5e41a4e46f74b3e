/* SPDX-License-Identifier: GPL-2.0-only */
/* The specification of a device: each key, each limit, and the numbers of a list. */
#include <string.h>

#include "../../toolstack/spec.h"
#include "check.h"

static void test_defaults(void)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse("type=mem,size=16M", &spec, &why), 0);
	CHECK_STR(spec.type, "mem");
	CHECK_STR(spec.backend, "0");
	CHECK_EQ(spec.max_size, 16 << 20);
	CHECK_EQ(spec.max_apertures, 8);
	CHECK_EQ(spec.id, SPEC_ANY_ID);
	CHECK(!spec.by_program);
}

static void test_all_keys(void)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse(" backend = net , server=program,id=63,apertures=64,size=1g,type=a-1 ",
			    &spec, &why), 0);
	CHECK_STR(spec.type, "a-1");
	CHECK_STR(spec.backend, "net");
	CHECK_EQ(spec.max_size, 1u << 30);
	CHECK_EQ(spec.max_apertures, 64);
	CHECK_EQ(spec.id, 63);
	CHECK(spec.by_program);
}

static void test_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t size;		/* 0: refused */
		const char *names;	/* in the reason */
	} cases[] = {
		{ "4096", 4096, NULL },
		{ "4K", 4096, NULL },
		{ "4k", 4096, NULL },
		{ "64m", 64 << 20, NULL },
		{ "3G", 3ull << 30, NULL },
		{ "4261478400", 4261478400u, NULL },
		{ "4161600K", 4261478400u, NULL },
		{ "0", 0, "4096" },
		{ "0K", 0, "4096" },
		{ "1", 0, "4096" },
		{ "4095", 0, "multiple" },
		{ "4097", 0, "8192" },
		{ "1K", 0, "multiple" },
		{ "4261482496", 0, "4261478400" },
		{ "4G", 0, "4261478400" },
		{ "18446744073709551615", 0, "4261478400" },
		{ "18446744073709551616", 0, "4261478400" },
		{ "18014398509481984K", 0, "4261478400" },
		{ "99999999999999999999999999G", 0, "4261478400" },
		{ "", 0, "not a size" },
		{ "K", 0, "not a size" },
		{ "4T", 0, "not a size" },
		{ "4KB", 0, "not a size" },
		{ "+4096", 0, "not a size" },
		{ "-4096", 0, "not a size" },
		{ "0x1000", 0, "not a size" },
		{ "04096", 0, "not a size" },
		{ "4096 ", 0, "not a size" },
		{ "4.5M", 0, "not a size" },
	};
	uint64_t size;
	struct why why;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = 0;
		why.text[0] = '\0';
		CHECK_CASE(spec_parse_size("size", cases[i].text, &size, &why) ==
			   (cases[i].size ? 0 : -1), i, size);
		CHECK_CASE(size == cases[i].size, i, size);
		if (cases[i].names && !CHECK_CASE(strstr(why.text, cases[i].names), i, size))
			CHECK_STR(why.text, cases[i].names);
	}
}

static void test_type_length(void)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse("size=4K,type=abcdefghijklmnopqrstuvwxyz01234", &spec, &why), 0);
	CHECK_EQ(strlen(spec.type), 31);
	CHECK_EQ(spec_parse("size=4K,type=abcdefghijklmnopqrstuvwxyz012345", &spec, &why), -1);
	CHECK(strstr(why.text, "31"));
}

static void test_text_length(void)
{
	char text[SPEC_TEXT_MAX + 2];
	struct spec spec;
	struct why why;

	memset(text, ' ', sizeof(text));
	memcpy(text, "type=mem,size=4K", 16);
	text[SPEC_TEXT_MAX] = '\0';
	CHECK_EQ(spec_parse(text, &spec, &why), 0);
	text[SPEC_TEXT_MAX] = ' ';
	text[SPEC_TEXT_MAX + 1] = '\0';
	CHECK_EQ(spec_parse(text, &spec, &why), -1);
	CHECK(strstr(why.text, "512") && strstr(why.text, "511"));
}

static void test_printable(void)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse("type=\033[2J,size=4K", &spec, &why), -1);
	CHECK(strstr(why.text, "type=?[2J is not"));
}

static void test_numbering(void)
{
	struct spec specs[65] = { 0 };
	struct why why;
	unsigned int i;

	for (i = 0; i < 65; i++)
		specs[i].id = SPEC_ANY_ID;
	specs[0].id = 1;
	CHECK_EQ(spec_number(specs, 3, &why), 0);
	CHECK_EQ(specs[0].id, 1);
	CHECK_EQ(specs[1].id, 0);
	CHECK_EQ(specs[2].id, 2);
	specs[2].id = 0;
	CHECK_EQ(spec_number(specs, 3, &why), -1);
	CHECK(strstr(why.text, "id=0"));
	specs[2].id = 63;
	CHECK_EQ(spec_number(specs, 64, &why), 0);
	CHECK_EQ(specs[63].id, 62);
	CHECK_EQ(spec_number(specs, 65, &why), -1);
	CHECK(strstr(why.text, "65") && strstr(why.text, "64"));
}

static void test_doors(void)
{
	static const struct {
		const char *text;
		const char *again;	/* as it is written; NULL: refused */
		const char *names;	/* in the reason; else the place */
	} cases[] = {
		{ "type=timer,io=0x600", "type=timer,io=0x600", "io 0x600" },
		{ "type=timer,io=1536,timeout=5000,fast=yes", "type=timer,io=0x600", "io 0x600" },
		{ "type=uart,io=0x3F8,timeout=10,id=2", "id=2,type=uart,io=0x3f8,timeout=10", "io 0x3f8" },
		{ "type=timer,mmio=auto", "type=timer,mmio=auto", "mmio auto" },
		{ "type=timer,mmio=auto,id=63", "id=63,type=timer,mmio=auto", "mmio 0xff3f0000" },
		{ "type=timer,mmio=0xfe000000", "type=timer,mmio=0xfe000000", "mmio 0xfe000000" },
		{ "type=timer,mmio=0xffffff000", "type=timer,mmio=0xffffff000", "mmio 0xffffff000" },
		{ "type=timer,io=0xffff", "type=timer,io=0xffff", "io 0xffff" },
		{ "type=timer,io=0x10000", NULL, "0xffff" },
		{ "type=timer,io=0x", NULL, "not a port" },
		{ "type=timer,io=-1", NULL, "not a port" },
		{ "type=timer,io=0600", NULL, "not a port" },
		{ "type=timer,io=0x10000000000000600", NULL, "not a port" },
		{ "type=timer,io=auto", NULL, "not a port" },
		{ "type=timer,io=0xe9", NULL, "debug console" },
		{ "type=timer,io=0xcf8", NULL, "PCI" },
		{ "type=timer,io=0xcff", NULL, "PCI" },
		{ "type=timer,mmio=0x1000000000", NULL, "0xfffffffff" },
		{ "type=timer,mmio=0xff000010", NULL, "0xff000000" },
		{ "type=timer,mmio=0xfee00000", NULL, "local APIC" },
		{ "type=timer,mmio=0xfec00000", NULL, "I/O APIC" },
		{ "type=timer,mmio=0xfeff8000", NULL, "Xen's pages" },
		{ "type=timer,mmio=0xfefff000", NULL, "Xen's pages" },
		{ "type=timer,io=1,mmio=auto", NULL, "one door" },
		{ "type=timer,io=1,fast=no", NULL, "fast=no" },
		{ "type=timer,io=1,size=4K", NULL, "size does not go with io" },
		{ "type=timer,mmio=auto,apertures=8", NULL, "apertures does not go with mmio" },
		{ "type=timer,io=1,server=program", NULL, "server=program" },
		{ "type=timer,io=1,backend=net", NULL, "backend=net" },
		{ "type=timer,io=1,timeout=9", NULL, "10 to 60000" },
		{ "type=timer,io=1,timeout=60001", NULL, "10 to 60000" },
		{ "type=timer,timeout=100", NULL, "io=PORT" },
		{ "io=1", NULL, "type is missing" },
		{ "type=uart", NULL, "type=uart is for trapped accesses: give io=PORT" },
		{ "type=uart,size=4K,fast=yes", NULL, "io=PORT, such as io=0x3f8" },
	};
	char again[SPEC_TEXT_MAX + 1], place[SPEC_PLACE_MAX];
	struct spec spec;
	struct why why;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(spec_parse(cases[i].text, &spec, &why), cases[i].again ? 0 : -1);
		if (!cases[i].again) {
			if (!strstr(why.text, cases[i].names))
				CHECK_STR(why.text, cases[i].names);
			continue;
		}
		CHECK(spec.fast && spec.door);
		spec_write(&spec, again, sizeof(again));
		CHECK_STR(again, cases[i].again);
		spec_place(&spec, place);
		CHECK_STR(place, cases[i].names);
	}
}

/* The name of a shipped device is no other program's bar. */
static void test_own_program(void)
{
	struct spec spec;
	struct why why;

	CHECK_EQ(spec_parse("type=uart,size=4K,server=program", &spec, &why), 0);
}

static void test_same_place(void)
{
	struct spec specs[3];
	struct why why;

	CHECK_EQ(spec_parse("type=timer,io=0x600", &specs[0], &why), 0);
	CHECK_EQ(spec_parse("type=timer,mmio=auto", &specs[1], &why), 0);
	CHECK_EQ(spec_parse("type=timer,mmio=0xff010000", &specs[2], &why), 0);
	CHECK_EQ(spec_number(specs, 3, &why), -1);
	CHECK(strstr(why.text, "mmio=0xff010000 is asked for by two devices, 1 and 2"));
	CHECK_EQ(spec_number(specs, 2, &why), 0);
	CHECK_EQ(spec_address(&specs[1], 1), 0xff010000);
}

static CU_TestInfo tests[] = {
	{ "defaults", test_defaults },
	{ "doors", test_doors },
	{ "a program's own uart", test_own_program },
	{ "two at one place", test_same_place },
	{ "all keys", test_all_keys },
	{ "sizes", test_sizes },
	{ "length of a type", test_type_length },
	{ "length of the text", test_text_length },
	{ "printable reasons", test_printable },
	{ "numbering", test_numbering },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
