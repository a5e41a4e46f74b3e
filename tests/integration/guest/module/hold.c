// SPDX-License-Identifier: GPL-2.0-only
/* Apertures that stay between commands, by number. */
#include <crypto/sha2.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "selftest.h"

#define MAX_HELD 64u

static struct session *held[MAX_HELD];
static DEFINE_MUTEX(held_lock);

static int put(struct session *s, unsigned int *id)
{
	unsigned int i;

	mutex_lock(&held_lock);
	for (i = 0; i < MAX_HELD && held[i]; i++)
		;
	if (i < MAX_HELD)
		held[i] = s;
	mutex_unlock(&held_lock);
	*id = i;
	return i < MAX_HELD ? 0 : -EUSERS;
}

static void end(struct session *s)
{
	session_close(s);
	xen_aperture_dev_put(s->dev);
	kfree(s);
}

/* Sessions are used by one command at a time: tests are written so. */
static int find(struct run *r, struct session **s, bool take)
{
	u64 id;
	int err = arg_u64(r, 1, &id);

	if (err)
		return err;
	mutex_lock(&held_lock);
	*s = id < MAX_HELD ? held[id] : NULL;
	if (*s && take)
		held[id] = NULL;
	mutex_unlock(&held_lock);
	if (!*s)
		say(r, "no aperture %llu is held\n", id);
	return *s ? 0 : -ENOENT;
}

int cmd_hold(struct run *r)
{
	struct session *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct xen_aperture_dev *dev;
	struct xen_aperture_wish wish = { .least = XENAPT_PAGE_SIZE };
	unsigned int id;
	u64 flags;
	int err;

	if (!s)
		return -ENOMEM;
	err = arg_u64(r, 2, &wish.wanted) ?: arg_u64_or(r, 3, &flags, 0) ?: arg_dev(r, 1, &dev);
	if (err) {
		kfree(s);
		return err;
	}
	wish.flags = flags;
	err = session_make(s, dev, &wish);
	if (err) {
		say(r, "status=%s errno=%d\n", xen_aperture_status_name(s->status), -err);
		xen_aperture_dev_put(dev);
		kfree(s);
		return err;
	}
	err = put(s, &id);
	if (err) {
		end(s);
		return err;
	}
	say(r, "id=%u granted=%llu\n", id, xen_aperture_size(s->ap));
	return 0;
}

int cmd_drop(struct run *r)
{
	struct session *s;
	int err;

	if (!strcmp(r->argv[1], "all")) {
		drop_all();
		return 0;
	}
	err = find(r, &s, true);
	if (!err)
		end(s);
	return err;
}

void drop_all(void)
{
	struct session *s;
	unsigned int i;

	for (i = 0; i < MAX_HELD; i++) {
		mutex_lock(&held_lock);
		s = held[i];
		held[i] = NULL;
		mutex_unlock(&held_lock);
		if (s)
			end(s);
	}
	every_end();
}

int cmd_withdraw(struct run *r)
{
	struct session *s;
	int err = find(r, &s, false);

	if (err)
		return err;
	err = xen_aperture_withdraw(s->ap);
	say(r, "errno=%d\n", -err);
	return err;
}

/* The reference of its first page. */
int cmd_gref(struct run *r)
{
	struct session *s;
	int err = find(r, &s, false);

	if (!err)
		say(r, "gref=%u\n", xen_aperture_test_gref(s->ap, 0));
	return err;
}

static int ask(struct run *r, const struct question *q, struct check_parent *answer,
	       struct session **s)
{
	int err = find(r, s, false) ?: session_ask(*s, q, answer);

	if (err == -EREMOTEIO)
		say(r, "parent's status %u, value %llu\n", answer->status, answer->value);
	return err;
}

int cmd_ping(struct run *r)
{
	struct question q = { .command = CHECK_PING, .argument = jiffies };
	struct check_parent answer;
	struct session *s;
	int err = ask(r, &q, &answer, &s);

	if (err)
		return err;
	say(r, "pid=%u uid=%u privilege=%u commands=%llu lost=%u\n", answer.pid, answer.uid,
	    answer.privilege, answer.commands, s->lost);
	return answer.value == ~q.argument ? 0 : -EILSEQ;
}

int cmd_roundtrip(struct run *r)
{
	struct session *s;

	return find(r, &s, false) ?: round_trip(r, s);
}

int cmd_send(struct run *r)
{
	struct session *s;
	u64 bytes;

	return arg_u64_or(r, 3, &bytes, 0) ?: find(r, &s, false) ?:
	       send_file(r, s, r->argv[2], bytes);
}

int cmd_busy(struct run *r)
{
	struct question q = { .command = CHECK_HOLD };
	struct check_parent answer;
	struct session *s;

	return arg_u64(r, 2, &q.argument) ?: ask(r, &q, &answer, &s);
}

int cmd_crash(struct run *r)
{
	struct question q = { .command = CHECK_CRASH };
	struct check_parent answer;
	struct session *s;
	int err = ask(r, &q, &answer, &s);

	if (!err)
		say(r, "pid=%u\n", answer.pid);
	return err;
}

/* Interrupts may become fewer on the way, but at least one comes after the last. */
int cmd_inject(struct run *r)
{
	struct question q = { .command = CHECK_INJECT };
	struct check_parent answer;
	struct session *s;
	int err, before;

	err = arg_u64(r, 2, &q.argument) ?: find(r, &s, false);
	if (err)
		return err;
	before = atomic_read(&s->interrupts);
	err = ask(r, &q, &answer, &s);
	if (!err)
		say(r, "injected=%llu interrupts=%d lost=%u\n", answer.value,
		    atomic_read(&s->interrupts) - before, s->lost);
	return err;
}

/* The parent copies instead of using its mapping: what a trace must be able to see. */
int cmd_copy(struct run *r)
{
	struct question q = { .command = CHECK_COPY };
	u8 digest[SHA256_DIGEST_SIZE];
	struct check_parent answer;
	struct session *s;
	unsigned int i;
	u64 pages;
	int err;

	err = arg_u64(r, 2, &pages) ?: find(r, &s, false);
	if (err)
		return err;
	if (!pages || pages > CHECK_GREFS || (pages + 1) * PAGE_SIZE > s->size) {
		say(r, "pages is %llu, must be 1..%u and fit\n", pages, CHECK_GREFS);
		return -EINVAL;
	}
	for (i = 0; i < pages; i++)	/* not the first page: it changes meanwhile */
		child_block(s)->gref[i] = xen_aperture_test_gref(s->ap, i + 1);
	q.grefs = pages;
	q.length = pages * PAGE_SIZE;
	sha256(s->memory + PAGE_SIZE, q.length, digest);
	err = ask(r, &q, &answer, &s);
	if (err)
		return err;
	say(r, "sha256_child=%*phN\nsha256_parent=%*phN\n", 32, digest, 32, answer.digest);
	return memcmp(digest, answer.digest, sizeof(digest)) ? -EILSEQ : 0;
}

int cmd_info(struct run *r)
{
	struct xen_aperture_dev *dev;
	unsigned int i, count = 0;
	int err = arg_dev(r, 1, &dev);

	if (err)
		return err;
	for (i = 0; i < MAX_HELD; i++)
		count += held[i] && held[i]->dev == dev;
	say(r, "held=%u\n", count);
	xen_aperture_dev_put(dev);
	return 0;
}

