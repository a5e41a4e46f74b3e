// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-buffer DEV PART...: memory that this program has, offered to a device "span". Parts:
 *
 *	kinds     every kind of memory, whole and partial pages: not an octet outside
 *	          is seen or changed, what either side writes arrives
 *	refused   what cannot be offered
 *	readonly  the other side only reads
 *	life      fork, munmap, exec, memory pressure
 *	limit     RLIMIT_MEMLOCK, as a user without privileges
 *	disk      private mappings of /dev/xvdb: as anonymous memory, the disk stays as it is
 *	hold      offers of several kinds, then waits to be killed
 *
 * Every line says what was checked. Status 1: something was not as xen_aperture.h says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buffer.h"

#define REGION_PAGES	9u

static unsigned int device;

static struct span_talk ask(struct span *s, const struct buffer *b, uint32_t command,
			    uint64_t offset, uint64_t length, uint32_t octet)
{
	struct span_talk q = {
		.command = command, .tag = b->tag, .offset = offset, .length = length, .octet = octet,
	};
	struct span_talk answer;

	span_ask(s, &q, &answer);
	if (answer.status != SPAN_OK)
		check(false, "command %u of aperture %u: status %u", command, b->tag, answer.status);
	return answer;
}

static void parent_writes(struct span *s, struct buffer *b, uint64_t offset, uint64_t length,
			  uint8_t octet)
{
	ask(s, b, SPAN_FILL, offset, length, octet);
}

static void parent_rings(struct span *s, struct buffer *b)
{
	ask(s, b, SPAN_RING, 0, 0, 0);
	wait_interrupt(s, b->slot);
}

/* Does the parent see what is here? */
static bool same(struct span *s, struct buffer *b)
{
	return ask(s, b, SPAN_SUM, 0, b->length, 0).value == span_sum(b->data, b->length);
}

static bool partial(const struct buffer *b)
{
	return (uintptr_t)b->data % PAGE || b->length % PAGE;
}

static void outside_is_hidden(struct span *s, struct buffer *b)
{
	uint64_t end = (uintptr_t)b->data + b->length;
	uint64_t octets = (uintptr_t)b->data % PAGE + (PAGE - end % PAGE) % PAGE;
	struct span_talk t = ask(s, b, SPAN_OUTSIDE, 0, 0, 0);

	check(t.count == octets && !t.value, "  parent sees %llu of %llu octets outside",
	      (unsigned long long)t.value, (unsigned long long)octets);
	t = ask(s, b, SPAN_SCRIBBLE, 0, 0, 0xee);
	check(t.count == octets, "  parent wrote to all of them");
}

/* Both ways, at a doorbell and at an interrupt; ends of the buffer and its middle. */
static void both_ways(struct span *s, struct buffer *b)
{
	uint64_t last = b->length - 1, middle = b->length / 2;

	b->data[0] ^= 0xff;
	b->data[middle] ^= 0xff;
	b->data[last] ^= 0xff;
	buffer_ring(s, b);
	check(same(s, b), "  doorbell: parent sees what was written");
	parent_writes(s, b, 0, 1, 0x11);
	parent_writes(s, b, middle, 1, 0x22);
	parent_writes(s, b, last, 1, 0x33);
	parent_rings(s, b);
	check(b->data[last] == 0x33 && (middle == last || b->data[middle] == 0x22) &&
	      (!middle || b->data[0] == 0x11), "  interrupt: what the parent wrote is here");
	check(same(s, b), "  and all else is as it was");
}

