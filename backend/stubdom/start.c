// SPDX-License-Identifier: GPL-2.0-only
#include "start.h"

#include "console.h"
#include "door.h"
#include "events.h"
#include "fast.h"
#include "grants.h"
#include "lane.h"
#include "loop.h"
#include "parse.h"
#include "persist.h"
#include "text.h"
#include "trap.h"
#include "trapped.h"
#include "xenstore.h"

#define DOM0	0u

/* The longest spinning: what is longer starves others without a gain. */
#define SPIN_MAX_US	1000000u

static void write_number(const char *path, uint64_t value)
{
	char text[24];
	int error;

	text_make(text, sizeof(text), "%lu", value);
	error = store_write(0, path, text);
	if (error)
		console_say(CONSOLE_ERROR, "xenstore: cannot write %s, error %u", path,
			    (unsigned int)-error);
}

static void read_settings(void)
{
	const char *log = store_get(0, "aperture/log"), *spin;
	uint32_t us = 0;

	if (log && !console_level(log))
		console_say(CONSOLE_WARNING, "aperture/log is \"%s\"; it must be error, warning, info or debug",
			    log);
	spin = store_get(0, "aperture/spin-us");
	if (spin && !xapt_parse_u32(spin, 0, SPIN_MAX_US, &us))
		console_say(CONSOLE_WARNING, "aperture/spin-us is \"%s\"; it must be 0 to %u. Not spinning",
			    spin, SPIN_MAX_US);
	loop_spin(us);
}

static void offer_watchdog(void)
{
	int port = events_listen(DOM0);

	if (port < 0) {
		console_say(CONSOLE_ERROR, "no event channel for the watchdog, error %u",
			    (unsigned int)-port);
		return;
	}
	loop_watchdog((uint32_t)port);
	write_number("aperture/restart-entry", (uintptr_t)restart_entry);
	write_number("aperture/watchdog-port", (uint64_t)port);
}

/* It never changes: a new life that cannot read it goes on with what the last one read. */
static uint32_t guest STUB_PERSIST;

static void read_guest(void)
{
	const char *text = store_get(0, "aperture/guest");

	if (!xapt_parse_u32(text, 1, DOMID_FIRST_RESERVED - 1, &guest))
		console_say(CONSOLE_ERROR, "aperture/guest is \"%s\"; it must be a domain's number",
			    text ? text : "");
}

static void watched(const char *path, const char *token)
{
	if (trapped_token(token))
		trapped_watched(path, token);
	else
		fast_watched(path, token);
}

/* While one waits for xenstore the other's watches may fire. */
static void do_steps(void)
{
	bool more;

	do {
		more = fast_step();
		more |= trapped_step();
	} while (more);
}

void stub_begin(void)
{
	lane_init();
	events_init();
	grants_init();
	door_again(guest);
	store_init(watched);
	read_settings();
	read_guest();
	offer_watchdog();
	write_number("aperture/restarts", trap_restarts());
	store_write(0, "aperture/version", XENAPERTURE_VERSION);
	fast_start(guest);
	door_start(guest);
	trapped_start(guest);
	write_number("aperture/state", 4);
	console_say(CONSOLE_INFO, "xen-aperture stub domain " XENAPERTURE_VERSION " serves guest %u; restarts %lu",
		    guest, trap_restarts());
	for (;;) {
		do_steps();
		while (!loop_turn())
			;
	}
}

void stub_boot(const struct start_info *start)
{
	machine_init(start);
	console_init();
	trap_init();
	stub_begin();
}
