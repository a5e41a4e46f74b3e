// SPDX-License-Identifier: GPL-2.0-only
/*
 * dom0's side of the rig's channels. A DOMAIN is a guest's name or its number.
 *   rigctl domid NAME                  print a guest's number; 125: there is none
 *   rigctl run DOMAIN SECONDS COMMAND  run COMMAND in the guest by its agent, print its output,
 *                                      exit with its status; 124: took too long, 125: the guest
 *                                      is gone or its agent does not answer
 *   rigctl wait DOMAIN SECONDS         wait until the guest's agent is ready
 *   rigctl grants DOMID FRAMES         count the entries of a domain's grant table (version 1, FRAMES
 *                                      pages long) that grant something, mapped or not; 0: dom0's own
 *   rigctl give DOMID                  grant a page of dom0's to a domain until this is killed
 *   rigctl consoles DIRECTORY FILE     append each line of the guests' console logs in DIRECTORY to
 *                                      FILE as "[guest] line", for ever
 */
#define _GNU_SOURCE
#include "xs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LATE = 124, GONE = 125 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "rigctl: %s: %s\n", what, strerror(errno));
	exit(GONE);
}

/*
 * Wait until NODE exists or SECONDS passed. The guest's removal ends the wait too. Returns 0 with
 * the node's value.
 */
static int wait_for(const char *domid, const char *node, double seconds, char *value)
{
	char home[64], ignored[XS_VALUE_MAX + 1];
	double end = now() + seconds;

	snprintf(home, sizeof(home), "/local/domain/%s/domid", domid);
	if (xs_watch_path(node) || xs_watch_path("@releaseDomain"))
		fail("watch");
	for (;;) {
		double left = end - now();

		if (xs_get(node, value) >= 0)
			return 0;
		if (xs_get(home, ignored) < 0)
			return GONE;
		if (left <= 0)
			return LATE;
		if (xs_wait(ignored, (int)(left * 1000) + 1) < 0)
			fail("wait");
	}
}

/* By the names in xenstore, which go with their guest. Returns NULL when there is none. */
static const char *domid_of(const char *name)
{
	static char ids[XS_VALUE_MAX + 1];
	char path[96], value[XS_VALUE_MAX + 1];
	int n = xs_list("/local/domain", ids);

	for (const char *id = ids; id < ids + n; id += strlen(id) + 1) {
		snprintf(path, sizeof(path), "/local/domain/%.16s/name", id);
		if (xs_get(path, value) >= 0 && !strcmp(value, name))
			return id;
	}
	return NULL;
}

static const char *domain(const char *text)
{
	const char *id = text[strspn(text, "0123456789")] ? domid_of(text) : text;

	if (id && *id)
		return id;
	fprintf(stderr, "no guest '%s'\n", text);
	exit(GONE);
}

static void print_output(const char *domid, const char *id, int chunks)
{
	char path[128], value[XS_VALUE_MAX + 1];

	for (int i = 0; i < chunks; i++) {
		snprintf(path, sizeof(path), "/local/domain/%s/data/rig/out/%s/%d", domid, id, i);
		int n = xs_get(path, value);

		if (n < 0)
			fail(path);
		fwrite(value, 1, n, stdout);
	}
	snprintf(path, sizeof(path), "/local/domain/%s/data/rig/out/%s", domid, id);
	if (chunks)
		xs_remove(path);
}

static int run(const char *domid, const char *seconds, const char *command)
{
	char id[32], path[128], done[128], value[XS_VALUE_MAX + 1];
	int status, chunks;

	snprintf(id, sizeof(id), "%d", getpid());
	snprintf(path, sizeof(path), "/local/domain/%s/data/rig/cmd/%s", domid, id);
	snprintf(done, sizeof(done), "/local/domain/%s/data/rig/done/%s", domid, id);
	if (snprintf(value, sizeof(value), "%s %s", seconds, command) > 2000) {
		fprintf(stderr, "rigctl: command of %zu bytes; 2000 fit: put it in a file\n",
			strlen(command));
		return GONE;
	}
	if (xs_put(path, value, strlen(value)))
		fail(path);
	/* The agent does the timing; a silent agent gets ten seconds more. */
	status = wait_for(domid, done, atof(seconds) + 10, value);
	if (status) {
		fprintf(stderr, "rigctl: domain %s %s\n", domid,
			status == GONE ? "is gone" : "does not answer");
		xs_remove(path);
		return GONE;
	}
	xs_remove(done);
	if (sscanf(value, "%d %d", &status, &chunks) != 2)
		return GONE;
	print_output(domid, id, chunks);
	return status;
}

