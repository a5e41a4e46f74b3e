// SPDX-License-Identifier: LGPL-2.1-or-later
#include "negotiate.h"

#include "parse.h"

/* Copy text, cut to the room there is. */
static void put_text(char *to, size_t room, const char *text)
{
	size_t n = 0;

	for (; text && text[n] && n + 1 < room; n++)
		to[n] = text[n];
	to[n] = '\0';
}

static enum xenapt_status refuse(struct xapt_problem *problem, enum xenapt_status status,
				 const char *node, const char *value)
{
	problem->status = status;
	put_text(problem->node, sizeof(problem->node), node);
	put_text(problem->value, sizeof(problem->value), value);
	return status;
}

/* One number of the child's. optional: NULL leaves *value as it is. */
static bool number(xapt_read_fn read, void *ctx, const char *node, bool optional,
		   uint32_t min, uint32_t max, uint32_t *value, struct xapt_problem *problem)
{
	const char *text = read(ctx, node);

	if ((!text && optional) || xapt_parse_u32(text, min, max, value))
		return true;
	refuse(problem, XENAPT_E_NODE, node, text);
	return false;
}

static bool bytes(xapt_read_fn read, void *ctx, bool optional, uint64_t *value,
		  struct xapt_problem *problem)
{
	const char *text = read(ctx, XENAPT_NODE_MAX_SIZE);
	uint64_t n;

	if (!text && optional)
		return true;
	if (!xapt_parse_u64(text, XENAPT_PAGE_SIZE, XENAPT_MAX_SIZE, &n) ||
	    n % XENAPT_PAGE_SIZE) {
		refuse(problem, XENAPT_E_NODE, XENAPT_NODE_MAX_SIZE, text);
		return false;
	}
	*value = n;
	return true;
}

/* "ring-ref" and the decimal number behind it; index < 16. */
static void ring_node(char *node, uint32_t index)
{
	const char *name = XENAPT_NODE_RING_REF;

	while (*name)
		*node++ = *name++;
	if (index >= 10)
		*node++ = (char)('0' + index / 10);
	*node++ = (char)('0' + index % 10);
	*node = '\0';
}

static bool read_ring(xapt_read_fn read, void *ctx, uint32_t max_order,
		      struct xapt_frontend *fe, struct xapt_problem *problem)
{
	uint32_t i;

	fe->ring_order = 0;
	if (!number(read, ctx, XENAPT_NODE_RING_ORDER, true, 0, max_order, &fe->ring_order,
		    problem))
		return false;
	for (i = 0; i < 1u << fe->ring_order; i++) {
		char node[16];

		ring_node(node, i);
		if (!number(read, ctx, node, false, 1, UINT32_MAX, &fe->ring_ref[i], problem))
			return false;
	}
	return true;
}

static enum xenapt_status read_version(xapt_read_fn read, void *ctx,
				       const struct xapt_offerings *offer,
				       struct xapt_frontend *fe, struct xapt_problem *problem)
{
	const char *text = read(ctx, XENAPT_NODE_VERSION);
	uint32_t version;
	size_t i;

	if (!xapt_parse_u32(text, 1, UINT16_MAX, &version))
		return refuse(problem, XENAPT_E_NODE, XENAPT_NODE_VERSION, text);
	for (i = 0; i < offer->nr_versions; i++) {
		if (offer->versions[i] == version) {
			fe->version = (uint16_t)version;
			return XENAPT_OK;
		}
	}
	return refuse(problem, XENAPT_E_VERSION, XENAPT_NODE_VERSION, text);
}

/* "0", "1", or missing: "0". */
static bool feature(xapt_read_fn read, void *ctx, const char *node, bool *agreed,
		    struct xapt_problem *problem)
{
	uint32_t value = 0;

	if (!number(read, ctx, node, true, 0, 1, &value, problem))
		return false;
	*agreed = value;
	return true;
}

