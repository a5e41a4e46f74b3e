/* SPDX-License-Identifier: GPL-2.0-only */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "wait.h"

/* Look again so often even without a watch event: progress, and a lost watch. */
#define TICK_MS 1000

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

void wait_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool wait_interrupted(void)
{
	return interrupted;
}

void wait_forget_signal(void)
{
	interrupted = 0;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

long long wait_clock(void)
{
	return now_ms() / 1000;
}

static bool end_closed(const struct device_end *end)
{
	return !end->there || end->state == STATE_CLOSED;
}

static bool reached(const struct device *device, enum wait_goal goal)
{
	switch (goal) {
	case WAIT_READY:
		return device->parent.state >= STATE_INIT_WAIT &&
		       device->parent.state <= STATE_CONNECTED;
	case WAIT_CONNECTED:
		return device->parent.state == STATE_CONNECTED &&
		       device->child.state == STATE_CONNECTED;
	case WAIT_CLOSED:
		return end_closed(&device->parent) &&
		       (end_closed(&device->child) || device->child.state == STATE_INITIALISING);
	}
	return false;
}

static bool gave_up(const struct device_end *end)
{
	return end->error[0] || end->state == STATE_CLOSING || end->state == STATE_CLOSED;
}

/* Closing waits for both whatever they say; the others end with the first refusal. */
static bool refused(const struct device *device, enum wait_goal goal)
{
	return goal != WAIT_CLOSED && (gave_up(&device->parent) || gave_up(&device->child));
}

static bool gone(const struct device *device, enum wait_goal goal)
{
	return goal != WAIT_CLOSED && (!device->child.there || !device->parent.there);
}

static void show_progress(const struct device *device, unsigned int elapsed,
			  unsigned int seconds, bool changed)
{
	bool terminal = isatty(STDERR_FILENO);

	if (!terminal && !changed)
		return;
	fprintf(stderr, "%s%s %u %s %u: backend %s, %s %s (%u of %u s)%s",
		terminal ? "\r\033[K" : "", device->trapped ? "stub domain" : "guest", device->guest,
		device_kind(device), device->id, state_name(device->parent.state),
		device->trapped ? "stub domain" : "guest", state_name(device->child.state),
		elapsed, seconds, terminal ? "" : "\n");
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void set_watches(struct store *store, const struct device *device, bool on)
{
	bool (*change)(struct xs_handle *, const char *, const char *) = on ? xs_watch : xs_unwatch;
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), DEVICE_BACKEND "/%u/%u", device->backend,
		 device_node(device->fast), device->guest, device->id);
	change(store->xs, path, "backend");
	snprintf(path, sizeof(path), DEVICE_FRONTEND "/%u", device->guest,
		 device_node(device->fast), device->id);
	change(store->xs, path, "frontend");
}

/* Sleep until a watch fires or for so long; the states are read anew anyway. */
static void sleep_for(struct store *store, long long ms)
{
	struct pollfd events = { .fd = xs_fileno(store->xs), .events = POLLIN };
	char **fired;

	if (poll(&events, 1, (int)(ms < TICK_MS ? ms : TICK_MS)) <= 0)
		return;
	while ((fired = xs_check_watch(store->xs)))
		free(fired);
}

static bool judge(const struct device *device, enum wait_goal goal, enum wait_end *end)
{
	if (reached(device, goal))
		*end = WAIT_REACHED;
	else if (gone(device, goal))
		*end = WAIT_GONE;
	else if (refused(device, goal))
		*end = WAIT_REFUSED;
	else if (interrupted)
		*end = WAIT_INTERRUPTED;
	else
		return false;
	return true;
}

static enum wait_end wait_loop(struct store *store, struct device *device, enum wait_goal goal,
			       unsigned int seconds)
{
	long long start = now_ms(), limit = seconds * 1000LL, elapsed;
	struct device before = { 0 };
	enum wait_end end;

	for (;;) {
		device_read(store, device);
		if (judge(device, goal, &end))
			return end;
		elapsed = now_ms() - start;
		if (elapsed >= limit)
			return WAIT_TIMEOUT;
		show_progress(device, (unsigned int)(elapsed / 1000), seconds,
			      before.parent.state != device->parent.state ||
			      before.child.state != device->child.state);
		before = *device;
		sleep_for(store, limit - elapsed);
	}
}

enum wait_end wait_for(struct store *store, struct device *device, enum wait_goal goal,
		       unsigned int seconds)
{
	enum wait_end end;

	set_watches(store, device, true);
	end = wait_loop(store, device, goal, seconds);
	set_watches(store, device, false);
	clear_progress();
	return end;
}

enum wait_end wait_path(struct store *store, const char *path, unsigned int seconds,
			bool (*look)(void *data, enum wait_end *end), void *data)
{
	long long start = now_ms(), limit = seconds * 1000LL, elapsed;
	enum wait_end end = WAIT_TIMEOUT;

	xs_watch(store->xs, path, "path");
	while (!look(data, &end)) {
		elapsed = now_ms() - start;
		end = interrupted ? WAIT_INTERRUPTED : WAIT_TIMEOUT;
		if (interrupted || elapsed >= limit)
			break;
		sleep_for(store, limit - elapsed);
	}
	xs_unwatch(store->xs, path, "path");
	return end;
}

