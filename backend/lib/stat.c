// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef XENAPERTURE_RUN
#define XENAPERTURE_RUN	XENAPERTURE_STAT_DIR
#endif

#define HEAD	offsetof(struct xenaperture_stat, mapped_pages)

/* A lock says that the owner lives: it goes with the process. */
static int locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int busy = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return busy;
}

int xapt_stat_create(struct xapt_stat_file *f)
{
	f->fd = -1;
	snprintf(f->path, sizeof(f->path), "%s/%u-%u%s", XENAPERTURE_RUN, f->head.domid,
		 f->head.devid, XENAPERTURE_STAT_SUFFIX);
	if (locked(f->path)) {
		errno = EBUSY;
		return -1;
	}
	unlink(f->path);
	f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (f->fd < 0)
		return -1;
	f->head.magic = XENAPERTURE_STAT_MAGIC;
	f->head.version = XENAPERTURE_STAT_VERSION;
	f->head.size = sizeof(f->head);
	if (flock(f->fd, LOCK_EX | LOCK_NB) || ftruncate(f->fd, sizeof(f->head))) {
		xapt_stat_remove(f);
		return -1;
	}
	xapt_stat_write(f);
	return 0;
}

void xapt_stat_write(struct xapt_stat_file *f)
{
	if (f->fd >= 0 && pwrite(f->fd, &f->head, HEAD, 0) != (ssize_t)HEAD)
		xapt_stat_remove(f);
}

void xapt_stat_clear(struct xapt_stat_file *f)
{
	static const struct xenaperture_stat zero;

	if (f->fd >= 0 && pwrite(f->fd, (const char *)&zero + HEAD, sizeof(zero) - HEAD, HEAD) < 0)
		xapt_stat_remove(f);
}

int xapt_stat_share(const struct xapt_stat_file *f)
{
	/* Opened anew: the lock stays ours alone. */
	return f->fd < 0 ? -1 : open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

void xapt_stat_remove(struct xapt_stat_file *f)
{
	if (f->fd < 0)
		return;
	unlink(f->path);
	close(f->fd);
	f->fd = -1;
}

int xapt_stat_prepare(void)
{
	char path[320];
	struct dirent *entry;
	DIR *dir;

	if (mkdir(XENAPERTURE_RUN, 0755) && errno != EEXIST)
		return -1;
	dir = opendir(XENAPERTURE_RUN);
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		size_t n = strlen(entry->d_name), s = strlen(XENAPERTURE_STAT_SUFFIX);

		if (n <= s || strcmp(entry->d_name + n - s, XENAPERTURE_STAT_SUFFIX))
			continue;
		snprintf(path, sizeof(path), "%s/%s", XENAPERTURE_RUN, entry->d_name);
		if (!locked(path))
			unlink(path);
	}
	closedir(dir);
	return 0;
}

int xapt_stat_map(struct xapt_stat *s, int fd)
{
	void *map = mmap(NULL, sizeof(*s->map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	s->map = map == MAP_FAILED ? NULL : map;
	return s->map ? 0 : -1;
}

void xapt_stat_unmap(struct xapt_stat *s)
{
	if (s->map)
		munmap(s->map, sizeof(*s->map));
	s->map = NULL;
}
