// SPDX-License-Identifier: GPL-2.0-only
#include "files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenaperture.h>

#include "log.h"

#define NAME_ROOM	128

/* ---- names ---- */

static bool sound_name(const char *name)
{
	const char *c;

	if (!name || !*name || *name == '.' || strlen(name) > 64)
		return false;
	for (c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._+-", *c))
			return false;
	return true;
}

/* What cannot stand in a file's name: by number. */
static void name_of(struct xapt_bus *bus, uint32_t guest, char name[NAME_ROOM])
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/local/domain/%u", guest);
	text = xapt_bus_read(bus, XBT_NULL, path, "name");
	if (sound_name(text))
		snprintf(name, NAME_ROOM, "%s", text);
	else
		snprintf(name, NAME_ROOM, "%u", guest);
	free(text);
}

/* ---- files ---- */

static int refuse(const char *what, const char *name)
{
	return xapt_error_set(errno, "%s %s: %s", what, name, strerror(errno));
}

/* Somebody else's folder could lead anywhere, and so could a link that whoever may write beside it made. */
static int open_folder(const char *folder)
{
	struct stat st;
	int fd;

	if (mkdir(folder, 0700) && errno != EEXIST)
		return refuse("cannot make", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		refuse("cannot open", folder);
	} else if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		xapt_error_set(EPERM, "%s must be root's, and writable by root only", folder);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_in(int folder, const char *name, int how)
{
	int fd = openat(folder, name, how | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			0600);
	struct stat st;

	if (fd < 0)
		return refuse("cannot open", name);
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return xapt_error_set(EINVAL, "%s is not a file", name);
}

int files_open(struct xapt_bus *bus, const char *folder, uint32_t guest, const char *type,
	       uint32_t devid, uint32_t which)
{
	bool output = which == XENAPERTURE_OUTPUT;
	char name[NAME_ROOM], file[NAME_ROOM + 64];
	int dir, fd;

	if (which > XENAPERTURE_INPUT)
		return xapt_error_set(EINVAL, "file %u: must be 0 or 1", which);
	dir = open_folder(folder);
	if (dir < 0)
		return -1;
	name_of(bus, guest, name);
	snprintf(file, sizeof(file), "%s-%s-%u.%s", type, name, devid, output ? "out" : "in");
	fd = open_in(dir, file, output ? O_WRONLY : O_RDWR);
	close(dir);
	return fd;
}
