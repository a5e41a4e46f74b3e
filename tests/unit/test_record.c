/* SPDX-License-Identifier: GPL-2.0-only */
/* Two owners on one record: who has it, and what a kill or a theft in between leaves. */
#include "record_steps.h"

#include "check.h"

#define VERSION	3u
#define STATE	100u	/* octets: not a multiple of 8 */

static struct xapt_record fast, slow;
static uint32_t version;

static void begin(struct xapt_record *r, enum xenapt_owner me)
{
	xapt_record_init(r, &shared, me, "sample", VERSION, STATE);
}

static void start(void)
{
	steps_left = 0;
	memset(&shared, 0, sizeof(shared));
	begin(&fast, XENAPT_OWNER_FAST);
	begin(&slow, XENAPT_OWNER_SLOW);
}

/* A state that says which one it is in each octet. */
static void fill(struct xapt_record *r, unsigned int number)
{
	for (unsigned int i = 0; i < STATE; i++)
		r->slot.state[i] = (uint8_t)(number * 7 + i);
	xapt_record_remember(r, XENAPT_OP_ID | 32 * number | (number % 32), 0, number);
}

static bool is(const struct xapt_record *r, unsigned int number)
{
	const struct xenapt_done *done;

	for (unsigned int i = 0; i < STATE; i++)
		if (r->slot.state[i] != (uint8_t)(number * 7 + i))
			return false;
	done = xapt_record_done(r, XENAPT_OP_ID | 32 * number | (number % 32));
	return done && done->value == number;
}

static uint32_t take_up(struct xapt_record *r)
{
	CHECK_EQ(xapt_record_look(r), XAPT_RECORD_MINE);
	return xapt_record_load(r, &version);
}

/* The slow one has it, with state 1 committed. */
static void start_with_slow(void)
{
	start();
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_NEW);
	fill(&slow, 1);
	CHECK(xapt_record_commit(&slow, 1000));
	CHECK(slow.owner);
}

static void first_come(void)
{
	start();
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_NEW);
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_NEW);
	fill(&slow, 1);
	fill(&fast, 2);
	CHECK(xapt_record_commit(&fast, 5));
	CHECK(!xapt_record_commit(&slow, 6));
	CHECK(fast.owner && !slow.owner);
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_OTHER);
	CHECK_EQ(take_up(&fast), XENAPT_OK);
	CHECK(is(&fast, 2));
	CHECK_EQ(fast.slot.now, 5);
}

/* To and fro; each lane writes its own two slots only. */
static void to_and_fro(void)
{
	start_with_slow();
	for (unsigned int i = 2; i < 200; i += 2) {
		uint64_t head = shared.head;

		CHECK(xapt_record_hand_over(&slow) && !slow.owner);
		CHECK(XENAPT_HEAD_GENERATION(shared.head) == XENAPT_HEAD_GENERATION(head) + 1);
		CHECK_EQ(take_up(&fast), XENAPT_OK);
		CHECK(is(&fast, i - 1));
		fill(&fast, i);
		CHECK(xapt_record_commit(&fast, i) && xapt_record_commit(&fast, i));
		CHECK(XENAPT_HEAD_SLOT(shared.head) < 2);
		CHECK(xapt_record_hand_over(&fast));
		CHECK_EQ(take_up(&slow), XENAPT_OK);
		CHECK(is(&slow, i));
		CHECK_EQ(slow.slot.now, i);
		fill(&slow, i + 1);
		CHECK(xapt_record_commit(&slow, i));
		CHECK(XENAPT_HEAD_SLOT(shared.head) >= 2);
	}
}

static void late(void)
{
	start_with_slow();
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_OTHER);
	CHECK(xapt_record_seize(&fast));
	CHECK_EQ(xapt_record_load(&fast, &version), XENAPT_OK);
	fill(&slow, 9);
	CHECK(!xapt_record_commit(&slow, 2000));
	CHECK(!slow.owner);
	CHECK(!xapt_record_hand_over(&slow));
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_MINE);
	CHECK(is(&fast, 1));
	/* what was seen before somebody else's commit is not seized */
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_OTHER);
	CHECK(xapt_record_commit(&fast, 2000));
	CHECK(!xapt_record_seize(&slow));
}

/* ---- at every step -------------------------------------------------------------------- */

/* How many steps does a commit of slow have? */
static uint64_t commit_steps(void)
{
	start_with_slow();
	fill(&slow, 2);
	steps_made = 0;
	CHECK(xapt_record_commit(&slow, 2000));
	return steps_made;
}

