/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Xenstore through /dev/xen/xenbus, by the wire protocol alone: no library is needed in a guest.
 * One connection a process, used by one thread. Paths are absolute, or relative to the domain's
 * own directory. All calls return -1 and set errno on failure.
 */
#ifndef RIG_XS_H
#define RIG_XS_H

#include <stddef.h>

#define XS_VALUE_MAX 4096	/* bytes of one message's payload */

/* Open the connection. Retries for a second, since the device may appear late. */
int xs_open_bus(void);

/* Read PATH into VALUE (up to XS_VALUE_MAX bytes and a NUL). Returns the length. */
int xs_get(const char *path, char *value);

/* List PATH: VALUE holds the names, each ended by a NUL. Returns the length. */
int xs_list(const char *path, char *value);

/* Write LEN bytes to PATH, creating it and its parents. */
int xs_put(const char *path, const void *value, size_t len);

/* Remove PATH and what is below it. */
int xs_remove(const char *path);

/* Start watching PATH. It fires once at once. */
int xs_watch_path(const char *path);

/*
 * Wait for a watch for up to TIMEOUT_MS (-1 for ever). Returns 1 and PATH (XS_VALUE_MAX bytes and a
 * NUL), 0 on timeout.
 */
int xs_wait(char *path, int timeout_ms);

/* The file behind the connection, to poll together with others. Call xs_wait() with
 * timeout 0 until it returns 0 first: events may be queued. */
int xs_file(void);

#endif
