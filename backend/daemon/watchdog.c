// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stub domain answers each event on its watchdog port with one. Three events, a third of the
 * time apart, must be unanswered: one late look of ours after a pause of the whole machine is none.
 */
#include "stubs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define EVENTS		3
#define IN_VAIN_MAX	3
#define BIND_MS		100	/* between two bindings */
#define INSIST_MS	5000	/* longest pause between two restarts */
#define INSIST_SHIFT	6u

static void ask(struct stubs *s, struct watchdog *dog)
{
	if (!dog->port)
		return;
	if (dog->masked)
		xenevtchn_unmask(s->evtchn, dog->port);
	dog->masked = false;
	xenevtchn_notify(s->evtchn, dog->port);
}

static char *read_own(struct stubs *s, const struct stub *stub, const char *node)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/aperture", stub->domid);
	return xapt_bus_read(s->bus, XBT_NULL, path, node);
}

void watchdog_read(struct stubs *s, struct stub *stub)
{
	char path[64];
	char *text;

	snprintf(path, sizeof(path), STUBS_LIST "/%u", stub->domid);
	text = xapt_bus_read(s->bus, XBT_NULL, path, "watchdog-restarts");
	xapt_parse_u32(text, 0, UINT32_MAX, &stub->dog.restarts);
	free(text);
	/* An earlier daemon died while it restarted it: the pause is its own. */
	text = xapt_bus_read(s->bus, XBT_NULL, path, "restarting");
	if (text) {
		xen_unpause(s->xen, stub->domid);
		snprintf(path, sizeof(path), STUBS_LIST "/%u/restarting", stub->domid);
		xs_rm(s->bus->xs, XBT_NULL, path);
	}
	free(text);
}

void watchdog_unbind(struct stubs *s, struct stub *stub)
{
	if (stub->dog.port)
		xenevtchn_unbind(s->evtchn, stub->dog.port);
	stub->dog.port = 0;
}

/* It wrote a port: it started, or started again. Closing our end makes the same port free again. */
void watchdog_bind(struct stubs *s, struct stub *stub, uint64_t now)
{
	struct watchdog *dog = &stub->dog;
	xenevtchn_port_or_error_t port = -1;
	uint32_t remote;
	char *text;

	if (!s->evtchn || !s->watchdog_ms || stub->ending)
		return;
	watchdog_unbind(s, stub);
	text = read_own(s, stub, "watchdog-port");
	if (xapt_parse_u32(text, 1, UINT32_MAX, &remote))
		port = xenevtchn_bind_interdomain(s->evtchn, stub->domid, remote);
	else if (!text && !dog->in_vain)
		return;		/* not started yet */
	free(text);
	/* A port that cannot be bound is no answer either. */
	dog->port = port < 0 ? 0 : (evtchn_port_t)port;
	dog->masked = false;
	dog->unanswered = 0;
	dog->next = now + s->watchdog_ms / EVENTS;
	dog->bind_after = now + BIND_MS;
}

void watchdog_answered(struct stubs *s, evtchn_port_t port)
{
	struct stub *stub;

	for (stub = s->list; stub; stub = stub->next) {
		if (stub->dog.port == port) {
			stub->dog.unanswered = 0;
			stub->dog.in_vain = 0;
			stub->dog.not_before = 0;
			stub->dog.masked = true;
		}
	}
}

static void count(struct stubs *s, struct stub *stub)
{
	char path[64], text[12];

	stub->dog.restarts++;
	snprintf(path, sizeof(path), STUBS_LIST "/%u/watchdog-restarts", stub->domid);
	snprintf(text, sizeof(text), "%u", stub->dog.restarts);
	xs_write(s->bus->xs, XBT_NULL, path, text, (unsigned int)strlen(text));
}

static bool restart(struct stubs *s, struct stub *stub, const char *what)
{
	char *text = read_own(s, stub, "restart-entry");
	char path[64];
	uint64_t entry;
	int err;
	bool known = xapt_parse_u64(text, 1, UINT64_MAX, &entry);

	free(text);
	if (!known) {
		xapt_log_some(&stub->said, XENAPERTURE_ERROR, stub->who, "%s, and has no restart-entry",
			      what);
		return false;
	}
	snprintf(path, sizeof(path), STUBS_LIST "/%u/restarting", stub->domid);
	xs_write(s->bus->xs, XBT_NULL, path, "1", 1);
	err = xen_restart(s->xen, stub->domid, entry);
	xs_rm(s->bus->xs, XBT_NULL, path);
	if (err) {
		xapt_log_some(&stub->said, XENAPERTURE_ERROR, stub->who, "%s: %s", what, xapt_error());
		return false;
	}
	count(s, stub);
	xapt_log_some(&stub->said, XENAPERTURE_WARNING, stub->who,
		      "%s: restarted in place (%u times now)", what, stub->dog.restarts);
	return true;
}

static bool restart_hung(struct stubs *s, struct stub *stub)
{
	char what[48];

	snprintf(what, sizeof(what), "did not answer for %u ms", s->watchdog_ms);
	return restart(s, stub, what);
}

unsigned int watchdog_insist(struct stubs *s, struct stub *stub, uint64_t now, const char *what)
{
	struct watchdog *dog = &stub->dog;
	unsigned int shift = dog->in_vain < INSIST_SHIFT ? dog->in_vain : INSIST_SHIFT;
	unsigned int pause = BIND_MS << shift;

	if (pause > INSIST_MS)
		pause = INSIST_MS;
	dog->in_vain++;
	dog->not_before = now + pause;
	restart(s, stub, what);
	watchdog_unbind(s, stub);
	return pause;
}

void watchdog_work(struct stubs *s, struct stub *stub, uint64_t now, bool *hopeless)
{
	struct watchdog *dog = &stub->dog;

	*hopeless = false;
	if (!dog->next || dog->next > now)
		return;
	dog->next = now + s->watchdog_ms / EVENTS;
	/* Whom somebody paused need not answer. */
	if (xen_domain(s->xen, stub->domid) != XEN_RUNS) {
		dog->unanswered = 0;
		return;
	}
	if (dog->unanswered < EVENTS) {
		dog->unanswered++;
		ask(s, dog);
		return;
	}
	if (now < dog->not_before) {
		dog->next = dog->not_before;
		return;
	}
	dog->unanswered = 0;
	dog->in_vain++;
	*hopeless = dog->in_vain > IN_VAIN_MAX || !restart_hung(s, stub);
	watchdog_unbind(s, stub);
}
