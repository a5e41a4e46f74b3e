/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h - the one form that all JSON of the tool has: an object with one
 * named array, { "devices": [ ... ] }.
 */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

struct json_object;

/* Print { name: array } and free array. The program ends when memory runs out. */
void json_print(const char *name, struct json_object *array);

#endif /* TOOL_JSON_H */
