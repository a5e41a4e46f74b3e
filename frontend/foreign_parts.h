/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign_parts.h - between foreign*.c.
 *
 * Locks, outermost first: a program's mmap_lock; apf_foreign.lock. The latter is also taken in the
 * notifier of a program's mapping: nothing under it allocates memory, or waits for a notifier.
 */
#ifndef FOREIGN_PARTS_H
#define FOREIGN_PARTS_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

#include "foreign.h"

#define FOREIGN_CHUNK	32u	/* grant-table operations in one hypercall: 1 KiB of stack */

enum foreign_state {
	FOREIGN_THERE,
	FOREIGN_AWAY,		/* suspended: a copy is at the kernel's addresses */
	FOREIGN_ENDED,
};

struct apf_foreign {
	struct kref ref;		/* its owner, and each program's mapping */
	struct mutex lock;
	enum foreign_state state;
	wait_queue_head_t wait;		/* state left AWAY */
	domid_t parent;
	bool read_only;
	unsigned int pages;
	grant_ref_t *gref;
	grant_handle_t *handle;		/* of the kernel's mapping; INVALID_GRANT_HANDLE: none */
	struct page **page;		/* PVH: unpopulated pages where it is mapped; PV: NULL */
	struct page **copy;		/* while away; NULL if there was no memory: */
	struct page *lost;		/* this one page is shown everywhere */
	bool same;			/* it returns to the memory that it left */
	struct page *spare;		/* for that: a suspend is no time to look for one */
	void *address;
	struct file *file;		/* programs' mappings are of this file: all are found by it */
	struct list_head views;		/* PV: of programs */
};

static inline bool foreign_pv(void)
{
	return xen_pv_domain();
}

/* No maptrack entry: Xen says one of these, an older one the other. */
static inline bool foreign_full(int status)
{
	return status == GNTST_no_space || status == GNTST_no_device_space;
}
/* main.c: also the longest that a system call waits for memory that is away */
extern unsigned int apf_request_timeout_ms;

/* foreign.c */
void foreign_get(struct apf_foreign *f);
void foreign_put(struct apf_foreign *f);

/* Grant-table operations, FOREIGN_CHUNK at most; any context. The first bad one: its status. */
int foreign_map_chunk(struct gnttab_map_grant_ref *op, grant_handle_t *handle, unsigned int n,
		      unsigned int *bad);
void foreign_unmap_chunk(struct gnttab_unmap_grant_ref *op, unsigned int n);

/* What raises Xen's limit of mappings, for the log. */
#define FOREIGN_FULL	"this guest has no maptrack entries left: raise max_maptrack_frames in its configuration"

/* foreign_pages.c: the kernel's mapping */
int foreign_pages_map(struct apf_foreign *f);
void foreign_pages_unmap(struct apf_foreign *f);
int foreign_pages_leave(struct apf_foreign *f, bool keep);
int foreign_pages_return(struct apf_foreign *f);

/* foreign_user.c */
int foreign_user_init(struct apf_foreign *f);
void foreign_user_revoke(struct apf_foreign *f);

#endif /* FOREIGN_PARTS_H */
