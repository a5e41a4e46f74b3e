/* SPDX-License-Identifier: GPL-2.0-only */
/* The host role: xenstore, Xen, xl and the stub domain's own end of the watchdog are played here. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../backend/daemon/stubs.h"
#include "check.h"
#include "log.h"
#include "tool_xenstore.h"

#define W	900u		/* ms of the watchdog */
#define LIST	"/local/domain/0/aperture-stub/9"
#define OWN	"/local/domain/9/aperture"
#define FRONTS	"/local/domain/5/device/aperture-fast"

static struct stubs s;
static struct xapt_bus bus;
static uint64_t now;
static enum xen_domain stub_state, guest_state;
static unsigned int restarted, destroyed, by_xl, sent, warnings, unmasked, binds;
static uint64_t entry;
static char last_line[400];	/* of the log, an error */
static bool power, xl_works, port_binds, served;
static int event_fd = -1, pending, bound;

/* ---- Xen, xl ---- */

struct xen *xen_open(void)
{
	return power ? (struct xen *)&s : NULL;
}

void xen_close(struct xen *x)
{
	(void)x;
}

enum xen_domain xen_domain(struct xen *x, uint32_t domid)
{
	if (!x)
		return XEN_UNKNOWN;
	return domid == 9 ? stub_state : domid == 5 ? guest_state : XEN_GONE;
}

int xen_restart(struct xen *x, uint32_t domid, uint64_t address)
{
	CHECK(x && domid == 9);
	CHECK_STR(xs_fake_get(LIST "/restarting"), "1");
	restarted++;
	entry = address;
	if (stub_state == XEN_STOPPED)
		stub_state = XEN_RUNS;
	return 0;
}

int xen_unpause(struct xen *x, uint32_t domid)
{
	CHECK(x && domid == 9);
	stub_state = XEN_RUNS;
	return 0;
}

bool xen_is_served(struct xen *x, uint32_t guest)
{
	CHECK_EQ(guest, 5);
	return x && served;
}

void xen_destroy(struct xen *x, uint32_t domid)
{
	CHECK(x && domid == 9);
	destroyed++;
	stub_state = XEN_GONE;
}

void destroy_by_xl(uint32_t domid)
{
	CHECK_EQ(domid, 9);
	by_xl++;
	if (xl_works) {
		stub_state = XEN_GONE;
		xs_fake_put("/local/domain/9", NULL);
	}
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	return domid == 9 ? stub_state != XEN_GONE : domid == 5 ? guest_state != XEN_GONE : true;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	event_fd = eventfd(0, EFD_NONBLOCK);
	return (xenevtchn_handle *)&event_fd;
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
	CHECK_EQ(domid, 9);
	CHECK_EQ(bound, 0);	/* one at a time: the old one was closed */
	binds++;
	bound = port_binds ? (int)port + 100 : 0;
	return port_binds ? bound : -1;
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	CHECK_EQ(port, bound);
	bound = 0;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
	int port = pending;

	(void)h;
	pending = -1;
	errno = EAGAIN;
	return port;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	CHECK_EQ(port, bound);
	unmasked++;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
	(void)h;
	CHECK_EQ(port, bound);
	sent++;
	return 0;
}

/* ---- a stub domain of guest 5 ---- */

static void count(enum xenaperture_level level, const char *line)
{
	warnings += level <= XENAPERTURE_WARNING;
	if (level <= XENAPERTURE_ERROR)
		snprintf(last_line, sizeof(last_line), "%s", line);
}

static void begin_without(bool with_power)
{
	xs_fake_reset();
	xapt_log_to(count);
	now = 100000;
	stub_state = guest_state = XEN_RUNS;
	restarted = destroyed = by_xl = sent = warnings = unmasked = binds = 0;
	power = with_power;
	xl_works = port_binds = true;
	served = false;
	last_line[0] = '\0';
	pending = -1;
	bound = 0;
	xs_fake_put("/local/domain/5/device", "");
	xs_fake_put("/local/domain/9", "");
	CHECK_EQ(xapt_bus_open(&bus), 0);
	CHECK_EQ(stubs_open(&s, &bus, W), 0);
}

