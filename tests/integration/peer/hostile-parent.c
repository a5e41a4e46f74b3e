// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile-parent DOMID DEVID CASE: serves one connection of a device (server=program) of
 * a guest, and misbehaves in one way. Prints what the guest did about it: its status
 * word, after how many milliseconds, its state and error node.
 *
 * Cases, done when the first request comes (but for "unasked", "status", "signals"):
 *	index     response index 1000 ahead
 *	back      response index that goes back
 *	id        response with an id that is not outstanding
 *	entry     response with an id behind the end of the ring
 *	twice     the same response twice
 *	type      response of another type
 *	unasked   response before any request
 *	status    status word of the parent is set, no error otherwise
 *	granted   OPEN granted more than wanted
 *	slot      OPEN in slot 64
 *	signals   all signals at once, again and again, with a request left unanswered
 *	silent    nothing is answered
 *	good      OPEN is refused with E_APERTURES: the guest hears just that
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

/* What ring.h asks its user for. */
#define mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>
#include <xen/io/aperture_signal.h>

static struct xs_handle *xs;
static char back[80], front[80];
static unsigned int domid, devid, epoch;

static struct xenapt_back_ring ring;
static struct xenapt_event_page *event;
static struct xenapt_mask_page *mask;
static xenevtchn_handle *xce;
static xenevtchn_port_or_error_t port;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void put(const char *node, const char *fmt, unsigned int value)
{
	char path[128], text[24];

	snprintf(path, sizeof(path), "%s/%s", back, node);
	snprintf(text, sizeof(text), fmt, value);
	if (!xs_write(xs, XBT_NULL, path, text, (unsigned int)strlen(text)))
		die(path);
}

/* "": missing */
static const char *get(const char *folder, const char *node)
{
	static char text[200];
	char path[128], *s;
	unsigned int len;

	snprintf(path, sizeof(path), "%s/%s", folder, node);
	s = xs_read(xs, XBT_NULL, path, &len);
	snprintf(text, sizeof(text), "%s", s ? s : "");
	free(s);
	return text;
}

static unsigned int number(const char *folder, const char *node)
{
	return (unsigned int)strtoul(get(folder, node), NULL, 10);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_front(unsigned int state)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (number(front, "state") == state && number(front, "epoch") == epoch)
			return;
		usleep(20000);
	}
	fprintf(stderr, "the guest did not enter state %u: it is in %s\n", state,
		get(front, "state"));
	exit(2);
}

static void *map(xengnttab_handle *gnt, const char *node, int prot)
{
	void *p = xengnttab_map_grant_ref(gnt, domid, number(front, node), prot);

	if (!p)
		die(node);
	return p;
}

static void connect_guest(void)
{
	xengnttab_handle *gnt = xengnttab_open(NULL, 0);

	epoch = number(back, "epoch") + 1;
	put("versions", "%u", 1);
	put("max-ring-page-order", "%u", 0);
	put("epoch", "%u", epoch);
	put("state", "%u", 2);
	wait_front(3);
	if (!gnt)
		die("gnttab");
	BACK_RING_INIT(&ring, (struct xenapt_sring *)map(gnt, "ring-ref0", PROT_READ | PROT_WRITE),
		       XENAPT_PAGE_SIZE);
	event = map(gnt, "event-ref", PROT_READ | PROT_WRITE);
	mask = map(gnt, "mask-ref", PROT_READ);
	xce = xenevtchn_open(NULL, 0);
	port = xce ? xenevtchn_bind_interdomain(xce, domid, number(front, "event-channel")) : -1;
	if (port < 0)
		die("event-channel");
	put("version", "%u", 1);
	put("state", "%u", 4);
	wait_front(4);
	printf("connected epoch=%u\n", epoch);
	fflush(stdout);
}

static void notify(void)
{
	xenevtchn_notify(xce, (evtchn_port_t)port);
}

static struct xenapt_request take_request(void)
{
	struct xenapt_request q;
	int tries;

	for (tries = 0; tries < 3000 && !RING_HAS_UNCONSUMED_REQUESTS(&ring); tries++)
		usleep(10000);
	if (!RING_HAS_UNCONSUMED_REQUESTS(&ring)) {
		fprintf(stderr, "no request came\n");
		exit(2);
	}
	RING_COPY_REQUEST(&ring, ring.req_cons, &q);
	ring.req_cons++;
	return q;
}

