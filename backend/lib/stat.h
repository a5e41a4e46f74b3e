/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing the stat file of a device (xenaperture_stat.h).
 *
 * Whoever speaks xenstore owns the file and writes its first half with pwrite();
 * the process that serves the device maps it and writes the second half. That one is
 * not trusted: the owner never maps the file.
 */
#ifndef XAPT_LIB_STAT_H
#define XAPT_LIB_STAT_H

#include <stdint.h>

#include <xenaperture_stat.h>

#define XAPT_STAT_PATH	320

/*
 * Be the only one: a descriptor that holds a lock as long as it is open, or -1 with errno; EWOULDBLOCK:
 * another process has it. The file is made if need be; only who holds the lock may remove it.
 */
int xapt_lock_file(const char *path);

/* The owner's side. */
struct xapt_stat_file {
	int fd;				/* -1: none */
	int lock;			/* <domain>-<device>.lock beside it: the owner lives */
	char path[XAPT_STAT_PATH];
	struct xenaperture_stat head;	/* what the owner wants there, up to error */
};

/*
 * Make the file for head.domid, head.devid; an old one is replaced. 0, or -1 with
 * errno: a device is served without statistics then. EBUSY: a program has it.
 */
int xapt_stat_create(struct xapt_stat_file *f);
void xapt_stat_write(struct xapt_stat_file *f);
/* The connection ended: the second half becomes 0. */
void xapt_stat_clear(struct xapt_stat_file *f);
void xapt_stat_remove(struct xapt_stat_file *f);

/* A descriptor for the process that serves the device; -1: none. The caller closes it. */
int xapt_stat_share(const struct xapt_stat_file *f);

/* Make the folder; remove files that no living process keeps. */
int xapt_stat_prepare(void);

/* The server's side. fd is not needed any longer after map. */
struct xapt_stat {
	struct xenaperture_stat *map;
};

int xapt_stat_map(struct xapt_stat *s, int fd);
void xapt_stat_unmap(struct xapt_stat *s);

#endif
