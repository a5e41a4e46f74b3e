// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-poison DEV slow|fast [WORD]: walks over the words of the shared pages, of requests and of
 * directories as the child. Each gets each poison; what then happens is compared with the table of
 * docs/protocol.md. A connection that ended is made again by loading the driver for the device anew.
 *
 * aperture-poison DEV slow|fast names: tells a parent that does the same which name last_error has, in
 * the domain's node data/last_error, each time that it changes, until /tmp/stop is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "aperture.h"
#include "check_registers.h"
#include "operate.h"
#include "poison_fields.h"
#include "poison_table.h"
#include "poison_words.h"
#include "xs.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

#define NO_LINE "no line in the table"
#define NAME_US	1000000		/* times the rig's patience; how soon it is there, poison-time measures */

static const char *const poisons[POISON_VALUES] = { "ones", "zero", "plus", "minus" };

static unsigned int dev, total;
static long patience = 1;
static const char *lane;
static int fast;
static struct aperture ap = { .fd = -1 };
static long slowest_us = -1;
static char node[XS_VALUE_MAX + 16];	/* the parent's, "error" */

/* The same clock as the self-test's. */
static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long now_ms(void)
{
	return now_us() / 1000;
}

/* Its words, with the newline cut off. */
static const char *attribute(const char *name)
{
	static char text[256];
	char path[128];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/xen/devices/aperture-%u/aperture/%s", dev, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* A command of the self-test's: 0, or an errno; its output in text. */
static int selftest(const char *line, char *text, size_t size)
{
	int fd = open("/dev/aperture-selftest", O_RDWR), err = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	if (write(fd, line, strlen(line)) < 0)
		err = errno;
	n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return err;
}

/* ---- the connection ---- */

static void hold(void)
{
	long start = now_ms();
	int err = -1;

	if (ap.fd >= 0)
		close(ap.fd);
	while (err && now_ms() - start < 20000) {
		char path[40];

		snprintf(path, sizeof(path), "/dev/xen/aperture%u", dev);
		ap.fd = open(path, O_RDWR | O_CLOEXEC);
		if (ap.fd >= 0) {
			err = aperture_offer(&ap, ap.fd, 8192, 8192);
			if (!err)
				err = aperture_map(&ap);
			if (!err)
				return;
			close(ap.fd);
		}
		usleep(20000);
	}
	printf("no aperture: %s\n", strerror(-err));
	exit(1);
}

static void let_go(void)
{
	munmap(ap.memory, ap.offer.granted);
	close(ap.fd);
	ap.fd = -1;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int one_operation(struct op *op)
{
	*op = (struct op){ .reg = CHECK_HASH, .size = 8, .direction = XENAPT_OP_EXCHANGE, .value = 1 };
	return operate(ap.fd, op, 1);
}

/* The driver leaves the device and comes again: how a child restarts. */
static void connect_again(void)
{
	struct op op, reset = { .reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE };
	char name[40], path[128];
	long start = now_ms();

	let_go();
	snprintf(name, sizeof(name), fast ? "aperture-fast-%u" : "aperture-%u", dev);
	snprintf(path, sizeof(path), "/sys/bus/xen/devices/%s/driver/unbind", name);
	put(path, name);
	snprintf(path, sizeof(path), "/sys/bus/xen/drivers/%s/bind", fast ? "xen-aperture-fast" : "xen-aperture");
	put(path, name);
	hold();
	do {
		/* A record that was spoilt on the way is refused by name: that is another table's. */
		if (!one_operation(&op) && op.status == 87)
			operate(ap.fd, &reset, 1);
		if (!op.status && op.lane == (fast ? XENAPT_LANE_FAST : XENAPT_LANE_SLOW))
			return;
		usleep(10000);
	} while (now_ms() - start < 20000);
	printf("the next connection does not work: status %u lane %u\n", op.status, op.lane);
	exit(1);
}

/* ---- what happens ---- */

static void put_question(void)
{
	struct check_child *c = child_block(&ap);

	c->command = CHECK_PING;
	c->flags = 0;
	__atomic_store_n(&c->sequence, ++ap.sequence, __ATOMIC_RELEASE);
}

/* The answer to the last question, and the interrupt that tells of it. */
static const char *answered(void)
{
	struct check_parent *p = parent_block(&ap);
	long start = now_ms();
	int heard = 0;

	while (now_ms() - start < 300) {
		if (!heard)
			heard = aperture_wait(ap.fd, 20) > 0;
		if (__atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE) == ap.sequence && heard)
			return "ok";
	}
	return __atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE) == ap.sequence ? "unheard" : "deaf";
}

/* A question through the aperture. */
static const char *ping(void)
{
	while (aperture_wait(ap.fd, 0) > 0)
		;
	put_question();
	aperture_doorbell(&ap);
	return answered();
}

static int ended(void)
{
	const char *text = attribute(fast ? "fast_last_error" : "last_error");

	return *text && strcmp(text, "OK");
}

