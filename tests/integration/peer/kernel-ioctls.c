// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel-ioctls DOMID: /dev/xen/aperture-parent with good and bad arguments, on memory of
 * gntalloc, with the consumers "nonce" and "block". Every line says what was checked. Ends
 * with a view attached: its end must take it back. Status 1: something was not as
 * include/linux/xen_aperture_parent.h says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/gntalloc.h>

#include <linux/xen_aperture_parent.h>

#include "../kernel/nonce.h"

#define PAGE	4096u
#define PAGES	4u
#define PINNED	"/sys/module/xen_aperture_parent/parameters/pinned_pages"

static unsigned int checks, wrong;
static int parent, gntalloc;
static uint64_t gntalloc_index;
static char *memory;

static void check(bool right, const char *fmt, ...)
{
	va_list args;

	checks++;
	wrong += !right;
	printf("%s - ", right ? "ok" : "not ok");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static void want(int err, int result, const char *what)
{
	int got = result < 0 ? errno : 0;

	check(got == err, "%s: errno %d, want %d", what, got, err);
}

static unsigned long pinned(void)
{
	unsigned long n = ~0ul;
	FILE *f = fopen(PINNED, "r");

	if (f && fscanf(f, "%lu", &n) != 1)
		n = ~0ul;
	if (f)
		fclose(f);
	return n;
}

/* ---- memory ---- */

static void *map_memory(void *where, int prot)
{
	return mmap(where, PAGES * PAGE, prot, MAP_SHARED | (where ? MAP_FIXED : 0), gntalloc,
		    (off_t)gntalloc_index);
}

static void get_memory(unsigned int domid)
{
	union {
		struct ioctl_gntalloc_alloc_gref q;
		char room[sizeof(struct ioctl_gntalloc_alloc_gref) + PAGES * 4];
	} u = { .q = { .domid = (uint16_t)domid, .flags = GNTALLOC_FLAG_WRITABLE, .count = PAGES } };

	gntalloc = open("/dev/xen/gntalloc", O_RDWR);
	if (gntalloc < 0 || ioctl(gntalloc, IOCTL_GNTALLOC_ALLOC_GREF, &u)) {
		perror("/dev/xen/gntalloc");
		exit(2);
	}
	gntalloc_index = u.q.index;
	memory = map_memory(NULL, PROT_READ | PROT_WRITE);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

/* ---- calls ---- */

static struct xenapt_parent_attach request(const char *consumer, void *address, uint64_t length)
{
	struct xenapt_parent_attach q = {
		.address = (uintptr_t)address, .length = length, .interrupt = -1, .devid = 7,
		.slot = 3,
	};

	strcpy(q.consumer, consumer);
	return q;
}

static int attach(struct xenapt_parent_attach *q)
{
	return ioctl(parent, XENAPT_PARENT_ATTACH, q);
}

static int attach_range(void *address, uint64_t length)
{
	struct xenapt_parent_attach q = request("nonce", address, length);

	return attach(&q);
}

static int detach(uint32_t id, uint32_t flags)
{
	struct xenapt_parent_detach q = { .id = id, .flags = flags };

	return ioctl(parent, XENAPT_PARENT_DETACH, &q);
}

static int doorbell(unsigned long id)
{
	return ioctl(parent, XENAPT_PARENT_DOORBELL, id);
}

/* ---- what is refused ---- */

static void guests(unsigned int domid)
{
	want(ENOTCONN, attach_range(memory, PAGE), "attach before a guest was named");
	want(EINVAL, ioctl(parent, XENAPT_PARENT_GUEST, 0x7ff0ul), "a guest that is no domain");
	want(EINVAL, ioctl(parent, XENAPT_PARENT_GUEST, 1ul << 32 | domid), "a guest above 32 bits");
	want(0, ioctl(parent, XENAPT_PARENT_GUEST, (unsigned long)domid), "the guest");
	want(EBUSY, ioctl(parent, XENAPT_PARENT_GUEST, (unsigned long)domid + 1), "another guest");
}

static void fields(void)
{
	struct xenapt_parent_attach q;

	want(ENOTTY, ioctl(parent, _IO('A', 0x4f)), "an unknown call");
	want(EFAULT, ioctl(parent, XENAPT_PARENT_ATTACH, NULL), "attach with a bad pointer");
	want(EFAULT, ioctl(parent, XENAPT_PARENT_DETACH, 8ul), "detach with a bad pointer");
	q = request("nonce", memory, PAGE);
	q.flags = 2;
	want(EINVAL, attach(&q), "unknown flags");
	q = request("nonce", memory, PAGE);
	q.reserved[1] = 1;
	want(EINVAL, attach(&q), "a reserved field");
	q = request("nonce", memory, PAGE);
	q.slot = 64;
	want(EINVAL, attach(&q), "slot 64");
	q = request("nonce", memory, PAGE);
	memset(q.consumer, 'x', sizeof(q.consumer));
	want(EINVAL, attach(&q), "a name without an end");
	q = request("nobody", memory, PAGE);
	want(ENOENT, attach(&q), "an unknown consumer");
	q = request("", memory, PAGE);
	want(ENOENT, attach(&q), "a consumer without a name");
	q = request("nonce", memory, PAGE);
	q.interrupt = 9999;
	want(EBADF, attach(&q), "an interrupt that is no descriptor");
	q.interrupt = 1;
	want(EBADF, attach(&q), "an interrupt that is no eventfd");
	want(EBADF, detach(1, 0), "detach of what is not attached");
	want(EBADF, detach(~0u, 0), "detach of 2^32 - 1");
	want(EINVAL, detach(1, 2), "detach with unknown flags");
	want(EBADF, doorbell(1), "doorbell of what is not attached");
	want(EBADF, doorbell(1ul << 32 | 1), "doorbell above 32 bits");
}

static void ranges(void)
{
	char *ordinary = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int zero = open("/dev/zero", O_RDWR), file = open("/proc/self/exe", O_RDONLY);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
	char *program = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	struct xenapt_parent_attach q = request("nonce", program, PAGE);
	char *gone = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(gone, PAGE);
	want(EINVAL, attach_range(memory, 0), "length 0");
	want(EOVERFLOW, attach_range(memory, ~0ull), "length 2^64 - 1");
	want(EOVERFLOW, attach_range(memory, 1ull << 46), "length 2^46");
	want(EOVERFLOW, attach_range((void *)~0ull, 1), "the last address");
	want(EOVERFLOW, attach_range((void *)0xffff888000000000ull, PAGE), "the kernel's addresses");
	want(EFAULT, attach_range(NULL, PAGE), "address 0");
	want(EFAULT, attach_range(gone, PAGE), "nothing mapped");
	want(ENODEV, attach_range(ordinary, PAGE), "ordinary memory");
	want(ENODEV, attach_range(shared, PAGE), "another device's memory");
	q.flags = XENAPT_ATTACH_READ_ONLY;
	want(ENODEV, attach(&q), "a file");
	want(EFAULT, attach_range(memory, PAGES * PAGE + 1), "an octet too long");
	want(EFAULT, attach_range(memory + PAGES * PAGE - 1, 2), "over the end");
	want(EINVAL, attach_range(memory, 100), "the consumer's own error: too short");
	check(pinned() == 0, "nothing is pinned after what was refused: %lu", pinned());
	munmap(ordinary, PAGE);
	munmap(shared, PAGE);
	munmap(program, PAGE);
	close(zero);
	close(file);
}

/* ---- what works ---- */

static bool interrupted(int event)
{
	struct pollfd p = { .fd = event, .events = POLLIN };
	eventfd_t n;

	return poll(&p, 1, 5000) == 1 && !eventfd_read(event, &n);
}

/* Anywhere in the memory, and over the border of pages. */
static void answers(unsigned int offset)
{
	struct xenapt_parent_attach q = request("nonce", memory + offset, 3 * PAGE);
	const struct nonce_report *r = (void *)(memory + offset + NONCE_REPORT_AT);
	uint64_t nonce = 0x1122334455667788ull ^ offset, answer;

	q.interrupt = eventfd(0, EFD_CLOEXEC);
	memcpy(memory + offset + NONCE_AT, &nonce, sizeof(nonce));
	want(0, attach(&q), "attach");
	check(pinned() == (offset % PAGE ? 4 : 3), "pages pinned at offset %u: %lu", offset, pinned());
	want(0, doorbell(q.id), "doorbell");
	check(interrupted(q.interrupt), "the consumer's interrupt");
	memcpy(&answer, &r->answer, sizeof(answer));
	check(answer == ~nonce, "the consumer's answer at offset %u", offset);
	want(0, detach(q.id, 0), "detach");
	want(EBADF, detach(q.id, 0), "detach again");
	check(pinned() == 0, "nothing is pinned after detach: %lu", pinned());
	memset(memory, 0, PAGES * PAGE);
	close(q.interrupt);
}

static unsigned int parameter(const char *name)
{
	char path[100];
	unsigned int n = ~0u;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/aperture_nonce/parameters/%s", name);
	f = fopen(path, "r");
	if (f && fscanf(f, "%u", &n) != 1)
		n = ~0u;
	if (f)
		fclose(f);
	return n;
}

/* Of memory that may be written, and of a mapping that may not. */
static void read_only(char *where, const char *what)
{
	struct xenapt_parent_attach q = request("nonce", where, PAGE);
	unsigned int refused = parameter("refused");
	uint64_t nonce = 41;

	memcpy(memory, &nonce, sizeof(nonce));
	q.flags = XENAPT_ATTACH_READ_ONLY;
	q.interrupt = eventfd(0, EFD_CLOEXEC);
	want(0, attach(&q), what);
	want(0, doorbell(q.id), "doorbell");
	check(interrupted(q.interrupt), "the consumer's interrupt");
	check(parameter("refused") == refused + 1 && parameter("last_nonce") == 41,
	      "it could read and not write: refused %u", parameter("refused"));
	check(!memory[NONCE_REPORT_AT], "nothing was written");
	want(0, detach(q.id, 0), "detach");
	close(q.interrupt);
}

static void mapping_that_cannot_be_written(void)
{
	char *where = map_memory(NULL, PROT_READ);
	struct xenapt_parent_attach q = request("nonce", where, PAGE);

	want(EACCES, attach(&q), "a writable view of a mapping that is not");
	read_only(where, "a read-only view of it");
	munmap(where, PAGES * PAGE);
}

static void unmapped_while_attached(void)
{
	char *where = map_memory(NULL, PROT_READ | PROT_WRITE);
	struct xenapt_parent_attach q = request("nonce", where, PAGES * PAGE);
	int tries = 0;

	want(0, attach(&q), "attach");
	munmap(where + PAGE, PAGE);
	check(pinned() == 0, "nothing is pinned when one page was unmapped: %lu", pinned());
	while (!doorbell(q.id) && tries++ < 1000)
		usleep(1000);
	check(tries < 1000 && errno == ESHUTDOWN, "doorbell then: errno %d", errno);
	want(0, detach(q.id, 0), "detach then");
	munmap(where, PAGES * PAGE);
}

static void same_name_twice(void)
{
	struct xenapt_parent_attach a = request("block", memory, PAGE), b = request("block", memory, PAGE);

	want(0, attach(&a), "a disk");
	want(EEXIST, attach(&b), "a second disk of that name");
	want(0, detach(a.id, 0), "detach of the disk");
	want(0, attach(&b), "a disk of that name again");
	want(0, detach(b.id, 0), "detach of the disk");
	b = request("block", memory, 511);
	want(EINVAL, attach(&b), "a disk without a sector");
}

/* ---- one thread attaches, another one takes the mapping away ---- */

static char *contested;
static volatile bool stop;

static void *unmapper(void *arg)
{
	(void)arg;
	while (!stop) {
		munmap(contested, PAGES * PAGE);
		usleep(100);
		map_memory(contested, PROT_READ | PROT_WRITE);
		usleep(300);
	}
	return NULL;
}

static void races(void)
{
	unsigned int attached = 0, refused = 0, odd = 0;
	pthread_t thread;
	int i;

	contested = map_memory(NULL, PROT_READ | PROT_WRITE);
	pthread_create(&thread, NULL, unmapper, NULL);
	for (i = 0; i < 3000; i++) {
		struct xenapt_parent_attach q = request("nonce", contested, PAGES * PAGE);

		if (attach(&q)) {
			refused++;
			odd += errno != EFAULT && errno != ENODEV;
			continue;
		}
		attached++;
		doorbell(q.id);
		odd += detach(q.id, 0) != 0;
	}
	stop = true;
	pthread_join(thread, NULL);
	check(attached && refused, "a mapping that comes and goes: %u attached, %u refused", attached,
	      refused);
	check(!odd, "no other error: %u", odd);
	check(pinned() == 0, "nothing is pinned: %lu", pinned());
	munmap(contested, PAGES * PAGE);
}

int main(int argc, char **argv)
{
	unsigned int domid = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;

	parent = open(XENAPT_PARENT_DEVICE, O_RDWR | O_CLOEXEC);
	if (argc != 2 || parent < 0) {
		fprintf(stderr, "kernel-ioctls DOMID: %s: %s\n", XENAPT_PARENT_DEVICE, strerror(errno));
		return 2;
	}
	get_memory(domid);
	guests(domid);
	fields();
	ranges();
	answers(0);
	answers(1);
	answers(PAGE - 3);
	read_only(memory, "a read-only view");
	mapping_that_cannot_be_written();
	unmapped_while_attached();
	same_name_twice();
	races();
	want(0, attach_range(memory, PAGES * PAGE), "a view that is left to the end");
	printf("checks=%u wrong=%u\n", checks, wrong);
	return wrong ? 1 : 0;
}
