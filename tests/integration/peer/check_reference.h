/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_reference.h - the device "check" as one small function: what an operation answers when one
 * executor did all of them in order. Knows nothing of the framework's tables, lanes or decoder, so
 * it can be their judge. For guest kernel and guest programs.
 */
#ifndef CHECK_REFERENCE_H
#define CHECK_REFERENCE_H

#include "check_registers.h"

struct check_reference {
	struct check_state state;
	uint64_t apart8;
	uint32_t apart4;
	uint16_t apart2;
	uint8_t apart1[2];
};

struct check_answer {
	uint32_t status;	/* enum xenapt_status, by number: see apertureif.h */
	uint64_t value;
};

/* As numbers, since the two sides of the guest have the names in different headers. */
enum check_expected {
	CHECK_X_OK = 0, CHECK_X_REGISTER = 80, CHECK_X_STRADDLE = 81, CHECK_X_WIDTH = 82,
	CHECK_X_ACCESS = 83, CHECK_X_COMMAND = 84, CHECK_X_VALUE = 85,
};

struct check_place {
	uint32_t id, index, width, sizes;
	int readable, writable;
	uint32_t first;		/* offset of the register that was hit */
};

static inline void check_reference_reset(struct check_reference *r)
{
	*r = (struct check_reference){ 0 };
	check_state_reset(&r->state);
}

/* The 16 octets 8, 4, 2, 1, 1 at base. */
static inline void check_place_mixed(uint32_t base, uint32_t at, struct check_place *p)
{
	uint32_t in = at - base;

	p->width = in < 8 ? 8 : in < 12 ? 4 : in < 14 ? 2 : 1;
	p->id = base + (in < 8 ? 0 : in < 12 ? 8 : in < 14 ? 12 : 14);
	p->index = in == 15;
	p->first = p->id + p->index;
	p->sizes = 2 * p->width - 1;
}

/* One of 8 plain ones of this width. */
static inline int check_place_mine(uint32_t at, struct check_place *p)
{
	p->id = at < CHECK_MINE4 ? CHECK_MINE8 : at < CHECK_MINE2 ? CHECK_MINE4 :
		at < CHECK_MINE1 ? CHECK_MINE2 : CHECK_MINE1;
	p->width = p->id == CHECK_MINE8 ? 8 : p->id == CHECK_MINE4 ? 4 : p->id == CHECK_MINE2 ? 2 : 1;
	p->sizes = 2 * p->width - 1;
	p->index = (at - p->id) / p->width;
	p->first = p->id + p->index * p->width;
	return at < CHECK_REGISTERS_END;
}

static inline uint32_t check_place_sizes(uint32_t id)
{
	switch (id) {
	case CHECK_HASH:
	case CHECK_HASH_SLOW:
		return 8;
	case CHECK_PICKY:
	case CHECK_NOW:
	case CHECK_PENDING:
	case CHECK_ROW:
	case CHECK_ROW_SLOW:
		return 12;
	default:
		return 15;
	}
}

/* 0: no register covers the octet. */
static inline int check_place(uint64_t at, struct check_place *p)
{
	*p = (struct check_place){ .width = 8, .sizes = 12, .readable = 1, .writable = 1 };
	if ((at >= CHECK_FAST8 && at < CHECK_PICKY) ||
	    (at >= CHECK_APART8 && at < CHECK_APART_END)) {
		check_place_mixed((uint32_t)at & ~15u, (uint32_t)at, p);
		return 1;
	}
	if (at >= CHECK_APART_END)
		return at < CHECK_REGISTERS_END && check_place_mine((uint32_t)at, p);
	p->id = p->first = (uint32_t)at & ~7u;
	if (at >= CHECK_ROW && at < CHECK_ROW_SLOW) {
		p->index = (uint32_t)(at - CHECK_ROW) / 16;
		p->id = CHECK_ROW;
		return !(at & 8);
	}
	if (at >= CHECK_ROW_SLOW && at < CHECK_ROW_SLOW + 8 * CHECK_ROWS) {
		p->index = (uint32_t)(at - CHECK_ROW_SLOW) / 8;
		p->id = CHECK_ROW_SLOW;
		return 1;
	}
	if (p->id == CHECK_DO) {
		p->width = 4;
		p->id = p->first = (uint32_t)at & ~3u;
	}
	p->sizes = check_place_sizes(p->id) & (2 * p->width - 1);
	p->readable = p->id != CHECK_SINK && p->id != CHECK_DO && p->id != CHECK_DO_SLOW;
	p->writable = p->id < CHECK_TICKET || (p->id > CHECK_NOW && p->id != CHECK_TICKET_SLOW);
	return at < CHECK_DO_SLOW + 4;
}

