/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of a device: which ones are refused, and what an operation names in one. */
#include <string.h>

#include "check.h"
#include "model.h"

#define R	XENAPERTURE_READ
#define W	XENAPERTURE_WRITE
#define RW	(R | W)
#define F	XENAPERTURE_FAST
#define ANY	XENAPERTURE_ANY_SIZE

static uint32_t read_it(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	(void)run;
	(void)id;
	(void)index;
	*value = 0;
	return XENAPT_OK;
}

static uint32_t write_it(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	(void)run;
	(void)id;
	(void)index;
	(void)value;
	return XENAPT_OK;
}

static uint32_t command_it(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			   uint64_t *result)
{
	(void)run;
	(void)number;
	(void)argument;
	*result = 0;
	return XENAPT_OK;
}

static void reset_it(struct xenaperture_run *run)
{
	(void)run;
}

static int check_it(const void *state)
{
	(void)state;
	return 0;
}

static uint64_t due_it(const void *state)
{
	(void)state;
	return UINT64_MAX;
}

static const struct xenaperture_functions all = { read_it, write_it, command_it };

enum { WIDE = 1, WORD, BYTES, SPARSE, WRITE_ONLY, READ_ONLY, SLOW, INDEPENDENT, LAST };

static struct xenaperture_register registers[] = {
	{ 0x10, 8, ANY, RW | F, WIDE, 0, 0 },
	{ 0x20, 4, XENAPERTURE_SIZE4, RW | F, WORD, 1, 0 },
	{ 0x24, 1, XENAPERTURE_SIZE1, RW | F, BYTES, 4, 1 },
	{ 0x40, 4, ANY, RW | F, SPARSE, 3, 16 },	/* 0x40, 0x50, 0x60 */
	{ 0x80, 8, XENAPERTURE_SIZE8, W | F, WRITE_ONLY, 0, 0 },
	{ 0x88, 8, ANY, R | F, READ_ONLY, 0, 0 },
	{ 0x90, 2, ANY, RW, SLOW, 0, 0 },
	{ 0x98, 8, ANY, R | XENAPERTURE_INDEPENDENT, INDEPENDENT, 4, 8 },
	{ 0xfffffff0, 8, ANY, RW | F, LAST, 0, 0 },
};

static struct xenaperture_command commands[] = { { 1, F }, { 7, 0 }, { 0xfffffeff, F } };

static struct xenaperture_model model;

static void start(void)
{
	model = (struct xenaperture_model){
		.size = sizeof(model),
		.version = XENAPERTURE_MODEL_VERSION,
		.type = "sample",
		.registers = registers,
		.nr_registers = sizeof(registers) / sizeof(registers[0]),
		.commands = commands,
		.nr_commands = sizeof(commands) / sizeof(commands[0]),
		.vectors = 64,
		.state_version = 1,
		.state_size = XENAPT_STATE_MAX,
		.fast = { read_it, write_it, command_it },
		.reset = reset_it,
		.check = check_it,
	};
}

static void sound_tables(void)
{
	start();
	CHECK(xapt_model_wrong(&model, &all) == NULL);
	CHECK(xapt_model_wrong(&model, &model.fast) == NULL);
	model.nr_registers = model.nr_commands = 0;
	model.fast = (struct xenaperture_functions){ 0 };
	CHECK(xapt_model_wrong(&model, NULL) == NULL);
	model.state_size = 0;
	model.reset = NULL;
	model.check = NULL;
	CHECK(xapt_model_wrong(&model, NULL) == NULL);
	/* a table of a later version, with more at its end */
	model.size += 8;
	CHECK(xapt_model_wrong(&model, NULL) == NULL);
}

#define WRONG(change) do {							\
		start();							\
		change;								\
		CHECK_CASE(xapt_model_wrong(&model, &all) != NULL, __LINE__, 0);	\
	} while (0)