static void list_it(void)
{
	xs_fake_put(LIST "/guest", "5");
	xs_fake_put(LIST "/name", "web-aperture");
	xs_fake_put(FRONTS "/0/backend-id", "9");
	xs_fake_put(FRONTS "/3/backend-id", "9");
	CHECK(stubs_watch(&s, LIST, "stubs"));
	stubs_work(&s, now);
}

static void begin(void)
{
	begin_without(true);
	list_it();
	CHECK(s.list && !s.list->next);
	warnings = 0;
}

static void end(void)
{
	stubs_close(&s);
	CHECK(!s.list);
	CHECK_EQ(bound, 0);
	CHECK_EQ(xs_fake_open(), 1);	/* the watch on the list goes with the connection */
	xapt_bus_close(&bus);
}

static void release(void)
{
	CHECK(!stubs_watch(&s, "@releaseDomain", "release"));
	CHECK_EQ(stubs_deadline(&s), 0);
	stubs_work(&s, now);
}

static void all_gone(void)
{
	CHECK(!s.list);
	CHECK(!xs_fake_get("/local/domain/0/aperture-stub"));
	CHECK(!xs_fake_get(FRONTS));
	CHECK(!xs_fake_get("/local/domain/9"));
}

/* ---- ends ---- */

static void test_guest_ends(void)
{
	begin();
	release();
	CHECK_EQ(by_xl, 0);
	guest_state = XEN_GONE;
	release();
	CHECK_EQ(by_xl, 1);
	release();
	CHECK_EQ(by_xl, 1);
	all_gone();
	end();
}

static void test_stub_ends(void)
{
	begin();
	stub_state = XEN_GONE;
	release();
	CHECK_EQ(by_xl, 0);
	CHECK_EQ(warnings, 1);
	all_gone();
	CHECK(xs_fake_get("/local/domain/5/device"));
	end();
}

/* It is kept as it crashed: the guest must not wait until xl has taken it away. */
static void test_crash(void)
{
	begin();
	xl_works = false;
	stub_state = XEN_STOPPED;
	release();
	CHECK(!xs_fake_get(FRONTS));
	CHECK(s.list && xs_fake_get(LIST));
	CHECK_EQ(by_xl, 1);
	stub_state = XEN_GONE;
	release();
	all_gone();
	end();
}

/* xl fails: once more, then without it. */
static void test_without_xl(void)
{
	begin();
	xl_works = false;
	guest_state = XEN_GONE;
	release();
	CHECK_EQ(by_xl, 1);
	now = stubs_deadline(&s);
	stubs_work(&s, now);
	CHECK_EQ(by_xl, 2);
	CHECK_EQ(destroyed, 0);
	now = stubs_deadline(&s);
	stubs_work(&s, now);
	CHECK_EQ(destroyed, 1);
	all_gone();
	end();
}

static void test_no_power(void)
{
	begin_without(false);
	list_it();
	CHECK_EQ(stubs_fd(&s), -1);
	CHECK_EQ(stubs_deadline(&s), UINT64_MAX);
	stub_state = XEN_GONE;
	release();
	all_gone();
	end();
}

/* Nobody's: the tool removed the entry; one that is not complete; one of a dead guest at the start. */
static void test_list(void)
{
	begin();
	xs_fake_put("/local/domain/0/aperture-stub", NULL);
	stubs_watch(&s, LIST, "stubs");
	stubs_work(&s, now);
	CHECK(!s.list);
	CHECK_EQ(by_xl, 0);
	CHECK(xs_fake_get(FRONTS "/0"));
	xs_fake_put(LIST "/name", "x");
	xs_fake_put("/local/domain/0/aperture-stub/x/guest", "5");
	stubs_watch(&s, LIST, "stubs");
	stubs_work(&s, now);
	CHECK(!s.list);
	guest_state = XEN_GONE;
	xs_fake_put(LIST "/guest", "5");
	stubs_watch(&s, LIST, "stubs");
	stubs_work(&s, now);
	CHECK_EQ(by_xl, 1);
	end();
}

