/* SPDX-License-Identifier: GPL-2.0-only */
/* The wire contract's octets: sizes and offsets are never to change within version 1. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "barrier.h"
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>

#include "check.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)

SIZE(struct xenapt_request, 64);
AT(struct xenapt_request, id, 0);
AT(struct xenapt_request, type, 8);
AT(struct xenapt_request, zero, 9);
AT(struct xenapt_request, u, 16);
SIZE(struct xenapt_open, 48);
AT(struct xenapt_open, wanted, 0);
AT(struct xenapt_open, least, 8);
AT(struct xenapt_open, flags, 16);
AT(struct xenapt_open, tag, 20);
AT(struct xenapt_open, reserved, 24);
SIZE(struct xenapt_offer, 48);
AT(struct xenapt_offer, handle, 0);
AT(struct xenapt_offer, length, 8);
AT(struct xenapt_offer, offset, 16);
AT(struct xenapt_offer, directory, 20);
AT(struct xenapt_offer, reserved, 24);
SIZE(struct xenapt_named, 48);
AT(struct xenapt_named, reserved, 8);
SIZE(struct xenapt_operation, 48);
AT(struct xenapt_operation, reg, 8);
AT(struct xenapt_operation, value, 16);
AT(struct xenapt_operation, offset, 24);
AT(struct xenapt_operation, length, 32);
AT(struct xenapt_operation, size, 36);
AT(struct xenapt_operation, direction, 37);
AT(struct xenapt_operation, flags, 38);
AT(struct xenapt_operation, submitter, 40);
AT(struct xenapt_operation, reserved, 41);

SIZE(struct xenapt_response, 40);
AT(struct xenapt_response, id, 0);
AT(struct xenapt_response, type, 8);
AT(struct xenapt_response, status, 12);
AT(struct xenapt_response, handle, 16);
AT(struct xenapt_response, value, 24);
AT(struct xenapt_response, slot, 32);

SIZE(struct xenapt_directory, 4096);
AT(struct xenapt_directory, magic, 0);
AT(struct xenapt_directory, level, 4);
AT(struct xenapt_directory, count, 6);
AT(struct xenapt_directory, index, 8);
AT(struct xenapt_directory, zero, 12);
AT(struct xenapt_directory, gref, 16);

SIZE(struct xenapt_counters, 128);
AT(struct xenapt_counters, published, 0);
AT(struct xenapt_counters, notified, 8);
AT(struct xenapt_counters, suppressed, 16);
AT(struct xenapt_counters, taken, 24);
AT(struct xenapt_counters, mapped_pages, 80);

SIZE(struct xenapt_event_page, 4096);
AT(struct xenapt_event_page, interrupt, 0x000);
AT(struct xenapt_event_page, doorbell, 0x080);
AT(struct xenapt_event_page, doorbell_mask, 0x100);
AT(struct xenapt_event_page, status, 0x120);
AT(struct xenapt_event_page, parent, 0x180);
AT(struct xenapt_event_page, vectors, 0x200);
AT(struct xenapt_event_page, independents, 0x204);
AT(struct xenapt_event_page, independent, 0x208);
AT(struct xenapt_event_page, reserved, 0x408);

SIZE(struct xenapt_mask_page, 4096);
AT(struct xenapt_mask_page, interrupt_mask, 0x000);
AT(struct xenapt_mask_page, status, 0x020);
AT(struct xenapt_mask_page, child, 0x080);
AT(struct xenapt_mask_page, fast_status, 0x024);
AT(struct xenapt_mask_page, fast, 0x100);
AT(struct xenapt_mask_page, reserved, 0x180);

SIZE(struct xenapt_slot, 0x7c0);
AT(struct xenapt_slot, generation, 8);
AT(struct xenapt_slot, checksum, 16);
AT(struct xenapt_slot, now, 24);
AT(struct xenapt_slot, state_version, 36);
AT(struct xenapt_slot, done, 40);
AT(struct xenapt_slot, state, 808);
SIZE(struct xenapt_record, 8192);
AT(struct xenapt_record, wanted, 0x008);
AT(struct xenapt_record, stamp, 0x010);
AT(struct xenapt_record, beat, 0x030);
AT(struct xenapt_record, skew, 0x038);
AT(struct xenapt_record, fast, 0x040);
AT(struct xenapt_record, slot, 0x100);

SIZE(union xenapt_sring_entry, 64);
AT(struct xenapt_sring, ring, 64);

static void numbers(void)
{
	CHECK_EQ(XENAPT_MAX_PAGES, 1040400);
	CHECK_EQ(XENAPT_MAX_SIZE, 4261478400);
	CHECK_EQ(XENAPT_SIGNAL_APERTURE + XENAPT_MAX_APERTURES, XENAPT_SIGNAL_DEFINED);
	CHECK_EQ(XENAPT_REQ_OPEN, 1);
	CHECK_EQ(XENAPT_REQ_RELEASE, 5);
	CHECK_EQ(XENAPT_REQ_OPERATION, 16);
	CHECK_EQ(XENAPT_REQ_TAKE, 17);
	CHECK_EQ(XENAPT_E_DECLINED, 5);
	CHECK_EQ(XENAPT_E_TIMEOUT, 69);
	CHECK_EQ(XENAPT_E_RECORD_VERSION, 88);
	CHECK_EQ(XENAPT_E_HANDLE, 3);
	CHECK_EQ(XENAPT_E_SIZE, 20);
	CHECK_EQ(XENAPT_E_MEMORY, 34);
	CHECK_EQ(XENAPT_E_BUSY, 50);
	CHECK_EQ(XENAPT_E_GONE, 68);
}

/* One request as the octets that cross the boundary: little-endian, no padding. */
static void octets_of_an_offer(void)
{
	static const uint8_t want[64] = {
		8, 7, 6, 5, 4, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0,
		0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
		0x34, 0x33, 0x32, 0x31, 0x44, 0x43, 0x42, 0x41,
	};
	struct xenapt_request q;

	memset(&q, 0, sizeof(q));
	q.id = 0x0102030405060708;
	q.type = XENAPT_REQ_OFFER;
	q.u.offer.handle = 0x1112131415161718;
	q.u.offer.length = 0x2122232425262728;
	q.u.offer.offset = 0x31323334;
	q.u.offer.directory = 0x41424344;
	CHECK(!memcmp(&q, want, sizeof(want)));
}

static CU_TestInfo tests[] = {
	{ "numbers", numbers },
	{ "octets of an OFFER", octets_of_an_offer },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
