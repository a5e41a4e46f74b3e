/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of this side: the pool of one guest, and what is mapped of it. gntalloc is a memory file
 * with the same rules: an index goes up by what was asked for, whether or not it was made.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "give.h"
#include "gntalloc.h"
#include "log.h"

#define PAGE	XENAPT_PAGE_SIZE
#define MOST	8192u

static struct {
	int fd;
	bool writable;
	uint64_t index;
} file[4];
static unsigned int files;
static struct {
	int fd;
	uint64_t index;
	bool writable;
} granted[MOST];	/* by reference less 8 */
static uint32_t refs_used, fail_next;

int xapt_gntalloc_open(void)
{
	int fd = memfd_create("gntalloc", MFD_CLOEXEC);

	file[files++].fd = fd;
	return fd;
}

int xapt_gntalloc_pages(int fd, uint32_t domid, bool writable, uint32_t n, uint64_t *index,
			uint32_t *refs)
{
	unsigned int i, f = 0;

	CHECK_EQ(domid, 5);
	while (file[f].fd != fd)
		f++;
	*index = file[f].index;
	file[f].index += (uint64_t)n * PAGE;
	if (fail_next && !--fail_next)
		return xapt_error_set(ENOSPC, "test");
	CHECK_EQ(ftruncate(fd, (off_t)file[f].index), 0);
	for (i = 0; i < n; i++) {
		CHECK(refs_used < MOST);
		granted[refs_used].fd = fd;
		granted[refs_used].index = *index + (uint64_t)i * PAGE;
		granted[refs_used].writable = writable;
		refs[i] = 8 + refs_used++;
	}
	return 0;
}

/* ---- the guest: it maps by reference ---- */

static void *guest_map(uint32_t ref)
{
	void *page = MAP_FAILED;

	if (ref >= 8 && ref - 8 < refs_used)
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, granted[ref - 8].fd,
			    (off_t)granted[ref - 8].index);
	CHECK(page != MAP_FAILED);
	return page;
}

/* The references of a gift, as its directory says. */
static uint32_t *guest_reads(uint32_t directory, uint32_t pages)
{
	uint32_t *refs = malloc(pages * sizeof(*refs)), n = 0, i, k;
	struct xenapt_directory *top = guest_map(directory);
	struct xapt_shape shape;

	CHECK(!granted[directory - 8].writable);
	CHECK(xapt_directory_shape((uint64_t)pages * PAGE, 0, &shape));
	CHECK(!shape.indexed || xapt_directory_check_index(&shape, top));
	for (i = 0; i < shape.lists; i++) {
		struct xenapt_directory *list = shape.indexed ? guest_map(top->gref[i]) : top;

		CHECK_CASE(xapt_directory_check_list(&shape, i, list), i, list->count);
		for (k = 0; k < xapt_directory_count(&shape, i); k++)
			refs[n++] = list->gref[k];
		if (shape.indexed)
			munmap(list, PAGE);
	}
	munmap(top, PAGE);
	CHECK_EQ(n, pages);
	return refs;
}

/* What this side writes the guest reads, page by page. */
static void same_memory(const struct xapt_gift *g, bool writable)
{
	uint32_t *refs = guest_reads(g->directory, g->pages), i;

	for (i = 0; i < g->pages; i++) {
		uint32_t *page = guest_map(refs[i]);

		if (!g->parent_read_only)
			*(uint32_t *)((char *)g->addr + i * (size_t)PAGE) = i + 77;
		else
			*page = i + 77;
		CHECK_CASE(*page == i + 77, i, *page);
		CHECK_CASE(*(uint32_t *)((char *)g->addr + i * (size_t)PAGE) == i + 77, i, 0);
		CHECK_CASE(granted[refs[i] - 8].writable == writable, i, 0);
		munmap(page, PAGE);
	}
	free(refs);
}

/* ---- this side ---- */

static struct xapt_own_giver own;

static void begin(uint64_t pages)
{
	memset(file, 0, sizeof(file));
	files = refs_used = fail_next = 0;
	xapt_own_giver_init(&own, 5, pages);
}

static void end(void)
{
	xapt_pool_close(&own.pool);
	CHECK_EQ(own.pool.pages, 0);
}

static enum xenapt_status give(struct xapt_gift *g, uint32_t devid, uint32_t pages, uint32_t again)
{
	g->pages = pages;
	g->again = again;
	return xapt_give(&own.giver, devid, g);
}

