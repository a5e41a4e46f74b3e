/* SPDX-License-Identifier: GPL-2.0-only */
/* A device and its child: the life of apertures, request by request. */
#include <string.h>

#include "check.h"
#include "fake/pair.h"
#include "directory.h"	/* behind ring.h, as apertureif.h asks */

#define PAGE	((uint64_t)XENAPT_PAGE_SIZE)

static struct pair *plain_pair(void)
{
	return pair_new(&(struct pair_options){ 0 });
}

/* Bring an aperture of a buffer to a state; its handle. */
static uint64_t reach(struct pair *p, struct buffer *b, unsigned int state)
{
	struct xenapt_response r;
	uint64_t handle;

	CHECK_EQ(pair_open(p, b->pages * PAGE, 0, &r), XENAPT_OK);
	handle = r.handle;
	if (state >= XENAPT_STATE_OFFERED)
		CHECK_EQ(pair_offer(p, handle, b->length, b->offset, b->directory, &r), XENAPT_OK);
	if (state >= XENAPT_STATE_MAPPED)
		CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	if (state >= XENAPT_STATE_WITHDRAWN)
		CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	return handle;
}

static void life(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t handle;

	CHECK(child_describe(&p->child, &b, 5 * PAGE, 0, true));
	CHECK_EQ(pair_open(p, 8 * PAGE, 4 * PAGE, &r), XENAPT_OK);
	CHECK_EQ(r.value, 8 * PAGE);
	CHECK(r.slot < XENAPT_MAX_APERTURES && r.handle);
	handle = r.handle;
	CHECK_EQ(pair_offer(p, handle, b.length, 0, b.directory, &r), XENAPT_OK);
	CHECK_EQ(r.handle, handle);
	CHECK_EQ(p->type.mapped, 0);
	*child_octet(&p->child, &b, 4 * PAGE + 9) = 0x5a;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, handle, &r), XENAPT_OK);
	CHECK_EQ(r.value, 5);
	CHECK_EQ(p->type.mapped, 1);
	CHECK_EQ(p->type.length[0], 5 * PAGE);
	CHECK_EQ(p->type.tag[0], 77);
	CHECK_EQ(p->type.data[0][4 * PAGE + 9], 0x5a);
	p->type.data[0][3 * PAGE] = 0xa5;
	CHECK_EQ(*child_octet(&p->child, &b, 3 * PAGE), 0xa5);
	CHECK(!child_forget(&p->child, &b));
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, handle, &r), XENAPT_OK);
	CHECK_EQ(p->type.withdrawn, 1);
	CHECK_EQ(p->type.forced, 0);
	CHECK(child_forget(&p->child, &b));
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
	CHECK(pair_end(p));
}

/* What each request says in each state. WITHDRAWN + 1: released. */
static void every_request_in_every_state(void)
{
	static const uint32_t want[5][4] = {
		/* OFFER		MAP		WITHDRAW	RELEASE */
		{ XENAPT_OK,		XENAPT_E_STATE,	XENAPT_E_STATE,	XENAPT_OK },
		{ XENAPT_E_STATE,	XENAPT_OK,	XENAPT_OK,	XENAPT_E_STATE },
		{ XENAPT_E_STATE,	XENAPT_E_STATE,	XENAPT_OK,	XENAPT_E_STATE },
		{ XENAPT_E_STATE,	XENAPT_E_STATE,	XENAPT_E_STATE,	XENAPT_OK },
		{ XENAPT_E_HANDLE,	XENAPT_E_HANDLE, XENAPT_E_HANDLE, XENAPT_E_HANDLE },
	};

	for (unsigned int state = XENAPT_STATE_OPENED; state <= 5; state++) {
		for (unsigned int k = 0; k < 4; k++) {
			struct pair *p = plain_pair();
			struct xenapt_response r;
			struct buffer b;
			uint64_t handle;
			uint32_t status;

			CHECK(child_describe(&p->child, &b, 3 * PAGE, 0, false));
			handle = reach(p, &b, state);
			if (state == 5)
				CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle, &r), XENAPT_OK);
			if (k == 0)
				status = pair_offer(p, handle, b.length, 0, b.directory, &r);
			else
				status = pair_named(p, (uint8_t)(XENAPT_REQ_OFFER + k), handle, &r);
			CHECK_CASE(status == want[state - 1][k], state, k);
			CHECK_EQ(r.handle, handle);
			if (status == XENAPT_E_STATE)
				CHECK_CASE(r.value == state, state, k);
			if (status == XENAPT_E_HANDLE)
				CHECK_EQ(r.value, 0);
			xapt_device_close(&p->device);
			CHECK(child_forget(&p->child, &b));
			CHECK(pair_end(p));
		}
	}
}

static void all_refuse(struct pair *p, uint64_t handle, const struct buffer *b)
{
	struct xenapt_response r;

	CHECK_EQ(pair_offer(p, handle, b->length, 0, b->directory, &r), XENAPT_E_HANDLE);
	CHECK_EQ(r.handle, handle);
	for (uint8_t type = XENAPT_REQ_MAP; type <= XENAPT_REQ_RELEASE; type++)
		CHECK_EQ(pair_named(p, type, handle, &r), XENAPT_E_HANDLE);
}

/* Stale, made up, one bit off, and those of another device of the same guest. */
static void wrong_handles(void)
{
	struct pair *p = plain_pair(), *q;
	struct xenapt_response r;
	uint64_t handle, stale;
	struct buffer b;

	q = pair_new(&(struct pair_options){ .f = p->f });
	CHECK(child_describe(&p->child, &b, PAGE, 0, false));
	stale = reach(p, &b, XENAPT_STATE_OPENED);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, stale, &r), XENAPT_OK);
	handle = reach(p, &b, XENAPT_STATE_OPENED);
	CHECK(handle != stale);
	all_refuse(p, stale, &b);
	all_refuse(p, 0, &b);
	all_refuse(p, UINT64_MAX, &b);
	for (unsigned int bit = 0; bit < 64; bit++)
		all_refuse(p, handle ^ (uint64_t)1 << bit, &b);
	for (uint64_t slot = 0; slot < 64; slot++)
		all_refuse(p, slot, &b);
	all_refuse(q, handle, &b);
	CHECK_EQ(pair_offer(p, handle, b.length, 0, b.directory, &r), XENAPT_OK);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(q));
	CHECK(pair_end(p));
}

