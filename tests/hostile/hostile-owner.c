// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile-owner DOMID DEVID CASE: a parent that owns the memory of an aperture, and breaks the contract
 * of its owner. The guest asks meanwhile (aperture-selftest keep DEV 4 4). Until SIGTERM: only who asks
 * knows when the guest is done. Says which requests came.
 *
 *	good		what an owner should do
 *	magic level count index zero	a header that lies
 *	unreadable	a directory that the guest may not read
 *	reference	a reference of a page that is nobody's
 *	read-only	pages granted read-only that should be writable
 *	changed		the directory is changed as soon as the OFFER is answered: the guest may find the old one or a lie
 *	withdrawn	the pages are not given any more as soon as they are mapped
 *	busy		WITHDRAW is refused for ever
 *	silent		WITHDRAW is never answered
 *	storm		events without end
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

#define PAGES 4u

static struct parent parent;
static const char *what;
static xengntshr_handle *shr;
static uint8_t *pages;
static struct xenapt_directory *directory;
static volatile sig_atomic_t ended;

static int is(const char *name)
{
	return !strcmp(what, name);
}

static void spoil(struct xenapt_directory *d)
{
	d->magic += is("magic");
	d->level += is("level");
	d->count += is("count");
	d->index += is("index");
	d->zero += is("zero");
	if (is("reference"))
		d->gref[PAGES - 1] = 0x7ffffff0;
}

/* Reference of a directory of pages that are granted to the guest. */
static uint32_t give(void)
{
	uint32_t gref[PAGES], reference;

	shr = xengntshr_open(NULL, 0);
	pages = shr ? xengntshr_share_pages(shr, parent.domid, PAGES, gref, !is("read-only")) : NULL;
	directory = pages ? xengntshr_share_pages(shr, parent.domid, 1, &reference, 0) : NULL;
	if (!directory)
		die("gntalloc");
	*directory = (struct xenapt_directory){ .magic = XENAPT_DIR_MAGIC, .level = XENAPT_DIR_LIST,
						.count = PAGES };
	memcpy(directory->gref, gref, sizeof(gref));
	spoil(directory);
	return is("unreadable") ? 0x7ffffff0 : reference;
}

static void reply(const struct xenapt_request *q, uint32_t status, uint64_t value)
{
	parent_respond(&parent, (struct xenapt_response){
		.id = q->id, .type = q->type, .status = status, .value = value,
		.handle = q->type == XENAPT_REQ_OPEN ? 0x1234 : q->u.named.handle });
}

static void withdraw_asked(const struct xenapt_request *q)
{
	if (is("silent"))
		return;
	reply(q, is("busy") ? XENAPT_E_BUSY : XENAPT_OK, 0);
}

static void storm(void)
{
	long end = now_us() + 2000000;
	unsigned long events = 0;

	for (; now_us() < end; events++)
		parent_notify(&parent);
	printf("events=%lu\n", events);
}

static void serve(const struct xenapt_request *q)
{
	switch (q->type) {
	case XENAPT_REQ_OPEN:
		reply(q, XENAPT_OK, q->u.open.wanted);
		break;
	case XENAPT_REQ_OFFER:
		reply(q, XENAPT_OK, give());
		if (is("changed"))
			memset(directory, 0xff, sizeof(*directory));
		break;
	case XENAPT_REQ_MAP:
		reply(q, XENAPT_OK, PAGES);
		if (is("withdrawn"))
			xengntshr_unshare(shr, pages, PAGES);
		if (is("storm"))
			storm();
		break;
	case XENAPT_REQ_WITHDRAW:
		withdraw_asked(q);
		break;
	default:
		reply(q, XENAPT_OK, 0);
	}
}

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

int main(int argc, char **argv)
{
	struct xenapt_request q;
	unsigned int seen[8] = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: hostile-owner DOMID DEVID CASE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	what = argv[3];
	parent_init(&parent, argv[1], argv[2], false);
	parent.all = true;
	parent_offer(&parent);
	parent_accept(&parent);
	parent_wait_front(&parent, 4);
	signal(SIGTERM, end);
	printf("connected\n");
	while (!ended) {
		if (!parent_request(&parent, &q, 100))
			continue;
		seen[0]++;
		seen[q.type < 8 ? q.type : 7]++;
		serve(&q);
	}
	printf("requests=%u offer=%u map=%u withdraw=%u release=%u state=%s\n", seen[0],
	       seen[XENAPT_REQ_OFFER], seen[XENAPT_REQ_MAP], seen[XENAPT_REQ_WITHDRAW],
	       seen[XENAPT_REQ_RELEASE], parent_get(&parent, parent.front, "state"));
	return seen[0] ? 0 : 2;
}
