// SPDX-License-Identifier: GPL-2.0-only
#include "wishes.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

struct kept_message {
	struct kept_message *next;
	struct message m;
	int extra;
};

static struct wishes *wishes_of(struct xapt_giver *giver)
{
	return (struct wishes *)giver;	/* its first member */
}

/* In one go, so that not each aperture asks. */
#define CHUNK	1024u

static int send_take_back(struct wishes *w, uint32_t devid, uint32_t epoch, uint32_t directory,
			  bool released)
{
	struct message m = {
		.type = MESSAGE_TAKE_BACK,
		.devid = devid,
		.epoch = epoch,
		.status = released,
		.given.directory = directory,
	};

	return message_send(w->fd, &m, -1);
}

/* ---- messages in between ---- */

static void keep(struct wishes *w, const struct message *m, int extra)
{
	struct kept_message **at = &w->first, *k = malloc(sizeof(*k));

	if (!k) {
		w->broken = true;
		return;
	}
	*k = (struct kept_message){ NULL, *m, extra };
	while (*at)
		at = &(*at)->next;
	*at = k;
}

bool wishes_kept(const struct wishes *w)
{
	return w->first;
}

static void hear(struct wishes *w, const struct message *m)
{
	w->giver.now = m->giving;
	w->giver.now.mappable += w->reserved - w->used;
}

int wishes_receive(struct wishes *w, struct message *m, int *extra)
{
	struct kept_message *k = w->first;
	int n = 1;

	if (k) {
		*m = k->m;
		*extra = k->extra;
		w->first = k->next;
		free(k);
	} else {
		n = message_receive(w->fd, m, extra);
	}
	if (n == 1)
		hear(w, m);
	return n;
}

static void send_unreserve(struct wishes *w, uint32_t pages)
{
	struct message m = { .type = MESSAGE_UNRESERVE, .pages = pages };

	/* As of take_back(). */
	if (pages && message_send(w->fd, &m, -1) && errno != EAGAIN)
		w->broken = true;
}

void wishes_late(struct wishes *w, const struct message *m)
{
	if (m->type == MESSAGE_RESERVED)
		send_unreserve(w, m->pages);
	/* The guest never learned of a new one. */
	else if (m->status == XENAPT_OK)
		send_take_back(w, m->devid, m->epoch, m->given.directory, !m->wish.again);
}

/* ---- asking ---- */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool answers(const struct message *m)
{
	return m->type == MESSAGE_GIVEN || m->type == MESSAGE_RESERVED || m->type == MESSAGE_OPENED ||
	       m->type == MESSAGE_MAPPED;
}

/* The answer to sequence. False: none came in time, or the supervisor is gone. */
static bool wait_for(struct wishes *w, struct message *m, int *fd)
{
	int64_t end = clock_ms() + MESSAGE_WAIT_MS, left;
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	while (!w->broken && (left = end - clock_ms()) > 0) {
		int n = poll(&p, 1, (int)left) > 0 ? message_receive(w->fd, m, fd) : -1;

		if (!n || (n < 0 && p.revents && errno != EAGAIN && errno != EINTR))
			w->broken = true;
		if (n <= 0)
			continue;
		if (answers(m) && m->sequence == w->sequence)
			return true;
		keep(w, m, *fd);
	}
	return false;
}

int wishes_ask(struct wishes *w, struct message *m, int *fd)
{
	m->sequence = ++w->sequence;
	*fd = -1;
	if (message_send(w->fd, m, -1)) {
		w->broken |= errno == EPIPE;
	} else if (wait_for(w, m, fd)) {
		hear(w, m);
		return 0;
	}
	*fd = -1;
	if (w->broken && w->gone)
		w->gone();
	return xapt_error_set(ETIMEDOUT, "no answer of the supervisor in %d ms", MESSAGE_WAIT_MS);
}

static enum xenapt_status ask(struct xapt_giver *giver, uint32_t devid,
			      const struct xapt_wish *wish, struct xapt_given *given, int *fd)
{
	struct wishes *w = wishes_of(giver);
	struct message m = {
		.type = MESSAGE_WISH,
		.devid = devid,
		.epoch = w->epoch(devid),
		.wish = *wish,
	};

	if (wishes_ask(w, &m, fd))
		return XENAPT_E_MEMORY;
	*given = m.given;
	if (m.status == XENAPT_OK && *fd < 0) {
		xapt_error_set(EPROTO, "the supervisor sent no file");
		wishes_late(w, &m);
		return XENAPT_E_MEMORY;
	}
	if (m.status != XENAPT_OK)
		xapt_error_set(ENOMEM, "%s", m.text);
	return (enum xenapt_status)m.status;
}

static void take_back(struct xapt_giver *giver, uint32_t devid, uint32_t directory, bool released)
{
	struct wishes *w = wishes_of(giver);

	/* If it cannot be sent, the supervisor is gone, or ends this process soon. */
	if (send_take_back(w, devid, w->epoch(devid), directory, released) && errno != EAGAIN)
		w->broken = true;
}

static bool ask_for_more(struct wishes *w, uint32_t pages);

/* 0 pages more: the answer says what there is. */
static void look(struct xapt_giver *giver)
{
	ask_for_more(wishes_of(giver), 0);
}

/* ---- what may be mapped ---- */

static bool ask_for_more(struct wishes *w, uint32_t pages)
{
	struct message m = { .type = MESSAGE_RESERVE, .pages = pages };
	int fd;

	if (wishes_ask(w, &m, &fd))
		return false;
	if (fd >= 0)
		close(fd);
	w->reserved += m.pages;
	w->giver.now.mappable += m.pages;
	if (m.pages < pages)
		xapt_error_set(ENOSPC, "%s", m.text);
	return m.pages >= pages;
}

static bool reserve(struct xapt_giver *giver, uint32_t pages)
{
	struct wishes *w = wishes_of(giver);
	uint64_t have = w->reserved - w->used;

	if (pages > have && !ask_for_more(w, (uint32_t)(pages - have)))
		return false;
	w->used += pages;
	giver->now.mappable -= pages;
	return true;
}

static void unreserve(struct xapt_giver *giver, uint32_t pages)
{
	struct wishes *w = wishes_of(giver);
	uint64_t spare;

	w->used -= pages;
	giver->now.mappable += pages;
	spare = w->reserved - w->used;
	if (spare <= 2 * CHUNK)
		return;
	w->reserved -= spare - CHUNK;
	send_unreserve(w, (uint32_t)(spare - CHUNK));
}

/* ---- files ---- */

int wishes_open(struct wishes *w, uint32_t devid, uint32_t epoch, unsigned int which)
{
	struct message m = {
		.type = MESSAGE_OPEN,
		.devid = devid,
		.epoch = epoch,
		.which = which,
	};
	int fd;

	if (wishes_ask(w, &m, &fd))
		return -1;
	return fd >= 0 ? fd : xapt_error_set(ENOENT, "%s", m.text);
}

void wishes_init(struct wishes *w, int fd, uint32_t (*epoch)(uint32_t devid))
{
	*w = (struct wishes){
		.giver = { .ask = ask, .take_back = take_back, .look = look, .estimate = true, .reserve = reserve,
			   .unreserve = unreserve },
		.fd = fd, .epoch = epoch,
	};
}