static void back(struct xapt_gift *g, uint32_t devid, bool released)
{
	xapt_take_back(&own.giver, devid, g, released);
}

static bool all_zero(const struct xapt_gift *g)
{
	const uint64_t *word = g->addr;
	size_t i;

	for (i = 0; i < (size_t)g->pages * PAGE / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

static void test_shapes(void)
{
	static const uint32_t pages[] = { 1, 2, 1020, 1021, 2041 };
	unsigned int i, flags;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		for (flags = 0; flags < 3; flags++) {
			struct xapt_gift g = { .child_read_only = flags & 1,
					       .parent_read_only = flags & 2 };

			begin(4096);
			CHECK_EQ(give(&g, 0, pages[i], 0), XENAPT_OK);
			CHECK(all_zero(&g));
			same_memory(&g, !g.child_read_only);
			back(&g, 0, true);
			end();
		}
	}
}

/* Neither side's process need live: asked for again it is the same, to this device only. */
static void test_again(void)
{
	struct xapt_gift g = { 0 }, other = { 0 };
	uint32_t directory;

	begin(100);
	CHECK_EQ(give(&g, 3, 10, 0), XENAPT_OK);
	directory = g.directory;
	strcpy(g.addr, "kept");
	CHECK_EQ(give(&other, 3, 10, directory), XENAPT_E_LOST);	/* in use */
	back(&g, 3, false);
	CHECK_EQ(give(&other, 4, 10, directory), XENAPT_E_LOST);
	CHECK_EQ(give(&other, 3, 9, directory), XENAPT_E_LOST);
	other.child_read_only = true;
	CHECK_EQ(give(&other, 3, 10, directory), XENAPT_E_LOST);
	CHECK_EQ(give(&g, 3, 10, directory), XENAPT_OK);
	CHECK_EQ(g.directory, directory);
	CHECK_STR(g.addr, "kept");
	xapt_pool_leave(&own.pool, 4);
	CHECK_EQ(give(&other, 3, 10, directory), XENAPT_E_LOST);
	munmap(g.addr, 10 * PAGE);
	xapt_pool_leave(&own.pool, 3);		/* it was killed */
	CHECK_EQ(give(&g, 3, 10, directory), XENAPT_OK);
	CHECK_STR(g.addr, "kept");
	back(&g, 3, true);
	CHECK_EQ(give(&g, 3, 10, directory), XENAPT_E_LOST);
	end();
}

/* Used again, it tells nothing; and the pool does not grow. */
static void test_reuse(void)
{
	struct xapt_gift a = { 0 }, b = { 0 };
	unsigned int round;
	uint64_t pages = 0;

	begin(100);
	for (round = 0; round < 1000; round++) {
		CHECK_EQ(give(&a, 0, 20, 0), XENAPT_OK);
		CHECK_EQ(give(&b, 1, 30 + round % 7, 0), XENAPT_OK);
		CHECK_CASE(all_zero(&a) && all_zero(&b), round, 0);
		memset(a.addr, 0xff, 20 * PAGE);
		memset(b.addr, 0xee, b.pages * PAGE);
		if (round == 10)
			pages = own.pool.pages;
		back(&a, 0, true);
		back(&b, 1, true);
	}
	CHECK_EQ(own.pool.pages, pages);
	CHECK(pages <= 60);
	end();
}

/* A guest that says that it has unmapped and did not gets no further than the bound. */
static void test_bound(void)
{
	struct xapt_gift g[3] = { { 0 }, { 0 }, { 0 } };
	struct xapt_giving now;

	begin(24);
	xapt_pool_look(&own.pool, &now);
	CHECK_EQ(now.left[XAPT_POOL_WRITABLE], 24);
	CHECK_EQ(give(&g[0], 0, 25, 0), XENAPT_E_GIVEN_PAGES);
	CHECK_EQ(own.pool.pages, 0);
	CHECK_EQ(give(&g[0], 0, 10, 0), XENAPT_OK);
	CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 14);
	CHECK_EQ(give(&g[1], 0, 14, 0), XENAPT_OK);
	CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 0);
	CHECK_EQ(give(&g[2], 0, 1, 0), XENAPT_E_GIVEN_PAGES);
	back(&g[0], 0, false);
	CHECK_EQ(give(&g[2], 0, 1, 0), XENAPT_E_GIVEN_PAGES);	/* still granted, still counted */
	CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 10);	/* but it can be asked for again */
	back(&g[1], 0, true);
	CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 14);
	CHECK_EQ(give(&g[2], 0, 13, 0), XENAPT_OK);
	CHECK_EQ(give(&g[1], 0, 1, 0), XENAPT_OK);	/* three directories are the most */
	back(&g[1], 0, true);
	munmap(g[2].addr, 13 * PAGE);
	xapt_pool_forget(&own.pool, 0);
	CHECK_EQ(own.pool.pages, 24);
	xapt_pool_look(&own.pool, &now);
	CHECK_EQ(now.left[XAPT_POOL_WRITABLE], 24);
	CHECK_EQ(now.left[XAPT_POOL_READ_ONLY], 0);	/* pages stay of their kind */
	end();
}