static int wait_ready(const char *domid, const char *seconds)
{
	char path[128], value[XS_VALUE_MAX + 1];

	snprintf(path, sizeof(path), "/local/domain/%s/data/rig/ready", domid);
	return wait_for(domid, path, atof(seconds), value);
}

/* xen/privcmd.h, which cannot be included without the kernel's own headers */
struct privcmd_mmap_resource {
	unsigned short dom;
	unsigned int type, id, idx;
	unsigned long long num, addr;
};
#define IOCTL_PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))

/* xen/grant_table.h, version 1: an entry is 8 bytes, its low flag bits say what it grants. */
enum { RESOURCE_GRANT_TABLE = 1, SHARED_FRAMES = 0, ENTRIES_A_PAGE = 512, GRANTS = 3 };

/* Xen gives the table of another domain as a resource, and its own as frames that can be mapped. */
struct privcmd_hypercall {
	unsigned long long op, arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct privcmd_mmapbatch_v2 {
	unsigned int num;
	unsigned short dom;
	unsigned long long addr;
	const unsigned long *frame;
	int *error;
};
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

struct gnttab_setup_table {
	unsigned short dom;
	unsigned int frames;
	short status;
	unsigned long *frame;
};

enum { GRANT_TABLE_OP = 20, SETUP_TABLE = 2, DOMID_SELF = 0x7ff0, FRAMES_MAX = 64 };

static void map_others(int bus, int domid, int pages, void *at)
{
	struct privcmd_mmap_resource r = {
		.dom = domid, .type = RESOURCE_GRANT_TABLE, .id = SHARED_FRAMES, .num = pages,
		.addr = (unsigned long)at,
	};

	if (ioctl(bus, IOCTL_PRIVCMD_MMAP_RESOURCE, &r))
		fail("grant table");
}

/* Not more frames than there are: Xen would make them. */
static void map_own(int bus, int pages, void *at)
{
	static unsigned long frame[FRAMES_MAX];
	static int error[FRAMES_MAX];
	struct gnttab_setup_table t = { .dom = DOMID_SELF, .frames = pages, .frame = frame };
	struct privcmd_hypercall h = {
		.op = GRANT_TABLE_OP, .arg = { SETUP_TABLE, (unsigned long)&t, 1 },
	};
	struct privcmd_mmapbatch_v2 b = {
		.num = pages, .dom = DOMID_SELF, .addr = (unsigned long)at, .frame = frame,
		.error = error,
	};

	if (pages > FRAMES_MAX || mlockall(MCL_CURRENT) || ioctl(bus, IOCTL_PRIVCMD_HYPERCALL, &h) ||
	    t.status || ioctl(bus, IOCTL_PRIVCMD_MMAPBATCH_V2, &b))
		fail("own grant table");
}

static int grants(const char *domid, const char *frames)
{
	int pages = atoi(frames), count = 0, bus = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	const volatile struct {
		unsigned short flags, domid;
		unsigned int frame;
	} *entry;

	if (!pages) {
		puts("0");
		return 0;
	}
	entry = mmap(NULL, pages * 4096UL, PROT_READ, MAP_SHARED, bus, 0);
	if (bus < 0 || entry == MAP_FAILED)
		fail("/dev/xen/privcmd");
	if (atoi(domid))
		map_others(bus, atoi(domid), pages, (void *)entry);
	else
		map_own(bus, pages, (void *)entry);
	for (int i = 0; i < pages * ENTRIES_A_PAGE; i++)
		count += (entry[i].flags & GRANTS) != 0;
	printf("%d\n", count);
	return 0;
}

/* xen/gntalloc.h, likewise */
struct gntalloc_one {
	unsigned short domid, flags;
	unsigned int count;
	unsigned long long index;
	unsigned int ref;
};
#define IOCTL_GNTALLOC_ALLOC_GREF _IOC(_IOC_NONE, 'G', 5, sizeof(struct gntalloc_one))

static __attribute__((noreturn)) void give(const char *domid)
{
	struct gntalloc_one a = { .domid = atoi(domid), .flags = 1, .count = 1 };
	int file = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);

