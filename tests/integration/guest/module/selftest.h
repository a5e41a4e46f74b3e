/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * selftest.h - aperture_selftest.ko: tests of the in-kernel API against the "check"
 * device, driven line by line through /dev/aperture-selftest.
 *
 *	main.c     the file, the table of commands
 *	session.c  an aperture and the commands of check_layout.h in it
 *	sizes.c    negotiation, directories
 *	hold.c     apertures that stay between commands
 *	every.c    likewise, of each owner and direction
 *	hostile.c  requests and descriptions that no frontend makes
 *	frames.c   frames both ways
 *	file.c     a file through an aperture, in turns
 *	operate.c  operations with callbacks
 *	vectors.c  interrupts of a device's vectors
 *	ticks.c    ticks of the timer to a callback
 *	tickmarks.c one interrupt for each tick, to be seen in the hypervisor's trace
 *	badops.c   operations, and words in shared pages, that no frontend makes
 *	storm.c    a ring without an end, for some time
 *	record.c   state records that no device wrote
 *	isolation.c  references and handles that are told
 *	overstay.c memory of the parent's that is mapped longer than it is said to be
 *	strike.c   one poisoned word
 *	spoil.c    one poisoned word of a request or a directory
 *	ask.c      requests and operations all the time, which tell what became of the last ones
 *	cell.c     the cells of the matrix
 *	cycles.c   apertures made and ended, many times
 *	existing.c memory that existed, with the device "span"
 *	bench.c    round trips
 *	balloon.c  REP at a page that comes and goes
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <linux/types.h>
#include <linux/wait.h>
#include <xen/aperture.h>

#include "check_layout.h"

#define MAX_ARGS 16

/* One command line and what it says. */
struct run {
	unsigned int argc;
	char *argv[MAX_ARGS];
	char *out;
	size_t used, size;
};

__printf(2, 3)
void say(struct run *r, const char *fmt, ...);
int arg_u64(struct run *r, unsigned int i, u64 *value);		/* -EINVAL, and says why */
int arg_u64_or(struct run *r, unsigned int i, u64 *value, u64 otherwise);
/* connected, and held */
int arg_dev(struct run *r, unsigned int i, struct xen_aperture_dev **dev);

/* An aperture with the check device behind it. */
struct session {
	struct xen_aperture_dev *dev;
	struct xen_aperture *ap;
	void *memory;
	u64 size;			/* bytes of data */
	u32 sequence;
	wait_queue_head_t wait;
	atomic_t interrupts;
	u32 lost;			/* answers that no interrupt told of */
	u32 status;			/* of the contract, when open failed */
};

static inline struct check_child *child_block(struct session *s)
{
	return s->memory;
}

static inline struct check_parent *parent_block(struct session *s)
{
	return s->memory + sizeof(struct check_child);
}

static inline void *data_of(struct session *s)
{
	return s->memory + CHECK_DATA;
}

struct question {
	u32 command;
	u32 flags;
	u64 offset;
	u64 length;
	u64 argument;
	u64 count;
	u32 grefs;
};

int session_open(struct session *s, struct xen_aperture_dev *dev, u64 wanted, u64 least);
int session_make(struct session *s, struct xen_aperture_dev *dev,
		 const struct xen_aperture_wish *wish);
void session_close(struct session *s);
int session_ask(struct session *s, const struct question *q, struct check_parent *answer);

/* All of the data to the parent and back, transformed and verified. */
int round_trip(struct run *r, struct session *s);

/* A file, or its first bytes when that is not 0, in turns. */
int send_file(struct run *r, struct session *s, const char *path, u64 bytes);

int cmd_wait(struct run *r);
int cmd_info(struct run *r);
int cmd_sizes(struct run *r);
int cmd_directory(struct run *r);
int cmd_hold(struct run *r);
int cmd_drop(struct run *r);
int cmd_withdraw(struct run *r);
int cmd_gref(struct run *r);
int cmd_ping(struct run *r);
int cmd_roundtrip(struct run *r);
int cmd_send(struct run *r);
int cmd_busy(struct run *r);
int cmd_crash(struct run *r);
int cmd_inject(struct run *r);
int cmd_copy(struct run *r);
int cmd_handles(struct run *r);
int cmd_larger(struct run *r);
int cmd_reserved(struct run *r);
int cmd_badref(struct run *r);
int cmd_lies(struct run *r);
int cmd_frames(struct run *r);
int cmd_file(struct run *r);
int cmd_operate(struct run *r);
int cmd_fast(struct run *r);
int cmd_edges(struct run *r);
int cmd_both(struct run *r);
int cmd_race(struct run *r);
int cmd_tickmarks(struct run *r);
int cmd_held(struct run *r);
int cmd_ticks(struct run *r);
int cmd_badops(struct run *r);
int cmd_poke(struct run *r);
int cmd_peek(struct run *r);
int cmd_event(struct run *r);
int cmd_endless(struct run *r);
int cmd_storm(struct run *r);
int cmd_calm(struct run *r);
int cmd_garbage(struct run *r);
int cmd_record(struct run *r);
int cmd_offer(struct run *r);
int cmd_late(struct run *r);
int cmd_refused(struct run *r);
int cmd_cell(struct run *r);
int cmd_keep(struct run *r);
int cmd_unkeep(struct run *r);
int cmd_touch(struct run *r);
int cmd_overstay(struct run *r);
int cmd_memory(struct run *r);
int cmd_grantmap(struct run *r);
int cmd_rawopen(struct run *r);
int cmd_named(struct run *r);
int cmd_changed(struct run *r);
int cmd_strike(struct run *r);
int cmd_requests(struct run *r);
int cmd_spoil(struct run *r);
int cmd_ask(struct run *r);
int cmd_cycles(struct run *r);
int cmd_writer(struct run *r);
int cmd_every(struct run *r);
void writer_end(void);
void every_end(void);
int cmd_bench_echo(struct run *r);
int cmd_balloon(struct run *r);
int cmd_bench_operation(struct run *r);

/* Any request, on the slow lane; says the answer. */
int ask_raw(struct run *r, struct xen_aperture_dev *dev, const struct xenapt_request *q,
	    struct xenapt_response *rsp);
void *kept_memory(u64 *pages);		/* of keep; NULL: none */

void drop_all(void);
void isolation_end(void);
void overstay_end(void);

/* ones, zero, plus, minus */
u64 poisoned(const char *how, u64 was);

#endif /* SELFTEST_H */
