/* SPDX-License-Identifier: GPL-2.0-only */
/* xenstore: nodes with owner and reader, watches. */
#define _GNU_SOURCE
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct node *find(struct fake *f, const char *path)
{
	for (struct node *n = f->nodes; n; n = n->next)
		if (!strcmp(n->path, path))
			return n;
	return NULL;
}

/* Is path at or below that one? */
static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (path[n] == 0 || path[n] == '/');
}

/* The node itself or the nearest ancestor that exists. */
static struct node *nearest(struct fake *f, const char *path)
{
	char up[256];
	char *slash;

	snprintf(up, sizeof(up), "%s", path);
	for (;;) {
		struct node *n = find(f, up);

		if (n)
			return n;
		slash = strrchr(up, '/');
		if (!slash)
			return NULL;
		*slash = 0;
	}
}

void fake_fire(struct fake *f, const char *path)
{
	for (unsigned int i = 0; i < MOST_WATCHES; i++)
		if (f->watch[i].used && below(path, f->watch[i].path))
			f->watch[i].fired = true;
}

static struct node *add(struct fake *f, const char *path, unsigned int owner, unsigned int reader)
{
	struct node *n = calloc(1, sizeof(*n));

	n->path = strdup(path);
	n->value = strdup("");
	n->owner = owner;
	n->reader = reader;
	n->next = f->nodes;
	f->nodes = n;
	return n;
}

int fake_write(struct fake *f, unsigned int dom, const char *path, const char *value)
{
	struct node *n = nearest(f, path);

	if (fake_entry(f, FAKE_WRITE, NULL))
		return -1;
	if (dom && (!n || n->owner != dom))
		return -1;
	if (!n || strcmp(n->path, path))
		n = add(f, path, n ? n->owner : 0, n ? n->reader : 0);
	free(n->value);
	n->value = strdup(value);
	fake_fire(f, path);
	return 0;
}

const char *fake_read(struct fake *f, unsigned int dom, const char *path)
{
	struct node *n;

	if (fake_entry(f, FAKE_READ, NULL))
		return NULL;
	n = find(f, path);
	if (!n || (dom && n->owner != dom && n->reader != dom))
		return NULL;
	return n->value;
}

int fake_remove(struct fake *f, unsigned int dom, const char *path)
{
	struct node *top = find(f, path), **at = &f->nodes;
	char *copy;

	if (!top || (dom && top->owner != dom))
		return -1;
	copy = strdup(path);
	while (*at) {
		struct node *n = *at;

		if (!below(n->path, copy)) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		fake_fire(f, n->path);
		free(n->path);
		free(n->value);
		free(n);
	}
	free(copy);
	return 0;
}

void fake_permit(struct fake *f, const char *path, unsigned int owner, unsigned int reader)
{
	struct node *n = find(f, path);

	if (!n)
		n = add(f, path, owner, reader);
	n->owner = owner;
	n->reader = reader;
}

unsigned int fake_watch(struct fake *f, unsigned int dom, const char *path)
{
	for (unsigned int i = 0; i < MOST_WATCHES; i++) {
		if (f->watch[i].used)
			continue;
		f->watch[i] = (struct watch){ .used = true, .fired = true, .dom = dom,
					      .path = strdup(path) };
		return i;
	}
	fprintf(stderr, "fake: more than %u watches\n", MOST_WATCHES);
	abort();
}

bool fake_watch_fired(struct fake *f, unsigned int watch)
{
	bool fired = f->watch[watch].fired;

	f->watch[watch].fired = false;
	return fired;
}

void fake_watch_poke(struct fake *f, unsigned int watch)
{
	f->watch[watch].fired = true;
}

void fake_unwatch(struct fake *f, unsigned int watch)
{
	free(f->watch[watch].path);
	f->watch[watch] = (struct watch){ .used = false };
}

void fake_watches_die(struct fake *f, unsigned int dom)
{
	for (unsigned int i = 0; i < MOST_WATCHES; i++)
		if (f->watch[i].used && f->watch[i].dom == dom)
			fake_unwatch(f, i);
}
