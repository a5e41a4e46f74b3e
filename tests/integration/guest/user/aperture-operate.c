// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-operate DEV COUNT [NAME=VALUE...]: random operations on the device "check", each answer
 * compared with the reference, which does them all in order by itself.
 *
 *   seed=N     of the random numbers (1)
 *   batch=N    operations of one call (16)
 *   mix=WORD   all: everything, wrong ones too. fast: only what the first device executes. slow:
 *              only what it does not. row: registers of row number row=N alone, for several
 *              programs at once.
 *              apart: registers that are independent of the state, and nothing else.
 *              table: every octet, size and direction once, to behind the last register
 *   row=N      0..7 (0)
 *   apart=0|1  with mix=all: also registers that the process keeps; not while it is killed (1)
 *
 * Prints counts by lane and status, and of independent registers, and the first operation that went
 * wrong. Status 1: one did.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_reference.h"
#include "operate.h"

#define TABLE_COUNT	((CHECK_REGISTERS_END + 64u) * 4 * 5)

enum mix { ALL, FAST, SLOW, ROW, TABLE, APART };

struct run {
	int fd;
	enum mix mix;
	unsigned int batch, row, apart;
	uint64_t count, random, drawn;
	struct check_reference reference;
	uint64_t done, wrong, lane[2], refused, apart_done;
};

static uint64_t draw(struct run *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random * 0x2545f4914f6cdd1dull >> 16;
}

static struct op access_of(uint32_t reg, unsigned int size, unsigned int direction, uint64_t value)
{
	return (struct op){ .reg = reg, .size = (uint8_t)size, .direction = (uint8_t)direction,
			    .value = value };
}

/* A size and direction that the register at one of the 16 octets at base admits. */
static struct op mixed(struct run *r, uint32_t base)
{
	uint32_t in = (uint32_t)draw(r) % 16;
	unsigned int width = in < 8 ? 8 : in < 12 ? 4 : in < 14 ? 2 : 1;
	unsigned int size = 1u << draw(r) % 4;

	while (size > width)
		size /= 2;
	return access_of(base + in / size * size, size, (unsigned int)draw(r) % 5, draw(r));
}

static struct op whole(struct run *r, uint32_t reg)
{
	return access_of(reg, 8, (unsigned int)draw(r) % 5, draw(r));
}

static struct op command(uint32_t number, uint64_t argument)
{
	return (struct op){ .reg = number, .direction = XENAPT_OP_WRITE, .value = argument };
}

static struct op fast(struct run *r)
{
	static const uint32_t readable[] = { CHECK_TICKET, CHECK_ORDER, CHECK_CHANGES };

	switch (draw(r) % 8) {
	case 0: case 1:
		return whole(r, CHECK_HASH);
	case 2:
		return access_of(readable[draw(r) % 3], 8, XENAPT_OP_READ, 0);
	case 3:
		return access_of(CHECK_SINK, 8, XENAPT_OP_WRITE, draw(r));
	case 4:
		return command(CHECK_DO_FOLD, draw(r));
	default:
		return mixed(r, CHECK_FAST8);
	}
}

static struct op slow(struct run *r)
{
	switch (draw(r) % 4) {
	case 0:
		return command(CHECK_DO_FOLD_SLOW, draw(r));
	case 1:
		return mixed(r, CHECK_SLOW8);
	default:
		return whole(r, CHECK_HASH_SLOW);
	}
}

/* Mostly no registers, or across their ends, or a size or direction that they do not admit. */
static struct op wild(struct run *r)
{
	if (draw(r) % 4 == 0)
		return command(CHECK_DO_DWELL + 1 + (uint32_t)draw(r) % 5, draw(r));
	if (draw(r) % 4 == 0)
		return command(CHECK_DO_EVEN, draw(r));
	if (draw(r) % 8 == 0)
		return command(CHECK_DO_RAISE + (uint32_t)draw(r) % 2, draw(r));
	return access_of((uint32_t)draw(r) % (CHECK_REGISTERS_END + 64), 1u << draw(r) % 4,
			 (unsigned int)draw(r) % 5, draw(r));
}

