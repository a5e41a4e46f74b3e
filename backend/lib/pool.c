// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "directory.h"
#include "gntalloc.h"
#include "log.h"

struct xapt_pool_page {
	uint32_t ref;
	uint32_t number;	/* mmap's offset in pages */
	bool used;
};

/* Elements of a file's table that follow each other, there and in the file. */
struct span {
	uint32_t first, pages;
};

struct spans {
	uint32_t n;
	struct span span[XAPT_RUNS];
};

struct xapt_gift_record {
	struct xapt_gift_record *next;
	uint32_t slot;		/* in the state file */
	uint32_t devid, directory;
	enum xapt_pool_kind kind;
	uint32_t pages;
	bool in_use;		/* by the device */
	struct spans memory, lists;	/* lists: of the directory */
};

void xapt_pool_init(struct xapt_pool *p, uint32_t domid, uint64_t max_pages,
		    struct xapt_pool_total *total)
{
	*p = (struct xapt_pool){
		.domid = domid, .max_pages = max_pages, .total = total,
		.file = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } }, .state = -1,
	};
}

static void close_files(struct xapt_pool *p)
{
	struct xapt_pool_keeper *keeper = p->keeper;
	struct xapt_means_source *means = p->means;
	unsigned int kind;

	while (p->gifts) {
		struct xapt_gift_record *g = p->gifts;

		p->gifts = g->next;
		free(g);
	}
	for (kind = 0; kind < XAPT_POOL_FILES; kind++) {
		if (p->file[kind].fd >= 0)
			close(p->file[kind].fd);
		if (p->total)
			p->total->entries -= p->file[kind].pages;
		free(p->file[kind].page);
	}
	if (p->total)
		p->total->pages -= p->pages;
	if (p->state >= 0)
		close(p->state);
	xapt_pool_init(p, p->domid, p->max_pages, p->total);
	p->keeper = keeper;
	p->means = means;
}

void xapt_pool_close(struct xapt_pool *p)
{
	if (p->keeper && p->state >= 0)
		p->keeper->forget(p->keeper, p->domid);
	close_files(p);
}

void xapt_pool_leave_all(struct xapt_pool *p)
{
	close_files(p);
}

/* ---- pages ---- */

static struct xapt_means means_of(const struct xapt_pool *p)
{
	struct xapt_means m = { UINT64_MAX, UINT64_MAX };

	if (p->means)
		p->means->look(p->means, &m);
	return m;
}

/* New pages that this domain can make, with directories for them. */
static uint64_t makeable(const struct xapt_means *m, enum xapt_pool_kind kind)
{
	uint64_t n = m->memory < m->entries ? m->memory : m->entries;
	uint64_t lists = kind == XAPT_POOL_LISTS ? 0 : n / XENAPT_DIR_ENTRIES + 2;

	if (n == UINT64_MAX)
		return n;
	return n > lists ? n - lists : 0;
}

/* New pages that were allowed. */
static uint64_t admitted(const struct xapt_pool *p, enum xapt_pool_kind kind)
{
	uint64_t lists = XAPT_POOL_LISTS_MAX(p->max_pages);
	uint64_t left = p->max_pages > p->pages ? p->max_pages - p->pages : 0;
	uint64_t all = !p->total ? left : p->total->max_pages > p->total->pages ?
		       p->total->max_pages - p->total->pages : 0;

	if (kind == XAPT_POOL_LISTS)
		return lists - p->file[kind].pages;
	return left < all ? left : all;
}

static uint64_t room(const struct xapt_pool *p, enum xapt_pool_kind kind)
{
	struct xapt_means m = means_of(p);
	uint64_t allowed = admitted(p, kind), most = makeable(&m, kind);

	return allowed < most ? allowed : most;
}

/* The run of free pages that begins at or after *first. False: there is none. */
static bool next_free(const struct xapt_pool_file *f, uint32_t first, struct span *s)
{
	while (first < f->pages && f->page[first].used)
		first++;
	s->first = first;
	for (s->pages = 0; first < f->pages && !f->page[first].used &&
	     f->page[first].number == f->page[s->first].number + s->pages; first++)
		s->pages++;
	return s->pages;
}

