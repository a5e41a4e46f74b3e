/* SPDX-License-Identifier: GPL-2.0-only */
/* The page directory: its shape, and that no lie in a page is believed. */
#include <string.h>

#include "directory.h"
#include "check.h"

#define E	 XENAPT_DIR_ENTRIES
#define PAGE	 ((uint64_t)XENAPT_PAGE_SIZE)

struct want {
	bool ok;
	uint32_t pages, lists;
	bool indexed;
};

/* The specification by counting, in numbers that cannot overflow. */
static struct want reference(uint64_t length, uint32_t offset)
{
	unsigned __int128 end = (unsigned __int128)length + offset;
	struct want w = { .ok = length && offset < PAGE && end <= XENAPT_MAX_SIZE };

	if (!w.ok)
		return w;
	for (unsigned __int128 at = 0; at < end; at += PAGE)
		w.pages++;
	for (uint32_t page = 0; page < w.pages; page += E)
		w.lists++;
	w.indexed = w.lists > 1;
	return w;
}

static void check_counts(const struct xapt_shape *shape)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < shape->lists; i++) {
		uint32_t count = xapt_directory_count(shape, i);

		CHECK_CASE(count >= 1 && count <= E, i, count);
		if (i + 1 < shape->lists)
			CHECK_EQ(count, E);
		total += count;
	}
	CHECK_EQ(total, shape->pages);
}

static void check_shape(uint64_t length, uint32_t offset)
{
	struct want w = reference(length, offset);
	struct xapt_shape shape = { 0 };

	if (!CHECK_CASE(xapt_directory_shape(length, offset, &shape) == w.ok, length, offset) ||
	    !w.ok)
		return;
	CHECK_CASE(shape.pages == w.pages, length, shape.pages);
	CHECK_CASE(shape.lists == w.lists, length, shape.lists);
	CHECK_CASE(shape.indexed == w.indexed, length, shape.indexed);
	check_counts(&shape);
}

static const uint32_t sizes[] = { 1, 2, 1019, 1020, 1021, 2039, 2040, 2041, 16384,
				  XENAPT_MAX_PAGES - 1, XENAPT_MAX_PAGES };

static void named_sizes(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t bytes = sizes[i] * PAGE;

		check_shape(bytes, 0);
		check_shape(bytes - 1, 0);
		check_shape(bytes + 1, 0);
		check_shape(bytes, 1);
		check_shape(bytes, 4095);
		check_shape(bytes - PAGE + 1, 4095);
		check_shape(bytes - PAGE + 2, 4095);
	}
}

static void edges(void)
{
	check_shape(0, 0);
	check_shape(0, 4095);
	check_shape(1, 4095);
	check_shape(1, 4096);
	check_shape(1, UINT32_MAX);
	check_shape(XENAPT_MAX_SIZE, 0);
	check_shape(XENAPT_MAX_SIZE, 1);
	check_shape(XENAPT_MAX_SIZE - 4095, 4095);
	check_shape(XENAPT_MAX_SIZE - 4094, 4095);
	check_shape(XENAPT_MAX_SIZE + 1, 0);
	for (unsigned int bit = 31; bit < 64; bit++) {
		check_shape((uint64_t)1 << bit, 0);
		check_shape((((uint64_t)1 << bit) << 1) - 1, 4095);
	}
	for (uint32_t offset = 0; offset < 5000; offset++)
		check_shape(UINT64_MAX, offset);
}

static void random_sizes(void)
{
	uint64_t seed = 2;

	for (unsigned int i = 0; i < 3000; i++) {
		uint64_t length = check_random(&seed), offset = check_random(&seed) % 4100;

		check_shape(length >> (32 + length % 32), (uint32_t)offset);
	}
}

static void make_list(const struct xapt_shape *shape, uint32_t index, struct xenapt_directory *page)
{
	memset(page, 0xff, sizeof(*page));
	xapt_directory_header(page, XENAPT_DIR_LIST, (uint16_t)xapt_directory_count(shape, index),
			      index);
}

static void make_index(const struct xapt_shape *shape, struct xenapt_directory *page)
{
	memset(page, 0xff, sizeof(*page));
	xapt_directory_header(page, XENAPT_DIR_INDEX, (uint16_t)shape->lists, 0);
}