/* "E_RING child" from "E_RING child: text"; when it was there. */
static const char *child_says(long *at)
{
	static char name[64];
	long start = now_us();
	const char *text;

	do {
		text = attribute(fast ? "fast_last_error" : "last_error");
		*at = now_us();
		if (strcmp(text, "OK") && *text) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":"), text);
			return name;
		}
		usleep(300);
	} while (*at - start < NAME_US * patience);
	return "no name";
}

/* "E_RING" of the node "error" of the parent, which it takes away with the next connection. */
static const char *parent_says(long *at)
{
	static char text[XS_VALUE_MAX + 1];
	long start = now_us();
	int n;

	do {
		n = xs_get(node, text);
		*at = now_us();
		if (n > 0) {
			text[strcspn(text, ":")] = '\0';
			return text;
		}
		usleep(300);
	} while (*at - start < NAME_US * patience);
	return "no name";
}

/* Both ends must have it; us: from since until they do. A number that has no name ends as E_GONE there. */
static const char *named_error(long since, long *us)
{
	static char both[160];
	long child_at, parent_at;
	const char *child = child_says(&child_at), *parent = parent_says(&parent_at);
	size_t n = strcspn(child, " ");

	*us = (child_at > parent_at ? child_at : parent_at) - since;
	if (!strncmp(child, parent, n) && !parent[n])
		return child;
	if (!strncmp(child, "E_?", 3) && !strcmp(parent, "E_GONE"))
		return child;
	snprintf(both, sizeof(both), "%s, the parent says %.60s", child, parent);
	return both;
}

/* us: of the operation. */
static const char *judge_alive(int signals, unsigned int *status, long *us)
{
	static char text[40];
	long start = now_us();
	const char *heard;
	struct op op;
	int err;

	err = one_operation(&op);
	*us = now_us() - start;
	*status = err ? 1000 : op.status;
	heard = signals ? ping() : "ok";
	if (strcmp(heard, "ok"))
		return heard;
	if (*status == 87 || *status == 88)
		return *status == 87 ? "E_RECORD" : "E_RECORD_VERSION";
	snprintf(text, sizeof(text), "status %u", *status);
	return *status ? text : "harmless";
}

static void heal(const struct poison_word *w, unsigned long long was, unsigned int status)
{
	struct op reset = { .reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE };
	char line[128], text[200];

	if (w->page == POISON_RECORD && w->count == 1 && strcmp(w->name, "record.head")) {
		snprintf(line, sizeof(line), "poke %u record %u %u %#llx", dev, w->offset, w->size, was);
		selftest(line, text, sizeof(text));
	} else if (w->keeps) {
		snprintf(line, sizeof(line), "strike %u %u %s %#llx", dev, fast ? 1 : 2, w->name, was);
		selftest(line, text, sizeof(text));
	}
	/* What was raised while masked is taken with the lane's next event. */
	if (w->keeps && w->page == POISON_MASK && fast) {
		snprintf(line, sizeof(line), "strike %u 2 ring.reserved zero", dev);
		selftest(line, text, sizeof(text));
	}
	if (status)
		operate(ap.fd, &reset, 1);
}

static const char *expected(const char *word, unsigned int value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(poison_table); i++)
		if (!strcmp(poison_table[i].word, word) &&
		    !strcmp(poison_table[i].writer, fast ? "child, fast lane" : "child, slow lane"))
			return poison_table[i].outcome[value];
	return NO_LINE;
}

/* One of those that the table admits: "this or that". */
static int admitted(const char *outcome, const char *want)
{
	size_t n = strlen(outcome);

	for (; want; want = strstr(want, " or ") ? strstr(want, " or ") + 4 : NULL)
		if (!strncmp(want, outcome, n) && (!want[n] || !strncmp(want + n, " or ", 4)))
			return 1;
	return 0;
}

/* A word of the other lane only. */
static int elsewhere(const char *word)
{
	unsigned int i;

	if (strcmp(expected(word, 0), NO_LINE))
		return 0;
	for (i = 0; i < ARRAY_SIZE(poison_table); i++)
		if (!strcmp(poison_table[i].word, word) && !strncmp(poison_table[i].writer, "child", 5))
			return 1;
	return 0;
}

/* us < 0: nothing was named. */
static void say(const char *word, unsigned int value, long us, const char *outcome, const char *want)
{
	int right = admitted(outcome, want);

	total++;
	wrong += !right;
	if (us > slowest_us)
		slowest_us = us;
	printf("%s lane=%s word=%s value=%s us=%ld outcome=\"%s\"%s%s%s\n", right ? "ok" : "not ok", lane,
	       word, poisons[value], us, outcome, right ? "" : " expected=\"", right ? "" : want,
	       right ? "" : "\"");
}

struct struck {
	unsigned long long was, is;
	unsigned int answer;		/* to the request: an errno */
	long event_us, request_us;
};

