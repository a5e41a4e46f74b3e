// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Data before head, head by compare-and-exchange: whoever reads head sees a slot that its
 * writer had finished. Slots of the other owner are never written here.
 */
#include "record.h"

#include <stddef.h>

#define HEADER	offsetof(struct xenapt_slot, state)	/* with the answers */
#define DONE	offsetof(struct xenapt_slot, done)
#define ALL	UINT32_MAX

void *memcpy(void *to, const void *from, size_t n);

static uint64_t read_head(const struct xapt_record *r)
{
	return __atomic_load_n(&r->shared->head, __ATOMIC_SEQ_CST);
}

#define WEIGHT	0x9e3779b97f4a7c14ull	/* even, so that 1 + n * WEIGHT is odd: no change of one word is 0 */

/* Of n whole words, the first of which is number i: two additions a word, weights at the end. */
static uint64_t sum_words(uint32_t i, const void *from, uint32_t n)
{
	const uint8_t *p = from, *end = p + n * 8;
	uint64_t plain = 0, falling = 0, word;

#pragma GCC unroll 17
	for (; p != end; p += 8) {
		__builtin_memcpy(&word, p, 8);
		plain += word;
		falling += plain;
	}
	return plain + WEIGHT * ((i + n + 1ull) * plain - falling);
}

uint64_t xapt_record_checksum(const void *octets, uint32_t n)
{
	uint64_t sum = sum_words(0, octets, n / 8), word = 0;

	if (!(n % 8))
		return sum;
	memcpy(&word, (const uint8_t *)octets + n / 8 * 8, n % 8);
	return sum + sum_words(n / 8, &word, 1);
}

static uint16_t octets_used(uint16_t state_size)
{
	return (uint16_t)(HEADER + ((state_size + 7u) & ~7u));
}

/* Nothing is known of what our two slots have. */
static void forget_sums(struct xapt_record *r)
{
	uint32_t i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		r->sums[i] = 0;
	r->sum = 0;
	r->changed = ALL;
	r->unwritten[0] = ALL;
	r->unwritten[1] = ALL;
}

void xapt_record_init(struct xapt_record *r, struct xenapt_record *shared, enum xenapt_owner me,
		      const char *type, uint32_t state_version, uint16_t state_size)
{
	uint32_t n = 0;

	while (type[n])
		n++;
	*r = (struct xapt_record){
		.shared = shared,
		.me = me,
		.type = (uint32_t)xapt_record_checksum(type, n),
		.state_version = state_version,
		.state_size = state_size,
		.skew = shared->skew,
	};
	forget_sums(r);
}

void xapt_record_clear(struct xapt_record *r)
{
	r->slot = (struct xenapt_slot){ 0 };
	forget_sums(r);
}

enum xapt_record_look xapt_record_look(struct xapt_record *r)
{
	r->head = read_head(r);
	if (XENAPT_HEAD_OWNER(r->head) == XENAPT_OWNER_NONE)
		return XAPT_RECORD_NEW;
	return XENAPT_HEAD_OWNER(r->head) == (unsigned int)r->me ? XAPT_RECORD_MINE :
								   XAPT_RECORD_OTHER;
}

/*
 * Once, and all that is used later is the copy. False: the state was taken away meanwhile, and
 * its new owner may have written over the slot.
 */
static bool copy_slot(struct xapt_record *r)
{
	memcpy(&r->slot, &r->shared->slot[XENAPT_HEAD_SLOT(r->head)], octets_used(r->state_size));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	forget_sums(r);
	r->owner = read_head(r) == r->head;
	return r->owner;
}

static bool sum_is_right(struct xapt_record *r)
{
	uint64_t sum = r->slot.checksum;

	r->slot.checksum = 0;
	return xapt_record_checksum(&r->slot, octets_used(r->state_size)) == sum;
}

/* Its status counts in a table by status. None is declined: that was no answer. */
static bool answers_are_sound(const struct xenapt_slot *s)
{
	unsigned int i;

	for (i = 0; i < XENAPT_OP_ENTRIES; i++)
		if (s->done[i].status > XENAPT_E_RECORD_VERSION ||
		    s->done[i].status == XENAPT_E_DECLINED || s->done[i].zero)
			return false;
	return true;
}

enum xenapt_status xapt_record_load(struct xapt_record *r, uint32_t *version)
{
	const struct xenapt_slot *s = &r->slot;

