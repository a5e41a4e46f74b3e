/* SPDX-License-Identifier: GPL-2.0-only */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "say.h"

void json_print(const char *name, struct json_object *array)
{
	struct json_object *whole = json_object_new_object();
	const char *text;

	json_object_object_add(whole, name, array);
	text = json_object_to_json_string_ext(whole, JSON_C_TO_STRING_PRETTY |
						     JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text) {
		say("out of memory for JSON");
		exit(EXIT_FAILED);
	}
	puts(text);
	json_object_put(whole);
}
