// SPDX-License-Identifier: GPL-2.0-only
#include "guest_memory.h"

#include <stdbool.h>

#include "machine.h"
#include "persist.h"
#include "text.h"

#define PAGE		4096u
#define FRAMES		((uint64_t)1 << 40)	/* no processor has more */

static uint8_t window[PAGE] STUB_WINDOW;
static uint32_t guest;
static bool mapped;
static bool writable;
static uint64_t frame;

void guest_memory_use(uint32_t domain)
{
	guest = domain;
	/* A trap may have come between map and drop. */
	machine_unmap(window);
	mapped = false;
}

void guest_memory_drop(void)
{
	if (mapped)
		machine_unmap(window);
	mapped = false;
}

static bool reach(uint64_t wanted, bool write)
{
	if (mapped && frame == wanted && (writable || !write))
		return true;
	guest_memory_drop();
	if (wanted >= FRAMES ||
	    machine_map(window, guest, wanted, write ? MACHINE_WRITE : MACHINE_READ))
		return false;
	mapped = true;
	writable = write;
	frame = wanted;
	return true;
}

/* Of n octets, those in the first page. */
static uint32_t first_part(uint64_t at, uint32_t n)
{
	uint32_t room = PAGE - (uint32_t)(at % PAGE);

	return n < room ? n : room;
}

static int fetch(void *host, uint64_t at, void *to, uint32_t n)
{
	uint32_t part;

	(void)host;
	for (; n; at += part, to = (uint8_t *)to + part, n -= part) {
		part = first_part(at, n);
		if (!reach(at / PAGE, false))
			return -1;
		memcpy(to, &window[at % PAGE], part);
	}
	return 0;
}

/* Both pages are there, or neither is written to. */
static int store(void *host, uint64_t at, const void *from, uint32_t n)
{
	uint32_t part = first_part(at, n);

	(void)host;
	if (part < n && !reach(at / PAGE + 1, true))
		return -1;
	if (!reach(at / PAGE, true))
		return -1;
	memcpy(&window[at % PAGE], from, part);
	if (part == n)
		return 0;
	if (!reach(at / PAGE + 1, true))
		return -1;
	memcpy(window, (const uint8_t *)from + part, n - part);
	return 0;
}

const struct xapt_access_ops guest_memory = { .fetch = fetch, .store = store };