	*version = 0;
	if (!copy_slot(r))
		return XENAPT_E_STATE;
	*version = s->state_version;
	if (s->magic != XENAPT_SLOT_MAGIC || s->type != r->type)
		return XENAPT_E_RECORD;
	if (s->state_version != r->state_version)
		return XENAPT_E_RECORD_VERSION;
	if (s->state_size != r->state_size || s->length != octets_used(r->state_size))
		return XENAPT_E_RECORD;
	/* A counter that is about to wrap is nobody's: 2^62 ns are 146 years. */
	if (s->now >> 62 || !sum_is_right(r) || !answers_are_sound(s))
		return XENAPT_E_RECORD;
	return XENAPT_OK;
}

static bool exchange(struct xapt_record *r, uint64_t to)
{
	uint64_t from = r->head;

	if (!__atomic_compare_exchange_n(&r->shared->head, &from, to, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		r->owner = false;
		return false;
	}
	r->head = to;
	return true;
}

/* Answers that were added since the last commit. */
static void sum_answers(struct xapt_record *r)
{
	uint32_t left = r->changed;

	for (; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left);
		const struct xenapt_done *done = &r->slot.done[i];
		uint64_t sum = sum_words((uint32_t)(DONE + i * sizeof(*done)) / 8, done,
					 sizeof(*done) / 8);

		r->sum += sum - r->sums[i];
		r->sums[i] = sum;
	}
	r->unwritten[0] |= r->changed;
	r->unwritten[1] |= r->changed;
	r->changed = 0;
}

static void make_header(struct xapt_record *r, uint64_t generation, uint64_t now)
{
	struct xenapt_slot *s = &r->slot;

	s->magic = XENAPT_SLOT_MAGIC;
	s->length = octets_used(r->state_size);
	s->state_size = r->state_size;
	s->generation = generation;
	s->checksum = 0;
	s->now = now;
	s->type = r->type;
	s->state_version = r->state_version;
	sum_answers(r);
	s->checksum = sum_words(0, s, DONE / 8) + r->sum +
		      sum_words(HEADER / 8, s->state, (uint32_t)(s->length - HEADER) / 8);
}

/* All but the answers that the slot has. */
static void write_slot(struct xapt_record *r, struct xenapt_slot *to, uint32_t *unwritten)
{
	uint32_t left = *unwritten;

	memcpy(to, &r->slot, DONE);
	for (; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left);

		memcpy(&to->done[i], &r->slot.done[i], sizeof(to->done[i]));
	}
	memcpy(to->state, r->slot.state, r->slot.length - HEADER);
	*unwritten = 0;
}

bool xapt_record_commit(struct xapt_record *r, uint64_t now)
{
	unsigned int base = r->me == XENAPT_OWNER_FAST ? 0 : 2;
	unsigned int other = XENAPT_HEAD_SLOT(r->head) == base;
	uint64_t generation = XENAPT_HEAD_GENERATION(r->head) + 1;

	make_header(r, generation, now);
	/* Whom the state was taken from stops here: the slot is written only on its own head. */
	if (read_head(r) != r->head) {
		r->owner = false;
		return false;
	}
	write_slot(r, &r->shared->slot[base + other], &r->unwritten[other]);
	if (!exchange(r, XENAPT_HEAD(r->me, base + other, generation)))
		return false;
	r->owner = true;
	return true;
}

bool xapt_record_kept(struct xapt_record *r)
{
	r->owner = r->owner && read_head(r) == r->head;
	return r->owner;
}

static uint64_t owned_by(const struct xapt_record *r, enum xenapt_owner owner)
{
	return XENAPT_HEAD(owner, XENAPT_HEAD_SLOT(r->head), XENAPT_HEAD_GENERATION(r->head) + 1);
}

bool xapt_record_hand_over(struct xapt_record *r)
{
	enum xenapt_owner other = r->me == XENAPT_OWNER_FAST ? XENAPT_OWNER_SLOW :
							       XENAPT_OWNER_FAST;
	bool given = exchange(r, owned_by(r, other));

	r->owner = false;
	return given;
}

bool xapt_record_seize(struct xapt_record *r)
{
	return exchange(r, owned_by(r, r->me));
}

