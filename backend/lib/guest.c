// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "connection.h"
#include "kernel.h"
#include "log.h"

#define REFRESH_NS	200000000l
#define QUIET_S		1

#define container(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

int xapt_guest_listen(struct xapt_guest *g, struct xapt_source *source, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	if (!events)
		return epoll_ctl(g->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	if (!epoll_ctl(g->epoll, EPOLL_CTL_ADD, source->fd, &e))
		return 0;
	return errno == EEXIST ? epoll_ctl(g->epoll, EPOLL_CTL_MOD, source->fd, &e) : -1;
}

static void on_event(struct xapt_source *source, uint32_t events)
{
	struct xapt_guest *g = container(source, struct xapt_guest, events);
	xenevtchn_port_or_error_t port = xenevtchn_pending(g->evtchn);
	struct xenaperture *x;

	(void)events;
	for (x = g->connections; x; x = x->next) {
		if (port >= 0 && x->host.port == (evtchn_port_t)port) {
			x->masked = true;
			x->turn = true;
			return;
		}
	}
}

static void on_again(struct xapt_source *source, uint32_t events)
{
	eventfd_t n;

	(void)events;
	eventfd_read(source->fd, &n);
}

static void on_refresh(struct xapt_source *source, uint32_t events)
{
	struct xapt_guest *g = container(source, struct xapt_guest, refresh);
	struct xenaperture *x;
	bool changed = false;
	uint64_t n;

	(void)events;
	if (read(source->fd, &n, sizeof(n)) < 0)
		return;
	g->refresh_armed = false;
	for (x = g->connections; x; x = x->next)
		changed |= xapt_connection_publish(x);
	xapt_guest_refresh(g, changed);
}

static bool has_first(const struct xapt_guest *g)
{
	const struct xenaperture *x;

	for (x = g->connections; x; x = x->next)
		if (x->record)
			return true;
	return false;
}

void xapt_guest_refresh(struct xapt_guest *g, bool changed)
{
	struct itimerspec in = { 0 };

	if (g->refresh_armed && (!changed || g->refresh_soon))
		return;
	if (changed)
		in.it_value.tv_nsec = REFRESH_NS;
	else if (has_first(g))
		in.it_value.tv_sec = QUIET_S;
	else
		return;
	g->refresh_soon = changed;
	g->refresh_armed = !timerfd_settime(g->refresh.fd, 0, &in, NULL);
}

void xapt_guest_again(struct xapt_guest *g, struct xenaperture *x)
{
	x->turn = true;
	eventfd_write(g->again.fd, 1);
}

static int open_loop(struct xapt_guest *g)
{
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->again = (struct xapt_source){ on_again, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	g->refresh = (struct xapt_source){
		on_refresh, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)
	};
	if (g->epoll < 0 || g->again.fd < 0 || g->refresh.fd < 0 ||
	    xapt_guest_listen(g, &g->again, EPOLLIN) ||
	    xapt_guest_listen(g, &g->refresh, EPOLLIN))
		return xapt_error_set(errno, "event loop: %s", strerror(errno));
	return 0;
}

static int open_xen(struct xapt_guest *g)
{
	if (!g->mapper) {
		if (xapt_own_mapper_open(&g->own, g->domid))
			return -1;
		g->mapper = &g->own.mapper;
	}
	g->evtchn = xenevtchn_open(&xapt_silent, 0);
	if (!g->evtchn)
		return xapt_error_set(errno, "/dev/xen/evtchn: %s; is this a Xen domain, and the module xen-evtchn loaded?",
				      strerror(errno));
	g->events = (struct xapt_source){ on_event, xenevtchn_fd(g->evtchn) };
	if (xapt_guest_listen(g, &g->events, EPOLLIN))
		return xapt_error_set(errno, "event loop: %s", strerror(errno));
	return 0;
}

int xapt_guest_open(struct xapt_guest *g, uint32_t domid, uint64_t max_pages, struct xapt_mapper *mapper)
{
	*g = (struct xapt_guest){
		.domid = domid,
		.mapper = mapper,
		.max_pages = max_pages,
		.pages_left = max_pages,
		.offered_left = max_pages,
		.epoll = -1,
		.kernel = -1,
		.again.fd = -1,
		.refresh.fd = -1,
	};
	if (!open_loop(g) && !open_xen(g)) {
		xapt_kernel_open(g);
		return 0;
	}
	xapt_guest_close(g);
	return -1;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void xapt_guest_close(struct xapt_guest *g)
{
	int saved = errno;

	if (g->evtchn)
		xenevtchn_close(g->evtchn);
	xapt_own_mapper_close(&g->own);
	close_fd(g->kernel);
	close_fd(g->refresh.fd);
	close_fd(g->again.fd);
	close_fd(g->epoll);
	errno = saved;
}

/* A turn each. Ends when all had one, not when nothing is left. */
static void turns(struct xapt_guest *g)
{
	struct xenaperture *x, *next;
	bool more = false;

	for (x = g->connections; x; x = next) {
		next = x->next;
		if (!x->turn)
			continue;
		x->turn = false;
		xapt_connection_service(x);
		more |= x->turn;
	}
	if (more)
		eventfd_write(g->again.fd, 1);
}

int xapt_guest_step(struct xapt_guest *g, int timeout)
{
	struct epoll_event e;
	/* One at a time: what it does may end the owner of another one. */
	int n = epoll_wait(g->epoll, &e, 1, timeout);

	if (n == 1) {
		struct xapt_source *source = e.data.ptr;

		source->ready(source, e.events);
	}
	turns(g);
	return n == 1;
}
