// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/apertureif.h>

#include "parse.h"

struct place {
	const char *name;
	unsigned int line;
	char *error;
	size_t room;
};

void config_defaults(struct config *c)
{
	*c = (struct config){
		.device_dir = XENAPERTURE_DEVICES,
		.max_pages_per_guest = 32768,
		.max_size = XENAPT_MAX_SIZE,
		.max_given = 16 << 20,
		.max_given_total = 128 << 20,
		.user = "nobody",
		.log = XENAPERTURE_INFO,
		.stub_watchdog = 5000,
		.files = "/var/log/xen-aperture",
	};
}

int config_level(const char *text, enum xenaperture_level *level)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(text, names[i])) {
			*level = (enum xenaperture_level)i;
			return 0;
		}
	}
	return -1;
}

int config_load(const char *name, char *text, char *error, size_t room)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CONFIG_TEXT);

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		snprintf(error, room, "%s: %s", name, strerror(errno));
		return -1;
	}
	if (n == CONFIG_TEXT) {
		snprintf(error, room, "%s: longer than %d octets", name, CONFIG_TEXT - 1);
		return -1;
	}
	text[n] = '\0';
	if (strlen(text) == (size_t)n)
		return 0;
	snprintf(error, room, "%s: octet 0 in it", name);
	return -1;
}

static int bad(const struct place *p, const char *key, const char *value, const char *must)
{
	snprintf(p->error, p->room, "%s:%u: %s is \"%.60s\", must be %s", p->name, p->line, key,
		 value, must);
	return -1;
}

static int copy(const struct place *p, const char *key, char *to, size_t room, const char *value)
{
	if (!*value || strlen(value) >= room)
		return bad(p, key, value, "a text, not empty and not longer");
	memcpy(to, value, strlen(value) + 1);
	return 0;
}

/* Bytes: digits, and K, M or G behind them; whole pages, at least so many bytes. */
static bool parse_size(const char *value, uint64_t least, uint64_t *size)
{
	size_t n = strlen(value);
	unsigned int shift = 0;
	char digits[24];
	uint64_t number;

	if (!n || n >= sizeof(digits))
		return false;
	memcpy(digits, value, n + 1);
	switch (digits[n - 1]) {
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	}
	if (shift)
		digits[n - 1] = '\0';
	if (!xapt_parse_u64(digits, 0, XENAPT_MAX_SIZE >> shift, &number))
		return false;
	*size = number << shift;
	return *size >= least && *size % XENAPT_PAGE_SIZE == 0;
}

static int set_setting(struct config *c, const struct place *p, const char *key, const char *value)
{
	const char *dot = strchr(key, '.');
	struct config_setting *s = &c->setting[c->nr_settings];
	char type[XENAPT_TYPE_MAX + 1];

	if (dot && (size_t)(dot - key) < sizeof(type)) {
		memcpy(type, key, (size_t)(dot - key));
		type[dot - key] = '\0';
	}
	if (!dot || (size_t)(dot - key) >= sizeof(type) || !xapt_parse_type(type)) {
		snprintf(p->error, p->room, "%s:%u: unknown key \"%.60s\"", p->name, p->line, key);
		return -1;
	}
	if (c->nr_settings == CONFIG_SETTINGS) {
		snprintf(p->error, p->room, "%s:%u: more than %d device settings", p->name,
			 p->line, CONFIG_SETTINGS);
		return -1;
	}
	if (copy(p, "key", s->name, sizeof(s->name), key) ||
	    copy(p, key, s->value, sizeof(s->value), value))
		return -1;
	c->nr_settings++;
	return 0;
}

static int set(struct config *c, const struct place *p, const char *key, const char *value)
{
	if (!strcmp(key, "device_dir") || !strcmp(key, "files")) {
		char *to = *key == 'd' ? c->device_dir : c->files;

		if (*value != '/')
			return bad(p, key, value, "an absolute path");
		return copy(p, key, to, sizeof(c->files), value);
	}
	if (!strcmp(key, "max_pages_per_guest")) {
		if (!xapt_parse_u64(value, 1, XENAPT_MAX_PAGES, &c->max_pages_per_guest))
			return bad(p, key, value, "a number of pages, 1 to 1040400");
		return 0;
	}
	if (!strcmp(key, "max_mapped_total")) {
		if (!strcmp(value, "auto"))
			c->max_mapped_total = 0;
		else if (!xapt_parse_u64(value, 1, 1u << 28, &c->max_mapped_total))
			return bad(p, key, value, "auto, or a number of pages, 1 to 268435456");
		return 0;
	}
	if (!strcmp(key, "max_size")) {
		if (!parse_size(value, XENAPT_PAGE_SIZE, &c->max_size))
			return bad(p, key, value,
				   "bytes, a multiple of 4096 up to 4261478400; K, M, G may follow");
		return 0;
	}
	if (!strcmp(key, "max_given") || !strcmp(key, "max_given_total")) {
		if (!parse_size(value, 0, key[9] ? &c->max_given_total : &c->max_given))
			return bad(p, key, value,
				   "bytes, 0 or a multiple of 4096 up to 4261478400; K, M, G may follow");
		return 0;
	}
	if (!strcmp(key, "user"))
		return copy(p, key, c->user, sizeof(c->user), value);
	if (!strcmp(key, "log")) {
		if (config_level(value, &c->log))
			return bad(p, key, value, "error, warning, info or debug");
		return 0;
	}
	if (!strcmp(key, "stub_watchdog")) {
		if (!xapt_parse_u32(value, 0, 600000, &c->stub_watchdog) ||
		    (c->stub_watchdog && c->stub_watchdog < 300))
			return bad(p, key, value, "ms, 300 to 600000, or 0: off");
		return 0;
	}
	return set_setting(c, p, key, value);
}

/* Without the blanks at both ends, in place. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int parse_line(struct config *c, const struct place *p, char *line)
{
	char *text = trim(line);
	char *equal = strchr(text, '=');

	if (!*text || *text == '#')
		return 0;
	if (!equal) {
		snprintf(p->error, p->room, "%s:%u: \"%.60s\" is not \"key = value\"", p->name,
			 p->line, text);
		return -1;
	}
	*equal = '\0';
	return set(c, p, trim(text), trim(equal + 1));
}

int config_parse(struct config *c, const char *name, const char *text, char *error, size_t room)
{
	struct place p = { .name = name, .error = error, .room = room };
	char line[512];

	while (*text) {
		size_t n = strcspn(text, "\n");

		p.line++;
		if (n >= sizeof(line)) {
			snprintf(error, room, "%s:%u: longer than %zu octets", name, p.line,
				 sizeof(line) - 1);
			return -1;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		if (parse_line(c, &p, line))
			return -1;
		text += n + (text[n] == '\n');
	}
	return 0;
}
