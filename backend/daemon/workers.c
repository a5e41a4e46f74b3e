// SPDX-License-Identifier: GPL-2.0-only
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "message.h"
#include "worker.h"

#define ANSWER_MS	10000	/* a worker that has not answered by then hangs */
#define END_MS		300	/* to end by itself */
#define SPARE_PAGES	1024u	/* are reserved beside what was asked for, if there are plenty */
#define SPACING_MS	100	/* between two starts for one guest, at least */
#define SERVED_MS	250	/* who crashed after serving so long did not die at once */
#define QUICK_FREE	3	/* deaths at once before the pauses begin */
#define PAUSE_MAX_MS	10000

/* ---- start ---- */

/* A number above those that the worker expects, so that putting them in place is safe. */
static int raise_number(int fd)
{
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_REFS_FD + 1);

	close(fd);
	return raised;
}

static int socket_pair(int pair[2])
{
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	pair[0] = raise_number(pair[0]);
	pair[1] = raise_number(pair[1]);
	if (pair[0] >= 0 && pair[1] >= 0)
		return 0;
	for (i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	return -1;
}

static int open_area(struct guest *g)
{
	if (maps_area_open(&g->maps))
		return -1;
	g->maps.fd = raise_number(g->maps.fd);
	return g->maps.fd < 0 ? -1 : 0;
}

static int spawn(const struct supervisor *s, struct guest *g, int control)
{
	char domid[12], name[] = "apertured", option[] = "--worker", syslog[] = "--syslog";
	char *argv[] = { name, option, domid, s->foreground ? NULL : syslog, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	snprintf(domid, sizeof(domid), "%u", g->domid);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, control, WORKER_CONTROL_FD);
	posix_spawn_file_actions_adddup2(&files, s->config_fd, WORKER_CONFIG_FD);
	posix_spawn_file_actions_adddup2(&files, g->maps.fd, WORKER_REFS_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, WORKER_REFS_FD + 1);
	err = posix_spawn(&g->pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (err)
		g->pid = 0;
	return err;
}

static void pause_start(struct guest *g)
{
	g->quick++;
	g->not_before = now_ms() + PAUSE_MAX_MS / 10;
}

static void start(struct supervisor *s, struct guest *g)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = g };
	int pair[2], err;

	if (open_area(g) || socket_pair(pair)) {
		xapt_log(XENAPERTURE_ERROR, g->who, "no control channel: %s", strerror(errno));
		maps_area_close(&g->maps);
		pause_start(g);
		return;
	}
	g->started = now_ms();
	g->serving = 0;
	g->ending = false;
	g->deadline = 0;
	err = spawn(s, g, pair[1]);
	close(pair[1]);
	if (err || epoll_ctl(s->epoll, EPOLL_CTL_ADD, pair[0], &e)) {
		xapt_log(XENAPERTURE_ERROR, g->who, "cannot start a worker: %s",
			 strerror(err ? err : errno));
		close(pair[0]);
		maps_area_close(&g->maps);
		pause_start(g);
		return;
	}
	g->fd = pair[0];
	fcntl(g->fd, F_SETFL, O_NONBLOCK);
	xapt_log(XENAPERTURE_DEBUG, g->who, "worker %d started", g->pid);
}