static inline uint64_t check_reference_get(struct check_reference *r, const struct check_place *p)
{
	uint64_t value = 0;

	switch (p->id) {
	case CHECK_APART8:	return r->apart8;
	case CHECK_APART4:	return r->apart4;
	case CHECK_APART2:	return r->apart2;
	case CHECK_APART1:	return r->apart1[p->index];
	default:
		check_state_read(&r->state, p->id, p->index, &value);
		return value;
	}
}

static inline void check_reference_put(struct check_reference *r, const struct check_place *p,
				       uint64_t value)
{
	switch (p->id) {
	case CHECK_APART8:	r->apart8 = value; break;
	case CHECK_APART4:	r->apart4 = (uint32_t)value; break;
	case CHECK_APART2:	r->apart2 = (uint16_t)value; break;
	case CHECK_APART1:	r->apart1[p->index] = (uint8_t)value; break;
	case CHECK_DO:
	case CHECK_DO_SLOW:
		if (value == (p->id == CHECK_DO ? CHECK_DO_RAISE : CHECK_DO_RAISE_SLOW))
			r->state.pending |= (uint32_t)r->state.argument;
		__attribute__((__fallthrough__));
	default:		check_state_write(&r->state, p->id, p->index, value); break;
	}
}

static inline uint32_t check_refused(const struct check_place *p, uint64_t reg, uint32_t size,
				     uint32_t direction)
{
	if (reg + size > (uint64_t)p->first + p->width || reg % size)
		return CHECK_X_STRADDLE;
	if (!(p->sizes & size))
		return CHECK_X_WIDTH;
	if ((direction != 1 && !p->readable) || (direction && !p->writable))
		return CHECK_X_ACCESS;
	return CHECK_X_OK;
}

/* direction: XENAPT_OP_READ 0, WRITE 1, SET 2, CLEAR 3, EXCHANGE 4. */
static inline struct check_answer check_reference_access(struct check_reference *r, uint64_t reg,
							 uint32_t size, uint32_t direction,
							 uint64_t value)
{
	struct check_answer a = { 0, 0 };
	struct check_place p;
	uint64_t mask, whole, before;
	unsigned int shift;

	if (!check_place(reg, &p)) {
		a.status = CHECK_X_REGISTER;
		return a;
	}
	a.status = check_refused(&p, reg, size, direction);
	if (a.status)
		return a;
	shift = 8 * (unsigned int)(reg - p.first);
	mask = size == 8 ? ~0ull : (1ull << 8 * size) - 1;
	whole = p.readable ? check_reference_get(r, &p) : 0;
	before = whole >> shift & mask;
	value &= mask;
	if (direction == 2)
		value |= before;
	if (direction == 3)
		value = before & ~value;
	if (direction)
		check_reference_put(r, &p, (whole & ~(mask << shift)) | value << shift);
	a.value = direction == 1 ? 0 : before;
	return a;
}

static inline struct check_answer check_reference_command(struct check_reference *r,
							  uint64_t number, uint64_t argument)
{
	struct check_answer a = { 0, 0 };

	if (number == CHECK_DO_FOLD || number == CHECK_DO_FOLD_SLOW)
		a.value = check_state_command(&r->state, (uint32_t)number, argument);
	else if (number == CHECK_DO_RAISE || number == CHECK_DO_RAISE_SLOW)
		r->state.pending |= (uint32_t)argument;
	else if (number == CHECK_DO_EVEN)
		a.status = argument & 1 ? CHECK_X_VALUE : CHECK_X_OK;
	else if (!number || number > CHECK_DO_SUM)
		a.status = CHECK_X_COMMAND;
	return a;
}

#endif /* CHECK_REFERENCE_H */
