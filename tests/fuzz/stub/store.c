// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small xenstored behind a ring. Hostile, it says errors, says things of its own beside the answers,
 * and says it all in pieces; but it answers each request once, as a trusted one does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#include <xen/io/xs_wire.h>

#define NODES	1000u
#define WATCHES	96u
#define OUT	(1u << 18)

static struct xenstore_domain_interface *ring;
static struct {
	char *path, *value;
} nodes[NODES];
static struct {
	char *path, *token;
} watches[WATCHES];
static uint8_t out[OUT];
static unsigned int out_from, out_to;

unsigned int store_watches, store_transactions;
bool store_hostile;

/* ---- saying ---- */

static void say(uint32_t type, uint32_t id, const void *text, uint32_t n)
{
	struct xsd_sockmsg head = { .type = type, .req_id = id, .len = n };

	if (out_from == out_to)
		out_from = out_to = 0;
	/* Nobody listens: the guest's flood is xenstored's to stop. */
	if (out_to + sizeof(head) + n > OUT) {
		WORLD_MUST(type == XS_WATCH_EVENT);
		return;
	}
	memcpy(out + out_to, &head, sizeof(head));
	memcpy(out + out_to + sizeof(head), text, n);
	out_to += (unsigned int)sizeof(head) + n;
}

static bool hand_over(unsigned int octets)
{
	bool moved = false;

	while (octets-- && out_from < out_to && ring->rsp_prod - ring->rsp_cons < XENSTORE_RING_SIZE) {
		ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod)] = (char)out[out_from++];
		ring->rsp_prod++;
		moved = true;
	}
	if (moved)
		xen_fire(1);
	return moved;
}

/* ---- nodes ---- */

static bool below(const char *path, const char *above)
{
	size_t n = strlen(above);

	return !strncmp(path, above, n) && (!path[n] || path[n] == '/');
}

void store_false_event(const char *path, const char *token)
{
	char text[4200];
	int n = snprintf(text, sizeof(text), "%s%c%s", path, 0, token);

	say(XS_WATCH_EVENT, 0, text, (uint32_t)n + 1);
}

/* removed: watches below fire as well. */
static void fire(const char *path, bool removed)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++) {
		if (!watches[i].path)
			continue;
		if (below(path, watches[i].path))
			store_false_event(path, watches[i].token);
		else if (removed && below(watches[i].path, path))
			store_false_event(watches[i].path, watches[i].token);
	}
}

const char *store_look(const char *path)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (nodes[i].path && !strcmp(nodes[i].path, path))
			return nodes[i].value;
	return NULL;
}

void store_put(const char *path, const char *value)
{
	unsigned int i, hole = NODES;

	for (i = 0; i < NODES; i++) {
		if (!nodes[i].path)
			hole = i;
		else if (!strcmp(nodes[i].path, path))
			break;
	}
	if (i == NODES) {
		WORLD_MUST(hole < NODES);
		i = hole;
		nodes[i].path = strdup(path);
	}
	free(nodes[i].value);
	nodes[i].value = strdup(value);
	fire(path, false);
}

void store_drop(const char *path)
{
	unsigned int i;
	bool any = false;

	for (i = 0; i < NODES; i++) {
		if (!nodes[i].path || !below(nodes[i].path, path))
			continue;
		free(nodes[i].path);
		free(nodes[i].value);
		nodes[i].path = nodes[i].value = NULL;
		any = true;
	}
	if (any)
		fire(path, true);
}

/* ---- requests ---- */

static void list(uint32_t id, const char *path)
{
	char text[4096];
	uint32_t n = 0;
	unsigned int i, k;

	for (i = 0; i < NODES; i++) {
		const char *name, *end;

		if (!nodes[i].path || !below(nodes[i].path, path) || !strcmp(nodes[i].path, path))
			continue;
		name = nodes[i].path + strlen(path) + 1;
		end = strchr(name, '/');
		if (!end)
			end = name + strlen(name);
		for (k = 0; k < n; k += (uint32_t)strlen(text + k) + 1)
			if (strlen(text + k) == (size_t)(end - name) &&
			    !memcmp(text + k, name, (size_t)(end - name)))
				break;
		if (k < n)
			continue;
		memcpy(text + n, name, (size_t)(end - name));
		n += (uint32_t)(end - name);
		text[n++] = 0;
	}
	if (n)
		say(XS_DIRECTORY, id, text, n);
	else
		say(XS_ERROR, id, "ENOENT", 7);
}

static void read_node(uint32_t id, const char *path)
{
	const char *value = store_look(path);

	if (value)
		say(XS_READ, id, value, (uint32_t)strlen(value));
	else
		say(XS_ERROR, id, "ENOENT", 7);
}

