/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the worker asks the supervisor for, and waits for the answer: memory of this side,
 * that it may map more of the guest's, and files. What else the supervisor says meanwhile is kept.
 */
#ifndef DAEMON_WISHES_H
#define DAEMON_WISHES_H

#include <stdbool.h>

#include "give.h"
#include "message.h"

struct kept_message;

struct wishes {
	struct xapt_giver giver;
	int fd;				/* control channel */
	uint32_t (*epoch)(uint32_t devid);
	uint32_t sequence;
	uint64_t reserved, used;	/* pages to map, of all that the supervisor lets this worker */
	struct kept_message *first;
	bool broken;			/* the supervisor is gone */
	void (*gone)(void);		/* ... and was asked something: does not return, or NULL */
};

void wishes_init(struct wishes *w, int fd, uint32_t (*epoch)(uint32_t devid));

/* The next message: one that was kept, else of the channel; like message_receive(). */
int wishes_receive(struct wishes *w, struct message *m, int *extra);

/*
 * Sends m and waits for the answer, which becomes *m, *fd (the caller's, or -1). 0, or -1 with
 * errno and xapt_error(): none came.
 */
int wishes_ask(struct wishes *w, struct message *m, int *fd);

/* Is one kept? No event tells. */
bool wishes_kept(const struct wishes *w);

/* A file of a device's: files.h. A descriptor, the caller's, or -1 with xapt_error(). */
int wishes_open(struct wishes *w, uint32_t devid, uint32_t epoch, unsigned int which);

/* An answer that nobody waits for any more. */
void wishes_late(struct wishes *w, const struct message *m);

#endif