static void kill_at_every_step(void)
{
	uint64_t n = commit_steps(), kept = 0, made = 0;

	CHECK_CASE(n > STATE / 8 + 96, n, 0);
	for (volatile uint64_t k = 1; k <= n + 1; k++) {
		start_with_slow();
		fill(&slow, 2);
		steps_left = k;
		at_step = kill_here;
		if (!setjmp(killed))
			xapt_record_commit(&slow, 2000);
		steps_left = 0;
		CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_OTHER);
		CHECK(xapt_record_seize(&fast));
		CHECK_CASE(xapt_record_load(&fast, &version) == XENAPT_OK, k, n);
		CHECK_CASE(is(&fast, k == n + 1 ? 2 : 1), k, n);
		*(is(&fast, 1) ? &kept : &made) += 1;
		/* and the next instance of the one that was killed gets on with it */
		CHECK(xapt_record_hand_over(&fast));
		begin(&slow, XENAPT_OWNER_SLOW);
		CHECK_EQ(take_up(&slow), XENAPT_OK);
		fill(&slow, 3);
		CHECK(xapt_record_commit(&slow, 3000));
	}
	CHECK_EQ(made, 1);
	CHECK_EQ(kept, n);
}

static bool seized;

/* The other one takes the state, works with it, and gives it away once more. */
static void theft(void)
{
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_OTHER);
	seized = xapt_record_seize(&fast);
	CHECK(seized);
	CHECK_EQ(xapt_record_load(&fast, &version), XENAPT_OK);
	CHECK(is(&fast, 1));
	fill(&fast, 5);
	CHECK(xapt_record_commit(&fast, 2500));
	fill(&fast, 6);
	CHECK(xapt_record_commit(&fast, 2600));
}

static void revoked_in_a_commit(void)
{
	uint64_t n = commit_steps();

	for (uint64_t k = 1; k <= n; k++) {
		start_with_slow();
		fill(&slow, 2);
		seized = false;
		steps_left = k;
		at_step = theft;
		CHECK_CASE(!xapt_record_commit(&slow, 2000), k, n);
		CHECK(seized && !slow.owner);
		steps_left = 0;
		begin(&fast, XENAPT_OWNER_FAST);
		CHECK_EQ(take_up(&fast), XENAPT_OK);
		CHECK_CASE(is(&fast, 6), k, n);
	}
}

/* The state was handed to slow; it loads; meanwhile fast takes it back and overwrites the slot. */
static void start_load(void)
{
	start();
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_NEW);
	fill(&fast, 1);
	CHECK(xapt_record_commit(&fast, 1000));
	CHECK(xapt_record_hand_over(&fast));
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_MINE);
}

static void revoked_in_a_load(void)
{
	uint64_t n;

	start_load();
	steps_made = 0;
	CHECK_EQ(xapt_record_load(&slow, &version), XENAPT_OK);
	n = steps_made;
	for (uint64_t k = 1; k <= n; k++) {
		start_load();
		seized = false;
		steps_left = k;
		at_step = theft;
		CHECK_CASE(xapt_record_load(&slow, &version) == XENAPT_E_STATE, k, n);
		CHECK(seized && !slow.owner);
	}
	CHECK_CASE(n > 100, n, 0);
}

/* ---- what a guest may have written ------------------------------------------------------ */

static void every_octet(void)
{
	uint64_t used = offsetof(struct xenapt_slot, state) + (STATE + 7) / 8 * 8;
	struct xenapt_slot kept;

	start_with_slow();
	CHECK_EQ(XENAPT_HEAD_SLOT(shared.head), 2);
	kept = shared.slot[2];
	CHECK_EQ(kept.length, used);
	for (uint64_t at = 0; at < sizeof(kept); at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			uint8_t *octet = (uint8_t *)&shared.slot[2] + at;
			uint32_t status;

			*octet ^= (uint8_t)(1u << bit);
			begin(&slow, XENAPT_OWNER_SLOW);
			status = take_up(&slow);
			if (at >= used)
				CHECK_CASE(status == XENAPT_OK, at, bit);
			else if (at >= offsetof(struct xenapt_slot, state_version) &&
				 at < offsetof(struct xenapt_slot, state_version) + 4)
				CHECK_CASE(status == XENAPT_E_RECORD_VERSION && version != VERSION, at, bit);
			else
				CHECK_CASE(status == XENAPT_E_RECORD, at, bit);
			*octet ^= (uint8_t)(1u << bit);
		}
	}
	CHECK_EQ(take_up(&slow), XENAPT_OK);
}

/* Forged, with a sum that is right. */
static uint32_t forged(void (*change)(struct xenapt_slot *s))
{
	struct xenapt_slot *s = &shared.slot[2];

	start_with_slow();
	change(s);
	s->checksum = 0;
	s->checksum = xapt_record_checksum(s, s->length <= sizeof(*s) ? s->length : 0);
	begin(&slow, XENAPT_OWNER_SLOW);
	return take_up(&slow);
}

