// SPDX-License-Identifier: GPL-2.0-only
/*
 * cell - one cell of the matrix, parent in user mode: touches the subject as the child asks in
 * talk (cell_layout.h), and says who it is that touched it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <xenaperture.h>

#include "cell_layout.h"

struct cell_device {
	struct xenaperture *xa;
	volatile uint8_t *talk;		/* NULL: not mapped */
	unsigned int talk_slot;
	volatile uint64_t *subject;
	uint64_t words;
	unsigned int subject_slot;
	uint64_t nonce;			/* that was given */
	uint32_t sequence;
};

static sigjmp_buf back;
static volatile sig_atomic_t armed, signal_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (!armed)
		abort();
	armed = 0;
	signal_code = info->si_code;
	siglongjmp(back, number);
}

/* A store that may fault; the worker has no other use of these signals. */
static uint32_t try_store(volatile uint64_t *word, uint64_t value, uint32_t *code)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction segv, bus;
	int number;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	number = sigsetjmp(back, 1);
	if (!number) {
		armed = 1;
		*word = value;
		armed = 0;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	*code = number ? (uint32_t)signal_code : 0;
	return number == SIGSEGV ? CELL_SIGSEGV : number ? CELL_SIGBUS : CELL_STORED;
}

/* What file of this process's mappings the memory is of: pages of a grant, or our own. */
static uint32_t pages_of(const volatile void *memory)
{
	unsigned long start, end, at = (uintptr_t)memory;
	FILE *maps = fopen("/proc/self/maps", "r");
	uint32_t pages = CELL_UNKNOWN;
	char line[256];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || at < start || at >= end)
			continue;
		pages = strstr(line, "/gntdev") ? CELL_OTHERS : strstr(line, "/gntalloc") ? CELL_OWN : 0;
	}
	if (maps)
		fclose(maps);
	return pages;
}

static void who(struct cell_who *w, const volatile void *memory)
{
	*w = (struct cell_who){
		.code = cell_here(),
		.memory = (uintptr_t)memory,
		.cs = cell_cs(),
		.pid = (uint32_t)getpid(),
	};
	w->kernel = w->code >> 63 && w->memory >> 63;
	w->pages = pages_of(memory);
	prctl(PR_GET_NAME, w->name, 0, 0, 0);
}

static uint32_t give(struct cell_device *d, uint64_t at)
{
	if (getrandom(&d->nonce, sizeof(d->nonce), 0) != sizeof(d->nonce))
		return CELL_E_COMMAND;
	d->subject[at] = d->nonce;
	xenaperture_interrupt(d->xa, d->subject_slot);
	return CELL_OK;
}

static uint32_t execute(struct cell_device *d, const struct cell_child *c, struct cell_parent *p)
{
	uint64_t at = c->offset / 8;

	if (!d->subject)
		return CELL_E_SUBJECT;
	if (c->offset % 8 || at >= d->words)
		return CELL_E_RANGE;
	switch (c->command) {
	case CELL_TAKE:
		p->value = cell_key(d->subject[at], c->key);
		return CELL_OK;
	case CELL_GIVE:
		return give(d, at);
	case CELL_JUDGE:
		return c->value == cell_key(d->nonce, c->key) ? CELL_OK : CELL_WRONG;
	case CELL_STORE:
		p->fault = try_store(&d->subject[at], c->value, &p->fault_code);
		return CELL_OK;
	case CELL_LOOK:
		p->value = d->subject[at] ^ c->key;
		return CELL_OK;
	default:
		return CELL_E_COMMAND;
	}
}

static void look(struct cell_device *d)
{
	const volatile struct cell_child *from = (const volatile void *)d->talk;
	struct cell_parent *to = (struct cell_parent *)(d->talk + CELL_HALF);
	struct cell_parent p = { 0 };
	struct cell_child c;

	c.sequence = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
	if (c.sequence == d->sequence)
		return;
	c.command = from->command;
	c.offset = from->offset;
	c.value = from->value;
	c.key = from->key;
	p.sequence = d->sequence;
	p.status = execute(d, &c, &p);
	who(&p.who, d->subject);
	memcpy(to, &p, sizeof(p));
	d->sequence = c.sequence;
	__atomic_store_n(&to->sequence, c.sequence, __ATOMIC_RELEASE);
	xenaperture_interrupt(d->xa, d->talk_slot);
}

static void *cell_create(struct xenaperture *xa, void *opaque)
{
	struct cell_device *d = calloc(1, sizeof(*d));

	(void)opaque;
	if (d)
		d->xa = xa;
	return d;
}

static int cell_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	struct cell_device *d = device;

	if (tag == CELL_TALK && length >= XENAPT_PAGE_SIZE && !d->talk) {
		d->talk = data;
		d->talk_slot = slot;
		d->sequence = 0;
		return 0;
	}
	if (tag != CELL_SUBJECT || length < 16 || (uintptr_t)data % 8 || d->subject)
		return -1;
	d->subject = data;
	d->words = length / 8;
	d->subject_slot = slot;
	return 0;
}

static int cell_withdraw(void *device, unsigned int slot, int force)
{
	struct cell_device *d = device;

	(void)force;
	if (d->talk && slot == d->talk_slot)
		d->talk = NULL;
	if (d->subject && slot == d->subject_slot)
		d->subject = NULL;
	return 0;
}

static void cell_doorbell(void *device, unsigned int slot)
{
	struct cell_device *d = device;

	if (d->talk && slot == d->talk_slot)
		look(d);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "cell",
	.create = cell_create,
	.destroy = free,
	.mapped = cell_mapped,
	.withdraw = cell_withdraw,
	.doorbell = cell_doorbell,
};
