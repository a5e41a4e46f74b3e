/* SPDX-License-Identifier: GPL-2.0-only */
/* The supervisor against a worker that hangs, lies or floods. No worker is started: the test is it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../backend/daemon/elsewhere.h"
#include "../../backend/daemon/gntdev.h"
#include "../../backend/daemon/maps.h"
#include "../../backend/daemon/message.h"
#include "../../backend/daemon/supervisor.h"
#include "../../backend/daemon/wishes.h"
#include "check.h"
#include "gntalloc.h"
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

/* gntalloc is a memory file. */
int xapt_gntalloc_open(void)
{
	return memfd_create("gntalloc", MFD_CLOEXEC);
}

int xapt_gntalloc_pages(int fd, uint32_t domid, bool writable, uint32_t n, uint64_t *index,
			uint32_t *refs)
{
	static uint32_t next = 8;
	struct stat st;
	uint32_t i;

	(void)writable;
	CHECK_EQ(domid, 5);
	CHECK_EQ(fstat(fd, &st), 0);
	*index = (uint64_t)st.st_size;
	for (i = 0; i < n; i++)
		refs[i] = next++;
	return ftruncate(fd, st.st_size + (off_t)n * XENAPT_PAGE_SIZE);
}

/* gntdev is a memory file, in whose pages is whose they are. One reference can be read and not mapped, one neither. */
#define REF_UNMAPPABLE	666u
#define REF_NONE	667u

static unsigned int prepared;	/* calls */

int gntdev_file(uint32_t domid, const uint32_t *refs, uint32_t n, uint64_t *index)
{
	int fd = memfd_create("gntdev", MFD_CLOEXEC);
	uint32_t i;

	prepared++;
	*index = 2 * XENAPT_PAGE_SIZE;
	for (i = 0; i < n; i++) {
		uint32_t page[2] = { domid, refs[i] };

		if (refs[i] == REF_UNMAPPABLE || refs[i] == REF_NONE) {
			close(fd);
			errno = ENOMEM;
			return -1;
		}
		CHECK_EQ(pwrite(fd, page, sizeof(page), (off_t)*index + (off_t)i * XENAPT_PAGE_SIZE), sizeof(page));
	}
	CHECK_EQ(ftruncate(fd, (off_t)*index + (off_t)n * XENAPT_PAGE_SIZE), 0);
	return fd;
}

int gntdev_reads(uint32_t domid, uint32_t ref)
{
	CHECK_EQ(domid, 5);
	return ref == REF_NONE ? EINVAL : 0;
}

