// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model.h"

#include "parse.h"

#define LAST_COMMAND	0xfffffeffu	/* those above are the framework's */

static uint32_t count_of(const struct xenaperture_register *g)
{
	return g->count ? g->count : 1;
}

static uint32_t stride_of(const struct xenaperture_register *g)
{
	return g->stride ? g->stride : g->width;
}

/* Octets from the first of the first to the last of the last, plus one. */
static uint64_t extent(const struct xenaperture_register *g)
{
	return (uint64_t)(count_of(g) - 1) * stride_of(g) + g->width;
}

static const char *register_wrong(const struct xenaperture_register *g)
{
	if (g->width != 1 && g->width != 2 && g->width != 4 && g->width != 8)
		return "a register's width is not 1, 2, 4 or 8";
	if (g->offset % g->width || stride_of(g) % g->width)
		return "a register is not aligned to its width";
	if (!g->sizes || g->sizes > XENAPERTURE_ANY_SIZE)
		return "a register admits no access size";
	if (!(g->flags & (XENAPERTURE_READ | XENAPERTURE_WRITE)))
		return "a register can neither be read nor written";
	if ((g->flags & XENAPERTURE_FAST) && (g->flags & XENAPERTURE_INDEPENDENT))
		return "a register is both fast and independent";
	if (stride_of(g) < g->width || g->offset + extent(g) > UINT32_MAX)
		return "a row of registers overlaps itself or ends above 2^32";
	return NULL;
}

static const char *registers_wrong(const struct xenaperture_model *m)
{
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < m->nr_registers; i++) {
		const struct xenaperture_register *g = &m->registers[i];
		const char *wrong = register_wrong(g);

		if (wrong)
			return wrong;
		if (g->offset < end)
			return "registers do not ascend, or overlap";
		end = g->offset + extent(g);
	}
	return NULL;
}

static const char *commands_wrong(const struct xenaperture_model *m)
{
	uint32_t i;

	for (i = 0; i < m->nr_commands; i++) {
		if (m->commands[i].number > LAST_COMMAND)
			return "a command's number is above 0xfffffeff";
		if (i && m->commands[i].number <= m->commands[i - 1].number)
			return "commands do not ascend";
	}
	return NULL;
}

struct needs {
	uint32_t flags;
	bool read, write, command;
};

/* Which functions do the registers and commands with, or without, flag need? */
static struct needs needs_of(const struct xenaperture_model *m, bool fast)
{
	struct needs needs = { 0 };
	uint32_t i;

	for (i = 0; i < m->nr_registers; i++) {
		if (!(m->registers[i].flags & XENAPERTURE_FAST) == fast)
			continue;
		needs.read |= m->registers[i].flags & XENAPERTURE_READ;
		needs.write |= m->registers[i].flags & XENAPERTURE_WRITE;
	}
	for (i = 0; i < m->nr_commands; i++)
		needs.command |= !(m->commands[i].flags & XENAPERTURE_FAST) != fast;
	return needs;
}

static bool has(const struct xenaperture_functions *f, struct needs needs)
{
	return (!needs.read || f->read) && (!needs.write || f->write) &&
	       (!needs.command || f->command);
}

const char *xapt_model_wrong(const struct xenaperture_model *m,
			     const struct xenaperture_functions *slow)
{
	static const struct xenaperture_functions none;
	const char *wrong;

	if (m->size < sizeof(*m))
		return "size is less than this version's";
	if (m->version != XENAPERTURE_MODEL_VERSION)
		return "version is not 1";
	if (!xapt_parse_type(m->type))
		return "type is not 1 to 31 of a-z 0-9 -";
	if (m->vectors > 64)
		return "more than 64 vectors";
	if (m->state_size > XENAPT_STATE_MAX)
		return "the state is larger than XENAPT_STATE_MAX";
	if (m->state_size && (!m->reset || !m->check))
		return "there is a state, but reset or check is missing";
	if (m->due && !m->expire)
		return "due without expire";
	wrong = registers_wrong(m);
	if (!wrong)
		wrong = commands_wrong(m);
	if (wrong)
		return wrong;
	if (!has(&m->fast, needs_of(m, true)))
		return "a function for its fast registers or commands is missing";
	/* The stub domain has no slow half, and needs none. */
	if (slow != &m->fast && !has(slow ? slow : &none, needs_of(m, false)))
		return "a function for its slow registers or commands is missing";
	return NULL;
}