/* Only a copy can have two values: whose is kept. */
static void conflict(struct span *s, struct buffer *b)
{
	uint8_t *octet = (uintptr_t)b->data % PAGE ? b->data : b->data + b->length - 1;
	uint64_t at = (uint64_t)(octet - b->data);

	parent_writes(s, b, at, 1, 0x44);
	ioctl(s->fd, XENAPT_IOC_SYNC, b->slot);
	check(*octet == 0x44, "  sync: what the parent wrote is here");
	*octet = 0x55;
	parent_writes(s, b, at, 1, 0x66);
	ioctl(s->fd, XENAPT_IOC_SYNC, b->slot);
	check(*octet == 0x55 && same(s, b), "  sync: both wrote, the program's is kept");
	*octet = 0x77;
	parent_writes(s, b, at, 1, 0x88);
	parent_rings(s, b);
	check(*octet == 0x88 && same(s, b), "  interrupt: both wrote, the parent's is kept");
}

static void whole_life(struct span *s, struct region *r, size_t offset, uint64_t length)
{
	struct buffer b = { .region = r, .data = r->start + PAGE + offset, .length = length };
	uint64_t sum;
	int err;

	fill_region(r);
	fill_random(b.data, length, (unsigned int)(offset + length));
	sum = span_sum(b.data, length);
	err = buffer_offer(s, &b, 0);
	check(!err, "%s, %llu octets at offset %zu: error %d", r->name, (unsigned long long)length,
	      offset, err);
	if (err)
		return;
	check(ask(s, &b, SPAN_SUM, 0, length, 0).value == sum, "  parent sees what was there");
	outside_is_hidden(s, &b);
	both_ways(s, &b);
	if (partial(&b))
		conflict(s, &b);
	check(!not_canary(&b), "  %zu octets outside changed", not_canary(&b));
	parent_writes(s, &b, length - 1, 1, 0x99);
	check(!buffer_withdraw(s, &b) && b.data[length - 1] == 0x99,
	      "  withdraw: the parent's last octet is here");
	check(!not_canary(&b), "  %zu octets outside changed", not_canary(&b));
	check(status_kb("VmPin") == 0, "  VmPin is %ld kB", status_kb("VmPin"));
}

static void kind(struct span *s, struct region r)
{
	whole_life(s, &r, 1000, 10001);
	whole_life(s, &r, 0, 3 * PAGE);
	region_free(&r);
}

static void huge_kind(struct span *s)
{
	struct region r = huge();

	if (!r.start) {
		check(access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK),
		      "hugetlb: this kernel has none");
		return;
	}
	whole_life(s, &r, 123, 8 * PAGE);
	region_free(&r);
}

static void kinds(unsigned int nr)
{
	struct region r = anonymous(REGION_PAGES), large = anonymous(1024 + 8);
	struct span s;

	span_open(&s, nr);
	whole_life(&s, &r, 123, 50);
	whole_life(&s, &r, 4095, 2);
	whole_life(&s, &r, 4095, 1);
	whole_life(&s, &r, 0, 1);
	whole_life(&s, &r, 0, 3 * PAGE + 1);
	whole_life(&s, &r, 1, PAGE - 1);
	region_free(&r);
	kind(&s, anonymous(REGION_PAGES));
	kind(&s, scattered(REGION_PAGES));
	kind(&s, private_file(REGION_PAGES));
	kind(&s, memfd(REGION_PAGES));
	kind(&s, tmpfs(REGION_PAGES));
	huge_kind(&s);
	whole_life(&s, &large, 77, 1024 * PAGE + 13);	/* a directory of two levels */
	region_free(&large);
	span_close(&s);
}

/* ---- what cannot be offered ---- */

static void refuse(struct span *s, const char *what, void *address, uint64_t length, uint32_t flags,
		   int err)
{
	struct region none = { .name = what };
	struct buffer b = { .region = &none, .data = address, .length = length };
	int got = buffer_offer(s, &b, flags);

	check(got == -err, "%s: error %d, expected %d", what, -got, err);
	if (!got)
		buffer_withdraw(s, &b);
	check(status_kb("VmPin") == 0, "  VmPin is %ld kB", status_kb("VmPin"));
}

