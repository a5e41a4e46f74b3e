/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_registers.h - registers and commands of the tests' device "check", and what they do to its
 * state. Guest kernel, guest programs, both devices and unit tests include it: who executes the
 * same operations on the same state must get the same answers.
 *
 *   offset       width  lane       what
 *   0x000        8      fast       HASH: what is written is folded in; reads give the hash
 *   0x008        8      slow       HASH_SLOW: likewise, another fold
 *   0x010        8      fast       plain registers of each width, accesses of each size
 *   0x018        4      fast
 *   0x01c        2      fast
 *   0x01e 0x01f  1      fast
 *   0x020..0x02f as 0x010..0x01f, slow
 *   0x030        8      fast       PICKY: as HASH; the first device declines values and hashes
 *                                  that are 3 modulo 4. Accesses of 4 and 8 octets
 *   0x038        8      fast, r    TICKET: each read, of any size, gives one more than the last
 *   0x040        8      fast, r    ORDER: every change of any register above folded, in order
 *   0x048        8      fast, r    CHANGES: their number
 *   0x050        8      fast, r    NOW: the device's counter
 *   0x058        8      fast, w    SINK: folded into ORDER
 *   0x060        8      fast       PENDING: vectors raised by commands; what is written is cleared
 *   0x068        8      slow, r    TICKET_SLOW: likewise
 *   0x070        8      fast       ARGUMENT: plain
 *   0x078        4      fast, w    DO: RAISE, UNDEFINED, NULL, SPIN with ARGUMENT; what else: nothing
 *   0x07c        4      slow, w    DO_SLOW: RAISE_SLOW with ARGUMENT; likewise
 *   0x100..0x17f 8      fast       ROW: 8 of them, 16 octets apart; as HASH, but not in ORDER
 *   0x180..0x1bf 8      slow       ROW_SLOW: 8 of them
 *   0x200        8      slow, independent: plain registers, kept by the process, not in the state
 *   0x208 0x20c  4 2
 *   0x20e 0x20f  1
 *   0x210..0x24f 8      fast       MINE8: 8 plain ones; the first device declines values that are 3
 *                                  modulo 4
 *   0x250..0x26f 4      fast       MINE4, MINE2, MINE1: 8 plain ones each
 *   0x270..0x27f 2
 *   0x280..0x287 1
 *
 * HASH and HASH_SLOW are accessed with 8 octets, NOW, PENDING, ROW, ROW_SLOW with 4 and 8, what is not said
 * with any.
 *
 * Order and number of executions can be seen in the answers: all but a plain write answer what was
 * there before.
 */
#ifndef CHECK_REGISTERS_H
#define CHECK_REGISTERS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define CHECK_ROWS	8u
#define CHECK_VECTORS	32u

enum check_register {
	CHECK_HASH		= 0x000,
	CHECK_HASH_SLOW		= 0x008,
	CHECK_FAST8		= 0x010,
	CHECK_FAST4		= 0x018,
	CHECK_FAST2		= 0x01c,
	CHECK_FAST1		= 0x01e,	/* 2 of them */
	CHECK_SLOW8		= 0x020,
	CHECK_SLOW4		= 0x028,
	CHECK_SLOW2		= 0x02c,
	CHECK_SLOW1		= 0x02e,	/* 2 of them */
	CHECK_PICKY		= 0x030,
	CHECK_TICKET		= 0x038,
	CHECK_ORDER		= 0x040,
	CHECK_CHANGES		= 0x048,
	CHECK_NOW		= 0x050,
	CHECK_SINK		= 0x058,
	CHECK_PENDING		= 0x060,
	CHECK_TICKET_SLOW	= 0x068,
	CHECK_ARGUMENT		= 0x070,
	CHECK_DO		= 0x078,
	CHECK_DO_SLOW		= 0x07c,
	CHECK_ROW		= 0x100,
	CHECK_ROW_SLOW		= 0x180,
	CHECK_APART8		= 0x200,
	CHECK_APART4		= 0x208,
	CHECK_APART2		= 0x20c,
	CHECK_APART1		= 0x20e,	/* 2 of them */
	CHECK_APART_END		= 0x210,
	CHECK_MINE8		= 0x210,
	CHECK_MINE4		= 0x250,
	CHECK_MINE2		= 0x270,
	CHECK_MINE1		= 0x280,
	CHECK_REGISTERS_END	= 0x288,
};

enum check_device_command {
	CHECK_DO_RAISE		= 1,	/* fast; argument: bits of vectors */
	CHECK_DO_RAISE_SLOW	= 2,	/* slow, on the state */
	CHECK_DO_RAISE_APART	= 3,	/* slow, independent: without the state */
	CHECK_DO_FOLD		= 4,	/* fast; argument folded into ORDER; the result: it before */
	CHECK_DO_FOLD_SLOW	= 5,	/* slow; likewise */
	CHECK_DO_EVEN		= 6,	/* fast; E_VALUE when the argument is odd */
	CHECK_DO_UNDEFINED	= 7,	/* in the stub domain, while NOW is less than the argument:
					 * an undefined instruction. Elsewhere and later: nothing */
	CHECK_DO_NULL		= 8,	/* likewise: a write through a null pointer */
	CHECK_DO_SPIN		= 9,	/* likewise: never returns */
	CHECK_DO_SUM		= 10,	/* slow; the range's octets summed */
	CHECK_DO_DWELL		= 11,	/* as FOLD_SLOW; the process first sleeps on the state
					 * until NOW is the argument */
};

