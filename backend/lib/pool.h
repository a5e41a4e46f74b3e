/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory of this side for one guest: apertureif.h, section 5.2.
 *
 * A page that was made for a guest is that guest's until it is gone: given, or waiting to be
 * given again. So a guest that keeps mapped what it says it has unmapped sees what was its own,
 * and max_pages bounds what it can hold, whatever it does. There are three files: of pages that the
 * guest may write, of those that it may only read, and of directories; a page stays in its file.
 * Directories do not count, and are at most XAPT_POOL_LISTS_MAX(max_pages). Nothing is made that this
 * domain has no means for: means.h.
 *
 * Whoever keeps the pool need not be who uses the memory: the user gets the file and runs of it.
 */
#ifndef XAPT_LIB_POOL_H
#define XAPT_LIB_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "means.h"

#define XAPT_RUNS	32	/* most pieces of a gift */

#define XAPT_POOL_LISTS_MAX(pages)	((pages) / 16 + 2)

enum xapt_pool_kind {
	XAPT_POOL_WRITABLE,
	XAPT_POOL_READ_ONLY,	/* for the guest */
	XAPT_POOL_KINDS,
	XAPT_POOL_LISTS = XAPT_POOL_KINDS,
	XAPT_POOL_FILES,
};

/* Pages one after another in a file: mmap's offset, and how many. */
struct xapt_run {
	uint64_t index;
	uint64_t pages;
};

/* What is asked for. */
struct xapt_wish {
	uint32_t pages;
	uint32_t child_read_only;
	uint32_t again;		/* directory reference, or 0 */
};

/* What was given. */
struct xapt_given {
	uint32_t directory;
	uint32_t dirty;		/* so many pages of the first runs were used before: zero them */
	uint32_t nr_runs;
	uint32_t zero;
	struct xapt_run run[XAPT_RUNS];
};

/* What there is. */
struct xapt_giving {
	uint64_t left[XAPT_POOL_KINDS];	/* pages that could be asked for in one go */
	uint64_t pages;		/* of the pool */
	uint64_t max_pages;
	uint64_t mappable;	/* guests' pages that may be mapped yet, of all guests */
	uint64_t mapped;	/* ... that are, or are reserved for it */
	uint64_t max_mapped;	/* 0: not known */
	struct xapt_means means;	/* of this domain, for new pages */
};

/* A bound for several pools. */
struct xapt_pool_total {
	uint64_t pages, max_pages;
	uint64_t entries;	/* of the grant table: pages, and those of directories */
};

struct xapt_pool_file {
	int fd;			/* -1: not opened */
	uint32_t pages, free;
	struct xapt_pool_page *page;
};

/* Told when a file comes: it is to outlive this process. name: "0" .. "2", "state". */
struct xapt_pool_keeper {
	void (*keep)(struct xapt_pool_keeper *keeper, uint32_t domid, const char *name, int fd);
	void (*forget)(struct xapt_pool_keeper *keeper, uint32_t domid);	/* all of them */
};

struct xapt_pool {
	uint32_t domid;
	uint64_t max_pages;
	uint64_t pages;
	struct xapt_pool_total *total;	/* may be NULL */
	struct xapt_pool_file file[XAPT_POOL_FILES];
	struct xapt_gift_record *gifts;
	struct xapt_pool_keeper *keeper;	/* may be NULL; set before the first gift */
	struct xapt_means_source *means;	/* likewise */
	int state;			/* memory file: what is in the other files; -1: none */
};

/* Opens nothing yet. */
void xapt_pool_init(struct xapt_pool *p, uint32_t domid, uint64_t max_pages,
		    struct xapt_pool_total *total);

/* The guest is gone. */
void xapt_pool_close(struct xapt_pool *p);

/* This process ends, the guest does not. */
void xapt_pool_leave_all(struct xapt_pool *p);

/*
 * Take up what a keeper kept for an earlier process: file[] and state, the pool's from now on
 * whatever is returned. p: initialised. 0, or -1 with text: the pool is empty.
 */
int xapt_pool_restore(struct xapt_pool *p, const int file[XAPT_POOL_FILES], int state);

/*
 * For device devid. XENAPT_OK, *given, and *fd, which stays the pool's; or E_GIVEN_PAGES,
 * E_MEMORY, E_LOST with text.
 */
enum xenapt_status xapt_pool_give(struct xapt_pool *p, uint32_t devid, const struct xapt_wish *wish,
				  struct xapt_given *given, int *fd);

/*
 * The device does not use it any more; released: nor does the guest. Nothing if there is no such
 * gift of this device.
 */
void xapt_pool_take_back(struct xapt_pool *p, uint32_t devid, uint32_t directory, bool released);

/* The device's connection ended: it uses none of its gifts. */
void xapt_pool_leave(struct xapt_pool *p, uint32_t devid);

/* There is no such device any more: all its gifts are taken back. */
void xapt_pool_forget(struct xapt_pool *p, uint32_t devid);

void xapt_pool_look(const struct xapt_pool *p, struct xapt_giving *giving);

#endif
