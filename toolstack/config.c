/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libxlutil.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "trapped.h"

#define KEY "aperture"

struct text {
	char *bytes;
	size_t length;
};

static int check_file(int fd, const char *path, struct why *why)
{
	struct stat file;

	if (fstat(fd, &file))
		return why_set(why, "%s: %s", path, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return why_set(why, "%s is not a regular file: it is read here, and then again "
			       "by xl", path);
	if (file.st_size > CONFIG_FILE_MAX)
		return why_set(why, "%s has %lld bytes, the limit is %u: is it a guest's "
			       "configuration?", path, (long long)file.st_size, CONFIG_FILE_MAX);
	return 0;
}

static int append(struct text *text, const char *bytes, size_t length)
{
	char *more = realloc(text->bytes, text->length + length + 1);

	if (!more)
		return -1;
	memcpy(more + text->length, bytes, length);
	text->bytes = more;
	text->length += length;
	more[text->length] = '\0';
	return 0;
}

static int read_all(int fd, const char *path, struct text *text, struct why *why)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		if (text->length + (size_t)n > CONFIG_FILE_MAX || append(text, block, (size_t)n))
			return why_set(why, "%s does not fit memory, or grew while it was read",
				       path);
	if (n < 0)
		return why_set(why, "cannot read %s: %s", path, strerror(errno));
	if (memchr(text->bytes ? text->bytes : "", '\0', text->length))
		return why_set(why, "%s holds a zero byte: is it a guest's configuration?", path);
	return 0;
}

static int read_file(const char *path, struct text *text, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int status;

	if (fd < 0)
		return why_set(why, "cannot open %s: %s", path, strerror(errno));
	status = check_file(fd, path, why);
	if (!status)
		status = read_all(fd, path, text, why);
	close(fd);
	return status;
}

static int append_extra(char *const *extra, struct text *text, struct why *why)
{
	for (; *extra; extra++) {
		if ((*extra)[0] == '-')
			continue;
		if (append(text, "\n", 1) || append(text, *extra, strlen(*extra)))
			return why_set(why, "out of memory");
	}
	if (append(text, "\n", 1))
		return why_set(why, "out of memory");
	return 0;
}

static int read_name(const XLU_Config *xlu, const char *path, struct config *config,
		     struct why *why)
{
	const char *name;

	if (xlu_cfg_get_string(xlu, "name", &name, 1) || !*name)
		return why_set(why, "%s: the guest has no name: add name = \"...\"", path);
	if (strlen(name) > SPEC_NAME_MAX)
		return why_set(why, "%s: the name has %zu characters, the limit is %u", path,
			       strlen(name), SPEC_NAME_MAX);
	strcpy(config->name, name);
	return 0;
}

/* xl checks it; here it only names what is remembered of an earlier guest. */
static void read_uuid(const XLU_Config *xlu, struct config *config)
{
	const char *text;
	size_t i;

	if (xlu_cfg_get_string(xlu, "uuid", &text, 1) || strlen(text) != 36)
		return;
	for (i = 0; text[i]; i++)
		config->uuid[i] = (char)tolower((unsigned char)text[i]);
}

static uint64_t read_number(const XLU_Config *xlu, const char *key)
{
	long number;

	return !xlu_cfg_get_long(xlu, key, &number, 1) && number > 0 ? (uint64_t)number : 0;
}

static void read_limits(const XLU_Config *xlu, struct config *config)
{
	const char *type;

	config->max_grant_frames = read_number(xlu, "max_grant_frames");
	config->max_event_channels = read_number(xlu, "max_event_channels");
	config->max_maptrack_frames = read_number(xlu, "max_maptrack_frames");
	config->memory = read_number(xlu, "memory");
	config->vcpus = read_number(xlu, "maxvcpus");
	if (!config->vcpus)
		config->vcpus = read_number(xlu, "vcpus");
	config->pvh = !xlu_cfg_get_string(xlu, "type", &type, 1) && !strcmp(type, "pvh");
}

/* Xen would say the same when the guest is there. */
static int check_trapped(const char *path, const struct config *config, struct why *why)
{
	unsigned int i;

	for (i = 0; i < config->count && !config->specs[i].door; i++)
		;
	if (i == config->count)
		return 0;
	if (!config->pvh)
		return why_set(why, "%s: " KEY "[%u]: io and mmio are for PVH guests (type = \"pvh\"): Xen traps "
			       "no instructions of others for a device; leave them out to use rings", path, i);
	if (config->vcpus > TRAPPED_VCPUS)
		return why_set(why, "%s: %" PRIu64 " vCPUs are above the limit with a trapped device, %u: lower "
			       "vcpus or maxvcpus", path, config->vcpus, TRAPPED_VCPUS);
	return 0;
}

static int read_spec(const XLU_ConfigList *list, int i, const char *path, struct config *config,
		     struct why *why)
{
	const char *text = xlu_cfg_get_listitem(list, i);
	struct why what;

	if (!text)
		return why_set(why, "%s: " KEY "[%d] is not a string: write \"type=mem,size=16M\"",
			       path, i);
	if (spec_parse(text, &config->specs[i], &what))
		return why_set(why, "%s: " KEY "[%d]: %s", path, i, what.text);
	return 0;
}

static int read_list(const XLU_Config *xlu, const char *path, struct config *config,
		     struct why *why)
{
	XLU_ConfigList *list;
	struct why what;
	int count, i, error;

	error = xlu_cfg_get_list(xlu, KEY, &list, &count, 1);
	if (error == ESRCH)
		return why_set(why, "%s has no key " KEY ": add " KEY " = [ "
			       "\"type=mem,size=16M\" ], or create the guest with xl", path);
	if (error)
		return why_set(why, "%s: " KEY " is not a list: write " KEY " = [ "
			       "\"type=mem,size=16M\" ]", path);
	if (count > SPEC_MAX_ID + 1)
		return why_set(why, "%s: " KEY " lists %d devices, a guest can have %d", path,
			       count, SPEC_MAX_ID + 1);
	for (i = 0; i < count; i++)
		if (read_spec(list, i, path, config, why))
			return -1;
	config->count = (unsigned int)count;
	if (spec_number(config->specs, config->count, &what))
		return why_set(why, "%s: " KEY ": %s", path, what.text);
	return 0;
}

static int parse_text(const char *path, const struct text *text, struct config *config,
		      struct why *why)
{
	XLU_Config *xlu = xlu_cfg_init(stderr, path);
	int status;

	if (!xlu)
		return why_set(why, "out of memory");
	if (xlu_cfg_readdata(xlu, text->bytes, (int)text->length))
		status = why_set(why, "%s is not a configuration that xl understands "
				 "(above: where)", path);
	else
		status = read_name(xlu, path, config, why) || read_list(xlu, path, config, why) ?
			 -1 : 0;
	if (!status) {
		read_uuid(xlu, config);
		read_limits(xlu, config);
		status = check_trapped(path, config, why);
	}
	xlu_cfg_destroy(xlu);
	return status;
}

int config_read(const char *path, char *const *extra, struct config *config, struct why *why)
{
	struct text text = { 0 };
	int status;

	*config = (struct config){ 0 };
	status = read_file(path, &text, why);
	if (!status)
		status = append_extra(extra, &text, why);
	if (!status)
		status = parse_text(path, &text, config, why);
	free(text.bytes);
	return status;
}
