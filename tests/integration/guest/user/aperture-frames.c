// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-frames DEV COUNT [SLOTS]: checksummed frames both ways between this program
 * and the parent, through the char device. Prints counts; status 1 when a frame or a
 * wake-up was lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aperture.h"

#define SLEEP_MS	5000
#define GIVE_UP_SECONDS	90

struct stream {
	struct aperture a;
	uint64_t count, slots, sent, got, bad, peer_sent, peer_got;
	struct check_frame *out, *in;
	uint64_t sleeps, interrupts, lost_here, lost_there;
	int err;
};

static uint64_t peer_index(struct stream *f, const uint64_t *where, uint64_t last, uint64_t limit)
{
	uint64_t v = __atomic_load_n(where, __ATOMIC_ACQUIRE);

	if (v >= last && v <= limit)
		return v;
	f->err = EPROTO;
	return last;
}

static void look(struct stream *f)
{
	struct check_parent *p = parent_block(&f->a);
	uint64_t limit = f->got + f->slots;

	f->peer_sent = peer_index(f, &p->sent, f->peer_sent, limit < f->count ? limit : f->count);
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
		__atomic_store_n(&child_block(&f->a)->sent, f->sent, __ATOMIC_RELEASE);
	return n;
}

static unsigned int consume(struct stream *f)
{
	struct check_frame frame;
	unsigned int n = 0;

	while (n < CHECK_BATCH && f->got < f->peer_sent) {
		memcpy(&frame, &f->in[f->got % f->slots], sizeof(frame));
		__atomic_signal_fence(__ATOMIC_SEQ_CST);	/* the copy is checked */
		f->bad += !check_frame_ok(&frame, f->got, 1);
		f->got++;
		n++;
	}
	if (n)
		__atomic_store_n(&child_block(&f->a)->got, f->got, __ATOMIC_RELEASE);
	return n;
}

static bool done(const struct stream *f)
{
	return f->err || (f->got == f->count && f->peer_got == f->count);
}

static void sleep_once(struct stream *f)
{
	struct xenapt_ioc_query before, after;
	bool work;
	int n;

	query(f->a.fd, &before);
	n = aperture_wait(f->a.fd, SLEEP_MS);
	f->sleeps++;
	if (n < 0) {
		f->err = -n;
		return;
	}
	f->interrupts += (uint64_t)n;
	query(f->a.fd, &after);
	if (n || !before.connected || !after.connected || before.epoch != after.epoch)
		return;
	look(f);
	work = f->got < f->peer_sent ||
	       (f->sent < f->count && f->sent - f->peer_got < f->slots);
	if (work)
		f->lost_here++;
	else
		f->lost_there++;
	aperture_doorbell(&f->a);
}

static void stream(struct stream *f)
{
	time_t moved = time(NULL);

	for (look(f); !done(f); look(f)) {
		if (consume(f) + produce(f)) {
			aperture_doorbell(&f->a);
			moved = time(NULL);
			continue;
		}
		sleep_once(f);
		if (time(NULL) > moved + GIVE_UP_SECONDS)
			f->err = ETIMEDOUT;
	}
}

static int run(struct stream *f)
{
	struct question start = { .command = CHECK_FRAMES, .length = check_frames_size(f->slots),
				  .argument = f->slots, .count = f->count };
	struct question stop = { .command = CHECK_STOP };
	struct check_parent answer;
	int err = aperture_ask(&f->a, &start, &answer);

	if (err) {
		printf("frames did not start: %s\n", strerror(-err));
		return 1;
	}
	stream(f);
	err = aperture_ask(&f->a, &stop, &answer);
	if (!err)
		err = -f->err;
	printf("count=%llu sent=%llu got=%llu bad=%llu parent_sent=%llu parent_got=%llu parent_bad=%llu\n",
	       (unsigned long long)f->count, (unsigned long long)f->sent,
	       (unsigned long long)f->got, (unsigned long long)f->bad,
	       (unsigned long long)answer.sent, (unsigned long long)answer.got,
	       (unsigned long long)answer.bad);
	printf("sleeps=%llu lost_wakeups=%llu lost_child=%llu lost_parent=%llu interrupts=%llu errno=%d\n",
	       (unsigned long long)f->sleeps, (unsigned long long)(f->lost_here + f->lost_there),
	       (unsigned long long)f->lost_here, (unsigned long long)f->lost_there,
	       (unsigned long long)f->interrupts, -err);
	printf("privilege=3 parent_pid=%u parent_privilege=%u\n", answer.pid, answer.privilege);
	return err || f->bad || answer.bad || answer.got != f->count || f->got != f->count ||
	       f->lost_here + f->lost_there;
}

int main(int argc, char **argv)
{
	struct stream f = { .slots = argc > 3 ? strtoull(argv[3], NULL, 0) : 256 };
	uint64_t size;
	int fd, err;

	if (argc < 3 || f.slots < 2 || f.slots > CHECK_SLOTS_MAX || f.slots & (f.slots - 1)) {
		fprintf(stderr, "usage: aperture-frames DEV COUNT [SLOTS: a power of two, 2..65536]\n");
		return 2;
	}
	f.count = strtoull(argv[2], NULL, 0);
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	size = (CHECK_DATA + check_frames_size(f.slots) + 4095) / 4096 * 4096;
	err = aperture_offer(&f.a, fd, size, size);
	if (!err)
		err = aperture_map(&f.a);
	if (err) {
		fprintf(stderr, "aperture-frames: %s (status %u)\n", strerror(-err),
			f.a.offer.status);
		return 1;
	}
	f.out = (struct check_frame *)(f.a.memory + CHECK_DATA);
	f.in = f.out + f.slots;
	return run(&f);
}
