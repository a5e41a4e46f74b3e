// SPDX-License-Identifier: GPL-2.0-only
/*
 * check - the tests' device: does to an aperture what check_layout.h says, and tells
 * what it saw. Everything in the aperture but our own private copy is peer data: our
 * block too, since the guest can write it.
 */
#include <errno.h>
#include <gcrypt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <xenaperture.h>
#include <xengnttab.h>

#include "check_layout.h"
#include "check_slow.h"

#define PAGE		4096u
#define ROUNDS		64	/* batches before the others get their turn */

struct frames {
	bool run;
	uint64_t base;		/* octet of the data where the child's slots start */
	uint64_t slots;
	uint64_t count;
	uint64_t child_sent;	/* as last seen: they never go back */
	uint64_t child_got;
};

struct slot {
	struct check *check;
	unsigned int number;
	uint8_t *memory;	/* NULL: not mapped, or read-only, too small or odd for commands */
	uint64_t size;		/* of the data behind the blocks */
	struct check_parent me;	/* the truth of our block */
	struct frames frames;
	gcry_md_hd_t total, total_after;
	bool hold;
};

struct check {
	struct check_apart apart;	/* first: check_slow.c */
	struct xenaperture *xa;
	struct slot slot[XENAPERTURE_SLOTS];
	int again;		/* eventfd: frames are left */
};

/* ---- the two blocks ---- */

static const volatile struct check_child *child_of(const struct slot *s)
{
	return (const volatile struct check_child *)s->memory;
}

static struct check_parent *parent_of(const struct slot *s)
{
	return (struct check_parent *)(s->memory + sizeof(struct check_child));
}

static uint8_t *data_of(const struct slot *s)
{
	return s->memory + CHECK_DATA;
}

/* A private copy, each word read once. */
static void copy_block(void *to, const void *from, size_t bytes)
{
	const volatile uint64_t *source = from;
	uint64_t *target = to;
	size_t i;

	for (i = 0; i < bytes / sizeof(*target); i++)
		target[i] = source[i];
}

/* All but sequence, then sequence: who sees it sees the rest. */
static void publish(struct slot *s, uint32_t sequence)
{
	struct check_parent *p = parent_of(s);
	uint32_t old = s->me.sequence;

	memcpy(p, &s->me, sizeof(*p));
	__atomic_store_n(&p->sequence, old, __ATOMIC_RELAXED);
	s->me.sequence = sequence;
	__atomic_store_n(&p->sequence, sequence, __ATOMIC_RELEASE);
}

/* ---- commands ---- */

static bool range_ok(const struct slot *s, uint64_t offset, uint64_t length)
{
	uint64_t end;

	return !__builtin_add_overflow(offset, length, &end) && end <= s->size;
}

static void hash(uint8_t *digest, const void *data, size_t length)
{
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, data, length);
}

static void read_total(gcry_md_hd_t md, uint8_t *digest)
{
	memcpy(digest, gcry_md_read(md, GCRY_MD_SHA256), 32);
}

static void close_totals(struct slot *s)
{
	gcry_md_close(s->total);
	gcry_md_close(s->total_after);
	s->total = NULL;
	s->total_after = NULL;
}

static uint32_t open_totals(struct slot *s)
{
	close_totals(s);
	if (gcry_md_open(&s->total, GCRY_MD_SHA256, 0) ||
	    gcry_md_open(&s->total_after, GCRY_MD_SHA256, 0))
		return CHECK_E_FAILED;
	return CHECK_OK;
}

