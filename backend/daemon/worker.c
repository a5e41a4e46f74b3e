// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "connection.h"
#include "device_dir.h"
#include "fault.h"
#include "log.h"
#include "maps.h"
#include "message.h"
#include "negotiate.h"
#include "sandbox.h"
#include "wishes.h"

struct served {
	struct xenaperture x;
	struct xapt_stat stat;
	struct served *next;
};

struct worker {
	struct config config;
	struct xapt_guest guest;
	struct xapt_source control;
	struct wishes wishes;
	struct maps maps;
	struct served *devices;
	char who[32];
	bool end;
};

/* One in a process; the table of settings and the control channel find it here. */
static struct worker worker;

static const char *setting(const char *type, const char *key)
{
	const struct config *c = &worker.config;
	char name[sizeof(c->setting[0].name)];
	unsigned int i;

	snprintf(name, sizeof(name), "%s.%s", type, key);
	for (i = 0; i < c->nr_settings; i++)
		if (!strcmp(c->setting[i].name, name))
			return c->setting[i].value;
	return NULL;
}

/*
 * In the middle of what a guest asked for. It hears nothing, as if this process had died with the
 * supervisor a moment earlier: it asks the next one again.
 */
static void supervisor_is_gone(void)
{
	_exit(1);
}

static int file(const struct xenaperture *x, unsigned int which)
{
	return wishes_open(&worker.wishes, x->link.devid, x->link.epoch, which);
}

static void answer(uint32_t type, const struct xapt_link *link, enum xenapt_status status,
		   const char *text)
{
	struct message m = {
		.type = type,
		.devid = link->devid,
		.epoch = link->epoch,
		.status = status,
	};

	snprintf(m.text, sizeof(m.text), "%s", text);
	/* If it cannot be sent, the supervisor is gone, and so is this process soon. */
	if (message_send(WORKER_CONTROL_FD, &m, -1))
		worker.end = true;
}

static struct served *find(uint32_t devid)
{
	struct served *s;

	for (s = worker.devices; s && s->x.link.devid != devid; s = s->next)
		;
	return s;
}

static uint32_t epoch_of(uint32_t devid)
{
	const struct served *s = find(devid);

	return s ? s->x.link.epoch : 0;
}

static void drop(struct served *s)
{
	struct served **p = &worker.devices;

	/* What it gives back it gives back as the device that it was. */
	xapt_connection_close(&s->x);
	while (*p && *p != s)
		p = &(*p)->next;
	if (*p)
		*p = s->next;
	xapt_stat_unmap(&s->stat);
	free(s);
}

static enum xenapt_status open_device(struct served *s, const struct xapt_link *link)
{
	const struct xenaperture_table *table = device_dir_load(worker.config.device_dir,
								link->type);

	if (!table || xapt_connection_init(&s->x, &worker.guest, table, NULL, link->devid))
		return XENAPT_E_DEVICE;
	s->x.setting = setting;
	s->x.file = file;
	return xapt_connection_open(&s->x, link, &s->stat);
}

static void connect_device(const struct xapt_link *link, int stat_fd)
{
	struct served *s = find(link->devid);
	enum xenapt_status status;

	if (s)
		drop(s);
	s = calloc(1, sizeof(*s));
	if (!s) {
		answer(MESSAGE_FAILED, link, XENAPT_E_MEMORY, "out of memory");
		return;
	}
	if (stat_fd >= 0)
		xapt_stat_map(&s->stat, stat_fd);
	status = open_device(s, link);
	if (status == XENAPT_OK) {
		s->next = worker.devices;
		worker.devices = s;
		answer(MESSAGE_CONNECTED, link, XENAPT_OK, "");
		return;
	}
	xapt_stat_unmap(&s->stat);
	free(s);
	answer(MESSAGE_FAILED, link, status, xapt_error());
}

static void disconnect_device(const struct xapt_link *link)
{
	struct served *s = find(link->devid);

	if (s)
		drop(s);
	answer(MESSAGE_CLOSED, link, XENAPT_OK, "");
}

