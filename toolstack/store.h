/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - xenstore as the tool uses it.
 *
 * Values that a guest or a driver domain can write are copied, cut and made
 * printable here; nobody follows a path that such a domain wrote.
 */
#ifndef TOOL_STORE_H
#define TOOL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "say.h"
#include "spec.h"

#define STORE_PATH_MAX	256
#define DOMID_MAX	32751u		/* the highest number of a domain */

struct store {
	struct xs_handle *xs;
	xs_transaction_t transaction;	/* XBT_NULL outside of one */
};

/*
 * Is the caller root, in the domain that controls Xen, and does xenstore
 * answer? Returns EXIT_OK with the store open, or EXIT_NO_XEN having said why.
 */
int store_open(struct store *store);

/* The same in any domain: for what is to be seen in this one only. */
int store_open_here(struct store *store);

void store_close(struct store *store);

/* Read a node into text (cut to size, printable). false: not there; text is "". */
bool store_read(const struct store *store, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Read a decimal number. false: missing, not a number, or above max; *number is 0. */
bool store_number(const struct store *store, uint64_t *number, uint64_t max,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

bool store_exists(const struct store *store, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Names below a path, or NULL and 0. Free with free(). */
char **store_directory(const struct store *store, unsigned int *count, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Who owns a node, and the one other domain that may read it. */
struct store_access {
	unsigned int owner;
	unsigned int reader;		/* == owner: nobody else */
};

/* Make a directory, or write a node, with exactly these permissions. */
bool store_mkdir(const struct store *store, struct store_access access, const char *path);

/* A directory, made if it is not there, and nodes in it. 0, or -1 and the reason. */
struct store_node {
	const char *name;
	const char *value;
};

int store_write_nodes(const struct store *store, struct store_access access, const char *path,
		      const struct store_node *nodes, unsigned int count, struct why *why);

bool store_write(const struct store *store, struct store_access access, const char *path,
		 const char *value);

/* Write a node that is there, its permissions unchanged. */
bool store_change(const struct store *store, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool store_remove(const struct store *store, const char *path);

/*
 * Run body in a transaction, again when others interfered (a bounded number of
 * times). body returns 0 to commit, or -1 to leave everything as it was. -1 and
 * the reason; errno is EAGAIN if others interfered each time: a xenstore that
 * compares nodes lets a guest do that which writes its own without end.
 */
int store_transact(struct store *store, int (*body)(struct store *store, void *data,
		   struct why *why), void *data, struct why *why);

struct guest {
	unsigned int domid;
	bool exists;			/* false: only leftovers may have this number */
	char name[SPEC_NAME_MAX + 1];	/* "" when it has none */
};

/*
 * Find a domain by number or name. -1 and the reason: no such name, or two
 * domains have it. A number without a domain is no error, exists is false.
 */
int guest_find(const struct store *store, const char *text, struct guest *guest, struct why *why);

/* The same, but a number without a domain is refused as well. */
int guest_find_running(const struct store *store, const char *text, struct guest *guest,
		       struct why *why);

/* By name only, even if it looks like a number. -1 as above. */
int guest_named(const struct store *store, const char *name, struct guest *guest,
		struct why *why);

/* The same by number, for what is known from a path. */
void guest_of(const struct store *store, unsigned int domid, struct guest *guest);

#endif /* TOOL_STORE_H */