static bool read_record(xapt_read_fn read, void *ctx, struct xapt_frontend *fe,
			struct xapt_problem *problem)
{
	if (!feature(read, ctx, XENAPT_NODE_FEATURE_OPERATIONS, &fe->operations, problem))
		return false;
	return !fe->operations ||
	       (number(read, ctx, XENAPT_NODE_RECORD_REF "0", false, 1, UINT32_MAX,
		       &fe->record_ref[0], problem) &&
		number(read, ctx, XENAPT_NODE_RECORD_REF "1", false, 1, UINT32_MAX,
		       &fe->record_ref[1], problem));
}

enum xenapt_status xapt_read_frontend(xapt_read_fn read, void *ctx,
				      const struct xapt_offerings *offer,
				      struct xapt_frontend *fe, struct xapt_problem *problem)
{
	enum xenapt_status status;

	/* The epoch first: the other nodes of an earlier connection mean nothing. */
	if (!number(read, ctx, XENAPT_NODE_EPOCH, false, 1, UINT32_MAX, &fe->epoch, problem))
		return problem->status;
	if (fe->epoch != offer->epoch)
		return refuse(problem, XENAPT_E_GONE, XENAPT_NODE_EPOCH, "");
	status = read_version(read, ctx, offer, fe, problem);
	if (status != XENAPT_OK)
		return status;
	fe->max_size = XENAPT_MAX_SIZE;
	if (!read_ring(read, ctx, offer->max_ring_order, fe, problem) ||
	    !number(read, ctx, XENAPT_NODE_EVENT_REF, false, 1, UINT32_MAX, &fe->event_ref,
		    problem) ||
	    !number(read, ctx, XENAPT_NODE_MASK_REF, false, 1, UINT32_MAX, &fe->mask_ref,
		    problem) ||
	    !number(read, ctx, XENAPT_NODE_EVENT_CHANNEL, false, 1, UINT32_MAX, &fe->port,
		    problem) ||
	    !feature(read, ctx, XENAPT_NODE_FEATURE_UNALIGNED, &fe->unaligned, problem) ||
	    !feature(read, ctx, XENAPT_NODE_FEATURE_READ_ONLY, &fe->read_only, problem) ||
	    !feature(read, ctx, XENAPT_NODE_FEATURE_PARENT_MEMORY, &fe->parent_memory, problem) ||
	    !bytes(read, ctx, true, &fe->max_size, problem))
		return problem->status;
	return read_record(read, ctx, fe, problem) ? XENAPT_OK : problem->status;
}

enum xenapt_status xapt_read_policy(xapt_read_fn read, void *ctx, struct xapt_policy *policy,
				    struct xapt_problem *problem)
{
	const char *type = read(ctx, XENAPT_NODE_TYPE);

	if (!xapt_parse_type(type))
		return refuse(problem, XENAPT_E_NODE, XENAPT_NODE_TYPE, type);
	put_text(policy->type, sizeof(policy->type), type);
	if (!bytes(read, ctx, false, &policy->max_size, problem) ||
	    !number(read, ctx, XENAPT_NODE_MAX_APERTURES, false, 1, XENAPT_MAX_APERTURES,
		    &policy->max_apertures, problem))
		return problem->status;
	return XENAPT_OK;
}

uint16_t xapt_choose_version(const uint16_t *a, size_t na, const uint16_t *b, size_t nb)
{
	while (na && nb) {
		if (a[na - 1] == b[nb - 1])
			return a[na - 1];
		if (a[na - 1] > b[nb - 1])
			na--;
		else
			nb--;
	}
	return 0;
}

enum xenapt_status xapt_negotiate_size(uint64_t wanted, uint64_t least, uint64_t policy,
				       uint64_t pages_left, uint64_t *granted)
{
	uint64_t size = wanted;

	if (!wanted)
		return XENAPT_E_SIZE_ZERO;
	if (wanted % XENAPT_PAGE_SIZE)
		return XENAPT_E_SIZE_ALIGN;
	if (wanted > XENAPT_MAX_SIZE)
		return XENAPT_E_SIZE_MAX;
	if (size > policy)
		size = policy;
	if (size / XENAPT_PAGE_SIZE > pages_left)
		size = pages_left * XENAPT_PAGE_SIZE;
	*granted = size;
	/* Nothing at all is of use to nobody, whatever the child says. */
	return size && size >= least ? XENAPT_OK : XENAPT_E_SIZE_LEAST;
}
