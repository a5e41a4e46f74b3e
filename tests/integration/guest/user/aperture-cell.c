// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-cell DEV: the cells of the matrix with this program as the child, against a device
 * "cell" or "kcell". A line for each; status 1 when one failed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "aperture.h"
#include "cell_run.h"

#define PAGES	3u
#define UNALIGNED 1000u		/* octets before the buffer in its first page */

struct ends {
	struct aperture talk;
	uint32_t subject_slot;
	uint32_t sequence;
};

static int cell_ask(struct cell *c, const struct cell_child *question, struct cell_parent *answer)
{
	struct ends *e = c->priv;
	struct cell_child *to = (struct cell_child *)e->talk.memory;
	struct cell_parent *from = (struct cell_parent *)(e->talk.memory + CELL_HALF);
	int n;

	*to = *question;
	__atomic_store_n(&to->sequence, ++e->sequence, __ATOMIC_RELEASE);
	if (ioctl(e->talk.fd, XENAPT_IOC_DOORBELL, e->subject_slot) ||
	    ioctl(e->talk.fd, XENAPT_IOC_DOORBELL, e->talk.offer.slot))
		return -errno;
	while (__atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE) != e->sequence) {
		n = aperture_wait(e->talk.fd, 10000);
		if (n <= 0)
			return n ? n : -ETIMEDOUT;
	}
	*answer = *from;
	return 0;
}

static void cell_sync(struct cell *c)
{
	struct ends *e = c->priv;

	ioctl(e->talk.fd, XENAPT_IOC_SYNC, e->subject_slot);
}

static uint64_t cell_random(void)
{
	uint64_t x = 0;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		abort();
	return x;
}

static sigjmp_buf back;
static volatile sig_atomic_t signal_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	signal_code = info->si_code;
	siglongjmp(back, number);
}

static uint32_t cell_store(volatile uint64_t *word, uint64_t value, uint32_t *code)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int number;

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	number = sigsetjmp(back, 1);
	if (!number)
		*word = value;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	*code = number ? (uint32_t)signal_code : 0;
	return number == SIGSEGV ? CELL_SIGSEGV : number ? CELL_SIGBUS : CELL_STORED;
}

static void cell_measure(struct cell *c)
{
	c->me = (struct cell_who){
		.code = cell_here(), .memory = (uintptr_t)c->subject, .cs = cell_cs(),
		.pid = (uint32_t)getpid(),
	};
	c->me.kernel = c->me.code >> 63 && c->me.memory >> 63;
	prctl(PR_GET_NAME, c->me.name, 0, 0, 0);
}

static int open_talk(struct aperture *talk, int fd)
{
	*talk = (struct aperture){ .fd = fd,
				   .offer = { .wanted = 4096, .least = 4096, .tag = CELL_TALK } };
	if (ioctl(fd, XENAPT_IOC_OFFER, &talk->offer))
		return -errno;
	talk->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    (off_t)talk->offer.offset);
	return talk->memory == MAP_FAILED ? -errno : 0;
}

static int subject_made(struct cell *c, struct ends *e, uint32_t flags, uint32_t *status)
{
	struct xenapt_ioc_offer o = { .wanted = PAGES * 4096, .least = PAGES * 4096, .flags = flags,
				      .tag = CELL_SUBJECT };
	int fd = e->talk.fd, prot = PROT_READ | (c->child_writes ? PROT_WRITE : 0), err;
	void *p;

	err = ioctl(fd, XENAPT_IOC_OFFER, &o) ? -errno : 0;
	*status = o.status;
	if (err)
		return err;
	e->subject_slot = o.slot;
	p = mmap(NULL, o.granted, prot, MAP_SHARED, fd, (off_t)o.offset);
	if (p == MAP_FAILED)
		return -errno;
	c->subject = p;
	c->words = o.granted / 8;
	if (c->child_writes)
		return 0;
	/* A reader cannot make it more than that. */
	if (mmap(NULL, o.granted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)o.offset) != MAP_FAILED ||
	    !mprotect(p, o.granted, PROT_READ | PROT_WRITE))
		return cell_fail(c, "child-mapping-writable");
	return 0;
}

/* Memory that is there and in use: neither its address nor its length are of pages. */
static int subject_existing(struct cell *c, struct ends *e, uint32_t flags, uint32_t *status)
{
	struct xenapt_ioc_offer_memory o = { .length = PAGES * 4096 - 8, .flags = flags,
					     .tag = CELL_SUBJECT };
	uint8_t *p = mmap(NULL, (PAGES + 1) * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (p == MAP_FAILED)
		return -errno;
	memset(p, 0x5a, (PAGES + 1) * 4096);
	o.address = (uintptr_t)(p + UNALIGNED);
	err = ioctl(e->talk.fd, XENAPT_IOC_OFFER_MEMORY, &o) ? -errno : 0;
	*status = o.status;
	e->subject_slot = o.slot;
	c->subject = (volatile uint64_t *)(p + UNALIGNED);
	c->words = o.length / 8;
	return err;
}

static int subject_end(struct cell *c, struct ends *e)
{
	struct xenapt_ioc_withdraw w = { .slot = e->subject_slot };

	munmap((void *)((uintptr_t)c->subject & ~4095ul), PAGES * 4096);
	return ioctl(e->talk.fd, XENAPT_IOC_WITHDRAW, &w) ? -errno : 0;
}

static int one(struct ends *e, int existing, int parent_owned, uint32_t read_only)
{
	struct cell c = { .priv = e };
	uint32_t flags = read_only | (parent_owned ? XENAPT_OFFER_PARENT_OWNED : 0), status = 0;
	int err;

	c.parent_owned = parent_owned;
	c.child_writes = read_only != XENAPT_OFFER_CHILD_READ_ONLY;
	c.parent_writes = read_only != XENAPT_OFFER_PARENT_READ_ONLY;
	err = existing ? subject_existing(&c, e, flags, &status) : subject_made(&c, e, flags, &status);
	if (err)
		cell_fail(&c, "open");
	if (!err) {
		cell_run(&c);
		err = subject_end(&c, e);
		if (err)
			cell_fail(&c, "end");
	}
	c.error = err ? err : c.error;
	printf("cell child=user memory=%s owner=%s direction=%s status=%u " CELL_FORMAT,
	       existing ? "existing" : "new", parent_owned ? "parent" : "child",
	       c.child_writes ? c.parent_writes ? "both" : "parent-reads" : "child-reads", status,
	       CELL_ARGS(&c));
	return c.wrong != NULL;
}

int main(int argc, char **argv)
{
	static const uint32_t direction[] = { 0, XENAPT_OFFER_CHILD_READ_ONLY,
					      XENAPT_OFFER_PARENT_READ_ONLY };
	struct ends e = { 0 };
	unsigned int owner, i, wrong = 0;
	int fd, err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = argc == 2 ? device_open((unsigned int)strtoul(argv[1], NULL, 0)) : -1;
	if (fd < 0)
		return 2;
	err = open_talk(&e.talk, fd);
	if (err) {
		printf("talk: %s status=%u\n", strerror(-err), e.talk.offer.status);
		return 2;
	}
	for (owner = 0; owner < 2; owner++)
		for (i = 0; i < 3; i++)
			wrong += one(&e, 0, (int)owner, direction[i]);
	wrong += one(&e, 1, 0, 0);
	wrong += one(&e, 1, 0, XENAPT_OFFER_PARENT_READ_ONLY);
	return wrong ? 1 : 0;
}
