/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child that lies in an OFFER and in its directory. Believed is only what a plain
 * second reading of the contract believes, and then exactly that is mapped.
 */
#include "fuzz.h"

#include "../unit/fake/pair.h"

#define MOST	2100u	/* pages: three list pages */

static struct pair *pair;
static struct buffer buffer;

static void start(void)
{
	pair = pair_new(&(struct pair_options){ .max_size = (uint64_t)MOST * FAKE_PAGE });
	MUST(child_describe(&pair->child, &buffer, (uint64_t)MOST * FAKE_PAGE, 0, false));
}

/* Directory pages as they must be for this length, over what an earlier input left. */
static void write_truth(uint64_t length, uint32_t offset)
{
	uint32_t pages = (uint32_t)((length + offset + FAKE_PAGE - 1) / FAKE_PAGE), lists, i;

	lists = (pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES;
	for (i = 0; i < lists && i < buffer.lists; i++) {
		struct xenapt_directory *page = child_list(&pair->child, &buffer, i);
		uint32_t left = pages - i * XENAPT_DIR_ENTRIES;

		memset(page, 0, 16);
		page->magic = XENAPT_DIR_MAGIC;
		page->level = XENAPT_DIR_LIST;
		page->count = (uint16_t)(left < XENAPT_DIR_ENTRIES ? left : XENAPT_DIR_ENTRIES);
		page->index = i;
		memcpy(page->gref, buffer.refs + i * XENAPT_DIR_ENTRIES,
		       (buffer.pages - i * XENAPT_DIR_ENTRIES < XENAPT_DIR_ENTRIES ?
				buffer.pages - i * XENAPT_DIR_ENTRIES : XENAPT_DIR_ENTRIES) * 4);
	}
	memset(child_index(&pair->child, &buffer), 0, 16);
	child_index(&pair->child, &buffer)->magic = XENAPT_DIR_MAGIC;
	child_index(&pair->child, &buffer)->level = XENAPT_DIR_INDEX;
	child_index(&pair->child, &buffer)->count = (uint16_t)lists;
	memcpy(child_index(&pair->child, &buffer)->gref, buffer.directory_refs, buffer.lists * 4);
}

static void lie(struct input *in)
{
	uint64_t lies = take(in, 1) % 4;

	while (lies--) {
		uint32_t page = (uint32_t)take(in, 1) % (buffer.directory_pages);
		uint8_t *octets = (uint8_t *)child_list(&pair->child, &buffer, page);
		uint64_t at = take(in, 2);

		/* most lies are about the header */
		at = at & 0x8000 ? at % FAKE_PAGE : at % 16;
		octets[at] = (uint8_t)take(in, 1);
	}
}

static bool header_is(const struct xenapt_directory *page, uint16_t level, uint32_t count,
		      uint32_t index)
{
	return page->magic == XENAPT_DIR_MAGIC && page->level == level && page->count == count &&
	       page->index == index && !page->zero;
}

/* List page k as the parent must see it; NULL if its reference is not one of ours. */
static const struct xenapt_directory *list_at(uint32_t directory, uint32_t lists, uint32_t k)
{
	uint32_t ref = lists == 1 ? directory : child_index(&pair->child, &buffer)->gref[k];

	for (uint32_t i = 0; i < buffer.directory_pages; i++)
		if (buffer.directory_refs[i] == ref)
			return child_list(&pair->child, &buffer, i);
	for (uint32_t i = 0; i < buffer.pages; i++)
		if (buffer.refs[i] == ref)
			return (void *)child_octet(&pair->child, &buffer, (uint64_t)i * FAKE_PAGE);
	return NULL;
}

/* The contract, read a second time. */
static bool believable(uint64_t length, uint32_t offset, uint32_t directory, uint32_t *refs)
{
	uint32_t pages, lists, n = 0;

	if (!length || length > (uint64_t)MOST * FAKE_PAGE || offset > 4095)
		return false;
	pages = (uint32_t)((length + offset + 4095) / 4096);
	lists = (pages + 1019) / 1020;
	if (lists > 1 && (directory != buffer.directory ||
			  !header_is(child_index(&pair->child, &buffer), XENAPT_DIR_INDEX, lists, 0)))
		return false;
	for (uint32_t k = 0; k < lists; k++) {
		const struct xenapt_directory *list = list_at(directory, lists, k);
		uint32_t count = k + 1 < lists ? 1020 : pages - k * 1020;

		if (!list || !header_is(list, XENAPT_DIR_LIST, count, k))
			return false;
		for (uint32_t i = 0; i < count; i++)
			refs[n++] = list->gref[i];
	}
	return true;
}

static void use(uint64_t handle, const uint32_t *refs)
{
	const struct xapt_aperture *a = &pair->device.aperture[0];
	struct xenapt_response r;

	MUST(!memcmp(a->refs, refs, a->pages * sizeof(*refs)));
	if (pair_named(pair, XENAPT_REQ_MAP, handle, &r) == XENAPT_OK)
		MUST(r.value == a->pages);
	else
		MUST(r.status == XENAPT_E_GRANT && r.value < a->pages);
	MUST(pair_named(pair, XENAPT_REQ_WITHDRAW, handle, &r) == XENAPT_OK);
	REACHED();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t refs[MOST + 1];
	struct input in = { data, data + size };
	struct xenapt_response r;
	uint64_t length, handle;
	uint32_t offset, directory;
	bool want;

	if (!pair)
		start();
	length = 1 + take(&in, 3) % ((uint64_t)MOST * FAKE_PAGE);
	offset = (uint32_t)take(&in, 2) % FAKE_PAGE;
	write_truth(length, offset);
	if (take(&in, 1) % 8 == 0)
		length = take(&in, 8);
	if (take(&in, 1) % 8 == 0)
		offset = (uint32_t)take(&in, 4);
	directory = length + offset > XENAPT_DIR_ENTRIES * FAKE_PAGE ? buffer.directory :
								       buffer.directory_refs[0];
	lie(&in);
	MUST(pair_open(pair, (uint64_t)MOST * FAKE_PAGE, 0, &r) == XENAPT_OK);
	handle = r.handle;
	want = believable(length, offset, directory, refs);
	MUST((pair_offer(pair, handle, length, offset, directory, &r) == XENAPT_OK) == want);
	if (want)
		use(handle, refs);
	MUST(pair_named(pair, XENAPT_REQ_RELEASE, handle, &r) == XENAPT_OK);
	MUST(pair->own_pages == XENAPT_MAX_PAGES);
	return 0;
}
