// SPDX-License-Identifier: GPL-2.0-only
/* Negotiation of sizes; directories of every shape. */
#include <crypto/sha2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "selftest.h"

static void say_result(struct run *r, const struct session *s, u64 wanted, u64 least, int err)
{
	u64 granted = err ? 0 : xen_aperture_size(s->ap);

	say(r, "wanted=%llu least=%llu granted=%llu pages=%llu status=%s errno=%d\n", wanted,
	    least, granted, granted / XENAPT_PAGE_SIZE, xen_aperture_status_name(s->status), -err);
}

int cmd_sizes(struct run *r)
{
	struct xen_aperture_dev *dev;
	u64 wanted, least;
	struct session s;
	int err;

	err = arg_u64(r, 2, &wanted) ?: arg_u64(r, 3, &least) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	err = session_open(&s, dev, wanted, least);
	say_result(r, &s, wanted, least, err);
	if (!err)
		session_close(&s);
	xen_aperture_dev_put(dev);
	return err;
}

static u64 pattern(u64 word)
{
	return (word + 1) * 0xd1342543de82ef95ull;
}

static void fill(struct session *s)
{
	u64 i, *data = data_of(s);

	for (i = 0; i < s->size / 8; i++) {
		data[i] = pattern(i);
		if (i % SZ_1M == 0)
			cond_resched();
	}
}

/* Every word transformed by the parent, in its place. */
static int verify(struct run *r, struct session *s)
{
	u64 i, *data = data_of(s);

	for (i = 0; i < s->size / 8; i++) {
		if ((READ_ONCE(data[i]) ^ check_key(i)) != pattern(i)) {
			say(r, "wrong word %llu, in page %llu\n", i,
			    (i * 8 + CHECK_DATA) / PAGE_SIZE);
			return -EILSEQ;
		}
		if (i % SZ_1M == 0)
			cond_resched();
	}
	return 0;
}

int round_trip(struct run *r, struct session *s)
{
	struct question q = { .command = CHECK_TRANSFORM, .length = s->size,
			      .flags = CHECK_FIRST | CHECK_LAST };
	struct check_parent answer;
	u8 digest[SHA256_DIGEST_SIZE];
	int err;

	fill(s);
	sha256(data_of(s), s->size, digest);
	err = session_ask(s, &q, &answer);
	if (err) {
		say(r, "parent's answer: error %d\n", err);
		return err;
	}
	say(r, "sha256_child=%*phN\nsha256_parent=%*phN\n", 32, digest, 32, answer.digest);
	say(r, "pid=%u uid=%u privilege=%u child_privilege=%u lost=%u\n", answer.pid, answer.uid,
	    answer.privilege, 0, s->lost);
	if (memcmp(digest, answer.digest, sizeof(digest)))
		return -EILSEQ;
	return verify(r, s);
}

int cmd_directory(struct run *r)
{
	struct xen_aperture_dev *dev;
	struct session s;
	u64 pages, size;
	int err;

	err = arg_u64(r, 2, &pages) ?: arg_dev(r, 1, &dev);
	if (err)
		return err;
	size = pages * XENAPT_PAGE_SIZE;
	err = session_open(&s, dev, size, size);
	say_result(r, &s, size, size, err);
	if (!err) {
		err = round_trip(r, &s);
		session_close(&s);
	}
	xen_aperture_dev_put(dev);
	return err;
}