static void unsound_tables(void)
{
	WRONG(model.size--);
	WRONG(model.version++);
	WRONG(model.version = 0);
	WRONG(model.type = "");
	WRONG(model.type = "Sample");
	WRONG(model.type = "a234567890123456789012345678901x");
	WRONG(model.vectors = 65);
	WRONG(model.state_size = XENAPT_STATE_MAX + 1);
	WRONG(model.reset = NULL);
	WRONG(model.check = NULL);
	WRONG(model.due = due_it);
	WRONG(model.fast.read = NULL);
	WRONG(model.fast.write = NULL);
	WRONG(model.fast.command = NULL);
}

/* One register of the table changed, one field at a time. */
#define WRONG_REGISTER(n, change) do {						\
		struct xenaperture_register kept = registers[n], *g = &registers[n];	\
		WRONG(change);							\
		registers[n] = kept;						\
	} while (0)

static void unsound_registers(void)
{
	WRONG_REGISTER(0, g->width = 3);
	WRONG_REGISTER(0, g->width = 0);
	WRONG_REGISTER(0, g->width = 16);
	WRONG_REGISTER(0, g->offset = 0x14);
	WRONG_REGISTER(0, g->sizes = 0);
	WRONG_REGISTER(0, g->sizes = 16);
	WRONG_REGISTER(0, g->flags = F);
	WRONG_REGISTER(0, g->flags |= XENAPERTURE_INDEPENDENT);
	WRONG_REGISTER(0, g->offset = 0x20);
	WRONG_REGISTER(1, g->offset = 0x10);
	WRONG_REGISTER(1, g->offset = 0x14);
	WRONG_REGISTER(2, g->count = 64);	/* into the next one */
	WRONG_REGISTER(3, g->stride = 2);
	WRONG_REGISTER(3, g->stride = 6);
	WRONG_REGISTER(3, g->stride = 0x40);	/* its last lies in another */
	WRONG_REGISTER(8, g->count = 2);	/* past 2^32 */
	WRONG_REGISTER(8, g->count = UINT32_MAX);
}

static void unsound_commands(void)
{
	WRONG(commands[1].number = 1);
	WRONG(commands[1].number = 0xfffffeff);
	commands[1].number = 7;
	WRONG(commands[2].number = 0xffffff00);
	WRONG(commands[2].number = XENAPT_COMMAND_RESET);
	commands[2].number = 0xfffffeff;
}

/* What only the second device executes needs the slow half's functions, and only those. */
static void missing_slow_half(void)
{
	struct xenaperture_functions slow = { 0 };

	start();
	CHECK(xapt_model_wrong(&model, NULL) != NULL);
	CHECK(xapt_model_wrong(&model, &slow) != NULL);
	slow = all;
	slow.read = NULL;
	CHECK(xapt_model_wrong(&model, &slow) != NULL);
	slow = all;
	slow.command = NULL;
	CHECK(xapt_model_wrong(&model, &slow) != NULL);
	model.nr_commands = 1;
	CHECK(xapt_model_wrong(&model, &slow) == NULL);
}

/* ---- decoding ------------------------------------------------------------------------ */

static uint32_t decode(uint64_t reg, unsigned int size, unsigned int direction,
		       struct xapt_decoded *d)
{
	struct xenapt_operation op = { .reg = reg, .size = (uint8_t)size,
				       .direction = (uint8_t)direction };

	memset(d, 0xff, sizeof(*d));
	return xapt_model_decode(&model, &op, d);
}

struct decode_case {
	uint64_t reg;
	unsigned int size, direction;
	uint32_t status, id, index, shift;
};