static struct xapt_means have;

static void look(struct xapt_means_source *source, struct xapt_means *now)
{
	(void)source;
	*now = have;
}

/* What this domain has is a bound, too, for pages that are to be made: it has a name and a remedy. */
static void test_means(void)
{
	static struct xapt_means_source source = { look };
	struct xapt_pool_total total = { .max_pages = 1000 };
	struct xapt_gift g = { 0 }, again = { 0 };
	struct xapt_means *m = &have;
	unsigned int files_before;

	begin(100);
	own.pool.means = &source;
	own.pool.total = &total;
	have = (struct xapt_means){ 21, 22 };
	own.giver.look(&own.giver);
	CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 19);	/* two are for directories */
	CHECK_EQ(own.giver.now.means.memory, 21);
	files_before = files;
	CHECK_EQ(give(&g, 0, 20, 0), XENAPT_E_GIVEN_PAGES);
	CHECK_STR(xapt_error(), "20 pages asked for, this domain's memory leaves 19: raise " XAPT_RAISE_MEMORY);
	m->entries = 20;
	CHECK_EQ(give(&g, 0, 19, 0), XENAPT_E_GIVEN_PAGES);
	CHECK_STR(xapt_error(), "19 pages asked for, this domain's grant entries leave 18: raise " XAPT_RAISE_ENTRIES);
	CHECK(strstr(XAPT_RAISE_ENTRIES, "gnttab_max_frames="));
	CHECK_EQ(files, files_before);		/* nothing was made */
	CHECK_EQ(total.entries, 0);
	CHECK_EQ(give(&g, 0, 18, 0), XENAPT_OK);
	CHECK_EQ(total.entries, 19);
	/* What there is can be given again and anew, whatever is short now. */
	have = (struct xapt_means){ 0, 0 };
	back(&g, 0, false);
	CHECK_EQ(give(&again, 0, 18, g.directory), XENAPT_OK);
	back(&again, 0, true);
	CHECK_EQ(give(&g, 0, 18, 0), XENAPT_OK);
	CHECK_EQ(give(&again, 0, 1, 0), XENAPT_E_GIVEN_PAGES);
	have = (struct xapt_means){ UINT64_MAX, UINT64_MAX };
	CHECK_EQ(give(&again, 0, 83, 0), XENAPT_E_GIVEN_PAGES);
	CHECK_STR(xapt_error(), "83 pages asked for, 82 left of max_given (100 pages)");
	back(&g, 0, true);
	end();
	CHECK_EQ(total.entries, 0);
}

static void test_meminfo(void)
{
	static const char kept[] = "MemTotal: 100 kB\nMemAvailable:   16384 kB\nMemFree: 7 kB\n";

	CHECK_EQ(xapt_means_parse(kept), 0);
	CHECK_EQ(xapt_means_parse("MemAvailable: 16392 kB\n"), 1);	/* two pages' worth, less notes */
	CHECK_EQ(xapt_means_parse("MemAvailable: 3 kB\n"), 0);
	CHECK_EQ(xapt_means_parse("MemTotal: 100 kB\n"), UINT64_MAX);
	CHECK_EQ(xapt_means_parse(""), UINT64_MAX);
	CHECK(xapt_means_memory() != UINT64_MAX);
}