static void handles_are_never_used_twice(void)
{
	enum { ROUNDS = 2000 };
	static uint64_t seen[ROUNDS];
	struct pair *p = plain_pair();
	struct xenapt_response r;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pair_open(p, PAGE, 0, &r), XENAPT_OK);
		seen[i] = r.handle;
		for (unsigned int k = 0; k < i; k++)
			if (seen[k] == r.handle)
				CHECK_CASE(!"handle used twice", i, k);
		CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, r.handle, &r), XENAPT_OK);
	}
	CHECK(pair_end(p));
}

static void sizes(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .max_size = 16 * PAGE });
	struct xenapt_response r;

	CHECK_EQ(pair_open(p, 0, 0, &r), XENAPT_E_SIZE_ZERO);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(pair_open(p, 1, 0, &r), XENAPT_E_SIZE_ALIGN);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(pair_open(p, UINT64_MAX, 0, &r), XENAPT_E_SIZE_ALIGN);
	CHECK_EQ(pair_open(p, XENAPT_MAX_SIZE + PAGE, 0, &r), XENAPT_E_SIZE_MAX);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(pair_open(p, 32 * PAGE, 17 * PAGE, &r), XENAPT_E_SIZE_LEAST);
	CHECK_EQ(r.value, 16 * PAGE);
	CHECK_EQ(pair_open(p, 32 * PAGE, 16 * PAGE, &r), XENAPT_OK);
	CHECK_EQ(r.value, 16 * PAGE);
	CHECK_EQ(pair_open(p, 15 * PAGE, 0, &r), XENAPT_OK);
	CHECK_EQ(r.value, 15 * PAGE);
	p->own_pages = 3;
	CHECK_EQ(pair_open(p, 15 * PAGE, 0, &r), XENAPT_OK);
	CHECK_EQ(r.value, 3 * PAGE);
	p->own_pages = 0;
	CHECK_EQ(pair_open(p, 15 * PAGE, 0, &r), XENAPT_E_SIZE_LEAST);
	CHECK_EQ(r.value, 0);
	CHECK(pair_end(p));
}

static void as_many_as_allowed(uint32_t most)
{
	struct pair *p = pair_new(&(struct pair_options){ .max_apertures = most });
	uint64_t handle[XENAPT_MAX_APERTURES], slots = 0;
	struct xenapt_response r;

	for (uint32_t i = 0; i < most; i++) {
		CHECK_EQ(pair_open(p, PAGE, 0, &r), XENAPT_OK);
		CHECK_CASE(r.slot < XENAPT_MAX_APERTURES && !(slots >> r.slot & 1), i, r.slot);
		slots |= (uint64_t)1 << r.slot;
		handle[i] = r.handle;
	}
	CHECK_EQ(pair_open(p, PAGE, 0, &r), XENAPT_E_APERTURES);
	CHECK_EQ(r.value, most);
	CHECK_EQ(pair_named(p, XENAPT_REQ_RELEASE, handle[most / 2], &r), XENAPT_OK);
	CHECK_EQ(pair_open(p, PAGE, 0, &r), XENAPT_OK);
	CHECK_EQ(pair_open(p, PAGE, 0, &r), XENAPT_E_APERTURES);
	CHECK(pair_end(p));
}

static void number_of_apertures(void)
{
	as_many_as_allowed(1);
	as_many_as_allowed(8);
	as_many_as_allowed(63);
	as_many_as_allowed(64);
}

static void offered_lengths(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .max_size = 4 * PAGE });
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 5 * PAGE, 0, false));
	CHECK_EQ(pair_open(p, 8 * PAGE, 0, &r), XENAPT_OK);
	h = r.handle;
	CHECK_EQ(pair_offer(p, h, 4 * PAGE + 1, 0, b.directory, &r), XENAPT_E_SIZE);
	CHECK_EQ(pair_offer(p, h, 5 * PAGE, 0, b.directory, &r), XENAPT_E_SIZE);
	CHECK_EQ(pair_offer(p, h, UINT64_MAX, 4095, b.directory, &r), XENAPT_E_SIZE);
	CHECK_EQ(pair_offer(p, h, 0, 0, b.directory, &r), XENAPT_E_SIZE_ZERO);
	CHECK_EQ(pair_offer(p, h, PAGE, 4096, b.directory, &r), XENAPT_E_MALFORMED);
	CHECK_EQ(pair_offer(p, h, PAGE, UINT32_MAX, b.directory, &r), XENAPT_E_MALFORMED);
	/* less than described, or a partial page more: the directory lies */
	CHECK_EQ(pair_offer(p, h, 4 * PAGE, 0, b.directory, &r), XENAPT_E_DIRECTORY);
	CHECK_EQ(r.value, 0);
	/* granted bytes at an odd place need a page more than granted / 4096 */
	CHECK_EQ(pair_offer(p, h, 4 * PAGE, 1, b.directory, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	CHECK_EQ(r.value, 5);
	*child_octet(&p->child, &b, 1) = 0x77;
	CHECK_EQ(*p->type.data[0], 0x77);
	CHECK_EQ(p->type.length[0], 4 * PAGE);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void offset_needs_the_feature(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .aligned = true });
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, PAGE, 8, false));
	h = reach(p, &b, XENAPT_STATE_OPENED);
	CHECK_EQ(pair_offer(p, h, b.length, b.offset, b.directory, &r), XENAPT_E_UNSUPPORTED);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* Set each octet of a request that must be zero; only then may it be refused. */