/* The state of the device: no padding. */
struct check_state {
	uint64_t hash, hash_slow, picky, order, changes, ticket, pending;
	uint64_t fast8, slow8;
	uint32_t fast4, slow4;
	uint16_t fast2, slow2;
	uint8_t  fast1[2], slow1[2];
	uint64_t row[CHECK_ROWS], row_slow[CHECK_ROWS];
	uint64_t ticket_slow, argument;
	uint64_t mine8[CHECK_ROWS];
	uint32_t mine4[CHECK_ROWS];
	uint16_t mine2[CHECK_ROWS];
	uint8_t  mine1[CHECK_ROWS];
	uint64_t guard;			/* ~hash: a record that somebody changed is noticed */
};

static inline uint64_t check_fold(uint64_t hash, uint64_t value)
{
	return ((hash << 5 | hash >> 59) ^ value) * 0x9e3779b97f4a7c15ull + 1;
}

static inline uint64_t check_fold_slow(uint64_t hash, uint64_t value)
{
	return (hash << 11 | hash >> 53) + (value ^ 0x2545f4914f6cdd1dull) * 0xd1342543de82ef95ull;
}

static inline void check_state_reset(struct check_state *s)
{
	s->guard = ~s->hash;
}

/* 1: the first device leaves this value to the second. */
static inline int check_picky(uint64_t value)
{
	return (value & 3) == 3;
}

/* Register id is its offset, of a row the offset of the first. 0, or there is none. */
static inline int check_state_read(struct check_state *s, uint32_t id, uint32_t index,
				   uint64_t *value)
{
	switch (id) {
	case CHECK_HASH:	*value = s->hash; return 0;
	case CHECK_HASH_SLOW:	*value = s->hash_slow; return 0;
	case CHECK_FAST8:	*value = s->fast8; return 0;
	case CHECK_FAST4:	*value = s->fast4; return 0;
	case CHECK_FAST2:	*value = s->fast2; return 0;
	case CHECK_FAST1:	*value = s->fast1[index]; return 0;
	case CHECK_SLOW8:	*value = s->slow8; return 0;
	case CHECK_SLOW4:	*value = s->slow4; return 0;
	case CHECK_SLOW2:	*value = s->slow2; return 0;
	case CHECK_SLOW1:	*value = s->slow1[index]; return 0;
	case CHECK_PICKY:	*value = s->picky; return 0;
	case CHECK_TICKET:	*value = s->ticket++; return 0;
	case CHECK_ORDER:	*value = s->order; return 0;
	case CHECK_CHANGES:	*value = s->changes; return 0;
	case CHECK_PENDING:	*value = s->pending; return 0;
	case CHECK_ROW:		*value = s->row[index]; return 0;
	case CHECK_ROW_SLOW:	*value = s->row_slow[index]; return 0;
	case CHECK_TICKET_SLOW:	*value = s->ticket_slow++; return 0;
	case CHECK_ARGUMENT:	*value = s->argument; return 0;
	case CHECK_MINE8:	*value = s->mine8[index]; return 0;
	case CHECK_MINE4:	*value = s->mine4[index]; return 0;
	case CHECK_MINE2:	*value = s->mine2[index]; return 0;
	case CHECK_MINE1:	*value = s->mine1[index]; return 0;
	default:		return -1;
	}
}

static inline void check_state_count(struct check_state *s, uint32_t id, uint32_t index,
				     uint64_t value)
{
	s->changes++;
	if (id < CHECK_ROW)
		s->order = check_fold(s->order, value ^ ((uint64_t)id << 32 | index));
}

static inline int check_state_write(struct check_state *s, uint32_t id, uint32_t index,
				    uint64_t value)
{
	switch (id) {
	case CHECK_HASH:
		s->hash = check_fold(s->hash, value);
		s->guard = ~s->hash;
		break;
	case CHECK_HASH_SLOW:	s->hash_slow = check_fold_slow(s->hash_slow, value); break;
	case CHECK_FAST8:	s->fast8 = value; break;
	case CHECK_FAST4:	s->fast4 = (uint32_t)value; break;
	case CHECK_FAST2:	s->fast2 = (uint16_t)value; break;
	case CHECK_FAST1:	s->fast1[index] = (uint8_t)value; break;
	case CHECK_SLOW8:	s->slow8 = value; break;
	case CHECK_SLOW4:	s->slow4 = (uint32_t)value; break;
	case CHECK_SLOW2:	s->slow2 = (uint16_t)value; break;
	case CHECK_SLOW1:	s->slow1[index] = (uint8_t)value; break;
	case CHECK_PICKY:	s->picky = check_fold(s->picky, value); break;
	case CHECK_SINK:	break;
	case CHECK_PENDING:	s->pending &= ~value; break;
	case CHECK_ROW:		s->row[index] = check_fold(s->row[index], value); break;
	case CHECK_ROW_SLOW:
		s->row_slow[index] = check_fold_slow(s->row_slow[index], value);
		break;
	case CHECK_ARGUMENT:	s->argument = value; break;
	case CHECK_DO:		break;
	case CHECK_DO_SLOW:	break;
	case CHECK_MINE8:	s->mine8[index] = value; break;
	case CHECK_MINE4:	s->mine4[index] = (uint32_t)value; break;
	case CHECK_MINE2:	s->mine2[index] = (uint16_t)value; break;
	case CHECK_MINE1:	s->mine1[index] = (uint8_t)value; break;
	default:		return -1;
	}
	check_state_count(s, id, index, value);
	return 0;
}

/* FOLD, FOLD_SLOW and DWELL: the result is ORDER before. */
static inline uint64_t check_state_command(struct check_state *s, uint32_t number,
					   uint64_t argument)
{
	uint64_t before = s->order;

	check_state_count(s, 0, number, number == CHECK_DO_FOLD ? argument : ~argument);
	return before;
}

#endif /* CHECK_REGISTERS_H */
