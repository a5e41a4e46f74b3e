/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of libxenstore that the tool makes, on a tree in memory: link it
 * instead of -lxenstore. The caller is domain 0. One connection, one transaction
 * at a time; a commit fails with EAGAIN when the tree was changed meanwhile.
 */
#ifndef TESTS_UNIT_TOOL_XENSTORE_H
#define TESTS_UNIT_TOOL_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>

void xs_fake_reset(void);

/* What others do: no fault, no hook, no transaction. value NULL removes. */
void xs_fake_put(const char *path, const char *value);
/* NULL when it is missing. Valid until the tree changes. */
const char *xs_fake_get(const char *path);

/* All of it, sorted, a line for each node: "path=value owner[,reader]". free(). */
char *xs_fake_dump(void);

/* The n-th change from now (1: the next) fails with EACCES. 0: none. */
void xs_fake_fail(unsigned int n);
/* Changes that were tried since the reset. */
unsigned int xs_fake_changes(void);

/* Called before each commit, and each time the tool looks for watch events. */
void xs_fake_on_commit(void (*hook)(void));
void xs_fake_on_look(void (*hook)(void));

/* Watches that are set, transactions that are open: both are 0 when all is well. */
unsigned int xs_fake_open(void);

/* What Xen says of any domain. */
extern bool xs_fake_domain_gone;

#endif
