/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that come back: paused, attached, unpaused, whatever happens; and files that go. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../backend/daemon/returns.h"
#include "check.h"
#include "log.h"
#include "tool_xenstore.h"

#define UUID_A	"0a0b0c0d-0000-0000-0000-000000000001"
#define NODE	"/local/domain/0/aperture-again/7"

static struct returns r;
static struct xapt_bus bus;
static struct xen_info domains[1000];
static int nr_domains;
static int pauses[16];		/* by domain; those of ours */
static unsigned int pause_calls;
static bool pause_fails, spawn_fails;
static pid_t spawned;
static uint32_t attached;
static char folder[] = "/tmp/returns-XXXXXX";
static uint64_t now;

int xen_pause(struct xen *x, uint32_t domid)
{
	(void)x;
	/* Whoever comes after us must find it. */
	CHECK(xs_fake_get("/local/domain/0/aperture-again") != NULL);
	pause_calls++;
	if (pause_fails)
		return xapt_error_set(ESRCH, "test");
	pauses[domid]++;
	return 0;
}

int xen_unpause(struct xen *x, uint32_t domid)
{
	(void)x;
	pauses[domid]--;
	return 0;
}

int xen_list(struct xen *x, uint32_t first, int room, struct xen_info *info)
{
	int i, n = 0;

	(void)x;
	for (i = 0; i < nr_domains && n < room; i++)
		if (domains[i].domid >= first)
			info[n++] = domains[i];
	return n;
}

pid_t attach_again(uint32_t domid)
{
	attached = domid;
	if (spawn_fails) {
		errno = ENOENT;
		return -1;
	}
	signal(SIGTERM, SIG_IGN);
	spawned = fork();
	if (!spawned) {
		for (;;)
			pause();
	}
	signal(SIGTERM, SIG_DFL);
	setpgid(spawned, spawned);
	return spawned;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	(void)domid;
	return true;
}

static void quiet(enum xenaperture_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void file_is(bool there)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/" UUID_A, folder);
	CHECK_EQ(!access(path, F_OK), there);
}

static void remember(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/" UUID_A, folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void domain(uint32_t domid, uint8_t last)
{
	domains[nr_domains++] = (struct xen_info){
		.domid = domid, .uuid = { 0x0a, 0x0b, 0x0c, 0x0d, [15] = last },
	};
}

static void look(const char *token)
{
	returns_watch(&r, token);
	returns_work(&r, now);
}

static void begin(void)
{
	xs_fake_reset();
	xapt_log_to(quiet);
	memset(pauses, 0, sizeof(pauses));
	nr_domains = 0;
	pause_fails = spawn_fails = false;
	spawned = 0;
	pause_calls = 0;
	attached = 0;
	now = 1000;
	CHECK_EQ(xapt_bus_open(&bus), 0);
}

static void start(void)
{
	r.folder = folder;
	CHECK_EQ(returns_open(&r, &bus, (struct xen *)&bus), 0);
}

static void end(void)
{
	int i;

	if (spawned > 0) {
		kill(spawned, SIGKILL);
		waitpid(spawned, NULL, 0);
	}
	returns_close(&r);
	for (i = 0; i < 16; i++)
		CHECK_CASE(!pauses[i], i, pauses[i]);
	CHECK(!xs_fake_get(NODE));
	xapt_bus_close(&bus);
}

static void test_comes_back(void)
{
	begin();
	domain(5, 2);
	start();
	remember();
	domain(7, 1);
	domain(8, 3);
	look("introduce");
	CHECK_EQ(attached, 7);
	CHECK_EQ(pauses[7], 1);
	CHECK_EQ(pauses[8], 0);
	CHECK_STR(xs_fake_get(NODE), "1");
	attached = 0;
	look("introduce");		/* once, however often it looks */
	CHECK_EQ(attached, 0);
	CHECK(returns_deadline(&r) <= now + RETURNS_MS);
	CHECK(!returns_reap(&r, spawned + 1, 0));
	CHECK(returns_reap(&r, spawned, 0));
	CHECK_EQ(pauses[7], 0);
	CHECK(!xs_fake_get(NODE));
	CHECK_EQ(returns_deadline(&r), UINT64_MAX);
	file_is(true);
	end();
}

/* Those that are there when the daemon starts did not come back just now. */
static void test_there_before(void)
{
	begin();
	remember();
	domain(7, 1);
	start();
	look("introduce");
	look("release");
	CHECK_EQ(attached, 0);
	file_is(true);
	end();
}

/* It runs in the end, whatever fails. */
static void test_failures(void)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		begin();
		start();
		remember();
		pause_fails = i == 0;
		spawn_fails = i == 1;
		domain(7, 1);
		look("introduce");
		CHECK_CASE(pauses[7] == (i > 1), i, pauses[7]);
		if (i == 2)		/* the tool fails */
			CHECK(returns_reap(&r, spawned, 5 << 8));
		if (i == 3) {		/* it hangs */
			now += RETURNS_MS;
			returns_work(&r, now);
		}
		if (i < 4) {
			CHECK_CASE(!pauses[7], i, pauses[7]);
			CHECK_CASE(!xs_fake_get(NODE), i, 0);
		}
		end();			/* 4: the daemon ends meanwhile */
	}
}

