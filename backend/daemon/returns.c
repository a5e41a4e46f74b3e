// SPDX-License-Identifier: GPL-2.0-only
#include "returns.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "parse.h"

#define TOKEN		"introduce"
#define DOMID_MAX	0x7fef
#define BATCH		256	/* domains, taken in one go */

/* Reasons of <xen/sched.h> that a domain does not come back from. */
#define REASON_POWEROFF	0u
#define REASON_UNKNOWN	UINT32_MAX

struct known_domain {
	struct known_domain *next;
	uint32_t domid;
	char uuid[37];
	char who[32];
	uint32_t reason;	/* it shut down for; REASON_UNKNOWN: it did not, or nobody saw */
	bool seen;		/* by this look */
	uint64_t gone;		/* ms; since then it is; 0: it is there */
	bool paused;		/* by us */
	pid_t pid;		/* xen-aperture; 0: not running */
	bool ending;		/* it was asked to end */
	uint64_t deadline;	/* ms; it is asked to end then, or killed; 0: none */
};

static void file_of(const struct returns *r, const struct known_domain *d, char path[320])
{
	snprintf(path, 320, "%s/%s", r->folder, d->uuid);
}

static void node_of(uint32_t domid, char path[64])
{
	snprintf(path, 64, RETURNS_NODES "/%u", domid);
}

/* ---- pausing ---- */

/* The node first: a pause that nobody knows of is for ever. */
static bool pause_domain(struct returns *r, struct known_domain *d)
{
	char path[64];

	node_of(d->domid, path);
	if (!xs_write(r->bus->xs, XBT_NULL, path, "1", 1)) {
		xapt_log(XENAPERTURE_ERROR, d->who, "xenstore: cannot write %s: %s", path,
			 strerror(errno));
		return false;
	}
	d->paused = !xen_pause(r->xen, d->domid);
	if (d->paused)
		return true;
	xapt_log(XENAPERTURE_ERROR, d->who, "%s", xapt_error());
	xs_rm(r->bus->xs, XBT_NULL, path);
	return false;
}

static void unpause_domain(struct returns *r, uint32_t domid)
{
	char path[64];

	node_of(domid, path);
	if (xen_unpause(r->xen, domid))
		xapt_log(XENAPERTURE_ERROR, "", "%s; xl unpause %u", xapt_error(), domid);
	xs_rm(r->bus->xs, XBT_NULL, path);
}

static void let_run(struct returns *r, struct known_domain *d)
{
	if (d->paused)
		unpause_domain(r, d->domid);
	d->paused = false;
}

/* An earlier daemon died between pause and unpause. */
static void undo_earlier(struct returns *r)
{
	unsigned int i, n = 0;
	char **names = xs_directory(r->bus->xs, XBT_NULL, RETURNS_NODES, &n);
	uint32_t domid;

	for (i = 0; names && i < n; i++) {
		if (!xapt_parse_u32(names[i], 1, DOMID_MAX, &domid))
			continue;
		xapt_log(XENAPERTURE_WARNING, "", "guest %u was left paused: unpaused; xen-aperture attach --again %u attaches its devices",
			 domid, domid);
		unpause_domain(r, domid);
	}
	free(names);
}

/* ---- coming ---- */

static void came_back(struct returns *r, struct known_domain *d, uint64_t now)
{
	if (!pause_domain(r, d))
		return;
	d->pid = attach_again(d->domid);
	if (d->pid < 0) {
		xapt_log(XENAPERTURE_ERROR, d->who, "cannot run xen-aperture: %s", strerror(errno));
		d->pid = 0;
		let_run(r, d);
		return;
	}
	d->deadline = now + RETURNS_MS;
	d->ending = false;
	xapt_log(XENAPERTURE_INFO, d->who, "is back: its devices are attached again");
}

static void put_uuid(char text[37], const uint8_t uuid[16])
{
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		n += (unsigned int)snprintf(text + n, 37 - n, "%02x", uuid[i]);
	}
}

static struct known_domain *add(struct returns *r, const struct xen_info *info)
{
	struct known_domain *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->domid = info->domid;
	d->reason = REASON_UNKNOWN;
	put_uuid(d->uuid, info->uuid);
	snprintf(d->who, sizeof(d->who), "guest %u", info->domid);
	d->next = r->list;
	r->list = d;
	return d;
}

/* ---- going ---- */

static void forget_file(struct returns *r, const struct known_domain *d)
{
	char path[320];

	file_of(r, d, path);
	if (d->uuid[0] && !unlink(path))
		xapt_log(XENAPERTURE_INFO, d->who, "will not come back: its devices are forgotten");
}

/* Has another domain that lives its UUID? A migration within the machine: then nothing ended. */
static bool lives_on(const struct returns *r, const struct known_domain *gone)
{
	const struct known_domain *d;

	for (d = r->list; d; d = d->next)
		if (d != gone && !d->gone && !strcmp(d->uuid, gone->uuid))
			return true;
	return false;
}

static void drop(struct returns *r, struct known_domain *d)
{
	struct known_domain **p = &r->list;
	char path[64];

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	node_of(d->domid, path);
	if (d->paused)
		xs_rm(r->bus->xs, XBT_NULL, path);
	/* It takes back what it has begun. */
	if (d->pid)
		kill(d->pid, SIGTERM);
	free(d);
}