/* However small: directories are bounded, too. */
static void test_directories(void)
{
	struct xapt_gift g[6] = { { 0 } };
	unsigned int i, round;

	for (round = 0; round < 3; round++) {
		begin(24);
		for (i = 0; i < 3; i++)
			CHECK_EQ(give(&g[i], 0, 1, 0), XENAPT_OK);
		CHECK_EQ(own.giver.now.left[XAPT_POOL_WRITABLE], 0);
		CHECK_EQ(give(&g[3], 0, 1, 0), XENAPT_E_GIVEN_PAGES);
		back(&g[round], 0, true);
		CHECK_EQ(give(&g[3], 0, 1, 0), XENAPT_OK);
		for (i = 0; i < 4; i++)
			if (i != round)
				back(&g[i], 0, true);
		end();
	}
}

/* Free pages in pieces are one range of addresses all the same. */
static void test_pieces(void)
{
	struct xapt_gift g[60] = { { 0 } }, large = { 0 };
	unsigned int i;

	begin(1000);
	for (i = 0; i < 60; i++)
		CHECK_EQ(give(&g[i], 0, 1, 0), XENAPT_OK);
	for (i = 0; i < 60; i += 2)
		back(&g[i], 0, true);
	CHECK_EQ(give(&large, 0, 40, 0), XENAPT_OK);
	CHECK(all_zero(&large));
	same_memory(&large, true);
	CHECK_EQ(own.pool.pages, 60 + 10);
	/* More pieces than a message has room for: new pages instead. */
	for (i = 1; i < 60; i += 2)
		back(&g[i], 0, true);
	back(&large, 0, true);
	end();
}

/* Two pools, one bound. */
static void test_total(void)
{
	struct xapt_pool_total total = { .max_pages = 30 };
	struct xapt_wish wish = { .pages = 20 };
	struct xapt_given given;
	struct xapt_pool a, b;
	int fd;

	begin(0);
	xapt_pool_init(&a, 5, 25, &total);
	xapt_pool_init(&b, 5, 25, &total);
	CHECK_EQ(xapt_pool_give(&a, 0, &wish, &given, &fd), XENAPT_OK);
	CHECK_EQ(total.pages, 20);
	CHECK_EQ(xapt_pool_give(&b, 0, &wish, &given, &fd), XENAPT_E_GIVEN_PAGES);
	wish.pages = 10;
	CHECK_EQ(xapt_pool_give(&b, 0, &wish, &given, &fd), XENAPT_OK);
	CHECK_EQ(total.pages, 30);
	xapt_pool_close(&a);
	CHECK_EQ(total.pages, 10);
	xapt_pool_close(&b);
	CHECK_EQ(total.pages, 0);
	end();
}

/* The kernel has no memory, at each call: nothing is left over, and the next works. */
static void test_failures(void)
{
	struct xapt_gift g = { 0 };
	unsigned int n;

	for (n = 1; n <= 2; n++) {
		begin(100);
		fail_next = n;
		CHECK_EQ(give(&g, 0, 10, 0), XENAPT_E_MEMORY);
		CHECK(!g.addr);
		CHECK_EQ(give(&g, 0, 10, 0), XENAPT_OK);
		same_memory(&g, true);
		CHECK(own.pool.pages <= 10);
		back(&g, 0, true);
		end();
	}
}

/* gntalloc counts on where it failed: what stands side by side in the table need not in the file. */
static void test_gap(void)
{
	struct xapt_gift a = { 0 }, b = { 0 }, c = { 0 };

	begin(100);
	CHECK_EQ(give(&a, 0, 5, 0), XENAPT_OK);
	fail_next = 2;		/* the directory's page comes first */
	CHECK_EQ(give(&b, 0, 3, 0), XENAPT_E_MEMORY);
	CHECK_EQ(give(&b, 0, 5, 0), XENAPT_OK);
	back(&a, 0, true);
	back(&b, 0, true);
	CHECK_EQ(give(&c, 0, 10, 0), XENAPT_OK);
	CHECK_EQ(own.pool.pages, 10);
	same_memory(&c, true);
	back(&c, 0, true);
	end();
}

