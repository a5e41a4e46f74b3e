/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parse.h"
#include "statfile.h"
#include "store.h"

static void clean_string(char *text, size_t size)
{
	text[size - 1] = '\0';
	make_printable(text);
}

static int check_stat(const char *path, struct xenaperture_stat *stat, size_t length,
		      struct why *why)
{
	if (length < offsetof(struct xenaperture_stat, domid) ||
	    stat->magic != XENAPERTURE_STAT_MAGIC)
		return why_set(why, "%s is not a file of counters", path);
	if (stat->version != XENAPERTURE_STAT_VERSION)
		return why_set(why, "%s is of version %u, this program reads version %u: use the "
			       "xen-aperture that was installed with the daemon", path,
			       stat->version, XENAPERTURE_STAT_VERSION);
	if (stat->size < sizeof(*stat) || length < sizeof(*stat))
		return why_set(why, "%s is cut: %zu of %zu bytes", path, length, sizeof(*stat));
	clean_string(stat->type, sizeof(stat->type));
	clean_string(stat->server, sizeof(stat->server));
	clean_string(stat->error, sizeof(stat->error));
	return 0;
}

static enum statfile_result read_open(int fd, const char *path, struct xenaperture_stat *stat,
				      struct why *why)
{
	struct stat file;
	ssize_t length;

	if (fstat(fd, &file) || !S_ISREG(file.st_mode)) {
		why_set(why, "%s is not a regular file", path);
		return STATFILE_REFUSED;
	}
	memset(stat, 0, sizeof(*stat));
	length = pread(fd, stat, sizeof(*stat), 0);
	if (length < 0) {
		why_set(why, "cannot read %s: %s", path, strerror(errno));
		return STATFILE_REFUSED;
	}
	return check_stat(path, stat, (size_t)length, why) ? STATFILE_REFUSED : STATFILE_READ;
}

enum statfile_result statfile_read(const char *folder, const char *name,
				   struct xenaperture_stat *stat, struct why *why)
{
	enum statfile_result result;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return STATFILE_GONE;
	if (fd < 0) {
		why_set(why, "cannot open %s: %s", path, strerror(errno));
		return STATFILE_REFUSED;
	}
	result = read_open(fd, path, stat, why);
	close(fd);
	return result;
}

/* "5-0.stat": guest and device. */
static bool parse_name(const char *name, uint32_t *guest, uint32_t *device)
{
	char copy[32], *dash, *suffix;

	if (strlen(name) >= sizeof(copy))
		return false;
	strcpy(copy, name);
	dash = strchr(copy, '-');
	suffix = strchr(copy, '.');
	if (!dash || !suffix || strcmp(suffix, XENAPERTURE_STAT_SUFFIX))
		return false;
	*dash = '\0';
	*suffix = '\0';
	return dash < suffix && xapt_parse_u32(copy, 0, DOMID_MAX, guest) &&
	       xapt_parse_u32(dash + 1, 0, SPEC_MAX_ID, device);
}

static int add_stat(struct statfiles *files, const struct xenaperture_stat *stat, struct why *why)
{
	struct xenaperture_stat *more;

	more = realloc(files->stats, (files->count + 1) * sizeof(*more));
	if (!more)
		return why_set(why, "out of memory after %u devices", files->count);
	files->stats = more;
	more[files->count++] = *stat;
	return 0;
}

static int read_one(const char *folder, const char *name, struct statfiles *files,
		    struct why *why)
{
	struct xenaperture_stat stat;

	switch (statfile_read(folder, name, &stat, why)) {
	case STATFILE_READ:
		return add_stat(files, &stat, why);
	case STATFILE_REFUSED:
		say("%s", why->text);
		files->refused++;
		break;
	case STATFILE_GONE:
		break;
	}
	return 0;
}

static int read_folder(DIR *dir, const char *folder, int guest, int device,
		       struct statfiles *files, struct why *why)
{
	uint32_t domid, devid;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (!parse_name(entry->d_name, &domid, &devid) ||
		    (guest != STATFILE_ANY && domid != (uint32_t)guest) ||
		    (device != STATFILE_ANY && devid != (uint32_t)device))
			continue;
		if (read_one(folder, entry->d_name, files, why))
			return -1;
	}
	return 0;
}

static int by_number(const void *left, const void *right)
{
	const struct xenaperture_stat *a = left, *b = right;

	if (a->domid != b->domid)
		return a->domid < b->domid ? -1 : 1;
	return a->devid < b->devid ? -1 : a->devid > b->devid;
}

int statfiles_read(const char *folder, int guest, int device, struct statfiles *files,
		   struct why *why)
{
	*files = (struct statfiles){ 0 };
	return statfiles_add(folder, guest, device, files, why);
}

int statfiles_add(const char *folder, int guest, int device, struct statfiles *files,
		  struct why *why)
{
	DIR *dir = opendir(folder);
	int status;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return why_set(why, "cannot open %s: %s", folder, strerror(errno));
	status = read_folder(dir, folder, guest, device, files, why);
	closedir(dir);
	if (status)
		statfiles_free(files);
	else if (files->count)
		qsort(files->stats, files->count, sizeof(*files->stats), by_number);
	return status;
}

void statfiles_free(struct statfiles *files)
{
	free(files->stats);
	*files = (struct statfiles){ 0 };
}
