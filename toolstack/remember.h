/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remember.h - which devices a guest was given, for its next life.
 *
 *   <state>/guests/<uuid>      root's alone; one line for each device:
 *
 *     id=0,type=timer,size=4096,apertures=8,fast=yes --spin=50 --revoke=70 --stub=/a/file
 *     id=1,type=mem,size=16777216,apertures=8,backend=disks
 *
 * <state> is XENAPERTURE_STATE, normally /var/lib/xen-aperture. A spec as spec.h has it, all keys
 * that are not the default, then what was asked of the first device. The backend stands there by
 * its name when it has one: its number is another after its own restart. --stub is the last word,
 * and goes to the end of the line.
 *
 * Written by attach, create, install; shortened by detach and uninstall; a file without lines is
 * removed. Each write makes a new file and renames it. A line is there only for a device that was
 * attached and not taken away.
 *
 * Who attaches again: apertured in domain 0. When a domain with such a file is introduced it pauses
 * it, runs "xen-aperture attach --again DOMID" and unpauses it. That command neither pauses nor
 * unpauses, does not need the guest to run, takes what is attached already as done, and may run
 * twice at once. It waits (--wait, 30 s in all) until the serving side took the devices up,
 * so apertured must go on serving meanwhile. It removes the file of a guest that ended for good.
 */
#ifndef TOOL_REMEMBER_H
#define TOOL_REMEMBER_H

#include "store.h"
#include "uuid.h"

#ifndef XENAPERTURE_STATE
#define XENAPERTURE_STATE	"/var/lib/xen-aperture"
#endif

#define REMEMBER_FOLDER		XENAPERTURE_STATE "/guests"

struct remembered_device {
	struct spec spec;		/* with a number */
	struct fast_options fast;	/* stub points to the next */
	char stub[STORE_PATH_MAX * 2];
};

struct remembered {
	unsigned int count;		/* sorted by number */
	struct remembered_device devices[SPEC_MAX_ID + 1];
};

/* The folder with the files; NULL: REMEMBER_FOLDER. */
void remember_in(const char *folder);

/* What is remembered; without a file nothing. -1 and the reason: unreadable, or a wrong line. */
int remember_read(const char *uuid, struct remembered *remembered, struct why *why);

/* Put all of it into the file; nothing removes it. -1 and the reason: the file is as it was. */
int remember_write(const char *uuid, const struct remembered *remembered, struct why *why);

/* Add a device in memory, in place of one with that number. */
void remember_put(struct remembered *remembered, const struct spec *spec,
		  const struct fast_options *fast);

/* A device was attached or taken away: the file is read, changed, written. -1 and the reason. */
int remember_add(const char *uuid, const struct spec *spec, const struct fast_options *fast,
		 struct why *why);
int remember_drop(const char *uuid, unsigned int id, struct why *why);

/* Its first device came (how), or went (NULL). No such device is no error. */
int remember_first(const char *uuid, unsigned int id, const struct fast_options *how,
		   struct why *why);

/*
 * Be the only one that attaches a guest's devices again; waits for who else does. A descriptor to
 * close afterwards, or -1: there is no file, or it cannot be locked.
 */
int remember_lock(const char *uuid);

#endif /* TOOL_REMEMBER_H */