/* A device that another stub domain of the guest serves already stays. */
static void test_other_stays(void)
{
	begin();
	xs_fake_put("/local/domain/0/aperture-stub/11/guest", "5");
	xs_fake_put(FRONTS "/3/backend-id", "11");
	xs_fake_put(FRONTS "/4/backend-id", "12");	/* whose? the guest's invention */
	stub_state = XEN_GONE;
	release();
	CHECK(xs_fake_get(FRONTS "/3"));
	CHECK(!xs_fake_get(FRONTS "/0"));
	CHECK(!xs_fake_get(FRONTS "/4"));
	CHECK(!xs_fake_get(LIST));
	end();
}

/* Every change that xenstore refuses: it is tried again, and comes to its end. */
static void test_refused(void)
{
	unsigned int n;

	for (n = 1; n < 12; n++) {
		begin();
		xs_fake_fail(n);
		stub_state = XEN_GONE;
		release();
		xs_fake_fail(0);
		while (s.list) {
			CHECK(stubs_deadline(&s) <= now + 5000);
			now = stubs_deadline(&s);
			stubs_work(&s, now);
		}
		CHECK(!s.list);
		end();
	}
}

/* ---- the watchdog ---- */

static void boots(const char *port)
{
	xs_fake_put(OWN "/restart-entry", "1052672");
	xs_fake_put(OWN "/watchdog-port", port);
	CHECK(stubs_watch(&s, OWN "/watchdog-port", "stub/9"));
	if (stubs_deadline(&s) > now && s.list->rebind)
		now = stubs_deadline(&s);
	stubs_work(&s, now);
}

/* So long, looking whenever something is due; it answers or not. */
static void pass(unsigned int ms, bool answers)
{
	uint64_t until = now + ms;
	unsigned int before;

	while (stubs_deadline(&s) <= until) {
		now = stubs_deadline(&s);
		before = sent;
		stubs_work(&s, now);
		if (answers && sent != before)
			pending = bound;
	}
	now = until;
	stubs_ready(&s);
}

static void test_answers(void)
{
	begin();
	CHECK_EQ(stubs_deadline(&s), UINT64_MAX);	/* not started: nothing to watch */
	boots("7");
	CHECK_EQ(bound, 107);
	pass(20 * W, true);
	CHECK(sent >= 57 && sent <= 60);
	CHECK_EQ(restarted, 0);
	boots("8");	/* it restarted by itself */
	CHECK_EQ(bound, 108);
	pass(5 * W, true);
	CHECK_EQ(restarted, 0);
	end();
}

static void test_hangs(void)
{
	begin();
	boots("7");
	pass(W - 1, false);
	CHECK_EQ(restarted, 0);
	pass(W / 3 + 2, false);
	CHECK_EQ(restarted, 1);
	CHECK_EQ(entry, 1052672);
	CHECK_EQ(bound, 0);
	CHECK_STR(xs_fake_get(LIST "/watchdog-restarts"), "1");
	boots("8");
	pass(20 * W, true);
	CHECK_EQ(restarted, 1);
	CHECK_EQ(by_xl, 0);
	CHECK_EQ(s.list->dog.in_vain, 0);
	end();
}

/* One that writes its port and sends events without end costs a bounded amount. */
static void test_floods(void)
{
	unsigned int i;

	begin();
	boots("7");
	for (i = 0; i < 3 * W; i++) {
		now++;
		CHECK(stubs_watch(&s, OWN "/watchdog-port", "stub/9"));
		stubs_work(&s, now);
	}
	CHECK(binds <= 3 * W / 100 + 2);
	end();
	begin();
	boots("7");
	for (i = 0; i < 3 * W; i++) {
		now++;
		pending = bound;	/* Xen holds it back while it is masked; here it does not */
		stubs_work(&s, now);
	}
	CHECK(unmasked >= 8 && unmasked <= 9);
	CHECK_EQ(restarted, 0);
	end();
}

