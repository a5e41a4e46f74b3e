/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <json-c/json.h>
#include <stddef.h>

#include "halves.h"
#include "stub.h"
#include "table.h"

/* The two devices, in one order: what only one of them counts is empty at the other. */
#define NOWHERE	SIZE_MAX
#define FIRST(name) offsetof(struct xenapt_fast_counters, name)
#define SECOND(name) offsetof(struct xenaperture_stat_operations, name)

static const struct operation_counter {
	const char *name;
	size_t first, second;
} operation_counters[] = {
	{ "executed", FIRST(hits), SECOND(executed) },
	{ "declined", FIRST(declined), SECOND(declined) },
	{ "repeated", FIRST(repeated), SECOND(repeated) },
	{ "refused", FIRST(refused), SECOND(refused) },
	{ "injected", FIRST(injected), SECOND(injected) },
	{ "coalesced", FIRST(coalesced), SECOND(coalesced) },
	{ "commits", FIRST(commits), SECOND(commits) },
	{ "handed_over", FIRST(handed_over), SECOND(handed_over) },
	{ "received", FIRST(received), SECOND(received) },
	{ "revoked", FIRST(revoked), NOWHERE },
	{ "lost", FIRST(lost), SECOND(lost) },
	{ "wakes", FIRST(wakes), NOWHERE },
	{ "spins", FIRST(spins), NOWHERE },
	{ "blocks", FIRST(blocks), NOWHERE },
	{ "restarts", FIRST(restarts), NOWHERE },
};

/* Of a trapped device only: the first one's. */
static const struct operation_counter trapped_counters[] = {
	{ "trapped", FIRST(trapped), NOWHERE },
	{ "forwarded", FIRST(forwarded), NOWHERE },
	{ "timeouts", FIRST(timeouts), NOWHERE },
	{ "faults", FIRST(faults), NOWHERE },
	{ "interrupts", FIRST(interrupts), NOWHERE },
};

enum { TRAPPED_COUNTERS = sizeof(trapped_counters) / sizeof(trapped_counters[0]) };

enum { OPERATION_COUNTERS = sizeof(operation_counters) / sizeof(operation_counters[0]) };

static uint64_t word_at(const void *block, size_t offset)
{
	return *(const uint64_t *)((const char *)block + offset);
}

static const char *owner_name(uint64_t head)
{
	static const char *const names[] = { "nobody", "first", "second", "?" };

	return names[XENAPT_HEAD_OWNER(head)];
}

/* Nothing of it ever was: the device type has no operations, or the guest does not know them. */
static bool any_operation(const struct xenaperture_stat *stat)
{
	unsigned int i;

	for (i = 0; i < OPERATION_COUNTERS; i++)
		if (word_at(&stat->first, operation_counters[i].first) ||
		    (operation_counters[i].second != NOWHERE &&
		     word_at(&stat->second, operation_counters[i].second)))
			return true;
	return stat->head;
}

/* Of the guest's stub domain: restarts that apertured made because it did not answer. */
static uint64_t watchdog_restarts(const struct store *store, const struct stub *stub)
{
	uint64_t n;

	store_number(store, &n, UINT32_MAX, STUB_LIST "/%u/watchdog-restarts", stub->domid);
	return n;
}

static void optional_cell(struct table *table, const void *block, size_t offset)
{
	if (offset == NOWHERE)
		table_cell(table, "-");
	else
		table_cell(table, "%" PRIu64, word_at(block, offset));
}

/* Whose stub domain is it? Of a trapped device the domain itself. */
static bool find_stub(const struct store *store, const struct xenaperture_stat *stat, bool trapped,
		      struct stub *stub)
{
	if (!trapped)
		return stub_find(store, stat->domid, stub);
	*stub = (struct stub){ .domid = stat->domid };
	return true;
}

static void print_rows(struct table *table, const struct xenaperture_stat *stat,
		       const struct operation_counter *rows, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		table_cell(table, " ");
		table_cell(table, "%s", rows[i].name);
		optional_cell(table, &stat->first, rows[i].first);
		optional_cell(table, &stat->second, rows[i].second);
	}
}

void halves_print(const struct store *store, const struct xenaperture_stat *stat, bool trapped)
{
	struct table *table;
	struct stub stub;

	if (!any_operation(stat))
		return;
	printf("  the state is with the %s device, generation %" PRIu64 "\n", owner_name(stat->head),
	       (uint64_t)XENAPT_HEAD_GENERATION(stat->head));
	if (find_stub(store, stat, trapped, &stub))
		printf("  stub domain %u, restarted by the watchdog: %" PRIu64 "\n", stub.domid,
		       watchdog_restarts(store, &stub));
	table = table_new("llrr");
	table_cell(table, " ");
	table_cell(table, "OPERATIONS");
	table_cell(table, "FIRST");
	table_cell(table, "SECOND");
	print_rows(table, stat, operation_counters, OPERATION_COUNTERS);
	if (trapped)
		print_rows(table, stat, trapped_counters, TRAPPED_COUNTERS);
	table_print(table, stdout);
}

static void add_number(struct json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

static void add_counter(struct json_object *object, const void *block, size_t offset,
			const char *name)
{
	if (offset != NOWHERE)
		add_number(object, name, word_at(block, offset));
}

static struct json_object *half_json(const void *block, bool first, bool trapped)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < OPERATION_COUNTERS; i++)
		add_counter(object, block, first ? operation_counters[i].first :
			    operation_counters[i].second, operation_counters[i].name);
	for (i = 0; first && trapped && i < TRAPPED_COUNTERS; i++)
		add_counter(object, block, trapped_counters[i].first, trapped_counters[i].name);
	return object;
}

struct json_object *halves_json(const struct store *store,
				const struct xenaperture_stat *stat, bool trapped)
{
	struct json_object *object = json_object_new_object();
	struct stub stub;

	json_object_object_add(object, "state_owner",
			       json_object_new_string(owner_name(stat->head)));
	add_number(object, "generation", XENAPT_HEAD_GENERATION(stat->head));
	json_object_object_add(object, "first", half_json(&stat->first, true, trapped));
	json_object_object_add(object, "second", half_json(&stat->second, false, trapped));
	if (find_stub(store, stat, trapped, &stub)) {
		add_number(object, "stub_domain", stub.domid);
		add_number(object, "watchdog_restarts", watchdog_restarts(store, &stub));
	}
	return object;
}