static void bad_values(struct span *s, uint8_t *p)
{
	struct xenapt_ioc_offer_memory m = { .address = (uintptr_t)p, .length = PAGE };

	m.reserved[1] = 1;
	check(ioctl(s->fd, XENAPT_IOC_OFFER_MEMORY, &m) && errno == EINVAL, "reserved field: EINVAL");
	refuse(s, "flag of parent-owned", p, PAGE, XENAPT_OFFER_PARENT_OWNED, EINVAL);
	refuse(s, "flag of child-read-only", p, PAGE, XENAPT_OFFER_CHILD_READ_ONLY, EINVAL);
	refuse(s, "no octet", p, 0, 0, EINVAL);
	refuse(s, "NULL", NULL, PAGE, 0, EFAULT);
	refuse(s, "a kernel address", (void *)0xffff888000000000, PAGE, 0, EFAULT);
	refuse(s, "beyond the end of addresses", p, ~0ull - 4096, 0, EFBIG);
	refuse(s, "round the end of addresses", (void *)(~0ull - 4096), 8192, 0, EFAULT);
	refuse(s, "1 GiB", p, 1ull << 30, 0, EDQUOT);
	check(ioctl(s->fd, XENAPT_IOC_SYNC, 60ul) && errno == EBADF, "sync of no aperture: EBADF");
}

static void bad_mappings(struct span *s, uint8_t *p)
{
	munmap(p + 4 * PAGE, PAGE);
	refuse(s, "a hole in it", p + 2 * PAGE + 5, 4 * PAGE, 0, EFAULT);
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	refuse(s, "a page that may not be written", p, 4 * PAGE, 0, EFAULT);
	mprotect(p + 3 * PAGE, PAGE, PROT_NONE);
	refuse(s, "a page that may not be read", p, 4 * PAGE, XENAPT_OFFER_PARENT_READ_ONLY, EFAULT);
	refuse(s, "an aperture's own mapping", (void *)s->talk, PAGE, 0, EOPNOTSUPP);
	mprotect((void *)s->talk, PAGE, PROT_READ);
	refuse(s, "the same, to be read", (void *)s->talk, PAGE, XENAPT_OFFER_PARENT_READ_ONLY,
	       EOPNOTSUPP);
}

