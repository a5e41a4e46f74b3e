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
	struct spec specs[65];
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

static CU_TestInfo tests[] = {
	{ "defaults", test_defaults },
	{ "all keys", test_all_keys },
	{ "sizes", test_sizes },
	{ "length of a type", test_type_length },
	{ "length of the text", test_text_length },
	{ "printable reasons", test_printable },
	{ "numbering", test_numbering },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
