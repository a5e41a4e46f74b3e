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

#define LOCK_SUFFIX	".lock"	/* root's alone: whoever may read a file may lock it, too */
#define HEAD	offsetof(struct xenaperture_stat, mapped_pages)

/* One that was removed between open and lock locks nothing: again. */
int xapt_lock_file(const char *path)
{
	struct stat held, named;
	int fd, err;

	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		if (fd < 0)
			return -1;
		err = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
		if (!err && !fstat(fd, &held) && !stat(path, &named) &&
		    held.st_ino == named.st_ino && held.st_dev == named.st_dev)
			return fd;
		close(fd);
		if (err) {
			errno = err;
			return -1;
		}
	}
}

static void lock_of(const char *stat, char lock[XAPT_STAT_PATH])
{
	snprintf(lock, XAPT_STAT_PATH, "%.*s%s",
		 (int)(strlen(stat) - strlen(XENAPERTURE_STAT_SUFFIX)), stat, LOCK_SUFFIX);
}

static void release(struct xapt_stat_file *f)
{
	char lock[XAPT_STAT_PATH];

	lock_of(f->path, lock);
	unlink(lock);
	close(f->lock);
}

int xapt_stat_create(struct xapt_stat_file *f)
{
	char lock[XAPT_STAT_PATH];

	f->fd = -1;
	snprintf(f->path, sizeof(f->path), "%s/%u-%u%s", XENAPERTURE_RUN, f->head.domid,
		 f->head.devid, XENAPERTURE_STAT_SUFFIX);
	lock_of(f->path, lock);
	f->lock = xapt_lock_file(lock);
	if (f->lock < 0) {
		errno = errno == EWOULDBLOCK ? EBUSY : errno;
		return -1;
	}
	unlink(f->path);
	f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (f->fd < 0) {
		release(f);
		return -1;
	}
	f->head.magic = XENAPERTURE_STAT_MAGIC;
	f->head.version = XENAPERTURE_STAT_VERSION;
	f->head.size = sizeof(f->head);
	if (ftruncate(f->fd, sizeof(f->head))) {
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

	/* A worker may have made it longer: it must not fill the file system. */
	if (f->fd >= 0 && (ftruncate(f->fd, sizeof(f->head)) ||
			   pwrite(f->fd, (const char *)&zero + HEAD, sizeof(zero) - HEAD, HEAD) < 0))
		xapt_stat_remove(f);
}

int xapt_stat_share(const struct xapt_stat_file *f)
{
	return f->fd < 0 ? -1 : open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

void xapt_stat_remove(struct xapt_stat_file *f)
{
	if (f->fd < 0)
		return;
	unlink(f->path);
	close(f->fd);
	f->fd = -1;
	release(f);
}

/* Of an owner that died. */
static void remove_stale(const char *path)
{
	char lock[XAPT_STAT_PATH];
	int fd;

	lock_of(path, lock);
	fd = xapt_lock_file(lock);
	if (fd < 0)
		return;
	unlink(path);
	unlink(lock);
	close(fd);
}

int xapt_stat_prepare(void)
{
	char path[XAPT_STAT_PATH];
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
		remove_stale(path);
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