static void take_message(void)
{
	struct message m;
	int extra;
	int n = wishes_receive(&worker.wishes, &m, &extra);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		worker.end = true;
	if (n <= 0)
		return;
	if (m.type == MESSAGE_CONNECT)
		connect_device(&m.link, extra);
	else if (m.type == MESSAGE_DISCONNECT)
		disconnect_device(&m.link);
	else if (m.type == MESSAGE_GIVEN || m.type == MESSAGE_RESERVED)
		wishes_late(&worker.wishes, &m);
	if (extra >= 0)
		close(extra);
}

static void control_ready(struct xapt_source *source, uint32_t events)
{
	(void)source;
	(void)events;
	take_message();
}

/* Devices that cannot go on end here, not inside of their own callbacks. */
static void reap(void)
{
	struct served *s, *next;

	for (s = worker.devices; s; s = next) {
		struct xapt_link link = s->x.link;
		enum xenapt_status status = s->x.core.status;
		char reason[sizeof(s->x.reason)];

		next = s->next;
		if (status == XENAPT_OK)
			continue;
		snprintf(reason, sizeof(reason), "%s",
			 s->x.core.ended_by_child ? "the guest ended the connection with it" :
			 status == XENAPT_E_RING ? "the guest's ring index is impossible" : s->x.reason);
		drop(s);
		answer(MESSAGE_FAILED, &link, status, reason);
	}
}

static int read_config(void)
{
	static char text[CONFIG_TEXT + 32];	/* the supervisor adds a line */
	char error[256];
	ssize_t n = pread(WORKER_CONFIG_FD, text, sizeof(text) - 1, 0);

	close(WORKER_CONFIG_FD);
	if (n < 0)
		return xapt_error_set(errno, "no configuration: %s", strerror(errno));
	text[n] = '\0';
	/* The last line is the supervisor's: log = level. */
	config_defaults(&worker.config);
	if (config_parse(&worker.config, "configuration", text, error, sizeof(error)))
		return xapt_error_set(EINVAL, "%s", error);
	return 0;
}

static int start(uint32_t domid)
{
	uid_t uid;
	gid_t gid;

	/* It was started as /proc/self/exe: ps and top would show "exe". */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || prctl(PR_SET_NAME, "apertured", 0, 0, 0))
		return xapt_error_set(errno, "prctl: %s", strerror(errno));
	signal(SIGINT, SIG_IGN);	/* of a terminal: meant for the supervisor */
	signal(SIGPIPE, SIG_IGN);	/* who reads the log may go */
	wishes_init(&worker.wishes, WORKER_CONTROL_FD, epoch_of);
	worker.wishes.gone = supervisor_is_gone;
	if (read_config() || sandbox_user(worker.config.user, &uid, &gid) ||
	    maps_init(&worker.maps, &worker.wishes, WORKER_REFS_FD) ||
	    xapt_guest_open(&worker.guest, domid, worker.config.max_pages_per_guest, &worker.maps.mapper))
		return -1;
	if (xenevtchn_restrict(worker.guest.evtchn, (domid_t)domid))
		return xapt_error_set(errno, "cannot restrict event channels to guest %u: %s", domid,
				      strerror(errno));
	worker.guest.giver = &worker.wishes.giver;
	fault_watch(&worker.guest, WORKER_CONTROL_FD);
	worker.control = (struct xapt_source){ control_ready, WORKER_CONTROL_FD };
	if (xapt_guest_listen(&worker.guest, &worker.control, EPOLLIN))
		return xapt_error_set(errno, "event loop: %s", strerror(errno));
	return sandbox_enter(uid, gid);
}

int worker_main(uint32_t domid)
{
	snprintf(worker.who, sizeof(worker.who), "guest %u worker", domid);
	if (start(domid)) {
		xapt_log(XENAPERTURE_ERROR, worker.who, "%s", xapt_error());
		return 1;
	}
	xapt_log_level(worker.config.log);
	while (!worker.end) {
		xapt_guest_step(&worker.guest, -1);
		while (wishes_kept(&worker.wishes) && !worker.end)
			take_message();
		worker.end |= worker.wishes.broken;
		reap();
	}
	while (worker.devices)
		drop(worker.devices);
	xapt_guest_close(&worker.guest);
	return 0;
}