static const char *watch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++)
		if (watches[i].path && !strcmp(watches[i].path, path) && !strcmp(watches[i].token, token))
			return "EEXIST";
	for (i = 0; i < WATCHES && watches[i].path; i++)
		;
	WORLD_MUST(i < WATCHES);
	watches[i].path = strdup(path);
	watches[i].token = strdup(token);
	store_watches++;
	store_false_event(path, token);
	return NULL;
}

static const char *unwatch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++) {
		if (!watches[i].path || strcmp(watches[i].path, path) || strcmp(watches[i].token, token))
			continue;
		free(watches[i].path);
		free(watches[i].token);
		watches[i].path = watches[i].token = NULL;
		store_watches--;
		return NULL;
	}
	return "ENOENT";
}

static void ok_or(uint32_t type, uint32_t id, const char *error)
{
	if (error)
		say(XS_ERROR, id, error, (uint32_t)strlen(error) + 1);
	else
		say(type, id, "OK", 3);
}

/* A second text behind the first one's 0; n octets in all. */
static void execute(const struct xsd_sockmsg *q, char *text)
{
	char *second = text + strlen(text) + 1;

	WORLD_MUST(second <= text + q->len);
	switch (q->type) {
	case XS_READ:
		read_node(q->req_id, text);
		return;
	case XS_DIRECTORY:
		list(q->req_id, text);
		return;
	case XS_WRITE:
		WORLD_MUST(strncmp(text, "/local/domain/5", 15));
		store_put(text, second);
		break;
	case XS_RM:
		store_drop(text);
		break;
	case XS_WATCH:
		ok_or(XS_WATCH, q->req_id, watch(text, second));
		return;
	case XS_UNWATCH:
		ok_or(XS_UNWATCH, q->req_id, unwatch(text, second));
		return;
	case XS_TRANSACTION_START:
		store_transactions++;
		say(XS_TRANSACTION_START, q->req_id, "77", 3);
		return;
	case XS_TRANSACTION_END:
		WORLD_MUST(q->tx_id == 77 && store_transactions == 1);
		store_transactions--;
		break;
	default:
		WORLD_MUST(!"a request that the stub domain makes");
	}
	say(q->type, q->req_id, "OK", 3);
}

static void refuse(const struct xsd_sockmsg *q)
{
	static const char *const errors[] = { "EAGAIN", "ENOENT", "EQUOTA", "", "EACCES" };
	const char *error = errors[world_mood(5)];

	if (q->type == XS_TRANSACTION_END)
		store_transactions--;
	say(XS_ERROR, q->req_id, error, (uint32_t)strlen(error) + (world_mood(2) || !*error));
}

/* Beside the answer: an old one, an event of a kind nobody knows, a message longer than the ring. */
static void chatter(void)
{
	static char noise[XENSTORE_PAYLOAD_MAX];

	memset(noise, "/7\0a"[world_mood(4)], sizeof(noise));
	say((uint32_t)world_mood(20), 0x80000000u | (uint32_t)world_mood(9), noise,
	    (uint32_t)world_mood(world_mood(2) ? 40 : XENSTORE_PAYLOAD_MAX + 1));
	if (!world_mood(3))
		say(XS_WATCH_EVENT, 0, noise, (uint32_t)world_mood(1100));
}

static bool one_request(void)
{
	static char text[XENSTORE_PAYLOAD_MAX + 2];
	struct xsd_sockmsg q;
	uint32_t there = ring->req_prod - ring->req_cons, i;
	char *to = (char *)&q;

	WORLD_MUST(there <= XENSTORE_RING_SIZE);
	if (!there)
		return false;
	/* Requests come whole. */
	WORLD_MUST(there >= sizeof(q));
	for (i = 0; i < sizeof(q); i++)
		to[i] = ring->req[MASK_XENSTORE_IDX(ring->req_cons++)];
	WORLD_MUST(q.len <= XENSTORE_PAYLOAD_MAX && there >= sizeof(q) + q.len);
	memset(text, 0, sizeof(text));
	for (i = 0; i < q.len; i++)
		text[i] = ring->req[MASK_XENSTORE_IDX(ring->req_cons++)];
	if (store_hostile && !world_mood(8))
		chatter();
	if (store_hostile && !world_mood(25) && q.type != XS_UNWATCH)
		refuse(&q);
	else
		execute(&q, text);
	return true;
}

bool store_work(unsigned int octets)
{
	bool moved = false;

	while (one_request())
		moved = true;
	return hand_over(octets) || moved;
}

void store_garbage(void)
{
	struct xsd_sockmsg head = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };

	/* At a message's begin, and all that was to come is lost with it. */
	if (out_from || ring->rsp_prod != ring->rsp_cons || ring->req_prod != ring->req_cons)
		return;
	out_from = out_to = 0;
	memcpy(out, &head, sizeof(head));
	out_to = sizeof(head);
	hand_over(sizeof(head));
}

void store_start(void *page)
{
	ring = page;
}
