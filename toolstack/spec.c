/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <inttypes.h>
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

static int parse_fast(struct spec *spec, const char *value, struct why *why)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return why_set(why, "fast=%.40s is neither yes nor no: yes puts a first device into "
			       "the guest's stub domain", value);
	spec->fast = !strcmp(value, "yes");
	return 0;
}

static int set_door(struct spec *spec, enum door door, uint64_t address, struct why *why)
{
	if (spec->door)
		return why_set(why, "io and mmio are both there: a device has one door");
	spec->door = door;
	spec->address = address;
	return 0;
}

static int parse_io(struct spec *spec, const char *value, struct why *why)
{
	uint64_t address;

	if (address_parse(value, &address))
		return why_set(why, "io=%.40s is not a port: a number such as 0x600 or 1536", value);
	return set_door(spec, DOOR_IO, address, why);
}

static int parse_mmio(struct spec *spec, const char *value, struct why *why)
{
	uint64_t address = 0;

	spec->anywhere = !strcmp(value, "auto");
	if (!spec->anywhere && address_parse(value, &address))
		return why_set(why, "mmio=%.40s is not an address: auto, or a number such as 0x%x", value,
			       ADDRESS_AUTO);
	return set_door(spec, DOOR_MMIO, address, why);
}

static int parse_timeout(struct spec *spec, const char *value, struct why *why)
{
	if (!xapt_parse_u32(value, SPEC_TIMEOUT_MIN, SPEC_TIMEOUT_MAX, &spec->timeout_ms))
		return why_set(why, "timeout=%.40s is not a number of ms from %u to %u: it says how long an "
			       "instruction waits for the second device", value, SPEC_TIMEOUT_MIN,
			       SPEC_TIMEOUT_MAX);
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
	{ "fast", parse_fast },
	{ "io", parse_io },
	{ "mmio", parse_mmio },
	{ "timeout", parse_timeout },
};

enum {
	KEYS = sizeof(keys) / sizeof(keys[0]),
	KEY_TYPE = 1u << 0,
	KEY_SIZE = 1u << 1,
	KEY_APERTURES = 1u << 2,
	KEY_FAST = 1u << 6,
	KEY_TIMEOUT = 1u << 9,
};

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
			       "id, server, backend, fast, io, mmio and timeout", entry);
	if (*seen & 1u << k)
		return why_set(why, "key \"%s\" is there twice: give it once", keys[k].name);
	if (!*value)
		return why_set(why, "key \"%s\" has no value: give one, or leave the key out",
			       keys[k].name);
	*seen |= 1u << k;
	return keys[k].parse(spec, value, why);
}

/* One that has registers and no memory needs no size; the node has to say one. */
static bool has_apertures(const char *type)
{
	return strcmp(type, "timer") != 0;
}

/* Guests' drivers for it know no rings; a program of that name may. */
static bool needs_door(const char *type)
{
	return !strcmp(type, "uart");
}

static int check_complete(struct spec *spec, unsigned int seen, struct why *why)
{
	if (!(seen & KEY_TYPE))
		return why_set(why, "type is missing: say which device, such as type=mem");
	if (!spec->door && !spec->by_program && needs_door(spec->type))
		return why_set(why, "type=%s is for trapped accesses: give io=PORT, such as io=0x3f8",
			       spec->type);
	if (!(seen & KEY_SIZE) && (spec->door || !has_apertures(spec->type)))
		spec->max_size = XENAPT_PAGE_SIZE;
	else if (!(seen & KEY_SIZE))
		return why_set(why, "size is missing: say how large one aperture may be, "
			       "such as size=16M");
	return 0;
}

static int check_fast(const struct spec *spec, struct why *why)
{
	if (spec->fast && spec->by_program)
		return why_set(why, "fast=yes does not go with server=program: the second device of a "
			       "first one is apertured's; leave one of them out");
	return 0;
}

/* What rings have and a trapped device has not. */
static int check_without(const struct spec *spec, unsigned int seen, struct why *why)
{
	const char *door = door_name(spec->door);

	if (seen & (KEY_SIZE | KEY_APERTURES))
		return why_set(why, "%s does not go with %s: a trapped device has registers and no "
			       "apertures, and its range is as long as they reach; leave it out",
			       seen & KEY_SIZE ? "size" : "apertures", door);
	if (spec->by_program)
		return why_set(why, "server=program does not go with %s: the second device of a trapped one "
			       "is apertured's; leave it out", door);
	if (strcmp(spec->backend, "0"))
		return why_set(why, "backend=%s does not go with %s: a trapped device is served by domain 0, "
			       "where its stub domain's life is looked after; leave it out",
			       spec->backend, door);
	if (seen & KEY_FAST && !spec->fast)
		return why_set(why, "fast=no does not go with %s: only a stub domain sees the guest's "
			       "accesses; leave it out", door);
	return 0;
}

