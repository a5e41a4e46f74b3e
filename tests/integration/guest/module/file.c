// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file through an aperture, in turns when it is larger: the kernel fills it, the
 * parent hashes it and transforms it in place, the kernel verifies what came back.
 */
#include <crypto/sha2.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "selftest.h"

struct transfer {
	struct session *s;
	struct file *file;
	u64 size;			/* bytes of the file that go through */
	u64 bytes, turns;
	struct sha256_state total, total_after;
	struct check_parent answer;
};

static void hash(const void *data, u64 n, struct sha256_state *total, u8 *digest)
{
	struct sha256_state turn;
	u64 at, part;

	sha256_init(&turn);
	for (at = 0; at < n; at += part) {
		part = min_t(u64, n - at, SZ_256K);
		sha256_update(&turn, data + at, part);
		if (total)
			sha256_update(total, data + at, part);
		cond_resched();
	}
	sha256_final(&turn, digest);
}

/* As much as fits; less only at the end of the file. */
static ssize_t fill(struct transfer *t, loff_t *pos)
{
	u64 room = min_t(u64, rounddown(t->s->size, 8), t->size - *pos), n = 0;
	ssize_t got;

	while (n < room) {
		got = kernel_read(t->file, data_of(t->s) + n, min_t(u64, room - n, SZ_256K), pos);
		if (got < 0)
			return got;
		if (!got)
			break;
		n += got;
	}
	return n;
}

static int wrong(struct run *r, const struct transfer *t, const char *what)
{
	say(r, "turn %llu: %s\n", t->turns, what);
	return -EILSEQ;
}

/* digest is of what was sent. Transformed back, what came must be that again. */
static int verify(struct run *r, struct transfer *t, u64 n, const u8 *digest)
{
	u8 back[SHA256_DIGEST_SIZE];

	if (memcmp(digest, t->answer.digest, sizeof(back)))
		return wrong(r, t, "the parent's hash of what it found differs");
	hash(data_of(t->s), n, &t->total_after, back);
	if (memcmp(back, t->answer.digest_after, sizeof(back)))
		return wrong(r, t, "the parent's hash of what it made differs");
	if (!memcmp(back, digest, sizeof(back)))
		return wrong(r, t, "nothing was transformed");
	check_transform(data_of(t->s), 0, n);
	hash(data_of(t->s), n, NULL, back);
	if (memcmp(back, digest, sizeof(back)))
		return wrong(r, t, "what came back is not the file transformed");
	return 0;
}

static int turn(struct run *r, struct transfer *t, u64 n, bool last)
{
	struct question q = { .command = CHECK_TRANSFORM, .length = n };
	u8 digest[SHA256_DIGEST_SIZE];
	int err;

	q.flags = (t->turns ? 0 : CHECK_FIRST) | (last ? CHECK_LAST : 0);
	hash(data_of(t->s), n, &t->total, digest);
	err = session_ask(t->s, &q, &t->answer);
	if (err) {
		say(r, "turn %llu: no answer of the parent: error %d\n", t->turns, err);
		return err;
	}
	t->turns++;
	t->bytes += n;
	return verify(r, t, n, digest);
}

static int all_turns(struct run *r, struct transfer *t)
{
	loff_t pos = 0;
	ssize_t n;
	int err;

	sha256_init(&t->total);
	sha256_init(&t->total_after);
	do {
		n = fill(t, &pos);
		if (n <= 0)
			return n ? n : wrong(r, t, "the file is empty");
		err = turn(r, t, n, pos >= t->size);
	} while (!err && pos < t->size);
	return err;
}

static int report(struct run *r, struct transfer *t)
{
	u8 sent[SHA256_DIGEST_SIZE], back[SHA256_DIGEST_SIZE];
	u64 size = xen_aperture_size(t->s->ap);

	sha256_final(&t->total, sent);
	sha256_final(&t->total_after, back);
	say(r, "bytes=%llu turns=%llu granted=%llu pages=%llu\n", t->bytes, t->turns, size,
	    size / XENAPT_PAGE_SIZE);
	say(r, "sha256_child=%*phN\nsha256_parent=%*phN\n", 32, sent, 32, t->answer.total_digest);
	say(r, "sha256_back_child=%*phN\nsha256_back_parent=%*phN\n", 32, back, 32,
	    t->answer.total_digest_after);
	say(r, "pid=%u uid=%u privilege=%u interrupts=%d lost=%u\n", t->answer.pid, t->answer.uid,
	    t->answer.privilege, atomic_read(&t->s->interrupts), t->s->lost);
	if (memcmp(sent, t->answer.total_digest, sizeof(sent)))
		return wrong(r, t, "the parent's hash of the whole file differs");
	if (memcmp(back, t->answer.total_digest_after, sizeof(back)))
		return wrong(r, t, "the parent's hash of the whole file transformed differs");
	return 0;
}

int send_file(struct run *r, struct session *s, const char *path, u64 bytes)
{
	struct transfer t = { .s = s, .size = bytes };
	int err;

	t.file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(t.file)) {
		say(r, "file %s: error %ld\n", path, PTR_ERR(t.file));
		return PTR_ERR(t.file);
	}
	if (!t.size)
		t.size = i_size_read(t.file->f_mapping->host);
	err = all_turns(r, &t) ?: report(r, &t);
	filp_close(t.file, NULL);
	return err;
}

int cmd_file(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct session s;
	u64 size, bytes;
	int err;

	err = arg_u64(r, 3, &size) ?: arg_u64_or(r, 4, &bytes, 0) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	err = session_open(&s, dev, size, 2 * XENAPT_PAGE_SIZE);
	if (err) {
		say(r, "status=%s errno=%d\n", xen_aperture_status_name(s.status), -err);
	} else {
		err = send_file(r, &s, r->argv[2], bytes);
		session_close(&s);
	}
	xen_aperture_dev_put(dev);
	return err;
}