static void header_is_the_contract(void)
{
	static const uint8_t want[16] = { 'X', 'A', 'D', 'R', 2, 0, 0xfc, 3, 0x78, 0x56, 0x34, 0x12 };
	struct xenapt_directory page;

	memset(&page, 0xff, sizeof(page));
	xapt_directory_header(&page, XENAPT_DIR_INDEX, 1020, 0x12345678);
	CHECK(!memcmp(&page, want, sizeof(want)));
	CHECK_EQ(page.gref[0], 0xffffffffu);
}

static void truth_is_accepted(void)
{
	struct xenapt_directory page;
	struct xapt_shape shape;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(xapt_directory_shape(sizes[i] * PAGE, 0, &shape));
		for (uint32_t k = 0; k < shape.lists; k++) {
			make_list(&shape, k, &page);
			CHECK_CASE(xapt_directory_check_list(&shape, k, &page), sizes[i], k);
		}
		make_index(&shape, &page);
		if (shape.indexed)
			CHECK_CASE(xapt_directory_check_index(&shape, &page), sizes[i], 0);
	}
}

/* Flip every bit of the header, of the first, a middle and the last page. */
static void every_bit_of_a_header(const struct xapt_shape *shape, uint32_t index, bool is_index)
{
	for (unsigned int bit = 0; bit < 16 * 8; bit++) {
		struct xenapt_directory page;
		bool believed;

		if (is_index)
			make_index(shape, &page);
		else
			make_list(shape, index, &page);
		((uint8_t *)&page)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		believed = is_index ? xapt_directory_check_index(shape, &page) :
				      xapt_directory_check_list(shape, index, &page);
		CHECK_CASE(!believed, shape->pages, bit);
	}
}

static void lies_are_refused(void)
{
	struct xapt_shape shape;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(xapt_directory_shape(sizes[i] * PAGE, 0, &shape));
		every_bit_of_a_header(&shape, 0, false);
		every_bit_of_a_header(&shape, shape.lists / 2, false);
		every_bit_of_a_header(&shape, shape.lists - 1, false);
		if (shape.indexed)
			every_bit_of_a_header(&shape, 0, true);
	}
}

/* A true page in a wrong place is a lie too. */
static void pages_swapped(void)
{
	struct xenapt_directory page;
	struct xapt_shape shape, other;

	CHECK(xapt_directory_shape(2041 * PAGE, 0, &shape));
	make_list(&shape, 1, &page);
	CHECK(!xapt_directory_check_list(&shape, 0, &page));
	CHECK(!xapt_directory_check_list(&shape, 2, &page));
	CHECK(!xapt_directory_check_index(&shape, &page));
	make_index(&shape, &page);
	CHECK(!xapt_directory_check_list(&shape, 0, &page));
	/* one behind the last, that says so itself */
	make_list(&shape, 2, &page);
	page.index = 3;
	CHECK(!xapt_directory_check_list(&shape, 3, &page));
	CHECK(xapt_directory_shape(1020 * PAGE, 0, &other));
	make_list(&other, 0, &page);
	CHECK(xapt_directory_check_list(&shape, 0, &page));
	CHECK(!xapt_directory_check_list(&shape, 2, &page));
}

/* Whatever 16 octets say: believed exactly if they are the one true header. */
static void random_headers(void)
{
	struct xenapt_directory page, truth;
	struct xapt_shape shape;
	uint64_t seed = 3;

	CHECK(xapt_directory_shape(1500 * PAGE, 0, &shape));
	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t k = (uint32_t)(check_random(&seed) % 2);

		make_list(&shape, k, &truth);
		page = truth;
		if (check_random(&seed) % 2)
			page.count = (uint16_t)(check_random(&seed) % 1024);
		if (check_random(&seed) % 2)
			page.index = (uint32_t)(check_random(&seed) % 3);
		if (check_random(&seed) % 4 == 0)
			page.level = (uint16_t)(check_random(&seed) % 4);
		CHECK_EQ(xapt_directory_check_list(&shape, k, &page), !memcmp(&page, &truth, 16));
	}
}

static CU_TestInfo tests[] = {
	{ "shape of the named sizes", named_sizes },
	{ "shape at the edges", edges },
	{ "shape against the reference", random_sizes },
	{ "header, octet by octet", header_is_the_contract },
	{ "true pages are accepted", truth_is_accepted },
	{ "any flipped bit is refused", lies_are_refused },
	{ "pages in each other's place", pages_swapped },
	{ "random headers", random_headers },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
