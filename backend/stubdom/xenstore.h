/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The xenstore client. Calls wait for their answer; while they wait, the devices are served
 * (loop.h). Not to be called from what serves a device.
 *
 * xenstored is trusted with what it says, not with how long it is: every index and length is
 * checked, and what is longer than STORE_TEXT is XEN_E2BIG or dropped.
 */
#ifndef STUB_XENSTORE_H
#define STUB_XENSTORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_TEXT	1008u	/* longest payload of an answer: the ring less a header */

/*
 * watched is called for each watch event, from here, a call or store_read(). After a restart no watch
 * and no transaction of the life before is left.
 */
void store_init(void (*watched)(const char *path, const char *token));

/* The port fired: take what came. */
void store_read(void);
uint32_t store_port(void);

/* Transaction ids; 0: none. All return 0 or a negative errno of Xen's. */
int store_begin(uint32_t *transaction);
/* XEN_EAGAIN: somebody else was faster, do it all again. */
int store_end(uint32_t transaction, int abort);

/* The value, ended with 0; good until the next call. NULL: none, or not a text. */
const char *store_get(uint32_t transaction, const char *path);
int store_write(uint32_t transaction, const char *path, const char *value);
int store_remove(uint32_t transaction, const char *path);
int store_watch(const char *path, const char *token);
int store_unwatch(const char *path, const char *token);

/*
 * Names in a directory, each ended with 0, one behind the other: *n octets in all. Good until the
 * next call; NULL: none.
 */
const char *store_list(const char *path, size_t *n);

#endif
