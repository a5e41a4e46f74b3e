/* SPDX-License-Identifier: GPL-2.0-only */
/* The supervisor against a worker that hangs, lies or floods. No worker is started: the test is it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../backend/daemon/message.h"
#include "../../backend/daemon/supervisor.h"
#include "check.h"
#include "log.h"
#include "tool_xenstore.h"

static struct supervisor s;
static struct guest guest;
static struct device device;
static int worker_end;		/* of the control channel */
static unsigned int lines;
static uint64_t now = 1000;
static bool exists;		/* the guest */

uint64_t now_ms(void)
{
	return now;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	(void)domid;
	return exists;
}

static void count(enum xenaperture_level level, const char *line)
{
	(void)level;
	(void)line;
	lines++;
}

static void begin(void)
{
	int pair[2];

	xs_fake_reset();
	xapt_log_to(count);
	lines = 0;
	now = 1000;
	exists = true;
	memset(&s, 0, sizeof(s));
	guest = (struct guest){ .domid = 5, .who = "guest 5", .devices = &device };
	device = (struct device){ .guest = &guest, .node = { .bus = &s.bus, .domid = 5,
				  .link = XAPT_LINK_UP, .stat.fd = -1 }, .connect.epoch = 7 };
	s.guests = &guest;
	CHECK_EQ(xapt_bus_open(&s.bus), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	guest.fd = pair[0];
	worker_end = pair[1];
	guest.pid = fork();
	if (!guest.pid) {
		/* One that hangs. */
		for (;;)
			pause();
	}
}

static void end(void)
{
	pid_t pid = guest.pid;

	if (pid && !kill(pid, SIGKILL))
		waitpid(pid, NULL, 0);
	if (guest.fd >= 0)
		close(guest.fd);
	close(worker_end);
	xapt_bus_close(&s.bus);
}

static void say(uint32_t type)
{
	struct message m = { .type = type, .epoch = 7, .status = XENAPT_E_DEVICE };

	CHECK_EQ(message_send(worker_end, &m, -1), 0);
	workers_ready(&s, &guest);
}

static unsigned int open_files(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

/* Killed once, said once, although it takes a while to go; then nothing is due. */
static void test_overdue(void)
{
	unsigned int i;

	begin();
	device.deadline = now;
	for (i = 0; i < 3; i++)
		workers_work(&s);
	CHECK_EQ(lines, 1);
	CHECK_EQ(workers_deadline(&s), UINT64_MAX);
	end();
}

/* It was told to let go. Only that it did ends the wait; an answer that crossed does not. */
static void test_ending(void)
{
	static const uint32_t other[] = { MESSAGE_CONNECTED, MESSAGE_FAILED, 99 };
	unsigned int i;

	begin();
	device.node.link = XAPT_LINK_ENDING;
	device.deadline = now + 5;
	for (i = 0; i < sizeof(other) / sizeof(*other); i++) {
		say(other[i]);
		CHECK_CASE(device.deadline == now + 5, other[i], device.deadline);
		CHECK_CASE(device.node.link == XAPT_LINK_ENDING, other[i], device.node.link);
	}
	say(MESSAGE_CLOSED);
	CHECK_EQ(device.deadline, 0);
	CHECK_EQ(device.node.link, XAPT_LINK_NONE);
	end();
}

/* What it was not asked puts nothing off. */
static void test_unasked(void)
{
	begin();
	device.node.link = XAPT_LINK_MAKING;
	device.deadline = now + 5;
	say(MESSAGE_CLOSED);
	say(99);
	CHECK_EQ(device.deadline, now + 5);
	CHECK_EQ(device.node.link, XAPT_LINK_MAKING);
	end();
}

/* The supervisor wants no descriptor from a worker, and keeps none. */
static void test_descriptors(void)
{
	struct message m = { .version = MESSAGE_VERSION, .type = MESSAGE_CLOSED };
	union {
		char room[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	unsigned int n, i, before;

	begin();
	before = open_files();
	for (n = 1; n <= 8; n++) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (i = 0; i < n; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &worker_end, sizeof(int));
		h.msg_controllen = CMSG_SPACE(n * sizeof(int));
		CHECK_EQ(sendmsg(worker_end, &h, 0), sizeof(m));
		workers_ready(&s, &guest);
		CHECK_CASE(open_files() == before, n, open_files() - before);
	}
	end();
}

/* A worker that takes no message is killed; the supervisor does not wait for it. */
static void test_full(void)
{
	unsigned int i;

	begin();
	CHECK_EQ(fcntl(guest.fd, F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < 10000 && guest.fd >= 0; i++)
		workers_disconnect(&s, &device);
	CHECK_EQ(guest.fd, -1);
	CHECK_EQ(lines, 1);
	end();
}

/* The guest dies while its worker was told to let go of a device and hangs. */
static void test_guest_dies(void)
{
	begin();
	xs_fake_put("/local/domain/0/backend/aperture/5/0/state", "5");
	snprintf(device.node.back, sizeof(device.node.back), "/local/domain/0/backend/aperture/5/0");
	device.node.link = XAPT_LINK_ENDING;
	device.deadline = now + 10000;
	exists = false;
	nodes_watch(&s, "@releaseDomain", "release");
	nodes_work(&s);
	CHECK(guest.ending);
	CHECK_EQ(guest.fd, -1);
	CHECK(workers_deadline(&s) < now + 1000);
	end();
}

/* Devices that others serve change their states as often as they like: one look does for many. */
static void test_others(void)
{
	begin();
	device.node.link = XAPT_LINK_NONE;
	s.scan = true;
	nodes_work(&s);
	CHECK(!s.scan);
	nodes_watch(&s, "/local/domain/0/backend/aperture/6/0/state", "backend");
	CHECK(s.scan);
	nodes_work(&s);
	CHECK(s.scan);
	CHECK(nodes_deadline(&s) > now);
	CHECK(nodes_deadline(&s) <= now + 100);
	now = nodes_deadline(&s);
	nodes_work(&s);
	CHECK(!s.scan);
	end();
}

static CU_TestInfo tests[] = {
	{ "overdue", test_overdue },
	{ "ending", test_ending },
	{ "unasked", test_unasked },
	{ "descriptors", test_descriptors },
	{ "full channel", test_full },
	{ "the guest dies", test_guest_dies },
	{ "other parents' devices", test_others },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
