/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "command.h"
#include "intercept.h"
#include "json.h"
#include "serving.h"
#include "table.h"

struct checking {
	struct store store;
	struct spec specs[SPEC_MAX_ID + 1];
	struct guest backends[SPEC_MAX_ID + 1];
	unsigned int count;
	struct guest guest;
	struct limits limits;
};

static void amount_cell(struct table *table, const struct limit *limit, uint64_t n)
{
	char size[CELL_MAX];

	if (n == NOT_KNOWN)
		table_cell(table, "?");
	else if (!strcmp(limit->unit, "bytes"))
		table_cell(table, "%s", human_size(n, size));
	else
		table_cell(table, "%" PRIu64, n);
}

static void print_limits(const struct limits *limits)
{
	static const char *const headings[] = {
		"LIMIT", "VALUE", "USED", "NEED", "KEPT", "FITS", "RAISED BY",
	};
	struct table *table = table_new("lrrrrll");
	unsigned int i;

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, "%s", headings[i]);
	for (i = 0; i < limits->count; i++) {
		const struct limit *limit = &limits->rows[i];

		table_cell(table, "%s", limit->name);
		amount_cell(table, limit, limit->value);
		amount_cell(table, limit, limit->used);
		amount_cell(table, limit, limit->need);
		amount_cell(table, limit, limit->kept);
		table_cell(table, "%s", limit_fits(limit) ? "yes" : "NO");
		table_cell(table, "%s", limit->setting);
	}
	table_print(table, stdout);
}

static struct json_object *number(uint64_t n)
{
	return n == NOT_KNOWN ? NULL : json_object_new_uint64(n);
}

static void print_json(const struct limits *limits)
{
	struct json_object *array = json_object_new_array(), *row;
	unsigned int i;

	for (i = 0; i < limits->count; i++) {
		const struct limit *limit = &limits->rows[i];

		row = json_object_new_object();
		json_object_object_add(row, "limit", json_object_new_string(limit->name));
		json_object_object_add(row, "unit", json_object_new_string(limit->unit));
		json_object_object_add(row, "value", number(limit->value));
		json_object_object_add(row, "used", number(limit->used));
		json_object_object_add(row, "need", number(limit->need));
		json_object_object_add(row, "kept", number(limit->kept));
		json_object_object_add(row, "fits", json_object_new_boolean(limit_fits(limit)));
		json_object_object_add(row, "setting", json_object_new_string(limit->setting));
		json_object_array_add(array, row);
	}
	json_print("limits", array);
}

static int find_all(struct checking *checking, const struct args *args, struct plan *plan,
		    struct why *why)
{
	unsigned int i;

	if (!args->count)
		return 0;
	if (guest_find_running(&checking->store, args->operand[0], &checking->guest, why))
		return -1;
	plan->guest = checking->guest.domid;
	for (i = 0; i < checking->count; i++)
		if (serving_find(&checking->store, &checking->specs[i], plan->guest,
				 &checking->backends[i], why))
			return -1;
	return 0;
}

static int check(struct checking *checking, const struct args *args)
{
	struct plan plan = { .guest = NO_GUEST, .count = checking->count,
			     .specs = checking->specs, .backends = checking->backends };
	struct why why;

	if (find_all(checking, args, &plan, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (admission_limits(&checking->store, &plan, &checking->limits, &why))
		return say_why(EXIT_FAILED, &why);
	if (args->options & OPTION_JSON)
		print_json(&checking->limits);
	else
		print_limits(&checking->limits);
	/* Specs come behind a guest. */
	if (limits_refuse(&checking->limits, &why) ||
	    intercept_check(&checking->store, &checking->guest, checking->specs, checking->count, &why))
		return say_why(EXIT_FAILED, &why);
	return EXIT_OK;
}

static int check_specs(struct checking *checking, const struct args *args)
{
	struct why why;
	int status;

	for (; checking->count + 1 < args->count; checking->count++)
		if (spec_parse(args->operand[checking->count + 1],
			       &checking->specs[checking->count], &why))
			return say_why(EXIT_USAGE, &why);
	status = store_open(&checking->store);
	if (status != EXIT_OK)
		return status;
	status = check(checking, args);
	store_close(&checking->store);
	return status;
}

int run_check(const struct args *args)
{
	struct checking *checking = calloc(1, sizeof(*checking));
	int status;

	if (!checking) {
		say("out of memory");
		return EXIT_FAILED;
	}
	status = check_specs(checking, args);
	free(checking);
	return status;
}