/* The smallest run that is large enough, else the largest. */
static struct span best_free(const struct xapt_pool_file *f, uint32_t n)
{
	struct span best = { 0 }, s;
	uint32_t at;

	for (at = 0; next_free(f, at, &s); at = s.first + s.pages) {
		if (best.pages >= n ? s.pages >= n && s.pages < best.pages : s.pages > best.pages)
			best = s;
	}
	if (best.pages > n)
		best.pages = n;
	return best;
}

static void mark(struct xapt_pool_file *f, const struct span *s, bool used)
{
	uint32_t i;

	for (i = 0; i < s->pages; i++)
		f->page[s->first + i].used = used;
	f->free = used ? f->free - s->pages : f->free + s->pages;
}

static void add_span(struct xapt_pool_file *f, struct spans *to, struct span s)
{
	mark(f, &s, true);
	to->span[to->n++] = s;
}

static void put_back(struct xapt_pool_file *f, struct spans *s)
{
	while (s->n)
		mark(f, &s->span[--s->n], false);
}

/*
 * The state file: a header, a slot for each gift, and the tables of pages, each with room for the
 * most there may be. What a process was about to write when it died is not there: pages without a
 * number, or that no gift has, are free.
 */
#define STATE_MAGIC	0x4c4f4f5054504158ull	/* "XAPTPOOL" */

struct state_head {
	uint64_t magic, max_pages;
	uint32_t domid, pages[XAPT_POOL_FILES];
};

struct state_gift {
	uint32_t used, devid, directory, kind, pages, zero;
	struct spans memory, lists;
};

static uint64_t most_of(const struct xapt_pool *p, unsigned int kind)
{
	return kind == XAPT_POOL_LISTS ? XAPT_POOL_LISTS_MAX(p->max_pages) : p->max_pages;
}

static off_t gift_at(uint32_t slot)
{
	return (off_t)(sizeof(struct state_head) + slot * sizeof(struct state_gift));
}

static off_t page_at(const struct xapt_pool *p, unsigned int kind, uint32_t n)
{
	uint64_t before = 0;
	unsigned int k;

	for (k = 0; k < kind; k++)
		before += most_of(p, k);
	return gift_at((uint32_t)XAPT_POOL_LISTS_MAX(p->max_pages)) +
	       (off_t)((before + n) * sizeof(struct xapt_pool_page));
}

/* Memory is short: then an end of this process loses what was given, as without a keeper. */
static void put(struct xapt_pool *p, const void *data, size_t size, off_t at)
{
	if (p->state >= 0 && pwrite(p->state, data, size, at) != (ssize_t)size) {
		p->keeper->forget(p->keeper, p->domid);
		close(p->state);
		p->state = -1;
	}
}

static void put_head(struct xapt_pool *p)
{
	struct state_head head = { STATE_MAGIC, p->max_pages, p->domid,
				   { p->file[0].pages, p->file[1].pages, p->file[2].pages } };

	put(p, &head, sizeof(head), 0);
}

static void put_gift(struct xapt_pool *p, const struct xapt_gift_record *g, bool used)
{
	struct state_gift s = {
		.used = used, .devid = g->devid, .directory = g->directory, .kind = g->kind,
		.pages = g->pages, .memory = g->memory, .lists = g->lists,
	};

	put(p, &s, sizeof(s), gift_at(g->slot));
}

static void keep(struct xapt_pool *p, enum xapt_pool_kind kind)
{
	const char name[2] = { (char)('0' + kind), '\0' };

	if (!p->keeper)
		return;
	if (!p->pages && p->state < 0 && !p->file[XAPT_POOL_LISTS].pages) {
		p->state = memfd_create("pool", MFD_CLOEXEC);
		if (p->state >= 0)
			p->keeper->keep(p->keeper, p->domid, "state", p->state);
	}
	if (p->state >= 0)
		p->keeper->keep(p->keeper, p->domid, name, p->file[kind].fd);
}

static int open_file(struct xapt_pool *p, enum xapt_pool_kind kind)
{
	p->file[kind].fd = xapt_gntalloc_open();
	if (p->file[kind].fd >= 0)
		keep(p, kind);
	return p->file[kind].fd;
}