bool returns_reap(struct returns *r, pid_t pid, int status)
{
	(void)r;
	(void)pid;
	(void)status;
	return false;
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
	xapt_pool_init(&guest.pool, 5, 100, NULL);
	s.mapped.max_pages = 5000;
	s.config.max_pages_per_guest = 6000;
	guest.mapped = &s.mapped;
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

/* Driver domains hear of a guest's end from domain 0: what they have of it goes. */
static void test_elsewhere(void)
{
	static const char state[] = "/local/domain/6/backend/aperture/7/0/state";
	unsigned int host;

	for (host = 0; host < 2; host++) {
		begin();
		s.guests = NULL;
		s.host = host;
		xs_fake_put(state, "4");
		xs_fake_put("/local/domain/6/backend/aperture/notes", "kept");
		nodes_watch(&s, "@releaseDomain", "release");
		nodes_work(&s);
		CHECK_STR(xs_fake_get(state), "4");
		exists = false;
		nodes_watch(&s, "@releaseDomain", "release");
		nodes_work(&s);
		CHECK_CASE((xs_fake_get(state) == NULL) == host, host, 0);
		CHECK_STR(xs_fake_get("/local/domain/6/backend/aperture/notes"), "kept");
		end();
	}
}

/* In a driver domain the daemon says that it is there, in domain 0 it need not. */
static void test_sign(void)
{
	static const char sign[] = "data/aperture-backend", limits[] = "data/aperture-limits";
	struct config config;

	config_defaults(&config);
	begin();
	elsewhere_policy(&s.bus, &config, 1);
	elsewhere_sign(&s.bus, true);
	CHECK(!xs_fake_get(sign) && !xs_fake_get(limits));
	s.bus.own = 6;
	s.bus.gives = true;
	elsewhere_policy(&s.bus, &config, 98304);
	CHECK_STR(xs_fake_get(limits), "max_pages_per_guest=32768 max_mapped_total=98304 max_size=4261478400 max_given=16777216 max_given_total=134217728");
	s.bus.gives = false;
	elsewhere_policy(&s.bus, &config, 7);
	CHECK(strstr(xs_fake_get(limits), " max_mapped_total=7 ") && strstr(xs_fake_get(limits), " max_given=0 "));
	elsewhere_sign(&s.bus, true);
	CHECK_STR(xs_fake_get(sign), "1");
	elsewhere_sign(&s.bus, false);
	CHECK(!xs_fake_get(sign));
	CHECK(!xs_fake_get(limits));
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

/* ---- memory of this side: the worker asks, the supervisor has it ---- */

static struct wishes wishes;
static bool supervising;
static struct message first;	/* is sent before the answer, if it has a type */
static bool silent;		/* does not answer, this time */

static uint32_t epoch_of(uint32_t devid)
{
	return devid ? 0 : 7;
}

static void *supervise(void *unused)
{
	struct pollfd p = { .fd = guest.fd, .events = POLLIN };

	(void)unused;
	while (__atomic_load_n(&supervising, __ATOMIC_ACQUIRE)) {
		if (poll(&p, 1, 10) != 1 || __atomic_load_n(&silent, __ATOMIC_ACQUIRE))
			continue;
		if (first.type)
			CHECK_EQ(message_send(guest.fd, &first, -1), 0);
		first.type = 0;
		workers_ready(&s, &guest);
	}
	return NULL;
}

static pthread_t begin_giving(void)
{
	pthread_t thread;

	begin();
	wishes_init(&wishes, worker_end, epoch_of);
	supervising = true;
	silent = false;
	first.type = 0;
	CHECK_EQ(pthread_create(&thread, NULL, supervise, NULL), 0);
	return thread;
}

static void stop(pthread_t thread)
{
	__atomic_store_n(&supervising, false, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

/* The worker is killed; the next one finds the same. */
static void test_give(void)
{
	pthread_t thread = begin_giving();
	struct xapt_gift g = { .pages = 20 }, bad = { .pages = 81 };
	struct xapt_given given;
	char text[8];
	int fd;

	/* Asked, the supervisor says what there is, and reserves nothing. */
	wishes.giver.look(&wishes.giver);
	CHECK_EQ(wishes.giver.now.left[XAPT_POOL_WRITABLE], 100);
	CHECK_EQ(guest.reserved, 0);
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_OK);
	CHECK_EQ(wishes.giver.now.left[XAPT_POOL_WRITABLE], 80);
	strcpy(g.addr, "kept");
	CHECK_EQ(xapt_give(&wishes.giver, 0, &bad), XENAPT_E_GIVEN_PAGES);
	CHECK(!bad.addr);
	munmap(g.addr, 20 * XENAPT_PAGE_SIZE);
	stop(thread);
	kill(guest.pid, SIGKILL);
	device.node.back[0] = '\0';
	while (guest.pid)
		workers_reap(&s);
	end();
	CHECK_EQ(guest.pool.pages, 20);
	/* As the next one asks. */
	g.again = g.directory;
	CHECK_EQ(xapt_pool_give(&guest.pool, 0, &(struct xapt_wish){ 20, 0, g.again }, &given, &fd),
		 XENAPT_OK);
	CHECK_EQ(pread(fd, text, sizeof(text), (off_t)given.run[0].index), sizeof(text));
	CHECK_STR(text, "kept");
	xapt_pool_close(&guest.pool);
}

static void test_same(void)
{
	pthread_t thread = begin_giving();
	struct xapt_gift g = { .pages = 20 };
	unsigned int files = open_files();

	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_OK);
	CHECK_EQ(open_files(), files + 2);	/* the pool's, of memory and directories */
	strcpy(g.addr, "kept");
	xapt_take_back(&wishes.giver, 0, &g, false);
	g.again = g.directory;
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_OK);
	CHECK_STR(g.addr, "kept");
	CHECK_EQ(wishes.giver.now.left[XAPT_POOL_WRITABLE], 80);
	xapt_take_back(&wishes.giver, 0, &g, true);
	CHECK_EQ(wishes.giver.now.left[XAPT_POOL_WRITABLE], 100);	/* at once */
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_E_LOST);
	CHECK_EQ(wishes.giver.now.left[XAPT_POOL_WRITABLE], 100);	/* and in truth */
	/* Of a device that it does not serve: an answer all the same, at once. */
	g.again = 0;
	CHECK_EQ(xapt_give(&wishes.giver, 3, &g), XENAPT_E_MEMORY);
	CHECK_STR(xapt_error(), "no such device");
	CHECK(!wishes.broken);
	stop(thread);
	end();
	xapt_pool_close(&guest.pool);
	CHECK(open_files() <= files);
}

