/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "spec.h"

#define SIZE_HELP "ask for a multiple of 4096 bytes, such as 4K, 16M or 1G"

static unsigned int suffix_shift(char suffix)
{
	switch (toupper((unsigned char)suffix)) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	}
	return 0;
}

/* Digits and at most one suffix. What does not fit 64 bits becomes UINT64_MAX. */
static int scan_size(const char *text, uint64_t *size)
{
	size_t digits = strspn(text, "0123456789");
	unsigned int shift = 0;
	uint64_t n = 0;
	size_t i;

	if (!digits || (text[0] == '0' && digits > 1))
		return -1;
	if (text[digits]) {
		shift = suffix_shift(text[digits]);
		if (!shift || text[digits + 1])
			return -1;
	}
	*size = UINT64_MAX;
	for (i = 0; i < digits; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
			return 0;
	if (!__builtin_mul_overflow(n, (uint64_t)1 << shift, &n))
		*size = n;
	return 0;
}

int spec_parse_size(const char *key, const char *text, uint64_t *size, struct why *why)
{
	uint64_t n;

	if (scan_size(text, &n))
		return why_set(why, "%s=%.40s is not a size: " SIZE_HELP, key, text);
	if (n == 0)
		return why_set(why, "%s=%.40s is nothing: the least is one page, 4096 bytes; "
			       SIZE_HELP, key, text);
	if (n > XENAPT_MAX_SIZE)
		return why_set(why, "%s=%.40s is above the limit of one aperture, %llu bytes: "
			       "ask for %lluM or less", key, text,
			       (unsigned long long)XENAPT_MAX_SIZE,
			       (unsigned long long)XENAPT_MAX_SIZE >> 20);
	if (n % XENAPT_PAGE_SIZE)
		return why_set(why, "%s=%.40s is not a multiple of the page size, 4096 bytes "
			       "(%llu bytes are left over): ask for %llu", key, text,
			       (unsigned long long)(n % XENAPT_PAGE_SIZE),
			       (unsigned long long)(n / XENAPT_PAGE_SIZE + 1) * XENAPT_PAGE_SIZE);
	*size = n;
	return 0;
}

static int parse_type(struct spec *spec, const char *value, struct why *why)
{
	if (!xapt_parse_type(value))
		return why_set(why, "type=%.40s is not a device type: 1 to %u characters "
			       "a-z, 0-9 and -, the first a letter, such as mem",
			       value, XENAPT_TYPE_MAX);
	strcpy(spec->type, value);
	return 0;
}

static int parse_size_key(struct spec *spec, const char *value, struct why *why)
{
	return spec_parse_size("size", value, &spec->max_size, why);
}

static int parse_apertures(struct spec *spec, const char *value, struct why *why)
{
	uint64_t n;

	if (!xapt_parse_u64(value, 1, XENAPT_MAX_APERTURES, &n))
		return why_set(why, "apertures=%.40s is not a number from 1 to %u: "
			       "it says how many apertures may be open at once",
			       value, XENAPT_MAX_APERTURES);
	spec->max_apertures = (unsigned int)n;
	return 0;
}

static int parse_id(struct spec *spec, const char *value, struct why *why)
{
	uint64_t n;

	if (!xapt_parse_u64(value, 0, SPEC_MAX_ID, &n))
		return why_set(why, "id=%.40s is not a number from 0 to %d: "
			       "leave it out to get the next free one", value, SPEC_MAX_ID);
	spec->id = (int)n;
	return 0;
}

static int parse_server(struct spec *spec, const char *value, struct why *why)
{
	if (strcmp(value, "apertured") && strcmp(value, "program"))
		return why_set(why, "server=%.40s is unknown: it is apertured (the daemon) "
			       "or program (a program of yours)", value);
	spec->by_program = !strcmp(value, "program");
	return 0;
}

static int parse_backend(struct spec *spec, const char *value, struct why *why)
{
	size_t length = strlen(value);

	if (length > SPEC_NAME_MAX)
		return why_set(why, "backend=%.40s... is %zu characters long: a domain's name "
			       "has at most %u here; use its number", value, length, SPEC_NAME_MAX);
	memcpy(spec->backend, value, length + 1);
	return 0;
}

static const struct key {
	const char *name;
	int (*parse)(struct spec *spec, const char *value, struct why *why);
} keys[] = {
	{ "type", parse_type },
	{ "size", parse_size_key },
	{ "apertures", parse_apertures },
	{ "id", parse_id },
	{ "server", parse_server },
	{ "backend", parse_backend },
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]), KEY_TYPE = 0, KEY_SIZE = 1 };

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	for (end = text + strlen(text); end > text && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	return text;
}