	if (file < 0 || ioctl(file, IOCTL_GNTALLOC_ALLOC_GREF, &a))
		fail("/dev/xen/gntalloc");
	printf("%u\n", a.ref);
	fflush(stdout);
	for (;;)
		pause();
}

struct log {
	char name[64];		/* of the file: guest-NAME.log */
	off_t offset;
	size_t held;		/* bytes of a line that is not complete yet */
	char line[1024];
};

static struct log *log_of(const char *name)
{
	static struct log logs[256];

	if (strncmp(name, "guest-", 6) || strlen(name) >= sizeof(logs[0].name))
		return NULL;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		if (!logs[i].name[0])
			strcpy(logs[i].name, name);
		if (!strcmp(logs[i].name, name))
			return &logs[i];
	}
	return NULL;
}

static void emit(struct log *l, int out)
{
	char text[sizeof(l->line) + 96];
	int n = snprintf(text, sizeof(text), "[%.*s] %.*s\n", (int)strlen(l->name) - 10,
			 l->name + 6, (int)l->held, l->line);

	if (write(out, text, n) < 0)
		fail("console output");
	l->held = 0;
}

static void forward(const char *directory, struct log *l, int out)
{
	char path[512], buffer[4096];
	ssize_t n;
	int file;

	snprintf(path, sizeof(path), "%s/%s", directory, l->name);
	file = open(path, O_RDONLY);
	if (file < 0)
		return;
	if (lseek(file, 0, SEEK_END) < l->offset)
		l->offset = 0;
	while ((n = pread(file, buffer, sizeof(buffer), l->offset)) > 0) {
		l->offset += n;
		for (ssize_t i = 0; i < n; i++) {
			if (buffer[i] == '\r')
				continue;
			if (buffer[i] == '\n' || l->held == sizeof(l->line))
				emit(l, out);
			if (buffer[i] != '\n')
				l->line[l->held++] = buffer[i];
		}
	}
	close(file);
}

static int consoles(const char *directory, const char *target)
{
	int watch = inotify_init1(IN_CLOEXEC);
	int out = open(target, O_WRONLY | O_APPEND);
	char buffer[8192] __attribute__((aligned(8)));
	ssize_t n;

	if (watch < 0 || out < 0 || inotify_add_watch(watch, directory, IN_MODIFY | IN_CREATE) < 0)
		fail(directory);
	while ((n = read(watch, buffer, sizeof(buffer))) > 0) {
		struct inotify_event *e;

		for (char *p = buffer; p < buffer + n; p += sizeof(*e) + e->len) {
			e = (struct inotify_event *)p;
			struct log *l = e->len ? log_of(e->name) : NULL;

			if (l)
				forward(directory, l, out);
		}
	}
	return GONE;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "consoles"))
		return consoles(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "grants"))
		return grants(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "give"))
		give(argv[2]);
	if (xs_open_bus())
		fail("/dev/xen/xenbus");
	if (argc == 3 && !strcmp(argv[1], "domid"))
		return puts(domain(argv[2])) < 0;
	if (argc == 5 && !strcmp(argv[1], "run"))
		return run(domain(argv[2]), argv[3], argv[4]);
	if (argc == 4 && !strcmp(argv[1], "wait"))
		return wait_ready(domain(argv[2]), argv[3]);
	fprintf(stderr, "usage: rigctl domid NAME | run DOMAIN SECONDS COMMAND | wait DOMAIN SECONDS | "
		"grants DOMID FRAMES | give DOMID | consoles DIRECTORY FILE\n");
	return GONE;
}
