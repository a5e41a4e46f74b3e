// SPDX-License-Identifier: GPL-2.0-only
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "log.h"
#include "parse.h"

#define PREFIX		"given-"
#define FIRST_FD	SD_LISTEN_FDS_START
#define FILES		(XAPT_POOL_FILES + 1)	/* the last is the state */

struct kept_pool {
	struct kept_pool *next;
	uint32_t domid;
	int fd[FILES];
};

static const char *const what[FILES] = { "0", "1", "2", "state" };

/* ---- to the service manager ---- */

static void keep(struct xapt_pool_keeper *keeper, uint32_t domid, const char *name, int fd)
{
	char text[96];

	(void)keeper;
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=" PREFIX "%u-%s", domid, name);
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

static void forget(struct xapt_pool_keeper *keeper, uint32_t domid)
{
	unsigned int i;

	(void)keeper;
	for (i = 0; i < FILES; i++)
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=" PREFIX "%u-%s", domid, what[i]);
}

/* ---- from it ---- */

static struct kept_pool *find(struct keeper *k, uint32_t domid)
{
	struct kept_pool *p;

	for (p = k->list; p && p->domid != domid; p = p->next)
		;
	if (p)
		return p;
	p = malloc(sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct kept_pool){ .next = k->list, .domid = domid, .fd = { -1, -1, -1, -1 } };
	k->list = p;
	return p;
}

/* False: it is none of ours, or there are two. */
static bool take(struct keeper *k, const char *name, int fd)
{
	char number[12] = "";
	const char *rest;
	struct kept_pool *p;
	uint32_t domid;
	unsigned int i;
	size_t n;

	if (strncmp(name, PREFIX, strlen(PREFIX)))
		return false;
	name += strlen(PREFIX);
	rest = strchr(name, '-');
	n = rest ? (size_t)(rest - name) : sizeof(number);
	if (n >= sizeof(number))
		return false;
	memcpy(number, name, n);
	if (!xapt_parse_u32(number, 0, 0x7fef, &domid))
		return false;
	p = find(k, domid);
	for (i = 0; p && i < FILES; i++) {
		if (!strcmp(rest + 1, what[i]) && p->fd[i] < 0) {
			p->fd[i] = fd;
			return true;
		}
	}
	return false;
}

void keeper_open(struct keeper *k)
{
	char **names = NULL;
	int i, n;

	*k = (struct keeper){ .calls = { .keep = keep, .forget = forget } };
	k->works = getenv("NOTIFY_SOCKET");
	n = sd_listen_fds_with_names(1, &names);
	for (i = 0; i < n; i++) {
		if (!take(k, names[i], FIRST_FD + i))
			close(FIRST_FD + i);
		free(names[i]);
	}
	free(names);
}

static struct kept_pool *take_out(struct keeper *k, uint32_t domid)
{
	struct kept_pool **at = &k->list, *p;

	while (*at && (*at)->domid != domid)
		at = &(*at)->next;
	p = *at;
	if (p)
		*at = p->next;
	return p;
}

void keeper_restore(struct keeper *k, struct xapt_pool *p)
{
	struct kept_pool *kept = take_out(k, p->domid);
	char who[32];

	p->keeper = k->works ? &k->calls : NULL;
	if (!kept)
		return;
	snprintf(who, sizeof(who), "guest %u", p->domid);
	if (xapt_pool_restore(p, kept->fd, kept->fd[XAPT_POOL_FILES]))
		xapt_log(XENAPERTURE_WARNING, who, "memory that was given is lost: %s", xapt_error());
	else
		xapt_log(XENAPERTURE_INFO, who, "%llu pages of memory that was given are taken up again",
			 (unsigned long long)p->pages);
	free(kept);
}

bool keeper_next(const struct keeper *k, uint32_t *domid)
{
	if (k->list)
		*domid = k->list->domid;
	return k->list;
}