/* n new pages at the end of the table, free. */
static enum xenapt_status grow(struct xapt_pool *p, enum xapt_pool_kind kind, uint32_t n)
{
	struct xapt_pool_file *f = &p->file[kind];
	struct xapt_pool_page *page = realloc(f->page, ((size_t)f->pages + n) * sizeof(*page));
	uint32_t *refs = malloc((size_t)n * sizeof(*refs));
	uint64_t index;
	uint32_t i;

	if (page)
		f->page = page;
	if (!page || !refs || (f->fd < 0 && open_file(p, kind) < 0) ||
	    xapt_gntalloc_pages(f->fd, p->domid, kind == XAPT_POOL_WRITABLE, n, &index, refs)) {
		free(refs);
		return XENAPT_E_MEMORY;
	}
	for (i = 0; i < n; i++)
		f->page[f->pages++] = (struct xapt_pool_page){
			.ref = refs[i], .number = (uint32_t)(index / XENAPT_PAGE_SIZE) + i,
		};
	free(refs);
	put(p, &f->page[f->pages - n], n * sizeof(*f->page), page_at(p, kind, f->pages - n));
	put_head(p);
	f->free += n;
	if (p->total)
		p->total->entries += n;
	if (kind == XAPT_POOL_LISTS)
		return XENAPT_OK;
	p->pages += n;
	if (p->total)
		p->total->pages += n;
	return XENAPT_OK;
}

/* n pages, used before as far as there are; *fresh: so many at the end are not. */
static enum xenapt_status take(struct xapt_pool *p, enum xapt_pool_kind kind, uint32_t n,
			       struct spans *to, uint32_t *fresh)
{
	struct xapt_pool_file *f = &p->file[kind];
	enum xenapt_status status = XENAPT_OK;
	uint32_t left = n;

	to->n = 0;
	while (left && to->n < XAPT_RUNS - 1 && f->free) {
		struct span s = best_free(f, left);

		add_span(f, to, s);
		left -= s.pages;
	}
	*fresh = left;
	if (!left)
		return XENAPT_OK;
	if (left > room(p, kind))
		status = XENAPT_E_GIVEN_PAGES;
	else
		status = grow(p, kind, left);
	if (status == XENAPT_OK)
		add_span(f, to, (struct span){ f->pages - left, left });
	else
		put_back(f, to);
	return status;
}

/* ---- the directory ---- */