static void reserved_fields(void)
{
	static const struct {
		uint8_t type, from, to;
	} field[] = {
		{ XENAPT_REQ_OPEN, 9, 16 }, { XENAPT_REQ_OPEN, 40, 64 },
		{ XENAPT_REQ_OFFER, 9, 16 }, { XENAPT_REQ_OFFER, 40, 64 },
		{ XENAPT_REQ_MAP, 9, 16 }, { XENAPT_REQ_MAP, 24, 64 },
		{ XENAPT_REQ_WITHDRAW, 9, 16 }, { XENAPT_REQ_WITHDRAW, 24, 64 },
		{ XENAPT_REQ_RELEASE, 9, 16 }, { XENAPT_REQ_RELEASE, 24, 64 },
	};
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t handle;

	CHECK(child_describe(&p->child, &b, PAGE, 0, false));
	handle = reach(p, &b, XENAPT_STATE_OPENED);
	for (size_t i = 0; i < sizeof(field) / sizeof(*field); i++) {
		for (unsigned int at = field[i].from; at < field[i].to; at++) {
			struct xenapt_request q = { .type = field[i].type };

			if (q.type == XENAPT_REQ_OPEN)
				q.u.open.wanted = PAGE;
			else
				q.u.named.handle = handle;
			((uint8_t *)&q)[at] = at % 2 ? 1 : 0x80;
			CHECK_CASE(pair_call(p, &q, &r) == XENAPT_E_MALFORMED, i, at);
		}
	}
	CHECK_EQ(p->device.aperture[0].state, XENAPT_STATE_OPENED);
	CHECK_EQ(p->device.aperture[1].state, XENAPT_STATE_NONE);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void flags_and_types(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .aligned = true });
	struct xenapt_response r;

	for (unsigned int bit = 0; bit < 32; bit++) {
		struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

		q.u.open.wanted = PAGE;
		q.u.open.flags = 1u << bit;
		CHECK_CASE(pair_call(p, &q, &r) == (bit < 3 ? XENAPT_E_UNSUPPORTED : XENAPT_E_MALFORMED),
			   bit, r.status);
	}
	for (unsigned int type = 0; type < 256; type++) {
		struct xenapt_request q = { .type = (uint8_t)type };

		if (type < XENAPT_REQ_OPEN || type > XENAPT_REQ_RELEASE)
			CHECK_CASE(pair_call(p, &q, &r) == XENAPT_E_UNSUPPORTED, type, r.status);
	}
	CHECK_EQ(p->device.aperture[0].state, XENAPT_STATE_NONE);
	CHECK(pair_end(p));
}

/* ---- directories and mappings ---------------------------------------------- */

/* One value per page, written at one end and read at the other. */
static void data_both_ways(struct pair *p, const struct buffer *b, unsigned int slot)
{
	uint8_t *data = p->type.data[slot];

	for (uint32_t i = 0; i < b->pages; i++)
		memcpy(child_octet(&p->child, b, i * PAGE + 16), &i, sizeof(i));
	for (uint32_t i = 0; i < b->pages; i++) {
		uint32_t got, back = ~i;

		memcpy(&got, data - b->offset + i * PAGE + 16, sizeof(got));
		CHECK_CASE(got == i, i, got);
		memcpy(data - b->offset + i * PAGE + 20, &back, sizeof(back));
	}
	for (uint32_t i = 0; i < b->pages; i++) {
		uint32_t got;

		memcpy(&got, child_octet(&p->child, b, i * PAGE + 20), sizeof(got));
		CHECK_CASE(got == ~i, i, got);
	}
}