static void respond(struct xenapt_response r)
{
	*RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt) = r;
	ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES(&ring);
	notify();
}

static void refuse(const struct xenapt_request *q)
{
	respond((struct xenapt_response){ .id = q->id, .type = q->type,
					  .status = XENAPT_E_APERTURES });
}

static void grant(const struct xenapt_request *q, uint64_t size, uint32_t slot)
{
	respond((struct xenapt_response){ .id = q->id, .type = q->type, .value = size,
					  .slot = slot, .handle = 0x1234 });
}

static void all_signals(void)
{
	unsigned int round, i;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < XENAPT_SIGNAL_WORDS; i++)
			__atomic_store_n(&event->interrupt[i], ~0ull, __ATOMIC_SEQ_CST);
		notify();
		usleep(1000);
	}
}

static bool misbehave(const char *what)
{
	struct xenapt_request q;
	struct xenapt_response r;

	if (!strcmp(what, "unasked")) {
		respond((struct xenapt_response){ .id = 1, .type = XENAPT_REQ_OPEN });
		return true;
	}
	if (!strcmp(what, "status")) {
		q = take_request();
		__atomic_store_n(&event->status, XENAPT_E_RING, __ATOMIC_SEQ_CST);
		notify();
		return true;
	}
	q = take_request();
	r = (struct xenapt_response){ .id = q.id, .type = q.type, .status = XENAPT_E_APERTURES };
	if (!strcmp(what, "index")) {
		ring.sring->rsp_prod += 1000;
		notify();
	} else if (!strcmp(what, "back")) {
		ring.sring->rsp_prod--;
		notify();
	} else if (!strcmp(what, "id")) {
		r.id += 1ull << 40;
		respond(r);
	} else if (!strcmp(what, "entry")) {
		r.id |= 0xffff;
		respond(r);
	} else if (!strcmp(what, "twice")) {
		*RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt) = r;
		ring.rsp_prod_pvt++;
		respond(r);
	} else if (!strcmp(what, "type")) {
		r.type++;
		respond(r);
	} else if (!strcmp(what, "granted")) {
		grant(&q, q.u.open.wanted + XENAPT_PAGE_SIZE, 0);
	} else if (!strcmp(what, "slot")) {
		grant(&q, q.u.open.wanted, XENAPT_MAX_APERTURES);
	} else if (!strcmp(what, "signals")) {
		all_signals();
	} else if (!strcmp(what, "good")) {
		refuse(&q);
	} else {
		return !strcmp(what, "silent");
	}
	return true;
}

/* What the guest makes of it, for at most as long. */
static void watch_guest(int ms)
{
	long start = now_ms(), took = -1;
	uint32_t status = 0;

	while (now_ms() - start < ms) {
		if (!status) {
			status = __atomic_load_n(&mask->status, __ATOMIC_ACQUIRE);
			took = now_ms() - start;
		}
		if (number(front, "state") > 4)
			break;
		usleep(1000);
	}
	printf("status=%u", status);
	if (status)
		printf(" after_ms=%ld", took);
	printf(" state=%s", get(front, "state"));
	printf(" error=%s\n", get(front, "error"));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: hostile-parent DOMID DEVID CASE\n");
		return 2;
	}
	domid = (unsigned int)strtoul(argv[1], NULL, 10);
	devid = (unsigned int)strtoul(argv[2], NULL, 10);
	snprintf(back, sizeof(back), "/local/domain/0/backend/aperture/%u/%u", domid, devid);
	snprintf(front, sizeof(front), "/local/domain/%u/device/aperture/%u", domid, devid);
	xs = xs_open(0);
	if (!xs)
		die("xenstore");
	connect_guest();
	if (!misbehave(argv[3])) {
		fprintf(stderr, "no case \"%s\"\n", argv[3]);
		return 2;
	}
	/* Where nothing shall happen, nothing is waited for long. */
	watch_guest(!strcmp(argv[3], "good") ? 100 : 2000);
	return 0;
}
