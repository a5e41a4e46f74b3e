// SPDX-License-Identifier: GPL-2.0-only
#include "granting.h"

#include "door.h"
#include "hypercall.h"
#include "machine.h"
#include "persist.h"

#define PAGE		4096u
#define ENTRIES		(PAGE / sizeof(struct grant_entry_v1))

static uint8_t pages[DOORS][GRANTING_PAGES][PAGE] STUB_PERSIST __attribute__((aligned(PAGE)));

/* The first frame of the table; the rest is never asked for. */
static union {
	struct grant_entry_v1 entry[ENTRIES];
	uint8_t page[PAGE];
} table STUB_WINDOW;

_Static_assert(GNTTAB_NR_RESERVED_ENTRIES + DOORS * GRANTING_PAGES <= ENTRIES, "one frame");

int granting_init(void)
{
	xen_pfn_t frame = 0;
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
	long error;

	set_xen_guest_handle(setup.frame_list, &frame);
	error = hypercall_grant(GNTTABOP_setup_table, &setup, 1);
	if (error || setup.status != GNTST_okay)
		return error ? (int)error : setup.status;
	return (int)machine_map_own(&table, frame);
}

void *granting_page(unsigned int door, unsigned int page)
{
	return pages[door][page];
}

uint32_t granting_ref(unsigned int door, unsigned int page)
{
	return GNTTAB_NR_RESERVED_ENTRIES + door * GRANTING_PAGES + page;
}

static struct grant_entry_v1 *entry_of(unsigned int door, unsigned int page)
{
	return &table.entry[granting_ref(door, page)];
}

static uint16_t flags_of(const struct grant_entry_v1 *e)
{
	return __atomic_load_n(&e->flags, __ATOMIC_SEQ_CST);
}

bool granting_give(unsigned int door, unsigned int page, uint32_t domain, bool read_only)
{
	struct grant_entry_v1 *e = entry_of(door, page);
	uint16_t flags = (uint16_t)(GTF_permit_access | (read_only ? GTF_readonly : 0));

	if (flags_of(e) && e->domid == domain)
		return true;
	if (!granting_end(door, page))
		return false;
	e->domid = (domid_t)domain;
	e->frame = (uint32_t)machine_frame(pages[door][page]);
	/* Who and what before the permission. */
	__atomic_store_n(&e->flags, flags, __ATOMIC_SEQ_CST);
	return true;
}

bool granting_end(unsigned int door, unsigned int page)
{
	struct grant_entry_v1 *e = entry_of(door, page);
	uint16_t flags = flags_of(e);

	/* Xen sets bits of it whenever somebody maps. */
	do {
		if (flags & (GTF_reading | GTF_writing))
			return false;
	} while (!__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	return true;
}

bool granting_mapped(unsigned int door, unsigned int page)
{
	return flags_of(entry_of(door, page)) & (GTF_reading | GTF_writing);
}