static void round_trip(uint64_t length, uint32_t offset, bool scattered)
{
	struct pair *p = plain_pair();
	struct fake_counts now;
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, length, offset, scattered));
	h = reach(p, &b, XENAPT_STATE_MAPPED);
	CHECK_EQ(p->type.length[0], length);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES - b.pages);
	CHECK_EQ(((struct xenapt_event_page *)p->event)->parent.mapped_pages, b.pages);
	/* one call, whatever the size; one fetch, or two with an index */
	CHECK_EQ(fake_calls(p->f, FAKE_MAP), 4);
	CHECK_EQ(fake_calls(p->f, FAKE_COPY), b.lists > 1 ? 2 : 1);
	/* the references are Xen's now: nothing of the control path is kept */
	fake_count(p->f, &now);
	CHECK_EQ(now.allocations, 0);
	data_both_ways(p, &b, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK_EQ(p->child.event->parent.mapped_pages, 0);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void round_trips(void)
{
	round_trip(1, 0, false);
	round_trip(PAGE, 0, false);
	round_trip(PAGE, 4095, true);
	round_trip(1019 * PAGE, 0, true);
	round_trip(1020 * PAGE, 0, true);
	round_trip(1021 * PAGE, 0, true);
	round_trip(1020 * PAGE, 1, true);
	round_trip(16384 * PAGE, 0, true);
	round_trip(16384 * PAGE, 0, false);
}

/* Every list page full, every list page used; one page of memory stands for all of them. */
static void the_largest(void)
{
	struct pair *p = plain_pair();
	uint32_t frame = fake_pages(p->f, PAIR_CHILD, XENAPT_DIR_ENTRIES + 1);
	struct xenapt_directory *index = fake_page(p->f, PAIR_CHILD, frame + XENAPT_DIR_ENTRIES);
	uint32_t refs[XENAPT_DIR_ENTRIES + 1];
	struct xenapt_response r;
	uint64_t h;

	for (uint32_t i = 0; i <= XENAPT_DIR_ENTRIES; i++)
		refs[i] = fake_grant(p->f, PAIR_CHILD, PAIR_PARENT, frame + i, true);
	xapt_directory_header(index, XENAPT_DIR_INDEX, XENAPT_DIR_ENTRIES, 0);
	memcpy(index->gref, refs, sizeof(index->gref));
	for (uint32_t i = 0; i < XENAPT_DIR_ENTRIES; i++)
		xapt_directory_header(fake_page(p->f, PAIR_CHILD, frame + i), XENAPT_DIR_LIST,
				      XENAPT_DIR_ENTRIES, i);
	CHECK_EQ(pair_open(p, XENAPT_MAX_SIZE, XENAPT_MAX_SIZE, &r), XENAPT_OK);
	h = r.handle;
	CHECK_EQ(pair_offer(p, h, XENAPT_MAX_SIZE, 1, refs[XENAPT_DIR_ENTRIES], &r), XENAPT_E_MALFORMED);
	CHECK_EQ(pair_offer(p, h, XENAPT_MAX_SIZE, 0, refs[XENAPT_DIR_ENTRIES], &r), XENAPT_OK);
	CHECK_EQ(p->device.aperture[0].pages, XENAPT_MAX_PAGES);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	CHECK_EQ(r.value, 0);
	xapt_device_close(&p->device);
	for (uint32_t i = 0; i <= XENAPT_DIR_ENTRIES; i++)
		CHECK_EQ(fake_grant_end(p->f, PAIR_CHILD, refs[i]), 0);
	fake_pages_free(p->f, PAIR_CHILD, frame, XENAPT_DIR_ENTRIES + 1);
	CHECK(pair_end(p));
}

/* The parent's index of a bad page is exact, nothing stays mapped, and a retry works. */
static void bad_reference(uint32_t at, uint32_t ref)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1000 * PAGE, 0, true));
	child_list(&p->child, &b, 0)->gref[at] = ref;
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	CHECK_EQ(r.value, at);
	CHECK_EQ(p->type.mapped, 0);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK_EQ(p->device.aperture[0].state, XENAPT_STATE_OFFERED);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void bad_references(void)
{
	struct pair *p = plain_pair();
	uint32_t frame, foreign, read_only;

	bad_reference(0, 0);
	bad_reference(1, 60000);
	bad_reference(500, UINT32_MAX);
	bad_reference(999, 0x80000000u);
	CHECK(pair_end(p));

	/* granted to somebody else; granted for reading only */
	p = plain_pair();
	fake_domain_create(p->f, 6);
	frame = fake_pages(p->f, PAIR_CHILD, 1);
	foreign = fake_grant(p->f, PAIR_CHILD, 6, frame, false);
	read_only = fake_grant(p->f, PAIR_CHILD, PAIR_PARENT, frame, true);
	for (unsigned int i = 0; i < 2; i++) {
		struct xenapt_response r;
		struct buffer b;
		uint64_t h;

		CHECK(child_describe(&p->child, &b, 1000 * PAGE, 0, true));
		child_list(&p->child, &b, 0)->gref[700] = i ? foreign : read_only;
		h = reach(p, &b, XENAPT_STATE_OFFERED);
		CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
		CHECK_EQ(r.value, 700);
		CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
		CHECK(child_forget(&p->child, &b));
	}
	fake_grant_end(p->f, PAIR_CHILD, foreign);
	fake_grant_end(p->f, PAIR_CHILD, read_only);
	fake_pages_free(p->f, PAIR_CHILD, frame, 1);
	CHECK(pair_end(p));
}

/* Xen refuses the k-th page once: the same aperture can be mapped afterwards. */
static void map_fails_once(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1000 * PAGE, 0, true));
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	fake_fail(p->f, FAKE_MAP, 1, 421);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	CHECK_EQ(r.value, 421);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	CHECK_EQ(r.value, 1000);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* The directory's own pages: unreadable ones and lying ones, by number. */
static void bad_directory(bool unreadable, uint32_t number)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 2500 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OPENED);
	if (unreadable && number)
		child_index(&p->child, &b)->gref[number - 1] = 9;	/* no such page of ours */
	else if (number)
		child_list(&p->child, &b, number - 1)->count ^= 1;
	else
		child_index(&p->child, &b)->count++;
	if (unreadable && number)
		fake_fail(p->f, FAKE_COPY, 2, number - 1);
	else if (unreadable)
		fake_fail(p->f, FAKE_COPY, 1, 0);
	CHECK_EQ(pair_offer(p, h, b.length, 0, b.directory, &r), XENAPT_E_DIRECTORY);
	CHECK_CASE(r.value == number, r.value, number);
	CHECK_EQ(p->device.aperture[0].state, XENAPT_STATE_OPENED);
	CHECK_EQ(fake_calls(p->f, FAKE_MAP), 3);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void bad_directories(void)
{
	for (uint32_t number = 0; number <= 3; number++) {
		bad_directory(false, number);
		bad_directory(true, number);
	}
}

