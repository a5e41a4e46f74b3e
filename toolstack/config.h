/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config.h - what the tool needs of a guest's configuration file.
 *
 * xl ignores the key aperture and drops it, so the guest's own file is read,
 * by the parser that xl uses (libxlutil). As in xl, key=value words of the
 * command line come after the file and win.
 */
#ifndef TOOL_CONFIG_H
#define TOOL_CONFIG_H

#include "spec.h"
#include "uuid.h"

#define CONFIG_FILE_MAX	(1u << 20)	/* bytes */

struct config {
	char name[SPEC_NAME_MAX + 1];
	char uuid[UUID_MAX];			/* "" when the file names none */
	uint64_t max_grant_frames;		/* 0: it says nothing */
	uint64_t max_event_channels;		/* likewise */
	uint64_t max_maptrack_frames;		/* likewise */
	uint64_t memory;			/* MiB, likewise */
	uint64_t vcpus;				/* that it may have, likewise */
	bool pvh;
	unsigned int count;
	struct spec specs[SPEC_MAX_ID + 1];	/* all with a number */
};

/*
 * Read and check everything. extra: key=value words, NULL at the end; others
 * are skipped. -1 and the reason.
 */
int config_read(const char *path, char *const *extra, struct config *config, struct why *why);

#endif /* TOOL_CONFIG_H */