/* It may be freed. Who was seen to reboot, crash or be saved is waited for: its file stays. */
static void went(struct returns *r, struct known_domain *d, uint64_t now)
{
	if (!d->gone)
		d->gone = now;
	if (d->reason == REASON_POWEROFF || d->reason == REASON_UNKNOWN) {
		if (now - d->gone < RETURNS_KEEP_MS)
			return;
		if (!lives_on(r, d))
			forget_file(r, d);
	}
	drop(r, d);
}

/* ---- looking ---- */

static struct known_domain *find(const struct returns *r, const struct xen_info *info)
{
	struct known_domain *d;
	char uuid[37];

	put_uuid(uuid, info->uuid);
	for (d = r->list; d && (d->domid != info->domid || strcmp(d->uuid, uuid)); d = d->next)
		;
	return d;
}

/* now 0: at the start, nobody has just come. */
static void look_at(struct returns *r, const struct xen_info *info, uint64_t now)
{
	struct known_domain *d = find(r, info);
	bool fresh = !d;
	char path[320];

	/* Still being built: its devices would be taken for a dead guest's. Its introduction comes. */
	if (!d && !info->dying && !xapt_bus_domain(r->bus, info->domid))
		return;
	if (!d)
		d = add(r, info);
	if (!d)
		return;
	d->seen = !info->dying;
	if (info->shut)
		d->reason = info->reason;
	if (!fresh || !now || info->dying || info->shut)
		return;
	file_of(r, d, path);
	if (!access(path, F_OK))
		came_back(r, d, now);
}

static bool look(struct returns *r, uint64_t now)
{
	static struct xen_info info[BATCH];
	struct known_domain *d;
	uint32_t first = 1;
	int i, n;

	for (d = r->list; d; d = d->next)
		d->seen = false;
	do {
		n = xen_list(r->xen, first, BATCH, info);
		for (i = 0; i < n; i++)
			look_at(r, &info[i], now);
		if (n > 0)
			first = info[n - 1].domid + 1;
	} while (n == BATCH);
	return n >= 0;
}

/* ---- work ---- */

int returns_open(struct returns *r, struct xapt_bus *bus, struct xen *xen)
{
	*r = (struct returns){ .bus = bus, .xen = xen,
			       .folder = r->folder ? r->folder : RETURNS_FOLDER };
	if (!xen)
		return 0;
	if (!xs_watch(bus->xs, "@introduceDomain", TOKEN))
		return xapt_error_set(errno, "xenstore: cannot watch @introduceDomain: %s",
				      strerror(errno));
	undo_earlier(r);
	look(r, 0);
	return 0;
}

void returns_close(struct returns *r)
{
	while (r->list) {
		let_run(r, r->list);
		drop(r, r->list);
	}
}

bool returns_watch(struct returns *r, const char *token)
{
	bool ours = !strcmp(token, TOKEN);

	if (ours || !strcmp(token, "release"))
		r->look = true;
	return ours;
}

bool returns_reap(struct returns *r, pid_t pid, int status)
{
	struct known_domain *d;

	for (d = r->list; d && d->pid != pid; d = d->next)
		;
	if (!d)
		return false;
	d->pid = 0;
	d->deadline = 0;
	if (WIFSIGNALED(status))
		xapt_log(XENAPERTURE_ERROR, d->who, "attaching its devices again ended by signal %d; it runs without",
			 WTERMSIG(status));
	else if (WEXITSTATUS(status))
		xapt_log(XENAPERTURE_ERROR, d->who, "attaching its devices again ended with status %d; it runs as it is",
			 WEXITSTATUS(status));
	let_run(r, d);
	return true;
}

/* Asked to end, it takes back what it has begun; xl, which it may be waiting for, must not be killed for that. */
static void too_late(struct returns *r, struct known_domain *d, uint64_t now)
{
	if (d->ending) {
		kill(-d->pid, SIGKILL);
		d->deadline = 0;
		return;
	}
	xapt_log(XENAPERTURE_ERROR, d->who, "attaching its devices again takes longer than %d s: it runs without",
		 RETURNS_MS / 1000);
	kill(d->pid, SIGTERM);
	d->ending = true;
	d->deadline = now + RETURNS_END_MS;
	let_run(r, d);
}

void returns_work(struct returns *r, uint64_t now)
{
	struct known_domain *d, *next;
	bool all = r->look && r->xen && look(r, now);

	r->look = false;
	for (d = r->list; d; d = next) {
		next = d->next;
		if (d->deadline && d->deadline <= now)
			too_late(r, d, now);
		if (d->gone || (all && !d->seen))
			went(r, d, now);
	}
}

uint64_t returns_deadline(const struct returns *r)
{
	const struct known_domain *d;
	uint64_t first = r->look ? 0 : UINT64_MAX;

	for (d = r->list; d; d = d->next) {
		if (d->deadline && d->deadline < first)
			first = d->deadline;
		if (d->gone && d->gone + RETURNS_KEEP_MS < first)
			first = d->gone + RETURNS_KEEP_MS;
	}
	return first;
}