/* It hangs at once again: three restarts, then the end. */
static void test_hopeless(bool comes_up)
{
	unsigned int i;

	begin();
	xl_works = false;
	boots("7");
	for (i = 0; i < 3; i++) {
		pass(W + W / 3, false);
		CHECK_EQ(restarted, i + 1);
		if (comes_up)
			boots("7");
	}
	pass(W + W / 3, false);
	CHECK_EQ(restarted, 3);
	CHECK_EQ(by_xl, 1);
	CHECK(s.list->ending);
	boots("7");
	CHECK_EQ(bound, 0);
	end();
}

static void test_hangs_again(void)
{
	test_hopeless(true);
}

static void test_never_back(void)
{
	test_hopeless(false);
}

/* ---- with trapped devices ---- */

static void trap(void)
{
	xs_fake_put("/local/domain/5/aperture/1/event-domain", "9");
	xs_fake_put("/local/domain/5/aperture/1/door", "io");
	xs_fake_put("/local/domain/5/aperture/1/address", "1536");
	xs_fake_put("/local/domain/5/aperture/2/event-domain", "9");
	xs_fake_put("/local/domain/5/aperture/2/door", "mmio");
	xs_fake_put("/local/domain/5/aperture/2/address", "4278255616");
	xs_fake_put("/local/domain/5/aperture/3/event-domain", "11");
	served = true;
}

/* Restarted as often as it takes, with pauses; the guest's end is its end. */
static void test_must_stay(void)
{
	unsigned int before, i;

	begin();
	trap();
	boots("7");
	for (i = 0; i < 40; i++)
		pass(W, false);
	CHECK_EQ(by_xl, 0);
	CHECK(!s.list->ending);
	CHECK(strstr(last_line, "xl destroy 5"));
	before = restarted;
	CHECK(before > 5);
	pass(30000, false);
	CHECK(restarted - before >= 3);
	CHECK(restarted - before <= 8);		/* the pauses have grown */
	CHECK_EQ(by_xl, 0);
	CHECK(xs_fake_get("/local/domain/5/aperture/1/door"));
	boots("8");
	pass(20 * W, true);
	CHECK_EQ(s.list->dog.in_vain, 0);
	guest_state = XEN_GONE;
	release();
	CHECK_EQ(by_xl, 1);
	release();
	CHECK(!s.list);
	end();
}

static void test_must_stay_crashed(void)
{
	unsigned int i;

	begin();
	trap();
	boots("7");
	for (i = 1; i < 6; i++) {
		stub_state = XEN_STOPPED;
		release();
		if (stub_state == XEN_STOPPED) {	/* not at once again */
			CHECK(stubs_deadline(&s) > now && stubs_deadline(&s) <= now + 5000);
			now = stubs_deadline(&s);
			stubs_work(&s, now);
		}
		CHECK_EQ(restarted, i);
		CHECK_EQ(stub_state, XEN_RUNS);
	}
	CHECK_EQ(by_xl, 0);
	CHECK(strstr(last_line, "guest 5"));
	/* Without its server it may go. */
	served = false;
	stub_state = XEN_STOPPED;
	release();
	CHECK_EQ(by_xl, 1);
	end();
}

/* Somebody pauses it to look at it: nobody spins meanwhile, and then it goes on. */
static void test_must_stay_paused(void)
{
	unsigned int i;

	begin();
	trap();
	boots("7");
	for (i = 0; i < 2; i++) {
		stub_state = XEN_STOPPED;
		release();
	}
	stub_state = XEN_PAUSED;
	for (i = 0; i < 5; i++) {
		now = stubs_deadline(&s) > now ? stubs_deadline(&s) : now;
		stubs_work(&s, now);
		CHECK_CASE(stubs_deadline(&s) > now, i, stubs_deadline(&s));
	}
	end();
}