static struct op in_row(struct run *r)
{
	if (draw(r) % 8 == 0)
		return whole(r, CHECK_ROW_SLOW + 8 * r->row);
	return whole(r, CHECK_ROW + 16 * r->row);
}

static struct op picky(struct run *r)
{
	return access_of(CHECK_PICKY + (draw(r) % 3 ? 0 : 4), draw(r) % 3 ? 8 : 4,
			 (unsigned int)draw(r) % 5, draw(r));
}

static struct op any(struct run *r)
{
	switch (draw(r) % 16) {
	case 0:
		return slow(r);
	case 1:
		return picky(r);
	case 2: case 3:
		return wild(r);
	case 4:
		r->row = (unsigned int)draw(r) % CHECK_ROWS;
		return in_row(r);
	case 5: case 6:
		if (r->apart)
			return mixed(r, CHECK_APART8);
		/* fall through */
	default:
		return fast(r);
	}
}

/* Wild ones may hit a register that the process keeps. */
static int kept_apart(const struct op *op)
{
	return op->size && op->reg + op->size > CHECK_APART8 && op->reg < CHECK_APART_END;
}

static struct op of_table(struct run *r, uint64_t i)
{
	return access_of((uint32_t)(i / 20), 1u << i % 4, (unsigned int)(i / 4 % 5), draw(r));
}

static struct op next(struct run *r)
{
	struct op op;

	r->drawn++;
	switch (r->mix) {
	case FAST:
		return fast(r);
	case SLOW:
		return slow(r);
	case ROW:
		return in_row(r);
	case TABLE:
		return of_table(r, r->drawn - 1);
	case APART:
		return mixed(r, CHECK_APART8);
	default:
		do {
			op = any(r);
		} while (!r->apart && kept_apart(&op));
		return op;
	}
}

/* One of a register that is independent of the state: the guest sends it to the second device. */
static int is_apart(const struct op *op)
{
	static const uint32_t ends[] = {
		CHECK_APART8, CHECK_APART4, CHECK_APART2, CHECK_APART1, CHECK_APART_END
	};
	unsigned int i;

	for (i = 0; op->size && i < 4; i++)
		if (op->reg >= ends[i] && op->reg + op->size <= ends[i + 1])
			return 1;
	return 0;
}

static struct check_answer expected(struct run *r, const struct op *op)
{
	if (op->size)
		return check_reference_access(&r->reference, op->reg, op->size, op->direction,
					      op->value);
	return check_reference_command(&r->reference, op->reg, op->value);
}

static void judge(struct run *r, const struct op *op)
{
	struct check_answer a = expected(r, op);

	r->done++;
	r->lane[op->lane == XENAPT_LANE_SLOW]++;
	r->refused += op->status != 0;
	r->apart_done += is_apart(op);
	/* The clock is not in the reference. */
	if (op->size && (op->reg & ~7ull) == CHECK_NOW)
		a.value = op->answer;
	if (op->status == a.status && op->answer == a.value)
		return;
	if (r->wrong++ == 0)
		printf("operation %llu: register 0x%llx size %u direction %u value 0x%llx by the "
		       "%s device: "
		       "status %u value 0x%llx, expected status %u value 0x%llx\n",
		       (unsigned long long)r->done, (unsigned long long)op->reg, op->size,
		       op->direction, (unsigned long long)op->value,
		       op->lane == XENAPT_LANE_SLOW ? "second" : "first", op->status,
		       (unsigned long long)op->answer, a.status, (unsigned long long)a.value);
}

static int go(struct run *r)
{
	struct op ops[OPERATE_MOST];
	unsigned int i, n;
	int err;

	while (r->done < r->count && r->wrong < 10) {
		n = r->count - r->done < r->batch ? (unsigned int)(r->count - r->done) : r->batch;
		for (i = 0; i < n; i++)
			ops[i] = next(r);
		err = operate(r->fd, ops, n);
		if (err) {
			printf("after %llu operations: %s\n", (unsigned long long)r->done,
			       strerror(-err));
			return err;
		}
		for (i = 0; i < n; i++)
			judge(r, &ops[i]);
	}
	return 0;
}