static void file_mapping(struct span *s, uint8_t *p, const char *path, const char *what)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[80];
	uint8_t *f;

	if (fd < 0 || (ftruncate(fd, 2 * PAGE) && errno != EINVAL)) {
		check(false, "%s: %s", path, strerror(errno));
		return;
	}
	f = mmap(p + 6 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	snprintf(text, sizeof(text), "a shared mapping of %s", what);
	refuse(s, text, f, 2 * PAGE, 0, EOPNOTSUPP);
	refuse(s, text, f + 10, 100, XENAPT_OFFER_PARENT_READ_ONLY, EOPNOTSUPP);
	snprintf(text, sizeof(text), "two pages, and then such of %s", what);
	refuse(s, text, f - PAGE, 2 * PAGE, 0, EOPNOTSUPP);
	mmap(p + 6 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void refused(unsigned int nr)
{
	struct region r = anonymous(REGION_PAGES);
	struct span s;

	span_open(&s, nr);
	bad_values(&s, r.start);
	mkdir("/tmp/ramfs", 0700);
	if (mount("ramfs", "/tmp/ramfs", "ramfs", 0, NULL))
		check(false, "mount of ramfs: %s", strerror(errno));
	file_mapping(&s, r.start, "/tmp/ramfs/file", "a file outside of shared memory");
	if (!access("/dev/xvdb", F_OK))
		file_mapping(&s, r.start, "/dev/xvdb", "a disk");
	bad_mappings(&s, r.start);
	umount("/tmp/ramfs");
	span_close(&s);
}

static void disk(unsigned int nr)
{
	int fd = open("/dev/xvdb", O_RDWR | O_CLOEXEC);
	struct region r = { .name = "private mapping of a disk", .pages = REGION_PAGES, .fd = fd };
	uint8_t before[PAGE], after[PAGE];
	struct span s;

	r.start = mmap(NULL, r.pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (fd < 0 || r.start == MAP_FAILED || pread(fd, before, PAGE, 2 * PAGE) != PAGE) {
		check(false, "/dev/xvdb: %s", strerror(errno));
		return;
	}
	span_open(&s, nr);
	whole_life(&s, &r, 1000, 10001);
	check(pread(fd, after, PAGE, 2 * PAGE) == PAGE && !memcmp(before, after, PAGE),
	      "  the disk is as it was");
	span_close(&s);
	region_free(&r);
}

/* ---- the other side only reads ---- */

static void only_read(struct span *s, struct region r, bool write_later)
{
	struct buffer b = { .region = &r, .data = r.start + PAGE + 77, .length = 3 * PAGE };
	struct span_talk q = { .command = SPAN_FILL, .length = 1 }, answer;
	uint8_t *page = (uint8_t *)(((uintptr_t)b.data | (PAGE - 1)) + 1);
	int err;

	mprotect(r.start, r.pages * PAGE, PROT_READ);
	err = buffer_offer(s, &b, XENAPT_OFFER_PARENT_READ_ONLY);
	check(!err, "%s, to be read here and there: error %d", r.name, err);
	if (err)
		return;
	check(same(s, &b), "  parent sees what is there");
	q.tag = b.tag;
	check(span_ask(s, &q, &answer) == SPAN_E_READ_ONLY, "  it may not write");
	if (write_later) {
		mprotect(r.start, r.pages * PAGE, PROT_READ | PROT_WRITE);
		fill_random(b.data, b.length, 3);
		check(ask(s, &b, SPAN_SUM, (uint64_t)(page - b.data), 2 * PAGE, 0).value ==
		      span_sum(page, 2 * PAGE), "  written here: whole pages are seen at once");
		buffer_ring(s, &b);
		check(same(s, &b), "  and the rest after a doorbell");
	}
	check(!buffer_withdraw(s, &b), "  withdraw");
	region_free(&r);
}

static void readonly(unsigned int nr)
{
	struct region r;
	struct span s;

	span_open(&s, nr);
	only_read(&s, anonymous(REGION_PAGES), true);
	r = private_file(REGION_PAGES);
	fill_random(r.start, 2 * PAGE, 9);
	only_read(&s, r, true);
	r = private_file(REGION_PAGES);
	if (pwrite(r.fd, "as the file has it", 18, PAGE + 100) != 18)
		check(false, "write: %s", strerror(errno));
	only_read(&s, r, true);
	only_read(&s, memfd(REGION_PAGES), true);
	r = anonymous(REGION_PAGES);
	r.name = "anonymous, writable here";
	fill_region(&r);
	only_read(&s, r, true);
	span_close(&s);
}

/* ---- the program's own life ---- */

static void offer_or_exit(struct span *s, struct buffer *b)
{
	int err = buffer_offer(s, b, 0);

	if (!err)
		return;
	fprintf(stderr, "offer: error %d\n", -err);
	exit(2);
}

static void forks(struct span *s)
{
	struct region r = anonymous(REGION_PAGES);
	struct buffer b = { .region = &r, .data = r.start + PAGE + 9, .length = 4 * PAGE };
	int status, to_child[2];
	char go;
	pid_t pid;

	fill_random(b.data, b.length, 1);
	offer_or_exit(s, &b);
	if (pipe(to_child))
		exit(2);
	pid = fork();
	if (!pid) {
		uint64_t before = span_sum(b.data, b.length);
		uint8_t octet = b.data[2 * PAGE];

		if (read(to_child[0], &go, 1) != 1 || span_sum(b.data, b.length) != before)
			_exit(1);
		memset(b.data, 0, b.length);
		_exit(octet == b.data[2 * PAGE] && octet ? 1 : 0);
	}
	fill_random(b.data, b.length, 2);
	buffer_ring(s, &b);
	check(same(s, &b), "fork: what is written afterwards is seen");
	if (write(to_child[1], "g", 1) != 1)
		exit(2);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "  the other process has memory of its own");
	check(same(s, &b), "  which nobody sees");
	parent_writes(s, &b, 2 * PAGE, 1, 0xaa);
	check(b.data[2 * PAGE] == 0xaa, "  and what is written there is here");
	check(!buffer_withdraw(s, &b), "  withdraw");
	close(to_child[0]);
	close(to_child[1]);
	region_free(&r);
}

static void unmaps(struct span *s)
{
	struct region r = anonymous(REGION_PAGES), again;
	struct buffer b = { .region = &r, .data = r.start + PAGE + 9, .length = 4 * PAGE };
	uint64_t sum;

	fill_random(b.data, b.length, 1);
	sum = span_sum(b.data, b.length);
	offer_or_exit(s, &b);
	check(status_kb("VmPin") == 5 * PAGE / 1024, "VmPin is %ld kB", status_kb("VmPin"));
	munmap(r.start, r.pages * PAGE);
	again = anonymous(4 * REGION_PAGES);
	memset(again.start, 1, again.pages * PAGE);
	buffer_ring(s, &b);
	check(ask(s, &b, SPAN_SUM, 0, b.length, 0).value == sum, "munmap: the pages stay");
	parent_writes(s, &b, 0, b.length, 0x77);
	parent_rings(s, &b);
	check(again.start[0] == 1 && again.start[REGION_PAGES * PAGE] == 1, "  nobody else has them");
	check(!buffer_withdraw(s, &b), "  withdraw");
	check(status_kb("VmPin") == 0, "  VmPin is %ld kB", status_kb("VmPin"));
	region_free(&again);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		check(false, "%s: %s", path, strerror(errno));
	close(fd);
}

/* Another process takes most of what is there; then pages are moved together. */
static void press(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long available = 0;
	char line[128];
	size_t size;
	uint8_t *p;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "MemAvailable: %ld", &available);
	size = (size_t)available * 1024 / 10 * 8;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		_exit(1);
	for (size_t at = 0; at < size; at += PAGE)
		p[at] = 1;
	_exit(0);
}

static void pressure(struct span *s)
{
	struct region r = memfd(64), a = scattered(64);
	struct buffer b = { .region = &r, .data = r.start + PAGE + 9, .length = 60 * PAGE };
	struct buffer c = { .region = &a, .data = a.start + PAGE + 9, .length = 60 * PAGE };
	int status;
	pid_t pid;

	fill_random(b.data, b.length, 1);
	fill_random(c.data, c.length, 2);
	offer_or_exit(s, &b);
	offer_or_exit(s, &c);
	pid = fork();
	if (!pid)
		press();
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "four fifths of the memory were used");
	put("/proc/sys/vm/drop_caches", "3");
	put("/proc/sys/vm/compact_memory", "1");
	check(same(s, &b) && same(s, &c), "memory pressure: the pages are the same");
	fill_random(b.data, b.length, 3);
	fill_random(c.data, c.length, 4);
	buffer_ring(s, &b);
	buffer_ring(s, &c);
	check(same(s, &b) && same(s, &c), "  and still shared");
	check(!buffer_withdraw(s, &b) && !buffer_withdraw(s, &c), "  withdraw");
	region_free(&r);
	region_free(&a);
}