static void unchanged(struct xenapt_slot *s)
{
	(void)s;
}

static void older(struct xenapt_slot *s)
{
	s->state_version--;
}

static void newer(struct xenapt_slot *s)
{
	s->state_version++;
	s->state_size += 8;
	s->length += 8;
}

static void shorter(struct xenapt_slot *s)
{
	s->length -= 8;
}

static void longer(struct xenapt_slot *s)
{
	s->length = 0xffff;
}

static void smaller(struct xenapt_slot *s)
{
	s->state_size--;
}

static void of_another(struct xenapt_slot *s)
{
	s->type++;
}

static void at_the_end_of_time(struct xenapt_slot *s)
{
	s->now = (uint64_t)1 << 62;
}

static void answer_without_a_name(struct xenapt_slot *s)
{
	s->done[31].status = XENAPT_E_RECORD_VERSION + 1;
}

static void answer_far_outside(struct xenapt_slot *s)
{
	s->done[0].status = 0xffffffff;
}

static void answer_that_is_none(struct xenapt_slot *s)
{
	s->done[3].status = XENAPT_E_DECLINED;
}

static void by_name(void)
{
	CHECK_EQ(forged(unchanged), XENAPT_OK);
	CHECK_EQ(forged(older), XENAPT_E_RECORD_VERSION);
	CHECK_EQ(version, VERSION - 1);
	CHECK_EQ(forged(newer), XENAPT_E_RECORD_VERSION);
	CHECK_EQ(version, VERSION + 1);
	CHECK_EQ(forged(shorter), XENAPT_E_RECORD);
	CHECK_EQ(forged(longer), XENAPT_E_RECORD);
	CHECK_EQ(forged(smaller), XENAPT_E_RECORD);
	CHECK_EQ(forged(of_another), XENAPT_E_RECORD);
	CHECK_EQ(forged(at_the_end_of_time), XENAPT_E_RECORD);
	CHECK_EQ(forged(answer_without_a_name), XENAPT_E_RECORD);
	CHECK_EQ(forged(answer_far_outside), XENAPT_E_RECORD);
	CHECK_EQ(forged(answer_that_is_none), XENAPT_E_RECORD);
}

/* Any head: an owner that does not exist is nobody's turn, and no slot is out of the record. */
static void any_head(void)
{
	uint64_t seed = 3;

	start_with_slow();
	shared.head = XENAPT_HEAD(3, 1, 77);
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_OTHER);
	CHECK_EQ(xapt_record_look(&fast), XAPT_RECORD_OTHER);
	for (unsigned int i = 0; i < 2000; i++) {
		start();
		for (unsigned int k = 0; k < sizeof(shared) / 8; k += 1 + i % 7)
			((uint64_t *)&shared)[k] = check_random(&seed);
		begin(&slow, XENAPT_OWNER_SLOW);
		if (xapt_record_look(&slow) == XAPT_RECORD_MINE)
			CHECK_EQ(xapt_record_load(&slow, &version), XENAPT_E_RECORD);
		xapt_record_commit(&slow, 1);
	}
}

/* The generation has 60 bits and starts over. */
static void generation_wraps(void)
{
	start_with_slow();
	shared.head |= ((uint64_t)1 << 60) - 1;
	CHECK_EQ(xapt_record_look(&slow), XAPT_RECORD_MINE);
	CHECK(xapt_record_commit(&slow, 2000));
	CHECK_EQ(XENAPT_HEAD_GENERATION(shared.head), 0);
	CHECK_EQ(XENAPT_HEAD_OWNER(shared.head), XENAPT_OWNER_SLOW);
	CHECK_EQ(XENAPT_HEAD_SLOT(shared.head), 3);
	CHECK_EQ(take_up(&slow), XENAPT_OK);
}

/* ---- answers, time, sum -------------------------------------------------------------------- */

static void answers(void)
{
	start_with_slow();
	for (unsigned int entry = 0; entry < 32; entry++)
		xapt_record_remember(&slow, XENAPT_OP_ID | entry, 50 + entry, 100 + entry);
	CHECK(xapt_record_commit(&slow, 1) && xapt_record_hand_over(&slow));
	CHECK_EQ(take_up(&fast), XENAPT_OK);
	for (unsigned int entry = 0; entry < 32; entry++) {
		const struct xenapt_done *done = xapt_record_done(&fast, XENAPT_OP_ID | entry);

		CHECK(done && done->status == 50 + entry && done->value == 100 + entry);
		CHECK(!xapt_record_done(&fast, XENAPT_OP_ID | 32 | entry));
	}
}

