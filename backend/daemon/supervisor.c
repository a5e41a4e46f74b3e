// SPDX-License-Identifier: GPL-2.0-only
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "elsewhere.h"
#include "gntalloc.h"
#include "log.h"
#include "maptrack.h"
#include "stat.h"

#define PID_FILE	XENAPERTURE_RUN "/apertured.pid"
#define STOP_MS		2000
#define WATCHES		1000	/* taken in one go, at most */

/* Descriptors of the loop that are no worker's. */
static char tag_store, tag_signal, tag_stubs;

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- start ---- */

/* The lock goes with the process; of an earlier one killed just now it may last a moment. */
static int lock_pid(void)
{
	int fd, tries;

	for (tries = 0; (fd = xapt_lock_file(PID_FILE)) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return xapt_error_set(errno, "%s: %s", PID_FILE, strerror(errno));
		if (tries == 20)
			return xapt_error_set(errno, "%s is locked: apertured runs already", PID_FILE);
		usleep(100000);
	}
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0)
		return xapt_error_set(errno, "%s: %s", PID_FILE, strerror(errno));
	return 0;
}

/* The workers read the configuration as it was when the supervisor started. */
static int keep_config(struct supervisor *s, const char *text)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };
	int fd = memfd_create("apertured.conf", MFD_CLOEXEC);

	s->config_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (fd >= 0)
		close(fd);
	if (s->config_fd < 0 ||
	    dprintf(s->config_fd, "%s\nlog = %s\n", text, levels[s->config.log]) < 0)
		return xapt_error_set(errno, "memory file: %s", strerror(errno));
	return 0;
}

static int listen_to(struct supervisor *s, int fd, void *tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = tag };

	if (fd < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e))
		return xapt_error_set(errno, "event loop: %s", strerror(errno));
	return 0;
}

static int open_signals(struct supervisor *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before xenstore starts a thread: it inherits the mask. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return listen_to(s, s->signals, &tag_signal);
}

static bool gives(struct supervisor *s)
{
	if (!s->config.max_given || !s->config.max_given_total)
		return false;
	if (!access(XAPT_GNTALLOC, R_OK | W_OK))
		return true;
	xapt_log(XENAPERTURE_WARNING, "", "guests get no memory of this side: " XAPT_GNTALLOC
		 ": %s; is the module xen-gntalloc loaded?", strerror(errno));
	return false;
}

static int open_store(struct supervisor *s)
{
	if (xapt_bus_open(&s->bus))
		return -1;
	s->bus.max_size = s->config.max_size;
	s->bus.gives = gives(s);
	if (!xs_watch(s->bus.xs, s->bus.root, "backend"))
		return xapt_error_set(errno, "xenstore: cannot watch %s: %s", s->bus.root,
				      strerror(errno));
	/* In a driver domain: the nodes of guests that end are taken away from domain 0. */
	if (!xs_watch(s->bus.xs, "@releaseDomain", "release"))
		xapt_log(s->bus.own ? XENAPERTURE_INFO : XENAPERTURE_WARNING, "",
			 "no notice of guests that end (%s): apertured in domain 0 tells of them",
			 strerror(errno));
	return listen_to(s, xs_fileno(s->bus.xs), &tag_store);
}

static void set_bounds(struct supervisor *s)
{
	s->given.max_pages = s->config.max_given_total / XENAPT_PAGE_SIZE;
	s->mapped.max_pages = s->config.max_mapped_total;
	if (!s->mapped.max_pages) {
		s->mapped.max_pages = maptrack_bound(s->host ? s->stubs.xen : NULL);
		if (!s->host)
			xapt_log(XENAPERTURE_INFO, "", "max_mapped_total = auto: %llu pages, for the 1024 maptrack frames that a domain has by default; where max_maptrack_frames of this one's configuration is another number, set max_mapped_total",
				 (unsigned long long)s->mapped.max_pages);
	}
	means_init(&s->means, s->host ? s->stubs.xen : xen_open(), &s->given);
	xapt_log(XENAPERTURE_DEBUG, "", "%llu pages of guests are mapped at most",
		 (unsigned long long)s->mapped.max_pages);
}

static int open_host(struct supervisor *s)
{
	s->host = !s->bus.own;
	if (!s->host)
		return 0;
	if (stubs_open(&s->stubs, &s->bus, s->config.stub_watchdog) ||
	    returns_open(&s->returns, &s->bus, s->stubs.xen))
		return -1;
	return stubs_fd(&s->stubs) < 0 ? 0 : listen_to(s, stubs_fd(&s->stubs), &tag_stubs);
}

