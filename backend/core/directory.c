// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory.h"

bool xapt_directory_shape(uint64_t length, uint32_t offset, struct xapt_shape *shape)
{
	uint64_t end, pages;

	if (!length || offset >= XENAPT_PAGE_SIZE ||
	    __builtin_add_overflow(length, (uint64_t)offset, &end))
		return false;
	pages = end / XENAPT_PAGE_SIZE + !!(end % XENAPT_PAGE_SIZE);
	if (pages > XENAPT_MAX_PAGES)
		return false;
	shape->pages = (uint32_t)pages;
	shape->lists = (shape->pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES;
	shape->indexed = shape->lists > 1;
	return true;
}

uint32_t xapt_directory_count(const struct xapt_shape *shape, uint32_t index)
{
	if (index + 1 < shape->lists)
		return XENAPT_DIR_ENTRIES;
	return shape->pages - (shape->lists - 1) * XENAPT_DIR_ENTRIES;
}

static bool check(const struct xenapt_directory *page, uint32_t level, uint32_t count,
		  uint32_t index)
{
	return page->magic == XENAPT_DIR_MAGIC && page->level == level &&
	       page->count == count && page->index == index && page->zero == 0;
}

bool xapt_directory_check_index(const struct xapt_shape *shape, const struct xenapt_directory *page)
{
	return shape->indexed && check(page, XENAPT_DIR_INDEX, shape->lists, 0);
}

bool xapt_directory_check_list(const struct xapt_shape *shape, uint32_t index,
			       const struct xenapt_directory *page)
{
	return index < shape->lists &&
	       check(page, XENAPT_DIR_LIST, xapt_directory_count(shape, index), index);
}

void xapt_directory_header(struct xenapt_directory *page, uint16_t level, uint16_t count,
			   uint32_t index)
{
	page->magic = XENAPT_DIR_MAGIC;
	page->level = level;
	page->count = count;
	page->index = index;
	page->zero = 0;
}