/* What the supervisor says meanwhile is not lost. */
static void test_in_between(void)
{
	pthread_t thread = begin_giving();
	struct xapt_gift g = { .pages = 3 };
	struct message m;
	int extra;

	first = (struct message){ .type = MESSAGE_DISCONNECT, .devid = 9 };
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_OK);
	CHECK(wishes_kept(&wishes));
	CHECK_EQ(wishes_receive(&wishes, &m, &extra), 1);
	CHECK_EQ(m.type, MESSAGE_DISCONNECT);
	CHECK_EQ(m.devid, 9);
	CHECK(!wishes_kept(&wishes));
	xapt_take_back(&wishes.giver, 0, &g, true);
	stop(thread);
	end();
	xapt_pool_close(&guest.pool);
}

/* An answer after the wait: the memory goes back. */
static void test_late(void)
{
	pthread_t thread = begin_giving();
	struct xapt_gift g = { .pages = 3 };
	struct message m;
	int extra = -1, n;

	__atomic_store_n(&silent, true, __ATOMIC_RELEASE);
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_E_MEMORY);
	CHECK(!wishes.broken);
	__atomic_store_n(&silent, false, __ATOMIC_RELEASE);
	do
		n = wishes_receive(&wishes, &m, &extra);
	while (n < 0);
	CHECK_EQ(m.type, MESSAGE_GIVEN);
	close(extra);
	wishes_late(&wishes, &m);
	CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_OK);	/* after it in the channel */
	xapt_take_back(&wishes.giver, 0, &g, true);
	stop(thread);
	end();
	CHECK_EQ(guest.pool.pages, 3);
	xapt_pool_close(&guest.pool);
}

/* The supervisor ends while the worker waits. */
static unsigned int gone_calls;

static void gone(void)
{
	gone_calls++;
}

/* It died before the answer, or before the question. The worker is told at once: no guest hears of it. */
static void test_no_supervisor(void)
{
	static const int how[] = { SHUT_WR, SHUT_RDWR };
	struct xapt_gift g = { .pages = 3 };
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 2; i++) {
		begin();
		wishes_init(&wishes, worker_end, epoch_of);
		wishes.gone = gone;
		gone_calls = 0;
		shutdown(guest.fd, how[i]);
		CHECK_EQ(xapt_give(&wishes.giver, 0, &g), XENAPT_E_MEMORY);
		CHECK(wishes.broken);
		CHECK_EQ(gone_calls, 1);
		CHECK(!wishes.giver.reserve(&wishes.giver, 1));
		CHECK_EQ(gone_calls, 2);
		end();
	}
}