static void a_list_is_no_index(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1021 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OPENED);
	CHECK_EQ(pair_offer(p, h, b.length, 0, b.directory_refs[0], &r), XENAPT_E_DIRECTORY);
	CHECK_EQ(pair_offer(p, h, 1020 * PAGE, 0, b.directory, &r), XENAPT_E_DIRECTORY);
	CHECK_EQ(pair_offer(p, h, 1020 * PAGE, 0, b.directory_refs[0], &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

struct vandal {
	struct child *c;
	struct buffer *b;
};

static void scribble(void *ctx)
{
	struct vandal *v = ctx;

	for (uint32_t i = 0; i < v->b->directory_pages; i++)
		memset(child_list(v->c, v->b, i), 0xee, PAGE);
}

/* The directory may change, or end, once the OFFER is answered. */
static void directory_is_copied(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1500 * PAGE, 0, true));
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	scribble(&(struct vandal){ &p->child, &b });
	for (uint32_t i = 0; i < b.directory_pages; i++) {
		CHECK_EQ(fake_grant_end(p->f, PAIR_CHILD, b.directory_refs[i]), 0);
		b.directory_refs[i] = 0;
	}
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	data_both_ways(p, &b, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* It changes between the fetch of the index and that of the lists. */
static void directory_changes_between_fetches(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	struct vandal v = { &p->child, &b };
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1500 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OPENED);
	fake_hook(p->f, FAKE_COPY, 2, scribble, &v);
	CHECK_EQ(pair_offer(p, h, b.length, 0, b.directory, &r), XENAPT_E_DIRECTORY);
	CHECK_EQ(r.value, 1);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void kill_child(void *ctx)
{
	struct pair *p = ctx;

	fake_domain_die(p->f, PAIR_CHILD);
}

/* The child dies right before the n-th copy or map: an error, and nothing stays. */
static void child_dies_between(enum fake_call call, unsigned int n)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 1500 * PAGE, 0, false));
	h = reach(p, &b, call == FAKE_MAP ? XENAPT_STATE_OFFERED : XENAPT_STATE_OPENED);
	fake_hook(p->f, call, n, kill_child, p);
	if (call == FAKE_MAP)
		CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_GRANT);
	else
		CHECK_EQ(pair_offer(p, h, b.length, 0, b.directory, &r), XENAPT_E_DIRECTORY);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	p->child.port = 0;
	p->start.ports = 0;
	CHECK(pair_end(p));
}

static void child_dies(void)
{
	child_dies_between(FAKE_COPY, 1);
	child_dies_between(FAKE_COPY, 2);
	child_dies_between(FAKE_MAP, 1);
}

/* Every allocation of an OFFER fails once. */
static void out_of_memory(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;
	unsigned int n = 1;

	CHECK(child_describe(&p->child, &b, 1500 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OPENED);
	for (;; n++) {
		fake_fail(p->f, FAKE_ALLOC, n, 0);
		if (pair_offer(p, h, b.length, 0, b.directory, &r) == XENAPT_OK)
			break;
		CHECK_EQ(r.status, XENAPT_E_MEMORY);
		CHECK_EQ(p->device.aperture[0].state, XENAPT_STATE_OPENED);
	}
	CHECK(n > 1);
	fake_calm(p->f);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* ---- the device type's answers --------------------------------------------- */

static void busy(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 3 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_MAPPED);
	p->type.busy = true;
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_E_BUSY);
		CHECK(!child_forget(&p->child, &b));
	}
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES - 3);
	data_both_ways(p, &b, 0);
	p->type.busy = false;
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void refused_by_the_type(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 3 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	p->type.refuse = true;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_DEVICE);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK_EQ(p->device.signals.count.mapped_pages, 0);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* "ok" to a WITHDRAW means that nothing is mapped, even if an unmap failed before. */
static void unmap_fails(bool refused)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 3 * PAGE, 0, false));
	h = reach(p, &b, refused ? XENAPT_STATE_OFFERED : XENAPT_STATE_MAPPED);
	p->type.refuse = refused;
	fake_fail(p->f, FAKE_UNMAP, 1, 0);
	if (refused)
		CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_DEVICE);
	else
		CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_E_BUSY);
	CHECK(!child_forget(&p->child, &b));
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES - 3);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_BUSY);
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE);
	pair_service(p);
	CHECK_EQ(p->type.doorbell[0], 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK_EQ(p->type.withdrawn, !refused);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void unmap_fails_once(void)
{
	unmap_fails(false);
	unmap_fails(true);
}

static void unmap_failed_then_closed(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 3 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	p->type.refuse = true;
	fake_fail(p->f, FAKE_UNMAP, 1, 0);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_DEVICE);
	xapt_device_close(&p->device);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* ---- budgets and ends ------------------------------------------------------ */

static void close_is_idempotent(void)
{
	struct pair *p = plain_pair();
	struct buffer b[4];

	for (unsigned int i = 0; i < 4; i++) {
		CHECK(child_describe(&p->child, &b[i], (i + 1) * PAGE, 0, true));
		reach(p, &b[i], i + 1);
	}
	p->type.busy = true;
	xapt_device_close(&p->device);
	CHECK_EQ(p->type.forced, 1);
	CHECK_EQ(p->own_pages, XENAPT_MAX_PAGES);
	xapt_device_close(&p->device);
	xapt_device_close(&p->device);
	CHECK_EQ(p->type.withdrawn, 2);		/* b[3] was withdrawn by the child */
	for (unsigned int i = 0; i < 4; i++)
		CHECK(child_forget(&p->child, &b[i]));
	CHECK(pair_end(p));
}

static void page_budget_is_shared(void)
{
	struct fake *f = fake_new(6);
	uint64_t left = 10;
	struct xenapt_response r;
	struct buffer b[3];
	struct pair *p, *q;
	uint64_t h0, h1, h2;

	fake_domain_create(f, PAIR_PARENT);
	fake_domain_create(f, PAIR_CHILD);
	p = pair_new(&(struct pair_options){ .f = f, .pages_left = &left });
	q = pair_new(&(struct pair_options){ .f = f, .pages_left = &left });
	for (unsigned int i = 0; i < 3; i++)
		CHECK(child_describe(i < 2 ? &p->child : &q->child, &b[i], 4 * PAGE, 0, false));
	h0 = reach(p, &b[0], XENAPT_STATE_MAPPED);
	h1 = reach(p, &b[1], XENAPT_STATE_OFFERED);
	h2 = reach(q, &b[2], XENAPT_STATE_MAPPED);
	CHECK_EQ(left, 2);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h1, &r), XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(r.value, 2);
	CHECK_EQ(pair_open(q, 4 * PAGE, 3 * PAGE, &r), XENAPT_E_SIZE_LEAST);
	CHECK_EQ(r.value, 2 * PAGE);
	CHECK_EQ(pair_named(q, XENAPT_REQ_WITHDRAW, h2, &r), XENAPT_OK);
	CHECK_EQ(left, 6);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h1, &r), XENAPT_OK);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h0, &r), XENAPT_OK);
	xapt_device_close(&p->device);
	CHECK_EQ(left, 10);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(child_forget(&p->child, &b[i]));
	CHECK(pair_end(q));
	CHECK(pair_end(p));
	fake_delete(f);
}