/* It is asked to end, then killed, with what it started. */
static void test_hangs(void)
{
	int status;

	begin();
	start();
	remember();
	domain(7, 1);
	look("introduce");
	now = returns_deadline(&r);
	returns_work(&r, now);
	CHECK(!pauses[7]);
	CHECK_EQ(returns_deadline(&r), now + RETURNS_END_MS);
	CHECK_EQ(waitpid(spawned, &status, WNOHANG), 0);
	now = returns_deadline(&r);
	returns_work(&r, now);
	CHECK_EQ(waitpid(spawned, &status, 0), spawned);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(returns_reap(&r, spawned, status));
	CHECK_EQ(returns_deadline(&r), UINT64_MAX);
	spawned = 0;
	end();
}

/* kill -9 of the daemon between pause and unpause. */
static void test_died_between(void)
{
	begin();
	domain(7, 1);
	pauses[7] = 1;
	xs_fake_put(NODE, "1");
	start();
	CHECK_EQ(pauses[7], 0);
	CHECK(!xs_fake_get(NODE));
	end();
}

/* Whom we paused is destroyed: nothing is unpaused, the node goes. */
static void test_destroyed_meanwhile(void)
{
	begin();
	start();
	remember();
	domain(7, 1);
	look("introduce");
	nr_domains = 0;
	look("release");
	now += RETURNS_KEEP_MS;
	returns_work(&r, now);
	CHECK(!xs_fake_get(NODE));
	pauses[7] = 0;
	file_is(false);
	end();
}

/* Which ends are for good. */
static void test_ends(void)
{
	static const struct {
		bool shut;
		uint32_t reason;
		bool kept;
	} cases[] = {
		{ false, 0, false },		/* destroyed */
		{ true, 0, false },		/* powered off */
		{ true, 1, true },		/* reboots */
		{ true, 2, true },		/* was saved */
		{ true, 3, true },		/* crashed */
		{ true, 4, true },		/* watchdog */
	};
	unsigned int i, dying;

	for (i = 0; i < 12; i++) {
		dying = i / 6;
		begin();
		domain(7, 1);
		start();
		remember();
		domains[0].shut = cases[i % 6].shut;
		domains[0].reason = cases[i % 6].reason;
		look("release");
		file_is(true);
		domains[0].dying = dying;
		nr_domains = (int)dying;
		look("release");
		look("release");
		file_is(true);		/* for a moment, in any case */
		now += RETURNS_KEEP_MS;
		returns_work(&r, now);
		file_is(cases[i % 6].kept);
		nr_domains = 0;
		look("release");
		CHECK_EQ(returns_deadline(&r), UINT64_MAX);
		end();
	}
}

/* Its end was seen too late for the reason, and it is back already: it keeps its devices. */
static void test_quick_return(void)
{
	begin();
	domain(5, 1);
	start();
	remember();
	nr_domains = 0;
	look("release");
	domain(7, 1);
	look("introduce");
	CHECK_EQ(attached, 7);
	CHECK(returns_reap(&r, spawned, 0));
	now += RETURNS_KEEP_MS;
	returns_work(&r, now);
	file_is(true);
	end();
}

/* More domains than one call tells. */
static void test_many(void)
{
	uint32_t i;

	begin();
	for (i = 0; i < 700; i++)
		domain(100 + i, (uint8_t)(i % 200 + 2));
	start();
	remember();
	domain(900, 1);
	pause_fails = true;
	xs_fake_put("/local/domain/0/aperture-again/x", "1");
	look("introduce");
	CHECK_EQ(pause_calls, 1);
	look("release");
	CHECK_EQ(pause_calls, 1);
	pause_fails = false;
	end();
}

static CU_TestInfo tests[] = {
	{ "comes back", test_comes_back },
	{ "was there before", test_there_before },
	{ "failures", test_failures },
	{ "the tool hangs", test_hangs },
	{ "the daemon died between", test_died_between },
	{ "destroyed meanwhile", test_destroyed_meanwhile },
	{ "ends", test_ends },
	{ "a quick return", test_quick_return },
	{ "many", test_many },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	(void)argc;
	if (!mkdtemp(folder))
		return 1;
	status = check_main(argv[0], tests);
	if (!chdir(folder))
		unlink(UUID_A);
	rmdir(folder);
	return status;
}