/* Anything a worker may send: bounded, and what was said is true. */
static void test_noise(void)
{
	struct xapt_pool_total total = { .max_pages = 150 };
	struct xapt_given given;
	struct xapt_pool p;
	uint64_t seed = 7;
	unsigned int round;
	int fd;

	begin(0);
	xapt_pool_init(&p, 5, 120, &total);
	for (round = 0; round < 30000; round++) {
		uint32_t devid = check_random(&seed) % 3;
		uint32_t ref = (uint32_t)(check_random(&seed) % 160);
		struct xapt_wish wish = {
			.pages = check_random(&seed) % 20 ? (uint32_t)(check_random(&seed) % 40) :
				 (uint32_t)check_random(&seed),
			.child_read_only = (uint32_t)check_random(&seed) & 2,
			.again = check_random(&seed) % 3 ? 0 : ref,
		};

		switch (check_random(&seed) % 4) {
		case 0:
			xapt_pool_take_back(&p, devid, ref, check_random(&seed) & 1);
			break;
		case 1:
			if (check_random(&seed) & 1)
				xapt_pool_leave(&p, devid);
			else
				xapt_pool_forget(&p, devid);
			break;
		default:
			if (xapt_pool_give(&p, devid, &wish, &given, &fd) == XENAPT_OK) {
				uint64_t sum = 0;
				unsigned int i;

				CHECK_CASE(given.nr_runs && given.nr_runs <= XAPT_RUNS, round, 0);
				for (i = 0; i < given.nr_runs; i++)
					sum += given.run[i].pages;
				CHECK_CASE(sum == wish.pages, round, sum);
				free(guest_reads(given.directory, wish.pages));
			}
		}
		CHECK_CASE(p.pages <= 120 && p.pages == total.pages, round, p.pages);
	}
	xapt_pool_close(&p);
	CHECK_EQ(total.pages, 0);
	end();
}

/* ---- the process ends, the files do not ---- */

static int kept[XAPT_POOL_FILES + 1] = { -1, -1, -1, -1 };
static unsigned int forgotten;

static void keep(struct xapt_pool_keeper *keeper, uint32_t domid, const char *name, int fd)
{
	unsigned int i = *name == 's' ? XAPT_POOL_FILES : (unsigned int)(*name - '0');

	(void)keeper;
	CHECK_EQ(domid, 5);
	CHECK_EQ(kept[i], -1);
	kept[i] = dup(fd);
}

static void forget(struct xapt_pool_keeper *keeper, uint32_t domid)
{
	unsigned int i;

	(void)keeper;
	CHECK_EQ(domid, 5);
	forgotten++;
	for (i = 0; i <= XAPT_POOL_FILES; i++) {
		if (kept[i] >= 0)
			close(kept[i]);
		kept[i] = -1;
	}
}

static struct xapt_pool_keeper keeper = { keep, forget };

/* Killed, and started again. */
static int restart(struct xapt_pool *p, uint64_t max_pages)
{
	int fd[XAPT_POOL_FILES + 1];
	unsigned int i, f;

	for (i = 0; i <= XAPT_POOL_FILES; i++) {
		fd[i] = kept[i] >= 0 ? dup(kept[i]) : -1;
		for (f = 0; i < XAPT_POOL_FILES && p->file[i].fd >= 0 && f < files; f++)
			if (file[f].fd == p->file[i].fd)
				file[f].fd = fd[i];
	}
	xapt_pool_leave_all(p);
	xapt_pool_init(p, 5, max_pages, p->total);
	p->keeper = &keeper;
	return xapt_pool_restore(p, fd, fd[XAPT_POOL_FILES]);
}

struct shadow {
	uint32_t devid, directory, pages, read_only;
};

/* Each page says whose it is. */
static void tag(int fd, const struct xapt_given *given)
{
	uint64_t i, k;

	for (i = 0; i < given->nr_runs; i++)
		for (k = 0; k < given->run[i].pages; k++)
			CHECK_EQ(pwrite(fd, &given->directory, 4,
					(off_t)(given->run[i].index + k * PAGE)), 4);
}

static bool tagged(int fd, const struct xapt_given *given)
{
	uint64_t i, k;

	for (i = 0; i < given->nr_runs; i++) {
		for (k = 0; k < given->run[i].pages; k++) {
			uint32_t word = 0;

			if (pread(fd, &word, 4, (off_t)(given->run[i].index + k * PAGE)) != 4 ||
			    word != given->directory)
				return false;
		}
	}
	return true;
}