static void time_goes_on(void)
{
	uint64_t least;

	start_with_slow();	/* committed at 1000 */
	xapt_record_stamp(&slow, 70, 1500);
	CHECK(xapt_record_least(&slow, 70, &least));
	CHECK_EQ(least, 1500);
	CHECK(xapt_record_least(&slow, 90, &least));
	CHECK_EQ(least, 1520);
	CHECK(xapt_record_least(&fast, 5000, &least));
	CHECK_EQ(least, 1500);
	/* a clock that went back, of another machine, or none at all */
	CHECK(xapt_record_least(&slow, 60, &least));
	CHECK_EQ(least, 1500);
	xapt_record_stamp(&slow, 0, 1500);
	CHECK(xapt_record_least(&slow, 90, &least));
	CHECK_EQ(least, 1500);
	xapt_record_stamp(&fast, 4000, 1700);
	CHECK(xapt_record_least(&slow, 90, &least));
	CHECK_EQ(least, 1700);
	for (unsigned int i = 0; i < 2; i++) {
		shared.stamp[i].now = (uint64_t)1 << 62;
		CHECK(!xapt_record_least(&slow, 90, &least));
		shared.stamp[i].now = UINT64_MAX;
		CHECK(!xapt_record_least(&slow, 90, &least));
		shared.stamp[i].now = 0;
	}
}

/* The lanes' clocks differ; what the first device showed goes on at the second one, and back. */
static void time_over_two_clocks(void)
{
	uint64_t least;

	start_with_slow();
	xapt_record_stamp(&slow, 1000, 2000);
	/* fast clock = slow clock + 50000, heard 3 later, then 1 later, then 9 later */
	for (unsigned int i = 0; i < 3; i++) {
		static const uint64_t late[] = { 3, 1, 9 };

		xapt_record_tell(&fast, 51000 + 100 * i);
		xapt_record_hear(&slow);
		xapt_record_tell(&slow, 1000 + 100 * i + late[i]);
	}
	CHECK_EQ(shared.skew, 50000 - 1);
	/* an old beat tells nothing new */
	xapt_record_hear(&slow);
	xapt_record_tell(&slow, 500);
	CHECK_EQ(shared.skew, 50000 - 1);
	/* at the first device, 400 after the stamp */
	CHECK(xapt_record_least(&fast, 51400, &least));
	CHECK_EQ(least, 2000 + 401);
	/* its own, then it stands idle for 10000, and the second device takes over: a new process */
	xapt_record_stamp(&fast, 51500, 2500);
	shared.stamp[1].clock = 0;
	xapt_record_init(&slow, &shared, XENAPT_OWNER_SLOW, "sample", VERSION, STATE);
	CHECK(xapt_record_least(&slow, 11500, &least));
	CHECK_EQ(least, 2500 + 9999);
	/* RESET, and a restored guest: nothing is known */
	xapt_record_forget_time(&slow);
	CHECK_EQ(shared.skew, 0);
	CHECK(xapt_record_least(&slow, 11500, &least));
	CHECK_EQ(least, slow.slot.now);
}

/* As apertureif.h describes it, octet by octet. */
static uint64_t plain_sum(const uint8_t *p, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t at = 0; at < n; at += 8) {
		uint64_t word = 0;

		for (uint32_t i = 0; i < 8 && at + i < n; i++)
			word |= (uint64_t)p[at + i] << 8 * i;
		sum += word * (1 + (at / 8 + 1) * 0x9e3779b97f4a7c14u);
	}
	return sum;
}

static void checksum(void)
{
	uint8_t octets[40];
	uint64_t seed = 1;

	for (unsigned int i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)check_random(&seed);
	for (uint32_t n = 0; n <= sizeof(octets); n++)
		CHECK_EQ(xapt_record_checksum(octets, n), plain_sum(octets, n));
}

static void wanting(void)
{
	start();
	CHECK(!xapt_record_wanted(&slow));
	xapt_record_want(&fast, true);
	CHECK(xapt_record_wanted(&slow));
	shared.wanted = 2;
	CHECK(!xapt_record_wanted(&slow));
	xapt_record_want(&fast, false);
	CHECK_EQ(shared.wanted, 0);
	CHECK_EQ(shared.zero0, 0);
}

static CU_TestInfo tests[] = {
	{ "first come", first_come },
	{ "to and fro", to_and_fro },
	{ "a late commit", late },
	{ "killed at every step of a commit", kill_at_every_step },
	{ "revoked at every step of a commit", revoked_in_a_commit },
	{ "revoked at every step of a load", revoked_in_a_load },
	{ "every octet of a slot", every_octet },
	{ "refused by name", by_name },
	{ "any head", any_head },
	{ "the generation wraps", generation_wraps },
	{ "answers", answers },
	{ "time goes on", time_goes_on },
	{ "time over two clocks", time_over_two_clocks },
	{ "checksum", checksum },
	{ "wanting", wanting },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
