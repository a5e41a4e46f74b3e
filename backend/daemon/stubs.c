// SPDX-License-Identifier: GPL-2.0-only
#include "stubs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define TOKEN_LIST	"stubs"
#define TOKEN_PORT	"stub/"		/* and its number */
#define RETRY_MS	5000
#define TRIES		50		/* of a transaction */
#define ANSWERS		256		/* taken in one go, at most */
#define DOMID_MAX	0x7fef
#define FRONT		"/local/domain/%u/device/" XENAPT_FAST_KIND
#define TRAPPED		"/local/domain/%u/aperture"	/* guest: its trapped devices, domain 0's nodes */
#define PLACE		32
#define PLACES		128

/* ---- start and end ---- */

/* Without them the list is still looked after; what a domain does cannot be seen. */
static void open_xen(struct stubs *s)
{
	s->xen = xen_open();
	if (!s->xen)
		xapt_log(XENAPERTURE_WARNING, "", "stub domains are not watched: %s", xapt_error());
	s->evtchn = s->xen && s->watchdog_ms ? xenevtchn_open(&xapt_silent, 0) : NULL;
	if (s->evtchn)
		fcntl(xenevtchn_fd(s->evtchn), F_SETFL, O_NONBLOCK);
	else if (s->xen && s->watchdog_ms)
		xapt_log(XENAPERTURE_WARNING, "", "no watchdog of stub domains: /dev/xen/evtchn: %s",
			 strerror(errno));
}

int stubs_open(struct stubs *s, struct xapt_bus *bus, unsigned int watchdog_ms)
{
	*s = (struct stubs){ .bus = bus, .watchdog_ms = watchdog_ms, .scan = true };
	if (!xs_watch(bus->xs, STUBS_LIST, TOKEN_LIST))
		return xapt_error_set(errno, "xenstore: cannot watch " STUBS_LIST ": %s",
				      strerror(errno));
	open_xen(s);
	return 0;
}

static void port_watch(const struct stub *stub, char path[64], char token[32])
{
	snprintf(path, 64, "/local/domain/%u/aperture/watchdog-port", stub->domid);
	snprintf(token, 32, TOKEN_PORT "%u", stub->domid);
}

static void forget(struct stubs *s, struct stub *stub)
{
	struct stub **p = &s->list;
	char path[64], token[32];

	while (*p != stub)
		p = &(*p)->next;
	*p = stub->next;
	port_watch(stub, path, token);
	xs_unwatch(s->bus->xs, path, token);
	watchdog_unbind(s, stub);
	free(stub);
}

/* The stub domains go on, and whoever starts next finds them. */
void stubs_close(struct stubs *s)
{
	while (s->list)
		forget(s, s->list);
	if (s->evtchn)
		xenevtchn_close(s->evtchn);
	xen_close(s->xen);
	s->evtchn = NULL;
	s->xen = NULL;
}

/* ---- which there are ---- */

static struct stub *find(struct stubs *s, uint32_t domid)
{
	struct stub *stub;

	for (stub = s->list; stub && stub->domid != domid; stub = stub->next)
		;
	return stub;
}

static void add(struct stubs *s, uint32_t domid, uint32_t guest)
{
	struct stub *stub = calloc(1, sizeof(*stub));
	char path[64], token[32];

	if (!stub) {
		xapt_log(XENAPERTURE_ERROR, "", "stub domain %u: out of memory", domid);
		return;
	}
	stub->domid = domid;
	stub->guest = guest;
	stub->listed = true;
	snprintf(stub->who, sizeof(stub->who), "stub domain %u of guest %u", domid, guest);
	stub->next = s->list;
	s->list = stub;
	watchdog_read(s, stub);
	/* It fires at once: that binds the port if there is one. */
	port_watch(stub, path, token);
	if (!xs_watch(s->bus->xs, path, token))
		xapt_log(XENAPERTURE_WARNING, stub->who, "no watchdog: cannot watch %s: %s", path,
			 strerror(errno));
	xapt_log(XENAPERTURE_INFO, stub->who, "found");
}

/* An entry that is not complete is not there: the tool writes it in one transaction. */
static void scan_one(struct stubs *s, const char *name)
{
	struct stub *stub;
	uint32_t domid, guest;
	char path[64], *text;

	if (!xapt_parse_u32(name, 1, DOMID_MAX, &domid))
		return;
	stub = find(s, domid);
	if (stub) {
		stub->listed = true;
		return;
	}
	snprintf(path, sizeof(path), STUBS_LIST "/%u", domid);
	text = xapt_bus_read(s->bus, XBT_NULL, path, "guest");
	if (xapt_parse_u32(text, 1, DOMID_MAX, &guest))
		add(s, domid, guest);
	free(text);
}