const struct xenapt_done *xapt_record_done(const struct xapt_record *r, uint64_t id)
{
	const struct xenapt_done *done = &r->slot.done[id % XENAPT_OP_ENTRIES];

	return done->id == id ? done : NULL;
}

void xapt_record_remember(struct xapt_record *r, uint64_t id, uint32_t status, uint64_t value)
{
	r->slot.done[id % XENAPT_OP_ENTRIES] = (struct xenapt_done){
		.id = id, .value = value, .status = status,
	};
	r->changed |= 1u << id % XENAPT_OP_ENTRIES;
}

static struct xenapt_stamp *own_stamp(const struct xapt_record *r)
{
	return &r->shared->stamp[r->me == XENAPT_OWNER_FAST ? 0 : 1];
}

void xapt_record_stamp(struct xapt_record *r, uint64_t clock, uint64_t now)
{
	struct xenapt_stamp *stamp = own_stamp(r);

	/* Clock first: whoever dies in between shows a counter that is late, not early. */
	__atomic_store_n(&stamp->clock, clock, __ATOMIC_RELEASE);
	__atomic_store_n(&stamp->now, now, __ATOMIC_RELEASE);
}

void xapt_record_forget_time(struct xapt_record *r)
{
	unsigned int i;

	r->skew = 0;
	__atomic_store_n(&r->shared->skew, 0, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&r->shared->stamp[i].clock, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&r->shared->stamp[i].now, 0, __ATOMIC_RELAXED);
	}
}

static bool raise_to(uint64_t *least, uint64_t value)
{
	if (value > *least)
		*least = value;
	return !(value >> 62);
}

void xapt_record_hear(struct xapt_record *r)
{
	uint64_t beat, stamp;

	if (r->me != XENAPT_OWNER_SLOW)
		return;
	beat = __atomic_load_n(&r->shared->beat, __ATOMIC_ACQUIRE);
	stamp = __atomic_load_n(&r->shared->stamp[0].clock, __ATOMIC_ACQUIRE);
	r->heard = (int64_t)(stamp - beat) > 0 ? stamp : beat;
}

/* A beat is always a little old when it is heard: the greatest difference is the best. */
static void reckon(struct xapt_record *r, uint64_t clock)
{
	uint64_t skew = r->heard - clock;

	r->reckoned = r->heard;
	if (!skew || (r->skew && (int64_t)(skew - r->skew) <= 0))
		return;
	r->skew = skew;
	__atomic_store_n(&r->shared->skew, skew, __ATOMIC_RELEASE);
}

void xapt_record_tell(struct xapt_record *r, uint64_t clock)
{
	if (r->me == XENAPT_OWNER_FAST)
		__atomic_store_n(&r->shared->beat, clock, __ATOMIC_RELEASE);
	else if (r->heard && r->heard != r->reckoned)
		reckon(r, clock);
}

/* What the stamp's counter has become by now, by its writer's clock. False: impossible. */
static bool raise_by(uint64_t *least, const struct xenapt_stamp *stamp, uint64_t now)
{
	uint64_t then = __atomic_load_n(&stamp->clock, __ATOMIC_ACQUIRE);
	uint64_t shown = __atomic_load_n(&stamp->now, __ATOMIC_ACQUIRE);

	if (!raise_to(least, shown))
		return false;
	/* now 0: that clock is not known here. One that went back, or far, tells nothing. */
	if (!then || !now || (int64_t)(now - then) <= 0 || (now - then) >> 61)
		return true;
	return raise_to(least, shown + (now - then));
}

bool xapt_record_least(const struct xapt_record *r, uint64_t clock, uint64_t *least)
{
	uint64_t skew = __atomic_load_n(&r->shared->skew, __ATOMIC_ACQUIRE);
	uint64_t fast = clock, slow = clock;

	if (r->me == XENAPT_OWNER_FAST)
		slow = skew ? clock - skew : 0;
	else
		fast = skew ? clock + skew : 0;
	*least = r->slot.now;
	return raise_by(least, &r->shared->stamp[0], fast) &&
	       raise_by(least, &r->shared->stamp[1], slow);
}

bool xapt_record_wanted(const struct xapt_record *r)
{
	return __atomic_load_n(&r->shared->wanted, __ATOMIC_SEQ_CST) == 1;
}

void xapt_record_want(struct xapt_record *r, bool want)
{
	__atomic_store_n(&r->shared->wanted, want, __ATOMIC_SEQ_CST);
}