/* DIGEST and TRANSFORM. */
static uint32_t digest(struct slot *s, const struct check_child *c)
{
	uint8_t *range = data_of(s) + c->offset;

	if (!range_ok(s, c->offset, c->length))
		return CHECK_E_RANGE;
	if (c->flags & CHECK_FIRST && open_totals(s))
		return CHECK_E_FAILED;
	if (c->flags & CHECK_LAST && !s->total)
		return CHECK_E_VALUE;
	hash(s->me.digest, range, c->length);
	if (s->total)
		gcry_md_write(s->total, range, c->length);
	if (c->command == CHECK_TRANSFORM) {
		check_transform(data_of(s), c->offset, c->length);
		hash(s->me.digest_after, range, c->length);
	}
	if (s->total)
		gcry_md_write(s->total_after, range, c->length);
	if (c->flags & CHECK_LAST) {
		read_total(s->total, s->me.total_digest);
		read_total(s->total_after, s->me.total_digest_after);
		close_totals(s);
	}
	s->me.value = c->length;
	return CHECK_OK;
}

static uint32_t copy_pages(struct slot *s, const struct check_child *c, uint8_t *to)
{
	xengnttab_grant_copy_segment_t segment[CHECK_GREFS] = { 0 };
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	uint32_t i;
	int err;

	for (i = 0; i < c->grefs; i++) {
		segment[i].flags = GNTCOPY_source_gref;
		segment[i].len = PAGE;
		segment[i].source.foreign.ref = c->gref[i];
		segment[i].source.foreign.domid = (uint16_t)xenaperture_domid(s->check->xa);
		segment[i].dest.virt = to + (size_t)i * PAGE;
	}
	err = gnttab ? xengnttab_grant_copy(gnttab, c->grefs, segment) : -1;
	s->me.value = err ? (uint64_t)errno : 0;
	if (gnttab)
		xengnttab_close(gnttab);
	for (i = 0; i < c->grefs && !err; i++)
		if (segment[i].status != GNTST_okay)
			return CHECK_E_FAILED;
	return err ? CHECK_E_FAILED : CHECK_OK;
}

/* The variant that must not pass where no hypervisor copy is allowed. */
static uint32_t copy(struct slot *s, const struct check_child *c)
{
	uint32_t status;
	uint8_t *pages;

	if (!c->grefs || c->grefs > CHECK_GREFS)
		return CHECK_E_VALUE;
	if (c->length > (uint64_t)c->grefs * PAGE || c->offset)
		return CHECK_E_RANGE;
	pages = aligned_alloc(PAGE, (size_t)c->grefs * PAGE);
	if (!pages)
		return CHECK_E_FAILED;
	status = copy_pages(s, c, pages);
	if (status == CHECK_OK)
		hash(s->me.digest, pages, c->length);
	free(pages);
	return status;
}

static uint32_t inject(struct slot *s, const struct check_child *c)
{
	uint64_t i;

	if (!c->argument || c->argument > 1000000)
		return CHECK_E_VALUE;
	for (i = 0; i < c->argument; i++)
		xenaperture_interrupt(s->check->xa, s->number);
	s->me.value = c->argument;
	return CHECK_OK;
}

static uint32_t frames_set(struct slot *s, const struct check_child *c)
{
	uint64_t slots = c->argument;

	if (slots < 2 || slots > CHECK_SLOTS_MAX || slots & (slots - 1) || c->offset % 8)
		return CHECK_E_VALUE;
	if (!range_ok(s, c->offset, check_frames_size(slots)))
		return CHECK_E_RANGE;
	s->frames = (struct frames){
		.run = true,
		.base = c->offset,
		.slots = slots,
		.count = c->count,
	};
	return CHECK_OK;
}

static uint32_t frames_start(struct slot *s, const struct check_child *c)
{
	s->me.sent = 0;
	s->me.got = 0;
	s->me.bad = 0;
	return frames_set(s, c);
}

static uint32_t execute(struct slot *s, const struct check_child *c)
{
	bool digests = c->command == CHECK_DIGEST || c->command == CHECK_TRANSFORM;

	if (c->magic != CHECK_MAGIC || c->flags & ~(digests ? CHECK_FIRST | CHECK_LAST : 0))
		return CHECK_E_COMMAND;
	switch (c->command) {
	case CHECK_PING:
		s->me.value = ~c->argument;
		return CHECK_OK;
	case CHECK_DIGEST:
	case CHECK_TRANSFORM:
		return digest(s, c);
	case CHECK_COPY:
		return copy(s, c);
	case CHECK_FRAMES:
		return frames_start(s, c);
	case CHECK_STOP:
		s->me.value = s->me.got - s->me.bad;
		return CHECK_OK;
	case CHECK_HOLD:
		if (c->argument > 1)
			return CHECK_E_VALUE;
		s->hold = c->argument;
		return CHECK_OK;
	case CHECK_CRASH:
		return CHECK_OK;
	case CHECK_INJECT:
		return inject(s, c);
	default:
		return CHECK_E_COMMAND;
	}
}