/* Destroyed by somebody's hand: what holds is said, and its nodes go. */
static void test_gone_while_trapped(void)
{
	begin();
	trap();
	stub_state = XEN_GONE;
	release();
	CHECK(strstr(last_line, "io 0x600, mmio 0xff010000"));
	CHECK(strstr(last_line, "xl destroy 5"));
	CHECK(!xs_fake_get("/local/domain/5/aperture/1"));
	CHECK(!xs_fake_get("/local/domain/5/aperture/2"));
	CHECK(xs_fake_get("/local/domain/5/aperture/3"));
	CHECK(!s.list);
	CHECK_EQ(by_xl, 0);
	end();
}

/* kill -9 of the daemon between pause and unpause. */
static void test_died_restarting(void)
{
	begin_without(true);
	stub_state = XEN_PAUSED;
	xs_fake_put(LIST "/restarting", "1");
	list_it();
	CHECK_EQ(stub_state, XEN_RUNS);
	CHECK(!xs_fake_get(LIST "/restarting"));
	end();
}

/* A guest that writes without end. */
static void restless(void)
{
	xs_fake_put("/local/domain/5/device/x", "1");
}

static void test_restless_guest(void)
{
	begin();
	stub_state = XEN_GONE;
	xs_fake_on_commit(restless);
	release();
	xs_fake_on_commit(NULL);
	all_gone();
	end();
}

static void test_paused(void)
{
	begin();
	boots("7");
	pass(W / 2, false);
	stub_state = XEN_PAUSED;
	pass(10 * W, false);
	CHECK_EQ(restarted, 0);
	stub_state = XEN_RUNS;
	pass(W - 2, false);
	CHECK_EQ(restarted, 0);
	pass(W, false);
	CHECK_EQ(restarted, 1);
	end();
}

/* The whole machine stood still: one late look condemns nobody. Nor does an answer that waits. */
static void test_late(void)
{
	begin();
	boots("7");
	pass(W / 3, true);
	now += 100 * W;
	stubs_work(&s, now);
	CHECK_EQ(restarted, 0);
	now += 100 * W;
	stubs_work(&s, now);
	CHECK_EQ(restarted, 0);
	pending = bound;
	now += 100 * W;
	stubs_work(&s, now);
	now += 100 * W;
	stubs_work(&s, now);
	CHECK_EQ(restarted, 0);
	end();
}

/* What it wrote is its own: nonsense ends it, not us. */
static void test_nonsense(void)
{
	begin();
	boots("x");
	CHECK_EQ(bound, 0);
	xs_fake_put(OWN "/restart-entry", "-1");
	pass(3 * W, false);
	CHECK_EQ(restarted, 0);
	CHECK_EQ(by_xl, 1);
	release();
	all_gone();
	end();
}

static void test_count_stays(void)
{
	begin_without(true);
	xs_fake_put(LIST "/watchdog-restarts", "41");
	list_it();
	boots("7");
	pass(2 * W, false);
	CHECK_STR(xs_fake_get(LIST "/watchdog-restarts"), "42");
	end();
}

static CU_TestInfo tests[] = {
	{ "the guest ends", test_guest_ends },
	{ "the stub domain ends", test_stub_ends },
	{ "the stub domain crashes", test_crash },
	{ "xl does not work", test_without_xl },
	{ "no power over domains", test_no_power },
	{ "the list", test_list },
	{ "another stub domain's device", test_other_stays },
	{ "xenstore refuses", test_refused },
	{ "watchdog: answers", test_answers },
	{ "watchdog: hangs", test_hangs },
	{ "watchdog: hangs again and again", test_hangs_again },
	{ "watchdog: does not come up again", test_never_back },
	{ "watchdog: floods", test_floods },
	{ "trapped: it stays, whatever the watchdog thinks", test_must_stay },
	{ "trapped: it stays after a crash", test_must_stay_crashed },
	{ "one that must stay is paused", test_must_stay_paused },
	{ "trapped: destroyed by hand", test_gone_while_trapped },
	{ "watchdog: paused", test_paused },
	{ "the daemon died while it restarted one", test_died_restarting },
	{ "a guest that writes without end", test_restless_guest },
	{ "watchdog: late looks", test_late },
	{ "watchdog: nonsense", test_nonsense },
	{ "watchdog: the count stays", test_count_stays },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
