// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-poison DEV slow|fast [WORD]: walks over the words of the shared pages as the child. Each gets
 * each poison; what then happens is compared with the table of docs/protocol.md. A
 * connection that ended is made again by loading the driver for the device anew.
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
#include "poison_table.h"
#include "poison_words.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

#define NO_LINE "no line in the table"

static const char *const poisons[POISON_VALUES] = { "ones", "zero", "plus", "minus" };

static unsigned int dev, total;
static const char *lane;
static int fast;
static struct aperture ap = { .fd = -1 };
static long slowest_us;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

/* A question through the aperture, and the interrupt that tells of its answer. */
static const char *ping(void)
{
	struct check_parent *p = parent_block(&ap);
	long start = now_ms();
	int heard = 0;

	while (aperture_wait(ap.fd, 0) > 0)
		;
	put_question();
	aperture_doorbell(&ap);
	while (now_ms() - start < 300) {
		if (!heard)
			heard = aperture_wait(ap.fd, 20) > 0;
		if (__atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE) == ap.sequence && heard)
			return "ok";
	}
	return __atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE) == ap.sequence ? "unheard" : "deaf";
}

static int ended(void)
{
	const char *text = attribute(fast ? "fast_last_error" : "last_error");

	return *text && strcmp(text, "OK");
}

/* "E_RING child" from "E_RING child: text" */
static const char *named_error(void)
{
	static char name[64];
	long start = now_ms();
	const char *text;

	do {
		text = attribute(fast ? "fast_last_error" : "last_error");
		if (strcmp(text, "OK") && *text) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":"), text);
			return name;
		}
		usleep(500);
	} while (now_ms() - start < 1000);
	return "no name";
}

static const char *judge_alive(unsigned int *status)
{
	static char text[40];
	const char *heard;
	struct op op;
	int err;

	err = one_operation(&op);
	*status = err ? 1000 : op.status;
	heard = ping();
	if (*status == 87 || *status == 88)
		return *status == 87 ? "E_RECORD" : "E_RECORD_VERSION";
	if (*status) {
		snprintf(text, sizeof(text), "status %u", *status);
		return text;
	}
	return !strcmp(heard, "ok") ? "harmless" : heard;
}

static void heal(const struct poison_word *w, unsigned long long was, unsigned int status)
{
	struct op reset = { .reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE };
	char line[128], text[200];

	if (w->keeps) {
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

static void one(const struct poison_word *w, unsigned int value)
{
	unsigned int status = 0, answer = 0;
	unsigned long long was = 0;
	const char *outcome, *want = expected(w->name, value);
	char line[128], text[200];
	long us = -1, event_us = -1;
	int err, right;

	snprintf(line, sizeof(line), "strike %u %u %s %s", dev, fast ? 1 : 2, w->name, poisons[value]);
	put_question();
	err = selftest(line, text, sizeof(text));
	if (!err && sscanf(text, "was=%llx answer=%u us=%ld event_us=%ld", &was, &answer, &us, &event_us) != 4)
		err = EPROTO;
	if (err)
		outcome = strerror(err);
	else if (answer == ENOTCONN)
		outcome = named_error();
	else
		outcome = answer ? strerror((int)answer) : judge_alive(&status);
	if (!answer && !err && ended()) {
		answer = ENOTCONN;	/* found after the request was answered */
		outcome = named_error();
	}
	/* What the parent finds counts from its event; what this side finds, from the request that brings it one. */
	if (strstr(outcome, " parent") && w->page != POISON_EVENT)
		us = event_us;
	right = admitted(outcome, want);
	total++;
	wrong += !right;
	printf("%s lane=%s word=%s value=%s us=%ld status=%u outcome=\"%s\"%s%s%s\n",
	       right ? "ok" : "not ok", lane, w->name, poisons[value], us, status, outcome,
	       right ? "" : " expected=\"", right ? "" : want, right ? "" : "\"");
	if ((answer || err) && us > slowest_us)
		slowest_us = us;
	if (answer == ENOTCONN || err)
		connect_again();
	else
		heal(w, was, status);
}

int main(int argc, char **argv)
{
	unsigned int i, value;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: aperture-poison DEV slow|fast [WORD]\n");
		return 2;
	}
	dev = (unsigned int)strtoul(argv[1], NULL, 0);
	lane = argv[2];
	fast = !strcmp(lane, "fast");
	hold();
	for (i = 0; i < ARRAY_SIZE(poison_words); i++)
		if ((argc < 4 || !strncmp(poison_words[i].name, argv[3], strlen(argv[3]))) &&
		    !elsewhere(poison_words[i].name))
			for (value = 0; value < POISON_VALUES; value++)
				one(&poison_words[i], value);
	printf("poisons=%u wrong=%u slowest_us=%ld\n", total, wrong, slowest_us);
	return wrong || !total;
}