/* True: there was a command. */
static bool command(struct slot *s)
{
	struct check_child c;
	uint32_t sequence;

	sequence = __atomic_load_n(&child_of(s)->sequence, __ATOMIC_ACQUIRE);
	if (sequence == s->me.sequence)
		return false;
	copy_block(&c, s->memory, sizeof(c));
	s->frames.run = false;
	s->me.value = 0;
	s->me.status = execute(s, &c);
	s->me.commands++;
	publish(s, sequence);
	xenaperture_interrupt(s->check->xa, s->number);
	if (c.command == CHECK_CRASH && s->me.status == CHECK_OK)
		abort();
	return true;
}

/* ---- frames ---- */

static struct check_frame *frame(const struct slot *s, unsigned int from, uint64_t index)
{
	const struct frames *f = &s->frames;

	return (struct check_frame *)(data_of(s) + f->base) + from * f->slots +
	       index % f->slots;
}

/* The child's two indices, checked. False: impossible. */
static bool frames_look(struct slot *s)
{
	struct frames *f = &s->frames;
	uint64_t sent = __atomic_load_n(&child_of(s)->sent, __ATOMIC_ACQUIRE);
	uint64_t got = __atomic_load_n(&child_of(s)->got, __ATOMIC_ACQUIRE);

	if (sent < f->child_sent || sent < s->me.got || sent - s->me.got > f->slots ||
	    sent > f->count || got < f->child_got || got > s->me.sent)
		return false;
	f->child_sent = sent;
	f->child_got = got;
	return true;
}

static unsigned int receive(struct slot *s)
{
	unsigned int n;

	for (n = 0; n < CHECK_BATCH && s->me.got < s->frames.child_sent; n++) {
		struct check_frame f;

		copy_block(&f, frame(s, 0, s->me.got), sizeof(f));
		if (!check_frame_ok(&f, s->me.got, 0))
			s->me.bad++;
		s->me.got++;
	}
	if (n) {
		__atomic_store_n(&parent_of(s)->bad, s->me.bad, __ATOMIC_RELAXED);
		__atomic_store_n(&parent_of(s)->got, s->me.got, __ATOMIC_RELEASE);
	}
	return n;
}

static unsigned int send(struct slot *s)
{
	const struct frames *f = &s->frames;
	unsigned int n;

	for (n = 0; n < CHECK_BATCH && s->me.sent < f->count &&
	     s->me.sent - f->child_got < f->slots; n++) {
		struct check_frame out = { 0 };

		check_frame_fill(&out, s->me.sent, 1);
		memcpy(frame(s, 1, s->me.sent), &out, sizeof(out));
		s->me.sent++;
	}
	if (n)
		__atomic_store_n(&parent_of(s)->sent, s->me.sent, __ATOMIC_RELEASE);
	return n;
}

/* A batch each way. False: nothing to do, or the end. */
static bool batch(struct slot *s)
{
	if (!frames_look(s)) {
		s->frames.run = false;
		s->me.status = CHECK_E_INDEX;
		__atomic_store_n(&parent_of(s)->status, s->me.status, __ATOMIC_RELEASE);
		xenaperture_interrupt(s->check->xa, s->number);
		return false;
	}
	if (receive(s) + send(s) == 0)
		return false;
	xenaperture_interrupt(s->check->xa, s->number);
	return true;
}

