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

#define MESSAGE_VERSION	1

enum message_type {
	/* to the worker */
	MESSAGE_CONNECT		= 1,	/* link; a descriptor of the stat file may come with it */
	MESSAGE_DISCONNECT	= 2,	/* answered by CLOSED */
	/* to the supervisor */
	MESSAGE_CONNECTED	= 16,
	MESSAGE_FAILED		= 17,	/* could not connect, or ended: status, text; it is unmapped */
	MESSAGE_CLOSED		= 18,
};

struct message {
	uint32_t version;
	uint32_t type;
	uint32_t devid;
	uint32_t epoch;
	uint32_t status;		/* enum xenapt_status */
	uint32_t zero;
	char text[96];
	struct xapt_link link;
};

/* extra: a descriptor to pass, or -1. 0, or -1 with errno. */
int message_send(int fd, struct message *m, int extra);

/*
 * 1 and *m, *extra (the caller's, or -1); 0: end of file; -1: errno, EAGAIN if there is none.
 * extra NULL: no descriptor is taken, whatever was sent.
 */
int message_receive(int fd, struct message *m, int *extra);

#endif