static void page_budget_to_the_last(void)
{
	struct pair *p = pair_new(&(struct pair_options){ .pages = 4 });
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 4 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_OFFERED);
	p->own_pages = 3;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_MAPPED_PAGES);
	CHECK_EQ(r.value, 3);
	p->own_pages = 4;
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_OK);
	CHECK_EQ(p->own_pages, 0);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* At most budget requests a call; the rest is announced and done later, in order. */
static void budget(void)
{
	struct pair *p = plain_pair();
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response r;
	unsigned int calls = 0;

	q.u.open.wanted = PAGE;
	for (unsigned int i = 0; i < 32; i++)
		child_queue(&p->child, &q);
	child_push(&p->child);
	CHECK(fake_port_take(p->f, PAIR_PARENT, p->host.port));
	for (bool more = true; more; calls++) {
		more = xapt_device_service(&p->device, 5);
		CHECK_EQ(more, calls < 6);
		for (unsigned int i = 0; i < (calls < 6 ? 5u : 2u); i++) {
			CHECK(child_collect(&p->child, &r));
			CHECK_EQ(r.id, calls * 5 + i + 1);
			CHECK_EQ(r.status, XENAPT_OK);
		}
		CHECK(!child_collect(&p->child, &r));
		if (calls > 20)
			break;
	}
	CHECK_EQ(calls, 7);
	CHECK(pair_end(p));
}

/* Requests whose cost is the aperture's size: one a turn, so that others get theirs. */
static void costly_requests_end_the_turn(void)
{
	static const uint8_t costly[] = { XENAPT_REQ_OFFER, XENAPT_REQ_MAP, XENAPT_REQ_WITHDRAW };
	struct pair *p = plain_pair();
	struct xenapt_response r;

	for (unsigned int i = 0; i < 3; i++) {
		child_queue(&p->child, &(struct xenapt_request){ .type = costly[i] });
		child_queue(&p->child, &(struct xenapt_request){ .type = XENAPT_REQ_RELEASE });
		child_queue(&p->child, &(struct xenapt_request){ .type = XENAPT_REQ_RELEASE });
		child_push(&p->child);
		CHECK(xapt_device_service(&p->device, 8));
		CHECK(child_collect(&p->child, &r));
		CHECK(!child_collect(&p->child, &r));
		CHECK(!xapt_device_service(&p->device, 8));
		CHECK(child_collect(&p->child, &r));
		CHECK(child_collect(&p->child, &r));
	}
	CHECK(pair_end(p));
}

/* A device type that fails in a request: that one is answered, the next is not begun. */
static void failure_within_a_batch(void)
{
	struct pair *p = plain_pair();
	struct xenapt_request q = { .type = XENAPT_REQ_WITHDRAW };
	struct xenapt_response r;
	struct buffer b;

	CHECK(child_describe(&p->child, &b, PAGE, 0, false));
	q.u.named.handle = reach(p, &b, XENAPT_STATE_MAPPED);
	p->type.fails = &p->device;
	child_queue(&p->child, &q);
	child_queue(&p->child, &(struct xenapt_request){ .type = XENAPT_REQ_OPEN });
	child_push(&p->child);
	CHECK(!xapt_device_service(&p->device, 8));
	CHECK(child_collect(&p->child, &r));
	CHECK(!child_collect(&p->child, &r));
	CHECK_EQ(p->child.event->status, XENAPT_E_DEVICE);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* A child that fills the ring as fast as it is served does not keep the device from its doorbells. */
static void doorbells_are_served_beside_requests(void)
{
	struct pair *p = plain_pair();
	struct xenapt_request q = { .type = XENAPT_REQ_MAP };
	struct xenapt_response r;
	struct buffer b;

	CHECK(child_describe(&p->child, &b, PAGE, 0, false));
	reach(p, &b, XENAPT_STATE_MAPPED);
	for (unsigned int i = 0; i < 20; i++) {
		child_queue(&p->child, &q);
		child_queue(&p->child, &q);
		child_push(&p->child);
		child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE);
		xapt_device_service(&p->device, 1);
		CHECK_EQ(p->type.doorbell[0], i + 1);
		xapt_device_service(&p->device, 8);
		while (child_collect(&p->child, &r))
			CHECK_EQ(r.status, XENAPT_E_HANDLE);
	}
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static unsigned int all_doorbells(const struct pair *p)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 64; i++)
		n += p->type.doorbell[i] + p->type.signal[i];
	return n;
}

static void doorbells(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b[3];
	uint64_t h[3];

	for (unsigned int i = 0; i < 3; i++) {
		CHECK(child_describe(&p->child, &b[i], PAGE, 0, false));
		h[i] = reach(p, &b[i], i == 1 ? XENAPT_STATE_OFFERED : XENAPT_STATE_MAPPED);
	}
	for (unsigned int n = 0; n < XENAPT_SIGNALS; n++)
		child_doorbell(&p->child, n);
	pair_service(p);
	for (unsigned int n = 0; n < 64; n++) {
		CHECK_CASE(p->type.signal[n] == 1, n, p->type.signal[n]);
		CHECK_CASE(p->type.doorbell[n] == (n == 0 || n == 2), n, p->type.doorbell[n]);
	}
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE + 2);
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE + 2);
	pair_service(p);
	CHECK_EQ(p->type.doorbell[2], 2);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h[2], &r), XENAPT_OK);
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE + 2);
	pair_service(p);
	CHECK_EQ(all_doorbells(p), 64 + 3);
	CHECK_EQ(p->child.count.published, p->child.count.notified + p->child.count.suppressed);
	CHECK_EQ(p->device.signals.count.taken, 64 + 64 + 2);
	xapt_device_close(&p->device);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(child_forget(&p->child, &b[i]));
	CHECK(pair_end(p));
}

