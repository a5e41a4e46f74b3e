// SPDX-License-Identifier: GPL-2.0-only
/*
 * State records that are not what a device wrote: the current slot changed in place, with a right
 * checksum where something else is wrong with it.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "check_registers.h"
#include "selftest.h"

struct spoil {
	const char *name;
	void (*change)(struct xenapt_slot *slot);
	bool sum;		/* make the checksum right again */
};

static void corrupt(struct xenapt_slot *slot)
{
	slot->state[3] ^= 0x10;
}

static void magic(struct xenapt_slot *slot)
{
	slot->magic++;
}

static void type(struct xenapt_slot *slot)
{
	slot->type ^= 1;
}

static void truncated(struct xenapt_slot *slot)
{
	slot->length -= 8;
	slot->state_size -= 8;
}

static void too_long(struct xenapt_slot *slot)
{
	slot->length = 0xfff8;
	slot->state_size = 0xffff;
}

static void older(struct xenapt_slot *slot)
{
	slot->state_version = 0;
}

static void newer(struct xenapt_slot *slot)
{
	slot->state_version = 2;
}

static void senseless(struct xenapt_slot *slot)
{
	((struct check_state *)slot->state)->guard ^= 1;
}

static void far_future(struct xenapt_slot *slot)
{
	slot->now = 1ull << 62;
}

static const struct spoil spoils[] = {
	{ "corrupt", corrupt, false },
	{ "magic", magic, true },
	{ "type", type, true },
	{ "truncated", truncated, true },
	{ "long", too_long, false },
	{ "older", older, true },
	{ "newer", newer, true },
	{ "senseless", senseless, true },
	{ "future", far_future, true },
};

/* As apertureif.h defines it. */
static u64 checksum(struct xenapt_slot *slot)
{
	u64 sum = 0, word, length = min_t(u64, slot->length, sizeof(*slot));
	u64 at;

	slot->checksum = 0;
	for (at = 0; at < length; at += 8) {
		memcpy(&word, (u8 *)slot + at, 8);
		sum += word * (1 + (at / 8 + 1) * 0x9e3779b97f4a7c14ull);
	}
	return sum;
}

/* In words: slot 1 lies in both pages. */
static int move_slot(struct xen_aperture_dev *dev, unsigned int at, struct xenapt_slot *slot,
		     bool in)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < sizeof(*slot) && !err; i += 8) {
		u8 *word = (u8 *)slot + i;

		err = in ? xen_aperture_test_poke(dev, XEN_APERTURE_TEST_RECORD, at + i, word, 8) :
			   xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, at + i, word, 8);
	}
	return err;
}

static int spoil(struct run *r, struct xen_aperture_dev *dev, const struct spoil *s,
		 struct xenapt_slot *slot)
{
	unsigned int at;
	u64 head, was;
	int err;

	err = xen_aperture_test_peek(dev, XEN_APERTURE_TEST_RECORD, 0, &head, 8);
	if (err)
		return err;
	at = offsetof(struct xenapt_record, slot) + XENAPT_HEAD_SLOT(head) * sizeof(*slot);
	err = move_slot(dev, at, slot, false);
	if (err)
		return err;
	was = slot->checksum;
	if (checksum(slot) != was) {
		say(r, "the record's checksum is not the contract's\n");
		return -EILSEQ;
	}
	slot->checksum = was;
	s->change(slot);
	if (s->sum)
		slot->checksum = checksum(slot);
	say(r, "owner=%u slot=%u generation=%llu\n", XENAPT_HEAD_OWNER(head),
	    XENAPT_HEAD_SLOT(head), XENAPT_HEAD_GENERATION(head));
	return move_slot(dev, at, slot, true);
}

int cmd_record(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct xenapt_slot *slot;
	unsigned int i;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	err = -EINVAL;
	slot = kzalloc(sizeof(*slot), GFP_KERNEL);
	for (i = 0; slot && i < ARRAY_SIZE(spoils); i++)
		if (!strcmp(r->argv[2], spoils[i].name))
			err = spoil(r, dev, &spoils[i], slot);
	kfree(slot);
	xen_aperture_dev_put(dev);
	return err;
}