/* What is listed no more was taken away by xen-aperture. */
static void scan(struct stubs *s)
{
	struct stub *stub, *next;
	unsigned int i, n = 0;
	char **names = xs_directory(s->bus->xs, XBT_NULL, STUBS_LIST, &n);

	if (!names && errno != ENOENT)
		return;
	for (stub = s->list; stub; stub = stub->next)
		stub->listed = false;
	for (i = 0; names && i < n; i++)
		scan_one(s, names[i]);
	free(names);
	for (stub = s->list; stub; stub = next) {
		next = stub->next;
		if (!stub->listed)
			forget(s, stub);
	}
}

/* ---- taking away what names a stub domain ---- */

/* Of another stub domain of the same guest that is listed? Then it is none of ours. */
static bool served_by_other(struct stubs *s, xs_transaction_t t, const struct stub *stub,
			    const char *front)
{
	char *text = xapt_bus_read(s->bus, t, front, "backend-id"), *guest = NULL;
	uint32_t backend, whose = 0;
	char path[64];

	if (xapt_parse_u32(text, 1, DOMID_MAX, &backend) && backend != stub->domid) {
		snprintf(path, sizeof(path), STUBS_LIST "/%u", backend);
		guest = xapt_bus_read(s->bus, t, path, "guest");
		xapt_parse_u32(guest, 1, DOMID_MAX, &whose);
	}
	free(text);
	free(guest);
	return whose == stub->guest;
}

static void remove_if_empty(struct stubs *s, xs_transaction_t t, const char *path)
{
	unsigned int n = 0;
	char **names = xs_directory(s->bus->xs, t, path, &n);

	if (names && !n)
		xs_rm(s->bus->xs, t, path);
	free(names);
}

/* The guest sees each vanish: it takes the state, and sends again what was not answered. */
static unsigned int remove_fronts(struct stubs *s, xs_transaction_t t, const struct stub *stub)
{
	char path[80], front[160];
	unsigned int i, n = 0, removed = 0;
	char **names;

	snprintf(path, sizeof(path), FRONT, stub->guest);
	names = xs_directory(s->bus->xs, t, path, &n);
	for (i = 0; names && i < n; i++) {
		snprintf(front, sizeof(front), "%s/%.60s", path, names[i]);
		if (!served_by_other(s, t, stub, front))
			removed += xs_rm(s->bus->xs, t, front);
	}
	free(names);
	remove_if_empty(s, t, path);
	return removed;
}

/* Where a trapped device of this stub domain is; "": it is not one. */
static void place_of(struct stubs *s, xs_transaction_t t, const struct stub *stub,
		     const char *device, char place[PLACE])
{
	char *text = xapt_bus_read(s->bus, t, device, "event-domain"), *door;
	uint64_t address = 0;
	uint32_t server = 0;

	place[0] = '\0';
	xapt_parse_u32(text, 1, DOMID_MAX, &server);
	free(text);
	if (server != stub->domid)
		return;
	door = xapt_bus_read(s->bus, t, device, "door");
	text = xapt_bus_read(s->bus, t, device, "address");
	xapt_parse_u64(text, 0, UINT64_MAX, &address);
	snprintf(place, PLACE, "%.8s 0x%llx", door ? door : "?", (unsigned long long)address);
	free(text);
	free(door);
}

/* places: "io 0x600, mmio 0xff010000". How many went. */
static unsigned int remove_trapped(struct stubs *s, xs_transaction_t t, const struct stub *stub,
				   char places[PLACES])
{
	char path[64], device[80], place[PLACE];
	unsigned int i, n = 0, removed = 0;
	char **names;

	snprintf(path, sizeof(path), TRAPPED, stub->guest);
	names = xs_directory(s->bus->xs, t, path, &n);
	places[0] = '\0';
	for (i = 0; names && i < n; i++) {
		snprintf(device, sizeof(device), "%s/%.10s", path, names[i]);
		place_of(s, t, stub, device, place);
		if (!*place || !xs_rm(s->bus->xs, t, device))
			continue;
		if (strlen(places) + strlen(place) + 3 < PLACES)
			strcat(strcat(places, removed ? ", " : ""), place);
		removed++;
	}
	free(names);
	remove_if_empty(s, t, path);
	return removed;
}