/* The child rings for its last data and withdraws at once: the device still hears of it. */
static void doorbell_before_withdraw(void)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_MAPPED);
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE);
	CHECK_EQ(pair_named(p, XENAPT_REQ_WITHDRAW, h, &r), XENAPT_OK);
	CHECK_EQ(p->type.doorbell[0], 1);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

static void interrupts(void)
{
	struct pair *p = plain_pair();
	struct xenapt_counters *count = &p->device.signals.count;
	uint64_t events = fake_port_sent(p->f, PAIR_PARENT, p->host.port);

	xapt_device_interrupt(&p->device, 3);
	xapt_device_interrupt(&p->device, 3);
	xapt_device_interrupt(&p->device, XENAPT_SIGNAL_APERTURE + 63);
	CHECK_EQ(fake_port_sent(p->f, PAIR_PARENT, p->host.port) - events, 2);
	CHECK_EQ(child_interrupts(&p->child, 0), 1u << 3);
	CHECK_EQ(child_interrupts(&p->child, 1), (uint64_t)1 << 63);
	CHECK_EQ(child_interrupts(&p->child, 0), 0);
	child_mask(&p->child, 3);
	xapt_device_interrupt(&p->device, 3);
	CHECK_EQ(fake_port_sent(p->f, PAIR_PARENT, p->host.port) - events, 2);
	CHECK_EQ(child_interrupts(&p->child, 0), 0);
	CHECK(child_unmask(&p->child, 3));
	CHECK_EQ(child_interrupts(&p->child, 0), 1u << 3);
	xapt_device_interrupt(&p->device, XENAPT_SIGNAL_DEFINED);
	xapt_device_interrupt(&p->device, 255);
	xapt_device_interrupt(&p->device, 256);
	xapt_device_interrupt(&p->device, UINT32_MAX);
	CHECK_EQ(count->published, 4);
	CHECK_EQ(count->notified, 2);
	CHECK_EQ(count->suppressed, 2);
	CHECK_EQ(count->coalesced, 1);
	/* Of these the vectors': apertures have signals of their own. */
	CHECK_EQ(p->device.signals.vectors_notified, 1);
	CHECK_EQ(p->device.signals.vectors_coalesced, 1);
	CHECK_EQ(p->child.event->interrupt[2] | p->child.event->interrupt[3], 0);
	CHECK(!memcmp(&p->child.event->parent, count, sizeof(*count)));
	CHECK(pair_end(p));
}

static void counters(void)
{
	struct pair *p = plain_pair();
	const struct xenapt_counters *seen = &p->child.event->parent;
	struct xenapt_response r;
	struct buffer b;
	uint64_t h;

	CHECK(child_describe(&p->child, &b, 7 * PAGE, 0, false));
	h = reach(p, &b, XENAPT_STATE_MAPPED);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, h, &r), XENAPT_E_STATE);
	CHECK_EQ(pair_named(p, XENAPT_REQ_MAP, 0, &r), XENAPT_E_HANDLE);
	CHECK_EQ(pair_named(p, 99, 0, &r), XENAPT_E_UNSUPPORTED);
	CHECK_EQ(seen->requests, p->child.count.requests);
	CHECK_EQ(seen->responses, p->child.count.responses);
	CHECK_EQ(seen->errors, 3);
	CHECK_EQ(p->child.count.errors, 3);
	CHECK_EQ(seen->mapped_pages, 7);
	CHECK_EQ(p->device.errors[XENAPT_E_STATE], 1);
	CHECK_EQ(p->device.errors[XENAPT_E_HANDLE], 1);
	CHECK_EQ(p->device.errors[XENAPT_E_UNSUPPORTED], 1);
	CHECK_EQ(p->device.errors[XENAPT_OK], 0);
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* Events that found work, of each kind alone, and events that did not. */
static void spurious_events(void)
{
	struct pair *p = plain_pair();
	const struct xenapt_counters *count = &p->device.signals.count;
	struct xenapt_response r;
	uint64_t events = count->events, spurious = count->spurious;

	fake_port_send(p->f, PAIR_CHILD, p->child.port);
	pair_service(p);
	CHECK_EQ(count->events, events + 1);
	CHECK_EQ(count->spurious, spurious + 1);
	child_doorbell(&p->child, 1);
	pair_service(p);
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE + 1);
	pair_service(p);
	pair_open(p, PAGE, 0, &r);
	CHECK_EQ(count->events, events + 4);
	CHECK_EQ(count->spurious, spurious + 1);
	CHECK_EQ(p->child.event->parent.spurious, spurious + 1);
	CHECK(pair_end(p));
}

/* ---- the connection ends --------------------------------------------------- */

