/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * statfile.h - read the files in which a parent counts (xenaperture_stat.h).
 *
 * The process that writes the counters is not trusted: what comes back is a
 * copy whose strings end and are printable. Numbers are data.
 */
#ifndef TOOL_STATFILE_H
#define TOOL_STATFILE_H

#include <xenaperture_stat.h>

#include "say.h"

enum statfile_result {
	STATFILE_READ,
	STATFILE_GONE,		/* it vanished: the device is gone */
	STATFILE_REFUSED,	/* not for this program; why says it */
};

/* Read one file of a folder. */
enum statfile_result statfile_read(const char *folder, const char *name,
				   struct xenaperture_stat *stat, struct why *why);

#define STATFILE_ANY	(-1)

struct statfiles {
	struct xenaperture_stat *stats;	/* sorted by guest and device */
	unsigned int count;
	unsigned int refused;		/* files that were there but not readable; said */
};

/*
 * Read all files of a folder that are of this guest and device. A folder that is
 * missing holds none. -1 and the reason: folder or memory failed.
 */
int statfiles_read(const char *folder, int guest, int device, struct statfiles *files,
		   struct why *why);
/* More of them into the same. -1: files holds none any more. */
int statfiles_add(const char *folder, int guest, int device, struct statfiles *files,
		  struct why *why);
void statfiles_free(struct statfiles *files);

#endif /* TOOL_STATFILE_H */
