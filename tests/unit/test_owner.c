/* SPDX-License-Identifier: GPL-2.0-only */
/* Who owns the memory, and who may only read it. */
#include <string.h>

#include "check.h"
#include "fake/pair.h"

#define PAGE	((uint64_t)XENAPT_PAGE_SIZE)
#define CHILD_RO	XENAPT_OPEN_CHILD_READ_ONLY
#define PARENT_RO	XENAPT_OPEN_PARENT_READ_ONLY
#define OWNED		XENAPT_OPEN_PARENT_OWNED

static struct pair *plain_pair(void)
{
	return pair_new(&(struct pair_options){ 0 });
}

/* The child's half: what a directory names, mapped. NULL: Xen refused. */
static uint8_t *child_map(struct pair *p, uint32_t directory, uint32_t pages, bool writable)
{
	struct xenapt_directory d;
	uint32_t bad;
	void *addr;

	CHECK_EQ(fake_copy(p->f, PAIR_CHILD, PAIR_PARENT, &directory, 1, &d, &bad), 0);
	CHECK_EQ(d.magic, XENAPT_DIR_MAGIC);
	CHECK_EQ(d.level, XENAPT_DIR_LIST);
	CHECK_EQ(d.count, pages);
	return fake_map(p->f, PAIR_CHILD, PAIR_PARENT, d.gref, pages, writable, &addr, &bad) ?
	       NULL : addr;
}

/* Opened and offered: the handle, and the directory's reference. */
static uint64_t ask(struct pair *p, uint64_t length, uint32_t flags, uint32_t again,
		    uint32_t *directory)
{
	struct xenapt_response r;
	uint64_t handle;

	CHECK_EQ(pair_open_as(p, (length + PAGE - 1) / PAGE * PAGE, flags | OWNED, &r), XENAPT_OK);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, length, 0, again, &r), XENAPT_OK);
	*directory = (uint32_t)r.value;
	return handle;
}

static void life(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	uint32_t directory;
	uint64_t handle = ask(p, 3 * PAGE, 0, 0, &directory);
	uint8_t *mine = child_map(p, directory, 3, true);

	CHECK(mine && !mine[0] && !mine[3 * PAGE - 1]);
	CHECK_EQ(p->type.mapped, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	CHECK_EQ(r.value, 3);
	CHECK_EQ(p->type.mapped, 1);
	CHECK_EQ(p->type.length[0], 3 * PAGE);
	CHECK_EQ(p->type.flags[0], OWNED);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);	/* nothing of the child's is mapped */
	mine[2 * PAGE + 1] = 0x5a;
	CHECK_EQ(p->type.data[0][2 * PAGE + 1], 0x5a);
	p->type.data[0][7] = 0xa5;
	CHECK_EQ(mine[7], 0xa5);
	p->type.busy = true;
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_E_BUSY);
	p->type.busy = false;
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	CHECK_EQ(p->type.withdrawn, 1);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_E_STATE);
	CHECK_EQ(fake_unmap(p->f, PAIR_CHILD, mine, 3), 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
	CHECK_EQ(p->host.givable, 2 * FAKE_GIFT_PAGES);
	CHECK(pair_end(p));
}

/* After an outage: the same pages by their directory's reference, with what is in them. */
static void again(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	uint32_t directory, second;
	uint64_t handle = ask(p, 2 * PAGE, 0, 0, &directory);
	uint8_t *mine = child_map(p, directory, 2, true);

	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	mine[100] = 0x77;
	xapt_device_close(&p->device);
	CHECK_EQ(p->type.forced, 1);
	CHECK_EQ(p->host.givable, 2 * FAKE_GIFT_PAGES - 2);	/* still granted, still counted */

	CHECK_EQ(pair_open_as(p, 3 * PAGE, OWNED, &r), XENAPT_OK);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, 3 * PAGE, 0, directory, &r), XENAPT_E_LOST);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(pair_offer(p, handle, 2 * PAGE, 0, directory + 1, &r), XENAPT_E_LOST);
	CHECK_EQ(pair_offer(p, handle, 2 * PAGE, 0, directory, &r), XENAPT_OK);
	CHECK_EQ(r.value, directory);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	CHECK_EQ(p->type.data[0][100], 0x77);

	/* it is in use: not for another */
	CHECK_EQ(pair_open_as(p, 2 * PAGE, OWNED, &r), XENAPT_OK);
	CHECK_EQ(pair_offer(p, r.handle, 2 * PAGE, 0, directory, &r), XENAPT_E_LOST);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, r.handle, &r), XENAPT_OK);

	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	fake_unmap(p->f, PAIR_CHILD, mine, 2);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
	handle = ask(p, 2 * PAGE, CHILD_RO, 0, &second);	/* new memory is zeroed */
	mine = child_map(p, second, 2, false);
	CHECK(mine && !mine[100]);
	fake_unmap(p->f, PAIR_CHILD, mine, 2);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
	CHECK(pair_end(p));
}

