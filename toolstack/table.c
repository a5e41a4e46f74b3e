/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "table.h"

struct table {
	const char *columns;
	unsigned int width;		/* columns in a row */
	unsigned int count;		/* cells */
	char (*cells)[CELL_MAX];
};

static void *must(void *memory)
{
	if (!memory) {
		say("out of memory for a table");
		exit(EXIT_FAILED);
	}
	return memory;
}

struct table *table_new(const char *columns)
{
	struct table *table = must(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->width = (unsigned int)strlen(columns);
	return table;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;

	table->cells = must(realloc(table->cells, (table->count + 1) * sizeof(*table->cells)));
	va_start(args, format);
	vsnprintf(table->cells[table->count], CELL_MAX, format, args);
	va_end(args);
	make_printable(table->cells[table->count++]);
}

static int column_width(const struct table *table, unsigned int column)
{
	size_t most = 0, length;
	unsigned int i;

	for (i = column; i < table->count; i += table->width) {
		length = strlen(table->cells[i]);
		if (length > most)
			most = length;
	}
	return (int)most;
}

static void print_cell(const struct table *table, unsigned int i, FILE *out)
{
	unsigned int column = i % table->width;
	bool last = column + 1 == table->width;
	int width = column_width(table, column);

	if (table->columns[column] == 'r')
		fprintf(out, "%*s", width, table->cells[i]);
	else
		fprintf(out, "%-*s", last ? 0 : width, table->cells[i]);
	fputs(last ? "\n" : "  ", out);
}

void table_print(struct table *table, FILE *out)
{
	unsigned int i;

	for (i = 0; i < table->count; i++)
		print_cell(table, i, out);
	free(table->cells);
	free(table);
}

const char *human_size(uint64_t bytes, char text[CELL_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	unsigned int u = 0;

	while (n >= 1024 && u < 4) {
		n /= 1024;
		u++;
	}
	/* One decimal only where it says something. */
	snprintf(text, CELL_MAX, (double)(uint64_t)n == n ? "%.0f %s" : "%.1f %s", n, units[u]);
	return text;
}
