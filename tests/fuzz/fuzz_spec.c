/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any text as the specification of a device: either a reason, or a device that
 * holds what the contract promises and parses again to the same.
 *
 * With -fsanitize=fuzzer it is libFuzzer's. Otherwise, built with -DFUZZ_MAIN, a
 * program of its own: fuzz_spec [RUNS [SEED]].
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../toolstack/spec.h"
#include "parse.h"

#define MUST(condition)								\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "fuzz_spec: \"%s\": not true: %s\n",	\
				text, #condition);				\
			abort();						\
		}								\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long accepted;

static void check_reason(const char *text, const struct why *why)
{
	const char *c;

	MUST(memchr(why->text, '\0', sizeof(why->text)));
	MUST(strlen(why->text) > 10);
	for (c = why->text; *c; c++)
		MUST(*c >= ' ' && *c <= '~');
}

static void check_spec(const char *text, const struct spec *spec)
{
	char again[SPEC_TEXT_MAX + 1];
	struct spec other;
	struct why why;

	MUST(xapt_parse_type(spec->type));
	MUST(spec->max_size && spec->max_size <= XENAPT_MAX_SIZE);
	MUST(spec->max_size % XENAPT_PAGE_SIZE == 0);
	MUST(spec->max_apertures >= 1 && spec->max_apertures <= XENAPT_MAX_APERTURES);
	MUST(spec->id >= SPEC_ANY_ID && spec->id <= SPEC_MAX_ID);
	MUST(*spec->backend && strlen(spec->backend) <= SPEC_NAME_MAX);
	spec_write(spec, again, sizeof(again));
	MUST(spec_parse(again, &other, &why) == 0);
	MUST(other.id == spec->id && other.fast == spec->fast && other.by_program == spec->by_program);
	MUST(!strcmp(other.type, spec->type) && !strcmp(other.backend, spec->backend));
	MUST(other.max_size == spec->max_size && other.max_apertures == spec->max_apertures);
	MUST(other.door == spec->door && other.anywhere == spec->anywhere);
	MUST(other.address == spec->address && other.timeout_ms == spec->timeout_ms);
	if (spec->door && !spec->anywhere)
		MUST(!address_check(spec->door, spec->address, 0, &why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct spec spec;
	struct why why;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&why, 0x5a, sizeof(why));
	if (spec_parse(text, &spec, &why)) {
		check_reason(text, &why);
	} else {
		check_spec(text, &spec);
		accepted++;
	}
	free(text);
	return 0;
}

#ifdef FUZZ_MAIN
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Pieces that get past the first check, with octets of any kind between them. */
static size_t make_text(uint64_t *state, char *text, size_t room)
{
	static const char *const pieces[] = {
		"type=", "mem", "size=", "16M", "4096", "0", "1", ",", ",", "=", " ", "apertures=",
		"id=", "63", "64", "server=", "program", "apertured", "backend=", "K", "G",
		"18446744073709551615", "4261478400", "type=mem,size=4K", "type=mem,size=",
		"io=", "mmio=", "auto", "timeout=", "fast=", "yes", "no", "0x", "600", "type=timer,io=0x",
		"type=timer,mmio=0x", "fe000", "5000",
	};
	unsigned int n = (unsigned int)(next(state) % 12);
	size_t length = 0, more;
	const char *piece;

	while (n--) {
		piece = pieces[next(state) % (sizeof(pieces) / sizeof(pieces[0]))];
		more = strlen(piece);
		if (length + more + 1 > room)
			break;
		memcpy(text + length, piece, more);
		length += more;
		if (next(state) % 8 == 0)
			text[length++] = (char)next(state);
	}
	return length;
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, i;
	uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	char text[SPEC_TEXT_MAX * 2];

	for (i = 0; i < runs; i++)
		LLVMFuzzerTestOneInput((const uint8_t *)text, make_text(&state, text, sizeof(text)));
	printf("%sok - fuzz_spec: %lu texts, %lu of them specifications\n",
	       accepted ? "" : "not ", i, accepted);
	return !accepted;
}
#endif