uint64_t xapt_model_end(const struct xenaperture_model *m)
{
	const struct xenaperture_register *last;

	if (!m->nr_registers)
		return 0;
	last = &m->registers[m->nr_registers - 1];
	return last->offset + extent(last);
}

/* ---- decoding ---- */

/* The last one that begins at or below offset, if it reaches it. */
static const struct xenaperture_register *find_register(const struct xenaperture_model *m,
							uint64_t offset)
{
	const struct xenaperture_register *g = m->registers;
	uint32_t n = m->nr_registers;

	while (n > 1) {
		uint32_t half = n / 2;

		g += offset >= g[half].offset ? half : 0;
		n -= half;
	}
	return n && offset >= g->offset && offset - g->offset < extent(g) ? g : NULL;
}

static enum xenapt_status decode_register(const struct xenaperture_model *m,
					  const struct xenapt_operation *op, struct xapt_decoded *d)
{
	const struct xenaperture_register *g = find_register(m, op->reg);
	bool writes = op->direction != XENAPT_OP_READ;
	bool reads = op->direction != XENAPT_OP_WRITE;
	uint32_t inside, at;

	if (!g)
		return XENAPT_E_REGISTER;
	inside = (uint32_t)op->reg - g->offset;
	d->index = inside / stride_of(g);
	at = inside % stride_of(g);
	if (at >= g->width)
		return XENAPT_E_REGISTER;
	if (at + op->size > g->width || op->reg % op->size)
		return XENAPT_E_STRADDLE;
	if (!(g->sizes & op->size))
		return XENAPT_E_WIDTH;
	if ((writes && !(g->flags & XENAPERTURE_WRITE)) || (reads && !(g->flags & XENAPERTURE_READ)))
		return XENAPT_E_ACCESS;
	d->id = g->id;
	d->flags = g->flags;
	d->width = g->width;
	d->shift = (uint8_t)at;
	return XENAPT_OK;
}

static enum xenapt_status decode_command(const struct xenaperture_model *m,
					 const struct xenapt_operation *op, struct xapt_decoded *d)
{
	uint32_t i;

	*d = (struct xapt_decoded){ .id = (uint32_t)op->reg };
	if (op->reg == XENAPT_COMMAND_RESET) {
		d->flags = XENAPERTURE_FAST;
		return XENAPT_OK;
	}
	for (i = 0; i < m->nr_commands; i++) {
		if (m->commands[i].number == op->reg) {
			d->flags = m->commands[i].flags;
			return XENAPT_OK;
		}
	}
	return XENAPT_E_COMMAND;
}

static bool malformed(const struct xenapt_operation *op)
{
	uint64_t last;

	_Static_assert(offsetof(struct xenapt_operation, submitter) == 40, "last word");
	__builtin_memcpy(&last, &op->submitter, sizeof(last));
	/* submitter is its lowest octet; the others are reserved. */
	if (last >= XENAPT_OP_SUBMITTERS || (op->flags & ~XENAPT_OP_RESUME) ||
	    op->direction >= XENAPT_OP_DIRECTIONS || op->size > 8 || (op->size & (op->size - 1)))
		return true;
	if (!op->handle && (op->offset || op->length))
		return true;
	return !op->size && op->direction != XENAPT_OP_WRITE;
}

enum xenapt_status xapt_model_decode(const struct xenaperture_model *m,
				     const struct xenapt_operation *op, struct xapt_decoded *d)
{
	if (malformed(op))
		return XENAPT_E_MALFORMED;
	return op->size ? decode_register(m, op, d) : decode_command(m, op, d);
}

uint32_t xapt_model_independent(const struct xenaperture_model *m, struct xenapt_span *spans,
				uint32_t room)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->nr_registers && n < room; i++) {
		const struct xenaperture_register *g = &m->registers[i];

		/* Rows with gaps stay out: what lies in the gaps is another's. */
		if (!(g->flags & XENAPERTURE_INDEPENDENT) ||
		    (count_of(g) > 1 && stride_of(g) != g->width))
			continue;
		spans[n++] = (struct xenapt_span){ g->offset, (uint32_t)(g->offset + extent(g) - 1) };
	}
	return n;
}
