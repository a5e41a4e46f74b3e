/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - aligned tables and sizes that people read.
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include <stdint.h>
#include <stdio.h>

#define CELL_MAX	96

struct table;

/*
 * columns: one letter each, l (left) or r (right). Rows start with the headings.
 * The program ends when memory runs out.
 */
struct table *table_new(const char *columns);

/* Add the next cell, row by row from the left; longer text is cut. */
void table_cell(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Print it, and free it. */
void table_print(struct table *table, FILE *out);

/* "16 MiB", "12 KiB", "1.5 GiB", "100 B" into text. */
const char *human_size(uint64_t bytes, char text[CELL_MAX]);

#endif /* TOOL_TABLE_H */