static const char *where_to_look(const struct device *device)
{
	return device->fast ? "the stub domain's console (xl console)" : "the journal of apertured";
}

/* Who should be running, and what to do if it is not. */
static const char *server_of(const struct device *device)
{
	if (device->fast)
		return "the stub domain";
	return device->by_program ? "the program that serves it" : "apertured";
}

/* The child of a slow lane is the stub domain. */
static void explain_slow(const struct device *device, enum wait_end end, unsigned int seconds,
			 struct why *why)
{
	if (end == WAIT_GONE)
		why_set(why, "its slow lane vanished from xenstore: the stub domain %u or the guest ended",
			device->guest);
	else if (device->parent.error[0] || device->child.error[0])
		why_set(why, "%s %u gave up its slow lane: %s",
			device->parent.error[0] ? "domain" : "the stub domain",
			device->parent.error[0] ? device->backend : device->guest,
			device->parent.error[0] ? device->parent.error : device->child.error);
	else if (end == WAIT_TIMEOUT && device->parent.state <= STATE_INITIALISING)
		why_set(why, "nobody serves its slow lane after %u s: start apertured (systemctl start "
			"apertured), or raise --wait", seconds);
	else
		why_set(why, "its slow lane is not %s after %u s (backend %s, stub domain %s): look into "
			"the journal of apertured and at xl console %u",
			end == WAIT_TIMEOUT ? "where it should be" : "up", seconds,
			state_name(device->parent.state), state_name(device->child.state), device->guest);
}

static void explain_refusal(const struct device *device, struct why *why)
{
	if (device->parent.error[0])
		why_set(why, "%s %u, which serves it, gave up: %s",
			device->fast ? "the stub domain" : "domain", device->backend,
			device->parent.error);
	else if (device->child.error[0])
		why_set(why, "the guest gave up: %s", device->child.error);
	else
		why_set(why, "it closed without a reason (backend %s, guest %s): look into %s and "
			"the guest's kernel log", state_name(device->parent.state),
			state_name(device->child.state), where_to_look(device));
}

static void explain_closing(const struct device *device, unsigned int seconds, struct why *why)
{
	if (!end_closed(&device->child) && device->child.state != STATE_INITIALISING)
		why_set(why, "the guest has not let go after %u s (guest %s, backend %s): it is "
			"paused or hung, or a program in it uses the device. End that program, or "
			"use --force", seconds, state_name(device->child.state),
			state_name(device->parent.state));
	else
		why_set(why, "domain %u has not let go after %u s (backend %s): is %s running "
			"there? %s, or use --force", device->backend, seconds,
			state_name(device->parent.state), server_of(device),
			device->fast ? "Look at its console" : "Start it");
}

static void explain_timeout(const struct device *device, unsigned int seconds, struct why *why)
{
	if (device->fast && device->parent.state <= STATE_INITIALISING)
		why_set(why, "the stub domain %u has not taken it up after %u s (backend %s): look "
			"at its console (xl console %u), or raise --wait", device->backend,
			seconds, state_name(device->parent.state), device->backend);
	else if (device->parent.state <= STATE_INITIALISING)
		why_set(why, "nobody serves it after %u s (backend %s): start %s in domain %u, or "
			"raise --wait", seconds, state_name(device->parent.state),
			device->by_program ? "the program that serves it"
					   : "apertured (systemctl start apertured)",
			device->backend);
	else if (device->fast && device->child.state <= STATE_INITIALISING)
		why_set(why, "the guest has not taken it up after %u s (guest %s, backend %s): its "
			"driver knows no first devices or is not loaded, or the guest is paused or "
			"still boots; then raise --wait", seconds, state_name(device->child.state),
			state_name(device->parent.state));
	else if (device->child.state <= STATE_INITIALISING)
		why_set(why, "the guest has no driver for it after %u s (guest %s, backend %s): "
			"load it there (modprobe xen-aperture); if the guest is paused or still "
			"boots, raise --wait", seconds, state_name(device->child.state),
			state_name(device->parent.state));
	else
		why_set(why, "not connected after %u s (backend %s, guest %s): look into %s and the "
			"guest's kernel log, or raise --wait",
			seconds, state_name(device->parent.state),
			state_name(device->child.state), where_to_look(device));
}

void wait_explain(const struct device *device, enum wait_goal goal, enum wait_end end,
		  unsigned int seconds, struct why *why)
{
	if (device->trapped && end != WAIT_REACHED && end != WAIT_INTERRUPTED) {
		explain_slow(device, end, seconds, why);
		return;
	}
	switch (end) {
	case WAIT_REACHED:
		why->text[0] = '\0';
		break;
	case WAIT_REFUSED:
		explain_refusal(device, why);
		break;
	case WAIT_GONE:
		if (device->fast)
			why_set(why, "its nodes vanished from xenstore: the stub domain %u ended (xl "
				"dmesg and the journal of apertured may say why), or the guest did",
				device->backend);
		else
			why_set(why, "its nodes vanished from xenstore: the guest ended, or somebody "
				"detached the device");
		break;
	case WAIT_INTERRUPTED:
		why_set(why, "interrupted by a signal");
		break;
	case WAIT_TIMEOUT:
		if (goal == WAIT_CLOSED)
			explain_closing(device, seconds, why);
		else
			explain_timeout(device, seconds, why);
		break;
	}
}