/* The operations before it leave nothing 0 in the slot. */
static int strike(const struct poison_word *w, unsigned int value, struct struck *s)
{
	char line[128], text[200];
	struct op op;
	int err;

	if (poison_is_of_record(w) && (one_operation(&op) || one_operation(&op)))
		return EIO;
	snprintf(line, sizeof(line), "strike %u %u %s %s", dev, fast ? 1 : 2, w->name, poisons[value]);
	put_question();
	err = selftest(line, text, sizeof(text));
	if (!err && sscanf(text, "was=%llx is=%llx answer=%u event_us=%ld request_us=%ld", &s->was, &s->is,
			   &s->answer, &s->event_us, &s->request_us) != 5)
		err = EPROTO;
	return err;
}

static void one_word(const struct poison_word *w, unsigned int value)
{
	const char *outcome, *want = expected(w->name, value);
	unsigned int status = 0;
	struct struck s = { 0 };
	long us = -1, since;
	int tries = 0, over, err;

	do
		err = strike(w, value, &s);
	while (!err && s.was == s.is && strcmp(want, "harmless") && ++tries < 8);
	over = err || s.answer == ENOTCONN;
	if (err)
		outcome = strerror(err);
	else if (s.answer)
		outcome = strerror((int)s.answer);
	else
		outcome = judge_alive(!poison_is_of_record(w) || !value, &status, &us);
	if (!status)
		us = -1;
	over = over || ended();		/* perhaps after the request was answered */
	/* What the parent finds counts from its event; what this side finds, from the request that brings it one. */
	since = w->page != POISON_EVENT && strstr(want, " parent") ? s.event_us : s.request_us;
	if (over && !err)
		outcome = named_error(since, &us);
	say(w->name, value, us, outcome, want);
	if (over)
		connect_again();
	else
		heal(w, s.was, status);
	/* Pending until the word is well again: not lost. */
	if ((!strcmp(outcome, "deaf") || !strcmp(outcome, "unheard")) && strcmp(answered(), "ok"))
		say(w->name, value, -1, "lost", want);
}

static void one_field(const struct poison_field *f, unsigned int value, unsigned int number)
{
	const char *outcome, *want = expected(f->name, value);
	char line[128], text[200], name[40], refusal[60];
	unsigned int status = 0, answer = 0;
	long us = -1, request_us = 0, unused;
	int err, over;

	snprintf(line, sizeof(line), "spoil %u %u %s %s %u", dev, fast ? 1 : 2, f->name, poisons[value], number);
	err = selftest(line, text, sizeof(text));
	if (!err && sscanf(text, "answer=%u status=%39s us=%ld request_us=%ld", &answer, name, &us, &request_us) != 4)
		err = EPROTO;
	over = err || answer == ENOTCONN;
	outcome = err || answer ? strerror(err ? err : (int)answer) :
		  judge_alive(!value && !number, &status, &unused);
	if (!err && !answer && strcmp(name, "OK") && !strcmp(outcome, "harmless")) {
		snprintf(refusal, sizeof(refusal), "%s answer", name);
		outcome = refusal;
	} else {
		us = -1;
	}
	over = over || ended();
	if (over && !err)
		outcome = named_error(request_us, &us);
	say(f->name, value, us, outcome, want);
	if (over)
		connect_again();
}

/* ---- what last_error says, for the other side ---- */

static int tell_names(void)
{
	char last[256] = "";
	const char *text;

	while (access("/tmp/stop", F_OK)) {
		text = attribute(fast ? "fast_last_error" : "last_error");
		if (strcmp(text, last)) {
			snprintf(last, sizeof(last), "%s", text);
			xs_put("data/last_error", text, strlen(text));
		}
		usleep(1000);
	}
	return 0;
}

static int chosen(const char *word, const char *which)
{
	return (!which || !strncmp(word, which, strlen(which))) && !elsewhere(word);
}

int main(int argc, char **argv)
{
	const char *which = argc > 3 ? argv[3] : NULL;
	char path[60];
	unsigned int i, value, n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: aperture-poison DEV slow|fast [WORD|names]\n");
		return 2;
	}
	if (getenv("RIG_PATIENCE") && atol(getenv("RIG_PATIENCE")) > 0)
		patience = atol(getenv("RIG_PATIENCE"));
	dev = (unsigned int)strtoul(argv[1], NULL, 0);
	lane = argv[2];
	fast = !strcmp(lane, "fast");
	snprintf(path, sizeof(path), "device/%s/%u/backend", fast ? "aperture-fast" : "aperture", dev);
	if (xs_open_bus() || xs_get(path, node) <= 0) {
		perror(path);
		return 2;
	}
	strcat(node, "/error");
	if (which && !strcmp(which, "names"))
		return tell_names();
	hold();
	for (i = 0; i < ARRAY_SIZE(poison_words); i++)
		for (value = 0; value < POISON_VALUES && chosen(poison_words[i].name, which); value++)
			one_word(&poison_words[i], value);
	for (i = 0; i < ARRAY_SIZE(poison_requests); i++)
		for (value = 0; value < POISON_VALUES && chosen(poison_requests[i].name, which); value++)
			for (n = 0; n < poison_requests[i].count; n++)
				one_field(&poison_requests[i], value, n);
	printf("poisons=%u wrong=%u slowest_us=%ld\n", total, wrong, slowest_us);
	return wrong || !total;
}
