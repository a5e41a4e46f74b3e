// SPDX-License-Identifier: GPL-2.0-only
#include "device_dir.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "parse.h"

static int check(const char *path, mode_t kind)
{
	struct stat st;

	if (lstat(path, &st))
		return xapt_error_set(errno, "%s: %s", path, strerror(errno));
	if ((st.st_mode & S_IFMT) != kind)
		return xapt_error_set(EPERM, "%s: is not a %s", path,
				      kind == S_IFDIR ? "folder" : "plain file");
	if (st.st_uid || st.st_mode & (S_IWGRP | S_IWOTH))
		return xapt_error_set(EPERM, "%s: must belong to root and be writable by root only (owner %u, mode %o)",
				      path, st.st_uid, st.st_mode & 07777);
	return 0;
}

/* Each folder of an absolute path, from the root on. */
static int check_folders(const char *folder)
{
	char path[256];
	size_t n;

	for (n = 1; folder[n - 1]; n++) {
		if (folder[n] != '/' && folder[n] != '\0')
			continue;
		if (n >= sizeof(path))
			return xapt_error_set(ENAMETOOLONG, "%s: too long", folder);
		memcpy(path, folder, n);
		path[n] = '\0';
		if (check(path, S_IFDIR))
			return -1;
		if (!folder[n])
			break;
	}
	return check("/", S_IFDIR);
}

const struct xenaperture_table *device_dir_load(const char *folder, const char *type)
{
	const struct xenaperture_table *table;
	char path[320];
	void *handle;

	if (!xapt_parse_type(type)) {
		xapt_error_set(EINVAL, "not a device type");
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s.so", folder, type);
	if (check_folders(folder) || check(path, S_IFREG))
		return NULL;
	/* Loaded a second time it is the same: the loader counts. It is never unloaded. */
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	table = handle ? dlsym(handle, "xenaperture_device") : NULL;
	if (!table) {
		xapt_error_set(ENOENT, "%s", dlerror());
		return NULL;
	}
	if (table->type && !strcmp(table->type, type))
		return table;
	xapt_error_set(EINVAL, "%s: is a device of type %s", path, table->type ? table->type : "?");
	return NULL;
}
