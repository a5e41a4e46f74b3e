// SPDX-License-Identifier: GPL-2.0-only
/* Frames both ways: check_layout.h says how. One thread produces and consumes. */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "selftest.h"

#define SLEEP_SECONDS	5u	/* nothing at all in so long: was a wake-up lost? */
#define GIVE_UP_SECONDS	90u

struct stream {
	struct session *s;
	u64 count, slots;
	u64 sent, got, bad;		/* ours: the truth */
	u64 peer_sent, peer_got;	/* copies, checked */
	struct check_frame *out, *in;
	u64 sleeps, lost_here, lost_there;
	int err;
};

/* An index of the peer: never back, never further than it can be. */
static u64 peer_index(struct stream *f, const u64 *where, u64 last, u64 limit)
{
	u64 v = smp_load_acquire(where);

	if (v >= last && v <= limit)
		return v;
	f->err = -EPROTO;
	return last;
}

static void look(struct stream *f)
{
	struct check_parent *p = parent_block(f->s);

	f->peer_sent = peer_index(f, &p->sent, f->peer_sent,
				  min(f->got + f->slots, f->count));
	f->peer_got = peer_index(f, &p->got, f->peer_got, f->sent);
}

static unsigned int produce(struct stream *f)
{
	unsigned int n = 0;

	while (n < CHECK_BATCH && f->sent < f->count && f->sent - f->peer_got < f->slots) {
		check_frame_fill(&f->out[f->sent % f->slots], f->sent, 0);
		f->sent++;
		n++;
	}
	if (n)
		smp_store_release(&child_block(f->s)->sent, f->sent);
	return n;
}

static unsigned int consume(struct stream *f)
{
	struct check_frame frame;
	unsigned int n = 0;

	while (n < CHECK_BATCH && f->got < f->peer_sent) {
		memcpy(&frame, &f->in[f->got % f->slots], sizeof(frame));
		barrier();	/* the copy is what is checked */
		f->bad += !check_frame_ok(&frame, f->got, 1);
		f->got++;
		n++;
	}
	if (n) {
		WRITE_ONCE(child_block(f->s)->bad, f->bad);
		smp_store_release(&child_block(f->s)->got, f->got);
	}
	return n;
}

static bool work(struct stream *f)
{
	look(f);
	return f->err || f->got < f->peer_sent ||
	       (f->sent < f->count && f->sent - f->peer_got < f->slots);
}

static bool done(const struct stream *f)
{
	return f->err || (f->got == f->count && f->peer_got == f->count);
}

/* Nobody woke this side for so long. With work here, or work left there: lost. */
static void slept_too_long(struct stream *f, bool connected)
{
	if (!connected || xen_aperture_dev_wait(f->s->dev, 0))
		return;		/* an outage: nobody there to wake anybody */
	if (work(f))
		f->lost_here++;
	else
		f->lost_there++;
	xen_aperture_doorbell(f->s->ap);
}

static void sleep_once(struct stream *f)
{
	int before = atomic_read(&f->s->interrupts);
	bool connected = !xen_aperture_dev_wait(f->s->dev, 0);
	long left;

	if (xen_aperture_unmask(f->s->ap) || work(f) || done(f))
		return;
	f->sleeps++;
	left = wait_event_interruptible_timeout(f->s->wait,
						atomic_read(&f->s->interrupts) != before,
						SLEEP_SECONDS * HZ);
	if (left < 0)
		f->err = -EINTR;
	else if (!left)
		slept_too_long(f, connected);
}

static void stream(struct stream *f)
{
	unsigned long moved = jiffies;

	xen_aperture_mask(f->s->ap);
	for (look(f); !done(f); look(f)) {
		if (consume(f) + produce(f)) {
			xen_aperture_doorbell(f->s->ap);
			moved = jiffies;
			cond_resched();
			if (signal_pending(current))
				f->err = -EINTR;
			continue;
		}
		sleep_once(f);
		xen_aperture_mask(f->s->ap);
		if (time_after(jiffies, moved + GIVE_UP_SECONDS * HZ))
			f->err = -ETIMEDOUT;
	}
	xen_aperture_unmask(f->s->ap);
}

static int start_and_stop(struct run *r, struct session *s, struct stream *f)
{
	struct question start = { .command = CHECK_FRAMES, .length = check_frames_size(f->slots),
				  .argument = f->slots, .count = f->count };
	struct question stop = { .command = CHECK_STOP };
	struct check_parent answer;
	int err;

	WRITE_ONCE(child_block(s)->sent, 0);
	WRITE_ONCE(child_block(s)->got, 0);
	WRITE_ONCE(child_block(s)->bad, 0);
	err = session_ask(s, &start, &answer);
	if (err) {
		say(r, "frames did not start: error %d\n", err);
		return err;
	}
	stream(f);
	err = session_ask(s, &stop, &answer) ?: f->err;
	say(r, "count=%llu sent=%llu got=%llu bad=%llu parent_sent=%llu parent_got=%llu parent_bad=%llu\n",
	    f->count, f->sent, f->got, f->bad, answer.sent, answer.got, answer.bad);
	say(r, "sleeps=%llu lost_wakeups=%llu lost_child=%llu lost_parent=%llu interrupts=%d errno=%d\n",
	    f->sleeps, f->lost_here + f->lost_there + s->lost, f->lost_here, f->lost_there,
	    atomic_read(&s->interrupts), -err);
	if (err)
		return err;
	if (f->bad || answer.bad || answer.got != f->count || f->got != f->count)
		return -EILSEQ;
	return f->lost_here + f->lost_there + s->lost ? -ELNRNG : 0;
}

int cmd_frames(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct stream f = {};
	struct session s;
	u64 size;
	int err;

	err = arg_u64(r, 2, &f.count) ?: arg_u64_or(r, 3, &f.slots, 256);
	if (err)
		return err;
	if (f.slots < 2 || f.slots > CHECK_SLOTS_MAX || !is_power_of_2(f.slots)) {
		say(r, "slots is %llu, must be a power of two, 2..%u\n", f.slots,
		    CHECK_SLOTS_MAX);
		return -EINVAL;
	}
	err = arg_dev(r, 1, &dev);
	if (err)
		return err;
	size = PAGE_ALIGN(CHECK_DATA + check_frames_size(f.slots));
	err = session_open(&s, dev, size, size);
	if (err) {
		say(r, "status=%s errno=%d\n", xen_aperture_status_name(s.status), -err);
	} else {
		f.s = &s;
		f.out = data_of(&s);
		f.in = f.out + f.slots;
		err = start_and_stop(r, &s, &f);
		session_close(&s);
	}
	xen_aperture_dev_put(dev);
	return err;
}