/* What every worker will need; better said now than when a guest waits. */
static int check_handles(void)
{
	static const char *const files[] = { "/dev/xen/gntdev", "/dev/xen/evtchn" };
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (access(files[i], R_OK | W_OK))
			return xapt_error_set(errno, "%s: %s; is this a Xen domain, and the module xen-%s loaded?",
					      files[i], strerror(errno), files[i] + 9);
	return 0;
}

/* A channel a guest and a file a device: the customary 1024 are soon used up. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct supervisor *s, const char *text)
{
	allow_files();
	/* First: what it passed are the lowest descriptors. */
	keeper_open(&s->keeper);
	if (check_handles() || open_signals(s) || keep_config(s, text))
		return -1;
	if (xapt_stat_prepare())
		return xapt_error_set(errno, "%s: %s", XENAPERTURE_RUN, strerror(errno));
	if (lock_pid())
		return -1;
	if (open_store(s) || open_host(s))
		return -1;
	set_bounds(s);
	nodes_restore(s);
	return 0;
}

/* ---- the loop ---- */

static void store_ready(struct supervisor *s)
{
	char **watch;
	int n;

	/* All there are, then one look at each thing that they name. */
	for (n = 0; n < WATCHES && (watch = xs_check_watch(s->bus.xs)); n++) {
		if (!s->host || (!returns_watch(&s->returns, watch[XS_WATCH_TOKEN]) &&
				 !stubs_watch(&s->stubs, watch[XS_WATCH_PATH], watch[XS_WATCH_TOKEN])))
			nodes_watch(s, watch[XS_WATCH_PATH], watch[XS_WATCH_TOKEN]);
		free(watch);
	}
}

static void signal_ready(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			workers_reap(s);
		else
			s->stop = true;
	}
}

static int wait_ms(const struct supervisor *s, uint64_t end)
{
	uint64_t first = workers_deadline(s), other = nodes_deadline(s), now = now_ms();

	if (other < first)
		first = other;
	other = s->host ? stubs_deadline(&s->stubs) : UINT64_MAX;
	if (other < first)
		first = other;
	other = s->host ? returns_deadline(&s->returns) : UINT64_MAX;
	if (other < first)
		first = other;
	if (end < first)
		first = end;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now < 60000 ? first - now : 60000);
}

static void turn(struct supervisor *s, uint64_t end)
{
	struct epoll_event e;
	int n = epoll_wait(s->epoll, &e, 1, wait_ms(s, end));

	if (n == 1 && e.data.ptr == &tag_store)
		store_ready(s);
	else if (n == 1 && e.data.ptr == &tag_signal)
		signal_ready(s);
	else if (n == 1 && e.data.ptr == &tag_stubs)
		stubs_ready(&s->stubs);
	else if (n == 1)
		workers_ready(s, e.data.ptr);
}

static void serve(struct supervisor *s)
{
	while (!s->stop) {
		nodes_work(s);
		workers_work(s);
		if (s->host) {
			stubs_work(&s->stubs, now_ms());
			returns_work(&s->returns, now_ms());
		}
		turn(s, UINT64_MAX);
	}
}

/* Workers let go, devices go back to InitWait: whoever starts next goes on. */
static void finish(struct supervisor *s)
{
	uint64_t end = now_ms() + STOP_MS;
	bool left = true;
	struct guest *g;

	sd_notify(0, "STOPPING=1");
	elsewhere_sign(&s->bus, false);
	while (left && now_ms() < end) {
		left = false;
		for (g = s->guests; g; g = g->next) {
			workers_stop(s, g);
			left |= g->pid != 0;
		}
		workers_work(s);
		if (left)
			turn(s, end);
	}
	nodes_end(s);
	if (s->host) {
		returns_close(&s->returns);
		stubs_close(&s->stubs);
	}
	xapt_bus_close(&s->bus);
	unlink(PID_FILE);
}

int supervisor_main(const struct config *config, const char *text, bool foreground,
		    void (*ready)(void))
{
	static struct supervisor s;

	s.config = *config;
	s.foreground = foreground;
	s.scan = true;
	s.deaths = true;
	if (start(&s, text))
		return -1;
	nodes_work(&s);
	elsewhere_policy(&s.bus, &s.config, s.mapped.max_pages);
	elsewhere_sign(&s.bus, true);
	xapt_log(XENAPERTURE_INFO, "", "serving %s", s.bus.root);
	sd_notify(0, "READY=1");
	ready();
	serve(&s);
	finish(&s);
	return 0;
}