static int check_trapped(struct spec *spec, unsigned int seen, struct why *why)
{
	if (!spec->door && seen & KEY_TIMEOUT)
		return why_set(why, "timeout is for trapped devices: add io=PORT or mmio=ADDRESS, or leave it "
			       "out");
	if (!spec->door)
		return 0;
	if (check_without(spec, seen, why))
		return -1;
	spec->fast = true;
	spec->max_apertures = 1;
	return spec->anywhere ? 0 : address_check(spec->door, spec->address, 0, why);
}

int spec_parse(const char *text, struct spec *spec, struct why *why)
{
	char copy[SPEC_TEXT_MAX + 1];
	size_t length = strlen(text);
	unsigned int seen = 0;
	char *rest = copy;
	char *entry;

	*spec = (struct spec){ .max_apertures = SPEC_DEFAULT_APERTURES, .id = SPEC_ANY_ID,
			       .backend = "0", .timeout_ms = SPEC_TIMEOUT };
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
	return check_complete(spec, seen, why) || check_trapped(spec, seen, why) ||
	       check_fast(spec, why) ? -1 : 0;
}

uint64_t spec_address(const struct spec *spec, unsigned int id)
{
	return spec->anywhere ? ADDRESS_AUTO + (uint64_t)id * ADDRESS_AUTO_STEP : spec->address;
}

void spec_place(const struct spec *spec, char text[SPEC_PLACE_MAX])
{
	if (!spec->door)
		strcpy(text, "-");
	else if (spec->anywhere && spec->id == SPEC_ANY_ID)
		snprintf(text, SPEC_PLACE_MAX, "%s auto", door_name(spec->door));
	else
		snprintf(text, SPEC_PLACE_MAX, "%s 0x%" PRIx64, door_name(spec->door),
			 spec_address(spec, (unsigned int)spec->id));
}

static void write_trapped(const struct spec *spec, const char *id, char *text, size_t size)
{
	char timeout[24] = "", address[24] = "auto";

	if (spec->timeout_ms != SPEC_TIMEOUT)
		snprintf(timeout, sizeof(timeout), ",timeout=%u", spec->timeout_ms);
	if (!spec->anywhere)
		snprintf(address, sizeof(address), "0x%" PRIx64, spec->address);
	snprintf(text, size, "%stype=%s,%s=%s%s", id, spec->type, door_name(spec->door), address,
		 timeout);
}

void spec_write(const struct spec *spec, char *text, size_t size)
{
	char id[16] = "", backend[SPEC_NAME_MAX + 16] = "";

	if (spec->id != SPEC_ANY_ID)
		snprintf(id, sizeof(id), "id=%d,", spec->id);
	if (spec->door) {
		write_trapped(spec, id, text, size);
		return;
	}
	if (strcmp(spec->backend, "0"))
		snprintf(backend, sizeof(backend), ",backend=%s", spec->backend);
	snprintf(text, size, "%stype=%s,size=%" PRIu64 ",apertures=%u%s%s%s", id, spec->type,
		 spec->max_size, spec->max_apertures, spec->by_program ? ",server=program" : "",
		 backend, spec->fast ? ",fast=yes" : "");
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

/* How far they reach only the stub domain knows: here who begins where another one does. */
static int check_places(const struct spec *specs, unsigned int count, struct why *why)
{
	char place[SPEC_PLACE_MAX], other[SPEC_PLACE_MAX];
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		spec_place(&specs[i], place);
		for (j = 0; j < i; j++) {
			spec_place(&specs[j], other);
			if (specs[i].door && !strcmp(place, other))
				return why_set(why, "%s=0x%" PRIx64 " is asked for by two devices, %d and %d: "
					       "give each its own", door_name(specs[i].door),
					       spec_address(&specs[i], (unsigned int)specs[i].id),
					       specs[j].id, specs[i].id);
		}
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
	return check_places(specs, count, why);
}