/* Anything that a worker may send: the supervisor goes on, and no descriptor is left over. */
static void test_worker_noise(void)
{
	uint64_t seed = 11;
	unsigned int round, files;
	struct message m;

	begin();
	CHECK_EQ(maps_area_open(&guest.maps), 0);
	files = open_files();
	for (round = 0; round < 20000 && guest.fd >= 0; round++) {
		uint64_t *word = (uint64_t *)&m;
		unsigned int i;
		int extra;

		for (i = 0; i < sizeof(m) / sizeof(*word); i++)
			word[i] = check_random(&seed) % 3 ? 0 : check_random(&seed);
		m.type = check_random(&seed) % 4 ? 16 + check_random(&seed) % 12 : m.type;
		m.devid = check_random(&seed) % 3;
		m.pages = (uint32_t)(check_random(&seed) % 4000);
		m.epoch = 6 + check_random(&seed) % 2;
		m.wish.pages = (uint32_t)(check_random(&seed) % (round % 2 ? 20 : UINT32_MAX));
		m.given.directory = m.wish.again = (uint32_t)(check_random(&seed) % 200);
		m.wish.again *= check_random(&seed) % 2;
		device.node.link = XAPT_LINK_UP;
		CHECK_EQ(message_send(worker_end, &m, -1), 0);
		workers_ready(&s, &guest);
		while (message_receive(worker_end, &m, &extra) > 0)
			if (extra >= 0)
				close(extra);
		CHECK_CASE(guest.pool.pages <= 100, round, guest.pool.pages);
		CHECK_CASE(guest.reserved == s.mapped.pages && s.mapped.pages <= 5000, round,
			   guest.reserved);
	}
	CHECK_EQ(round, 20000);
	CHECK(open_files() <= files + 3);
	maps_area_close(&guest.maps);
	end();
	xapt_pool_close(&guest.pool);
}

/* What may be mapped, of all guests. */
static void test_reserve(void)
{
	static const uint32_t pages[] = { 1, 100, 2000, 1000 };
	pthread_t thread = begin_giving();
	struct xapt_giver *g = &wishes.giver;
	unsigned int i, calls;

	for (i = 0; i < 4; i++)
		CHECK_CASE(g->reserve(g, pages[i]), i, g->now.mappable);
	CHECK(s.mapped.pages >= 3101 && s.mapped.pages <= 3101 + 1024);
	CHECK_EQ(g->now.mappable, 5000 - 3101);
	CHECK(!g->reserve(g, 1900));
	CHECK_STR(xapt_error(), "1900 pages more; of max_mapped_total (5000) 1899 are left") ;
	CHECK_EQ(g->now.mappable, 5000 - 3101);
	CHECK(g->reserve(g, 1899));
	CHECK(!g->reserve(g, 1));
	CHECK_EQ(s.mapped.pages, 5000);
	g->unreserve(g, 4000);
	CHECK_EQ(g->now.mappable, 4000);
	calls = wishes.sequence;
	CHECK(g->reserve(g, 1000));		/* of what it kept: nobody is asked */
	CHECK_EQ(wishes.sequence, calls);
	CHECK(g->reserve(g, 2900));
	g->unreserve(g, 4900);
	/* One worker does not get what others may need: more than its guest may have mapped. */
	s.config.max_pages_per_guest = 2000;
	CHECK(!g->reserve(g, 3025));
	CHECK_STR(xapt_error(), "2001 pages more; of max_pages_per_guest (2000) 2000 are left");
	CHECK(g->reserve(g, 1024));
	g->unreserve(g, 1024);
	stop(thread);
	workers_ready(&s, &guest);
	CHECK_EQ(s.mapped.pages, guest.reserved);
	CHECK(s.mapped.pages <= 1024);
	kill(guest.pid, SIGKILL);
	while (guest.pid)
		workers_reap(&s);
	CHECK_EQ(s.mapped.pages, 0);
	end();
}

/* ---- pages of the guest ---- */

static struct maps maps;

static void *mapped(uint32_t n, const uint32_t *refs, int prot)
{
	return maps.mapper.map(&maps.mapper, refs, n, prot);
}

