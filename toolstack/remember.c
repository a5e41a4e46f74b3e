/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parse.h"
#include "remember.h"
#include "wait.h"

#define FILE_MAX	(128u << 10)	/* bytes */
#define LINE_MAX_	(SPEC_TEXT_MAX + STORE_PATH_MAX * 2 + 128)
#define PATH_ROOM	512

static const char *folder = REMEMBER_FOLDER;

void remember_in(const char *other)
{
	folder = other ? other : REMEMBER_FOLDER;
}

static void path_of(const char *uuid, const char *suffix, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s%s", folder, uuid, suffix);
}

/* ---- a line ---- */

static int parse_option(char *word, struct remembered_device *device)
{
	struct fast_options *fast = &device->fast;

	if (!strncmp(word, "--spin=", 7))
		return xapt_parse_u32(word + 7, 0, FAST_SPIN_MAX, &fast->spin_us) ? 0 : -1;
	if (!strncmp(word, "--revoke=", 9))
		return xapt_parse_u32(word + 9, 1, FAST_REVOKE_MAX, &fast->revoke_ms) ? 0 : -1;
	if (strcmp(word, "--route=all"))
		return -1;
	fast->route_all = true;
	return 0;
}

static int parse_options(char *text, struct remembered_device *device)
{
	char *word, *stub = strstr(text, "--stub=");

	if (stub) {
		if (snprintf(device->stub, sizeof(device->stub), "%s", stub + 7) >=
		    (int)sizeof(device->stub))
			return -1;
		*stub = '\0';
	}
	while ((word = strsep(&text, " ")))
		if (*word && parse_option(word, device))
			return -1;
	return 0;
}

static int parse_line(char *line, struct remembered_device *device, struct why *why)
{
	char *options = strchr(line, ' ');

	*device = (struct remembered_device){ 0 };
	if (options)
		*options++ = '\0';
	if (spec_parse(line, &device->spec, why))
		return -1;
	if (device->spec.id == SPEC_ANY_ID)
		return why_set(why, "the device has no id");
	if (options && parse_options(options, device))
		return why_set(why, "what follows the spec is none of --spin, --route, --revoke, --stub");
	return 0;
}

static void write_line(FILE *file, const struct remembered_device *device)
{
	char spec[SPEC_TEXT_MAX + 1];

	spec_write(&device->spec, spec, sizeof(spec));
	fputs(spec, file);
	if (device->fast.spin_us)
		fprintf(file, " --spin=%u", device->fast.spin_us);
	if (device->fast.route_all)
		fputs(" --route=all", file);
	if (device->fast.revoke_ms)
		fprintf(file, " --revoke=%u", device->fast.revoke_ms);
	if (device->stub[0])
		fprintf(file, " --stub=%s", device->stub);
	fputc('\n', file);
}

/* ---- in memory ---- */

static struct remembered_device *find(struct remembered *remembered, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < remembered->count; i++)
		if (remembered->devices[i].spec.id == (int)id)
			return &remembered->devices[i];
	return NULL;
}

static int by_id(const void *left, const void *right)
{
	const struct remembered_device *a = left, *b = right;

	return a->spec.id - b->spec.id;
}

/* They may have been moved. */
static void set_stubs(struct remembered *remembered)
{
	unsigned int i;

	for (i = 0; i < remembered->count; i++) {
		struct remembered_device *device = &remembered->devices[i];

		device->fast.stub = device->stub[0] ? device->stub : NULL;
	}
}

static void sort(struct remembered *remembered)
{
	qsort(remembered->devices, remembered->count, sizeof(remembered->devices[0]), by_id);
	set_stubs(remembered);
}

/* The folder that a name begins at is another one next time. */
static void set_options(struct remembered_device *device, const struct fast_options *fast)
{
	char *whole = fast->stub ? realpath(fast->stub, NULL) : NULL;

	device->fast = *fast;
	device->stub[0] = '\0';
	if (fast->stub)
		snprintf(device->stub, sizeof(device->stub), "%s", whole ? whole : fast->stub);
	free(whole);
}

void remember_put(struct remembered *remembered, const struct spec *spec,
		  const struct fast_options *fast)
{
	static const struct fast_options none;
	struct remembered_device *device = find(remembered, (unsigned int)spec->id);

	if (!device)
		device = &remembered->devices[remembered->count++];
	device->spec = *spec;
	set_options(device, spec->fast && fast ? fast : &none);
	sort(remembered);
}

/* ---- the file ---- */

static int read_lines(FILE *file, const char *path, struct remembered *remembered, struct why *why)
{
	char line[LINE_MAX_];
	unsigned int number = 0;
	struct why what;

	while (fgets(line, sizeof(line), file)) {
		char *end = strchr(line, '\n');

		number++;
		if (!end || remembered->count > SPEC_MAX_ID)
			return why_set(why, "%s, line %u: too %s", path, number,
				       end ? "many devices" : "long, or cut");
		*end = '\0';
		if (parse_line(line, &remembered->devices[remembered->count], &what))
			return why_set(why, "%s, line %u: %s", path, number, what.text);
		if (find(remembered, (unsigned int)remembered->devices[remembered->count].spec.id))
			return why_set(why, "%s, line %u: a device with this id stands above", path,
				       number);
		remembered->count++;
	}
	return ferror(file) ? why_set(why, "cannot read %s", path) : 0;
}