static void poisoned(uint32_t offset, uint32_t before)
{
	struct pair *p = plain_pair();
	struct xenapt_response r;
	uint64_t events;
	struct buffer b;

	CHECK(child_describe(&p->child, &b, 2 * PAGE, 0, false));
	reach(p, &b, XENAPT_STATE_MAPPED);
	while (before--)
		pair_named(p, XENAPT_REQ_MAP, 0, &r);
	events = fake_port_sent(p->f, PAIR_PARENT, p->host.port);
	p->child.front.sring->req_prod += offset;
	CHECK(!xapt_device_service(&p->device, 8));
	CHECK_EQ(p->device.status, XENAPT_E_RING);
	CHECK_EQ(p->child.event->status, XENAPT_E_RING);
	CHECK_EQ(fake_port_sent(p->f, PAIR_PARENT, p->host.port) - events, 1);
	CHECK(!child_collect(&p->child, &r));
	/* healed or not: over is over, and it is said once */
	p->child.front.sring->req_prod = p->child.front.req_prod_pvt + 1;
	child_doorbell(&p->child, XENAPT_SIGNAL_APERTURE);
	CHECK(!xapt_device_service(&p->device, 8));
	xapt_device_interrupt(&p->device, 5);
	xapt_device_fail(&p->device, XENAPT_E_DEVICE);
	CHECK_EQ(p->child.event->status, XENAPT_E_RING);
	CHECK_EQ(fake_port_sent(p->f, PAIR_PARENT, p->host.port) - events, 1);
	CHECK_EQ(p->type.doorbell[0], 0);
	CHECK(!child_collect(&p->child, &r));
	xapt_device_close(&p->device);
	CHECK(child_forget(&p->child, &b));
	CHECK(pair_end(p));
}

/* The child's last word ends the device, under the name that it gave; any number is data. */
static void ended_by_child(uint32_t status, enum xenapt_status want)
{
	struct pair *p = plain_pair();

	p->child.mask->status = status;
	CHECK(!xapt_device_service(&p->device, 8));
	CHECK_EQ(p->device.status, want);
	CHECK_EQ(p->device.ended_by_child, want != XENAPT_OK);
	xapt_device_close(&p->device);
	CHECK(pair_end(p));
}

static void child_status(void)
{
	ended_by_child(XENAPT_OK, XENAPT_OK);
	ended_by_child(XENAPT_E_RING, XENAPT_E_RING);
	ended_by_child(XAPT_ERRORS - 1, XAPT_ERRORS - 1);
	ended_by_child(XAPT_ERRORS, XENAPT_E_GONE);
	ended_by_child(0xffffffffu, XENAPT_E_GONE);
}

static void poisoned_rings(void)
{
	static const uint32_t offset[] = { 33, 64, 0x7fffffff, 0x80000000u, 0xffffffe0u, 0xffffffffu };

	for (size_t i = 0; i < sizeof(offset) / sizeof(*offset); i++) {
		poisoned(offset[i], 0);
		poisoned(offset[i], 31);
	}
}

/* Requests before the device finds the ring broken were answered, or not taken at all. */
static void poisoned_half_way(void)
{
	struct pair *p = plain_pair();
	struct xenapt_request q = { .type = XENAPT_REQ_OPEN };

	q.u.open.wanted = PAGE;
	for (unsigned int i = 0; i < 3; i++)
		child_queue(&p->child, &q);
	child_push(&p->child);
	CHECK(xapt_device_service(&p->device, 2));
	p->child.front.sring->req_prod = 2 + 33;
	CHECK(!xapt_device_service(&p->device, 2));
	CHECK_EQ(p->device.status, XENAPT_E_RING);
	CHECK_EQ(p->device.aperture[2].state, XENAPT_STATE_NONE);
	CHECK(pair_end(p));
}

static void failed_by_the_type(void)
{
	struct pair *p = plain_pair();
	uint64_t events = fake_port_sent(p->f, PAIR_PARENT, p->host.port);

	xapt_device_fail(&p->device, XENAPT_E_DEVICE);
	xapt_device_fail(&p->device, XENAPT_E_MEMORY);
	CHECK_EQ(p->child.event->status, XENAPT_E_DEVICE);
	CHECK_EQ(fake_port_sent(p->f, PAIR_PARENT, p->host.port) - events, 1);
	CHECK(pair_end(p));
}

static CU_TestInfo tests[] = {
	{ "open, offer, map, use, withdraw, release", life },
	{ "every request in every state", every_request_in_every_state },
	{ "stale, made up and foreign handles", wrong_handles },
	{ "a handle is never used twice", handles_are_never_used_twice },
	{ "sizes of OPEN", sizes },
	{ "number of apertures", number_of_apertures },
	{ "lengths of OFFER", offered_lengths },
	{ "offset needs its feature", offset_needs_the_feature },
	{ "reserved fields, octet by octet", reserved_fields },
	{ "unknown flags and requests", flags_and_types },
	{ "1 page to 64 MiB, both ways", round_trips },
	{ "the largest directory", the_largest },
	{ "one bad reference among 1000", bad_references },
	{ "a map that fails once", map_fails_once },
	{ "bad directory pages, by number", bad_directories },
	{ "a list where an index belongs", a_list_is_no_index },
	{ "the directory is copied", directory_is_copied },
	{ "the directory changes between fetches", directory_changes_between_fetches },
	{ "the child dies between two steps", child_dies },
	{ "out of memory", out_of_memory },
	{ "busy", busy },
	{ "refused by the device type", refused_by_the_type },
	{ "an unmap that fails once", unmap_fails_once },
	{ "an unmap that failed, then close", unmap_failed_then_closed },
	{ "close in every state, again and again", close_is_idempotent },
	{ "the page budget is shared", page_budget_is_shared },
	{ "the page budget, to the last page", page_budget_to_the_last },
	{ "budget of a call", budget },
	{ "costly requests end the turn", costly_requests_end_the_turn },
	{ "failure within a batch", failure_within_a_batch },
	{ "doorbells beside requests", doorbells_are_served_beside_requests },
	{ "doorbells", doorbells },
	{ "a doorbell right before WITHDRAW", doorbell_before_withdraw },
	{ "interrupts", interrupts },
	{ "counters", counters },
	{ "spurious events", spurious_events },
	{ "impossible ring indices", poisoned_rings },
	{ "the child's last word", child_status },
	{ "the ring breaks half way", poisoned_half_way },
	{ "failed by the device type", failed_by_the_type },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