static void decode_table(void)
{
	static const struct decode_case cases[] = {
		/* base - 1, base, last, end, end + 1 */
		{ 0x0f, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x10, 1, 0, XENAPT_OK, WIDE, 0, 0 },
		{ 0x17, 1, 0, XENAPT_OK, WIDE, 0, 7 },
		{ 0x18, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x19, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		/* sizes and alignment */
		{ 0x10, 8, 1, XENAPT_OK, WIDE, 0, 0 },
		{ 0x12, 2, 1, XENAPT_OK, WIDE, 0, 2 },
		{ 0x14, 4, 1, XENAPT_OK, WIDE, 0, 4 },
		{ 0x11, 2, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x12, 4, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x14, 8, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x17, 2, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x0c, 8, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		/* one register's end is the next one's start */
		{ 0x20, 8, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x22, 4, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x20, 2, 0, XENAPT_E_WIDTH, 0, 0, 0 },
		{ 0x22, 2, 0, XENAPT_E_WIDTH, 0, 0, 0 },
		{ 0x20, 4, 0, XENAPT_OK, WORD, 0, 0 },
		/* rows */
		{ 0x24, 1, 0, XENAPT_OK, BYTES, 0, 0 },
		{ 0x27, 1, 0, XENAPT_OK, BYTES, 3, 0 },
		{ 0x24, 2, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0x28, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x3f, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x40, 4, 0, XENAPT_OK, SPARSE, 0, 0 },
		{ 0x44, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x4f, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x50, 4, 0, XENAPT_OK, SPARSE, 1, 0 },
		{ 0x63, 1, 0, XENAPT_OK, SPARSE, 2, 3 },
		{ 0x64, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x70, 4, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		/* directions */
		{ 0x80, 8, 1, XENAPT_OK, WRITE_ONLY, 0, 0 },
		{ 0x80, 8, 0, XENAPT_E_ACCESS, 0, 0, 0 },
		{ 0x80, 8, 2, XENAPT_E_ACCESS, 0, 0, 0 },
		{ 0x80, 8, 4, XENAPT_E_ACCESS, 0, 0, 0 },
		{ 0x88, 8, 0, XENAPT_OK, READ_ONLY, 0, 0 },
		{ 0x88, 8, 1, XENAPT_E_ACCESS, 0, 0, 0 },
		{ 0x88, 4, 3, XENAPT_E_ACCESS, 0, 0, 0 },
		/* width before direction, straddling before width */
		{ 0x80, 4, 0, XENAPT_E_WIDTH, 0, 0, 0 },
		{ 0x82, 4, 0, XENAPT_E_STRADDLE, 0, 0, 0 },
		{ 0xb0, 8, 0, XENAPT_OK, INDEPENDENT, 3, 0 },
		{ 0xfffffff7, 1, 0, XENAPT_OK, LAST, 0, 7 },
		{ 0xfffffff8, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0x100000010, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ UINT64_MAX, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ UINT64_MAX - 3, 8, 0, XENAPT_E_REGISTER, 0, 0, 0 },
		{ 0, 1, 0, XENAPT_E_REGISTER, 0, 0, 0 },
	};
	struct xapt_decoded d;

	start();
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct decode_case *c = &cases[i];

		CHECK_CASE(decode(c->reg, c->size, c->direction, &d) == c->status, c->reg, c->size);
		if (c->status == XENAPT_OK)
			CHECK_CASE(d.id == c->id && d.index == c->index && d.shift == c->shift &&
				   d.width, c->reg, d.id);
	}
}

static void decode_commands(void)
{
	struct xapt_decoded d;

	start();
	CHECK_EQ(decode(1, 0, XENAPT_OP_WRITE, &d), XENAPT_OK);
	CHECK_EQ(d.id, 1);
	CHECK_EQ(d.width, 0);
	CHECK_EQ(d.flags, F);
	CHECK_EQ(decode(7, 0, XENAPT_OP_WRITE, &d), XENAPT_OK);
	CHECK_EQ(d.flags, 0);
	CHECK_EQ(decode(0, 0, XENAPT_OP_WRITE, &d), XENAPT_E_COMMAND);
	CHECK_EQ(decode(0x10, 0, XENAPT_OP_WRITE, &d), XENAPT_E_COMMAND);
	CHECK_EQ(decode(0x100000001, 0, XENAPT_OP_WRITE, &d), XENAPT_E_COMMAND);
	CHECK_EQ(decode(0xffffff00, 0, XENAPT_OP_WRITE, &d), XENAPT_E_COMMAND);
	CHECK_EQ(decode(XENAPT_COMMAND_RESET, 0, XENAPT_OP_WRITE, &d), XENAPT_OK);
	for (unsigned int direction = 0; direction < 256; direction++)
		if (direction != XENAPT_OP_WRITE)
			CHECK_EQ(decode(1, 0, direction, &d), XENAPT_E_MALFORMED);
}

static void malformed(void)
{
	struct xenapt_operation good = { .reg = 0x10, .size = 8 }, op;
	struct xapt_decoded d;

	start();
	for (unsigned int size = 0; size < 256; size++) {
		bool known = size == 1 || size == 2 || size == 4 || size == 8;

		CHECK_CASE((decode(0x10, size, 0, &d) == XENAPT_OK) == known, size, 0);
		if (size && !known)
			CHECK_EQ(decode(0x10, size, 0, &d), XENAPT_E_MALFORMED);
	}
	for (unsigned int direction = XENAPT_OP_DIRECTIONS; direction < 256; direction++)
		CHECK_EQ(decode(0x10, 8, direction, &d), XENAPT_E_MALFORMED);
	for (unsigned int i = 0; i < sizeof(good.reserved); i++) {
		op = good;
		op.reserved[i] = 1;
		CHECK_EQ(xapt_model_decode(&model, &op, &d), XENAPT_E_MALFORMED);
	}
	for (unsigned int bit = 0; bit < 16; bit++) {
		op = good;
		op.flags = (uint16_t)(1u << bit);
		CHECK_EQ(xapt_model_decode(&model, &op, &d),
			 1u << bit == XENAPT_OP_RESUME ? XENAPT_OK : XENAPT_E_MALFORMED);
	}
	op = good;
	op.submitter = 63;
	CHECK_EQ(xapt_model_decode(&model, &op, &d), XENAPT_OK);
	op.submitter = 64;
	CHECK_EQ(xapt_model_decode(&model, &op, &d), XENAPT_E_MALFORMED);
}

/* Every offset and size against a search through the octets of the table. */
static uint32_t plain_decode(uint64_t reg, unsigned int size, uint32_t *id, uint32_t *index)
{
	for (unsigned int i = 0; i < model.nr_registers; i++) {
		const struct xenaperture_register *g = &model.registers[i];

		for (uint32_t k = 0; k < (g->count ? g->count : 1); k++) {
			uint64_t first = (uint64_t)g->offset + (uint64_t)k * g->stride;

			if (reg < first || reg >= first + g->width)
				continue;
			*id = g->id;
			*index = k;
			if (reg + size > first + g->width || reg % size)
				return XENAPT_E_STRADDLE;
			if (!(g->sizes & size))
				return XENAPT_E_WIDTH;
			return g->flags & R ? XENAPT_OK : XENAPT_E_ACCESS;
		}
	}
	return XENAPT_E_REGISTER;
}

static void every_offset(void)
{
	struct xapt_decoded d;

	start();
	for (uint64_t reg = 0; reg < 0x100; reg++) {
		for (unsigned int size = 1; size <= 8; size *= 2) {
			uint32_t id = 0, index = 0, status = plain_decode(reg, size, &id, &index);

			CHECK_CASE(decode(reg, size, XENAPT_OP_READ, &d) == status, reg, size);
			if (status == XENAPT_OK)
				CHECK_CASE(d.id == id && d.index == index, reg, size);
		}
	}
}

static void end(void)
{
	struct xenaperture_model m = model;
	const struct xenaperture_register row = { .offset = 16, .width = 4, .count = 8 };

	m.registers = &row;
	m.nr_registers = 1;
	/* Stride 0 is the width. */
	CHECK_EQ(xapt_model_end(&m), 16 + 8 * 4);
	m.nr_registers = 0;
	CHECK_EQ(xapt_model_end(&m), 0);
}

static void independent(void)
{
	struct xenapt_span spans[2];

	start();
	CHECK_EQ(xapt_model_independent(&model, spans, 2), 1);
	CHECK_EQ(spans[0].first, 0x98);
	CHECK_EQ(spans[0].last, 0xb7);
	CHECK_EQ(xapt_model_independent(&model, spans, 0), 0);
}

static CU_TestInfo tests[] = {
	{ "sound tables", sound_tables },
	{ "unsound tables", unsound_tables },
	{ "unsound registers", unsound_registers },
	{ "unsound commands", unsound_commands },
	{ "missing slow half", missing_slow_half },
	{ "decode table", decode_table },
	{ "commands", decode_commands },
	{ "malformed", malformed },
	{ "every offset", every_offset },
	{ "end", end },
	{ "independent", independent },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