static uint32_t directory_pages(uint64_t pages)
{
	uint32_t lists = (uint32_t)((pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES);

	return lists + (lists > 1);
}

/* Number i of the spans' pages. */
static const struct xapt_pool_page *page_of(const struct xapt_pool_file *f, const struct spans *s,
					    uint32_t i)
{
	uint32_t k;

	for (k = 0; i >= s->span[k].pages; k++)
		i -= s->span[k].pages;
	return &f->page[s->span[k].first + i];
}

struct writer {
	const struct xapt_pool_file *lists, *memory;
	const struct xapt_gift_record *g;
	struct xapt_shape shape;
};

/* List page number index, or the index page above them (directory's page 0). */
static void fill(const struct writer *w, struct xenapt_directory *page, uint32_t index, bool above)
{
	uint32_t i, count = above ? w->shape.lists : xapt_directory_count(&w->shape, index);

	memset(page, 0, sizeof(*page));
	xapt_directory_header(page, above ? XENAPT_DIR_INDEX : XENAPT_DIR_LIST, (uint16_t)count,
			      index);
	for (i = 0; i < count; i++)
		page->gref[i] = above ? page_of(w->lists, &w->g->lists, i + 1)->ref :
			page_of(w->memory, &w->g->memory, index * XENAPT_DIR_ENTRIES + i)->ref;
}

static int write_page(const struct writer *w, uint32_t number)
{
	const struct xapt_pool_page *p = page_of(w->lists, &w->g->lists, number);
	void *page = mmap(NULL, XENAPT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->lists->fd,
			  (off_t)p->number * XENAPT_PAGE_SIZE);

	if (page == MAP_FAILED)
		return xapt_error_set(errno, XAPT_GNTALLOC ": cannot map a directory: %s",
				      strerror(errno));
	fill(w, page, w->shape.indexed && number ? number - 1 : 0, w->shape.indexed && !number);
	return munmap(page, XENAPT_PAGE_SIZE);
}

static int write_directory(const struct xapt_pool *p, const struct xapt_gift_record *g)
{
	struct writer w = { &p->file[XAPT_POOL_LISTS], &p->file[g->kind], g, { 0 } };
	uint32_t i;

	if (!xapt_directory_shape((uint64_t)g->pages * XENAPT_PAGE_SIZE, 0, &w.shape))
		return xapt_error_set(EINVAL, "%u pages are no aperture", g->pages);
	for (i = 0; i < w.shape.lists + w.shape.indexed; i++)
		if (write_page(&w, i))
			return -1;
	return 0;
}

/* Most pages that so many directory pages describe. */
static uint64_t described_by(uint64_t lists)
{
	return (lists > 1 ? lists - 1 : lists) * XENAPT_DIR_ENTRIES;
}

static uint64_t left(const struct xapt_pool *p, enum xapt_pool_kind kind)
{
	uint64_t pages = p->file[kind].free + room(p, kind);
	uint64_t most = described_by(p->file[XAPT_POOL_LISTS].free + room(p, XAPT_POOL_LISTS));

	return pages < most ? pages : most;
}

/* ---- gifts ---- */

static void drop(struct xapt_pool *p, struct xapt_gift_record *g)
{
	struct xapt_gift_record **at = &p->gifts;

	while (*at && *at != g)
		at = &(*at)->next;
	if (*at)
		*at = g->next;
	if (g->directory)
		put_gift(p, g, false);
	put_back(&p->file[g->kind], &g->memory);
	put_back(&p->file[XAPT_POOL_LISTS], &g->lists);
	free(g);
}

/* Which of them it was, and what raises it. */
static void say_short(const struct xapt_pool *p, const struct xapt_gift_record *g)
{
	struct xapt_means m = means_of(p);
	unsigned long long most = left(p, g->kind);

	if (makeable(&m, g->kind) >= admitted(p, g->kind))
		xapt_error_set(ENOSPC, "%u pages asked for, %llu left of max_given (%llu pages)",
			       g->pages, most, (unsigned long long)p->max_pages);
	else if (m.memory < m.entries)
		xapt_error_set(ENOSPC, "%u pages asked for, this domain's memory leaves %llu: raise " XAPT_RAISE_MEMORY,
			       g->pages, most);
	else
		xapt_error_set(ENOSPC, "%u pages asked for, this domain's grant entries leave %llu: raise " XAPT_RAISE_ENTRIES,
			       g->pages, most);
}

static enum xenapt_status make(struct xapt_pool *p, struct xapt_gift_record *g, uint32_t *fresh)
{
	enum xenapt_status status;
	uint32_t any;

	status = g->pages > left(p, g->kind) ? XENAPT_E_GIVEN_PAGES :
		 take(p, XAPT_POOL_LISTS, directory_pages(g->pages), &g->lists, &any);
	if (status == XENAPT_OK)
		status = take(p, g->kind, g->pages, &g->memory, fresh);
	if (status == XENAPT_E_GIVEN_PAGES)
		say_short(p, g);
	if (status != XENAPT_OK)
		return status;
	return write_directory(p, g) ? XENAPT_E_MEMORY : XENAPT_OK;
}

/* Each gift has a directory, of which there are no more than slots. */
static uint32_t free_slot(const struct xapt_pool *p)
{
	const struct xapt_gift_record *g;
	uint32_t slot = 0;

	for (g = p->gifts; g;) {
		bool taken = g->slot == slot;

		slot += taken;
		g = taken ? p->gifts : g->next;
	}
	return slot;
}

static enum xenapt_status give_new(struct xapt_pool *p, uint32_t devid,
				   const struct xapt_wish *wish, struct xapt_gift_record **gift,
				   uint32_t *fresh)
{
	struct xapt_gift_record *g = calloc(1, sizeof(*g));
	enum xenapt_status status;

	if (!g) {
		xapt_error_set(ENOMEM, "out of memory");
		return XENAPT_E_MEMORY;
	}
	g->devid = devid;
	g->kind = wish->child_read_only ? XAPT_POOL_READ_ONLY : XAPT_POOL_WRITABLE;
	g->pages = wish->pages;
	status = make(p, g, fresh);
	if (status != XENAPT_OK) {
		drop(p, g);
		return status;
	}
	g->directory = page_of(&p->file[XAPT_POOL_LISTS], &g->lists, 0)->ref;
	g->slot = free_slot(p);
	put_gift(p, g, true);
	g->next = p->gifts;
	p->gifts = g;
	*gift = g;
	return XENAPT_OK;
}

static struct xapt_gift_record *find(const struct xapt_pool *p, uint32_t devid, uint32_t directory)
{
	struct xapt_gift_record *g;

	for (g = p->gifts; g && (g->devid != devid || g->directory != directory); g = g->next)
		;
	return g;
}

static enum xenapt_status give_again(struct xapt_pool *p, uint32_t devid,
				     const struct xapt_wish *wish, struct xapt_gift_record **gift)
{
	struct xapt_gift_record *g = find(p, devid, wish->again);

	if (!g || g->in_use || g->pages != wish->pages ||
	    g->kind != (wish->child_read_only ? XAPT_POOL_READ_ONLY : XAPT_POOL_WRITABLE)) {
		xapt_error_set(ENOENT, "memory with directory %u is asked for again: %s", wish->again,
			       !g ? "it is not there" : g->in_use ? "it is in use" :
			       "it is of another size or kind");
		return XENAPT_E_LOST;
	}
	*gift = g;
	return XENAPT_OK;
}

enum xenapt_status xapt_pool_give(struct xapt_pool *p, uint32_t devid, const struct xapt_wish *wish,
				  struct xapt_given *given, int *fd)
{
	struct xapt_gift_record *g = NULL;
	uint32_t i, fresh = wish->pages;
	enum xenapt_status status;

	if (!wish->pages || wish->pages > XENAPT_MAX_PAGES) {
		xapt_error_set(EINVAL, "%u pages are no aperture", wish->pages);
		return XENAPT_E_MEMORY;
	}
	status = wish->again ? give_again(p, devid, wish, &g) :
		 give_new(p, devid, wish, &g, &fresh);
	if (status != XENAPT_OK)
		return status;
	g->in_use = true;
	*fd = p->file[g->kind].fd;
	*given = (struct xapt_given){
		.directory = g->directory, .dirty = g->pages - fresh, .nr_runs = g->memory.n,
	};
	for (i = 0; i < g->memory.n; i++) {
		const struct span *s = &g->memory.span[i];

		given->run[i].index = (uint64_t)p->file[g->kind].page[s->first].number *
				      XENAPT_PAGE_SIZE;
		given->run[i].pages = s->pages;
	}
	return XENAPT_OK;
}

void xapt_pool_take_back(struct xapt_pool *p, uint32_t devid, uint32_t directory, bool released)
{
	struct xapt_gift_record *g = find(p, devid, directory);

	if (!g)
		return;
	g->in_use = false;
	if (released)
		drop(p, g);
}

void xapt_pool_leave(struct xapt_pool *p, uint32_t devid)
{
	struct xapt_gift_record *g;

	for (g = p->gifts; g; g = g->next)
		if (g->devid == devid)
			g->in_use = false;
}

void xapt_pool_forget(struct xapt_pool *p, uint32_t devid)
{
	struct xapt_gift_record *g, *next;

	for (g = p->gifts; g; g = next) {
		next = g->next;
		if (g->devid == devid)
			drop(p, g);
	}
}

/* What is asked for again is opened like anything: a gift that nobody uses counts as left. */
static uint64_t left_or_again(const struct xapt_pool *p, enum xapt_pool_kind kind)
{
	const struct xapt_gift_record *g;
	uint64_t most = left(p, kind);

	for (g = p->gifts; g; g = g->next)
		if (g->kind == kind && !g->in_use && g->pages > most)
			most = g->pages;
	return most;
}

void xapt_pool_look(const struct xapt_pool *p, struct xapt_giving *giving)
{
	giving->left[XAPT_POOL_WRITABLE] = left_or_again(p, XAPT_POOL_WRITABLE);
	giving->left[XAPT_POOL_READ_ONLY] = left_or_again(p, XAPT_POOL_READ_ONLY);
	giving->pages = p->pages;
	giving->max_pages = p->max_pages;
	giving->means = means_of(p);
}

/* ---- after an end of the process ---- */

static bool spans_ok(const struct xapt_pool_file *f, const struct spans *s, uint64_t pages)
{
	uint64_t sum = 0;
	uint32_t i, k;

	for (i = 0; i < s->n && s->n <= XAPT_RUNS; i++) {
		if (s->span[i].first > f->pages || s->span[i].pages > f->pages - s->span[i].first)
			return false;
		for (k = 0; k < s->span[i].pages; k++)
			if (f->page[s->span[i].first + k].used)
				return false;
		sum += s->span[i].pages;
	}
	return i == s->n && sum == pages;
}

static void restore_gift(struct xapt_pool *p, uint32_t slot)
{
	struct xapt_gift_record *g = calloc(1, sizeof(*g));
	struct state_gift s;
	uint32_t i;

	if (!g || pread(p->state, &s, sizeof(s), gift_at(slot)) != sizeof(s) || !s.used ||
	    s.kind >= XAPT_POOL_KINDS || !spans_ok(&p->file[s.kind], &s.memory, s.pages) ||
	    !spans_ok(&p->file[XAPT_POOL_LISTS], &s.lists, directory_pages(s.pages))) {
		free(g);
		return;
	}
	*g = (struct xapt_gift_record){
		.next = p->gifts, .slot = slot, .devid = s.devid, .directory = s.directory,
		.kind = (enum xapt_pool_kind)s.kind, .pages = s.pages, .memory = s.memory,
		.lists = s.lists,
	};
	for (i = 0; i < s.memory.n; i++)
		mark(&p->file[s.kind], &s.memory.span[i], true);
	for (i = 0; i < s.lists.n; i++)
		mark(&p->file[XAPT_POOL_LISTS], &s.lists.span[i], true);
	p->gifts = g;
}

static int restore_pages(struct xapt_pool *p, unsigned int kind, uint32_t pages)
{
	struct xapt_pool_file *f = &p->file[kind];
	size_t size = (size_t)pages * sizeof(*f->page);
	uint32_t i;

	if (!pages)
		return 0;
	f->page = pages > most_of(p, kind) || f->fd < 0 ? NULL : malloc(size);
	if (!f->page || pread(p->state, f->page, size, page_at(p, kind, 0)) != (ssize_t)size)
		return -1;
	for (i = 0; i < pages; i++)
		f->page[i].used = false;
	f->pages = f->free = pages;
	if (p->total)
		p->total->entries += pages;
	if (kind == XAPT_POOL_LISTS)
		return 0;
	p->pages += pages;
	if (p->total)
		p->total->pages += pages;
	return 0;
}

int xapt_pool_restore(struct xapt_pool *p, const int file[XAPT_POOL_FILES], int state)
{
	struct state_head head = { 0 };
	unsigned int kind;
	uint32_t slot;
	bool ok;

	p->state = state;
	for (kind = 0; kind < XAPT_POOL_FILES; kind++)
		p->file[kind].fd = file[kind];
	ok = state >= 0 && pread(state, &head, sizeof(head), 0) == sizeof(head) &&
	     head.magic == STATE_MAGIC && head.domid == p->domid &&
	     head.max_pages <= XENAPT_MAX_PAGES;
	/* The file is laid out by what was allowed then. */
	p->max_pages = ok ? head.max_pages : p->max_pages;
	for (kind = 0; ok && kind < XAPT_POOL_FILES; kind++)
		ok = !restore_pages(p, kind, head.pages[kind]);
	for (slot = 0; ok && slot < XAPT_POOL_LISTS_MAX(p->max_pages); slot++)
		restore_gift(p, slot);
	if (ok)
		return 0;
	xapt_pool_close(p);
	return xapt_error_set(EINVAL, "what an earlier process kept is not complete");
}
