/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stub.h - the stub domain of a guest: one for all its first devices.
 *
 *   /local/domain/0/aperture-stub/<S>/   guest, name: which stub domains there are; file: its program, if
 *                                        it is not the installed one; target: it has power over
 *                                        this guest; ending: it is about to be destroyed, and
 *                                        gets no device; making: it was not unpaused yet
 *                                        by the process of this number
 *   /local/domain/<S>/aperture/          guest, spin-us, log: what the stub domain reads
 *
 * The list is domain 0's own: what a stub domain says of itself is not asked.
 */
#ifndef TOOL_STUB_H
#define TOOL_STUB_H

#include "store.h"
#include "uuid.h"

#define STUB_LIST	"/local/domain/0/aperture-stub"
#define STUB_WORDS	20u

struct stub {
	unsigned int domid;		/* 0: none */
	unsigned int guest;
	char name[SPEC_NAME_MAX + 16];
	char uuid[UUID_MAX];		/* while it is made: tells ours from another's of that name */
};

/* The stub domain of a guest, or false. One whose domain is gone counts as well: it is a leftover. */
bool stub_find(const struct store *store, unsigned int guest, struct stub *stub);

/* Is the file there, and a program for this machine that Xen could start? -1 and the reason. */
int stub_check(const char *file, struct why *why);

/* Words of xl that make it, paused. They point into stub and text. */
struct stub_text {
	char name[SPEC_NAME_MAX + 32];
	char kernel[STORE_PATH_MAX * 2];
	char uuid[56];
};
void stub_words(const struct stub *stub, const char *file, struct stub_text *text,
		const char *words[STUB_WORDS]);

/* Make it, paused, and write its nodes. -1 and the reason: nothing is left behind. */
int stub_make(struct store *store, const struct guest *guest, const struct fast_options *options,
	      struct stub *stub, struct why *why);

/* Let it run. -1 and the reason. */
int stub_unpause(struct store *store, const struct stub *stub, struct why *why);

/* The same for one whose maker was killed before it could. 0 as well: there is nothing to do. */
int stub_complete(struct store *store, const struct stub *stub, struct why *why);

/*
 * Destroy it, with all nodes that name it. -1 and the reason. One that has a device of a guest that
 * lives, or answers for its accesses, is not destroyed.
 */
int stub_destroy(struct store *store, const struct stub *stub, struct why *why);

/* The same if it has no device any more. */
int stub_drop_idle(struct store *store, unsigned int guest, struct why *why);

/* What was asked for, or the installed one. */
const char *stub_file(const struct fast_options *options);

#endif /* TOOL_STUB_H */