static void remove_entry(struct stubs *s, xs_transaction_t t, const struct stub *stub)
{
	char path[64];

	snprintf(path, sizeof(path), STUBS_LIST "/%u", stub->domid);
	xs_rm(s->bus->xs, t, path);
	remove_if_empty(s, t, STUBS_LIST);
	/* xl takes its own folder away; after another end of the domain it may be left. */
	if (!xapt_bus_domain(s->bus, stub->domid)) {
		snprintf(path, sizeof(path), "/local/domain/%u", stub->domid);
		xs_rm(s->bus->xs, t, path);
	}
}

static bool guest_lives(struct stubs *s, const struct stub *stub)
{
	return xapt_bus_domain(s->bus, stub->guest) && xen_domain(s->xen, stub->guest) != XEN_GONE;
}

/* To destroy it would hang the guest: nobody else can take its accesses over. */
static bool must_stay(struct stubs *s, const struct stub *stub)
{
	return guest_lives(s, stub) && xen_is_served(s->xen, stub->guest);
}

static void say_trapped(struct stubs *s, const struct stub *stub, const char *places)
{
	if (must_stay(s, stub))
		xapt_log(XENAPERTURE_ERROR, stub->who,
			 "ended with trapped devices (%s): the guest hangs at its next access to them, until it is destroyed (xl destroy %u); its nodes are removed",
			 places, stub->guest);
	else if (guest_lives(s, stub))
		xapt_log(XENAPERTURE_WARNING, stub->who,
			 "ended: trapped devices with it (%s); their accesses read as all ones", places);
}

/* What is removed, in a transaction or, each for itself, without. */
static bool try_remove(struct stubs *s, xs_transaction_t t, struct stub *stub, bool entry)
{
	unsigned int removed, trapped;
	char places[PLACES];

	removed = remove_fronts(s, t, stub);
	trapped = remove_trapped(s, t, stub, places);
	if (entry)
		remove_entry(s, t, stub);
	if (t != XBT_NULL && !xs_transaction_end(s->bus->xs, t, false))
		return false;
	if (trapped)
		say_trapped(s, stub, places);
	if (removed)
		xapt_log(XENAPERTURE_WARNING, stub->who,
			 "ended: %u first device%s with it; the guest goes on without", removed,
			 removed == 1 ? "" : "s");
	return true;
}

static bool remove_nodes(struct stubs *s, struct stub *stub, bool entry)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		xs_transaction_t t = xs_transaction_start(s->bus->xs);

		if (t == XBT_NULL)
			break;
		if (try_remove(s, t, stub, entry))
			return true;
		if (errno != EAGAIN)
			break;
	}
	/* A guest that writes its own nodes without end spoils them all. */
	if (tries == TRIES)
		return try_remove(s, XBT_NULL, stub, entry);
	xapt_log_some(&stub->said, XENAPERTURE_ERROR, stub->who, "cannot remove its nodes: %s",
		      strerror(errno));
	return false;
}

/* ---- the end of a stub domain ---- */

static void end_stub(struct stubs *s, struct stub *stub, uint64_t now)
{
	stub->ending = true;
	stub->retry = now + RETRY_MS;
	watchdog_unbind(s, stub);
	stub->dog.next = 0;
	destroy_by_xl(stub->domid);
}

/* Gone: what names it goes, and we forget it. */
static void finish_stub(struct stubs *s, struct stub *stub, uint64_t now)
{
	stub->ending = true;
	stub->retry = now + RETRY_MS;
	stub->dog.next = 0;
	if (!remove_nodes(s, stub, true))
		return;
	xapt_log(XENAPERTURE_INFO, stub->who, "removed");
	forget(s, stub);
}

/* It crashed or hangs, and must stay. */
static void insist(struct stubs *s, struct stub *stub, uint64_t now, const char *what)
{
	unsigned int pause;

	xapt_log_some(&stub->insisted, XENAPERTURE_ERROR, stub->who,
		      "%s; without it guest %u, which has trapped devices, would hang: it is restarted as often as it takes. To end both: xl destroy %u",
		      what, stub->guest, stub->guest);
	pause = watchdog_insist(s, stub, now, what);
	if (s->watchdog_ms)
		stub->dog.next = now + s->watchdog_ms;
	stub->retry = now + pause;
}

static enum xen_domain domain_of(const struct stubs *s, uint32_t domid)
{
	enum xen_domain state = xen_domain(s->xen, domid);

