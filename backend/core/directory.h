/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page directory, apertureif.h section 5.1: its shape as arithmetic, and the
 * checks of pages that a peer wrote. The caller fetches; every page passed here is
 * a private copy.
 */
#ifndef XAPT_CORE_DIRECTORY_H
#define XAPT_CORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

struct xapt_shape {
	uint32_t pages;		/* payload pages, 1..XENAPT_MAX_PAGES */
	uint32_t lists;		/* list pages */
	bool indexed;		/* an index page stands above them */
};

/*
 * Shape of length bytes that start at offset in the first page. False if length
 * is 0, offset is not inside a page, or the result is above XENAPT_MAX_PAGES.
 */
bool xapt_directory_shape(uint64_t length, uint32_t offset, struct xapt_shape *shape);

/* References in list page number index. */
uint32_t xapt_directory_count(const struct xapt_shape *shape, uint32_t index);

/* Does this copy of a page say what the shape implies? */
bool xapt_directory_check_index(const struct xapt_shape *shape, const struct xenapt_directory *page);
bool xapt_directory_check_list(const struct xapt_shape *shape, uint32_t index,
			       const struct xenapt_directory *page);

/* Fill in the header of a page; the owner of the memory writes gref itself. */
void xapt_directory_header(struct xenapt_directory *page, uint16_t level, uint16_t count,
			   uint32_t index);

#endif