/* The file outlives the program image, the pins of the old one with it. */
static void execs(unsigned int nr)
{
	struct region r = anonymous(REGION_PAGES);
	struct buffer b = { .region = &r, .data = r.start + PAGE + 9, .length = 4 * PAGE };
	char fd[12], slot[12];
	struct span s;
	int status;
	pid_t pid = fork();

	if (!pid) {
		span_open(&s, nr);
		offer_or_exit(&s, &b);
		fcntl(s.fd, F_SETFD, 0);
		snprintf(fd, sizeof(fd), "%d", s.fd);
		snprintf(slot, sizeof(slot), "%u", b.slot);
		execl("/proc/self/exe", "aperture-buffer", fd, "after-exec", slot, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "exec: the new image ends the old one's");
	region_free(&r);
}

static int after_exec(int fd, unsigned int slot)
{
	struct xenapt_ioc_withdraw w = { .slot = slot };

	check(status_kb("VmPin") == 0, "  after exec: VmPin is %ld kB", status_kb("VmPin"));
	check(!ioctl(fd, XENAPT_IOC_DOORBELL, (unsigned long)slot), "  doorbell");
	check(!ioctl(fd, XENAPT_IOC_WITHDRAW, &w), "  withdraw");
	check(status_kb("VmPin") == 0, "  VmPin is %ld kB", status_kb("VmPin"));
	return wrong != 0;
}

static void life(unsigned int nr)
{
	struct span s;

	span_open(&s, nr);
	forks(&s);
	unmaps(&s);
	pressure(&s);
	span_close(&s);
	execs(nr);
}

/* ---- RLIMIT_MEMLOCK ---- */

static void limit(unsigned int nr)
{
	struct rlimit few = { 16 * PAGE, 16 * PAGE };
	struct region r = anonymous(40);
	struct buffer b = { .region = &r, .data = r.start + 9, .length = 16 * PAGE };
	struct buffer more = { .region = &r, .data = r.start + 20 * PAGE, .length = PAGE };
	struct xenapt_ioc_offer_memory m = { .address = (uintptr_t)b.data, .length = 17 * PAGE };
	struct span s;

	span_open(&s, nr);
	fill_region(&r);
	if (setrlimit(RLIMIT_MEMLOCK, &few) || setuid(65534))
		exit(2);
	check(buffer_offer(&s, &b, 0) == -ENOMEM, "17 pages, RLIMIT_MEMLOCK of 16: ENOMEM");
	check(ioctl(s.fd, XENAPT_IOC_OFFER_MEMORY, &m) && m.status == 34, "  status %u", m.status);
	b.length = 15 * PAGE;
	check(!buffer_offer(&s, &b, 0), "16 pages");
	check(status_kb("VmPin") == 64, "  VmPin is %ld kB", status_kb("VmPin"));
	check(buffer_offer(&s, &more, 0) == -ENOMEM, "one more: ENOMEM");
	check(!buffer_withdraw(&s, &b) && !buffer_offer(&s, &more, 0), "and after a withdraw");
	check(!buffer_withdraw(&s, &more) && status_kb("VmPin") == 0, "VmPin is %ld kB",
	      status_kb("VmPin"));
	span_close(&s);
}

/* ---- to be killed ---- */

static void hold(unsigned int nr)
{
	struct region r[3] = { anonymous(64), memfd(64), scattered(64) };
	struct buffer b;
	struct span s;
	int i;

	span_open(&s, nr);
	for (i = 0; i < 3; i++) {
		b = (struct buffer){ .region = &r[i], .data = r[i].start + 9, .length = 63 * PAGE };
		offer_or_exit(&s, &b);
	}
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

static const struct {
	const char *name;
	void (*run)(unsigned int nr);
} parts[] = {
	{ "kinds", kinds }, { "refused", refused }, { "readonly", readonly }, { "life", life },
	{ "limit", limit }, { "disk", disk }, { "hold", hold },
};

static bool run(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strcmp(name, parts[i].name)) {
			parts[i].run(device);
			return true;
		}
	fprintf(stderr, "aperture-buffer: no part \"%s\"\n", name);
	return false;
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: aperture-buffer DEV PART...\n");
		return 2;
	}
	device = (unsigned int)strtoul(argv[1], NULL, 0);
	if (argc == 4 && !strcmp(argv[2], "after-exec"))
		return after_exec((int)device, (unsigned int)strtoul(argv[3], NULL, 0));
	for (i = 2; i < argc; i++)
		if (!run(argv[i]))
			return 2;
	return conclude();
}
