// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile-mapper DOMID DEVID CASE: serves one connection of a device (server=program), maps the
 * guest's memory as a parent should, and lies about its end in one way:
 *	keeps	WITHDRAW is answered "ok", but all stays mapped, until SIGTERM; what was written to it
 *		before is then looked for
 *	again	WITHDRAW is answered as it should; after RELEASE it is mapped again
 * Says which requests came, and what Xen made of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parent.h"

#define PAGES_MAX	XENAPT_DIR_ENTRIES
#define WORDS		(XENAPT_PAGE_SIZE / 8)
#define MARK		0x6d61707065722121ull

static struct parent parent;
static const char *what;
static uint32_t gref[PAGES_MAX];
static unsigned int pages;
static uint64_t *memory;

static bool is(const char *name)
{
	return !strcmp(what, name);
}

/* The guest is the tests' own: its directory is not checked. */
static void fetch(const struct xenapt_request *q)
{
	struct xenapt_directory *d = xengnttab_map_grant_ref(parent.gnt, parent.domid, q->u.offer.directory,
							     PROT_READ);

	if (!d)
		die("the directory");
	pages = d->count <= PAGES_MAX ? d->count : PAGES_MAX;
	memcpy(gref, d->gref, pages * sizeof(*gref));
	xengnttab_unmap(parent.gnt, d, 1);
}

static void map(void)
{
	memory = xengnttab_map_domain_grant_refs(parent.gnt, pages, parent.domid, gref,
						 PROT_READ | PROT_WRITE);
	if (!memory)
		die("the guest's pages");
}

static void unmap(void)
{
	if (xengnttab_unmap(parent.gnt, memory, pages))
		die("unmap");
	memory = NULL;
}

static void serve(const struct xenapt_request *q)
{
	struct xenapt_response r = { .id = q->id, .type = q->type, .handle = 0x1234 };
	unsigned int i;

	switch (q->type) {
	case XENAPT_REQ_OPEN:
		r.value = q->u.open.wanted;
		break;
	case XENAPT_REQ_OFFER:
		fetch(q);
		break;
	case XENAPT_REQ_MAP:
		map();
		r.value = pages;
		break;
	case XENAPT_REQ_WITHDRAW:
		for (i = 0; i < pages * WORDS; i++)
			memory[i] = MARK + i;
		if (!is("keeps"))
			unmap();
		break;
	}
	printf("request=%u\n", q->type);
	parent_respond(&parent, r);
}

/* All of it is still what it was: nobody else got these pages. */
static void wait_and_look(void)
{
	unsigned int i, same = 0;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	printf("kept=%u\n", pages);
	sigwait(&set, &number);
	for (i = 0; i < pages * WORDS; i++)
		same += memory[i] == MARK + i;
	printf("words=%u same=%u\n", pages * WORDS, same);
}

static void map_again(void)
{
	unsigned int i, got = 0;

	for (i = 0; i < pages; i++)
		got += xengnttab_map_grant_ref(parent.gnt, parent.domid, gref[i], PROT_READ) != NULL;
	printf("tried=%u mapped=%u\n", pages, got);
}

int main(int argc, char **argv)
{
	struct xenapt_request q = { .type = 0 };
	sigset_t set;

	if (argc != 4) {
		fprintf(stderr, "usage: hostile-mapper DOMID DEVID CASE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	what = argv[3];
	parent_init(&parent, argv[1], argv[2], false);
	parent_offer(&parent);
	parent_accept(&parent);
	parent_wait_front(&parent, 4);
	printf("connected\n");
	while (q.type != XENAPT_REQ_RELEASE) {
		q = parent_must_request(&parent);
		serve(&q);
	}
	if (is("keeps"))
		wait_and_look();
	else
		map_again();
	/* The end of the process unmaps. */
	return 0;
}
