// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xenaperture.h part 3: a plain program serves one device. The same node, connection
 * and loop as in apertured, in one process and without a control channel.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>


#include "gntalloc.h"
#include "log.h"
#include "xenbus.h"

#define TOKEN_BACK	"back"
#define TOKEN_RELEASE	"release"

/* As many watch events and steps as one call of process handles. */
#define STEPS	64

/* Of this side's memory, that a guest can have of a program. */
#define GIVEN_PAGES	(XENAPERTURE_PROGRAM_GIVES / XENAPT_PAGE_SIZE)

#define container(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

struct program {
	struct xenaperture x;	/* first: the public handle */
	struct xapt_guest guest;
	struct xapt_bus bus;
	struct xapt_node node;
	struct xapt_stat stat;
	struct xapt_own_giver giver;
	struct xapt_source store;	/* xenstore's watches */
	bool opened;			/* node is */
	bool dead;			/* the guest is gone */
	bool gone;			/* the device is gone */
	bool dirty;			/* a step is due */
};

static struct program *program_of(struct xenaperture *x)
{
	return container(x, struct program, x);
}

/* ---- what the handshake asks for ---- */

static void program_connect(struct xapt_node *n, const struct xapt_link *link)
{
	struct program *p = container(n, struct program, node);
	enum xenapt_status status;

	p->dirty = true;
	if (strcmp(link->type, p->x.table.type)) {
		xapt_node_failed(n, XENAPT_E_DEVICE, "the program serves another type");
		return;
	}
	status = xapt_connection_open(&p->x, link, &p->stat);
	if (status != XENAPT_OK)
		xapt_node_failed(n, status, xapt_error());
	else
		xapt_node_up(n, getpid());
}

static void program_disconnect(struct xapt_node *n)
{
	struct program *p = container(n, struct program, node);

	xapt_connection_close(&p->x);
	xapt_node_down(n);
}

static const struct xapt_node_ops program_ops = {
	.connect = program_connect,
	.disconnect = program_disconnect,
};

static void store_ready(struct xapt_source *source, uint32_t events)
{
	struct program *p = container(source, struct program, store);
	char **watch;
	int i;

	(void)events;
	for (i = 0; i < STEPS && (watch = xs_check_watch(p->bus.xs)); i++) {
		if (!strcmp(watch[XS_WATCH_TOKEN], TOKEN_RELEASE))
			p->dead = !xapt_bus_domain(&p->bus, p->node.domid);
		p->dirty = true;
		free(watch);
	}
}

/* ---- open and close ---- */

static int open_device(struct program *p, unsigned int domid, unsigned int devid)
{
	switch (xapt_node_server(&p->bus, domid, devid)) {
	case XAPT_SERVER_APERTURED:
		return xapt_error_set(EBUSY, "guest %u device %u: attached with server=apertured, not program",
				      domid, devid);
	case XAPT_SERVER_NONE:
		return xapt_error_set(ENOENT, "guest %u device %u: not attached to this domain",
				      domid, devid);
	case XAPT_SERVER_PROGRAM:
		break;
	}
	if (xapt_node_open(&p->node, &p->bus, &program_ops, domid, devid, "program"))
		return -1;
	p->opened = true;
	/* The lock on the file keeps a second program away; without the folder there is none. */
	if (xapt_stat_create(&p->node.stat) && errno == EBUSY)
		return xapt_error_set(EBUSY, "guest %u device %u: another program serves it",
				      domid, devid);
	if (p->node.stat.fd >= 0)
		xapt_stat_map(&p->stat, p->node.stat.fd);
	return 0;
}

static int check_type(struct program *p)
{
	char *type = xapt_bus_read(&p->bus, XBT_NULL, p->node.back, XENAPT_NODE_TYPE);
	int err = 0;

	if (!type || strcmp(type, p->x.table.type))
		err = xapt_error_set(EINVAL, "%s: its type is \"%s\", the table's \"%s\"", p->node.who,
				     type ? type : "", p->x.table.type);
	free(type);
	return err;
}