/* The worker says which references; of which guest it cannot say. */
static void test_maps(void)
{
	static const uint32_t refs[] = { 8, 9, 4000000000u }, bad[] = { 8, REF_UNMAPPABLE };
	pthread_t thread = begin_giving();
	const uint32_t *page;
	unsigned int i, files;

	CHECK_EQ(maps_area_open(&guest.maps), 0);
	CHECK_EQ(maps_init(&maps, &wishes, dup(guest.maps.fd)), 0);
	files = open_files();
	page = mapped(3, refs, PROT_READ);
	CHECK(page != NULL);
	if (!page)
		return;
	for (i = 0; i < 3; i++) {
		CHECK_CASE(page[i * 1024] == 5, i, page[i * 1024]);
		CHECK_CASE(page[i * 1024 + 1] == refs[i], i, page[i * 1024 + 1]);
	}
	CHECK_EQ(maps.mapper.unmap(&maps.mapper, (void *)(uintptr_t)page, 3), 0);
	CHECK(!mapped(2, bad, PROT_READ) && errno == ENOMEM);
	CHECK_EQ(maps.mapper.reads(&maps.mapper, REF_UNMAPPABLE), 0);
	CHECK_EQ(maps.mapper.reads(&maps.mapper, REF_NONE), EINVAL);
	CHECK(!mapped(0, refs, PROT_READ) && errno == EPERM);
	CHECK_EQ(open_files(), files);
	/* Nobody can take the area away from under the supervisor. */
	CHECK(ftruncate(guest.maps.fd, 0) && errno == EPERM);
	stop(thread);
	maps_area_close(&guest.maps);
	end();
}

/* What a worker may ask for is what it reserved, and the pages of connections; the area ends somewhere. */
static void test_maps_bounds(void)
{
	static const uint32_t pages[] = { 0, XENAPT_DIR_ENTRIES + 101, XENAPT_MAX_PAGES + 1, UINT32_MAX };
	struct message m;
	unsigned int i;
	int extra;

	begin();
	CHECK_EQ(maps_area_open(&guest.maps), 0);
	guest.reserved = 100;
	for (i = 0; i < 5; i++) {
		if (i == 2)	/* the area's own bound */
			guest.reserved = UINT64_MAX / 2;
		m = (struct message){ .type = MESSAGE_MAP, .pages = i < 4 ? pages[i] : 3, .sequence = i };
		prepared = 0;
		CHECK_EQ(message_send(worker_end, &m, -1), 0);
		workers_ready(&s, &guest);
		CHECK_EQ(message_receive(worker_end, &m, &extra), 1);
		CHECK_EQ(m.sequence, i);
		CHECK_CASE(m.status == (i < 4 ? EPERM : 0), i, m.status);
		CHECK_CASE((extra >= 0) == (i == 4), i, extra);
		CHECK_CASE(prepared == (i == 4), i, prepared);
		if (extra >= 0)
			close(extra);
	}
	guest.reserved = 0;
	maps_area_close(&guest.maps);
	end();
}

/* An answer that comes too late: nothing is mapped, and the next one is the right one. */
static void test_maps_late(void)
{
	static const uint32_t refs[] = { 8 };
	pthread_t thread = begin_giving();
	struct message m;
	unsigned int files;
	int extra = -1, n = -1;

	CHECK_EQ(maps_area_open(&guest.maps), 0);
	CHECK_EQ(maps_init(&maps, &wishes, dup(guest.maps.fd)), 0);
	files = open_files();
	__atomic_store_n(&silent, true, __ATOMIC_RELEASE);
	CHECK(!mapped(1, refs, PROT_READ) && errno == ETIMEDOUT);
	CHECK(!wishes.broken);
	__atomic_store_n(&silent, false, __ATOMIC_RELEASE);
	while (n < 0)
		n = wishes_receive(&wishes, &m, &extra);
	CHECK_EQ(m.type, MESSAGE_MAPPED);
	CHECK(extra >= 0);
	close(extra);
	CHECK_EQ(open_files(), files);
	CHECK(mapped(1, refs, PROT_READ) != NULL);
	stop(thread);
	maps_area_close(&guest.maps);
	end();
}

/* What it died of, in its own words, made harmless. */
static void test_last_words(void)
{
	struct message m = { .type = MESSAGE_FAULT, .text = "store to\nslot 3" };

	begin();
	CHECK_EQ(message_send(worker_end, &m, -1), 0);
	workers_ready(&s, &guest);
	kill(guest.pid, SIGTERM);
	while (guest.pid)
		workers_reap(&s);
	CHECK_STR(device.node.stat.head.error, "E_DEVICE: worker died: store to?slot 3");
	CHECK_STR(guest.fault, "");
	end();
}

/* ---- files ---- */