	if (state == XEN_UNKNOWN)
		return xapt_bus_domain(s->bus, domid) ? XEN_UNKNOWN : XEN_GONE;
	return state;
}

/* Has somebody's end anything to say about this one? It may be freed. */
static void look_at(struct stubs *s, struct stub *stub, uint64_t now)
{
	enum xen_domain state = domain_of(s, stub->domid);

	if (state == XEN_GONE) {
		finish_stub(s, stub, now);
	} else if (!stub->ending && state == XEN_STOPPED && must_stay(s, stub)) {
		if (!stub->crashed || stub->retry <= now)
			insist(s, stub, now, "has crashed");
		stub->crashed = true;
	} else if (!stub->ending && state == XEN_STOPPED) {
		xapt_log(XENAPERTURE_ERROR, stub->who, "has crashed: it is destroyed");
		remove_nodes(s, stub, false);
		end_stub(s, stub, now);
	} else if (!stub->ending && !guest_lives(s, stub)) {
		xapt_log(XENAPERTURE_INFO, stub->who, "the guest is gone");
		end_stub(s, stub, now);
	} else if (state == XEN_RUNS) {
		stub->crashed = false;
	} else {
		stub->retry = now + RETRY_MS;	/* paused, or not known */
	}
}

/* xl could not, or is slow: Xen itself can, but for what xl keeps. */
static void try_again(struct stubs *s, struct stub *stub, uint64_t now)
{
	stub->retry = now + RETRY_MS;
	if (stub->tries++)
		xen_destroy(s->xen, stub->domid);
	else
		destroy_by_xl(stub->domid);
	look_at(s, stub, now);
}

/* ---- work ---- */

bool stubs_watch(struct stubs *s, const char *path, const char *token)
{
	struct stub *stub;
	uint32_t domid;

	(void)path;
	if (!strcmp(token, "release"))
		s->deaths = true;
	if (!strcmp(token, TOKEN_LIST)) {
		s->scan = true;
		return true;
	}
	if (strncmp(token, TOKEN_PORT, strlen(TOKEN_PORT)) ||
	    !xapt_parse_u32(token + strlen(TOKEN_PORT), 1, DOMID_MAX, &domid))
		return false;
	stub = find(s, domid);
	if (stub)
		stub->rebind = true;
	return true;
}

int stubs_fd(const struct stubs *s)
{
	return s->evtchn ? xenevtchn_fd(s->evtchn) : -1;
}

void stubs_ready(struct stubs *s)
{
	xenevtchn_port_or_error_t port;
	int n;

	for (n = 0; n < ANSWERS && s->evtchn && (port = xenevtchn_pending(s->evtchn)) >= 0; n++)
		watchdog_answered(s, (evtchn_port_t)port);
}

/* It may be freed. */
static void work_on(struct stubs *s, struct stub *stub, uint64_t now, bool look)
{
	bool hopeless;

	if (stub->rebind && stub->dog.bind_after <= now) {
		stub->rebind = false;
		watchdog_bind(s, stub, now);
	}
	watchdog_work(s, stub, now, &hopeless);
	if (hopeless && must_stay(s, stub)) {
		insist(s, stub, now, "restarts do not help");
	} else if (hopeless) {
		xapt_log(XENAPERTURE_ERROR, stub->who, "restarts do not help: it is destroyed");
		end_stub(s, stub, now);
	} else if (stub->ending && stub->retry <= now) {
		try_again(s, stub, now);
	} else if (look || (stub->crashed && stub->retry <= now)) {
		look_at(s, stub, now);
	}
}

void stubs_work(struct stubs *s, uint64_t now)
{
	struct stub *stub, *next;
	bool look = s->deaths || s->scan;

	if (s->scan)
		scan(s);
	s->scan = s->deaths = false;
	/* Answers that wait count before anybody is judged. */
	stubs_ready(s);
	for (stub = s->list; stub; stub = next) {
		next = stub->next;
		work_on(s, stub, now, look);
	}
}

uint64_t stubs_deadline(const struct stubs *s)
{
	const struct stub *stub;
	uint64_t first = s->scan || s->deaths ? 0 : UINT64_MAX;

	for (stub = s->list; stub; stub = stub->next) {
		if (stub->rebind && stub->dog.bind_after < first)
			first = stub->dog.bind_after;
		if ((stub->ending || stub->crashed) && stub->retry < first)
			first = stub->retry;
		if (stub->dog.next && stub->dog.next < first)
			first = stub->dog.next;
	}
	return first;
}