static void frames(struct slot *s)
{
	unsigned int n;

	if (!s->frames.run)
		return;
	/* We look by ourselves while there is work: no events meanwhile. */
	xenaperture_mask(s->check->xa, s->number);
	for (n = 0; n < ROUNDS && batch(s); n++)
		;
	xenaperture_unmask(s->check->xa, s->number);
	/* Once more: what was announced while masked. */
	if (s->frames.run && (n == ROUNDS || batch(s)))
		eventfd_write(s->check->again, 1);
}

static void look(struct slot *s)
{
	command(s);
	frames(s);
}

/* ---- the device ---- */

static void *check_create(struct xenaperture *xa, void *opaque)
{
	struct check *c = calloc(1, sizeof(*c));
	unsigned int i;

	(void)opaque;
	if (!c)
		return NULL;
	/* A device that cannot even start. */
	if (xenaperture_setting(xa, "abort"))
		abort();
	gcry_check_version(NULL);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	c->xa = xa;
	for (i = 0; i < XENAPERTURE_SLOTS; i++) {
		c->slot[i].check = c;
		c->slot[i].number = i;
	}
	c->again = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->again >= 0 && !xenaperture_listen(xa, c->again, EPOLLIN))
		return c;
	if (c->again >= 0)
		close(c->again);
	free(c);
	return NULL;
}

static void check_destroy(void *device)
{
	struct check *c = device;

	xenaperture_listen(c->xa, c->again, 0);
	close(c->again);
	free(c);
}

static unsigned int privilege(void)
{
	unsigned long cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	return cs & 3;
}

/* After a restart our own block is there, as the guest left it. */
static void resume(struct slot *s)
{
	struct check_parent old;
	struct check_child c;

	copy_block(&old, parent_of(s), sizeof(old));
	copy_block(&c, s->memory, sizeof(c));
	s->me.magic = CHECK_MAGIC;
	s->me.pid = (uint32_t)getpid();
	s->me.uid = getuid();
	s->me.privilege = privilege();
	if (old.magic == CHECK_MAGIC) {
		s->me.sequence = old.sequence;
		s->me.sent = old.sent;
		s->me.got = old.got;
		s->me.bad = old.bad;
	}
	if (c.magic == CHECK_MAGIC && c.command == CHECK_FRAMES && c.sequence == old.sequence &&
	    old.magic == CHECK_MAGIC && old.status == CHECK_OK)
		s->me.status = frames_set(s, &c);
	publish(s, s->me.sequence);
}

static int check_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	struct check *check = device;
	struct slot *s = &check->slot[slot];

	*s = (struct slot){ .check = check, .number = slot };
	if (length < CHECK_DATA || (uintptr_t)data % 8 ||
	    (tag != CHECK_STORES && xenaperture_aperture_flags(check->xa, slot) & XENAPERTURE_READ_ONLY))
		return 0;
	s->memory = data;
	s->size = length - CHECK_DATA;
	resume(s);
	look(s);
	return 0;
}

static int check_withdraw(void *device, unsigned int slot, int force)
{
	struct slot *s = &((struct check *)device)->slot[slot];

	if (s->hold && !force)
		return -1;
	close_totals(s);
	s->memory = NULL;
	return 0;
}

static void check_doorbell(void *device, unsigned int slot)
{
	struct slot *s = &((struct check *)device)->slot[slot];

	if (s->memory)
		look(s);
	else
		xenaperture_interrupt(s->check->xa, slot);
}

static void check_signal(void *device, unsigned int n)
{
	xenaperture_interrupt_device(((struct check *)device)->xa, n);
}

static void check_ready(void *device, int fd, uint32_t events)
{
	struct check *c = device;
	eventfd_t n;
	unsigned int i;

	(void)events;
	eventfd_read(fd, &n);
	for (i = 0; i < XENAPERTURE_SLOTS; i++)
		if (c->slot[i].memory)
			look(&c->slot[i]);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "check",
	.create = check_create,
	.destroy = check_destroy,
	.mapped = check_mapped,
	.withdraw = check_withdraw,
	.doorbell = check_doorbell,
	.signal = check_signal,
	.ready = check_ready,
	.model = &check_model,
	.slow = &check_slow,
};
