/* SPDX-License-Identifier: GPL-2.0-only */
/* The two signal pages, one step at a time; test_interleavings has the races. */
#include <stddef.h>

#include <string.h>

#include "signals.h"
#include "check.h"

#include <xen/io/aperture_signal.h>

static struct xenapt_event_page page;
static struct xenapt_mask_page mask;
static struct xapt_signals s;

static void start(void)
{
	memset(&page, 0, sizeof(page));
	memset(&mask, 0, sizeof(mask));
	memset(&s, 0xff, sizeof(s));
	xapt_signals_init(&s, &page, &mask);
}

/* A page that the child did not zero, or that an earlier connection left. */
static void start_over_garbage(void)
{
	memset(&page, 0xff, sizeof(page));
	memset(&mask, 0, sizeof(mask));
	xapt_signals_init(&s, &page, &mask);
	for (unsigned int i = 0; i < XENAPT_SIGNAL_WORDS; i++)
		CHECK_EQ(page.doorbell_mask[i], 0);
	CHECK_EQ(page.status, XENAPT_OK);
	CHECK_EQ(page.parent.published, 0);
	CHECK_EQ(page.parent.mapped_pages, 0);
	/* doorbells of before are kept: spurious is legal, lost is not */
	CHECK_EQ(xapt_signals_take(&s, 0), UINT64_MAX);
	/* our counters do not take over what stands in the page */
	CHECK_EQ(s.count.taken, 64);
}

static void every_interrupt(void)
{
	start();
	for (unsigned int n = 0; n < XENAPT_SIGNAL_DEFINED; n++) {
		CHECK_CASE(xapt_signals_interrupt(&s, n), n, 0);
		CHECK_CASE(page.interrupt[n / 64] >> (n % 64) & 1, n, 0);
		CHECK_CASE(!xapt_signals_interrupt(&s, n), n, 1);
	}
	CHECK_EQ(page.interrupt[0], UINT64_MAX);
	CHECK_EQ(page.interrupt[1], UINT64_MAX);
	CHECK_EQ(page.interrupt[2] | page.interrupt[3], 0);
	CHECK_EQ(s.count.published, 256);
	CHECK_EQ(s.count.notified, 128);
	CHECK_EQ(s.count.coalesced, 128);
	CHECK_EQ(s.count.suppressed, 128);
}

static void masked_interrupts(void)
{
	start();
	mask.interrupt_mask[1] = 0xf0;
	for (unsigned int n = 0; n < 12; n++)
		CHECK_CASE(xapt_signals_interrupt(&s, 64 + n) == (n < 4 || n > 7), n, 0);
	CHECK_EQ(page.interrupt[1], 0xfff);
	CHECK_EQ(s.count.notified, 8);
	CHECK_EQ(s.count.suppressed, 4);
	CHECK_EQ(s.count.coalesced, 0);
	/* masked and pending at once is coalesced: it is counted once */
	CHECK(!xapt_signals_interrupt(&s, 64 + 5));
	CHECK_EQ(s.count.suppressed, 5);
	CHECK_EQ(s.count.coalesced, 1);
}

static void every_doorbell(void)
{
	for (unsigned int n = 0; n < XENAPT_SIGNAL_DEFINED; n++) {
		start();
		CHECK_EQ(xenapt_signal_raise(page.doorbell, page.doorbell_mask, n), XENAPT_NOTIFY);
		CHECK_EQ(xenapt_signal_raise(page.doorbell, page.doorbell_mask, n), XENAPT_COALESCED);
		CHECK_EQ(xapt_signals_take(&s, 1 - n / 64), 0);
		CHECK_EQ(xapt_signals_take(&s, n / 64), (uint64_t)1 << (n % 64));
		CHECK_EQ(xapt_signals_take(&s, n / 64), 0);
		CHECK_EQ(s.count.taken, 1);
	}
}

static void masked_doorbells(void)
{
	start();
	xapt_signals_mask(&s, 3);
	xapt_signals_mask(&s, 4);
	CHECK_EQ(page.doorbell_mask[0], 0x18);
	CHECK_EQ(xenapt_signal_raise(page.doorbell, page.doorbell_mask, 3), XENAPT_MASKED);
	CHECK_EQ(xenapt_signal_raise(page.doorbell, page.doorbell_mask, 5), XENAPT_NOTIFY);
	CHECK_EQ(xapt_signals_take(&s, 0), 0x20);
	CHECK_EQ(page.doorbell[0], 0x08);
	CHECK(!xapt_signals_unmask(&s, 4));
	CHECK(xapt_signals_unmask(&s, 3));
	CHECK_EQ(page.doorbell_mask[0], 0);
	CHECK_EQ(xapt_signals_take(&s, 0), 0x08);
}

/* The shared copy of our mask is the child's to spoil, not ours to believe. */
static void our_mask_is_private(void)
{
	start();
	xapt_signals_mask(&s, 3);
	page.doorbell_mask[0] = UINT64_MAX & ~(uint64_t)8;
	page.doorbell[0] = 0xff;
	CHECK_EQ(xapt_signals_take(&s, 0), 0xff & ~8u);
	page.doorbell[0] = 0xff;
	xapt_signals_unmask(&s, 3);
	CHECK_EQ(xapt_signals_take(&s, 0), 0xff);
}

static void our_counters_are_private(void)
{
	start();
	xapt_signals_interrupt(&s, 1);
	memset(&page.parent, 0x77, sizeof(page.parent));
	xapt_signals_interrupt(&s, 1);
	CHECK_EQ(s.count.published, 2);
	xapt_signals_publish(&s);
	CHECK(!memcmp(&page.parent, &s.count, offsetof(struct xenapt_counters, reserved)));
}

static void status_word(void)
{
	start();
	xapt_signals_status(&s, XENAPT_E_RING);
	CHECK_EQ(page.status, XENAPT_E_RING);
	CHECK_EQ(page.pad2, 0);
}

/* The parent writes what is its own and nothing else. */
static void writes_only_its_own(void)
{
	static uint8_t before[4096], *now = (uint8_t *)&page;

	start();
	memset(&page, 0xa5, sizeof(page));
	memcpy(before, &page, sizeof(before));
	xapt_signals_interrupt(&s, 1);
	xapt_signals_interrupt(&s, 127);
	xapt_signals_mask(&s, 1);
	xapt_signals_mask(&s, 127);
	xapt_signals_status(&s, XENAPT_E_DEVICE);
	xapt_signals_publish(&s);
	for (unsigned int i = 0; i < sizeof(before); i++) {
		bool ours = i < 0x20 || (i >= 0x100 && i < 0x124) || (i >= 0x180 && i < 0x200);

		if (!ours)
			CHECK_CASE(now[i] == before[i], i, now[i]);
	}
}

static CU_TestInfo tests[] = {
	{ "a start over garbage", start_over_garbage },
	{ "every interrupt", every_interrupt },
	{ "masked interrupts", masked_interrupts },
	{ "every doorbell", every_doorbell },
	{ "masked doorbells", masked_doorbells },
	{ "the parent's mask is its own", our_mask_is_private },
	{ "the parent's counters are its own", our_counters_are_private },
	{ "status", status_word },
	{ "nothing but its own is written", writes_only_its_own },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