static void check_shadow(struct xapt_pool *p, const struct shadow *s, unsigned int n)
{
	struct xapt_given given;
	uint64_t used = 0;
	unsigned int i;
	int fd;

	for (i = 0; i < n; i++) {
		struct xapt_wish wish = { s[i].pages, s[i].read_only, s[i].directory };

		CHECK_CASE(xapt_pool_give(p, s[i].devid, &wish, &given, &fd) == XENAPT_OK, i, n);
		CHECK_CASE(tagged(fd, &given), i, n);
		used += s[i].pages;
		xapt_pool_take_back(p, s[i].devid, s[i].directory, false);
	}
	for (i = 0; i < XAPT_POOL_KINDS; i++)
		used += p->file[i].free;
	CHECK_EQ(used, p->pages);
}

/* Whatever happened before: what was given is there, what was taken back is free, and no more. */
static void test_restart(void)
{
	struct xapt_pool_total total = { .max_pages = 1000 };
	struct shadow shadow[64];
	struct xapt_given given;
	struct xapt_pool p;
	uint64_t seed = 3, pages;
	unsigned int round, n = 0, i;
	int fd;

	begin(0);
	xapt_pool_init(&p, 5, 400, &total);
	p.keeper = &keeper;
	for (round = 0; round < 3000; round++) {
		struct xapt_wish wish = { .pages = 1 + (uint32_t)(check_random(&seed) % 30),
					  .child_read_only = (uint32_t)check_random(&seed) & 1 };
		uint32_t devid = (uint32_t)(check_random(&seed) % 3);

		if (check_random(&seed) % 5 == 0)
			fail_next = 1 + (uint32_t)(check_random(&seed) % 2);
		if (n < 64 && check_random(&seed) % 2 &&
		    xapt_pool_give(&p, devid, &wish, &given, &fd) == XENAPT_OK) {
			tag(fd, &given);
			shadow[n++] = (struct shadow){ devid, given.directory, wish.pages,
						       wish.child_read_only };
		} else if (n) {
			i = (unsigned int)(check_random(&seed) % n);
			xapt_pool_take_back(&p, shadow[i].devid, shadow[i].directory, true);
			shadow[i] = shadow[--n];
		}
		fail_next = 0;
		if (round % 10 || p.state < 0)
			continue;
		pages = p.pages;
		CHECK_EQ(restart(&p, round % 20 ? 400 : 17), 0);
		CHECK_CASE(p.pages == pages && total.pages == pages, round, p.pages);
		CHECK_EQ(p.max_pages, 400);
		check_shadow(&p, shadow, n);
	}
	CHECK_EQ(forgotten, 0);
	xapt_pool_close(&p);
	CHECK_EQ(forgotten, 1);
	CHECK_EQ(total.pages, 0);
	end();
}

/* A state that is not whole, or another guest's: nothing of it is taken. */
static void test_bad_state(void)
{
	struct xapt_wish wish = { .pages = 5 };
	struct xapt_given given;
	unsigned int i;
	struct xapt_pool p;
	int fd;

	for (i = 0; i < 4; i++) {
		begin(0);
		xapt_pool_init(&p, 5, 40, NULL);
		p.keeper = &keeper;
		CHECK_EQ(xapt_pool_give(&p, 0, &wish, &given, &fd), XENAPT_OK);
		if (i == 0)
			CHECK_EQ(ftruncate(p.state, 10), 0);
		if (i == 1)
			CHECK_EQ(pwrite(p.state, "x", 1, 0), 1);
		if (i == 2)
			CHECK_EQ(pwrite(p.state, "\6", 1, 16), 1);
		if (i == 3) {
			close(kept[0]);
			kept[0] = -1;
		}
		CHECK_CASE(restart(&p, 40) == -1, i, 0);
		CHECK_EQ(p.pages, 0);
		CHECK(p.state < 0 && p.file[0].fd < 0);
		CHECK_EQ(xapt_pool_give(&p, 0, &wish, &given, &fd), XENAPT_OK);
		xapt_pool_close(&p);
		end();
	}
}

static CU_TestInfo tests[] = {
	{ "shapes", test_shapes },
	{ "the same again", test_again },
	{ "used again", test_reuse },
	{ "bound", test_bound },
	{ "means of this domain", test_means },
	{ "memory that is available", test_meminfo },
	{ "directories", test_directories },
	{ "pieces", test_pieces },
	{ "bound of several", test_total },
	{ "failures", test_failures },
	{ "a gap", test_gap },
	{ "noise", test_noise },
	{ "restarts", test_restart },
	{ "bad state", test_bad_state },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