static uint64_t get(struct run *r, uint32_t reg)
{
	struct op op = access_of(reg, 8, XENAPT_OP_READ, 0);
	int err = operate(r->fd, &op, 1);

	if (!err && !op.status)
		return op.answer;
	printf("register 0x%x cannot be read: %s, status %u\n", reg, strerror(-err), op.status);
	exit(1);
}

/* The device as the reference begins; of a row, the reference as the device is. */
static void agree(struct run *r)
{
	struct op zero[] = {
		command(XENAPT_COMMAND_RESET, 0),
		access_of(CHECK_APART8, 8, XENAPT_OP_WRITE, 0),
		access_of(CHECK_APART4, 4, XENAPT_OP_WRITE, 0),
		access_of(CHECK_APART2, 2, XENAPT_OP_WRITE, 0),
		access_of(CHECK_APART1, 1, XENAPT_OP_WRITE, 0),
		access_of(CHECK_APART1 + 1, 1, XENAPT_OP_WRITE, 0),
	};
	unsigned int i, n = r->apart ? sizeof(zero) / sizeof(zero[0]) : 1;
	int err;

	check_reference_reset(&r->reference);
	if (r->mix == ROW) {
		r->reference.state.row[r->row] = get(r, CHECK_ROW + 16 * r->row);
		r->reference.state.row_slow[r->row] = get(r, CHECK_ROW_SLOW + 8 * r->row);
		return;
	}
	err = operate(r->fd, zero, n);
	for (i = 0; i < n; i++)
		if (err || zero[i].status) {
			printf("cannot begin: %s, operation %u status %u\n", strerror(-err), i,
			       zero[i].status);
			exit(1);
		}
}

static enum mix mix_of(const char *word)
{
	static const char *const words[] = { "all", "fast", "slow", "row", "table", "apart" };
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return (enum mix)i;
	fprintf(stderr, "aperture-operate: mix=%s: must be all, fast, slow, row, table or apart\n",
		word);
	exit(2);
}

static void option(struct run *r, const char *word)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value++ - word) : 0;

	if (n == 4 && !strncmp(word, "seed", n))
		r->random = strtoull(value, NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
	else if (n == 5 && !strncmp(word, "batch", n))
		r->batch = (unsigned int)strtoul(value, NULL, 0);
	else if (n == 3 && !strncmp(word, "mix", n))
		r->mix = mix_of(value);
	else if (n == 3 && !strncmp(word, "row", n))
		r->row = (unsigned int)strtoul(value, NULL, 0) % CHECK_ROWS;
	else if (n == 5 && !strncmp(word, "apart", n))
		r->apart = value[0] != '0';
	else {
		fprintf(stderr, "aperture-operate: %s: unknown option\n", word);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct run r = { .mix = ALL, .batch = 16, .apart = 1, .random = 0x9e3779b97f4a7c15ull };
	int i, err;

	if (argc < 3) {
		fprintf(stderr, "usage: aperture-operate DEV COUNT [seed=N] [batch=N] "
				"[mix=all|fast|slow|row|table|apart] "
				"[row=N] [apart=0|1]\n");
		return 2;
	}
	r.count = strtoull(argv[2], NULL, 0);
	for (i = 3; i < argc; i++)
		option(&r, argv[i]);
	if (!r.batch || r.batch > OPERATE_MOST) {
		fprintf(stderr, "aperture-operate: batch=%u: must be 1 to %u\n", r.batch,
			OPERATE_MOST);
		return 2;
	}
	r.apart &= r.mix == ALL || r.mix == TABLE || r.mix == APART;
	if (r.mix == TABLE)
		r.count = TABLE_COUNT;
	r.fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (r.fd < 0)
		return 2;
	agree(&r);
	err = go(&r);
	printf("operations=%llu wrong=%llu by_first=%llu by_second=%llu refused=%llu "
	       "independent=%llu changes=%llu hash=%016llx errno=%d\n",
	       (unsigned long long)r.done, (unsigned long long)r.wrong,
	       (unsigned long long)r.lane[0], (unsigned long long)r.lane[1],
	       (unsigned long long)r.refused, (unsigned long long)r.apart_done,
	       (unsigned long long)r.reference.state.changes,
	       (unsigned long long)r.reference.state.order, -err);
	return err || r.wrong || r.done != r.count;
}
