/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of a peer: numbers, version lists, type names. Nothing is guessed. */
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "check.h"

#include <xen/io/apertureif.h>

#define UNTOUCHED 0x5a5a5a5a5a5a5a5au

static const char *const not_numbers[] = {
	"", " ", "-1", "+1", " 1", "1 ", "1\n", "\t1", "01", "00", "0x10", "1e3", "1.0", "1,", "a",
	"1a", "\xd9\xa1", "--", "0-", "18446744073709551616", "18446744073709551620",
	"28446744073709551615", "99999999999999999999", "184467440737095516150",
	"340282366920938463463374607431768211456", "36893488147419103232",
	"00000000000000000000000000000000000000001",
};

static void numbers_refused(void)
{
	for (size_t i = 0; i < sizeof(not_numbers) / sizeof(*not_numbers); i++) {
		uint64_t v64 = UNTOUCHED;
		uint32_t v32 = (uint32_t)UNTOUCHED;

		CHECK_CASE(!xapt_parse_u64(not_numbers[i], 0, UINT64_MAX, &v64), i, v64);
		CHECK_EQ(v64, UNTOUCHED);
		CHECK_CASE(!xapt_parse_u32(not_numbers[i], 0, UINT32_MAX, &v32), i, v32);
		CHECK_EQ(v32, (uint32_t)UNTOUCHED);
	}
	CHECK(!xapt_parse_u64(NULL, 0, UINT64_MAX, &(uint64_t){ 0 }));
	CHECK(!xapt_parse_u32(NULL, 0, UINT32_MAX, &(uint32_t){ 0 }));
}

static void number_round_trip(uint64_t n)
{
	uint64_t v64 = ~n;
	uint32_t v32 = (uint32_t)~n;
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	CHECK(xapt_parse_u64(text, 0, UINT64_MAX, &v64));
	CHECK_EQ(v64, n);
	CHECK(xapt_parse_u64(text, n, n, &v64));
	if (n > 0)
		CHECK(!xapt_parse_u64(text, 0, n - 1, &v64));
	if (n < UINT64_MAX)
		CHECK(!xapt_parse_u64(text, n + 1, UINT64_MAX, &v64));
	CHECK_EQ(xapt_parse_u32(text, 0, UINT32_MAX, &v32), n <= UINT32_MAX);
	CHECK_EQ(v32, n <= UINT32_MAX ? (uint32_t)n : (uint32_t)~n);
}

static void numbers_accepted(void)
{
	uint64_t seed = 1;

	for (unsigned int bit = 0; bit < 64; bit++) {
		number_round_trip((uint64_t)1 << bit);
		number_round_trip(((uint64_t)1 << bit) - 1);
	}
	number_round_trip(UINT64_MAX);
	number_round_trip(UINT64_MAX - 1);
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t n = check_random(&seed);

		number_round_trip(n >> (n % 64));
	}
}

/* A text right before memory that must not be read: the sanitizer watches it. */
static void numbers_stop_at_the_end(void)
{
	char text[3] = { '4', '2', 0 };
	uint64_t v = 0;

	CHECK(xapt_parse_u64(text, 0, 100, &v));
	CHECK_EQ(v, 42);
}

struct list {
	const char *text;
	size_t n;
	uint16_t version[XENAPT_MAX_VERSIONS];
};

static const struct list lists[] = {
	{ "1", 1, { 1 } },
	{ "65535", 1, { 65535 } },
	{ "1,2", 2, { 1, 2 } },
	{ "1,2,5", 3, { 1, 2, 5 } },
	{ "3,1000,65535", 3, { 3, 1000, 65535 } },
	{ "1,2,3,4,5,6,7,8", 8, { 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ "65528,65529,65530,65531,65532,65533,65534,65535", 8,
	  { 65528, 65529, 65530, 65531, 65532, 65533, 65534, 65535 } },
	{ "1,2,3,4,5,6,7,8,9", 0, { 0 } },
	{ "", 0, { 0 } },
	{ "0", 0, { 0 } },
	{ "0,1", 0, { 0 } },
	{ "65536", 0, { 0 } },
	{ "1,65536", 0, { 0 } },
	{ "1,1", 0, { 0 } },
	{ "2,1", 0, { 0 } },
	{ "1,", 0, { 0 } },
	{ ",1", 0, { 0 } },
	{ "1,,2", 0, { 0 } },
	{ "1 ,2", 0, { 0 } },
	{ "1, 2", 0, { 0 } },
	{ "01", 0, { 0 } },
	{ "1,02", 0, { 0 } },
	{ "-1", 0, { 0 } },
	{ "1;2", 0, { 0 } },
	{ "1,2\n", 0, { 0 } },
	{ "a", 0, { 0 } },
	{ "1,4294967298", 0, { 0 } },
	{ "18446744073709551617", 0, { 0 } },
	{ ",", 0, { 0 } },
};

static void versions(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		uint16_t out[XENAPT_MAX_VERSIONS] = { 0 };

		CHECK_CASE(xapt_parse_versions(lists[i].text, out) == lists[i].n, i, lists[i].n);
		if (lists[i].n)
			CHECK_CASE(!memcmp(out, lists[i].version, lists[i].n * sizeof(*out)), i, 0);
	}
	CHECK_EQ(xapt_parse_versions(NULL, (uint16_t[XENAPT_MAX_VERSIONS]){ 0 }), 0);
}

static void types(void)
{
	static const char *const good[] = { "a", "mem", "a-b", "z9", "a0-", "display-2",
					    "abcdefghijklmnopqrstuvwxyz01234" };
	static const char *const bad[] = { "", "-", "-a", "0", "9a", "A", "aB", "a_b", "a.b", "../x",
					   "a/b", "a b", "a\n", " a", "a ", "\xc3\xa4", "a\x01",
					   "abcdefghijklmnopqrstuvwxyz012345" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK_CASE(xapt_parse_type(good[i]), i, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_CASE(!xapt_parse_type(bad[i]), i, 0);
	CHECK(!xapt_parse_type(NULL));
}

/* Every octet, alone and as the second one. */
static void types_every_octet(void)
{
	for (unsigned int c = 1; c < 256; c++) {
		bool lower = c >= 'a' && c <= 'z';
		char one[] = { (char)c, 0 };
		char two[] = { 'a', (char)c, 0 };

		CHECK_CASE(xapt_parse_type(one) == lower, c, lower);
		CHECK_CASE(xapt_parse_type(two) == (lower || c == '-' || (c >= '0' && c <= '9')), c, 2);
	}
}

static CU_TestInfo tests[] = {
	{ "what is no number is refused and leaves the value", numbers_refused },
	{ "numbers round trip, ranges are exact", numbers_accepted },
	{ "nothing behind the text is read", numbers_stop_at_the_end },
	{ "version lists", versions },
	{ "type names", types },
	{ "type names, every octet", types_every_octet },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
