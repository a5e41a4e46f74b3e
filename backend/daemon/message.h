/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the supervisor and a worker: one struct message per packet of a
 * SOCK_SEQPACKET pair. The supervisor does not trust the worker: it checks size,
 * version, type, and that the device and epoch are ones it asked about; text is
 * data. End of file: the other process is gone.
 */
#ifndef DAEMON_MESSAGE_H
#define DAEMON_MESSAGE_H

#include <stdint.h>

#include "connection.h"

#define MESSAGE_VERSION	6

enum message_type {
	/* to the worker */
	MESSAGE_CONNECT		= 1,	/* link; a descriptor of the stat file may come with it */
	MESSAGE_DISCONNECT	= 2,	/* answered by CLOSED */
	MESSAGE_GIVEN		= 3,	/* answers WISH: status, given or text, the pool's file */
	MESSAGE_RESERVED	= 4,	/* answers RESERVE: pages, or status and text */
	MESSAGE_OPENED		= 5,	/* answers OPEN: the file, or text */
	MESSAGE_MAPPED		= 6,	/* answers MAP and READS: status, an errno or 0; of MAP the file and index */
	/* to the supervisor */
	MESSAGE_CONNECTED	= 16,
	MESSAGE_FAILED		= 17,	/* could not connect, or ended: status, text; it is unmapped */
	MESSAGE_CLOSED		= 18,
	MESSAGE_WISH		= 19,	/* wish: memory of this side; the worker waits for GIVEN */
	MESSAGE_TAKE_BACK	= 20,	/* given.directory; status 1: released by the guest */
	MESSAGE_FAULT		= 21,	/* text: what it died of, in a moment */
	MESSAGE_RESERVE		= 22,	/* pages of the guest's that are to be mapped, 0: none; it waits */
	MESSAGE_UNRESERVE	= 23,	/* pages that are not mapped any more */
	MESSAGE_OPEN		= 24,	/* which of the device's files; it waits */
	MESSAGE_MAP		= 25,	/* pages: so many references are in maps.h's area; it waits */
	MESSAGE_READS		= 26,	/* can Xen read the first of them at least? It waits */
};

struct message {
	uint32_t version;
	uint32_t type;
	uint32_t devid;
	uint32_t epoch;
	uint32_t status;		/* enum xenapt_status, of MAPPED an errno */
	uint32_t sequence;		/* of what it waits for, and of the answers */
	uint32_t pages;
	uint32_t which;
	uint64_t index;			/* where mmap finds the first page, in octets */
	char text[160];
	struct xapt_link link;
	struct xapt_wish wish;
	struct xapt_given given;
	struct xapt_giving giving;	/* to the worker, always */
};

/*
 * A worker may be told to connect while it waits for an answer: what comes between is for later.
 * It waits so long, then goes on without; the answer that comes late is given back.
 */
#define MESSAGE_WAIT_MS	5000

/* extra: a descriptor to pass, or -1. 0, or -1 with errno. */
int message_send(int fd, struct message *m, int extra);

/*
 * 1 and *m, *extra (the caller's, or -1); 0: end of file; -1: errno, EAGAIN if there is none.
 * extra NULL: no descriptor is taken, whatever was sent.
 */
int message_receive(int fd, struct message *m, int *extra);

#endif