static void limits(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	uint64_t handle;

	p->host.givable = 5;
	CHECK_EQ(pair_open_as(p, 8 * PAGE, OWNED, &r), XENAPT_OK);
	CHECK_EQ(r.value, 5 * PAGE);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, 6 * PAGE, 0, 0, &r), XENAPT_E_SIZE);
	CHECK_EQ(pair_offer(p, handle, PAGE, 1, 0, &r), XENAPT_E_MALFORMED);
	p->host.givable = 4;	/* somebody else was faster */
	CHECK_EQ(pair_offer(p, handle, 5 * PAGE, 0, 0, &r), XENAPT_E_GIVEN_PAGES);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_E_STATE);
	fake_fail(p->f, FAKE_GRANT, 2, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
	p->host.givable = 0;
	CHECK_EQ(pair_open_as(p, PAGE, OWNED, &r), XENAPT_E_GIVEN_PAGES);
	CHECK_EQ(pair_open_as(p, PAGE, 0, &r), XENAPT_OK);
	fake_calm(p->f);
	CHECK(pair_end(p));
}

/* Flags and features: which are refused, and by what name. */
static void flags(void)
{
	static const uint32_t all[] = { CHILD_RO, PARENT_RO, OWNED, OWNED | CHILD_RO,
					OWNED | PARENT_RO };
	struct pair *p = plain_pair(), *bare = pair_new(&(struct pair_options){ .aligned = true });
	struct xenapt_response r;

	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++) {
		CHECK_CASE(pair_open_as(p, PAGE, all[i], &r) == XENAPT_OK, i, r.status);
		CHECK_CASE(pair_open_as(bare, PAGE, all[i], &r) == XENAPT_E_UNSUPPORTED, i, r.status);
	}
	CHECK_EQ(pair_open_as(p, PAGE, CHILD_RO | PARENT_RO, &r), XENAPT_E_MALFORMED);
	CHECK_EQ(pair_open_as(bare, PAGE, CHILD_RO | PARENT_RO, &r), XENAPT_E_MALFORMED);
	CHECK_EQ(pair_open_as(p, PAGE, 1u << 3, &r), XENAPT_E_MALFORMED);
	CHECK(pair_end(p));
	CHECK(pair_end(bare));
}

/* The parent asks Xen for what it may have: a writable map of read-only grants is refused there. */
static void parent_reads_only(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t handle;

	CHECK(child_describe(&p->child, &b, 2 * PAGE, 0, false));
	for (uint32_t i = 0; i < b.pages; i++) {
		CHECK_EQ(fake_grant_end(p->f, PAIR_CHILD, b.refs[i]), 0);
		b.refs[i] = fake_grant(p->f, PAIR_CHILD, PAIR_PARENT, b.frames[i], true);
		child_list(&p->child, &b, 0)->gref[i] = b.refs[i];
	}
	CHECK_EQ(pair_open_as(p, 2 * PAGE, 0, &r), XENAPT_OK);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, b.length, 0, b.directory, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_E_GRANT);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	CHECK_EQ(pair_open_as(p, 2 * PAGE, PARENT_RO, &r), XENAPT_OK);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, b.length, 0, b.directory, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	CHECK_EQ(p->type.flags[1], PARENT_RO);
	*child_octet(&p->child, &b, 5) = 0x3c;
	CHECK_EQ(p->type.data[1][5], 0x3c);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static CU_TestInfo tests[] = {
	{ "parent-owned: ask, map, use, withdraw, release", life },
	{ "parent-owned: the same memory again", again },
	{ "parent-owned: limits", limits },
	{ "flags and features", flags },
	{ "a parent that only reads", parent_reads_only },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
