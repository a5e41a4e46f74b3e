/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <xenstore.h>

#include "tool_xenstore.h"

#define NODES 2048u

struct node {
	char path[200];
	char value[300];
	unsigned int owner, reader;
};

struct tree {
	unsigned int count;
	struct node nodes[NODES];	/* sorted by path */
};

bool xs_fake_domain_gone;

static struct tree tree, work;
static bool in_transaction;
static unsigned int generation, started, changes, fail_at, watches;
static void (*commit_hook)(void), (*look_hook)(void);

bool xapt_domain_gone(uint32_t domid)
{
	(void)domid;
	return xs_fake_domain_gone;
}
static int event = -1;

void xs_fake_reset(void)
{
	memset(&tree, 0, sizeof(tree));
	in_transaction = false;
	generation = started = changes = fail_at = watches = 0;
	commit_hook = look_hook = NULL;
}

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "fake xenstore: %s\n", what);
	abort();
}

static struct node *find(struct tree *in, const char *path)
{
	unsigned int i;

	for (i = 0; i < in->count; i++)
		if (!strcmp(in->nodes[i].path, path))
			return &in->nodes[i];
	return NULL;
}

static void parent_of(const char *path, char *parent)
{
	char *last;

	strcpy(parent, path);
	last = strrchr(parent, '/');
	*(last ? last : parent) = '\0';
}

/* A new node takes the permissions of the one above it, which is made if need be. */
static struct node *make(struct tree *in, const char *path)
{
	struct node fresh = { .path = "" }, *above;
	char parent[200];
	unsigned int i;

	above = find(in, path);
	if (above)
		return above;
	must(strlen(path) < sizeof(fresh.path) && path[0], "a path of another form");
	must(in->count < NODES, "too many nodes");
	parent_of(path, parent);
	if (*parent) {
		above = make(in, parent);
		fresh.owner = above->owner;
		fresh.reader = above->reader;
	}
	strcpy(fresh.path, path);
	for (i = in->count++; i && strcmp(in->nodes[i - 1].path, path) > 0; i--)
		in->nodes[i] = in->nodes[i - 1];
	in->nodes[i] = fresh;
	return &in->nodes[i];
}

static bool below(const char *path, const char *above)
{
	size_t n = strlen(above);

	return !strncmp(path, above, n) && (path[n] == '/' || !path[n]);
}

static bool cut(struct tree *in, const char *path)
{
	unsigned int i, kept = 0, before = in->count;

	for (i = 0; i < before; i++)
		if (!below(in->nodes[i].path, path))
			in->nodes[kept++] = in->nodes[i];
	in->count = kept;
	return kept != before;
}

static void set(struct tree *in, const char *path, const char *value)
{
	must(strlen(value) < sizeof(in->nodes[0].value), "a value too long");
	strcpy(make(in, path)->value, value);
}

void xs_fake_put(const char *path, const char *value)
{
	generation++;
	if (value)
		set(&tree, path, value);
	else
		cut(&tree, path);
}

const char *xs_fake_get(const char *path)
{
	struct node *node = find(&tree, path);

	return node ? node->value : NULL;
}

char *xs_fake_dump(void)
{
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; i < tree.count; i++) {
		const struct node *node = &tree.nodes[i];

		fprintf(out, "%s=%s %u", node->path, node->value, node->owner);
		if (node->reader != node->owner)
			fprintf(out, ",%u", node->reader);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

void xs_fake_fail(unsigned int n)
{
	fail_at = n ? changes + n : 0;
}

unsigned int xs_fake_changes(void)
{
	return changes;
}

void xs_fake_on_commit(void (*hook)(void))
{
	commit_hook = hook;
}

void xs_fake_on_look(void (*hook)(void))
{
	look_hook = hook;
}

unsigned int xs_fake_open(void)
{
	return watches + in_transaction;
}

/* ---- libxenstore ------------------------------------------------------------ */

static struct tree *seen(xs_transaction_t t)
{
	must((t != XBT_NULL) == in_transaction, "a call outside of the transaction that is open");
	return t == XBT_NULL ? &tree : &work;
}

static bool may_change(xs_transaction_t t)
{
	if (++changes == fail_at) {
		errno = EACCES;
		return false;
	}
	if (t == XBT_NULL)
		generation++;
	return true;
}

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	if (event < 0)
		event = eventfd(1, EFD_CLOEXEC);	/* always readable: nothing sleeps */
	return (struct xs_handle *)&tree;
}

void xs_close(struct xs_handle *h)
{
	(void)h;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	struct node *node = find(seen(t), path);

	(void)h;
	if (!node) {
		errno = ENOENT;
		return NULL;
	}
	*len = (unsigned int)strlen(node->value);
	return strdup(node->value);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	char value[300];

	(void)h;
	must(len < sizeof(value), "a value too long");
	memcpy(value, data, len);
	value[len] = '\0';
	if (!may_change(t))
		return false;
	set(seen(t), path, value);
	return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	(void)h;
	if (!may_change(t))
		return false;
	make(seen(t), path);
	return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	(void)h;
	if (!may_change(t))
		return false;
	if (cut(seen(t), path))
		return true;
	errno = ENOENT;
	return false;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *perms, unsigned int num_perms)
{
	struct node *node = find(seen(t), path);

	(void)h;
	must(node, "permissions of a node that is not there");
	must(num_perms >= 1 && num_perms <= 2 && perms[0].perms == XS_PERM_NONE,
	     "permissions that let everybody in");
	must(num_perms == 1 || perms[1].perms == XS_PERM_READ, "permissions that let the peer write");
	if (!may_change(t))
		return false;
	node->owner = perms[0].id;
	node->reader = perms[num_perms - 1].id;
	return true;
}

/* As in the library: one block, the pointers first. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
	struct tree *in = seen(t);
	size_t n = strlen(path);
	char **names, *text;
	unsigned int i;

	(void)h;
	*num = 0;
	if (!find(in, path)) {
		errno = ENOENT;
		return NULL;
	}
	names = malloc(in->count * (sizeof(*names) + sizeof(in->nodes[0].path)) + 1);
	text = (char *)(names + in->count);
	for (i = 0; i < in->count; i++) {
		const char *name = in->nodes[i].path + n + 1;

		if (!below(in->nodes[i].path, path) || strlen(in->nodes[i].path) <= n ||
		    strchr(name, '/'))
			continue;
		names[(*num)++] = strcpy(text, name);
		text += strlen(name) + 1;
	}
	return names;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	(void)h;
	must(!in_transaction, "a transaction inside a transaction");
	in_transaction = true;
	work = tree;
	started = generation;
	return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort_it)
{
	(void)h;
	must(in_transaction && t == 1, "the end of a transaction that never started");
	in_transaction = false;
	if (abort_it)
		return true;
	if (commit_hook)
		commit_hook();
	if (generation != started) {
		errno = EAGAIN;
		return false;
	}
	tree = work;
	generation++;
	return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	(void)h;
	(void)path;
	(void)token;
	watches++;
	return true;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	(void)h;
	(void)path;
	(void)token;
	must(watches, "a watch removed that was not set");
	watches--;
	return true;
}

int xs_fileno(struct xs_handle *h)
{
	(void)h;
	return event;
}

char **xs_check_watch(struct xs_handle *h)
{
	(void)h;
	if (look_hook)
		look_hook();
	errno = EAGAIN;
	return NULL;
}