static void close_channel(struct guest *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

/* It may take a while to go, with all that it has mapped. Until then nothing is due. */
static void kill_worker(struct guest *g)
{
	struct device *d;

	close_channel(g);
	g->deadline = 0;
	for (d = g->devices; d; d = d->next)
		d->deadline = 0;
	if (g->pid)
		kill(g->pid, SIGKILL);
}

void workers_stop(struct supervisor *s, struct guest *g)
{
	(void)s;
	if (!g->pid || g->ending)
		return;
	g->ending = true;
	g->deadline = now_ms() + END_MS;
	close_channel(g);
}

/* ---- messages ---- */

static void look(const struct guest *g, struct xapt_giving *now)
{
	xapt_pool_look(&g->pool, now);
	now->mapped = g->mapped->pages;
	now->max_mapped = g->mapped->max_pages;
	now->mappable = now->max_mapped > now->mapped ? now->max_mapped - now->mapped : 0;
}

static void send_message(struct device *d, uint32_t type, int extra)
{
	struct guest *g = d->guest;
	struct message m = {
		.type = type,
		.devid = d->node.devid,
		.epoch = d->connect.epoch,
		.link = d->connect,
	};

	look(g, &m.giving);

	d->deadline = now_ms() + ANSWER_MS;
	if (!message_send(g->fd, &m, extra))
		return;
	/* Full or broken: either way it does not serve. Its death is dealt with as any. */
	xapt_log_some(&g->said, XENAPERTURE_ERROR, g->who, "worker %d takes no message: %s", g->pid,
		      strerror(errno));
	kill_worker(g);
}

static void send_waiting(struct guest *g)
{
	struct device *d;

	for (d = g->devices; d && g->fd >= 0; d = d->next) {
		int stat;

		if (!d->waiting)
			continue;
		d->waiting = false;
		stat = xapt_stat_share(&d->node.stat);
		send_message(d, MESSAGE_CONNECT, stat);
		if (stat >= 0)
			close(stat);
	}
}

void workers_connect(struct supervisor *s, struct device *d)
{
	(void)s;
	d->waiting = true;
	d->deadline = 0;
}

void workers_disconnect(struct supervisor *s, struct device *d)
{
	struct guest *g = d->guest;

	if (d->waiting || !g->pid) {
		d->waiting = false;
		d->deadline = 0;
		xapt_node_down(&d->node);
		d->dirty = true;
	} else if (g->dead) {
		/* Xen keeps the domain's remains until the last page is unmapped: all at once. */
		workers_stop(s, g);
	} else if (g->fd >= 0) {
		send_message(d, MESSAGE_DISCONNECT, -1);
	}
}

/* Is this an answer now? While it ends, only CLOSED: what crossed the question puts nothing off. */
static bool expected(const struct device *d, uint32_t type)
{
	switch (d->node.link) {
	case XAPT_LINK_MAKING:
		return type == MESSAGE_CONNECTED || type == MESSAGE_FAILED;
	case XAPT_LINK_UP:
		return type == MESSAGE_FAILED;
	case XAPT_LINK_ENDING:
		return type == MESSAGE_CLOSED;
	case XAPT_LINK_NONE:
		break;
	}
	return false;
}

static void answered(struct guest *g, struct device *d, const struct message *m)
{
	if (!expected(d, m->type))
		return;
	d->deadline = 0;
	d->dirty = true;
	switch (m->type) {
	case MESSAGE_CONNECTED:
		if (!g->serving)
			g->serving = now_ms();
		xapt_node_up(&d->node, g->pid);
		break;
	case MESSAGE_FAILED:
		xapt_pool_leave(&g->pool, d->node.devid);
		xapt_node_failed(&d->node, (enum xenapt_status)m->status, m->text);
		break;
	case MESSAGE_CLOSED:
		xapt_pool_leave(&g->pool, d->node.devid);
		xapt_node_down(&d->node);
		break;
	}
}

/* d NULL: there is no such device, nothing is given. */
static void answer_wish(struct guest *g, struct device *d, const struct message *m)
{
	struct message r = {
		.type = MESSAGE_GIVEN,
		.devid = m->devid,
		.epoch = m->epoch,
		.status = XENAPT_E_MEMORY,
		.sequence = m->sequence,
		.text = "no such device",
		.wish = m->wish,
	};
	int fd = -1;

	/* The guest asks by way of its worker: within the pool's bounds, whatever it says. */
	if (d) {
		r.status = xapt_pool_give(&g->pool, d->node.devid, &m->wish, &r.given, &fd);
		snprintf(r.text, sizeof(r.text), "%s", r.status == XENAPT_OK ? "" : xapt_error());
	}
	look(g, &r.giving);
	if (message_send(g->fd, &r, fd))
		kill_worker(g);
}

/* What a guest may map in all bounds what its worker may reserve, whatever that says. */
static uint64_t reservable(const struct supervisor *s, const struct guest *g)
{
	uint64_t most = s->config.max_pages_per_guest + SPARE_PAGES;

	return most > g->reserved ? most - g->reserved : 0;
}

/* So many, or none; and some more for the next ones. */
static void answer_reserve(struct supervisor *s, struct guest *g, const struct message *m)
{
	struct xapt_pool_total *t = g->mapped;
	uint64_t left = t->max_pages > t->pages ? t->max_pages - t->pages : 0, pages = 0;
	uint64_t own = reservable(s, g);
	struct message r = { .type = MESSAGE_RESERVED, .sequence = m->sequence };

	if (m->pages && m->pages <= left && m->pages <= own)
		pages = left - m->pages > 8 * SPARE_PAGES && own - m->pages >= SPARE_PAGES ?
			m->pages + SPARE_PAGES : m->pages;
	if (!pages && m->pages) {
		r.status = XENAPT_E_MAPPED_PAGES;
		snprintf(r.text, sizeof(r.text), "%u pages more; of %s (%llu) %llu are left", m->pages,
			 own < left ? "max_pages_per_guest" : "max_mapped_total",
			 (unsigned long long)(own < left ? s->config.max_pages_per_guest : t->max_pages),
			 (unsigned long long)(own < left ? own : left));
	}
	r.pages = (uint32_t)pages;
	t->pages += pages;
	g->reserved += pages;
	look(g, &r.giving);
	if (message_send(g->fd, &r, -1))
		kill_worker(g);
}

/* Whose device it is: a stub domain's is the one of its guest. */
static uint32_t guest_of(const struct supervisor *s, const struct guest *g)
{
	const struct stub *stub;

	for (stub = s->host ? s->stubs.list : NULL; stub; stub = stub->next)
		if (stub->domid == g->domid)
			return stub->guest;
	return g->domid;
}

static void answer_open(struct supervisor *s, struct guest *g, const struct device *d,
			const struct message *m)
{
	struct message r = {
		.type = MESSAGE_OPENED,
		.devid = m->devid,
		.epoch = m->epoch,
		.sequence = m->sequence,
		.text = "no such device",
	};
	int fd = -1;

	if (d) {
		fd = files_open(&s->bus, s->config.files, guest_of(s, g), d->connect.type,
				d->node.devid, m->which);
		snprintf(r.text, sizeof(r.text), "%s", fd < 0 ? xapt_error() : "");
	}
	look(g, &r.giving);
	if (message_send(g->fd, &r, fd))
		kill_worker(g);
	if (fd >= 0)
		close(fd);
}

/* What it did not have it cannot give back. */
static void unreserve(struct guest *g, uint64_t pages)
{
	if (pages > g->reserved)
		pages = g->reserved;
	g->reserved -= pages;
	g->mapped->pages -= pages;
}

/* What is mapped and was not reserved: pages of a connection, and for a moment those of a list of directories. */
#define UNRESERVED	XENAPT_DIR_ENTRIES

static void answer_map(struct guest *g, const struct message *m)
{
	struct message r;
	int fd = maps_answer(&g->maps, g->domid, g->reserved + UNRESERVED, m, &r);

	look(g, &r.giving);
	if (message_send(g->fd, &r, fd))
		kill_worker(g);
	if (fd >= 0)
		close(fd);
}

/* Of the guest as a whole. False: it is about a device. */
static bool of_guest(struct supervisor *s, struct guest *g, const struct message *m)
{
	switch (m->type) {
	case MESSAGE_FAULT:
		xapt_printable(g->fault, sizeof(g->fault), m->text);
		return true;
	case MESSAGE_RESERVE:
		answer_reserve(s, g, m);
		return true;
	case MESSAGE_UNRESERVE:
		unreserve(g, m->pages);
		return true;
	case MESSAGE_MAP:
	case MESSAGE_READS:
		answer_map(g, m);
		return true;
	default:
		return false;
	}
}

static void handle(struct supervisor *s, struct guest *g, struct device *d, const struct message *m)
{
	switch (m->type) {
	case MESSAGE_OPEN:
		answer_open(s, g, d, m);
		break;
	case MESSAGE_WISH:
		answer_wish(g, d, m);
		break;
	case MESSAGE_TAKE_BACK:
		xapt_pool_take_back(&g->pool, d->node.devid, m->given.directory, m->status);
		break;
	default:
		answered(g, d, m);
	}
}

static void dispatch(struct supervisor *s, struct guest *g, const struct message *m)
{
	struct device *d;

	if (of_guest(s, g, m))
		return;

	for (d = g->devices; d; d = d->next) {
		/* An answer about an earlier attempt says nothing. */
		if (d->node.devid == m->devid && d->connect.epoch == m->epoch &&
		    !d->waiting && d->node.link != XAPT_LINK_NONE) {
			handle(s, g, d, m);
			return;
		}
	}
	/* It waits for an answer. */
	if (m->type == MESSAGE_WISH)
		answer_wish(g, NULL, m);
	if (m->type == MESSAGE_OPEN)
		answer_open(s, g, NULL, m);
}

void workers_ready(struct supervisor *s, struct guest *g)
{
	struct message m;
	int n;

	if (g->fd < 0)
		return;
	n = message_receive(g->fd, &m, NULL);
	if (n > 0) {
		dispatch(s, g, &m);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		xapt_log_some(&g->said, XENAPERTURE_ERROR, g->who, "worker %d: bad message: %s",
			      g->pid, strerror(errno));
	kill_worker(g);
}

/* ---- death ---- */

static void describe(const struct guest *g, int status, char *text, size_t room)
{
	if (WIFSIGNALED(status) && g->fault[0])
		snprintf(text, room, "worker died: %.80s", g->fault);
	else if (WIFSIGNALED(status))
		snprintf(text, room, "worker died by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, room, "worker ended with status %d", WEXITSTATUS(status));
}

/*
 * When may the next one start? Fast, unless they die again and again at once: before they
 * served, or by a fault soon after (a guest may cause that one). Somebody's kill is no fault.
 */
static void back_off(struct guest *g, int status)
{
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	uint64_t now = now_ms(), pause = 0;

	if (g->serving && (killed || now - g->serving >= SERVED_MS))
		g->quick = 0;
	else
		g->quick++;
	if (g->quick > QUICK_FREE) {
		pause = (uint64_t)SPACING_MS << (g->quick - QUICK_FREE < 8 ? g->quick - QUICK_FREE : 8);
		if (pause > PAUSE_MAX_MS)
			pause = PAUSE_MAX_MS;
	}
	g->not_before = g->started + SPACING_MS;
	if (now + pause > g->not_before)
		g->not_before = now + pause;
}

static void report_pause(struct guest *g)
{
	uint64_t now = now_ms();
	struct device *d;
	char text[96];

	g->report = false;
	if (g->not_before <= now)
		return;
	snprintf(text, sizeof(text), "the worker died %u times in a row at once; next try in %u ms",
		 g->quick, (unsigned int)(g->not_before - now));
	xapt_log(XENAPERTURE_ERROR, g->who, "%s", text);
	for (d = g->devices; d; d = d->next)
		xapt_node_note(&d->node, text);
}

static void died(struct guest *g, int status)
{
	struct device *d;
	char text[96];

	describe(g, status, text, sizeof(text));
	g->fault[0] = '\0';
	if (!g->ending)
		xapt_log_some(&g->said, XENAPERTURE_WARNING, g->who, "%s (process %d)", text,
			      g->pid);
	close_channel(g);
	maps_area_close(&g->maps);
	unreserve(g, g->reserved);
	g->pid = 0;
	for (d = g->devices; d; d = d->next) {
		d->deadline = 0;
		d->dirty = true;
		xapt_pool_leave(&g->pool, d->node.devid);
		if (d->node.link == XAPT_LINK_ENDING)
			xapt_node_down(&d->node);
		else if (d->node.link != XAPT_LINK_NONE && !d->waiting)
			xapt_node_lost(&d->node, text);
	}
	if (g->ending) {
		g->quick = 0;
		return;
	}
	back_off(g, status);
	g->report = g->quick > QUICK_FREE;
}

void workers_reap(struct supervisor *s)
{
	struct guest *g;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (s->host && returns_reap(&s->returns, pid, status))
			continue;
		for (g = s->guests; g; g = g->next) {
			if (g->pid == pid) {
				died(g, status);
				break;
			}
		}
	}
}

/* ---- time ---- */

static bool wants_worker(const struct guest *g)
{
	const struct device *d;

	for (d = g->devices; d; d = d->next)
		if (d->waiting)
			return true;
	return false;
}

static bool overdue(const struct guest *g, uint64_t now)
{
	const struct device *d;

	if (g->deadline && g->deadline <= now)
		return true;
	for (d = g->devices; d; d = d->next)
		if (d->deadline && d->deadline <= now)
			return true;
	return false;
}

static void work_guest(struct supervisor *s, struct guest *g)
{
	uint64_t now = now_ms();

	if (g->pid && overdue(g, now)) {
		if (!g->ending)
			xapt_log_some(&g->said, XENAPERTURE_ERROR, g->who,
				      "worker %d does not answer for %d ms: killed", g->pid,
				      ANSWER_MS);
		kill_worker(g);
		return;
	}
	if (s->stop || g->dead)
		return;
	/* After the devices' steps: a new offer takes old errors away. */
	if (g->report)
		report_pause(g);
	if (!wants_worker(g))
		return;
	if (!g->pid && g->not_before <= now)
		start(s, g);
	if (g->pid && !g->ending)
		send_waiting(g);
}

void workers_work(struct supervisor *s)
{
	struct guest *g;

	for (g = s->guests; g; g = g->next)
		work_guest(s, g);
}

uint64_t workers_deadline(const struct supervisor *s)
{
	const struct guest *g;
	const struct device *d;
	uint64_t first = UINT64_MAX;

	for (g = s->guests; g; g = g->next) {
		if (g->pid && g->deadline && g->deadline < first)
			first = g->deadline;
		if (!g->pid && wants_worker(g) && g->not_before < first)
			first = g->not_before;
		for (d = g->devices; d; d = d->next)
			if (g->pid && d->deadline && d->deadline < first)
				first = d->deadline;
	}
	return first;
}
