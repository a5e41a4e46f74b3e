/* SPDX-License-Identifier: GPL-2.0-only */
/* A device author's mistakes, and what the library makes of them. libxengnttab and libxenevtchn are these. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "connection.h"
#include "log.h"

static int handle, event_fd = -1;
static unsigned int mapped;	/* pages */

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	return (void *)&handle;
}

int xengnttab_close(xengnttab_handle *h)
{
	(void)h;
	return 0;
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *h, uint32_t n, uint32_t domid, uint32_t *refs,
				      int prot)
{
	void *addr = mmap(NULL, n * 4096ul, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)h;
	(void)domid;
	(void)refs;
	mapped += n;
	return addr == MAP_FAILED ? NULL : addr;
}

int xengnttab_unmap(xengnttab_handle *h, void *addr, uint32_t n)
{
	(void)h;
	mapped -= n;
	return munmap(addr, n * 4096ul);
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	event_fd = eventfd(0, EFD_NONBLOCK);
	return (void *)&handle;
}

int xenevtchn_close(xenevtchn_handle *h)
{
	(void)h;
	return close(event_fd);
}

int xenevtchn_fd(xenevtchn_handle *h)
{
	(void)h;
	return event_fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
						     evtchn_port_t port)
{
	(void)h;
	(void)domid;
	return (xenevtchn_port_or_error_t)port;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
	(void)h;
	return -1;
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	(void)port;
	return 0;
}

/* ---- the device ---- */

static struct xapt_guest guest;
static const struct xapt_link link_to = { .epoch = 1, .port = 9, .max_apertures = 1, .max_size = 4096 };
static int own_fd;
static unsigned int ready_calls, destroyed;
static bool fails;

static void *create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	CHECK_EQ(xenaperture_listen(xa, own_fd, EPOLLIN), 0);
	if (fails)
		xenaperture_fail(xa, "no");
	errno = EIO;
	return fails ? xa : NULL;
}

static void destroy(void *device)
{
	(void)device;
	destroyed++;
}

static void doorbell(void *device, unsigned int slot)
{
	(void)device;
	(void)slot;
}

static void ready(void *device, int fd, uint32_t events)
{
	(void)device;
	(void)fd;
	(void)events;
	ready_calls++;
}

static const struct xenaperture_table table = {
	.size = sizeof(table),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "t",
	.create = create,
	.destroy = destroy,
	.doorbell = doorbell,
	.ready = ready,
};

/* A device that was refused leaves nothing in the loop: its object is freed. */
static void refused(bool by_fail)
{
	struct xenaperture *x = calloc(1, sizeof(*x));
	unsigned int i;

	fails = by_fail;
	ready_calls = destroyed = 0;
	own_fd = eventfd(1, 0);
	CHECK_EQ(xapt_guest_open(&guest, 5, 100), 0);
	CHECK_EQ(xapt_connection_init(x, &guest, &table, NULL, 0), 0);
	CHECK_EQ(xapt_connection_open(x, &link_to, NULL), XENAPT_E_DEVICE);
	CHECK_EQ(destroyed, by_fail);
	CHECK_EQ(mapped, 0);
	CHECK(!guest.connections);
	memset(x, 0x5a, sizeof(*x));
	free(x);
	CHECK_EQ(epoll_ctl(guest.epoll, EPOLL_CTL_DEL, own_fd, NULL), (uint64_t)-1);
	CHECK_EQ(errno, ENOENT);
	for (i = 0; i < 3; i++)
		xapt_guest_step(&guest, 0);
	CHECK_EQ(ready_calls, 0);
	xapt_guest_close(&guest);
	close(own_fd);
}

static void test_null(void)
{
	refused(false);
}

static void test_fail(void)
{
	refused(true);
}

static CU_TestInfo tests[] = {
	{ "create returns NULL and still listens", test_null },
	{ "create fails the device and still listens", test_fail },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