static int watch_store(struct program *p)
{
	if (!xs_watch(p->bus.xs, p->node.back, TOKEN_BACK))
		return xapt_error_set(errno, "xenstore: cannot watch %s: %s", p->node.back,
				      strerror(errno));
	/* A driver domain may not see it: it learns of the guest's end by its nodes. */
	xs_watch(p->bus.xs, "@releaseDomain", TOKEN_RELEASE);
	p->store = (struct xapt_source){ store_ready, xs_fileno(p->bus.xs) };
	if (xapt_guest_listen(&p->guest, &p->store, EPOLLIN))
		return xapt_error_set(errno, "event loop: %s", strerror(errno));
	return 0;
}

static int start(struct program *p, unsigned int domid, unsigned int devid,
		 const struct xenaperture_table *table, void *opaque)
{
	if (xapt_connection_init(&p->x, &p->guest, table, opaque, devid))
		return -1;
	p->x.program = true;
	if (xapt_bus_open(&p->bus))
		return -1;
	p->bus.gives = !access(XAPT_GNTALLOC, R_OK | W_OK);
	if (open_device(p, domid, devid) || check_type(p))
		return -1;
	return watch_store(p);
}

static void destroy(struct program *p)
{
	int saved = errno;

	if (p->opened)
		xapt_node_close(&p->node);
	xapt_stat_unmap(&p->stat);
	xapt_bus_close(&p->bus);
	xapt_guest_close(&p->guest);
	xapt_pool_close(&p->giver.pool);
	free(p);
	errno = saved;
}

struct xenaperture *xenaperture_open(unsigned int domid, unsigned int devid,
				     const struct xenaperture_table *table, void *opaque)
{
	struct program *p = calloc(1, sizeof(*p));

	if (!p) {
		xapt_error_set(ENOMEM, "out of memory");
		return NULL;
	}
	if (xapt_guest_open(&p->guest, domid, XENAPT_MAX_PAGES, NULL)) {
		free(p);
		return NULL;
	}
	xapt_own_giver_init(&p->giver, domid, GIVEN_PAGES);
	p->giver.pool.means = &xapt_means_program;
	p->guest.giver = &p->giver.giver;
	if (start(p, domid, devid, table, opaque)) {
		destroy(p);
		return NULL;
	}
	p->dirty = true;
	eventfd_write(p->guest.again.fd, 1);
	return &p->x;
}

void xenaperture_close(struct xenaperture *x)
{
	struct program *p;

	if (!x)
		return;
	p = program_of(x);
	if (p->node.link == XAPT_LINK_UP)
		program_disconnect(&p->node);
	if (!p->gone)
		xapt_node_abandon(&p->node);
	destroy(p);
}

/* ---- work ---- */

int xenaperture_fd(struct xenaperture *x)
{
	return x->program ? x->guest->epoll : xapt_error_set(EINVAL, "not opened by this program");
}

int xenaperture_connected(const struct xenaperture *x)
{
	return x->live;
}

static void after_step(struct program *p)
{
	struct xenaperture *x = &p->x;

	if (x->live && x->core.status != XENAPT_OK) {
		enum xenapt_status status = x->core.status;

		xapt_connection_close(x);
		xapt_node_failed(&p->node, status, x->core.ended_by_child ? "the guest ended the connection with it" :
				 x->reason[0] ? x->reason : "the connection broke");
		p->dirty = true;
	}
	if (!p->dirty)
		return;
	p->dirty = false;
	p->gone = xapt_node_step(&p->node, p->dead) == XAPT_STEP_GONE;
}

int xenaperture_process(struct xenaperture *x)
{
	struct program *p = program_of(x);
	int i;

	if (!x->program)
		return xapt_error_set(EINVAL, "not opened by this program");
	for (i = 0; i < STEPS && !p->gone; i++) {
		int some = xapt_guest_step(&p->guest, 0);

		after_step(p);
		if (!some && !p->dirty)
			return 0;
	}
	if (p->gone)
		return xapt_error_set(ENODEV, "%s: it was detached, or the guest is gone",
				      p->node.who);
	return 0;
}