static int find_key(const char *name)
{
	int k;

	for (k = 0; k < KEYS; k++)
		if (!strcmp(name, keys[k].name))
			return k;
	return -1;
}

/* One "key=value"; seen has a bit for each key that was there already. */
static int parse_entry(struct spec *spec, char *entry, unsigned int *seen, struct why *why)
{
	char *value = strchr(entry, '=');
	int k;

	entry = trim(entry);
	if (!*entry)
		return why_set(why, "there is nothing between two commas, or at an end: "
			       "write key=value,key=value, such as type=mem,size=16M");
	if (!value)
		return why_set(why, "\"%.40s\" has no value: write key=value, such as size=16M",
			       entry);
	*value++ = '\0';
	entry = trim(entry);
	value = trim(value);
	k = find_key(entry);
	if (k < 0)
		return why_set(why, "key \"%.40s\" is unknown: the keys are type, size, apertures, "
			       "id, server and backend", entry);
	if (*seen & 1u << k)
		return why_set(why, "key \"%s\" is there twice: give it once", keys[k].name);
	if (!*value)
		return why_set(why, "key \"%s\" has no value: give one, or leave the key out",
			       keys[k].name);
	*seen |= 1u << k;
	return keys[k].parse(spec, value, why);
}

static int check_complete(unsigned int seen, struct why *why)
{
	if (!(seen & 1u << KEY_TYPE))
		return why_set(why, "type is missing: say which device, such as type=mem");
	if (!(seen & 1u << KEY_SIZE))
		return why_set(why, "size is missing: say how large one aperture may be, "
			       "such as size=16M");
	return 0;
}

int spec_parse(const char *text, struct spec *spec, struct why *why)
{
	char copy[SPEC_TEXT_MAX + 1];
	size_t length = strlen(text);
	unsigned int seen = 0;
	char *rest = copy;
	char *entry;

	*spec = (struct spec){ .max_apertures = SPEC_DEFAULT_APERTURES, .id = SPEC_ANY_ID,
			       .backend = "0" };
	if (length > SPEC_TEXT_MAX)
		return why_set(why, "the specification is %zu characters long, the limit is %u: "
			       "write only key=value pairs, such as type=mem,size=16M",
			       length, SPEC_TEXT_MAX);
	memcpy(copy, text, length + 1);
	if (!*trim(copy))
		return why_set(why, "the specification is empty: write at least a type and a size, "
			       "such as type=mem,size=16M");
	memcpy(copy, text, length + 1);
	while ((entry = strsep(&rest, ",")))
		if (parse_entry(spec, entry, &seen, why))
			return -1;
	return check_complete(seen, why);
}

static int take_named(const struct spec *specs, unsigned int count, uint64_t *taken,
		      struct why *why)
{
	unsigned int i;

	*taken = 0;
	for (i = 0; i < count; i++) {
		if (specs[i].id == SPEC_ANY_ID)
			continue;
		if (*taken & (uint64_t)1 << specs[i].id)
			return why_set(why, "id=%d is given to two devices: give each its own, "
				       "or leave it out", specs[i].id);
		*taken |= (uint64_t)1 << specs[i].id;
	}
	return 0;
}

int spec_number(struct spec *specs, unsigned int count, struct why *why)
{
	uint64_t taken;
	unsigned int i;
	int id;

	if (count > SPEC_MAX_ID + 1)
		return why_set(why, "%u devices are more than a guest can have, %d: take some out",
			       count, SPEC_MAX_ID + 1);
	if (take_named(specs, count, &taken, why))
		return -1;
	for (i = 0; i < count; i++) {
		if (specs[i].id != SPEC_ANY_ID)
			continue;
		for (id = 0; taken & (uint64_t)1 << id; id++)
			;
		specs[i].id = id;
		taken |= (uint64_t)1 << id;
	}
	return 0;
}
