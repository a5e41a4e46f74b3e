// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the tests' device: check_registers.h says what its registers do. In the stub domain
 * it can also be told to trap and to spin.
 */
#include <xenaperture_model.h>

#include "check_registers.h"

#define RW	(XENAPERTURE_READ | XENAPERTURE_WRITE)
#define FAST	XENAPERTURE_FAST
#define APART	XENAPERTURE_INDEPENDENT
#define ANY	XENAPERTURE_ANY_SIZE
#define WHOLE	XENAPERTURE_SIZE8
#define HALVES	(XENAPERTURE_SIZE4 | XENAPERTURE_SIZE8)

static const struct xenaperture_register registers[] = {
	{ CHECK_HASH,		8, WHOLE, RW | FAST, CHECK_HASH, 1, 0 },
	{ CHECK_HASH_SLOW,	8, WHOLE, RW, CHECK_HASH_SLOW, 1, 0 },
	{ CHECK_FAST8,		8, ANY, RW | FAST, CHECK_FAST8, 1, 0 },
	{ CHECK_FAST4,		4, 7, RW | FAST, CHECK_FAST4, 1, 0 },
	{ CHECK_FAST2,		2, 3, RW | FAST, CHECK_FAST2, 1, 0 },
	{ CHECK_FAST1,		1, 1, RW | FAST, CHECK_FAST1, 2, 1 },
	{ CHECK_SLOW8,		8, ANY, RW, CHECK_SLOW8, 1, 0 },
	{ CHECK_SLOW4,		4, 7, RW, CHECK_SLOW4, 1, 0 },
	{ CHECK_SLOW2,		2, 3, RW, CHECK_SLOW2, 1, 0 },
	{ CHECK_SLOW1,		1, 1, RW, CHECK_SLOW1, 2, 1 },
	{ CHECK_PICKY,		8, HALVES, RW | FAST, CHECK_PICKY, 1, 0 },
	{ CHECK_TICKET,		8, ANY, XENAPERTURE_READ | FAST | XENAPERTURE_READ_CHANGES,
	  CHECK_TICKET, 1, 0 },
	{ CHECK_ORDER,		8, ANY, XENAPERTURE_READ | FAST, CHECK_ORDER, 1, 0 },
	{ CHECK_CHANGES,	8, ANY, XENAPERTURE_READ | FAST, CHECK_CHANGES, 1, 0 },
	{ CHECK_NOW,		8, HALVES, XENAPERTURE_READ | FAST, CHECK_NOW, 1, 0 },
	{ CHECK_SINK,		8, ANY, XENAPERTURE_WRITE | FAST, CHECK_SINK, 1, 0 },
	{ CHECK_PENDING,	8, HALVES, RW | FAST, CHECK_PENDING, 1, 0 },
	{ CHECK_TICKET_SLOW,	8, ANY, XENAPERTURE_READ | XENAPERTURE_READ_CHANGES,
	  CHECK_TICKET_SLOW, 1, 0 },
	{ CHECK_ARGUMENT,	8, ANY, RW | FAST, CHECK_ARGUMENT, 1, 0 },
	{ CHECK_DO,		4, 7, XENAPERTURE_WRITE | FAST, CHECK_DO, 1, 0 },
	{ CHECK_DO_SLOW,	4, 7, XENAPERTURE_WRITE, CHECK_DO_SLOW, 1, 0 },
	{ CHECK_ROW,		8, HALVES, RW | FAST, CHECK_ROW, CHECK_ROWS, 16 },
	{ CHECK_ROW_SLOW,	8, HALVES, RW, CHECK_ROW_SLOW, CHECK_ROWS, 8 },
	{ CHECK_APART8,		8, ANY, RW | APART, CHECK_APART8, 1, 0 },
	{ CHECK_APART4,		4, 7, RW | APART, CHECK_APART4, 1, 0 },
	{ CHECK_APART2,		2, 3, RW | APART, CHECK_APART2, 1, 0 },
	{ CHECK_APART1,		1, 1, RW | APART, CHECK_APART1, 2, 1 },
	{ CHECK_MINE8,		8, ANY, RW | FAST, CHECK_MINE8, CHECK_ROWS, 8 },
	{ CHECK_MINE4,		4, 7, RW | FAST, CHECK_MINE4, CHECK_ROWS, 4 },
	{ CHECK_MINE2,		2, 3, RW | FAST, CHECK_MINE2, CHECK_ROWS, 2 },
	{ CHECK_MINE1,		1, 1, RW | FAST, CHECK_MINE1, CHECK_ROWS, 1 },
};