static char folder[64], path[128];

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static pthread_t begin_files(void)
{
	pthread_t thread;

	snprintf(folder, sizeof(folder), "/tmp/test_workers.XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	thread = begin_giving();
	snprintf(s.config.files, sizeof(s.config.files), "%s/made", folder);
	strcpy(device.connect.type, "uart");
	xs_fake_put("/local/domain/5/name", "web");
	return thread;
}

static void end_files(pthread_t thread)
{
	char command[128];

	stop(thread);
	end();
	xapt_pool_close(&guest.pool);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK_EQ(system(command), 0);
}

/* Of its own guest, made for root alone, by the guest's name, or its number. */
static void test_files(void)
{
	pthread_t thread = begin_files();
	int out = wishes_open(&wishes, 0, 7, XENAPERTURE_OUTPUT), again;
	struct stat st;
	char text[8] = "";

	CHECK(out >= 0 && !stat(in_folder("made/uart-web-0.out"), &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(stat(in_folder("made"), &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0700);
	CHECK_EQ(pwrite(out, "kept", 4, 0), 4);
	CHECK_EQ(pread(out, text, 4, 0), -1);
	close(out);
	again = wishes_open(&wishes, 0, 7, XENAPERTURE_OUTPUT);
	CHECK_EQ(pwrite(again, "K", 1, 0), 1);	/* it was not truncated */
	CHECK(!fstat(again, &st) && st.st_size == 4);
	close(again);
	xs_fake_put("/local/domain/5/name", "../web");
	again = wishes_open(&wishes, 0, 7, XENAPERTURE_INPUT);
	CHECK(again >= 0 && !stat(in_folder("made/uart-5-0.in"), &st));
	CHECK_EQ(pread(again, text, 4, 0), 0);
	close(again);
	end_files(thread);
}

static void refused_file(uint32_t devid, uint32_t epoch, unsigned int which, const char *why)
{
	CHECK_EQ(wishes_open(&wishes, devid, epoch, which), -1);
	CHECK(strstr(xapt_error(), why) != NULL);
}

static void test_files_refused(void)
{
	pthread_t thread = begin_files();
	char made[128];

	refused_file(0, 7, 2, "must be 0 or 1");
	refused_file(3, 7, XENAPERTURE_OUTPUT, "no such device");
	refused_file(0, 6, XENAPERTURE_OUTPUT, "no such device");
	close(wishes_open(&wishes, 0, 7, XENAPERTURE_INPUT));
	CHECK_EQ(symlink("/etc/passwd", in_folder("made/uart-web-0.out")), 0);
	refused_file(0, 7, XENAPERTURE_OUTPUT, "cannot open uart-web-0.out");
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(mkfifo(path, 0600), 0);
	refused_file(0, 7, XENAPERTURE_OUTPUT, "cannot open uart-web-0.out");
	snprintf(made, sizeof(made), "%s", in_folder("made"));
	CHECK_EQ(chmod(made, 0777), 0);
	refused_file(0, 7, XENAPERTURE_INPUT, "writable by root only");
	CHECK_EQ(chmod(made, 0700), 0);
	CHECK_EQ(rename(made, in_folder("other")), 0);
	CHECK_EQ(symlink(path, made), 0);
	refused_file(0, 7, XENAPERTURE_INPUT, "cannot open");
	CHECK_EQ(unlink(made), 0);
	CHECK(!wishes.broken);
	end_files(thread);
}

static CU_TestInfo tests[] = {
	{ "overdue", test_overdue },
	{ "ending", test_ending },
	{ "unasked", test_unasked },
	{ "descriptors", test_descriptors },
	{ "full channel", test_full },
	{ "the guest dies", test_guest_dies },
	{ "other parents' devices", test_others },
	{ "driver domains are told", test_elsewhere },
	{ "the sign of a driver domain", test_sign },
	{ "memory of this side", test_give },
	{ "the same memory", test_same },
	{ "messages in between", test_in_between },
	{ "a late answer", test_late },
	{ "no supervisor", test_no_supervisor },
	{ "a worker's noise", test_worker_noise },
	{ "what may be mapped", test_reserve },
	{ "pages of the guest", test_maps },
	{ "no more pages than that", test_maps_bounds },
	{ "pages that come too late", test_maps_late },
	{ "last words", test_last_words },
	{ "files", test_files },
	{ "files that are refused", test_files_refused },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
