// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include "persist.h"

#define PAGE		4096u
#define ENTRY_PRESENT	0x001u
#define ENTRY_WRITE	0x002u
#define ENTRY_USED	0x060u	/* accessed, dirty */
#define ENTRY_FRAME	0x000ffffffffff000u

union {
	struct shared_info info;
	uint8_t page[PAGE];
} shared_window STUB_WINDOW;
extern struct shared_info stub_shared __attribute__((alias("shared_window")));

const struct start_info *stub_start STUB_PERSIST;

extern const uint8_t stub_text_start[], stub_text_end[], stub_guard[];

void *machine_page(uint64_t frame)
{
	const uint64_t *frames = (const uint64_t *)MACH2PHYS_VIRT_START;

	return (void *)(frames[frame] * PAGE);
}

uint64_t machine_frame(const void *page)
{
	return ((const uint64_t *)stub_start->mfn_list)[(uintptr_t)page / PAGE];
}

long machine_map_own(void *window, uint64_t frame)
{
	return hypercall_map(window, frame * PAGE | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USED);
}

/* A wild store to code, a call through NULL, a stack that grows too far: each traps. */
static void protect(void)
{
	const uint64_t *frames = (const uint64_t *)stub_start->mfn_list;
	const uint8_t *at;

	for (at = stub_text_start; at < stub_text_end; at += PAGE)
		hypercall_map(at, frames[(uintptr_t)at / PAGE] * PAGE | ENTRY_PRESENT | ENTRY_USED);
	hypercall_map(stub_guard, 0);
	for (at = (const uint8_t *)0; at < (const uint8_t *)0x10000; at += PAGE)
		hypercall_map(at, 0);
}

void machine_init(const struct start_info *start)
{
	stub_start = start;
	hypercall_map(&shared_window, start->shared_info | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USED);
	protect();
}

/* Machine address of the entry of the lowest table that maps this page. */
static uint64_t entry_of(const void *window)
{
	uint64_t at = (uintptr_t)window, address = 0;
	const uint64_t *table = (const uint64_t *)stub_start->pt_base;
	unsigned int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		address = table[at >> shift & 511] & ENTRY_FRAME;
		table = machine_page(address / PAGE);
	}
	return address + (at >> 12 & 511) * sizeof(uint64_t);
}

void machine_unmap(void *window)
{
	hypercall_map(window, 0);
}

/* From nothing to something: the processor may have kept the entry before it, but none that was nothing. */
long machine_map(void *window, uint32_t domain, uint64_t frame, enum machine_how how)
{
	struct mmu_update update = {
		.ptr = entry_of(window) | (how == MACHINE_RESOURCE ? MMU_PT_UPDATE_NO_TRANSLATE :
					   MMU_NORMAL_PT_UPDATE),
		.val = frame * PAGE | ENTRY_PRESENT | ENTRY_USED |
		       (how == MACHINE_READ ? 0 : ENTRY_WRITE),
	};

	machine_unmap(window);
	return hypercall_entry(&update, domain);
}

void machine_shutdown(unsigned int why)
{
	struct sched_shutdown s = { .reason = why };

	for (;;)
		hypercall_sched(SCHEDOP_shutdown, &s);
}