static const struct xenaperture_command commands[] = {
	{ CHECK_DO_RAISE,	FAST },
	{ CHECK_DO_RAISE_SLOW,	0 },
	{ CHECK_DO_RAISE_APART,	APART },
	{ CHECK_DO_FOLD,	FAST },
	{ CHECK_DO_FOLD_SLOW,	0 },
	{ CHECK_DO_EVEN,	FAST },
	{ CHECK_DO_UNDEFINED,	FAST },
	{ CHECK_DO_NULL,	FAST },
	{ CHECK_DO_SPIN,	FAST },
	{ CHECK_DO_SUM,		APART },
	{ CHECK_DO_DWELL,	0 },
};

static uint32_t check_read(struct xenaperture_run *run, uint32_t id, uint32_t index,
			   uint64_t *value)
{
	struct check_state *s = run->state;

	if (id == CHECK_NOW) {
		*value = run->now;
		return XENAPT_OK;
	}
	if (id == CHECK_PICKY && check_picky(s->picky))
		return XENAPT_E_DECLINED;
	return check_state_read(s, id, index, value) ? XENAPT_E_DEVICE : XENAPT_OK;
}

static void raise(struct xenaperture_run *run, uint64_t vectors)
{
	struct check_state *s = run->state;
	unsigned int n;

	vectors &= ((uint64_t)1 << CHECK_VECTORS) - 1;
	s->pending |= vectors;
	for (n = 0; n < CHECK_VECTORS; n++)
		if (vectors >> n & 1)
			xenaperture_raise(run, n);
}

/* What is done in the stub domain only. The guest chooses how long it goes on being done. */
static void misbehave(struct xenaperture_run *run, uint32_t number, uint64_t until)
{
#ifdef XENAPERTURE_STUB
	if (run->now >= until)
		return;
	if (number == CHECK_DO_UNDEFINED)
		__asm__ volatile("ud2");
	if (number == CHECK_DO_NULL)
		__asm__ volatile("movb $1, 0" : : : "memory");
	for (;;)
		__asm__ volatile("pause");
#else
	(void)run;
	(void)number;
	(void)until;
#endif
}

static uint32_t check_command(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			      uint64_t *result)
{
	switch (number) {
	case CHECK_DO_RAISE:
		raise(run, argument);
		return XENAPT_OK;
	case CHECK_DO_FOLD:
		*result = check_state_command(run->state, number, argument);
		return XENAPT_OK;
	case CHECK_DO_EVEN:
		return argument & 1 ? XENAPT_E_VALUE : XENAPT_OK;
	default:
		misbehave(run, number, argument);
		return XENAPT_OK;
	}
}

static void check_do(struct xenaperture_run *run, uint32_t number)
{
	const struct check_state *s = run->state;

	if (number == CHECK_DO_RAISE)
		raise(run, s->argument);
	if (number >= CHECK_DO_UNDEFINED && number <= CHECK_DO_SPIN)
		misbehave(run, number, s->argument);
}

static uint32_t check_write(struct xenaperture_run *run, uint32_t id, uint32_t index,
			    uint64_t value)
{
	if ((id == CHECK_PICKY || id == CHECK_MINE8) && check_picky(value))
		return XENAPT_E_DECLINED;
	if (id == CHECK_DO)
		check_do(run, (uint32_t)value);
	return check_state_write(run->state, id, index, value) ? XENAPT_E_DEVICE : XENAPT_OK;
}

static void check_reset(struct xenaperture_run *run)
{
	check_state_reset(run->state);
}

static int check_check(const void *state)
{
	const struct check_state *s = state;

	return s->guard == ~s->hash ? 0 : -1;
}

static uint64_t check_pending(const void *state)
{
	return ((const struct check_state *)state)->pending;
}

const struct xenaperture_model check_model = {
	.size = sizeof(check_model),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = "check",
	.registers = registers,
	.nr_registers = sizeof(registers) / sizeof(registers[0]),
	.commands = commands,
	.nr_commands = sizeof(commands) / sizeof(commands[0]),
	.vectors = CHECK_VECTORS,
	.state_version = 1,
	.state_size = sizeof(struct check_state),
	.fast = { .read = check_read, .write = check_write, .command = check_command },
	.reset = check_reset,
	.check = check_check,
	.pending = check_pending,
};

XENAPERTURE_FAST_DEVICE(check_model);
