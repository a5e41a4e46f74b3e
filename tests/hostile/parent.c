// SPDX-License-Identifier: GPL-2.0-only
#include "parent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void die(const char *what)
{
	perror(what);
	exit(2);
}

long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void parent_init(struct parent *p, const char *domid, const char *devid, bool fast)
{
	const char *kind = fast ? XENAPT_FAST_KIND : XENAPT_DEVICE_KIND;

	*p = (struct parent){
		.domid = (unsigned int)strtoul(domid, NULL, 10),
		.devid = (unsigned int)strtoul(devid, NULL, 10),
		.fast = fast,
		.operations = fast,
	};
	snprintf(p->back, sizeof(p->back), "/local/domain/0/backend/%s/%u/%u", kind, p->domid,
		 p->devid);
	snprintf(p->front, sizeof(p->front), "/local/domain/%u/device/%s/%u", p->domid, kind,
		 p->devid);
	p->xs = xs_open(0);
	p->gnt = xengnttab_open(NULL, 0);
	p->xce = xenevtchn_open(NULL, 0);
	if (!p->xs || !p->gnt || !p->xce)
		die("xenstore, gnttab or evtchn");
}

void parent_put(struct parent *p, const char *node, unsigned int value)
{
	char path[128], text[24];

	snprintf(path, sizeof(path), "%s/%s", p->back, node);
	snprintf(text, sizeof(text), "%u", value);
	if (!xs_write(p->xs, XBT_NULL, path, text, (unsigned int)strlen(text)))
		die(path);
}

const char *parent_get(struct parent *p, const char *folder, const char *node)
{
	static char text[200];
	char path[128], *s;
	unsigned int len;

	snprintf(path, sizeof(path), "%s/%s", folder, node);
	s = xs_read(p->xs, XBT_NULL, path, &len);
	snprintf(text, sizeof(text), "%s", s ? s : "");
	free(s);
	return text;
}

unsigned int parent_number(struct parent *p, const char *folder, const char *node)
{
	return (unsigned int)strtoul(parent_get(p, folder, node), NULL, 10);
}

void parent_wait_front(struct parent *p, unsigned int state)
{
	int tries;

	for (tries = 0; tries < 2000; tries++) {
		if (parent_number(p, p->front, "state") == state &&
		    parent_number(p, p->front, "epoch") == p->epoch)
			return;
		usleep(10000);
	}
	fprintf(stderr, "the guest did not enter state %u: it is in %s\n", state,
		parent_get(p, p->front, "state"));
	exit(2);
}

static void *map(struct parent *p, const char *node, int prot)
{
	void *page = xengnttab_map_grant_ref(p->gnt, p->domid, parent_number(p, p->front, node), prot);

	if (!page)
		die(node);
	return page;
}

void parent_offer(struct parent *p)
{
	p->epoch = parent_number(p, p->back, "epoch") + 1;
	parent_put(p, "versions", 1);
	parent_put(p, "max-ring-page-order", 0);
	parent_put(p, "feature-operations", p->operations);
	if (!p->fast) {
		parent_put(p, "feature-read-only", p->all);
		parent_put(p, "feature-parent-memory", p->all);
		parent_put(p, "feature-unaligned", p->all);
	}
	parent_put(p, "epoch", p->epoch);
	parent_put(p, "state", 2);
	parent_wait_front(p, 3);
}

void parent_accept(struct parent *p)
{
	p->sring = map(p, "ring-ref0", PROT_READ | PROT_WRITE);
	BACK_RING_INIT(&p->ring, p->sring, XENAPT_PAGE_SIZE);
	p->event = map(p, "event-ref", PROT_READ | PROT_WRITE);
	p->mask = map(p, "mask-ref", PROT_READ);
	p->port = xenevtchn_bind_interdomain(p->xce, p->domid,
					     parent_number(p, p->front, "event-channel"));
	if (p->port < 0)
		die("event-channel");
	if (p->before_connected)
		p->before_connected(p);
	parent_put(p, "version", 1);
	parent_put(p, "state", 4);
}

void parent_end(struct parent *p)
{
	xenevtchn_unbind(p->xce, (evtchn_port_t)p->port);
	xengnttab_unmap(p->gnt, p->sring, 1);
	xengnttab_unmap(p->gnt, p->event, 1);
	xengnttab_unmap(p->gnt, (void *)(uintptr_t)p->mask, 1);
}

void parent_notify(struct parent *p)
{
	xenevtchn_notify(p->xce, (evtchn_port_t)p->port);
}

bool parent_request(struct parent *p, struct xenapt_request *q, int ms)
{
	long end = now_us() + ms * 1000l;

	while (!RING_HAS_UNCONSUMED_REQUESTS(&p->ring)) {
		if (now_us() > end)
			return false;
		usleep(200);
	}
	RING_COPY_REQUEST(&p->ring, p->ring.req_cons, q);
	p->ring.req_cons++;
	p->sring->req_event = p->ring.req_cons + 1;
	return true;
}

struct xenapt_request parent_must_request(struct parent *p)
{
	struct xenapt_request q;

	if (parent_request(p, &q, 30000))
		return q;
	fprintf(stderr, "no request came\n");
	exit(2);
}

void parent_respond(struct parent *p, struct xenapt_response r)
{
	*RING_GET_RESPONSE(&p->ring, p->ring.rsp_prod_pvt) = r;
	p->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES(&p->ring);
	parent_notify(p);
}

uint32_t parent_child_status(const struct parent *p)
{
	return __atomic_load_n(p->fast ? &p->mask->fast_status : &p->mask->status, __ATOMIC_ACQUIRE);
}