static int check_file(int fd, const char *path, struct why *why)
{
	struct stat file;

	if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_size > FILE_MAX)
		return why_set(why, "%s is not a file of remembered devices: remove it", path);
	if (file.st_uid != geteuid() || file.st_mode & 022)
		return why_set(why, "%s can be written by others: what stands there is not done; "
			       "remove it", path);
	return 0;
}

int remember_read(const char *uuid, struct remembered *remembered, struct why *why)
{
	char path[PATH_ROOM];
	FILE *file;
	int fd, status;

	remembered->count = 0;
	path_of(uuid, "", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		why_set(why, "cannot open %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	status = check_file(fd, path, why) || read_lines(file, path, remembered, why) ? -1 : 0;
	fclose(file);
	if (status)
		remembered->count = 0;
	sort(remembered);
	return status;
}

/* The folder above is made when it is missing, too. */
static int make_folder(struct why *why)
{
	char above[PATH_ROOM];
	char *slash;

	snprintf(above, sizeof(above), "%s", folder);
	slash = strrchr(above, '/');
	if (slash && slash != above) {
		*slash = '\0';
		mkdir(above, 0755);
	}
	if (mkdir(folder, 0700) && errno != EEXIST)
		return why_set(why, "cannot make %s: %s", folder, strerror(errno));
	return 0;
}

static bool write_whole(FILE *file, const struct remembered *remembered)
{
	unsigned int i;

	for (i = 0; i < remembered->count; i++)
		write_line(file, &remembered->devices[i]);
	return !fflush(file) && !ferror(file) && !fsync(fileno(file));
}

static int replace(const char *path, const char *fresh, const struct remembered *remembered,
		   struct why *why)
{
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool good = file && write_whole(file, remembered);

	if (file)
		good = !fclose(file) && good;
	else if (fd >= 0)
		close(fd);
	if (good && !rename(fresh, path))
		return 0;
	why_set(why, "cannot write %s: %s", path, strerror(errno));
	unlink(fresh);
	return -1;
}

int remember_write(const char *uuid, const struct remembered *remembered, struct why *why)
{
	char path[PATH_ROOM], fresh[PATH_ROOM];

	path_of(uuid, "", path);
	path_of(uuid, ".new", fresh);
	if (!remembered->count) {
		if (!unlink(path) || errno == ENOENT || errno == ENOTDIR)
			return 0;
		return why_set(why, "cannot remove %s: %s", path, strerror(errno));
	}
	if (make_folder(why))
		return -1;
	return replace(path, fresh, remembered, why);
}

/* ---- changes ---- */

int remember_lock(const char *uuid)
{
	struct stat held, named;
	char path[PATH_ROOM];
	int fd;

	path_of(uuid, "", path);
	/* Whoever had the lock may have put another file in its place. */
	while ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) >= 0) {
		if (!flock(fd, LOCK_EX) && !fstat(fd, &held) && !stat(path, &named) &&
		    held.st_ino == named.st_ino)
			break;
		close(fd);
		if (wait_interrupted())
			return -1;
	}
	return fd;
}

struct change {
	const struct spec *spec;	/* put this in; NULL: */
	unsigned int id;		/* this device */
	bool drop;			/* goes; else its first one */
	const struct fast_options *fast;
};

static void apply(struct remembered *remembered, const struct change *change)
{
	struct remembered_device *device = find(remembered, change->id);

	if (change->spec) {
		remember_put(remembered, change->spec, change->fast);
	} else if (device && change->drop) {
		*device = remembered->devices[--remembered->count];
		sort(remembered);
	} else if (device) {
		struct spec spec = device->spec;

		spec.fast = change->fast;
		remember_put(remembered, &spec, change->fast);
	}
}

/* Two commands for one guest at once: the folder's lock puts one after the other. */
static int make_change(const char *uuid, const struct change *change, struct why *why)
{
	struct remembered *remembered = calloc(1, sizeof(*remembered));
	int lock = -1, status;

	if (!remembered)
		return why_set(why, "out of memory");
	status = make_folder(why);
	if (!status) {
		lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (lock >= 0)
			flock(lock, LOCK_EX);
		status = remember_read(uuid, remembered, why);
	}
	if (!status) {
		apply(remembered, change);
		status = remember_write(uuid, remembered, why);
	}
	if (lock >= 0)
		close(lock);
	free(remembered);
	return status;
}

int remember_add(const char *uuid, const struct spec *spec, const struct fast_options *fast,
		 struct why *why)
{
	struct change change = { .spec = spec, .id = (unsigned int)spec->id, .fast = fast };

	return make_change(uuid, &change, why);
}

int remember_drop(const char *uuid, unsigned int id, struct why *why)
{
	struct change change = { .id = id, .drop = true };

	return make_change(uuid, &change, why);
}

int remember_first(const char *uuid, unsigned int id, const struct fast_options *how,
		   struct why *why)
{
	struct change change = { .id = id, .fast = how };

	return make_change(uuid, &change, why);
}
